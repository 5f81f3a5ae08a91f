//! AWS event streams as Bedrock sends them, by an encoder of the suite's own.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::upstream::{Step, chunk, end, stream_head};

/// A message's string header: the length of its name, its name, the type, the length of its value, its value.
fn header(name: &str, value: &str) -> Vec<u8> {
    let mut header = vec![u8::try_from(name.len()).unwrap()];
    header.extend_from_slice(name.as_bytes());
    header.push(7);
    header.extend_from_slice(&u16::try_from(value.len()).unwrap().to_be_bytes());
    header.extend_from_slice(value.as_bytes());
    header
}

/// A message: lengths with their checksum, headers, payload, checksum.
fn message(headers: &[u8], payload: &[u8]) -> Vec<u8> {
    let length = |length: usize| u32::try_from(length).unwrap().to_be_bytes();
    let mut message = length(headers.len() + payload.len() + 16).to_vec();
    message.extend_from_slice(&length(headers.len()));
    message.extend_from_slice(&crc32fast::hash(&message).to_be_bytes());
    message.extend_from_slice(headers);
    message.extend_from_slice(payload);
    message.extend_from_slice(&crc32fast::hash(&message).to_be_bytes());
    message
}

/// An event.
#[must_use]
pub fn event(name: &str, payload: &str) -> Vec<u8> {
    let headers = [
        header(":event-type", name),
        header(":content-type", "application/json"),
        header(":message-type", "event"),
    ];
    message(&headers.concat(), payload.as_bytes())
}

/// An exception.
#[must_use]
pub fn exception(name: &str, text: &str) -> Vec<u8> {
    let headers = [
        header(":exception-type", name),
        header(":content-type", "application/json"),
        header(":message-type", "exception"),
    ];
    message(&headers.concat(), json!({ "message": text }).to_string().as_bytes())
}

/// Claude's server-sent events as InvokeModel has them: the data of each in a chunk.
#[must_use]
pub fn chunks(events: &str) -> Vec<u8> {
    let data = events.lines().filter_map(|line| line.strip_prefix("data: "));
    let each =
        data.map(|data| event("chunk", &json!({ "bytes": STANDARD.encode(data), "p": "abc" }).to_string()));
    each.collect::<Vec<_>>().concat()
}

/// An answer that is an event stream, cut into pieces of this size.
#[must_use]
pub fn answer(messages: &[u8], size: usize) -> Vec<Step> {
    let mut steps = vec![stream_head("application/vnd.amazon.eventstream")];
    steps.extend(messages.chunks(size).map(chunk));
    steps.push(end());
    steps
}
