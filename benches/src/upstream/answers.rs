//! Which answer a request gets, and every answer ready to be written.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use memchr::memmem;

use crate::Result;
use crate::kind::{Form, Kind};
use crate::message::{FAILURE, chat_usage, events, json};

/// Before the model's name in a request of the benchmark; the gateway may put members before it.
const MODEL: &[u8] = b"\"model\":\"";

/// What a request has that asks for usage.
const USAGE: &[u8] = b"\"include_usage\":true";

/// One in so many requests fails, of the kind of which some do.
const FAILS_EVERY: u64 = 100;

/// The answers.
#[derive(Debug)]
pub(super) struct Answers {
    kinds: HashMap<&'static [u8], (Kind, Ready)>,
    /// Of each model of Chat's.
    with_usage: HashMap<&'static [u8], Ready>,
    failure: Ready,
    /// Requests so far of the kind of which some fail.
    attempts: AtomicU64,
}

/// An answer.
#[derive(Debug)]
pub(super) struct Ready {
    /// Its status.
    pub(super) status: u16,
    /// Its `content-type`.
    pub(super) content_type: &'static str,
    /// Its body: one piece, or one for each event.
    pub(super) pieces: Vec<Bytes>,
    /// Head and body as HTTP/1.1 has them, written one after the other.
    pub(super) framed: Vec<Vec<u8>>,
    /// Before each piece but the first.
    pub(super) gap: Duration,
}

impl Answers {
    /// All of them.
    pub(super) fn new() -> Self {
        let kinds = Kind::ALL.map(|kind| (kind.model().as_bytes(), (kind, Ready::to(kind))));
        Self {
            kinds: kinds.into(),
            with_usage: [Kind::Chat, Kind::TurnedChat]
                .map(|kind| (kind.model().as_bytes(), Ready::with_usage(kind)))
                .into(),
            failure: Ready::json(500, FAILURE.to_owned()),
            attempts: AtomicU64::new(0),
        }
    }

    /// The answer to a request with this body.
    pub(super) fn to(&self, body: &[u8]) -> Result<&Ready> {
        let unknown = "an unknown model was asked for";
        let model = model(body).ok_or(unknown)?;
        let (kind, ready) = self.kinds.get(model).ok_or(unknown)?;
        let with_usage = self.with_usage.get(model).filter(|_| memmem::find(body, USAGE).is_some());
        Ok(match with_usage {
            Some(with_usage) => with_usage,
            None if *kind == Kind::Failing && self.fails() => &self.failure,
            None => ready,
        })
    }

    fn fails(&self) -> bool {
        (self.attempts.fetch_add(1, Ordering::Relaxed) + 1).is_multiple_of(FAILS_EVERY)
    }
}

fn model(body: &[u8]) -> Option<&[u8]> {
    let name = body.get(memmem::find(body, MODEL)? + MODEL.len()..)?;
    name.split(|byte| *byte == b'"').next()
}

impl Ready {
    fn to(kind: Kind) -> Self {
        match kind.form() {
            Form::Json(size) => Self::json(200, json(kind, size)),
            Form::Events(count, gap) => Self::events(events(kind, count), gap),
        }
    }

    fn with_usage(kind: Kind) -> Self {
        let Form::Events(count, gap) = kind.form() else { return Self::to(kind) };
        let mut events = events(kind, count);
        events.insert(events.len().saturating_sub(1), chat_usage(kind.model()));
        Self::events(events, gap)
    }

    fn json(status: u16, body: String) -> Self {
        let content_type = "application/json";
        let head = head(status, content_type, &format!("content-length: {}", body.len()));
        let framed = vec![(head + &body).into_bytes()];
        Self { status, content_type, pieces: vec![body.into()], framed, gap: Duration::ZERO }
    }

    /// Each event is a chunk of its own, as real upstreams send them; without a gap all go out in one write.
    fn events(events: Vec<String>, gap: Duration) -> Self {
        let content_type = "text/event-stream; charset=utf-8";
        let mut framed: Vec<String> =
            events.iter().map(|event| format!("{:x}\r\n{event}\r\n", event.len())).collect();
        if let Some(first) = framed.first_mut() {
            let framing = "cache-control: no-cache\r\ntransfer-encoding: chunked";
            first.insert_str(0, &head(200, content_type, framing));
        }
        if let Some(last) = framed.last_mut() {
            last.push_str("0\r\n\r\n");
        }
        if gap.is_zero() {
            framed = vec![framed.concat()];
        }
        let framed = framed.into_iter().map(String::into_bytes).collect();
        let pieces = events.into_iter().map(Bytes::from).collect();
        Self { status: 200, content_type, pieces, framed, gap }
    }
}

fn head(status: u16, kind: &str, framing: &str) -> String {
    let reason = if status == 200 { "OK" } else { "Internal Server Error" };
    format!(
        "HTTP/1.1 {status} {reason}\r\ncontent-type: {kind}\r\nrequest-id: req_01benchmark\r\n{framing}\r\n\r\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usage_is_told_where_it_is_asked_for() {
        let answers = Answers::new();
        let told = |body: &[u8]| {
            let whole = answers.to(body).unwrap().pieces.concat();
            memmem::find(&whole, b"prompt_tokens").is_some()
        };
        assert!(!told(br#"{"model":"gpt-bench-chat"}"#));
        assert!(told(br#"{"stream_options":{"include_usage":true},"model":"gpt-bench-chat"}"#));
        assert!(answers.to(br#"{"model":"gpt-4"}"#).is_err());
        assert!(answers.to(b"{}").is_err());
    }

    #[test]
    fn one_request_in_a_hundred_fails() {
        let answers = Answers::new();
        let failed = |model: &str| {
            let body = format!(r#"{{"model":"{model}"}}"#);
            (0..1_000).filter(|_| answers.to(body.as_bytes()).unwrap().status == 500).count()
        };
        assert_eq!(failed("claude-bench-failing"), 10);
        assert_eq!(failed("claude-bench-small"), 0);
    }
}
