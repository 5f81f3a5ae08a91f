//! A client that comes by any protocol, with or without TLS, and is as rude as it likes.

use std::io::Write;

use crate::client::{Answer, receive};
use crate::frames::{Came, Frames};
use crate::gateway::Gateway;
use crate::link::Link;

/// The protocol that a client comes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speaks {
    /// HTTP/1.1.
    Http1,
    /// HTTP/2: chosen by ALPN over TLS, by prior knowledge without.
    Http2,
}

/// Both.
pub const SPEAKS: [Speaks; 2] = [Speaks::Http1, Speaks::Http2];

/// A client with one request, on a connection of its own.
pub struct Visitor(Kind);

enum Kind {
    One(Link, Option<Answer>),
    Two(Frames, u32),
}

impl Visitor {
    /// Sends the head of a POST whose body is to have this length. TLS is spoken where the gateway does.
    #[must_use]
    pub fn begin(
        gateway: &Gateway,
        speaks: Speaks,
        path: &str,
        headers: &[(&str, &str)],
        length: usize,
    ) -> Self {
        let length = length.to_string();
        let headers = [headers, &[("content-length", length.as_str())]].concat();
        let link = gateway.connect(if speaks == Speaks::Http1 { "http/1.1" } else { "h2" });
        if speaks == Speaks::Http2 {
            let mut frames = Frames::over(link);
            let stream = frames.begin(path, &headers);
            return Self(Kind::Two(frames, stream));
        }
        let mut link = link;
        let lines: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        link.write_all(format!("POST {path} HTTP/1.1\r\nhost: localhost\r\n{lines}\r\n").as_bytes()).unwrap();
        Self(Kind::One(link, None))
    }

    /// Sends a whole POST.
    #[must_use]
    pub fn post(
        gateway: &Gateway,
        speaks: Speaks,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Self {
        let mut visitor = Self::begin(gateway, speaks, path, headers, body.len());
        visitor.write(body, true).unwrap();
        visitor
    }

    /// Sends some of the body, and whether that is its end: HTTP/1.1 goes by the length instead.
    ///
    /// # Errors
    ///
    /// Where the connection breaks, or the stream is reset.
    pub fn write(&mut self, bytes: &[u8], ends: bool) -> std::io::Result<()> {
        match &mut self.0 {
            Kind::One(link, _) => link.write_all(bytes),
            Kind::Two(frames, stream) => frames.send(*stream, bytes, ends),
        }
    }

    /// Waits for the head of the answer; `None` where the connection or the stream ends instead.
    pub fn status(&mut self) -> Option<u16> {
        match &mut self.0 {
            Kind::One(link, answer) => {
                *answer = receive(link.clone());
                Some(answer.as_ref()?.status)
            }
            Kind::Two(frames, stream) => match frames.try_next(*stream) {
                Ok(Came::Head(_)) => frames.header(*stream, ":status")?.parse().ok(),
                _ => None,
            },
        }
    }

    /// The next piece of the body, once the head is there; `None` at its end.
    ///
    /// # Errors
    ///
    /// Where the body does not end as it should.
    pub fn piece(&mut self) -> std::io::Result<Option<Vec<u8>>> {
        match &mut self.0 {
            Kind::One(_, answer) => answer.as_mut().expect("the head came first").piece(),
            Kind::Two(frames, stream) => match frames.try_next(*stream)? {
                Came::Data(data) => {
                    // As much may come again.
                    let by = u32::try_from(data.len()).unwrap();
                    frames.widen(0, by);
                    frames.widen(*stream, by);
                    Ok(Some(data))
                }
                Came::End(true) => Ok(None),
                Came::End(false) | Came::Head(_) => Err(std::io::ErrorKind::UnexpectedEof.into()),
            },
        }
    }

    /// The rest of the body, once the head is there.
    ///
    /// # Errors
    ///
    /// Where the body does not end as it should.
    pub fn rest(&mut self) -> std::io::Result<String> {
        let mut all = Vec::new();
        while let Some(piece) = self.piece()? {
            all.extend_from_slice(&piece);
        }
        String::from_utf8(all).map_err(std::io::Error::other)
    }
}
