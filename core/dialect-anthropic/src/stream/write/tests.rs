//! Streams for clients: Anthropic's grammar, whatever is told.

use std::sync::Arc;

use http::StatusCode;
use serde_json::Value;
use sluice_api::cost::Usage;
use sluice_api::dialect::Api;
use sluice_neutral::answer::{Block, Called, Citation, Class, End, Event, Failure, Piece, Reason, Started};
use sluice_neutral::dialect::{Reply, Sent};
use sluice_neutral::order::Ordered;
use sluice_neutral::seal::Seal;

use super::Stream;
use crate::kept::Kept;

fn reply(kept: Option<Kept>) -> Arc<Reply> {
    let own = kept.map(|kept| Arc::new(kept) as _);
    Arc::new(Reply { id: "r1".to_owned(), model: "asked".to_owned(), created: 1, own })
}

/// The events that are written, each by its name and its data.
pub(crate) fn events(bytes: &[u8]) -> Vec<(String, Value)> {
    let text = std::str::from_utf8(bytes).unwrap();
    let all = text.split_terminator("\n\n").map(|event| {
        let (name, data) = event.split_once('\n').unwrap();
        let name = name.strip_prefix("event: ").unwrap().to_owned();
        let data: Value = serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
        assert_eq!(data["type"], name.as_str());
        (name, data)
    });
    all.collect()
}

/// Whether events keep to Anthropic's grammar; the message that a client puts together of them.
pub(crate) fn message(events: &[(String, Value)]) -> Value {
    let mut message = Value::Null;
    let mut open = None;
    let mut arguments = String::new();
    let mut ended = false;
    for (place, (name, data)) in events.iter().enumerate() {
        let index = data["index"].as_u64();
        match name.as_str() {
            "message_start" => {
                assert_eq!(place, 0);
                message = data["message"].clone();
                assert!(
                    message["content"] == serde_json::json!([]) && message["usage"]["input_tokens"].is_u64()
                );
            }
            "content_block_start" => {
                let content = message["content"].as_array_mut().unwrap();
                assert!(open.is_none() && index == u64::try_from(content.len()).ok(), "{data}");
                open = index;
                arguments.clear();
                content.push(data["content_block"].clone());
            }
            "content_block_delta" => {
                assert_eq!(index, open);
                let block = message["content"].as_array_mut().unwrap().last_mut().unwrap();
                let delta = &data["delta"];
                let (member, text) = match delta["type"].as_str().unwrap() {
                    "text_delta" => ("text", &delta["text"]),
                    "thinking_delta" => ("thinking", &delta["thinking"]),
                    "signature_delta" => ("signature", &delta["signature"]),
                    kind => {
                        assert_eq!((kind, &block["type"]), ("input_json_delta", &"tool_use".into()));
                        arguments.push_str(delta["partial_json"].as_str().unwrap());
                        continue;
                    }
                };
                let whole = format!("{}{}", block[member].as_str().unwrap(), text.as_str().unwrap());
                block[member] = whole.into();
            }
            "content_block_stop" => {
                assert_eq!(index, open.take());
                let block = message["content"].as_array_mut().unwrap().last_mut().unwrap();
                if block["type"] == "tool_use" {
                    block["input"] =
                        serde_json::from_str(&arguments).unwrap_or_else(|_| arguments.clone().into());
                }
            }
            "message_delta" => {
                assert!(open.is_none() && !std::mem::replace(&mut ended, true));
                assert!(data["usage"]["output_tokens"].is_u64() && data["delta"]["stop_reason"].is_string());
                message["stop_reason"] = data["delta"]["stop_reason"].clone();
                message["stop_sequence"] = data["delta"]["stop_sequence"].clone();
                message["usage"] = data["usage"].clone();
            }
            "message_stop" => assert!(ended && place + 1 == events.len()),
            "error" => assert_eq!(place + 1, events.len()),
            other => panic!("{other}"),
        }
    }
    message
}

fn written(kept: Option<Kept>, told: Vec<Event<'_>>) -> Vec<(String, Value)> {
    let mut ordered =
        Ordered::new(Arc::new(Sent::default()), Box::new(Stream::new(reply(kept))), "req_1".into());
    let mut out = Vec::new();
    for event in told {
        ordered.take(event, &mut out).unwrap();
    }
    ordered.ends(&mut out);
    events(&out)
}

fn call(id: &'static str) -> Block<'static> {
    Block::Call(Called { id: id.into(), name: "f".into(), plain: false })
}

fn text(text: &'static str) -> Piece<'static> {
    Piece::Text(text.into())
}

fn seal(payload: &'static str) -> Piece<'static> {
    Piece::Seal(Seal { origin: Api::Gemini, account: Some(7), payload: payload.into() })
}

fn ended(reason: Reason) -> Event<'static> {
    Event::Ended(End { reason, stop_sequence: None })
}

#[test]
fn an_answer_is_written_without_gaps_and_empty_blocks_are_none() {
    let events = written(
        None,
        vec![
            Event::Started(Started { usage: Some(Usage::new(9, 1)), ..Started::default() }),
            Event::Opened(4, Block::Text),
            Event::Closed(4),
            Event::Opened(5, Block::Thinking),
            Event::Added(5, text("Hm")),
            Event::Closed(5),
            Event::Opened(7, Block::Redacted),
            Event::Added(7, seal("r")),
            Event::Closed(7),
            Event::Opened(8, Block::Text),
            Event::Added(8, text("Hello")),
            Event::Opened(9, call("c1")),
            Event::Added(9, text("{\"a\":")),
            Event::Opened(10, call("c2")),
            Event::Added(9, text("1.0}")),
            Event::Closed(8),
            Event::Closed(10),
            ended(Reason::Done),
            Event::Used(Usage::new(10, 20)),
            Event::Whole,
        ],
    );
    let message = message(&events);
    assert_eq!((&message["id"], &message["model"]), (&"msg_r1".into(), &"asked".into()));
    let kinds: Vec<&str> =
        message["content"].as_array().unwrap().iter().map(|block| block["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["thinking", "redacted_thinking", "text", "tool_use", "tool_use"]);
    assert_eq!(message["content"][3]["input"], serde_json::json!({ "a": 1.0 }));
    assert_eq!(message["content"][4]["input"], serde_json::json!({}));
    assert_eq!(
        (&message["stop_reason"], &message["usage"]["input_tokens"]),
        (&"tool_use".into(), &10.into())
    );
    let starts = events.iter().filter(|(name, _)| name == "content_block_start").count();
    let stops = events.iter().filter(|(name, _)| name == "content_block_stop").count();
    assert_eq!((starts, stops), (5, 5));
}

#[test]
fn a_call_that_was_cut_says_so() {
    let events = written(
        None,
        vec![
            Event::Started(Started::default()),
            Event::Opened(0, call("c")),
            Event::Added(0, text("{\"amount\": 100")),
            ended(Reason::Calls),
            Event::Whole,
        ],
    );
    assert_eq!(message(&events)["stop_reason"], "max_tokens");
}

#[test]
fn what_comes_back_with_a_call_stands_before_it_and_late_behind_it() {
    for (early, kinds) in [(true, ["thinking", "tool_use"]), (false, ["tool_use", "thinking"])] {
        let mut told = vec![Event::Started(Started::default()), Event::Opened(0, call("c"))];
        let [first, second] = if early { [seal("s"), text("{}")] } else { [text("{}"), seal("s")] };
        told.extend([Event::Added(0, first), Event::Added(0, second), Event::Closed(0)]);
        told.extend([ended(Reason::Done), Event::Whole]);
        let message = message(&written(None, told));
        let content = message["content"].as_array().unwrap();
        let written: Vec<&str> = content.iter().map(|block| block["type"].as_str().unwrap()).collect();
        assert_eq!(written, kinds);
        let thought = content.iter().find(|block| block["type"] == "thinking").unwrap();
        let back = Seal::read(Api::Anthropic, thought["signature"].as_str().unwrap().into());
        assert_eq!((back.origin, &*back.payload, back.account), (Api::Gemini, "s", Some(7)));
    }
}

#[test]
fn a_failure_is_the_last_event() {
    let failure = Failure {
        status: StatusCode::BAD_GATEWAY,
        class: Class::Overloaded,
        message: "busy".into(),
        param: None,
    };
    let events = written(
        None,
        vec![
            Event::Started(Started::default()),
            Event::Opened(0, Block::Text),
            Event::Added(0, text("Hel")),
            Event::Failed(failure),
            Event::Whole,
        ],
    );
    let (name, data) = events.last().unwrap();
    assert_eq!((name.as_str(), &data["error"]["type"]), ("error", &"overloaded_error".into()));
    assert_eq!((&data["error"]["message"], &data["request_id"]), (&"busy".into(), &"req_1".into()));
}

#[test]
fn a_search_that_was_asked_for_alone_is_told_as_anthropic_tells_it() {
    let cited = || {
        Event::Added(
            0,
            Piece::Citation(Citation { url: "https://a.example".into(), title: None, span: None }),
        )
    };
    let told = || {
        vec![
            Event::Started(Started::default()),
            Event::Opened(0, Block::Text),
            Event::Added(0, text("Found")),
            cited(),
            cited(),
            Event::Closed(0),
            ended(Reason::Done),
            Event::Whole,
        ]
    };
    let searched = message(&written(Some(Kept { question: "rust".to_owned() }), told()));
    assert_eq!(searched["content"][1]["type"], "server_tool_use");
    assert_eq!(searched["content"][2]["tool_use_id"], searched["content"][1]["id"]);
    assert_eq!(searched["content"][2]["content"].as_array().unwrap().len(), 1);
    assert_eq!(searched["stop_reason"], "end_turn");
    let plain = message(&written(None, told()));
    assert_eq!(plain["content"].as_array().unwrap().len(), 1);
}
