//! Streams as clients are written them.

use std::sync::Arc;

use http::StatusCode;
use serde_json::{Value, json};
use sluice_api::cost::Usage;
use sluice_api::dialect::Api;
use sluice_neutral::answer::Plain;
use sluice_neutral::answer::{
    Answer, Block, Called, Citation, Class, End, Failure, Logprob, Piece, Reason, Said, Started,
};
use sluice_neutral::dialect::{Dialect as _, Sent};
use sluice_neutral::order::Ordered;
use sluice_neutral::request::Content;
use sluice_neutral::seal::Seal;

use super::{events, read, reply};
use crate::Chat;
use crate::kept::Kept;

/// What a client is written of an answer's events.
fn written(answer: Answer<'_>, kept: Kept) -> Vec<String> {
    let writer = Chat.tells(&Arc::new(reply(kept)));
    let mut ordered = Ordered::new(Arc::new(Sent::default()), writer, "req1".into());
    let mut out = Vec::new();
    answer.events(&mut |event| ordered.take(event, &mut out).unwrap());
    events(&out)
}

fn parsed(written: &[String]) -> Vec<Value> {
    written.iter().filter(|data| *data != "[DONE]").map(|data| serde_json::from_str(data).unwrap()).collect()
}

/// What of the chunks differs: deltas and reasons.
fn deltas(written: &[String]) -> Vec<Value> {
    parsed(written)
        .into_iter()
        .filter_map(|chunk| {
            chunk["choices"].get(0).map(|choice| {
                let mut delta = choice["delta"].clone();
                if !choice["finish_reason"].is_null() {
                    delta["finish"] = choice["finish_reason"].clone();
                }
                delta
            })
        })
        .collect()
}

fn call(id: &'static str, name: &'static str, plain: bool) -> Block<'static> {
    Block::Call(Called { id: id.into(), name: name.into(), plain })
}

fn answer(said: Vec<Said<'static>>, reason: Reason) -> Answer<'static> {
    Answer {
        started: Started { id: Some("chatcmpl-up".into()), model: Some("m".into()), usage: None },
        said,
        end: End { reason, stop_sequence: None },
        usage: Some(Usage::new(10, 3)),
    }
}

#[test]
fn a_stream_says_each_thing_once_and_its_usage_last() {
    let kept = Kept { include_usage: true, ..Kept::default() };
    let said = vec![
        Said::new(Block::Thinking, "Hm"),
        Said::new(Block::Text, "Hello"),
        Said::new(call("c1", "look", false), "{\"q\":1}"),
        Said::new(call("c2", "patch", true), "*** x"),
        Said::new(call("c3", "none", false), ""),
    ];
    let written = written(answer(said, Reason::Done), kept);
    assert_eq!(written.last().map(String::as_str), Some("[DONE]"));
    let chunks = parsed(&written);
    for chunk in &chunks {
        assert_eq!(
            (&chunk["id"], &chunk["object"], &chunk["created"], &chunk["model"]),
            (&json!("chatcmpl-up"), &json!("chat.completion.chunk"), &json!(5), &json!("asked"))
        );
        assert!(chunk.get("usage").is_some());
    }
    let (last, rest) = chunks.split_last().unwrap();
    assert_eq!((&last["choices"], &last["usage"]["total_tokens"]), (&json!([]), &json!(13)));
    assert!(rest.iter().all(|chunk| chunk["usage"].is_null() && chunk["choices"][0]["index"] == 0));
    assert_eq!(
        deltas(&written),
        [
            json!({"role": "assistant", "content": ""}),
            json!({"reasoning_content": "Hm"}),
            json!({"content": "Hello"}),
            json!({"tool_calls": [{"index": 0, "id": "c1", "type": "function", "function": {"name": "look", "arguments": ""}}]}),
            json!({"tool_calls": [{"index": 0, "function": {"arguments": "{\"q\":1}"}}]}),
            json!({"tool_calls": [{"index": 1, "id": "c2", "type": "custom", "custom": {"name": "patch", "input": "*** x"}}]}),
            json!({"tool_calls": [{"index": 2, "id": "c3", "type": "function", "function": {"name": "none", "arguments": ""}}]}),
            json!({"tool_calls": [{"index": 2, "function": {"arguments": "{}"}}]}),
            json!({"finish": "tool_calls"}),
        ]
    );
}

#[test]
fn usage_is_written_for_those_alone_who_asked() {
    let written = written(answer(vec![Said::new(Block::Text, "Hello")], Reason::Done), Kept::default());
    let chunks = parsed(&written);
    assert!(chunks.iter().all(|chunk| chunk.get("usage").is_none()));
    assert_eq!(chunks.last().unwrap()["choices"][0]["finish_reason"], "stop");
    assert_eq!(written.last().map(String::as_str), Some("[DONE]"));
}

#[test]
fn who_asked_with_functions_is_streamed_one() {
    let said = vec![Said::new(call("c1", "f", false), "{\"a\":1}"), Said::new(call("c2", "g", false), "{}")];
    let kept = Kept { legacy: true, include_usage: false };
    assert_eq!(
        deltas(&written(answer(said, Reason::Calls), kept)),
        [
            json!({"role": "assistant", "content": ""}),
            json!({"function_call": {"name": "f", "arguments": ""}}),
            json!({"function_call": {"arguments": "{\"a\":1}"}}),
            json!({"finish": "function_call"}),
        ]
    );
}

#[test]
fn what_is_cited_comes_in_one_chunk_by_letters_of_the_whole_text() {
    let mut first = Said::new(Block::Text, "Äh. ");
    first.citations.push(Citation { url: "https://a".into(), title: Some("A".into()), span: None });
    let mut second = Said::new(Block::Text, "Ünd so.");
    second.citations.push(Citation { url: "https://b".into(), title: None, span: Some((5, 7)) });
    second.logprobs.push(Logprob { token: "so".into(), logprob: -1.0, others: Vec::new() });
    let written = written(answer(vec![first, second], Reason::Done), Kept::default());
    let cited: Vec<Value> =
        deltas(&written).into_iter().filter(|delta| delta.get("annotations").is_some()).collect();
    let place = |index: usize| {
        let one = &cited[0]["annotations"][index]["url_citation"];
        (
            one["url"].as_str().unwrap(),
            one["start_index"].as_u64().unwrap(),
            one["end_index"].as_u64().unwrap(),
        )
    };
    assert_eq!((cited.len(), place(0), place(1)), (1, ("https://a", 0, 4), ("https://b", 8, 10)));
    let likely = parsed(&written).into_iter().filter(|chunk| chunk["choices"][0].get("logprobs").is_some());
    let likely: Vec<Value> = likely.collect();
    assert_eq!(
        (likely.len(), &likely[0]["choices"][0]["logprobs"]["content"][0]["token"]),
        (1, &json!("so"))
    );
    assert_eq!(likely[0]["choices"][0]["delta"], json!({"content": ""}));
}

#[test]
fn images_and_refusals_and_what_is_not_shown() {
    let said = vec![
        Said::new(Block::Redacted, ""),
        Said::new(Block::Image { media_type: "image/png".into() }, "QQ=="),
        Said::new(Block::Refusal, "No."),
    ];
    assert_eq!(
        deltas(&written(answer(said, Reason::Done), Kept::default())),
        [
            json!({"role": "assistant", "content": ""}),
            json!({"images": [{"index": 0, "type": "image_url", "image_url": {"url": "data:image/png;base64,QQ=="}}]}),
            json!({"refusal": "No."}),
            json!({"finish": "stop"}),
        ]
    );
}

#[test]
fn a_stream_that_fails_ends_with_its_error_and_no_mark_of_an_end() {
    let failure = Failure {
        status: StatusCode::BAD_GATEWAY,
        class: Class::Server,
        message: "boom".into(),
        param: None,
    };
    for begun in [false, true] {
        let mut writer = Chat.tells(&Arc::new(reply(Kept::default())));
        let mut out = Vec::new();
        if begun {
            writer.start(&Started::default(), &mut out);
            writer.block(Plain::Opened(Block::Text), &mut out);
            writer.block(Plain::Added(Piece::Text("Hel".into())), &mut out);
        }
        writer.fail(&failure, "req1", &mut out);
        let written = events(&out);
        let last: Value = serde_json::from_str(written.last().unwrap()).unwrap();
        assert_eq!(
            last,
            json!({"error": {"message": "boom", "type": "server_error", "param": null, "code": "upstream_error", "request_id": "req1"}})
        );
        assert_eq!(written.len(), if begun { 3 } else { 1 });
        assert!(writer.keep_alive().starts_with(b":") && writer.keep_alive().ends_with(b"\n\n"));
    }
}

/// Thoughts of an answer with what only their maker can read, as the client says them again.
#[test]
fn what_only_the_maker_of_thoughts_can_read_comes_back_from_who_says_it_again() {
    let seal = |payload: &'static str| {
        Some(Seal { origin: Api::Anthropic, account: Some(7), payload: payload.into() })
    };
    let said = vec![
        Said { seal: seal("EqQB"), ..Said::new(Block::Thinking, "Hm") },
        Said { seal: seal("hidden"), ..Said::new(Block::Redacted, "") },
        Said::new(Block::Text, "Hello"),
    ];
    let answer = answer(said, Reason::Done);
    let whole: Value = serde_json::from_slice(&Chat.tell(&answer, &reply(Kept::default()))).unwrap();
    let whole = whole["choices"][0]["message"]["reasoning_details"].clone();
    let streamed = deltas(&written(answer, Kept::default()));
    let details: Vec<Value> = streamed
        .iter()
        .filter_map(|delta| delta["reasoning_details"].as_array())
        .flatten()
        .cloned()
        .collect();
    assert_eq!(Value::from(details), whole);
    assert_eq!(
        (&whole[0]["index"], &whole[1]["index"], &whole[0]["text"]),
        (&json!(0), &json!(1), &json!("Hm"))
    );
    let message = json!({"role": "assistant", "content": "Hello", "reasoning_content": "Hm", "reasoning_details": whole});
    let body = json!({"messages": [message, {"role": "user", "content": "And?"}]}).to_string();
    let (request, ..) = read(&body, Api::Anthropic).unwrap();
    let thoughts = request.turns[0].parts.iter().filter_map(|part| match &part.content {
        Content::Thinking(thinking) => Some(thinking),
        _ => None,
    });
    let thoughts: Vec<_> = thoughts
        .map(|thought| (thought.seal.clone().unwrap(), thought.text.clone().into_owned(), thought.redacted))
        .collect();
    let expected =
        [(seal("EqQB").unwrap(), "Hm".to_owned(), false), (seal("hidden").unwrap(), String::new(), true)];
    assert_eq!(thoughts, expected);
}
