//! What the pools' upstreams answer, as complete as the official SDKs want it.

use sluice_tests::fleet::{answer as framed, spoken};
use sluice_tests::upstream::{Request, Step};

/// Answers a request in its dialect, whole or streamed.
pub(crate) fn answer(request: &Request) -> Vec<Step> {
    let (whole, stream) = match spoken(request).api {
        "anthropic" => (MESSAGE, named(&MESSAGE_EVENTS)),
        "openai-chat" => (CHAT, plain(&CHAT_CHUNKS)),
        "openai-responses" => (RESPONSE, named(&RESPONSE_EVENTS)),
        "gemini" => (GENERATED, GENERATED_CHUNKS.map(|data| format!("data: {data}\r\n\r\n")).concat()),
        other => panic!("nobody asks for {other}"),
    };
    framed(request, whole, &stream, 50)
}

fn named(events: &[&str]) -> String {
    let kind = |data: &str| data.split('"').nth(3).unwrap().to_owned();
    events.iter().map(|data| format!("event: {}\ndata: {data}\n\n", kind(data))).collect()
}

fn plain(events: &[&str]) -> String {
    events.iter().map(|data| format!("data: {data}\n\n")).collect::<String>() + "data: [DONE]\n\n"
}

const MESSAGE: &str = r#"{"id":"msg_1","type":"message","role":"assistant","model":"claude-opus-5-5","content":[{"type":"text","text":"Héllo from a pool"}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":9,"output_tokens":41}}"#;

const MESSAGE_EVENTS: [&str; 7] = [
    r#"{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"claude-opus-5-5","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":9,"output_tokens":1}}}"#,
    r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#,
    r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Héllo from"}}"#,
    r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":" a pool"}}"#,
    r#"{"type":"content_block_stop","index":0}"#,
    r#"{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":41}}"#,
    r#"{"type":"message_stop"}"#,
];

const CHAT: &str = r#"{"id":"c","object":"chat.completion","created":1,"model":"gpt-5.5","choices":[{"index":0,"message":{"role":"assistant","content":"Héllo from a pool"},"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":41,"total_tokens":50}}"#;

const CHAT_CHUNKS: [&str; 4] = [
    r#"{"id":"c","object":"chat.completion.chunk","created":1,"model":"gpt-5.5","choices":[{"index":0,"delta":{"role":"assistant","content":"Héllo from"}}]}"#,
    r#"{"id":"c","object":"chat.completion.chunk","created":1,"model":"gpt-5.5","choices":[{"index":0,"delta":{"content":" a pool"}}]}"#,
    r#"{"id":"c","object":"chat.completion.chunk","created":1,"model":"gpt-5.5","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#,
    r#"{"id":"c","object":"chat.completion.chunk","created":1,"model":"gpt-5.5","choices":[],"usage":{"prompt_tokens":9,"completion_tokens":41,"total_tokens":50}}"#,
];

const RESPONSE: &str = r#"{"id":"resp_1","object":"response","created_at":1,"model":"gpt-5.5","status":"completed","output":[{"type":"message","id":"m","role":"assistant","status":"completed","content":[{"type":"output_text","text":"Héllo from a pool","annotations":[]}]}],"usage":{"input_tokens":9,"output_tokens":41,"total_tokens":50}}"#;

const RESPONSE_EVENTS: [&str; 4] = [
    r#"{"type":"response.created","sequence_number":0,"response":{"id":"resp_2","object":"response","status":"in_progress","output":[]}}"#,
    r#"{"type":"response.output_text.delta","sequence_number":1,"item_id":"m","output_index":0,"content_index":0,"delta":"Héllo from"}"#,
    r#"{"type":"response.output_text.delta","sequence_number":2,"item_id":"m","output_index":0,"content_index":0,"delta":" a pool"}"#,
    r#"{"type":"response.completed","sequence_number":3,"response":{"id":"resp_2","object":"response","status":"completed","output":[],"usage":{"input_tokens":9,"output_tokens":41,"total_tokens":50}}}"#,
];

const GENERATED: &str = r#"{"candidates":[{"content":{"role":"model","parts":[{"text":"Héllo from a pool"}]},"finishReason":"STOP","index":0}],"usageMetadata":{"promptTokenCount":9,"candidatesTokenCount":41,"totalTokenCount":50},"modelVersion":"gemini-3.8-flash"}"#;

const GENERATED_CHUNKS: [&str; 2] = [
    r#"{"candidates":[{"content":{"role":"model","parts":[{"text":"Héllo from"}]},"index":0}],"usageMetadata":{"promptTokenCount":9,"candidatesTokenCount":1,"totalTokenCount":10}}"#,
    r#"{"candidates":[{"content":{"role":"model","parts":[{"text":" a pool"}]},"finishReason":"STOP","index":0}],"usageMetadata":{"promptTokenCount":9,"candidatesTokenCount":41,"totalTokenCount":50}}"#,
];
