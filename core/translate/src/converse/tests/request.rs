//! Requests: golden cases.

use serde_json::{Value, json};
use sluice_api::error::Error;

use crate::converse::{count, request};
use crate::translated::Translated;

const NOVA: &str = "amazon.nova-pro-v1:0";
const LLAMA: &str = "meta.llama3-3-70b-instruct-v1:0";

fn translated(model: &str, body: &str) -> Result<Translated, Error> {
    request(body.as_bytes(), model)
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
fn what_a_family_has_elsewhere_stays_as_it_is_written() {
    for top_k in ["1.0e+2", "12345678901234567890123", r#""\ud800""#] {
        let body = format!(r#"{{"messages":[],"top_k":{top_k}}}"#);
        let sent = String::from_utf8(translated(NOVA, &body).unwrap().body.to_vec()).unwrap();
        assert!(sent.contains(&format!(r#""inferenceConfig":{{"topK":{top_k}}}"#)), "{sent}");
    }
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
        assert_eq!(error.kind(), sluice_api::error::Kind::BadRequest);
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

#[test]
fn what_converse_does_not_take_is_named() {
    let mark = r#""cache_control":{"type":"ephemeral","ttl":"1h"}"#;
    let body = format!(
        r#"{{"messages":[{{"role":"user","content":[{{"type":"text","text":"a",{mark}}}]}}],"context_management":{{}},"anthropic_beta":["b"],"tools":[{{"name":"f","input_examples":[{{}}],{mark}}},{{"name":"g","input_examples":[]}}]}}"#
    );
    let named = |model: &str| {
        let translated = request(body.as_bytes(), model).unwrap();
        (serde_json::from_slice::<Value>(&translated.body).unwrap(), translated.dropped.join(" "))
    };
    let point = json!([{ "text": "a" }, { "cachePoint": { "type": "default", "ttl": "1h" } }]);
    let opaque = "arn:aws:bedrock:us-east-1:1:application-inference-profile/a";
    for (model, content, dropped) in [
        (NOVA, &point, "context_management anthropic_beta tools.input_examples tools.cache_control"),
        (
            opaque,
            &json!([{ "text": "a" }]),
            "context_management anthropic_beta cache_control tools.input_examples tools.cache_control",
        ),
    ] {
        let (sent, dropped_there) = named(model);
        assert_eq!((&sent["messages"][0]["content"], dropped_there.as_str()), (content, dropped), "{model}");
    }
}

#[test]
fn a_count_has_all_but_how_it_is_to_be_answered() {
    let format = json!({ "type": "json_schema", "schema": {} });
    let body = json!({
        "system": "s", "messages": [{ "role": "user", "content": "a" }], "tools": [{ "name": "f" }],
        "max_tokens": 0, "top_k": 5, "output_config": { "format": format },
    });
    let mut counted: Value =
        serde_json::from_slice(&count(body.to_string().as_bytes(), NOVA).unwrap().body).unwrap();
    let schema = json!({ "type": "object", "properties": {} });
    assert_eq!(
        counted["input"]["converse"].take(),
        json!({
            "system": [{ "text": "s" }],
            "messages": [{ "role": "user", "content": [{ "text": "a" }] }],
            "toolConfig": { "tools": [{ "toolSpec": { "name": "f", "inputSchema": { "json": schema } } }] },
            "additionalModelRequestFields": { "inferenceConfig": { "topK": 5 } },
        })
    );
}
