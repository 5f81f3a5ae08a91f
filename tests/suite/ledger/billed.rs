//! What the official SDKs use through the gateway, with caches, reasoning and tools, is in the ledger as the upstream bills it.

use std::process::{Command, Stdio};
use std::sync::Arc;

use serde_json::{Value, json};
use sluice_tests::gateway::{Folder, Gateway, KEY, account, key, workspace};
use sluice_tests::upstream::{Request, Step, Upstream, stream, whole};

use super::records;

const PRICES: &str = "[models.m]\ninput = \"3\"\noutput = \"15\"\ncache_read = \"0.30\"\ncache_write_5m = \"3.75\"\n\
                      cache_write_1h = \"6\"\n";

const ARGUMENTS: [&str; 2] = ["{\"city\":", "\"Oslo\"}"];

fn events(all: &[Value]) -> String {
    let event = |event: &Value| {
        let name = event["type"].as_str().map_or(String::new(), |name| format!("event: {name}\n"));
        format!("{name}data: {event}\n\n")
    };
    all.iter().map(event).collect()
}

fn claude(streamed: bool) -> String {
    let usage = |output: u64| {
        json!({ "input_tokens": 120, "cache_creation_input_tokens": 50, "cache_read_input_tokens": 700,
            "cache_creation": { "ephemeral_5m_input_tokens": 30, "ephemeral_1h_input_tokens": 20 },
            "output_tokens": output, "output_tokens_details": { "thinking_tokens": output * 4 / 9 } })
    };
    let message = |content: Value, stop: Value, usage: Value| {
        json!({ "id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": content,
            "stop_reason": stop, "stop_sequence": null, "usage": usage })
    };
    let tool =
        |input: Value| json!({ "type": "tool_use", "id": "toolu_1", "name": "weather", "input": input });
    if !streamed {
        return message(json!([tool(json!({ "city": "Oslo" }))]), json!("tool_use"), usage(90)).to_string();
    }
    let piece = |text: &str| json!({ "type": "content_block_delta", "index": 0, "delta": { "type": "input_json_delta", "partial_json": text } });
    events(&[
        json!({ "type": "message_start", "message": message(json!([]), Value::Null, usage(1)) }),
        json!({ "type": "content_block_start", "index": 0, "content_block": tool(json!({})) }),
        piece(ARGUMENTS[0]),
        piece(ARGUMENTS[1]),
        json!({ "type": "content_block_stop", "index": 0 }),
        json!({ "type": "message_delta", "delta": { "stop_reason": "tool_use", "stop_sequence": null }, "usage": usage(90) }),
        json!({ "type": "message_stop" }),
    ])
}

fn chat(streamed: bool) -> String {
    let usage = json!({ "prompt_tokens": 1000, "completion_tokens": 80, "total_tokens": 1080,
        "prompt_tokens_details": { "cached_tokens": 300 }, "completion_tokens_details": { "reasoning_tokens": 30 } });
    let call = |text: &str| json!([{ "index": 0, "id": "call_1", "type": "function", "function": { "name": "weather", "arguments": text } }]);
    let all = |object: &str, choices: Value, usage: &Value| json!({ "id": "chatcmpl-1", "object": object, "created": 1, "model": "m", "choices": choices, "usage": usage });
    if !streamed {
        let message =
            json!({ "role": "assistant", "content": null, "tool_calls": call(&ARGUMENTS.concat()) });
        let choices = json!([{ "index": 0, "message": message, "finish_reason": "tool_calls" }]);
        return all("chat.completion", choices, &usage).to_string();
    }
    let chunk = |delta: Value, finish: Value| {
        let choices = json!([{ "index": 0, "delta": delta, "finish_reason": finish }]);
        all("chat.completion.chunk", choices, &Value::Null)
    };
    let more = json!([{ "index": 0, "function": { "arguments": ARGUMENTS[1] } }]);
    let sent = events(&[
        chunk(json!({ "role": "assistant", "tool_calls": call(ARGUMENTS[0]) }), Value::Null),
        chunk(json!({ "tool_calls": more }), Value::Null),
        chunk(json!({}), json!("tool_calls")),
        all("chat.completion.chunk", json!([]), &usage),
    ]);
    sent + "data: [DONE]\n\n"
}

fn responses(streamed: bool) -> String {
    let call = |status: &str, text: &str| json!({ "type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "weather", "arguments": text, "status": status });
    let response = |status: &str, output: Value, usage: Value| {
        json!({ "id": "resp_1", "object": "response", "created_at": 1, "model": "m", "status": status, "output": output,
            "usage": usage, "tools": [], "tool_choice": "auto", "parallel_tool_calls": true })
    };
    let thought = json!({ "type": "reasoning", "id": "rs_1", "summary": [] });
    let usage = json!({ "input_tokens": 900, "output_tokens": 70, "total_tokens": 970,
        "input_tokens_details": { "cached_tokens": 200 }, "output_tokens_details": { "reasoning_tokens": 25 } });
    let ended = response("completed", json!([thought, call("completed", &ARGUMENTS.concat())]), usage);
    if !streamed {
        return ended.to_string();
    }
    let piece = |number: u64, text: &str| {
        json!({ "type": "response.function_call_arguments.delta", "sequence_number": number, "item_id": "fc_1",
            "output_index": 1, "delta": text })
    };
    events(&[
        json!({ "type": "response.created", "sequence_number": 0, "response": response("in_progress", json!([]), Value::Null) }),
        json!({ "type": "response.output_item.added", "sequence_number": 1, "output_index": 1, "item": call("in_progress", "") }),
        piece(2, ARGUMENTS[0]),
        piece(3, ARGUMENTS[1]),
        json!({ "type": "response.completed", "sequence_number": 4, "response": ended }),
    ])
}

fn gemini(streamed: bool) -> String {
    let part = json!({ "functionCall": { "name": "weather", "args": { "city": "Oslo" } } });
    let content = json!({ "role": "model", "parts": [part] });
    let answer = json!({ "candidates": [{ "content": content, "finishReason": "STOP", "index": 0 }], "modelVersion": "m",
        "usageMetadata": { "promptTokenCount": 800, "cachedContentTokenCount": 100, "candidatesTokenCount": 40,
            "thoughtsTokenCount": 60, "totalTokenCount": 900 } });
    if streamed { events(&[answer]) } else { answer.to_string() }
}

fn billed(request: &Request) -> Vec<Step> {
    let streamed =
        request.line.contains("tream") || String::from_utf8_lossy(&request.body).contains("\"stream\":true");
    let text = match &request.line {
        line if line.contains("/messages") => claude(streamed),
        line if line.contains("/chat/") => chat(streamed),
        line if line.contains("/responses") => responses(streamed),
        _ => gemini(streamed),
    };
    if streamed { stream("text/event-stream", &text, 64) } else { whole(200, "", &text) }
}

#[test]
fn what_the_official_sdks_use_is_in_the_ledger_as_the_upstream_bills_it() {
    let python = std::env::var_os("SLUICE_TEST_PYTHON").unwrap_or_else(|| {
        panic!("SLUICE_TEST_PYTHON is not set: .ci/run makes the environment with the official SDKs")
    });
    let upstream = Upstream::start(billed);
    let folder = Arc::new(Folder::new());
    let file = folder.0.join("prices.toml");
    std::fs::write(&file, PRICES).unwrap();
    let providers = [("a", "claude-console"), ("o", "openai"), ("g", "gemini")];
    let accounts = providers.map(|(name, provider)| account(name, provider, &upstream.address, "")).concat();
    let config = format!("{accounts}{}[cost]\nfiles = [\"{}\"]\n", key(""), file.display());
    let gateway = Gateway::start_in(folder, &config);
    let output = Command::new(python)
        .arg(workspace().join("tests/clients/billed_sdk.py"))
        .arg(format!("http://{}", gateway.address))
        .arg(KEY)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let (said, wrong) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}{wrong}\n{}", gateway.log());
    // As the SDKs tell it to their callers, each dialect in its own way of counting.
    let told: Value = serde_json::from_str(&said).unwrap();
    let [claude, chat, responses, gemini] = [
        json!(["claude", 120, 50, 700, 90]),
        json!(["chat", 1000, 80]),
        json!(["responses", 900, 70]),
        json!(["gemini", 800, 900]),
    ];
    assert_eq!(told, json!([claude, claude, chat, chat, responses, responses, gemini, gemini]));

    // And as it is billed: input, cache writes and those for an hour, reads, output, reasoning, and what that costs.
    let expected = [
        ("anthropic", 2, [120, 50, 20, 700, 90, 40], "0.0021525"),
        ("openai-chat", 3, [700, 0, 0, 300, 80, 30], "0.00339"),
        ("openai-responses", 2, [700, 0, 0, 200, 70, 25], "0.00321"),
        ("gemini", 2, [700, 0, 0, 100, 100, 60], "0.00363"),
    ];
    gateway.until("all are recorded", |gateway| records(gateway).len() == 9);
    let all = records(&gateway);
    let classes = ["input", "cache_write", "cache_write_1h", "cache_read", "output", "reasoning"];
    for (api, count, tokens, cost) in expected {
        let of: Vec<&Value> = all.iter().filter(|record| record["api"] == api).collect();
        assert_eq!(of.len(), count, "{api}");
        assert!(of.iter().any(|record| record["stream"] == true), "{api}");
        assert!(of.iter().any(|record| record["stream"] == false), "{api}");
        for record in of {
            let found = classes.map(|class| record[format!("{class}_tokens")].as_u64().unwrap());
            assert_eq!((found, record["cost"].as_str()), (tokens, Some(cost)), "{api}: {record}");
            assert_eq!(
                (&record["usage_estimated"], &record["outcome"]),
                (&json!(false), &json!("completed"))
            );
        }
    }
}
