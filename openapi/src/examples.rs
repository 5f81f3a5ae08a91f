//! Bodies that can be tried out as they are against the simulated provider.

use serde_json::{Value, json};
use sluice_api::dialect::{Api, Operation};

/// Example requests, by name; the first is what Swagger UI shows.
pub(crate) fn requests(api: Api, operation: Operation) -> Vec<(&'static str, Value)> {
    match (api, operation) {
        (Api::Anthropic, Operation::CountTokens) => {
            vec![(
                "count",
                json!({ "model": "claude-sonnet-5-5", "messages": [{ "role": "user", "content": "Hello" }] }),
            )]
        }
        (Api::Anthropic, _) => {
            let message = |stream: bool| {
                json!({
                    "model": "claude-sonnet-5-5", "max_tokens": 256, "stream": stream,
                    "messages": [{ "role": "user", "content": "Hello" }],
                })
            };
            vec![("message", message(false)), ("stream", message(true))]
        }
        (Api::OpenaiChat, _) => {
            let chat = |stream: bool| json!({ "model": "gpt-5.5", "stream": stream, "messages": [{ "role": "user", "content": "Hello" }] });
            vec![("chat", chat(false)), ("stream", chat(true))]
        }
        (Api::OpenaiResponses, Operation::Generate) => {
            let response = |stream: bool| json!({ "model": "gpt-5.5", "stream": stream, "input": "Hello" });
            vec![("response", response(false)), ("stream", response(true))]
        }
        (Api::OpenaiResponses, _) => vec![("input", json!({ "model": "gpt-5.5", "input": "Hello" }))],
        (Api::OpenaiEmbeddings, _) => {
            vec![("texts", json!({ "model": "text-embedding-3-small", "input": ["Hello", "there"] }))]
        }
        (Api::OpenaiImages, _) => {
            vec![("image", json!({ "model": "gpt-image-1", "prompt": "A sluice gate at dawn" }))]
        }
        (Api::Gemini, Operation::Embed) => {
            vec![("text", json!({ "content": { "parts": [{ "text": "Hello" }] } }))]
        }
        (Api::Gemini, Operation::BatchEmbed) => {
            let one = json!({ "model": "models/gemini-embedding-001", "content": { "parts": [{ "text": "Hello" }] } });
            vec![("texts", json!({ "requests": [one] }))]
        }
        (Api::Gemini, _) => {
            vec![("contents", json!({ "contents": [{ "role": "user", "parts": [{ "text": "Hello" }] }] }))]
        }
    }
}

/// What a refusal looks like.
pub(crate) fn refusal(api: Api) -> Value {
    let message = "a sentence that says what to do";
    match api {
        Api::Anthropic => json!({
            "type": "error", "error": { "type": "invalid_request_error", "message": message }, "request_id": "req_0",
        }),
        Api::Gemini => json!({ "error": {
            "code": 400, "message": message, "status": "INVALID_ARGUMENT",
            "details": [{ "@type": "type.googleapis.com/google.rpc.RequestInfo", "requestId": "req_0" }],
        }}),
        _ => json!({ "error": {
            "message": message, "type": "invalid_request_error", "param": null, "code": null, "request_id": "req_0",
        }}),
    }
}
