//! What a scripted upstream is asked and does, whatever it speaks.

use std::sync::mpsc::Receiver;
use std::time::Duration;

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Request {
    /// Method and target, like `POST /v1/messages?x=1`.
    pub line: String,
    /// Header lines, names in lower case; HTTP/2's `:authority` is `host`.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// What it came by: `HTTP/1.1` or `HTTP/2`.
    pub protocol: &'static str,
    /// Which of the upstream's connections it came by, counted from 1.
    pub connection: usize,
}

impl Request {
    /// A header's value.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }
}

/// What is done after a request. Each protocol frames head, data and end as it does.
pub enum Step {
    /// The head of an answer.
    Head {
        /// The status.
        status: u16,
        /// Header lines, each with its `\r\n`, without those of the framing.
        lines: String,
        /// The length that is promised; without one, HTTP/1.1 sends chunks.
        length: Option<usize>,
    },
    /// A piece of the body.
    Data(Vec<u8>),
    /// The end of the body.
    End,
    /// The end of the body, with lines behind it, each with its `\r\n`.
    Trailers(String),
    /// These bytes are written as they are: HTTP/1.1 alone.
    Bytes(Vec<u8>),
    /// A frame on the request's stream, by type, flags and payload: HTTP/2 alone.
    Frame(u8, u8, Vec<u8>),
    /// The stream is reset with this code; over HTTP/1.1 the connection is closed.
    Reset(u32),
    /// The whole connection is told to end with this code, as one that took this request or did not: HTTP/2 alone.
    GoAway {
        /// The error code.
        code: u32,
        /// Whether the request's stream is among those that were taken.
        taken: bool,
    },
    /// Nothing goes on for this long.
    Pause(Duration),
    /// Nothing goes on until the test says so.
    Wait(Receiver<()>),
    /// The connection is closed, over TLS without a word.
    Close,
    /// Nothing more comes, until the other side gives up.
    Hang,
}

/// What an upstream does after each request.
pub type Script = dyn Fn(&Request) -> Vec<Step> + Send + Sync;

/// A whole answer with a length.
#[must_use]
pub fn whole(status: u16, headers: &str, body: &str) -> Vec<Step> {
    let kind = if headers.contains("content-type") { "" } else { "content-type: application/json\r\n" };
    let lines = format!("{kind}{headers}");
    vec![Step::Head { status, lines, length: Some(body.len()) }, Step::Data(body.into()), Step::End]
}

/// The head of an answer whose length is not told.
#[must_use]
pub fn stream_head(kind: &str) -> Step {
    Step::Head { status: 200, lines: format!("content-type: {kind}\r\n"), length: None }
}

/// A piece of an answer.
#[must_use]
pub fn chunk(data: &[u8]) -> Step {
    Step::Data(data.to_vec())
}

/// The end of an answer.
#[must_use]
pub fn end() -> Step {
    Step::End
}

/// A whole answer whose length is not told, cut into pieces of this size.
#[must_use]
pub fn stream(kind: &str, text: &str, size: usize) -> Vec<Step> {
    let mut steps = vec![stream_head(kind)];
    steps.extend(text.as_bytes().chunks(size.max(1)).map(chunk));
    steps.push(end());
    steps
}
