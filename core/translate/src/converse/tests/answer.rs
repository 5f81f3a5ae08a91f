//! Answers and streams: golden cases.

use serde_json::{Value, json};

use crate::converse::{Stream, answer};
use crate::translated::Heading;

const MODEL: &str = "us.amazon.nova-pro-v1:0";

fn heading() -> Heading {
    Heading { id: "msg_bdrk_1".to_owned(), model: MODEL.to_owned() }
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
            "id": "msg_bdrk_1", "type": "message", "role": "assistant", "model": MODEL,
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

/// An event's name and payload.
type Event = (&'static str, String);

fn delta(index: u64, delta: &Value) -> Event {
    ("contentBlockDelta", json!({ "contentBlockIndex": index, "delta": delta, "p": "abc" }).to_string())
}

fn call(index: u64, id: &str) -> Event {
    let start =
        json!({ "contentBlockIndex": index, "start": { "toolUse": { "toolUseId": id, "name": "f" } } });
    ("contentBlockStart", start.to_string())
}

fn stop(index: u64) -> Event {
    ("contentBlockStop", json!({ "contentBlockIndex": index }).to_string())
}

fn reason(reason: &str) -> Event {
    ("messageStop", json!({ "stopReason": reason }).to_string())
}

fn usage() -> Event {
    let usage = json!({ "inputTokens": 9, "outputTokens": 41, "totalTokens": 50, "cacheReadInputTokens": 5 });
    ("metadata", json!({ "usage": usage, "metrics": { "latencyMs": 1 } }).to_string())
}

/// The events that are written for these, and how the stream ended.
fn streamed(told: &[Event]) -> (Vec<Value>, Result<(), String>) {
    let mut stream = Stream::new(heading());
    let mut out = Vec::new();
    let mut events = told.iter();
    let end = events.try_for_each(|(name, payload)| stream.event(name, payload.as_bytes(), &mut out));
    let text = String::from_utf8(out).unwrap();
    let events = text.split("\n\n").filter(|event| !event.is_empty()).map(|event| {
        let (name, data) = event.strip_prefix("event: ").unwrap().split_once("\ndata: ").unwrap();
        let data: Value = serde_json::from_str(data).unwrap();
        assert_eq!(data["type"], name);
        data
    });
    (events.collect(), end.map_err(|error| error.to_string()))
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

fn check_stream(told: &[Event], expected: &[&str]) {
    let (events, end) = streamed(told);
    let shorts: Vec<String> = events.iter().map(|event| short(event).trim_end().to_owned()).collect();
    assert_eq!((shorts.iter().map(String::as_str).collect::<Vec<_>>(), end), (expected.to_vec(), Ok(())));
}

#[test]
fn a_stream_has_anthropics_grammar() {
    let told = [
        ("messageStart", r#"{"role":"assistant"}"#.to_owned()),
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
        reason("tool_use"),
        usage(),
    ];
    check_stream(
        &told,
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
    let (events, _) = streamed(&told);
    assert_eq!(
        events[0]["message"],
        json!({ "id": "msg_bdrk_1", "type": "message", "role": "assistant", "model": MODEL, "content": [], "stop_reason": null, "stop_sequence": null, "usage": { "input_tokens": 0, "output_tokens": 0 } })
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
            reason("end_turn"),
            usage(),
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
        &[("messageStart", "{}".to_owned()), reason("content_filtered"), usage()],
        &["message_start", "delta refusal", "message_stop"],
    );
    // No usage: the engine sees a stream that is not whole.
    check_stream(
        &[delta(0, &json!({ "text": "x" })), reason("end_turn")],
        &["message_start", "start 0 text", "text_delta 0 x", "stop 0"],
    );
    check_stream(
        &[delta(0, &json!({ "citation": {} })), delta(1, &json!({ "toolUse": { "input": "{}" } }))],
        &["message_start"],
    );
    let (_, end) = streamed(&[("contentBlockDelta", "{}".to_owned())]);
    assert!(end.unwrap_err().contains("contentBlockDelta"));
}

#[test]
fn nothing_is_told_behind_the_end() {
    let text = || delta(0, &json!({ "text": "x" }));
    check_stream(
        &[
            text(),
            reason("end_turn"),
            text(),
            reason("max_tokens"),
            usage(),
            text(),
            reason("end_turn"),
            usage(),
        ],
        &["message_start", "start 0 text", "text_delta 0 x", "stop 0", "delta end_turn", "message_stop"],
    );
}

#[test]
fn blocks_that_wait_are_bounded() {
    let long = "x".repeat(1024 * 1024);
    let told: Vec<Event> = (0..10).map(|index| delta(index, &json!({ "text": long }))).collect();
    let (_, end) = streamed(&told);
    assert!(end.unwrap_err().contains("longer blocks"));
}
