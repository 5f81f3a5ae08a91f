//! Nothing that comes from outside makes a panic, and what is wrong is the fault of who sent it.

use std::sync::Arc;

use http::StatusCode;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use sluice_api::dialect::{Api, Operation};
use sluice_api::error::{Fault, Kind};
use sluice_neutral::dialect::{Asked, Dialect, Reader, Sent};
use sluice_neutral::loss::Losses;

use crate::Anthropic;

/// Words of which requests, answers and events are made.
const WORDS: [&str; 54] = [
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"\"",
    "null",
    "true",
    "1",
    "-1.5e9",
    "\"model\"",
    "\"max_tokens\"",
    "\"messages\"",
    "\"role\"",
    "\"user\"",
    "\"assistant\"",
    "\"system\"",
    "\"content\"",
    "\"type\"",
    "\"text\"",
    "\"image\"",
    "\"source\"",
    "\"base64\"",
    "\"document\"",
    "\"tool_use\"",
    "\"tool_result\"",
    "\"id\"",
    "\"name\"",
    "\"input\"",
    "\"tool_use_id\"",
    "\"thinking\"",
    "\"signature\"",
    "\"tools\"",
    "\"tool_choice\"",
    "\"any\"",
    "\"index\"",
    "\"delta\"",
    "\"content_block\"",
    "\"content_block_start\"",
    "\"content_block_delta\"",
    "\"content_block_stop\"",
    "\"message_start\"",
    "\"message_delta\"",
    "\"message_stop\"",
    "\"error\"",
    "\"message\"",
    "\"usage\"",
    "\"output_tokens\"",
    "\"partial_json\"",
    "\"stop_reason\"",
    "\"\\ud800\"",
    "\"é\"",
    "\n",
];

/// Bytes of any kind, and such as are nearly right.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let nearly = vec(select(&WORDS[..]), 0..40).prop_map(|words| words.concat().into_bytes());
    prop_oneof![vec(any::<u8>(), 0..60), nearly]
}

/// A JSON value of these words.
fn value() -> impl Strategy<Value = String> {
    let plain =
        select(vec!["null", "true", "1", "\"a\"", "\"user\"", "\"text\"", "\"tool_use\"", "[]", "{}"]);
    plain.prop_map(ToOwned::to_owned).prop_recursive(4, 24, 4, |inner| {
        let names = select(vec![
            "type", "text", "content", "role", "source", "id", "name", "input", "index", "delta",
        ]);
        let member = (names, inner.clone()).prop_map(|(name, value)| format!("\"{name}\":{value}"));
        prop_oneof![
            vec(inner, 0..4).prop_map(|items| format!("[{}]", items.join(","))),
            vec(member, 0..4).prop_map(|members| format!("{{{}}}", members.join(","))),
        ]
    })
}

fn reads(body: &[u8]) {
    for toward in [Api::OpenaiChat, Api::OpenaiResponses, Api::Gemini, Api::Anthropic] {
        for operation in [Operation::Generate, Operation::CountTokens] {
            let mut losses = Losses::toward(toward);
            if let Err(error) = Anthropic.read(&Asked { body, operation }, &mut losses) {
                assert_eq!(error.facts().fault, Fault::Client, "{error}");
            }
        }
    }
}

proptest! {
    #[test]
    fn any_request_is_read_or_refused(body in bytes()) {
        reads(&body);
    }

    #[test]
    fn any_member_of_a_request_is_read_or_refused(member in select(vec![
        "system", "messages", "tools", "tool_choice", "thinking", "output_config", "metadata", "cache_control", "thread",
    ]), value in value()) {
        let messages = if member == "messages" { "" } else { r#""messages":[{"role":"user","content":"a"}],"# };
        reads(format!(r#"{{"model":"m","max_tokens":1,{messages}"{member}":{value}}}"#).as_bytes());
    }

    #[test]
    fn any_block_of_a_request_is_read_or_refused(value in value()) {
        reads(format!(r#"{{"model":"m","max_tokens":1,"messages":[{{"role":"user","content":[{value}]}}]}}"#).as_bytes());
    }

    #[test]
    fn any_answer_is_read_or_the_upstreams_fault(body in bytes(), value in value()) {
        let sent = Sent::default();
        for body in [&body[..], value.as_bytes(), format!(r#"{{"content":{value}}}"#).as_bytes()] {
            if let Err(error) = Anthropic.answer(body, &sent) {
                assert_eq!(error.kind(), Kind::Upstream);
            }
            Anthropic.failure(StatusCode::BAD_GATEWAY, body);
            Anthropic.counted(body);
        }
    }

    #[test]
    fn any_stream_is_read_or_the_upstreams_fault(events in vec((select(vec!["", "error", "message_delta"]), bytes(), value(), select(vec![
        "message_start", "content_block_start", "content_block_delta", "content_block_stop", "message_delta", "message_stop",
    ])), 0..8)) {
        let mut reader: Box<dyn Reader> = Anthropic.stream(&Arc::default());
        for (name, data, value, kind) in events {
            let known = format!(r#"{{"type":"{kind}","index":0,"message":{value},"content_block":{value},"delta":{value}}}"#);
            for data in [&data[..], known.as_bytes()] {
                if let Err(error) = reader.event(name, data, &mut |_| {}) {
                    assert_eq!(error.kind(), Kind::Upstream);
                }
            }
        }
        reader.end(&mut |_| {});
    }
}
