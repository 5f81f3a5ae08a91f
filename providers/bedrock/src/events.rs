//! Claude's stream on InvokeModel: each chunk holds one event of Anthropic's, in base64.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::Deserialize;
use sluice_api::{Error, Kind};
use sluice_wire::json;
use sluice_wire::splice::{Edit, splice};

use crate::bodies::{Flow, Writer};
use crate::errors;
use crate::frames::Message;
use crate::members::Members;

/// What Bedrock adds to the last event; the same numbers are in Anthropic's own events.
const METRICS: &str = "amazon-bedrock-invocationMetrics";

/// Writes Claude's events as they are, less what Bedrock adds to them.
#[derive(Debug)]
pub(crate) struct Events;

impl Writer for Events {
    fn take(&mut self, message: Message, out: &mut Vec<u8>) -> Result<Flow, Error> {
        match message {
            Message::Exception { name, message } => {
                errors::event(&name, &message, out);
                return Ok(Flow::Over);
            }
            Message::Event { name, payload } if name == "chunk" => {
                write(&payload, out).ok_or_else(|| {
                    Error::new(Kind::Upstream, "the upstream's event stream has a chunk that can't be read")
                })?;
            }
            // A kind of event that is not known yet.
            Message::Event { .. } => {}
        }
        Ok(Flow::On)
    }
}

/// Writes the event in a chunk; `None` where it can't be read.
fn write(payload: &[u8], out: &mut Vec<u8>) -> Option<()> {
    #[derive(Deserialize)]
    struct Chunk<'a> {
        #[serde(borrow)]
        bytes: Cow<'a, str>,
    }
    let chunk: Chunk<'_> = serde_json::from_slice(payload).ok()?;
    let event = Bytes::from(STANDARD.decode(chunk.bytes.as_ref()).ok()?);
    let members = Members::of(&event)?;
    let kind = json::unescape(event.get(members.value("type")?.clone())?);
    if kind.contains(char::is_control) {
        return None;
    }
    let cut = members.without(|name| name == METRICS).into_iter();
    let edits: Vec<Edit> = cut.map(|at| Edit { at, with: String::new() }).collect();
    let event = if edits.is_empty() { event } else { splice(&event, edits) };
    errors::sse(kind.as_bytes(), &event, out);
    Some(())
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde_json::json;

    use super::Events;
    use crate::bodies::Decoded;
    use crate::bodies::tests::{pieces, read};
    use crate::frames::tests::{CHUNK, bytes, event, exception};

    fn chunk(text: &str) -> Vec<u8> {
        event("chunk", &format!(r#"{{"bytes":"{}","p":"abcd"}}"#, STANDARD.encode(text)))
    }

    fn decoded(parts: Vec<Result<Vec<u8>, ()>>) -> (Vec<String>, Result<(), String>) {
        read(Decoded::new(pieces(parts), Events))
    }

    const START: &str = r#"{"type":"message_start","message":{"x":0.10000000000000000555,"t":"\u00e9\/"}}"#;
    const STOP: &str = r#"{"type":"message_stop","amazon-bedrock-invocationMetrics":{"inputTokenCount":9,"outputTokenCount":1,"invocationLatency":5,"firstByteLatency":2}}"#;

    #[test]
    fn events_are_anthropics_bytes_wherever_the_stream_is_cut() {
        let stream = [chunk(START), chunk(r#"{"type":"ping"}"#), event("later", "{}"), chunk(STOP)].concat();
        let expected = format!(
            "event: message_start\ndata: {START}\n\nevent: ping\ndata: {{\"type\":\"ping\"}}\n\nevent: message_stop\ndata: {{\"type\":\"message_stop\"}}\n\n"
        );
        for at in 0..=stream.len() {
            let (one, other) = stream.split_at(at);
            let (text, end) = decoded(vec![Ok(one.to_vec()), Ok(other.to_vec())]);
            assert_eq!((text.concat(), end), (expected.clone(), Ok(())), "cut at {at}");
        }
        let (text, end) = decoded(vec![Ok(bytes(CHUNK))]);
        assert_eq!(
            (text.concat().as_str(), end),
            ("event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n", Ok(()))
        );
    }

    #[test]
    fn nothing_waits_for_what_comes_later() {
        let parts = [chunk(START), chunk(STOP)];
        let (text, _) = decoded(parts.map(Ok).to_vec());
        assert_eq!(text.len(), 2);
    }

    #[test]
    fn an_exception_is_an_error_event_and_the_end() {
        let slow = exception("throttlingException", r#"{"message":"slow"}"#);
        let (text, end) = decoded(vec![Ok([chunk(START), slow, chunk(STOP)].concat()), Ok(b"junk".to_vec())]);
        let text = text.concat();
        let error =
            text.strip_prefix(&format!("event: message_start\ndata: {START}\n\nevent: error\ndata: "));
        let error: serde_json::Value = serde_json::from_str(error.unwrap()).unwrap();
        let expected = json!({ "type": "error", "error": { "type": "rate_limit_error", "message": "slow" } });
        assert_eq!((error, end), (expected, Ok(())));
    }

    #[test]
    fn what_is_broken_is_told_after_what_was_whole() {
        let mut wrong = chunk(STOP);
        wrong[20] ^= 1;
        for (rest, says) in [
            (Ok(wrong), "broken"),
            (Ok(chunk(STOP)[..40].to_vec()), "inside a message"),
            (Ok(event("chunk", r#"{"bytes":"!"}"#)), "can't be read"),
            (Ok(chunk("[]")), "can't be read"),
            (Ok(chunk(r#"{"type":"a\nb"}"#)), "can't be read"),
            (Err(()), "broke off"),
        ] {
            let first = rest.clone().map(|rest| [chunk(START), rest].concat());
            let parts = if first.is_ok() { vec![first] } else { vec![Ok(chunk(START)), rest] };
            let (text, end) = decoded(parts);
            assert_eq!(text.concat(), format!("event: message_start\ndata: {START}\n\n"));
            assert!(end.clone().unwrap_err().contains(says), "{end:?} {says}");
        }
    }
}
