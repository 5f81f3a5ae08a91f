//! An upstream that answers as a test tells it, and remembers what it was sent.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

use crate::client::PATIENCE;

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Request {
    /// Method and target, like `POST /v1/messages?x=1`.
    pub line: String,
    /// Header lines, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Request {
    /// A header's value.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }
}

/// What is done after a request.
pub enum Step {
    /// These bytes are written as they are.
    Bytes(Vec<u8>),
    /// Nothing goes on until the test says so.
    Wait(Receiver<()>),
    /// The connection is closed.
    Close,
    /// Nothing more comes, until the other side closes.
    Hang,
}

type Script = dyn Fn(&Request) -> Vec<Step> + Send + Sync;

/// A running upstream.
pub struct Upstream {
    /// Where it listens.
    pub address: String,
    seen: Arc<Mutex<Vec<Request>>>,
    open: Arc<(Mutex<usize>, Condvar)>,
    accepted: Arc<AtomicUsize>,
}

impl Upstream {
    /// Starts one that answers each request by a script.
    #[must_use]
    pub fn start(script: impl Fn(&Request) -> Vec<Step> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let upstream = Self {
            address: listener.local_addr().unwrap().to_string(),
            seen: Arc::default(),
            open: Arc::default(),
            accepted: Arc::default(),
        };
        let script: Arc<Script> = Arc::new(script);
        let (seen, open, accepted) =
            (Arc::clone(&upstream.seen), Arc::clone(&upstream.open), Arc::clone(&upstream.accepted));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (script, seen, open) = (Arc::clone(&script), Arc::clone(&seen), Arc::clone(&open));
                accepted.fetch_add(1, Ordering::SeqCst);
                *open.0.lock().unwrap() += 1;
                thread::spawn(move || {
                    let _ = serve(&stream, &*script, &seen);
                    *open.0.lock().unwrap() -= 1;
                    open.1.notify_all();
                });
            }
        });
        upstream
    }

    /// What it was sent so far.
    #[must_use]
    pub fn seen(&self) -> Vec<Request> {
        self.seen.lock().unwrap().clone()
    }

    /// The last request that it was sent.
    #[must_use]
    pub fn last(&self) -> Request {
        self.seen.lock().unwrap().last().cloned().expect("a request reached the upstream")
    }

    /// Connections that were made to it.
    #[must_use]
    pub fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }

    /// Waits until at most this many connections are open.
    pub fn wait_until_open(&self, most: usize) {
        let (count, changed) = &*self.open;
        let (count, waited) =
            changed.wait_timeout_while(count.lock().unwrap(), PATIENCE, |open| *open > most).unwrap();
        assert!(!waited.timed_out(), "{count} connections are still open");
    }
}

fn serve(stream: &TcpStream, script: &Script, seen: &Mutex<Vec<Request>>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut writer = stream;
    while let Some(request) = read(&mut reader)? {
        let steps = script(&request);
        seen.lock().unwrap().push(request);
        for step in steps {
            match step {
                Step::Bytes(bytes) => writer.write_all(&bytes)?,
                Step::Wait(go) => {
                    let _ = go.recv_timeout(PATIENCE);
                }
                Step::Close => {
                    stream.shutdown(std::net::Shutdown::Both)?;
                    return Ok(());
                }
                Step::Hang => {
                    let mut rest = Vec::new();
                    reader.read_to_end(&mut rest)?;
                    return Ok(());
                }
            }
        }
    }
    Ok(())
}

fn read(reader: &mut BufReader<TcpStream>) -> std::io::Result<Option<Request>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut headers = Vec::new();
    loop {
        let mut header = String::new();
        reader.read_line(&mut header)?;
        let header = header.trim_end();
        if header.is_empty() {
            break;
        }
        let (name, value) = header.split_once(':').unwrap_or((header, ""));
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length =
        headers.iter().find(|(name, _)| name == "content-length").and_then(|(_, value)| value.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body)?;
    let line = line.trim_end().trim_end_matches(" HTTP/1.1").to_owned();
    Ok(Some(Request { line, headers, body }))
}

/// A whole answer with a length.
#[must_use]
pub fn whole(status: u16, headers: &str, body: &str) -> Vec<Step> {
    let kind = if headers.contains("content-type") { "" } else { "content-type: application/json\r\n" };
    let head = format!("HTTP/1.1 {status} X\r\n{kind}{headers}content-length: {}\r\n\r\n", body.len());
    vec![Step::Bytes(format!("{head}{body}").into_bytes())]
}

/// The head of a chunked answer.
#[must_use]
pub fn stream_head(kind: &str) -> Step {
    Step::Bytes(
        format!("HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ntransfer-encoding: chunked\r\n\r\n").into_bytes(),
    )
}

/// A chunk.
#[must_use]
pub fn chunk(data: &[u8]) -> Step {
    let mut bytes = format!("{:x}\r\n", data.len()).into_bytes();
    bytes.extend_from_slice(data);
    bytes.extend_from_slice(b"\r\n");
    Step::Bytes(bytes)
}

/// The end of a chunked answer.
#[must_use]
pub fn end() -> Step {
    Step::Bytes(b"0\r\n\r\n".to_vec())
}

/// A whole chunked answer, cut into pieces of this size.
#[must_use]
pub fn stream(kind: &str, text: &str, size: usize) -> Vec<Step> {
    let mut steps = vec![stream_head(kind)];
    steps.extend(text.as_bytes().chunks(size.max(1)).map(chunk));
    steps.push(end());
    steps
}
