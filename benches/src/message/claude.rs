//! Anthropic's Messages, byte by byte.

use super::text::{WORDS, event, padded};

/// What stands in a request before and after its text.
pub(super) fn request(model: &str, stream: bool) -> (String, &'static str) {
    let before = format!(
        r#"{{"model":"{model}","max_tokens":1024,"stream":{stream},"system":"You answer briefly.","messages":[{{"role":"user","content":""#
    );
    (before, r#""}],"metadata":{"user_id":"benchmark"}}"#)
}

/// A message as JSON of this many bytes.
pub(super) fn json(model: &str, size: usize) -> String {
    let before = format!(
        r#"{{"id":"msg_01benchmark","type":"message","role":"assistant","model":"{model}","content":[{{"type":"text","text":""#
    );
    let after = r#""}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":512,"cache_creation_input_tokens":0,"cache_read_input_tokens":128,"output_tokens":384,"service_tier":"standard"}}"#;
    padded(&before, after, size)
}

/// A message as this many events.
pub(super) fn events(model: &str, count: usize) -> Vec<String> {
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

/// An error of the upstream's own.
pub(crate) const FAILURE: &str = r#"{"type":"error","error":{"type":"api_error","message":"Internal server error"},"request_id":"req_01benchmark"}"#;
