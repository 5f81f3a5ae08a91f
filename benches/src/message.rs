//! What clients send and the upstream answers, byte by byte: Claude requests, and answers as JSON or as events.

use std::net::SocketAddr;
use std::sync::Arc;

use crate::kind::{Form, Kind};

/// The client key of the run; nginx relays it as it is, Sluice replaces it by the account's.
pub(crate) const KEY: &str = "sk-sluice-benchmark-client-key-0123456789";

/// Headers beside `host`, `authorization` and `content-length`, in the manner of the official Python SDK: all of
/// them are relayed but `accept-encoding`.
const HEADERS: &str = "accept: application/json\r\n\
    accept-encoding: gzip, deflate\r\n\
    connection: keep-alive\r\n\
    user-agent: Anthropic/Python 2.12.0\r\n\
    anthropic-version: 2026-10-21\r\n\
    content-type: application/json\r\n\
    x-stainless-lang: python\r\n\
    x-stainless-package-version: 2.12.0\r\n\
    x-stainless-os: Linux\r\n\
    x-stainless-arch: x64\r\n\
    x-stainless-runtime: CPython\r\n\
    x-stainless-runtime-version: 3.13.1\r\n\
    x-stainless-async: async:asyncio\r\n\
    x-stainless-retry-count: 0\r\n\
    x-stainless-read-timeout: 600\r\n";

/// Text of requests and answers; its escapes are what a scanner of JSON has to get past.
const TEXT: &str =
    "The gateway reads \\\"model\\\" and relays the rest as it came.\\nA line follows, then the next one. ";

/// Words of a stream, one to an event.
const WORDS: [&str; 8] = ["The", " gateway", " relays", " each", " event", " as it", " came", ".\\n\\n"];

/// A request as it is sent, and the body that must come back.
#[derive(Debug)]
pub(crate) struct Exchange {
    /// Head and body.
    pub(crate) request: Vec<u8>,
    /// The answer's body, without framing.
    pub(crate) answer: Vec<u8>,
}

impl Exchange {
    /// One of this kind with the server at an address.
    pub(crate) fn new(kind: Kind, address: SocketAddr) -> Arc<Self> {
        let stream = matches!(kind.form(), Form::Events(..));
        let model = kind.model();
        let before = format!(
            r#"{{"model":"{model}","max_tokens":1024,"stream":{stream},"system":"You answer briefly.","messages":[{{"role":"user","content":""#
        );
        let after = r#""}],"metadata":{"user_id":"benchmark"}}"#;
        let body = padded(&before, after, kind.body_size());
        let length = body.len();
        let head = format!(
            "POST /v1/messages HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {KEY}\r\n{HEADERS}content-length: {length}\r\n\r\n"
        );
        let answer = match kind.form() {
            Form::Json(size) => json(model, size),
            Form::Events(count, _) => events(model, count).concat(),
        };
        Arc::new(Self { request: (head + &body).into_bytes(), answer: answer.into_bytes() })
    }
}

/// A message as JSON of this many bytes.
pub(crate) fn json(model: &str, size: usize) -> String {
    let before = format!(
        r#"{{"id":"msg_01benchmark","type":"message","role":"assistant","model":"{model}","content":[{{"type":"text","text":""#
    );
    let after = r#""}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":512,"cache_creation_input_tokens":0,"cache_read_input_tokens":128,"output_tokens":384,"service_tier":"standard"}}"#;
    padded(&before, after, size)
}

/// A message as this many events.
pub(crate) fn events(model: &str, count: usize) -> Vec<String> {
    let start = format!(
        r#"{{"type":"message_start","message":{{"id":"msg_01benchmark","type":"message","role":"assistant","model":"{model}","content":[],"stop_reason":null,"stop_sequence":null,"usage":{{"input_tokens":512,"cache_creation_input_tokens":0,"cache_read_input_tokens":128,"output_tokens":1}}}}}}"#
    );
    let mut all = vec![
        event("message_start", &start),
        event(
            "content_block_start",
            r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#,
        ),
    ];
    let last = [
        event("content_block_stop", r#"{"type":"content_block_stop","index":0}"#),
        event(
            "message_delta",
            r#"{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":384}}"#,
        ),
        event("message_stop", r#"{"type":"message_stop"}"#),
    ];
    let deltas = count.saturating_sub(all.len() + last.len());
    all.extend(WORDS.iter().cycle().take(deltas).map(|word| {
        let delta = format!(
            r#"{{"type":"content_block_delta","index":0,"delta":{{"type":"text_delta","text":"{word}"}}}}"#
        );
        event("content_block_delta", &delta)
    }));
    all.extend(last);
    all
}

fn event(name: &str, data: &str) -> String {
    format!("event: {name}\ndata: {data}\n\n")
}

/// Text between two ends, so that all is this long.
fn padded(before: &str, after: &str, size: usize) -> String {
    let room = size.saturating_sub(before.len() + after.len());
    let text = TEXT.repeat(room / TEXT.len()) + &".".repeat(room % TEXT.len());
    format!("{before}{text}{after}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_counts_are_as_told() {
        for kind in Kind::ALL {
            let exchange = Exchange::new(kind, SocketAddr::from(([127, 0, 0, 1], 80)));
            let request = String::from_utf8(exchange.request.clone()).unwrap();
            let (_, body) = request.split_once("\r\n\r\n").unwrap();
            assert_eq!(body.len(), kind.body_size());
            let asked: serde_json::Value = serde_json::from_str(body).unwrap();
            assert_eq!(asked["model"], kind.model());
            let answer = String::from_utf8(exchange.answer.clone()).unwrap();
            match kind.form() {
                Form::Json(size) => {
                    assert_eq!(answer.len(), size);
                    assert_eq!(
                        serde_json::from_str::<serde_json::Value>(&answer).unwrap()["type"],
                        "message"
                    );
                }
                Form::Events(count, _) => assert_eq!(answer.matches("\n\n").count(), count),
            }
        }
    }
}
