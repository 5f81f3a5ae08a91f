//! Streams of upstreams, well-formed and not.

use std::sync::Arc;

use sluice_api::cost::Usage;
use sluice_api::error::Error;
use sluice_neutral::answer::{Event, Piece};
use sluice_neutral::dialect::{Reader, Sent};

use super::Events;

/// What is told of a stream of these events, in short words.
fn told(events: &[&str]) -> Result<String, Error> {
    let mut words = String::new();
    let mut reader = Events::new(Arc::new(Sent { account: "acc".to_owned(), ..Sent::default() }));
    for data in events {
        reader.event("", data.as_bytes(), &mut |event| words.push_str(&word(&event)))?;
    }
    reader.end(&mut |event| words.push_str(&word(&event)));
    Ok(words)
}

fn word(event: &Event<'_>) -> String {
    match event {
        Event::Started(started) => format!("start {:?} ", started.usage.map(|usage| usage.input)),
        Event::Opened(index, block) => {
            let block = format!("{block:?}");
            format!("<{index}{} ", block.split(['(', ' ']).next().unwrap())
        }
        Event::Added(index, Piece::Text(text)) => format!("{index}={text} "),
        Event::Added(index, Piece::Seal(seal)) => format!("{index}~{} ", seal.payload),
        Event::Added(index, Piece::Citation(one)) => format!("{index}@{}{:?} ", one.url, one.span),
        Event::Added(..) => "? ".to_owned(),
        Event::Closed(index) => format!("{index}> "),
        Event::Used(usage) => format!("used {}/{} ", usage.input, usage.output),
        Event::Ended(end) => format!("{:?} {:?} ", end.reason, end.stop_sequence),
        Event::Failed(failure) => format!("failed {:?} {} ", failure.class, failure.message),
        Event::Whole => "whole".to_owned(),
    }
}

const START: &str = r#"{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[],"usage":{"input_tokens":9,"output_tokens":1}}}"#;
const DELTA: &str = r#"{"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"output_tokens":41}}"#;
const STOP: &str = r#"{"type":"message_stop"}"#;

#[test]
fn a_stream_is_told_as_it_comes() {
    let all = [
        START,
        r#"{"type":"ping"}"#,
        r#"{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}"#,
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"Look."}}"#,
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"RXh"}}"#,
        r#"{"type":"content_block_stop","index":0}"#,
        r#"{"type":"content_block_start","index":1,"content_block":{"type":"redacted_thinking","data":"D"}}"#,
        r#"{"type":"content_block_stop","index":1}"#,
        r#"{"type":"content_block_start","index":2,"content_block":{"type":"server_tool_use","id":"s","name":"web_search","input":{}}}"#,
        r#"{"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"{\"query\""}}"#,
        r#"{"type":"content_block_stop","index":2}"#,
        r#"{"type":"content_block_start","index":3,"content_block":{"type":"text","text":"","citations":[]}}"#,
        r#"{"type":"content_block_delta","index":3,"delta":{"type":"citations_delta","citation":{"type":"web_search_result_location","url":"u","title":"t","cited_text":"c","encrypted_index":"e"}}}"#,
        r#"{"type":"content_block_delta","index":3,"delta":{"type":"text_delta","text":"Hé"}}"#,
        r#"{"type":"content_block_stop","index":3}"#,
        r#"{"type":"content_block_start","index":4,"content_block":{"type":"tool_use","id":"toolu_B","name":"lookup","input":{}}}"#,
        r#"{"type":"content_block_delta","index":4,"delta":{"type":"input_json_delta","partial_json":""}}"#,
        r#"{"type":"content_block_delta","index":4,"delta":{"type":"input_json_delta","partial_json":"{\"q\":1.0"}}"#,
        r#"{"type":"content_block_delta","index":4,"delta":{"type":"input_json_delta","partial_json":"}"}}"#,
        r#"{"type":"content_block_stop","index":4}"#,
        DELTA,
        STOP,
    ];
    assert_eq!(
        told(&all).unwrap(),
        "start Some(9) <0Thinking 0=Look. 0~RXh 0> <1Redacted 1~D 1> <2Text 2=Hé 2@uSome((0, 3)) 2> \
         <3Call 3={\"q\":1.0 3=} 3> used 9/41 Calls None whole"
    );
}

#[test]
fn what_middle_servers_do_is_understood() {
    let tool = r#"{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","name":"f","input":{"q":7}}}"#;
    let text = r#"{"type":"content_block_start","content_block":{"type":"text","text":"PRE"}}"#;
    let more = r#"{"type":"content_block_delta","delta":{"type":"text_delta","text":"x"}}"#;
    for (events, expected) in [
        // No start, no index, no stop of the block, text at its start.
        (vec![text, more, DELTA, STOP], "start None <0Text 0=PRE 0=x used 0/41 0> Calls None whole"),
        // Arguments whole at the start, no id.
        (vec![START, tool, DELTA], "start Some(9) <0Call used 9/41 0={\"q\":7} 0> Calls None whole"),
        (
            vec![
                START,
                tool,
                r#"{"type":"content_block_delta","index":0,"delta":{"partial_json":{"q":8}}}"#,
                r#"{"type":"content_block_delta","index":0,"delta":null}"#,
                STOP,
                DELTA,
            ],
            "start Some(9) <0Call 0={\"q\":8} 0> Done None whole",
        ),
        // Usage of nothing at first, and a second delta of usage alone.
        (
            vec![
                r#"{"type":"message_start","message":{"usage":{"input_tokens":0,"output_tokens":0}}}"#,
                DELTA,
                r#"{"type":"message_delta","delta":{},"usage":{"input_tokens":5,"output_tokens":42}}"#,
                STOP,
            ],
            "start Some(0) used 0/41 Calls None used 5/42 whole",
        ),
        // An error in a form of its own, and then an end as if all were well.
        (
            vec![START, r#"{"type":"error","message":{"type":"api_error","message":"boom"}}"#, DELTA, STOP],
            "start Some(9) failed Server boom ",
        ),
        (vec![r#"{"error":{"message":"slow","type":"rate_limit_error"}}"#], "failed RateLimited slow "),
        // A whole answer.
        (
            vec![
                r#"{"type":"message","content":[{"type":"text","text":"Hi"}],"stop_reason":"end_turn","usage":{"input_tokens":3,"output_tokens":2}}"#,
            ],
            "start Some(3) <0Text 0=Hi 0> used 3/2 Done None whole",
        ),
        // Cut off.
        (vec![START, text, more, "[DONE]"], "start Some(9) <0Text 0=PRE 0=x "),
        // The same index for every block.
        (
            vec![
                START,
                text,
                r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":"B"}}"#,
                DELTA,
            ],
            "start Some(9) <0Text 0=PRE 0> <1Text 1=B used 9/41 1> Calls None whole",
        ),
    ] {
        assert_eq!(told(&events).unwrap(), expected, "{events:?}");
    }
}

#[test]
fn what_is_no_event_and_what_is_lost_of_a_call_is_the_upstreams_fault() {
    let stop = r#"{"type":"content_block_stop","index":0}"#;
    let tool = r#"{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"i","name":"f","input":{}}}"#;
    let late =
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{"}}"#;
    for events in [vec!["nonsense"], vec![START, tool, stop, late]] {
        let error = told(&events).unwrap_err();
        assert_eq!(error.kind(), sluice_api::error::Kind::Upstream, "{events:?}");
    }
}

#[test]
fn usage_is_told_as_it_is_billed() {
    let start = r#"{"type":"message_start","message":{"model":"m","usage":{"input_tokens":9,"cache_creation_input_tokens":7,"cache_read_input_tokens":5,"cache_creation":{"ephemeral_5m_input_tokens":3,"ephemeral_1h_input_tokens":4},"output_tokens":1}}}"#;
    let delta = r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":40,"output_tokens_details":{"thinking_tokens":30}}}"#;
    let mut last = Usage::default();
    let mut reader = Events::new(Arc::default());
    for data in [start, delta, STOP] {
        let mut tell = |event: Event<'_>| {
            if let Event::Used(usage) = event {
                last = usage;
            }
        };
        reader.event("", data.as_bytes(), &mut tell).unwrap();
    }
    let mut expected = Usage::new(9, 40);
    (expected.cache_write_5m, expected.cache_write_1h, expected.cache_read) = (3, 4, 5);
    expected.reasoning = 30;
    assert_eq!(last, expected);
}
