//! What an answer costs to the last digit, in every dialect: whole, streamed, cut short, and left by its client.

use std::io::{Read, Write};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use sluice_tests::eventstream::{answer, chunks, event};
use sluice_tests::gateway::{Folder, Gateway, KEY, SECRET, account, key};
use sluice_tests::upstream::{Request, Step, Upstream, chunk, stream, stream_head, whole};

const RATES: &str = "input = \"3\"\noutput = \"15\"\ncache_read = \"0.30\"\ncache_write_5m = \"3.75\"\n";

/// A gateway with these accounts, at which each of these models has the same price.
fn gateway(accounts: &str) -> Gateway {
    let folder = Arc::new(Folder::new());
    let file = folder.0.join("prices.toml");
    let models = ["m", "anthropic.claude-x", "amazon.nova-x"];
    let prices = models.map(|model| format!("[models.\"{model}\"]\n{RATES}")).concat();
    std::fs::write(&file, prices).unwrap();
    let config = format!("{accounts}{}[cost]\nfiles = [\"{}\"]\n", key(""), file.display());
    Gateway::start_in(folder, &config)
}

fn events(all: &[Value]) -> String {
    let event = |event: &Value| {
        let name = event["type"].as_str().map_or(String::new(), |name| format!("event: {name}\n"));
        format!("{name}data: {event}\n\n")
    };
    all.iter().map(event).collect()
}

fn is_streamed(request: &Request) -> bool {
    request.line.contains("tream") || String::from_utf8_lossy(&request.body).contains("\"stream\":true")
}

/// 500 tokens of input, 200 written to a cache, 300 read from one, and an output of 50: 0.00309 dollars.
const COST: &str = "0.00309";

fn claude() -> [Value; 4] {
    let usage = json!({ "input_tokens": 500, "cache_creation_input_tokens": 200, "cache_read_input_tokens": 300,
        "output_tokens": 1 });
    [
        json!({ "type": "message_start", "message": { "id": "msg_1", "model": "m", "usage": usage } }),
        json!({ "type": "content_block_delta", "index": 0, "delta": { "type": "text_delta", "text": "hi" } }),
        json!({ "type": "message_delta", "delta": { "stop_reason": "end_turn" }, "usage": { "output_tokens": 50 } }),
        json!({ "type": "message_stop" }),
    ]
}

fn claude_whole() -> Value {
    json!({ "id": "msg_1", "content": [], "usage": { "input_tokens": 500, "cache_creation_input_tokens": 200,
        "cache_read_input_tokens": 300, "output_tokens": 50 } })
}

fn response(kind: &str) -> Value {
    let usage = json!({ "input_tokens": 1000, "output_tokens": 50, "total_tokens": 1050,
        "input_tokens_details": { "cached_tokens": 300, "cache_write_tokens": 200 },
        "output_tokens_details": { "reasoning_tokens": 20 } });
    let error = (kind == "response.failed").then(|| json!({ "code": "server_error", "message": "m" }));
    json!({ "type": kind, "response": { "id": "resp_1", "model": "m", "output": [], "error": error, "usage": usage } })
}

/// Checks what a request costs at an upstream that answers so.
fn check(accounts: impl Fn(&str) -> String, (path, body): (&str, Value), steps: Vec<Step>, what: &str) {
    let steps = Mutex::new(Some(steps));
    let upstream = Upstream::start(move |_| steps.lock().unwrap().take().unwrap());
    let gateway = gateway(&accounts(&upstream.address));
    assert_eq!(gateway.post(path, &body.to_string()).status, 200, "{what}");
    let record = gateway.record();
    assert_eq!([&record["cost"], &record["list_cost"]], [COST, COST], "{what}: {record}");
    assert_eq!(record["usage_estimated"], false, "{what}");
    let sent = upstream.last();
    assert_eq!(is_streamed(&sent), what.contains("streamed"), "{what}: {}", sent.line);
}

#[test]
fn an_answer_costs_the_same_whole_and_streamed_in_every_dialect() {
    let of = |provider: &'static str| move |address: &str| account("a", provider, address, "");
    let ask = |stream: bool| json!({ "model": "m", "stream": stream, "max_tokens": 9, "messages": [], "input": "p", "contents": [] });
    let chat = json!({ "choices": [], "usage": { "prompt_tokens": 1000, "completion_tokens": 50,
        "prompt_tokens_details": { "cached_tokens": 300, "cache_write_tokens": 200 } } });
    let sent = |text: &str| stream("text/event-stream", text, 50);
    let document = |answer: &Value| whole(200, "", &answer.to_string());
    let console = of("claude-console");
    check(console, ("/v1/messages", ask(false)), document(&claude_whole()), "Claude, whole");
    check(console, ("/v1/messages", ask(true)), sent(&events(&claude())), "Claude, streamed");
    let openai = of("openai");
    check(openai, ("/v1/chat/completions", ask(false)), document(&chat), "Chat, whole");
    let text = events(&[chat]) + "data: [DONE]\n\n";
    check(openai, ("/v1/chat/completions", ask(true)), sent(&text), "Chat, streamed");
    let completed = &response("response.completed")["response"];
    check(openai, ("/v1/responses", ask(false)), document(completed), "Responses, whole");
    for kind in ["response.completed", "response.incomplete", "response.failed"] {
        let begun = json!({ "type": "response.created", "response": { "id": "resp_1", "usage": null } });
        let text = events(&[begun, response(kind)]);
        check(openai, ("/v1/responses", ask(true)), sent(&text), &format!("Responses, streamed, {kind}"));
    }
    // Gemini bills no writes: 250 more tokens of input cost what 200 that are written do.
    let gemini = json!({ "candidates": [{ "finishReason": "STOP" }], "usageMetadata": { "promptTokenCount": 1050,
        "cachedContentTokenCount": 300, "candidatesTokenCount": 20, "thoughtsTokenCount": 30, "totalTokenCount": 1100 } });
    let google = of("gemini");
    check(google, ("/v1beta/models/m:generateContent", ask(false)), document(&gemini), "Gemini, whole");
    let path = "/v1beta/models/m:streamGenerateContent?alt=sse";
    let begun =
        json!({ "candidates": [], "usageMetadata": { "promptTokenCount": 1050, "totalTokenCount": 1050 } });
    check(google, (path, ask(true)), sent(&events(&[begun, gemini])), "Gemini, streamed");
}

#[test]
fn an_answer_of_bedrocks_costs_the_same_whole_and_streamed_by_either_call() {
    let bedrock = |address: &str| {
        format!(
            "[[accounts]]\nname = \"b\"\nprovider = \"bedrock\"\nbase_url = \"http://{address}\"\nregion = \"eu-central-1\"\n\
             access_key_id = \"AKIDEXAMPLE\"\nsecret_access_key = \"{SECRET}\"\n"
        )
    };
    let ask = |model: &str, stream: bool| {
        let messages = json!([{ "role": "user", "content": "p" }]);
        let body = json!({ "model": model, "stream": stream, "max_tokens": 9, "messages": messages });
        ("/v1/messages", body)
    };
    let usage = json!({ "inputTokens": 500, "cacheReadInputTokens": 300, "cacheWriteInputTokens": 200,
        "outputTokens": 50, "totalTokens": 1050 });
    let conversed = json!({ "output": { "message": { "role": "assistant", "content": [{ "text": "hi" }] } },
        "stopReason": "end_turn", "usage": usage });
    let streamed = [
        ("messageStart", json!({ "role": "assistant" })),
        ("contentBlockDelta", json!({ "contentBlockIndex": 0, "delta": { "text": "hi" } })),
        ("contentBlockStop", json!({ "contentBlockIndex": 0 })),
        ("messageStop", json!({ "stopReason": "end_turn" })),
        ("metadata", json!({ "usage": usage, "metrics": { "latencyMs": 1 } })),
    ];
    let streamed: Vec<u8> =
        streamed.iter().flat_map(|(name, payload)| event(name, &payload.to_string())).collect();
    let invoked = whole(200, "", &claude_whole().to_string());
    check(bedrock, ask("anthropic.claude-x", false), invoked, "InvokeModel, whole");
    let invoked = answer(&chunks(&events(&claude())), 13);
    check(bedrock, ask("anthropic.claude-x", true), invoked, "InvokeModel, streamed");
    let conversed = whole(200, "", &conversed.to_string());
    check(bedrock, ask("amazon.nova-x", false), conversed, "Converse, whole");
    check(bedrock, ask("amazon.nova-x", true), answer(&streamed, 13), "Converse, streamed");
}

#[test]
fn what_a_client_that_leaves_has_had_is_priced() {
    let [start, ..] = claude();
    let text = "x".repeat(200);
    let text =
        json!({ "type": "content_block_delta", "index": 0, "delta": { "type": "text_delta", "text": text } });
    let sent = events(&[start, text]);
    let upstream =
        Upstream::start(move |_| vec![stream_head("text/event-stream"), chunk(sent.as_bytes()), Step::Hang]);
    let gateway = gateway(&account("a", "claude-console", &upstream.address, ""));
    let body = r#"{"model":"m","max_tokens":9,"stream":true,"messages":[]}"#;
    let head = format!("POST /v1/messages HTTP/1.1\r\nhost: localhost\r\nx-api-key: {KEY}\r\n");
    let mut client = gateway.connect("http/1.1");
    client.write_all(format!("{head}content-length: {}\r\n\r\n{body}", body.len()).as_bytes()).unwrap();
    let (mut had, mut piece) = (Vec::new(), [0; 1024]);
    while !String::from_utf8_lossy(&had).contains("xxx\"") {
        let length = client.read(&mut piece).unwrap();
        assert!(length > 0, "{}", String::from_utf8_lossy(&had));
        had.extend_from_slice(&piece[..length]);
    }
    drop(client);
    gateway.until("it is gone", |gateway| gateway.record()["outcome"] == "client_gone");
    let record = gateway.record();
    // What its prompt was is told at a message's start; of its output, 200 bytes have come, which are about 50 tokens.
    assert_eq!([&record["cost"], &record["list_cost"]], [COST, COST], "{record}");
    assert_eq!(record["usage_estimated"], true);
}
