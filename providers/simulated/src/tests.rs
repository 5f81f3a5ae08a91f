//! Every dialect and operation, metered by the gateway's own meters.

use http_body_util::BodyExt;
use serde_json::{Value, json};

use sluice_api::dialect::{Api, Form, Operation};
use sluice_api::plugin::testing::{call, context, with_section};
use sluice_wire::answer::meter::{End, Meter};

use super::Simulated;

async fn ask(
    toml: &str,
    api: Api,
    operation: Operation,
    form: Form,
    body: Value,
) -> (u16, Result<Vec<u8>, ()>) {
    let provider = with_section(toml, Simulated::build).unwrap();
    let mut call = call(api, operation, form, "m");
    call.body = body.to_string().into();
    let request = provider.prepare(&context(), call).await.unwrap();
    let response = provider.send(&context(), request).await.unwrap();
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.map(|body| body.to_bytes().to_vec()).map_err(|_| ());
    (status, body)
}

fn body(api: Api) -> Value {
    match api {
        Api::Anthropic => json!({ "messages": [{ "role": "user", "content": "hi" }], "max_tokens": 9 }),
        Api::OpenaiChat => {
            json!({ "messages": [{ "role": "user", "content": "hi" }], "stream_options": { "include_usage": true } })
        }
        Api::Gemini => json!({ "contents": [{ "role": "user", "parts": [{ "text": "hi" }] }] }),
        Api::OpenaiImages => json!({ "prompt": "hi" }),
        _ => json!({ "input": "hi" }),
    }
}

#[tokio::test]
async fn every_dialect_streams_to_its_end_and_tells_its_usage() {
    for (api, form) in [
        (Api::Anthropic, Form::Whole),
        (Api::Anthropic, Form::Sse),
        (Api::OpenaiChat, Form::Whole),
        (Api::OpenaiChat, Form::Sse),
        (Api::OpenaiResponses, Form::Whole),
        (Api::OpenaiResponses, Form::Sse),
        (Api::Gemini, Form::Whole),
        (Api::Gemini, Form::Sse),
        (Api::Gemini, Form::JsonArray),
    ] {
        let (status, answer) = ask("tokens = 77", api, Operation::Generate, form, body(api)).await;
        let mut meter = Meter::new(api, Operation::Generate, form);
        meter.feed(&answer.unwrap());
        meter.finish(End::Clean);
        assert_eq!(status, 200);
        assert!(meter.seen().ended && meter.seen().error.is_none(), "{api} {form:?}");
        assert_eq!(
            meter.seen().usage.map(|usage| (usage.output, usage.estimated)),
            Some((77, false)),
            "{api} {form:?}"
        );
    }
}

#[tokio::test]
async fn the_other_operations_answer_json() {
    for (api, operation, request) in [
        (Api::Anthropic, Operation::CountTokens, json!({ "messages": [] })),
        (Api::OpenaiResponses, Operation::CountTokens, json!({ "input": "x" })),
        (Api::OpenaiResponses, Operation::Compact, json!({ "input": "x" })),
        (
            Api::OpenaiEmbeddings,
            Operation::Embed,
            json!({ "input": ["a", "b"], "encoding_format": "base64" }),
        ),
        (Api::OpenaiImages, Operation::Images, json!({ "prompt": "x" })),
        (Api::Gemini, Operation::CountTokens, json!({ "contents": [] })),
        (Api::Gemini, Operation::Embed, json!({ "content": {} })),
        (Api::Gemini, Operation::BatchEmbed, json!({ "requests": [{}, {}] })),
    ] {
        let (status, answer) = ask("", api, operation, Form::Whole, request).await;
        assert_eq!(status, 200, "{api} {operation:?}");
        assert!(serde_json::from_slice::<Value>(&answer.unwrap()).unwrap().is_object());
    }
}

#[tokio::test]
async fn it_refuses_and_breaks_off_as_it_is_told() {
    let (status, _) =
        ask("fail = 429", Api::Gemini, Operation::Generate, Form::Whole, body(Api::Gemini)).await;
    assert_eq!(status, 429);
    let (status, answer) =
        ask("fail = \"cut\"", Api::Anthropic, Operation::Generate, Form::Sse, body(Api::Anthropic)).await;
    assert_eq!((status, answer), (200, Err(())));
    let (status, _) =
        ask("", Api::Anthropic, Operation::Generate, Form::Whole, json!({ "messages": [] })).await;
    assert_eq!(status, 400);
    assert!(with_section("fail = 200", Simulated::build).is_err());
}

#[tokio::test]
async fn a_tool_is_called_in_answer_to_words_and_not_to_its_result() {
    let tools = json!([{ "name": "w", "input_schema": { "type": "object", "properties": { "n": { "type": "integer" } }, "required": ["n"] } }]);
    let mut request = body(Api::Anthropic);
    request["tools"] = tools;
    let (_, answer) = ask("", Api::Anthropic, Operation::Generate, Form::Whole, request.clone()).await;
    let answer: Value = serde_json::from_slice(&answer.unwrap()).unwrap();
    assert_eq!(
        (&answer["stop_reason"], &answer["content"][0]["input"]["n"]),
        (&json!("tool_use"), &json!(1))
    );
    request["messages"] =
        json!([{ "role": "user", "content": [{ "type": "tool_result", "tool_use_id": "x" }] }]);
    let (_, answer) = ask("", Api::Anthropic, Operation::Generate, Form::Whole, request).await;
    let answer: Value = serde_json::from_slice(&answer.unwrap()).unwrap();
    assert_eq!(answer["stop_reason"], "end_turn");
}
