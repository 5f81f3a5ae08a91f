//! OpenAI's Chat Completions and Responses, byte by byte.

use super::text::{WORDS, event, padded};

/// The last event of a Chat stream.
const DONE: &str = "data: [DONE]\n\n";

/// What stands in a Chat request before and after its text.
pub(super) fn chat_request(model: &str, stream: bool) -> (String, &'static str) {
    let before = format!(
        r#"{{"model":"{model}","max_completion_tokens":1024,"stream":{stream},"messages":[{{"role":"system","content":"You answer briefly."}},{{"role":"user","content":""#
    );
    (before, r#""}],"user":"benchmark"}"#)
}

/// What stands in a request of a long conversation before and after its last text, where all is this long.
pub(super) fn conversation(model: &str, size: usize) -> (String, &'static str) {
    let (mut before, after) = chat_request(model, false);
    let mut roles = ["assistant", "user"].into_iter().cycle();
    while before.len() + 4_000 < size {
        before = padded(&before, "", before.len() + 2_000);
        let role = roles.next().unwrap_or_default();
        before += &format!(r#""}},{{"role":"{role}","content":""#);
    }
    // Nobody can be asked to end what the model has begun.
    if roles.next() == Some("user") {
        before += r#"Go on."},{"role":"user","content":""#;
    }
    (before, after)
}

/// What stands in a Responses request before and after its text; nothing is stored, as coding agents ask for it.
pub(super) fn responses_request(model: &str, stream: bool) -> (String, &'static str) {
    let before = format!(
        r#"{{"model":"{model}","max_output_tokens":1024,"stream":{stream},"store":false,"instructions":"You answer briefly.","input":[{{"role":"user","content":""#
    );
    (before, r#""}],"user":"benchmark"}"#)
}

/// A completion as this many events. Each has `usage`, as null; [`chat_usage`] stands before the last.
pub(super) fn chat(model: &str, count: usize) -> Vec<String> {
    let chunk = |delta: &str, reason: &str| {
        chunk(
            model,
            &format!(r#"[{{"index":0,"delta":{delta},"logprobs":null,"finish_reason":{reason}}}]"#),
            "null",
        )
    };
    let mut all = vec![chunk(r#"{"role":"assistant","content":"","refusal":null}"#, "null")];
    let last = [chunk("{}", r#""stop""#), DONE.to_owned()];
    let deltas = count.saturating_sub(all.len() + last.len());
    let words = WORDS.iter().cycle().take(deltas);
    all.extend(words.map(|word| chunk(&format!(r#"{{"content":"{word}"}}"#), "null")));
    all.extend(last);
    all
}

/// The event that tells usage.
pub(crate) fn chat_usage(model: &str) -> String {
    let usage = r#"{"prompt_tokens":512,"completion_tokens":384,"total_tokens":896,"prompt_tokens_details":{"cached_tokens":128,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0}}"#;
    chunk(model, "[]", usage)
}

fn chunk(model: &str, choices: &str, usage: &str) -> String {
    format!(
        r#"data: {{"id":"chatcmpl-benchmark","object":"chat.completion.chunk","created":1790000000,"model":"{model}","service_tier":"default","system_fingerprint":"fp_benchmark","choices":{choices},"usage":{usage}}}"#
    ) + "\n\n"
}

/// A response as this many events.
pub(super) fn responses(model: &str, count: usize) -> Vec<String> {
    let message = |status: &str, content: &str| {
        format!(
            r#"{{"id":"msg_benchmark","type":"message","status":"{status}","role":"assistant","content":{content}}}"#
        )
    };
    let response = |status: &str, output: &str, usage: &str| {
        format!(
            r#""response":{{"id":"resp_benchmark","object":"response","created_at":1790000000,"status":"{status}","model":"{model}","store":false,"output":{output},"usage":{usage}}}"#
        )
    };
    let part = r#"{"type":"output_text","annotations":[],"text":""}"#;
    let (begun, ended) = (message("in_progress", "[]"), message("completed", &format!("[{part}]")));
    let usage = r#"{"input_tokens":512,"input_tokens_details":{"cached_tokens":128},"output_tokens":384,"output_tokens_details":{"reasoning_tokens":0},"total_tokens":896}"#;
    let item = r#""item_id":"msg_benchmark","output_index":0,"content_index":0"#;
    let mut all = vec![
        ("response.created", response("in_progress", "[]", "null")),
        ("response.in_progress", response("in_progress", "[]", "null")),
        ("response.output_item.added", format!(r#""output_index":0,"item":{begun}"#)),
        ("response.content_part.added", format!(r#"{item},"part":{part}"#)),
    ];
    let last = [
        ("response.output_text.done", format!(r#"{item},"text":"""#)),
        ("response.content_part.done", format!(r#"{item},"part":{part}"#)),
        ("response.output_item.done", format!(r#""output_index":0,"item":{ended}"#)),
        ("response.completed", response("completed", &format!("[{ended}]"), usage)),
    ];
    let deltas = count.saturating_sub(all.len() + last.len());
    let words = WORDS.iter().cycle().take(deltas);
    all.extend(words.map(|word| ("response.output_text.delta", format!(r#"{item},"delta":"{word}""#))));
    all.extend(last);
    let numbered = all.iter().enumerate().map(|(number, (name, rest))| {
        event(name, &format!(r#"{{"type":"{name}","sequence_number":{number},{rest}}}"#))
    });
    numbered.collect()
}
