//! What the events of a stream stand for: on InvokeModel each chunk holds one event of Anthropic's, in base64; Converse's
//! own are translated.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::Deserialize;
use sluice_api::error::{Error, Kind};
use sluice_json::object::Object;
use sluice_json::text;
use sluice_translate::converse;
use sluice_wire::request::splice::{Edit, splice};
use sluice_wire::sse;

use crate::bodies::Writer;

/// What Bedrock adds to the last event; the same numbers are in Anthropic's own events.
const METRICS: &str = "amazon-bedrock-invocationMetrics";

/// Writes Claude's events as they are, less what Bedrock adds to them.
#[derive(Debug)]
pub(crate) struct Events;

impl Writer for Events {
    fn event(&mut self, name: &str, payload: &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
        // Another kind of event is one that is not known yet.
        if name == "chunk" && write(payload, out).is_none() {
            let message = "the upstream's event stream has a chunk that can't be read";
            return Err(Error::new(Kind::Upstream, message));
        }
        Ok(())
    }
}

impl Writer for converse::Stream {
    fn event(&mut self, name: &str, payload: &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
        self.event(name, payload, out)
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
    let members = Object::of(&event)?;
    let kind = text::unescape(event.get(members.value("type")?.clone())?);
    if kind.contains(char::is_control) {
        return None;
    }
    let cut = members.without(|name| name == METRICS).into_iter();
    let edits: Vec<Edit> = cut.map(|at| Edit { at, with: String::new() }).collect();
    let event = if edits.is_empty() { event } else { splice(&event, edits) };
    sse::write(&kind, &event, out);
    Some(())
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use proptest::prelude::*;
    use serde_json::json;
    use sluice_translate::converse::{self, Heading};

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

    fn heading() -> Heading {
        Heading { id: "msg_bdrk_1".to_owned(), model: "m".to_owned() }
    }

    /// Converse's stream cut in these places, and what is written for it.
    fn conversed(told: &[(&str, String)], cuts: &[usize]) -> (String, Result<(), String>) {
        let stream: Vec<u8> = told.iter().flat_map(|(name, payload)| event(name, payload)).collect();
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (stream.len() + 1)).collect();
        cuts.extend([0, stream.len()]);
        cuts.sort_unstable();
        let parts = cuts.windows(2).map(|pair| Ok(stream[pair[0]..pair[1]].to_vec())).collect();
        let (text, end) = read(Decoded::new(pieces(parts), converse::Stream::new(heading())));
        (text.concat(), end)
    }

    /// What the translation alone writes for events.
    fn translated(told: &[(&str, String)]) -> (String, Result<(), String>) {
        let mut stream = converse::Stream::new(heading());
        let mut out = Vec::new();
        let end =
            told.iter().try_for_each(|(name, payload)| stream.event(name, payload.as_bytes(), &mut out));
        (String::from_utf8(out).unwrap(), end.map_err(|error| error.to_string()))
    }

    #[test]
    fn converses_stream_is_translated_wherever_it_is_cut() {
        let call = r#"{"contentBlockIndex":1,"start":{"toolUse":{"toolUseId":"t","name":"f"}}}"#;
        let told = [
            ("messageStart", r#"{"role":"assistant"}"#),
            ("contentBlockDelta", r#"{"contentBlockIndex":0,"delta":{"text":"H\n\n"}}"#),
            ("contentBlockStop", r#"{"contentBlockIndex":0}"#),
            ("contentBlockStart", call),
            ("contentBlockDelta", r#"{"contentBlockIndex":1,"delta":{"toolUse":{"input":"{}"}}}"#),
            ("messageStop", r#"{"stopReason":"tool_use"}"#),
            ("metadata", r#"{"usage":{"inputTokens":1,"outputTokens":2}}"#),
        ];
        let told = told.map(|(name, payload)| (name, payload.to_owned()));
        let whole = conversed(&told, &[]);
        assert!(
            whole.0.ends_with("event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"),
            "{}",
            whole.0
        );
        assert_eq!(whole, translated(&told));
        let length = told.iter().map(|(name, payload)| event(name, payload).len()).sum();
        for at in 0..=length {
            assert_eq!(conversed(&told, &[at]), whole, "cut at {at}");
        }
    }

    const NAMES: [&str; 7] = [
        "messageStart",
        "contentBlockStart",
        "contentBlockDelta",
        "contentBlockStop",
        "messageStop",
        "metadata",
        "x",
    ];

    /// A payload that each of them can be read from, and now and then one that none can.
    fn payload() -> impl Strategy<Value = String> {
        let deltas = [
            r#"{"text":"é\n"}"#,
            r#"{"toolUse":{"input":"{}"}}"#,
            r#"{"reasoningContent":{"text":"t"}}"#,
            r#"{"reasoningContent":{"redactedContent":"RR=="}}"#,
            "{}",
        ];
        let start = r#"{"toolUse":{"toolUseId":"t","name":"f"}}"#;
        let whole = (0u64..3, prop::sample::select(deltas.to_vec())).prop_map(move |(index, delta)| {
            format!(
                r#"{{"contentBlockIndex":{index},"delta":{delta},"start":{start},"stopReason":"end_turn","usage":{{}}}}"#
            )
        });
        prop_oneof![20 => whole, 1 => Just("{".to_owned())]
    }

    proptest! {
        #[test]
        fn what_is_written_depends_on_no_cut(
            told in prop::collection::vec((prop::sample::select(&NAMES[..]), payload()), 0..12),
            cuts in prop::collection::vec(any::<usize>(), 0..8),
        ) {
            prop_assert_eq!(conversed(&told, &cuts), translated(&told));
        }
    }
}
