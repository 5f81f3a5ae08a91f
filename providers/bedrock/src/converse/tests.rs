//! Golden cases, both ways.

use bytes::Bytes;
use serde_json::{Value, json};
use sluice_api::Error;

use super::{Heading, Stream, Translated, answer, request};
use crate::bodies::Decoded;
use crate::bodies::tests::{pieces, read};
use crate::frames::tests::event;
use crate::invoke::For;

const NOVA: &str = "us.amazon.nova-pro-v1:0";
const LLAMA: &str = "meta.llama3-3-70b-instruct-v1:0";

fn translated(model: &str, body: &str) -> Result<Translated, Error> {
    request(&Bytes::copy_from_slice(body.as_bytes()), model, For::Generate)
}

fn check(model: &str, body: &Value, expected: &Value) {
    let sent = translated(model, &body.to_string()).unwrap();
    assert_eq!(&serde_json::from_slice::<Value>(&sent.body).unwrap(), expected);
}

#[test]
fn a_whole_conversation_is_translated() {
    check(
        NOVA,
        &json!({
            "model": "m", "max_tokens": 100, "temperature": 0.7, "top_p": 0.9, "top_k": 20, "stop_sequences": ["x"],
            "stream": true, "metadata": { "user_id": "u" }, "context_management": { "edits": [] }, "seed": 7,
            "system": [
                { "type": "text", "text": "x-anthropic-billing-header: cc_version=1" },
                { "type": "text", "text": "Be kind.", "cache_control": { "type": "ephemeral", "ttl": "1h" } },
            ],
            "messages": [
                { "role": "user", "content": [
                    { "type": "text", "text": "" },
                    { "type": "text", "text": "Look." },
                    { "type": "image", "source": { "type": "base64", "media_type": "image/png", "data": "AA/=" } },
                    { "type": "document", "title": "Q3.pdf", "context": "c", "source": { "type": "base64", "media_type": "application/pdf", "data": "BB==" } },
                    { "type": "document", "citations": { "enabled": true }, "source": { "type": "text", "media_type": "text/plain", "data": "hi" } },
                    { "type": "document", "source": { "type": "content", "content": [{ "type": "text", "text": "t" }] } },
                    { "type": "search_result", "source": "s", "title": "t", "content": [{ "type": "text", "text": "f" }] },
                ] },
                { "role": "assistant", "content": [
                    { "type": "thinking", "thinking": "hm", "signature": "sig" },
                    { "type": "thinking", "thinking": "elsewhere", "signature": "" },
                    { "type": "redacted_thinking", "data": "RR==" },
                    { "type": "tool_use", "id": "t1", "name": "f", "input": { "z": 1, "a": 2 } },
                ] },
                { "role": "user", "content": [
                    { "type": "tool_result", "tool_use_id": "t1", "content": "12C", "cache_control": { "type": "ephemeral" } },
                    { "type": "tool_result", "tool_use_id": "t2", "is_error": true, "content": [{ "type": "text", "text": "no" }] },
                    { "type": "tool_result", "tool_use_id": "t3" },
                ] },
                { "role": "user", "content": "Go on." },
            ],
            "tools": [{ "name": "f", "description": "d", "input_schema": { "type": "object" }, "cache_control": { "type": "ephemeral" }, "strict": true }, { "type": "custom", "name": "g" }],
            "tool_choice": { "type": "tool", "name": "f" },
            "cache_control": { "type": "ephemeral" },
        }),
        &json!({
            "inferenceConfig": { "maxTokens": 100, "temperature": 0.7, "topP": 0.9, "stopSequences": ["x"] },
            "additionalModelRequestFields": { "seed": 7, "inferenceConfig": { "topK": 20 } },
            "system": [{ "text": "Be kind." }, { "cachePoint": { "type": "default", "ttl": "1h" } }],
            "messages": [
                { "role": "user", "content": [
                    { "text": "Look." },
                    { "image": { "format": "png", "source": { "bytes": "AA/=" } } },
                    { "document": { "format": "pdf", "name": "Q3 pdf", "context": "c", "source": { "bytes": "BB==" } } },
                    { "document": { "format": "txt", "name": "document", "citations": { "enabled": true }, "source": { "bytes": "aGk=" } } },
                    { "document": { "name": "document (2)", "source": { "content": [{ "text": "t" }] } } },
                    { "searchResult": { "source": "s", "title": "t", "content": [{ "text": "f" }] } },
                ] },
                { "role": "assistant", "content": [
                    { "reasoningContent": { "reasoningText": { "text": "hm", "signature": "sig" } } },
                    { "reasoningContent": { "redactedContent": "RR==" } },
                    { "toolUse": { "toolUseId": "t1", "name": "f", "input": { "z": 1, "a": 2 } } },
                ] },
                { "role": "user", "content": [
                    { "toolResult": { "toolUseId": "t1", "content": [{ "text": "12C" }] } },
                    { "cachePoint": { "type": "default" } },
                    { "toolResult": { "toolUseId": "t2", "status": "error", "content": [{ "text": "no" }] } },
                    { "toolResult": { "toolUseId": "t3", "content": [] } },
                    { "text": "Go on." },
                    { "cachePoint": { "type": "default" } },
                ] },
            ],
            "toolConfig": {
                "tools": [
                    { "toolSpec": { "name": "f", "description": "d", "inputSchema": { "json": { "type": "object" } }, "strict": true } },
                    { "toolSpec": { "name": "g", "inputSchema": { "json": { "type": "object", "properties": {} } } } },
                ],
                "toolChoice": { "tool": { "name": "f" } },
            },
        }),
    );
}

#[test]
fn models_that_cannot_cache_get_no_cache_points() {
    let marked = json!({ "type": "text", "text": "a", "cache_control": { "type": "ephemeral" } });
    let body = json!({ "system": [marked], "messages": [{ "role": "user", "content": [marked] }], "cache_control": { "type": "ephemeral" } });
    let plain = json!({ "text": "a" });
    check(LLAMA, &body, &json!({ "system": [plain], "messages": [{ "role": "user", "content": [plain] }] }));
}

#[test]
fn a_cache_point_follows_something_that_can_be_cached() {
    let mark = json!({ "type": "ephemeral" });
    let text = |text: &str| json!({ "type": "text", "text": text, "cache_control": mark });
    let point = json!({ "cachePoint": { "type": "default" } });
    let body = json!({
        "system": [text("x-anthropic-billing-header: x"), text("s")],
        "messages": [{ "role": "user", "content": [text(""), text("a"), text("")] }],
        "cache_control": mark,
    });
    let turn = json!({ "role": "user", "content": [{ "text": "a" }, point] });
    check(NOVA, &body, &json!({ "system": [{ "text": "s" }, point], "messages": [turn] }));
}

#[test]
fn thinking_and_the_form_of_the_output_are_told() {
    let body = |more: Value| {
        let mut body = json!({ "messages": [{ "role": "user", "content": "a" }] });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let schema = json!({ "type": "json_schema", "schema": { "b": 1, "a": 1.50 } });
    for (model, more, field, expected) in [
        (
            LLAMA,
            json!({ "thinking": { "type": "enabled", "budget_tokens": 2048 } }),
            "additionalModelRequestFields",
            json!({ "thinking": { "type": "enabled", "budget_tokens": 2048 } }),
        ),
        (LLAMA, json!({ "thinking": { "type": "disabled" } }), "additionalModelRequestFields", Value::Null),
        (
            LLAMA,
            json!({ "output_config": { "effort": "high" } }),
            "outputConfig",
            json!({ "effort": "high" }),
        ),
        (LLAMA, json!({ "top_k": 5 }), "additionalModelRequestFields", json!({ "top_k": 5 })),
        (
            "amazon.nova-2-lite-v1:0",
            json!({ "thinking": { "type": "adaptive" }, "output_config": { "effort": "low" } }),
            "additionalModelRequestFields",
            json!({ "reasoningConfig": { "type": "enabled", "maxReasoningEffort": "low" } }),
        ),
        (
            "amazon.nova-2-lite-v1:0",
            json!({ "output_config": { "effort": "low" } }),
            "outputConfig",
            Value::Null,
        ),
        (
            LLAMA,
            json!({ "tool_choice": { "type": "none" }, "tools": [{ "name": "f" }] }),
            "toolConfig",
            Value::Null,
        ),
    ] {
        let sent = translated(model, &body(more).to_string()).unwrap();
        assert_eq!(serde_json::from_slice::<Value>(&sent.body).unwrap()[field], expected, "{model}");
    }
    for name in ["output_config", "output_format"] {
        let format = if name == "output_config" { json!({ "format": schema }) } else { schema.clone() };
        let sent = translated(LLAMA, &body(json!({ name: format })).to_string()).unwrap();
        let sent: Value = serde_json::from_slice(&sent.body).unwrap();
        let text =
            sent.pointer("/outputConfig/textFormat/structure/jsonSchema/schema").unwrap().as_str().unwrap();
        assert_eq!(serde_json::from_str::<Value>(text).unwrap(), schema["schema"]);
    }
}

#[test]
fn what_a_tool_is_called_with_stays_as_it_is_written() {
    let input = r#"{ "z":0.10000000000000000555, "a":12345678901234567890123, "t":"\u00e9" }"#;
    let body = format!(
        r#"{{"messages":[{{"role":"assistant","content":[{{"type":"tool_use","id":"t","name":"f","input":{input}}}]}}],"tools":[{{"name":"f","input_schema":{input}}}],"max_tokens":1e2}}"#
    );
    let sent = String::from_utf8(translated(NOVA, &body).unwrap().body.to_vec()).unwrap();
    assert_eq!(sent.matches(input).count(), 2, "{sent}");
    assert!(sent.contains(r#""maxTokens":1e2"#), "{sent}");
}

#[test]
fn what_has_no_counterpart_is_refused_and_named() {
    let messages = r#""messages":[{"role":"user","content":"a"}]"#;
    let block = |block: &str| format!(r#"{{"messages":[{{"role":"user","content":[{block}]}}]}}"#);
    let called = r#"{"type":"tool_use","id":"t","name":"f","input":{}}"#;
    for (body, param) in [
        (format!(r#"{{{messages},"mcp_servers":[]}}"#), "mcp_servers"),
        (format!(r#"{{{messages},"container":"c"}}"#), "container"),
        (format!(r#"{{{messages},"safeguards":[]}}"#), "safeguards"),
        (format!(r#"{{{messages},"speed":"fast"}}"#), "speed"),
        (format!(r#"{{{messages},"max_tokens":0}}"#), "max_tokens"),
        (
            format!(r#"{{{messages},"tools":[{{"type":"web_search_20250305","name":"web_search"}}]}}"#),
            "tools.0",
        ),
        (format!(r#"{{{messages},"tool_choice":{{"type":"some"}}}}"#), "tool_choice.type"),
        (
            format!(r#"{{{messages},"system":[{{"type":"tool_use","id":"t","name":"f","input":{{}}}}]}}"#),
            "system.0",
        ),
        (r#"{"messages":[{"role":"tool","content":"a"}]}"#.to_owned(), "messages.0.role"),
        (block(r#"{"type":"image","source":{"type":"url","url":"u"}}"#), "messages.0.content.0.source"),
        (
            block(r#"{"type":"image","source":{"type":"base64","media_type":"image/tiff","data":""}}"#),
            "messages.0.content.0.source.media_type",
        ),
        (
            block(r#"{"type":"document","source":{"type":"file","file_id":"f"}}"#),
            "messages.0.content.0.source",
        ),
        (block(r#"{"type":"container_upload","file_id":"f"}"#), "messages.0.content.0"),
        (block(r#"{"type":"text"}"#), "messages.0.content.0"),
        (
            block(&format!(r#"{{"type":"tool_result","tool_use_id":"t","content":[{called}]}}"#)),
            "messages.0.content.0.content.0",
        ),
        (
            format!(
                r#"{{"messages":[{{"role":"assistant","content":[{called}]}}],"tools":[{{"name":"f"}}],"tool_choice":{{"type":"none"}}}}"#
            ),
            "tool_choice",
        ),
        ("{}".to_owned(), "messages"),
    ] {
        let error = translated(NOVA, &body).unwrap_err();
        assert_eq!(error.facts().param.as_deref(), Some(param), "{body}: {error}");
        assert_eq!(error.kind(), sluice_api::Kind::BadRequest);
    }
    let named = translated(
        NOVA,
        &format!(
            r#"{{{messages},"fallbacks":"default","compaction":null,"output_config":{{"task_budget":{{}}}}}}"#
        ),
    )
    .unwrap();
    assert_eq!(named.dropped, ["fallbacks", "output_config.task_budget"]);
}

fn heading() -> Heading {
    Heading { id: "msg_bdrk_1".to_owned(), model: NOVA.to_owned() }
}

#[test]
fn an_answer_is_anthropics_message() {
    let input = r#"{"z":0.10000000000000000555,"a":1}"#;
    let told = format!(
        r#"{{"output":{{"message":{{"role":"assistant","content":[{{"reasoningContent":{{"reasoningText":{{"text":"hm","signature":"s"}}}}}},{{"reasoningContent":{{"reasoningText":{{"text":"plain"}}}}}},{{"reasoningContent":{{"redactedContent":"RR=="}}}},{{"text":"Hi"}},{{"citationsContent":{{"content":[{{"text":"by "}},{{"text":"source"}}],"citations":[]}}}},{{"image":{{}}}},{{"toolUse":{{"toolUseId":"t","name":"f","input":{input}}}}}]}}}},"stopReason":"tool_use","usage":{{"inputTokens":10,"outputTokens":20,"totalTokens":30}},"metrics":{{"latencyMs":8}},"serviceTier":{{"type":"flex"}}}}"#
    );
    let text = answer(told.as_bytes(), &heading()).unwrap();
    assert!(String::from_utf8(text.to_vec()).unwrap().contains(input));
    assert_eq!(
        serde_json::from_slice::<Value>(&text).unwrap(),
        json!({
            "id": "msg_bdrk_1", "type": "message", "role": "assistant", "model": NOVA,
            "content": [
                { "type": "thinking", "thinking": "hm", "signature": "s" },
                { "type": "thinking", "thinking": "plain", "signature": "" },
                { "type": "redacted_thinking", "data": "RR==" },
                { "type": "text", "text": "Hi" },
                { "type": "text", "text": "by source" },
                { "type": "tool_use", "id": "t", "name": "f", "input": { "z": 0.1, "a": 1 } },
            ],
            "stop_reason": "tool_use", "stop_sequence": null,
            "usage": {
                "input_tokens": 10, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0,
                "cache_creation": { "ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0 },
                "output_tokens": 20, "service_tier": "flex",
            },
        })
    );
    assert!(answer(b"{}", &heading()).is_err());
}

fn delta(index: u64, delta: &Value) -> Vec<u8> {
    event("contentBlockDelta", &json!({ "contentBlockIndex": index, "delta": delta, "p": "abc" }).to_string())
}

fn call(index: u64, id: &str) -> Vec<u8> {
    let start =
        json!({ "contentBlockIndex": index, "start": { "toolUse": { "toolUseId": id, "name": "f" } } });
    event("contentBlockStart", &start.to_string())
}

fn stop(index: u64) -> Vec<u8> {
    event("contentBlockStop", &json!({ "contentBlockIndex": index }).to_string())
}

fn ending(reason: &str) -> Vec<u8> {
    let stop = event("messageStop", &json!({ "stopReason": reason }).to_string());
    let usage = json!({ "inputTokens": 9, "outputTokens": 41, "totalTokens": 50, "cacheReadInputTokens": 5 });
    [stop, event("metadata", &json!({ "usage": usage, "metrics": { "latencyMs": 1 } }).to_string())].concat()
}

/// The events of a stream, and how it ended, however it is cut.
fn streamed(parts: &[Vec<u8>]) -> (Vec<Value>, Result<(), String>) {
    let stream = parts.concat();
    let decoded = |pieces_of: Vec<Result<Vec<u8>, ()>>| {
        let (text, end) = read(Decoded::new(pieces(pieces_of), Stream::new(heading())));
        (text.concat(), end)
    };
    let whole = decoded(vec![Ok(stream.clone())]);
    for at in 0..stream.len() {
        assert_eq!(decoded(vec![Ok(stream[..at].to_vec()), Ok(stream[at..].to_vec())]), whole, "cut at {at}");
    }
    let events = whole.0.split("\n\n").filter(|event| !event.is_empty()).map(|event| {
        let (name, data) = event.strip_prefix("event: ").unwrap().split_once("\ndata: ").unwrap();
        let data: Value = serde_json::from_str(data).unwrap();
        assert_eq!(data["type"], name);
        data
    });
    (events.collect(), whole.1)
}

/// An event in short, like `start 0 text`.
fn short(event: &Value) -> String {
    let text = |at: &str| {
        event.pointer(at).map(|value| value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned))
    };
    let index = text("/index").unwrap_or_default();
    match event["type"].as_str().unwrap() {
        "content_block_start" => {
            format!(
                "start {index} {} {}",
                text("/content_block/type").unwrap(),
                text("/content_block/id").unwrap_or_default()
            )
        }
        "content_block_delta" => {
            let delta = &event["delta"];
            let told = ["text", "thinking", "signature", "partial_json"]
                .iter()
                .find_map(|name| delta[name].as_str());
            format!("{} {index} {}", delta["type"].as_str().unwrap(), told.unwrap())
        }
        "content_block_stop" => format!("stop {index}"),
        "message_delta" => format!("delta {}", text("/delta/stop_reason").unwrap()),
        other => other.to_owned(),
    }
}

fn check_stream(parts: &[Vec<u8>], expected: &[&str]) {
    let (events, end) = streamed(parts);
    let shorts: Vec<String> = events.iter().map(|event| short(event).trim_end().to_owned()).collect();
    assert_eq!((shorts.iter().map(String::as_str).collect::<Vec<_>>(), end), (expected.to_vec(), Ok(())));
}

#[test]
fn a_stream_has_anthropics_grammar() {
    let start = event("messageStart", r#"{"role":"assistant"}"#);
    let parts = [
        start,
        delta(0, &json!({ "reasoningContent": { "text": "h" } })),
        delta(0, &json!({ "reasoningContent": { "signature": "s" } })),
        stop(0),
        delta(1, &json!({ "text": "H" })),
        delta(1, &json!({ "text": "i\n\n" })),
        stop(1),
        call(2, "t1"),
        delta(2, &json!({ "toolUse": { "input": "{\"q\":\"r" } })),
        delta(2, &json!({ "toolUse": { "input": "ust\"}" } })),
        stop(2),
        ending("tool_use"),
    ];
    check_stream(
        &parts,
        &[
            "message_start",
            "start 0 thinking",
            "thinking_delta 0 h",
            "signature_delta 0 s",
            "stop 0",
            "start 1 text",
            "text_delta 1 H",
            "text_delta 1 i",
            "stop 1",
            "start 2 tool_use t1",
            "input_json_delta 2 {\"q\":\"r",
            "input_json_delta 2 ust\"}",
            "stop 2",
            "delta tool_use",
            "message_stop",
        ],
    );
    let (events, _) = streamed(&parts);
    assert_eq!(
        events[0]["message"],
        json!({ "id": "msg_bdrk_1", "type": "message", "role": "assistant", "model": NOVA, "content": [], "stop_reason": null, "stop_sequence": null, "usage": { "input_tokens": 0, "output_tokens": 0 } })
    );
    let usage = &events[events.len() - 2]["usage"];
    assert_eq!(
        (&usage["input_tokens"], &usage["output_tokens"], &usage["cache_read_input_tokens"]),
        (&json!(9), &json!(41), &json!(5))
    );
}

#[test]
fn blocks_that_are_mixed_come_one_after_another() {
    check_stream(
        &[
            call(0, "t1"),
            call(1, "t2"),
            delta(1, &json!({ "toolUse": { "input": "{}" } })),
            delta(0, &json!({ "toolUse": { "input": "{\"a\"" } })),
            stop(1),
            delta(2, &json!({ "text": "x" })),
            delta(0, &json!({ "toolUse": { "input": ":1}" } })),
            stop(0),
            delta(2, &json!({ "reasoningContent": { "redactedContent": "RR==" } })),
            ending("end_turn"),
        ],
        &[
            "message_start",
            "start 0 tool_use t1",
            "input_json_delta 0 {\"a\"",
            "input_json_delta 0 :1}",
            "stop 0",
            "start 1 tool_use t2",
            "input_json_delta 1 {}",
            "stop 1",
            "start 2 text",
            "text_delta 2 x",
            "stop 2",
            "start 3 redacted_thinking",
            "stop 3",
            "delta tool_use",
            "message_stop",
        ],
    );
}

#[test]
fn a_stream_without_content_or_without_an_end() {
    check_stream(
        &[event("messageStart", "{}"), ending("content_filtered")],
        &["message_start", "delta refusal", "message_stop"],
    );
    // No usage: the engine sees a stream that is not whole.
    check_stream(
        &[delta(0, &json!({ "text": "x" })), event("messageStop", r#"{"stopReason":"end_turn"}"#)],
        &["message_start", "start 0 text", "text_delta 0 x", "stop 0"],
    );
    check_stream(
        &[delta(0, &json!({ "citation": {} })), delta(1, &json!({ "toolUse": { "input": "{}" } }))],
        &["message_start"],
    );
    let (_, end) = streamed(&[event("contentBlockDelta", "{}")]);
    assert!(end.unwrap_err().contains("contentBlockDelta"));
}

#[test]
fn blocks_that_wait_are_bounded() {
    let long = "x".repeat(1024 * 1024);
    let parts: Vec<Result<Vec<u8>, ()>> =
        (0..10).map(|index| Ok(delta(index, &json!({ "text": long })))).collect();
    let (_, end) = read(Decoded::new(pieces(parts), Stream::new(heading())));
    assert!(end.unwrap_err().contains("longer blocks"));
}
