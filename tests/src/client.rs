//! An HTTP/1.1 client over a plain socket, so that every byte is seen.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::link::Link;

/// How long anything may take before a test fails instead of hanging.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A response whose head is there; the body may still come.
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Header lines, names in lower case.
    pub headers: Vec<(String, String)>,
    reader: BufReader<Link>,
    chunked: bool,
    left: Option<usize>,
}

/// A whole response.
#[derive(Debug)]
pub struct Whole {
    /// The status.
    pub status: u16,
    /// Header lines, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, without its framing.
    pub body: Vec<u8>,
    /// Whether the body ended as its framing says; else the connection broke.
    pub complete: bool,
}

impl Whole {
    /// A header's value.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }
}

/// Sends bytes as they are and reads the head of what comes back; `None` when the connection is closed instead.
#[must_use]
pub fn raw(address: &str, bytes: &[u8]) -> Option<Answer> {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    // The gateway may refuse and close before all is written.
    let _ = stream.write_all(bytes);
    receive(stream)
}

/// Sends a POST, of whose answer nothing is read.
#[must_use]
pub fn post(address: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> TcpStream {
    only_send(address, "POST", path, headers, body)
}

/// Sends a request, of whose answer nothing is read.
#[must_use]
pub fn only_send(
    address: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(&written(address, method, path, headers, body)).unwrap();
    stream
}

/// Sends a request and reads the head of its answer.
#[must_use]
pub fn begin(address: &str, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    raw(address, &written(address, method, path, headers, body)).expect("an answer")
}

/// The same, on a connection that is there.
#[must_use]
pub fn over(mut link: Link, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    link.write_all(&written("localhost", method, path, headers, body)).unwrap();
    receive(link).expect("an answer")
}

fn written(address: &str, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut request =
        format!("{method} {path} HTTP/1.1\r\nhost: {address}\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str("\r\n");
    let mut bytes = request.into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

/// Sends a request and reads its whole answer.
#[must_use]
pub fn send(address: &str, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Whole {
    begin(address, method, path, headers, body).whole()
}

/// Reads the head of the answer to what was written to a connection; `None` when it is closed instead.
#[must_use]
pub fn receive(stream: impl Into<Link>) -> Option<Answer> {
    let mut reader = BufReader::new(stream.into());
    let mut line = String::new();
    if reader.read_line(&mut line).ok()? == 0 {
        return None;
    }
    let status = line.split(' ').nth(1)?.parse().ok()?;
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(':')?;
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let find = |name: &str| headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.clone());
    let chunked = find("transfer-encoding").is_some_and(|value| value.contains("chunked"));
    let bare = matches!(status, 204 | 304);
    let left = if bare { Some(0) } else { find("content-length").and_then(|value| value.parse().ok()) };
    Some(Answer { status, headers, reader, chunked, left })
}

impl Answer {
    /// The next piece of the body: a chunk, or what is left; `Err` when the connection breaks.
    ///
    /// # Errors
    ///
    /// When the body does not end as its framing says.
    pub fn piece(&mut self) -> std::io::Result<Option<Vec<u8>>> {
        if self.chunked {
            let mut line = String::new();
            if self.reader.read_line(&mut line)? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            let size = usize::from_str_radix(line.trim(), 16).map_err(std::io::Error::other)?;
            let mut data = vec![0; size + 2];
            self.reader.read_exact(&mut data)?;
            data.truncate(size);
            return Ok((size > 0).then_some(data));
        }
        // An empty read would fill the buffer first, and so wait for a next answer that never comes.
        if self.left == Some(0) {
            return Ok(None);
        }
        let mut data = vec![0; self.left.unwrap_or(usize::MAX).min(1 << 16)];
        let count = self.reader.read(&mut data)?;
        if count == 0 {
            return if self.left.unwrap_or(0) > 0 {
                Err(std::io::ErrorKind::UnexpectedEof.into())
            } else {
                Ok(None)
            };
        }
        data.truncate(count);
        if let Some(left) = &mut self.left {
            *left -= count;
        }
        Ok(Some(data))
    }

    /// Reads to the end of the answer, and then waits until the connection is closed, with nothing more on it.
    #[must_use]
    pub fn whole_and_closed(mut self) -> Whole {
        let whole = self.read_on();
        let mut rest = Vec::new();
        // A reset is a closed connection too; silence until the patience ends is not.
        if let Err(error) = self.reader.read_to_end(&mut rest) {
            assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "the connection stayed open");
        }
        assert!(rest.is_empty(), "{}", String::from_utf8_lossy(&rest));
        whole
    }

    /// Reads to the end.
    #[must_use]
    pub fn whole(mut self) -> Whole {
        self.read_on()
    }

    fn read_on(&mut self) -> Whole {
        let mut body = Vec::new();
        let complete = loop {
            match self.piece() {
                Ok(Some(data)) => body.extend_from_slice(&data),
                Ok(None) => break true,
                Err(_) => break false,
            }
        };
        Whole { status: self.status, headers: self.headers.clone(), body, complete }
    }
}
