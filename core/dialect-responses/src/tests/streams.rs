//! Streams: of upstreams, and for clients.

use serde_json::{Value, json};
use sluice_api::cost::Usage;
use sluice_api::dialect::Api;
use sluice_neutral::answer::Plain;
use sluice_neutral::answer::{
    Answer, Block, Called, Citation, Class, End, Failure, Piece, Reason, Said, Started,
};
use sluice_neutral::dialect::Dialect as _;
use sluice_neutral::request::Content;
use sluice_neutral::seal::Seal;

use super::{heard, reply, told};
use crate::Responses;

fn call(id: &'static str, name: &'static str, plain: bool) -> Block<'static> {
    Block::Call(Called { id: id.into(), name: name.into(), plain })
}

fn answer(said: Vec<Said<'static>>, reason: Reason) -> Answer<'static> {
    let end = End { reason, stop_sequence: None };
    Answer { said, end, usage: Some(Usage::new(9, 4)), ..Answer::default() }
}

fn sealed(origin: Api) -> Seal<'static> {
    Seal { origin, account: Some(7), payload: "sig".into() }
}

const ASKED: &str = r#"{"instructions":"Be brief.",
 "tools":[{"type":"namespace","name":"ns","tools":[{"type":"custom","name":"exec"}]},
 {"type":"tool_search","execution":"client"}],"temperature":0.50,"store":true}"#;

/// An answer with something of each kind.
fn full() -> Answer<'static> {
    let mut thought = Said::new(Block::Thinking, "Hm");
    thought.seal = Some(sealed(Api::Anthropic));
    let mut redacted = Said::new(Block::Redacted, "");
    redacted.seal = Some(sealed(Api::Anthropic));
    let mut text = Said::new(Block::Text, "é Hello");
    text.citations = vec![Citation { url: "https://h".into(), title: None, span: Some((3, 8)) }];
    let mut with_seal = Said::new(call("call_1", "f", false), "{\"a\":1.0}");
    with_seal.seal = Some(sealed(Api::Gemini));
    let calls = [
        with_seal,
        Said::new(call("call_2", "ns__exec", true), "ls"),
        Said::new(call("call_3", "tool_search", false), "{\"q\":\n1}"),
    ];
    let said = [thought, redacted, text, Said::new(Block::Text, "!")].into_iter().chain(calls);
    answer(said.collect(), Reason::Calls)
}

#[test]
fn a_client_is_told_items_one_after_another_with_all_that_helpers_need() {
    let reply = reply(ASKED);
    let events = told(full(), &reply);
    let kinds: Vec<&str> =
        events.iter().filter_map(|event| event["type"].as_str()?.strip_prefix("response.")).collect();
    let expected = "created in_progress \
        output_item.added reasoning_summary_part.added reasoning_summary_text.delta reasoning_summary_text.done \
        reasoning_summary_part.done output_item.done \
        output_item.added output_item.done \
        output_item.added content_part.added output_text.delta output_text.annotation.added output_text.done \
        content_part.done content_part.added output_text.delta output_text.done content_part.done output_item.done \
        output_item.added output_item.done \
        output_item.added function_call_arguments.delta function_call_arguments.done output_item.done \
        output_item.added custom_tool_call_input.delta custom_tool_call_input.done output_item.done \
        output_item.added output_item.done completed";
    assert_eq!(kinds.join(" "), expected.split_whitespace().collect::<Vec<_>>().join(" "));
    let last = &events.last().unwrap()["response"];
    assert_eq!(
        (&last["id"], &last["status"], &last["store"]),
        (&json!("resp_0199ab"), &json!("completed"), &json!(false))
    );
    assert_eq!((&last["instructions"], &last["temperature"]), (&json!("Be brief."), &json!(0.5)));
    assert_eq!(last["usage"]["total_tokens"], 13);
    let output = last["output"].as_array().unwrap();
    // Each item as it began, was done, and stands in the whole has the same ids, and the same place.
    for (index, item) in output.iter().enumerate() {
        let of_item = |kind: &str| {
            let found = |event: &&Value| event["type"] == kind && event["output_index"] == index;
            let all: Vec<&Value> = events.iter().filter(found).collect();
            assert_eq!(all.len(), 1, "{kind} {index}");
            all[0]["item"].clone()
        };
        let (added, done) = (of_item("response.output_item.added"), of_item("response.output_item.done"));
        assert_eq!(&done, item);
        assert_eq!(
            (&added["id"], &added["call_id"], &added["type"]),
            (&item["id"], &item["call_id"], &item["type"])
        );
        for event in
            events.iter().filter(|event| event["output_index"] == index && event["item_id"].is_string())
        {
            assert_eq!(event["item_id"], item["id"], "{event}");
        }
    }
    assert_eq!(output[0]["summary"], json!([{"type": "summary_text", "text": "Hm"}]));
    assert!(output[1]["encrypted_content"].as_str().unwrap().starts_with("redacted."));
    assert_eq!(
        output[2]["content"],
        json!([{"type": "output_text", "text": "é Hello", "logprobs": [], "annotations":
            [{"type": "url_citation", "url": "https://h", "title": "", "start_index": 2, "end_index": 7}]},
            {"type": "output_text", "text": "!", "logprobs": [], "annotations": []}])
    );
    assert_eq!((&output[3]["type"], &output[3]["summary"]), (&json!("reasoning"), &json!([])));
    assert_eq!((&output[4]["arguments"], &output[4]["call_id"]), (&json!("{\"a\":1.0}"), &json!("call_1")));
    assert_eq!(
        (&output[5]["name"], &output[5]["namespace"], &output[5]["input"]),
        (&json!("exec"), &json!("ns"), &json!("ls"))
    );
    assert_eq!((&output[6]["arguments"], &output[6]["execution"]), (&json!({"q": 1}), &json!("client")));
    // The whole answer is what the stream ends with.
    let whole: Value = serde_json::from_slice(&Responses.tell(&full(), &reply)).unwrap();
    assert_eq!(&whole, last);
}

#[test]
fn what_a_client_replays_is_what_the_model_said_seals_and_all() {
    let whole: Value = serde_json::from_slice(&Responses.tell(&full(), &reply(ASKED))).unwrap();
    let mut input = whole["output"].as_array().unwrap().clone();
    let mut asked: Value = serde_json::from_str(ASKED).unwrap();
    // A call that is left out takes what is its own with it.
    let mut without = input.clone();
    without.remove(4);
    without.insert(4, json!({"role": "user", "content": "stop"}));
    asked["input"] = json!(without);
    let (request, _) = super::read(&asked.to_string(), Api::Anthropic).unwrap();
    let mut calls = request.turns.iter().flat_map(|turn| &turn.parts);
    assert!(calls.all(|part| !matches!(&part.content, Content::Call(call) if call.seal.is_some())));
    // As Codex replays them: thoughts have a content of null.
    input[0]["content"] = Value::Null;
    for is_late in [false, true] {
        if is_late {
            // What came late stands behind its call.
            let mut sealed = input.remove(3);
            let late = sealed["encrypted_content"].as_str().unwrap().replace("next.", "last.");
            sealed["encrypted_content"] = json!(late);
            input.insert(4, sealed);
        }
        asked["input"] = json!(input);
        let (request, named) = super::read(&asked.to_string(), Api::Anthropic).unwrap();
        let said: Vec<&Content<'_>> = request.turns[0].parts.iter().map(|part| &part.content).collect();
        let [
            Content::Thinking(thought),
            Content::Thinking(hidden),
            Content::Text(one),
            Content::Text(two),
            Content::Call(first),
            Content::Call(second),
            Content::Call(third),
        ] = said[..]
        else {
            panic!("{said:?}")
        };
        assert_eq!(
            (&*thought.text, thought.redacted, thought.seal.as_ref()),
            ("Hm", false, Some(&sealed(Api::Anthropic)))
        );
        assert_eq!(
            (&*hidden.text, hidden.redacted, hidden.seal.as_ref()),
            ("", true, Some(&sealed(Api::Anthropic)))
        );
        assert_eq!((&**one, &**two), ("é Hello", "!"));
        assert_eq!((&*first.id, first.seal.as_ref()), ("call_1", Some(&sealed(Api::Gemini))));
        assert_eq!((&*second.name, &*third.name), ("ns__exec", "tool_search"));
        assert_eq!(named, Vec::<String>::new());
    }
}

#[test]
fn what_is_wanted_back_with_a_call_stands_before_it_or_behind_it() {
    let reply = reply("{}");
    for (is_late, mark, kinds) in
        [(false, "next.", ["reasoning", "function_call"]), (true, "last.", ["function_call", "reasoning"])]
    {
        let (mut writer, mut out) = (Responses.tells(&reply), Vec::new());
        let mut pieces = vec![Piece::Seal(sealed(Api::Gemini)), Piece::Text("{}".into())];
        if is_late {
            pieces.reverse();
        }
        writer.block(Plain::Opened(call("c", "f", false)), &mut out);
        pieces.into_iter().for_each(|piece| writer.block(Plain::Added(piece), &mut out));
        writer.block(Plain::Closed, &mut out);
        let events = super::events(&out);
        let done: Vec<&Value> =
            events.iter().filter(|event| event["type"] == "response.output_item.done").collect();
        assert_eq!(
            [&done[0]["item"]["type"], &done[1]["item"]["type"]],
            [&json!(kinds[0]), &json!(kinds[1])]
        );
        let sealed = &done[usize::from(is_late)]["item"]["encrypted_content"];
        assert!(sealed.as_str().unwrap().starts_with(mark), "{sealed}");
        assert_eq!((&done[0]["output_index"], &done[1]["output_index"]), (&json!(0), &json!(1)));
    }
}

#[test]
fn why_an_answer_ended_is_told_by_its_status() {
    let reply = reply("{}");
    let text = || Said::new(Block::Text, "x");
    for (said, reason, status, why) in [
        (vec![text()], Reason::Done, "completed", Value::Null),
        (vec![text()], Reason::Stopped, "completed", Value::Null),
        (vec![text()], Reason::Paused, "completed", Value::Null),
        (vec![text()], Reason::Length, "incomplete", json!({"reason": "max_output_tokens"})),
        (vec![text()], Reason::ContextFull, "incomplete", json!({"reason": "max_output_tokens"})),
        (vec![], Reason::Refused, "incomplete", json!({"reason": "content_filter"})),
        (vec![Said::new(Block::Refusal, "No.")], Reason::Refused, "completed", Value::Null),
        (
            vec![Said::new(call("c", "f", false), "{\"a\":")],
            Reason::Calls,
            "incomplete",
            json!({"reason": "max_output_tokens"}),
        ),
    ] {
        let events = told(answer(said, reason), &reply);
        let last = events.last().unwrap();
        // The one terminal event that the official SDK for Python takes an answer from.
        assert_eq!(last["type"], "response.completed");
        assert_eq!(
            (&last["response"]["status"], &last["response"]["incomplete_details"]),
            (&json!(status), &why)
        );
    }
}

#[test]
fn a_failure_is_told_where_sdks_and_codex_look_for_it() {
    let reply = reply("{}");
    let mut out = Vec::new();
    let mut writer = Responses.tells(&reply);
    writer.start(&Started::default(), &mut out);
    writer.block(Plain::Opened(Block::Text), &mut out);
    writer.block(Plain::Added(Piece::Text("Hel".into())), &mut out);
    out.extend(writer.keep_alive());
    let failure = Failure {
        status: http::StatusCode::TOO_MANY_REQUESTS,
        class: Class::RateLimited,
        message: "slow".into(),
        param: None,
    };
    writer.fail(&failure, "req_1", &mut out);
    let events = super::events(&out);
    let last = events.last().unwrap();
    assert_eq!(last["type"], "response.failed");
    assert_eq!(last["error"]["code"], "rate_limit_exceeded");
    assert_eq!(last["error"]["request_id"], "req_1");
    assert_eq!(last["response"]["error"], json!({"code": "rate_limit_exceeded", "message": "slow"}));
    assert_eq!(last["response"]["id"], events[0]["response"]["id"]);
    assert_eq!(last["response"]["output"][0]["content"][0]["text"], "Hel");
    assert_eq!(last["response"]["output"][0]["status"], "incomplete");
    assert_eq!(last["response"]["status"], "failed");
}

#[test]
fn streams_of_upstreams_are_read_in_every_form() {
    const CREATED: (&str, &str) = (
        "",
        r#"{"type":"response.created","response":{"id":"resp_u","model":"gpt","status":"in_progress"}}"#,
    );
    const DONE: (&str, &str) = (
        "",
        r#"{"type":"response.completed","response":{"id":"resp_u","status":"completed","usage":{"input_tokens":9,"output_tokens":4,"total_tokens":13}}}"#,
    );
    const END: &str = "used:9/4 end:Done whole";
    for (events, words) in [
        // Text from deltas, and not once more from what is done; what is not known is skipped.
        (
            vec![
                (
                    "",
                    r#"{"type":"response.output_item.added","output_index":0,"item":{"id":"m","type":"message","content":[]}}"#,
                ),
                (
                    "",
                    r#"{"type":"response.content_part.added","output_index":0,"content_index":0,"part":{}}"#,
                ),
                (
                    "",
                    r#"{"type":"response.output_text.delta","output_index":0,"content_index":0,"delta":"Hi"}"#,
                ),
                ("", r#"{"type":"keepalive"}"#),
                ("", r#"{"type":"response.future","output_index":0}"#),
                ("", "{}"),
                (
                    "",
                    r#"{"type":"response.output_item.done","output_index":0,"item":{"id":"m","type":"message","content":[{"type":"output_text","text":"Hi"}]}}"#,
                ),
            ],
            "<0:Text 0+Hi 0>",
        ),
        // Text from what is done alone; no ids at all.
        (
            vec![(
                "",
                r#"{"type":"response.output_item.done","output_index":0,"item":{"type":"message","content":[{"type":"output_text","text":"Hi"},{"type":"refusal","refusal":"No"}]}}"#,
            )],
            "<0:Text 0+Hi <1:Refusal 1+No 0> 1>",
        ),
        // Deltas of an item that was not told to begin; ids that change with each event.
        (
            vec![
                ("", r#"{"type":"response.output_text.delta","item_id":"a","delta":"H"}"#),
                ("", r#"{"type":"response.output_text.delta","item_id":"a","delta":"i"}"#),
            ],
            "<0:Text 0+H 0+i 0>",
        ),
        (
            vec![
                ("", r#"{"type":"response.output_text.delta","output_index":0,"item_id":"a","delta":"H"}"#),
                ("", r#"{"type":"response.output_text.delta","output_index":0,"item_id":"b","delta":"i"}"#),
            ],
            "<0:Text 0+H 0+i 0>",
        ),
        // A call in pieces, one that comes whole, and one whose id comes with its end.
        (
            vec![
                (
                    "",
                    r#"{"type":"response.output_item.added","output_index":0,"item":{"id":"fc","type":"function_call","call_id":"c1","name":"f","arguments":""}}"#,
                ),
                (
                    "",
                    r#"{"type":"response.function_call_arguments.delta","output_index":0,"delta":"{\"a\":"}"#,
                ),
                ("", r#"{"type":"response.function_call_arguments.delta","output_index":0,"delta":"1.0}"}"#),
                (
                    "",
                    r#"{"type":"response.function_call_arguments.done","output_index":0,"arguments":"{\"a\":1.0}"}"#,
                ),
                (
                    "",
                    r#"{"type":"response.output_item.done","output_index":0,"item":{"id":"fc","type":"function_call","call_id":"c1","name":"f","arguments":"{\"a\":1.0}"}}"#,
                ),
                (
                    "",
                    r#"{"type":"response.output_item.done","output_index":1,"item":{"type":"function_call","call_id":"c2","name":"g","arguments":{"b":2}}}"#,
                ),
                (
                    "",
                    r#"{"type":"response.output_item.added","output_index":2,"item":{"type":"custom_tool_call","name":"p","input":""}}"#,
                ),
                ("", r#"{"type":"response.custom_tool_call_input.delta","output_index":2,"delta":"x"}"#),
                (
                    "",
                    r#"{"type":"response.output_item.done","output_index":2,"item":{"type":"custom_tool_call","call_id":"c3","name":"p","input":"xy"}}"#,
                ),
            ],
            r#"<0:c1:f 0+{"a": 0+1.0} 0> <1:c2:g 1+{"b":2} 1> <2:c3:p! 2+xy 2>"#,
        ),
        // Thoughts as summaries; what is encrypted comes with their end. Those without a word are thoughts too.
        (
            vec![
                (
                    "",
                    r#"{"type":"response.output_item.added","output_index":0,"item":{"id":"rs_1","type":"reasoning","summary":[]}}"#,
                ),
                (
                    "",
                    r#"{"type":"response.reasoning_summary_text.delta","output_index":0,"summary_index":0,"delta":"A"}"#,
                ),
                (
                    "",
                    r#"{"type":"response.reasoning_summary_text.delta","output_index":0,"summary_index":1,"delta":"B"}"#,
                ),
                (
                    "",
                    r#"{"type":"response.reasoning_text.delta","output_index":0,"content_index":0,"delta":"raw"}"#,
                ),
                (
                    "",
                    r#"{"type":"response.output_item.done","output_index":0,"item":{"id":"rs_1","type":"reasoning","summary":[{"text":"A"},{"text":"B"}],"encrypted_content":"gA"}}"#,
                ),
                (
                    "",
                    r#"{"type":"response.output_item.done","output_index":1,"item":{"id":"rs_2","type":"reasoning","summary":[],"encrypted_content":"gB"}}"#,
                ),
            ],
            "<0:Thinking 0+A 0+\n\n 0+B 0~rs_1:gA 0> <1:Thinking 1~rs_2:gB 1>",
        ),
    ] {
        let mut stream = vec![CREATED];
        stream.extend(events);
        stream.push(DONE);
        stream.push(("", "[DONE]"));
        assert_eq!(heard(&stream).unwrap(), format!("start:gpt {words} {END}"));
    }
}

/// As a LiteLLM proxy streams it: no names of events, long ids, its own members on each, thoughts without a part.
#[test]
fn a_stream_of_litellms_is_read_whole() {
    let id = "bGl0ZWxsbTpjdXN0b20".repeat(22);
    let events = [
        json!({"type": "response.created", "model": "gpt", "response": {"id": id, "model": "gpt", "output": []}}),
        json!({"type": "response.in_progress", "model": "gpt", "response": {"id": id}}),
        json!({"type": "response.output_item.added", "model": "gpt", "output_index": 0, "item": {"id": id, "type": "reasoning", "summary": []}}),
        json!({"type": "response.reasoning_summary_text.delta", "model": "gpt", "output_index": 0, "item_id": id, "delta": "Hm"}),
        json!({"type": "response.output_item.done", "model": "gpt", "output_index": 0, "item": {"id": id, "type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm"}]}}),
        json!({"type": "response.output_item.added", "model": "gpt", "output_index": 1, "item": {"id": id, "type": "message", "content": []}}),
        json!({"type": "response.output_text.delta", "model": "gpt", "output_index": 1, "content_index": 0, "item_id": id, "delta": "Hi"}),
        json!({"type": "response.output_item.done", "model": "gpt", "output_index": 1, "item": {"id": id, "type": "message", "content": [{"type": "output_text", "text": "Hi"}]}}),
        json!({"type": "response.completed", "model": "gpt", "response": {"id": id, "status": "completed", "output": [
            {"id": id, "type": "reasoning", "summary": []}, {"id": id, "type": "message", "content": [{"type": "output_text", "text": "Hi"}]}],
            "usage": {"input_tokens": 9, "output_tokens": 4, "total_tokens": 13, "cost": 0.5}}}),
    ];
    let events: Vec<String> = events.iter().map(Value::to_string).collect();
    let mut stream: Vec<(&str, &str)> = events.iter().map(|event| ("", event.as_str())).collect();
    stream.push(("", "[DONE]"));
    let told = "start:gpt <0:Thinking 0+Hm 0> <1:Text 1+Hi 1> used:9/4 end:Done whole";
    assert_eq!(heard(&stream).unwrap(), told);
}

#[test]
fn the_last_event_tells_what_no_other_has() {
    let last = r#"{"type":"response.incomplete","response":{"id":"r","model":"m","status":"incomplete","incomplete_details":{"reason":"max_output_tokens"},
        "output":[{"type":"web_search_call","id":"ws"},{"type":"message","id":"m","content":[{"type":"output_text","text":"Hi","annotations":[{"type":"url_citation","url":"u","start_index":0,"end_index":1}]}]},
        {"type":"function_call","id":"fc","name":"f","arguments":""}],"usage":{"input_tokens":1,"output_tokens":2,"total_tokens":3}}}"#;
    let told = "start:m <0:Text 0+Hi 0@u 0> <1:fc:f 1> used:1/2 end:Length whole";
    assert_eq!(heard(&[("response.incomplete", last)]).unwrap(), told);
    // A whole answer where a stream was due.
    let whole = last.replace(r#"{"type":"response.incomplete","response":{"#, r#"{"object":"response","#);
    assert_eq!(heard(&[("", whole.strip_suffix('}').unwrap())]).unwrap(), told);
    // Arguments in the last event alone.
    let added = r#"{"type":"response.output_item.added","output_index":0,"item":{"id":"fc","type":"function_call","call_id":"c","name":"f","arguments":""}}"#;
    let last = r#"{"type":"response.completed","response":{"status":"completed","output":[{"id":"fc","type":"function_call","call_id":"c","name":"f","arguments":"{}"}]}}"#;
    assert_eq!(heard(&[("", added), ("", last)]).unwrap(), "start:- <0:c:f 0+{} 0> end:Done whole");
}

#[test]
fn failures_in_streams_are_heard_in_every_form() {
    for (event, words) in [
        (r#"{"type":"error","code":"server_error","message":"boom","param":null}"#, "failed:Server:boom"),
        (
            r#"{"type":"error","error":{"type":"x","code":"rate_limit_exceeded","message":"boom"}}"#,
            "failed:RateLimited:boom",
        ),
        (
            r#"{"type":"response.failed","response":{"id":"r","status":"failed","error":{"code":"server_error","message":"boom"}}}"#,
            "failed:Server:boom",
        ),
        (
            r#"{"type":"response.failed","response":{"error":null},"error":{"code":"server_error","message":"boom"}}"#,
            "failed:Server:boom",
        ),
        (r#"{"error":{"message":"boom","type":"throttling_error","code":"429"}}"#, "failed:RateLimited:boom"),
    ] {
        assert_eq!(heard(&[("", event), ("", "[DONE]")]).unwrap(), words, "{event}");
    }
    assert!(heard(&[("", "{half")]).is_err());
    assert!(heard(&[("", r#"{"type":"response.completed"}"#)]).is_err());
    // What breaks off tells no end.
    assert_eq!(
        heard(&[("", r#"{"type":"response.output_text.delta","delta":"H"}"#)]).unwrap(),
        "start:- <0:Text 0+H"
    );
}
