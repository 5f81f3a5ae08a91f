//! What must hold for any bytes at all of an event stream: held by a test here, and by a fuzzer in `fuzz/`.

use sluice_translate::converse::Heading;
use sluice_translate::converse::Stream;
use sluice_wire::sse::Scanner;

use crate::bodies::Writer;
use crate::errors;
use crate::events::Events;
use crate::frames::{Frames, Message};

/// What AWS sends, and some of what it should not.
const KINDS: [&str; 4] = ["event", "event", "exception", "error"];

const PAYLOADS: [(&str, &str); 13] = [
    ("chunk", r#"{"bytes":"eyJ0eXBlIjoibWVzc2FnZV9zdG9wIn0=","p":"abcd"}"#),
    // {"type":"ping","amazon-bedrock-invocationMetrics":{}}
    ("chunk", r#"{"bytes":"eyJ0eXBlIjoicGluZyIsImFtYXpvbi1iZWRyb2NrLWludm9jYXRpb25NZXRyaWNzIjp7fX0="}"#),
    // An object over several lines.
    ("chunk", r#"{"bytes":"ewogICJ0eXBlIjogInBpbmciLA0KICAieCI6IDcKfQ=="}"#),
    ("messageStart", r#"{"role":"assistant"}"#),
    ("contentBlockStart", r#"{"contentBlockIndex":1,"start":{"toolUse":{"toolUseId":"t","name":"f"}}}"#),
    ("contentBlockDelta", r#"{"contentBlockIndex":0,"delta":{"text":"Hi\n\"é"}}"#),
    ("contentBlockDelta", r#"{"contentBlockIndex":1,"delta":{"toolUse":{"input":"{\"a\":"}}}"#),
    ("contentBlockDelta", r#"{"contentBlockIndex":2,"delta":{"reasoningContent":{"text":"hm"}}}"#),
    ("contentBlockStop", r#"{"contentBlockIndex":1}"#),
    ("messageStop", r#"{"stopReason":"tool_use"}"#),
    ("metadata", r#"{"usage":{"inputTokens":3,"outputTokens":18446744073709551615,"totalTokens":7}}"#),
    (
        "metadata",
        r#"{"usage":{"inputTokens":18446744073709551615,"cacheReadInputTokens":18446744073709551615}}"#,
    ),
    ("throttlingException", r#"{"message":"slow"}"#),
];

/// Messages are the same however a stream is cut, and all that is written for them is events whose data is JSON.
pub fn frames(bytes: &[u8]) {
    let (lengths, rest) = bytes.split_at(bytes.len().min(6));
    for stream in [rest, &checked(rest), &sent(rest)] {
        let (messages, failure) = messages(&[stream]);
        let pieces = pieces(stream, lengths);
        assert_eq!(self::messages(&pieces), (messages.clone(), failure));
        let heading = Heading { id: "msg_1".to_owned(), model: "m".to_owned() };
        written(Events, messages.clone());
        written(Stream::new(heading), messages);
    }
}

/// All messages, and what kept the rest from being read.
fn messages(pieces: &[&[u8]]) -> (Vec<Message>, Option<String>) {
    let (mut frames, mut found) = (Frames::default(), Vec::new());
    for piece in pieces {
        frames.feed(piece);
        loop {
            match frames.next() {
                Ok(Some(message)) => found.push(message),
                Ok(None) => break,
                Err(error) => return (found, Some(error.to_string())),
            }
        }
    }
    (found, frames.is_open().then(|| "open".to_owned()))
}

fn written(mut writer: impl Writer, messages: Vec<Message>) {
    let mut out = Vec::new();
    for message in messages {
        match message {
            Message::Event { name, payload } => {
                if writer.event(&name, &payload, &mut out).is_err() {
                    break;
                }
            }
            Message::Exception { name, message } => {
                errors::event(&name, &message, &mut out);
                break;
            }
        }
    }
    let mut scanner = Scanner::default();
    scanner.feed(&out, &mut |event| {
        assert!(!event.data.is_empty() && sluice_json::members(event.data, |_| ()).is_ok());
    });
    assert!(!scanner.is_open());
}

fn pieces<'a>(whole: &'a [u8], lengths: &[u8]) -> Vec<&'a [u8]> {
    let mut rest = whole;
    let mut pieces = Vec::new();
    for length in lengths {
        let (piece, more) = rest.split_at(usize::from(*length).min(rest.len()));
        pieces.push(piece);
        rest = more;
    }
    pieces.push(rest);
    pieces
}

/// A message with right lengths and checksums, whatever is in it.
fn checked(bytes: &[u8]) -> Vec<u8> {
    let (headers, rest) = bytes.split_first().unwrap_or((&0, &[]));
    framed(u32::from(*headers), rest)
}

fn framed(headers: u32, rest: &[u8]) -> Vec<u8> {
    let length = u32::try_from(rest.len()).unwrap_or_default();
    let mut frame = [(length + 16).to_be_bytes(), headers.to_be_bytes()].concat();
    frame.extend_from_slice(&checksum(&frame));
    frame.extend_from_slice(rest);
    frame.extend_from_slice(&checksum(&frame));
    frame
}

/// CRC-32 as zlib has it.
fn checksum(bytes: &[u8]) -> [u8; 4] {
    let bit = |sum: u32, _| if sum & 1 == 1 { sum >> 1 ^ 0xEDB8_8320 } else { sum >> 1 };
    let sum = bytes.iter().fold(u32::MAX, |sum, byte| (0..8).fold(sum ^ u32::from(*byte), bit));
    (!sum).to_be_bytes()
}

/// Messages of AWS's, as some bytes choose them, with a byte of a payload changed here and there.
fn sent(bytes: &[u8]) -> Vec<u8> {
    let mut stream = Vec::new();
    for choice in bytes.chunks(3).take(16) {
        let [kind, payload, change] = *choice else { break };
        let kind = KINDS.get(usize::from(kind) % KINDS.len()).copied().unwrap_or_default();
        let (name, payload) =
            PAYLOADS.get(usize::from(payload) % PAYLOADS.len()).copied().unwrap_or_default();
        let mut message = Vec::new();
        let named = match kind {
            "event" => ":event-type",
            "exception" => ":exception-type",
            _ => ":error-code",
        };
        for (header, value) in [(":message-type", kind), (named, name)] {
            message.push(u8::try_from(header.len()).unwrap_or_default());
            message.extend_from_slice(header.as_bytes());
            message.extend_from_slice(&[7, 0, u8::try_from(value.len()).unwrap_or_default()]);
            message.extend_from_slice(value.as_bytes());
        }
        let headers = u32::try_from(message.len()).unwrap_or_default();
        message.extend_from_slice(payload.as_bytes());
        let at = message.len() - 1 - usize::from(change) % payload.len();
        if change & 3 == 3
            && let Some(byte) = message.get_mut(at)
        {
            *byte ^= change >> 2;
        }
        stream.extend_from_slice(&framed(headers, &message));
    }
    stream
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn messages_are_the_same_however_they_are_cut_and_what_is_written_for_them_can_be_read(
            bytes in prop::collection::vec(any::<u8>(), 0..200)
        ) {
            super::frames(&bytes);
        }
    }
}
