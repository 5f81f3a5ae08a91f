//! What a record says was used, where an upstream tells it wrongly or not at all: never zero for what was written.

use serde_json::Value;
use sluice_tests::gateway::{Gateway, account, key};
use sluice_tests::upstream::{Upstream, stream, whole};

/// A stream of Claude's with a text of 20 bytes, with these usages at its start and at its end.
fn claude(start: &str, end: &str) -> String {
    let text = "x".repeat(20);
    [
        ("message_start", format!("\"message\":{{\"id\":\"msg_1\"{start}}}")),
        (
            "content_block_delta",
            format!("\"index\":0,\"delta\":{{\"type\":\"text_delta\",\"text\":\"{text}\"}}"),
        ),
        ("message_delta", format!("\"delta\":{{\"stop_reason\":\"end_turn\"}}{end}")),
        ("message_stop", "\"x\":0".to_owned()),
    ]
    .map(|(name, rest)| format!("event: {name}\ndata: {{\"type\":\"{name}\",{rest}}}\n\n"))
    .concat()
}

/// A stream of Chat Completions' with the same text, and this in the chunk after it.
fn chat(usage: &str) -> String {
    let text = "x".repeat(20);
    format!(
        "data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{text}\"}}}}]}}\n\n\
        data: {{\"choices\":[{{\"index\":0,\"delta\":{{}},\"finish_reason\":\"stop\"}}]}}\n\n\
        data: {{\"choices\":[],\"usage\":{usage}}}\n\ndata: [DONE]\n\n"
    )
}

/// Sends a request of 400 bytes for a stream, and gives its record.
fn record(provider: &str, path: &str, sent: String) -> Value {
    let upstream = Upstream::start(move |_| stream("text/event-stream", &sent, 50));
    let gateway = Gateway::start(&(account("a", provider, &upstream.address, "") + &key("")));
    let empty = r#"{"model":"m-1","stream":true,"stream_options":{"include_usage":true},"max_tokens":9,"messages":[],"x":""}"#;
    let body = empty.replace("\"\"", &format!("\"{}\"", "x".repeat(400 - empty.len())));
    let answer = gateway.post(path, &body);
    assert_eq!((answer.status, answer.complete), (200, true), "{}", answer.text());
    gateway.record()
}

#[test]
fn zero_or_nothing_beside_a_text_is_an_estimate_that_says_so() {
    let zero = r#","usage":{"input_tokens":0,"output_tokens":0}"#;
    let begun = r#","usage":{"input_tokens":9,"output_tokens":1}"#;
    let zeros = r#"{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}"#;
    let ended = r#","usage":{"output_tokens":41}"#;
    let claude = |start: &str, end: &str| ("claude-console", "/v1/messages", claude(start, end));
    let router = |start: &str, end: &str| ("ccr", "/v1/messages", self::claude(start, end));
    let chat = |usage: &str| ("openai-compatible", "/v1/chat/completions", chat(usage));
    // About four bytes are a token.
    for ((provider, path, sent), used, estimated) in [
        (router(zero, zero), (100, 5), true),
        (claude(begun, ended), (9, 41), false),
        (claude(begun, ""), (9, 5), true),
        (claude(begun, r#","usage":null"#), (9, 5), true),
        (claude(begun, r#","usage":{}"#), (9, 5), true),
        (claude(begun, r#","usage":{"output_tokens":0}"#), (9, 5), true),
        (claude("", ended), (100, 41), true),
        (claude("", ""), (100, 5), true),
        (chat("{}"), (100, 5), true),
        (chat(zeros), (100, 5), true),
        (chat(r#"{"prompt_tokens":9}"#), (9, 5), true),
        (chat(r#"{"prompt_tokens":9,"completion_tokens":41,"total_tokens":50}"#), (9, 41), false),
    ] {
        let shown = sent.clone();
        let record = record(provider, path, sent);
        let told = (record["input_tokens"].as_u64(), record["output_tokens"].as_u64());
        assert_eq!(told, (Some(used.0), Some(used.1)), "{shown}");
        assert_eq!(
            (&record["usage_estimated"], &record["outcome"]),
            (&estimated.into(), &"completed".into()),
            "{shown}"
        );
    }
}

#[test]
fn what_the_field_tells_is_recorded_class_by_class() {
    // Each way to ask, its answer, and usages in it with what they come to.
    for (provider, path, answer, usages) in [
        (
            "gemini",
            "/v1beta/models/m:generateContent",
            r#"{"candidates":[{"finishReason":"STOP"}],"usageMetadata":USAGE}"#,
            &[(
                r#"{"promptTokenCount":"120","toolUsePromptTokenCount":400,"candidatesTokenCount":30,"thoughtsTokenCount":50,"totalTokenCount":600}"#,
                [520, 80, 0, 0, 50],
            )][..],
        ),
        (
            "openai",
            "/v1/chat/completions",
            r#"{"choices":[],"usage":USAGE}"#,
            &[(
                r#"{"prompt_tokens":1000,"completion_tokens":50,"prompt_tokens_details":{"cached_tokens":300,"cache_write_tokens":200}}"#,
                [500, 50, 300, 200, 0],
            )],
        ),
        (
            "openai-compatible",
            "/v1/chat/completions",
            r#"{"choices":[],"usage":USAGE}"#,
            &[
                (
                    r#"{"prompt_tokens":1000,"completion_tokens":10,"prompt_cache_hit_tokens":900,"prompt_cache_miss_tokens":100}"#,
                    [100, 10, 900, 0, 0],
                ),
                (
                    r#"{"prompt_tokens":30,"completion_tokens":14,"total_tokens":94,"completion_tokens_details":{"reasoning_tokens":50}}"#,
                    [30, 64, 0, 0, 50],
                ),
            ],
        ),
        (
            "claude-console",
            "/v1/messages",
            r#"{"content":[],"usage":USAGE}"#,
            &[(
                r#"{"input_tokens":10,"output_tokens":500,"output_tokens_details":{"thinking_tokens":380}}"#,
                [10, 500, 0, 0, 380],
            )],
        ),
        (
            "openai",
            "/v1/embeddings",
            r#"{"data":[],"usage":USAGE}"#,
            &[(r#"{"prompt_tokens":8,"total_tokens":8}"#, [8, 0, 0, 0, 0])],
        ),
    ] {
        for (usage, used) in usages {
            let told = answer.replace("USAGE", usage);
            let upstream = Upstream::start(move |_| whole(200, "", &told));
            let gateway = Gateway::start(&(account("a", provider, &upstream.address, "") + &key("")));
            let asked = r#"{"model":"m","messages":[],"contents":[],"input":"x"}"#;
            assert_eq!(gateway.post(path, asked).status, 200, "{usage}");
            let record = gateway.record();
            let classes = [
                "input_tokens",
                "output_tokens",
                "cache_read_tokens",
                "cache_write_tokens",
                "reasoning_tokens",
            ];
            assert_eq!(classes.map(|class| record[class].as_u64().unwrap()), *used, "{usage}");
            assert_eq!(record["usage_estimated"], false, "{usage}");
        }
    }
}
