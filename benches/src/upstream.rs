//! The upstream: answers that are ready in memory, over plain sockets, at a fraction of what a proxy costs.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use memchr::memmem;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{MissedTickBehavior, interval};

use crate::Result;
use crate::kind::{Form, Kind};
use crate::message::{events, json};

/// Connections that may wait to be accepted, as nginx is told too: thousands of streams open at once.
const BACKLOG: u32 = 4096;

/// Before the model's name in a request of the benchmark.
const MODEL: &[u8] = b"{\"model\":\"";

/// Longest request that is read: above the largest of the benchmark.
const REQUEST_MAX: usize = 1024 * 1024;

/// An answer, framing included.
#[derive(Debug)]
struct Ready {
    /// Written one after the other.
    pieces: Vec<Vec<u8>>,
    /// Before each piece but the first.
    gap: Duration,
}

/// Serves on a free port, which the first line of standard output tells.
pub(crate) async fn serve() -> Result<()> {
    let socket = TcpSocket::new_v4()?;
    socket.bind((Ipv4Addr::LOCALHOST, 0).into())?;
    let listener = socket.listen(BACKLOG)?;
    println!("{}", listener.local_addr()?);
    let answers: Arc<HashMap<&[u8], Ready>> =
        Arc::new(Kind::ALL.iter().map(|kind| (kind.model().as_bytes(), Ready::new(*kind))).collect());
    loop {
        let (stream, _) = listener.accept().await?;
        let answers = Arc::clone(&answers);
        tokio::spawn(async move {
            if let Err(error) = converse(stream, &answers).await {
                eprintln!("upstream: {error}");
            }
        });
    }
}

impl Ready {
    /// Each event is a chunk of its own, as real upstreams send them; without a gap all go out in one write.
    fn new(kind: Kind) -> Self {
        let (count, gap) = match kind.form() {
            Form::Events(count, gap) => (count, gap),
            Form::Json(size) => {
                let head = head("application/json", &format!("content-length: {size}"));
                let pieces = vec![(head + &json(kind.model(), size)).into_bytes()];
                return Self { pieces, gap: Duration::ZERO };
            }
        };
        let mut pieces: Vec<String> = events(kind.model(), count)
            .iter()
            .map(|event| format!("{:x}\r\n{event}\r\n", event.len()))
            .collect();
        let head =
            head("text/event-stream; charset=utf-8", "cache-control: no-cache\r\ntransfer-encoding: chunked");
        if let Some(first) = pieces.first_mut() {
            first.insert_str(0, &head);
        }
        if let Some(last) = pieces.last_mut() {
            last.push_str("0\r\n\r\n");
        }
        if gap.is_zero() {
            pieces = vec![pieces.concat()];
        }
        Self { pieces: pieces.into_iter().map(String::into_bytes).collect(), gap }
    }

    async fn write(&self, stream: &mut TcpStream) -> Result<()> {
        let [piece] = self.pieces.as_slice() else { return self.write_paced(stream).await };
        Ok(stream.write_all(piece).await?)
    }

    async fn write_paced(&self, stream: &mut TcpStream) -> Result<()> {
        let mut ticks = interval(self.gap);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        for piece in &self.pieces {
            ticks.tick().await;
            stream.write_all(piece).await?;
        }
        Ok(())
    }
}

fn head(kind: &str, framing: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\nrequest-id: req_01benchmark\r\n{framing}\r\n\r\n")
}

/// Answers requests until the proxy closes the connection.
async fn converse(mut stream: TcpStream, answers: &HashMap<&[u8], Ready>) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut request = Vec::with_capacity(4096);
    loop {
        request.clear();
        let body = loop {
            if let Some(body) = whole(&request)? {
                break body;
            }
            if stream.read_buf(&mut request).await? == 0 {
                return Ok(());
            }
        };
        let answer =
            model(body).and_then(|model| answers.get(model)).ok_or("an unknown model was asked for")?;
        answer.write(&mut stream).await?;
    }
}

/// The body of a request, when all of it is there.
fn whole(request: &[u8]) -> Result<Option<&[u8]>> {
    let Some(end) = memmem::find(request, b"\r\n\r\n") else {
        return if request.len() < REQUEST_MAX { Ok(None) } else { Err("a request has no end".into()) };
    };
    let (head, body) = request.split_at_checked(end + 4).unwrap_or_default();
    let head = String::from_utf8_lossy(head);
    let length = head
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, value)| value.trim().parse().ok())
        .filter(|length| *length <= REQUEST_MAX)
        .ok_or("a request has no usable content-length")?;
    Ok((body.len() >= length).then_some(body))
}

fn model(body: &[u8]) -> Option<&[u8]> {
    let name = body.strip_prefix(MODEL)?;
    name.split(|byte| *byte == b'"').next()
}
