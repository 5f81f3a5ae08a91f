//! What upstreams send, in all the ways in which servers of this dialect do.

use std::sync::Arc;

use sluice_api::error::{Fault, Kind};
use sluice_neutral::answer::Event;
use sluice_neutral::dialect::{Dialect as _, Sent};

use super::{Gathered, gathered, words};
use crate::Chat;

const DONE: &str = "[DONE]";

/// A chunk with one choice.
fn chunk(choice: &str) -> String {
    format!(
        r#"{{"id":"chatcmpl-A","object":"chat.completion.chunk","created":1,"model":"m","choices":[{choice}]}}"#
    )
}

/// A chunk with a delta and no reason.
fn delta(delta: &str) -> String {
    chunk(&format!(r#"{{"index":0,"delta":{delta},"finish_reason":null}}"#))
}

fn end(reason: &str) -> String {
    chunk(&format!(r#"{{"index":0,"delta":{{}},"finish_reason":"{reason}"}}"#))
}

const ROLE: &str = r#"{"role":"assistant","content":""}"#;
const USAGE: &str = r#"{"choices":[],"usage":{"prompt_tokens":10,"completion_tokens":3,"total_tokens":13}}"#;

/// A call's first fragment.
fn opens(members: &str, function: &str) -> String {
    delta(&format!(r#"{{"tool_calls":[{{{members}"function":{{{function}}}}}]}}"#))
}

/// What streams come to that differ from the usual one in their call alone.
fn of_call(fragments: &[String]) -> String {
    let mut events = vec![delta(ROLE), delta(r#"{"content":"Hello"}"#)];
    events.extend_from_slice(fragments);
    events.extend([end("tool_calls"), USAGE.to_owned(), DONE.to_owned()]);
    let events: Vec<&str> = events.iter().map(String::as_str).collect();
    let all = gathered(&events).unwrap();
    assert!(all.is_whole && all.failed.is_none());
    words(&all.answer)
}

#[test]
fn a_call_is_read_in_whichever_way_its_fragments_come() {
    let first = r#""index":0,"id":"call_1","type":"function","#;
    let more = r#""index":0,"#;
    let name = r#""name":"look","arguments":"""#;
    let (one, two) = (r#""arguments":"{\"q\"""#, r#""arguments":":1}""#);
    let usual = "Hello call_1=look{\"q\":1} Calls 10/3";
    for (hint, fragments) in [
        ("usual", vec![opens(first, name), opens(more, one), opens(more, two)]),
        ("type repeated", vec![opens(first, name), opens(first, one), opens(first, two)]),
        ("id null later", vec![opens(first, name), opens(r#""index":0,"id":null,"#, one), opens(more, two)]),
        ("id empty later", vec![opens(first, name), opens(r#""index":0,"id":"","#, one), opens(more, two)]),
        (
            "name repeated",
            vec![
                opens(first, name),
                opens(first, &format!(r#""name":"look",{one}"#)),
                opens(first, &format!(r#""name":"look",{two}"#)),
            ],
        ),
        (
            "name null later",
            vec![
                opens(first, name),
                opens(more, &format!(r#""name":null,{one}"#)),
                opens(more, &format!(r#""name":"",{two}"#)),
            ],
        ),
        (
            "arguments null first",
            vec![opens(first, r#""name":"look","arguments":null"#), opens(more, one), opens(more, two)],
        ),
        ("no arguments first", vec![opens(first, r#""name":"look""#), opens(more, one), opens(more, two)]),
        ("whole", vec![opens(first, r#""name":"look","arguments":"{\"q\":1}""#)]),
        ("an object", vec![opens(first, r#""name":"look","arguments":{"q":1}"#)]),
        (
            "empty at the end",
            vec![opens(first, r#""name":"look","arguments":"{\"q\":1}""#), opens(more, r#""arguments":"""#)],
        ),
        ("no index", vec![opens(r#""id":"call_1","#, name), opens("", one), opens("", two)]),
        (
            "index null",
            vec![
                opens(r#""index":null,"id":"call_1","#, name),
                opens(r#""index":null,"#, one),
                opens("", two),
            ],
        ),
        (
            "index a text",
            vec![
                opens(r#""index":"0","id":"call_1","#, name),
                opens(r#""index":"0","#, one),
                opens(more, two),
            ],
        ),
        (
            "index from one",
            vec![
                opens(r#""index":1,"id":"call_1","#, name),
                opens(r#""index":1,"#, one),
                opens(r#""index":1,"#, two),
            ],
        ),
        ("no type", vec![opens(r#""index":0,"id":"call_1","#, name), opens(more, one), opens(more, two)]),
        ("name late", vec![opens(first, one), opens(more, &format!(r#""name":"look",{two}"#))]),
        (
            "an object, not a list",
            vec![delta(
                r#"{"tool_calls":{"index":0,"id":"call_1","function":{"name":"look","arguments":"{\"q\":1}"}}}"#,
            )],
        ),
        (
            "members beside",
            vec![delta(r#"{"tool_calls":[{"id":"call_1","name":"look","arguments":"{\"q\":1}"}]}"#)],
        ),
    ] {
        assert_eq!(of_call(&fragments), usual, "{hint}");
    }
    for (hint, fragments, told) in [
        (
            "no id",
            vec![opens(more, name), opens(more, one), opens(more, two)],
            "call_chatcmplA_0=look{\"q\":1}",
        ),
        (
            "id late",
            vec![opens(more, name), opens(first, one), opens(more, two)],
            "call_chatcmplA_0=look{\"q\":1}",
        ),
        (
            "custom",
            vec![
                delta(
                    r#"{"tool_calls":[{"index":0,"id":"c","type":"custom","custom":{"name":"patch","input":"*** "}}]}"#,
                ),
                delta(r#"{"tool_calls":[{"index":0,"custom":{"input":"x"}}]}"#),
            ],
            "c!=patch*** x",
        ),
        (
            "the old form",
            vec![
                delta(r#"{"function_call":{"name":"look","arguments":""}}"#),
                delta(r#"{"function_call":{"arguments":"{\"q\":1}"}}"#),
            ],
            "call_chatcmplA_0=look{\"q\":1}",
        ),
        ("cut", vec![opens(first, name), opens(more, one)], "call_1=look{\"q\""),
        ("none at all", vec![opens(first, name)], "call_1=look"),
        ("of no tool", vec![opens(first, one)], ""),
    ] {
        assert_eq!(
            of_call(&fragments).replace("  ", " "),
            format!("Hello {told} Calls 10/3").replace("  ", " "),
            "{hint}"
        );
    }
}

#[test]
fn two_calls_are_two_however_they_are_told_apart() {
    let call = |members: &str, id: &str, arguments: &str| {
        opens(&format!(r#"{members}"id":"{id}","#), &format!(r#""name":"look","arguments":"{arguments}""#))
    };
    let (one, two) = (r#"{\"q\":1}"#, r#"{\"q\":2}"#);
    let told = "Hello c1=look{\"q\":1} c2=look{\"q\":2} Calls 10/3";
    for (hint, fragments) in [
        ("one after another", vec![call(r#""index":0,"#, "c1", one), call(r#""index":1,"#, "c2", two)]),
        (
            "interleaved",
            vec![
                call(r#""index":0,"#, "c1", ""),
                call(r#""index":1,"#, "c2", ""),
                opens(r#""index":0,"#, r#""arguments":"{\"q\":""#),
                opens(r#""index":1,"#, r#""arguments":"{\"q\":""#),
                opens(r#""index":0,"#, r#""arguments":"1}""#),
                opens(r#""index":1,"#, r#""arguments":"2}""#),
            ],
        ),
        ("one index, two ids", vec![call(r#""index":0,"#, "c1", one), call(r#""index":0,"#, "c2", two)]),
        ("no index", vec![call("", "c1", one), call("", "c2", two)]),
        (
            "in one chunk",
            vec![delta(&format!(
                r#"{{"tool_calls":[{{"index":0,"id":"c1","function":{{"name":"look","arguments":"{one}"}}}},{{"index":1,"id":"c2","function":{{"name":"look","arguments":"{two}"}}}}]}}"#
            ))],
        ),
    ] {
        assert_eq!(of_call(&fragments), told, "{hint}");
    }
    let bare =
        |arguments: &str| opens(r#""index":0,"#, &format!(r#""name":"look","arguments":"{arguments}""#));
    let minted = "Hello call_chatcmplA_0=look{\"q\":1} call_chatcmplA_1=look{\"q\":2} Calls 10/3";
    assert_eq!(of_call(&[bare(one), bare(two)]), minted);
    // Where two have one id, the second gets one of its own.
    for members in ["\"index\":0,", ""] {
        let told = of_call(&[call(members, "c1", one), call(members, "c1", two)]);
        assert_eq!(told, "Hello c1=look{\"q\":1} call_chatcmplA_1=look{\"q\":2} Calls 10/3");
    }
}

#[test]
fn streams_of_all_servers_come_to_the_same_answer() {
    let hello = || vec![delta(ROLE), delta(r#"{"content":"Hel"}"#), delta(r#"{"content":"lo"}"#)];
    let with =
        |more: &[&str]| hello().into_iter().chain(more.iter().map(|event| (*event).to_owned())).collect();
    let (stop, blank) = (end("stop"), end(""));
    let usage_here =
        r#"{"choices":[{"index":0,"delta":{}}],"usage":{"prompt_tokens":10,"completion_tokens":3}}"#;
    let whole = r#"{"id":"chatcmpl-A","choices":[{"index":0,"message":{"role":"assistant","content":"Hello"},"finish_reason":"stop"}],"usage":{"prompt_tokens":10,"completion_tokens":3}}"#;
    let fin_usage = r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":10,"completion_tokens":3}}"#;
    let cases: Vec<(&str, Vec<String>)> = vec![
        ("usual", with(&[&stop, USAGE, DONE])),
        ("no done", with(&[&stop, USAGE])),
        ("done twice", with(&[&stop, USAGE, DONE, DONE])),
        ("a chunk after done", with(&[&stop, USAGE, DONE, &delta(r#"{"content":"late"}"#)])),
        ("LiteLLM's usage chunk", with(&[&stop, usage_here, DONE])),
        ("usage with the reason", with(&[fin_usage, DONE])),
        ("usage twice", with(&[&stop, USAGE, USAGE, DONE])),
        ("usage before the reason", with(&[USAGE, &stop, DONE])),
        (
            "zeros after the usage",
            with(&[
                usage_here,
                &stop,
                r#"{"choices":[],"usage":{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}}"#,
                DONE,
            ]),
        ),
        ("no reason but done", with(&[USAGE, DONE])),
        ("an empty reason", with(&[&blank, USAGE, DONE])),
        ("an unknown reason", with(&[&end("eos_token"), USAGE, DONE])),
        ("the reason twice", with(&[&stop, &stop, USAGE, DONE])),
        ("delta null", with(&[&chunk(r#"{"index":0,"delta":null,"finish_reason":"stop"}"#), USAGE, DONE])),
        ("no delta", with(&[&chunk(r#"{"index":0,"finish_reason":"stop"}"#), USAGE, DONE])),
        ("no index", with(&[&chunk(r#"{"delta":{},"finish_reason":"stop"}"#), USAGE, DONE])),
        ("blank data", with(&["", " ", &stop, USAGE, DONE])),
        ("an empty object", with(&["{}", &stop, USAGE, DONE])),
        (
            "choices null",
            with(&[&stop, r#"{"choices":null,"usage":{"prompt_tokens":10,"completion_tokens":3}}"#, DONE]),
        ),
        ("error null", with(&[r#"{"error":null,"choices":[]}"#, &stop, USAGE, DONE])),
        ("whole", vec![whole.to_owned()]),
        (
            "Azure's first chunk",
            [
                vec![r#"{"id":"","model":"","choices":[],"prompt_filter_results":[]}"#.to_owned()],
                with(&[&stop, USAGE, DONE]),
            ]
            .concat(),
        ),
        ("usage first", [vec![USAGE.to_owned()], with(&[&stop, DONE])].concat()),
        (
            "role on every chunk",
            vec![
                delta(r#"{"role":"assistant","content":"Hel"}"#),
                delta(r#"{"role":"assistant","content":"lo"}"#),
                stop.clone(),
                USAGE.to_owned(),
            ],
        ),
        ("no role", vec![delta(r#"{"content":"Hello"}"#), stop.clone(), USAGE.to_owned()]),
        (
            "parts",
            vec![
                delta(r#"{"content":[{"type":"text","text":"Hel"},{"type":"text","text":"lo"}]}"#),
                stop.clone(),
                USAGE.to_owned(),
            ],
        ),
        (
            "content with the reason",
            vec![
                chunk(r#"{"index":0,"delta":{"content":"Hello"},"finish_reason":"stop"}"#),
                USAGE.to_owned(),
            ],
        ),
        (
            "another choice",
            vec![
                delta(r#"{"content":"Hello"}"#),
                chunk(r#"{"index":1,"delta":{"content":"Other"},"finish_reason":null}"#),
                stop.clone(),
                USAGE.to_owned(),
            ],
        ),
    ];
    for (hint, events) in cases {
        let events: Vec<&str> = events.iter().map(String::as_str).collect();
        let all = gathered(&events).unwrap();
        assert_eq!(words(&all.answer), "Hello Done 10/3", "{hint}");
        assert!(all.is_whole && all.failed.is_none(), "{hint}");
        assert_eq!(all.answer.started.id.as_deref(), Some("chatcmpl-A"), "{hint}");
    }
    let late = with(&[&stop, &delta(r#"{"content":"late"}"#), DONE]);
    let late: Vec<&str> = late.iter().map(String::as_str).collect();
    assert_eq!(words(&gathered(&late).unwrap().answer), "Hello late Done");
}

#[test]
fn thoughts_come_before_what_is_said_and_say_whose_they_are() {
    for (name, text) in [("reasoning_content", "\"Hm\""), ("reasoning", "\"Hm\"")] {
        let thought = delta(&format!("{{\"{name}\":{text}}}"));
        let both = delta(r#"{"reasoning_content":"m","reasoning":"m","content":"Yes"}"#);
        let all = gathered(&[&thought, &both, &end("stop"), DONE]).unwrap();
        assert_eq!(words(&all.answer), "hm:Hmm Yes Done");
        let seal = all.answer.said[0].seal.as_ref().unwrap();
        assert!(seal.payload.is_empty() && seal.account == Some(sluice_neutral::seal::account("acc")));
        assert!(all.answer.said[1].seal.is_none());
    }
    let thinking = r#"{"content":[{"type":"thinking","thinking":[{"type":"text","text":"Hm"}]},{"type":"text","text":"Yes"}]}"#;
    let all = gathered(&[&delta(thinking), &end("stop")]).unwrap();
    assert_eq!(words(&all.answer), "hm:Hm Yes Done");
    let all = gathered(&[&delta(r#"{"reasoning":"Hm"}"#), &end("length")]).unwrap();
    assert_eq!(words(&all.answer), "hm:Hm Length");
    assert!(all.answer.said[0].seal.is_some());
}

#[test]
fn reasons_are_what_they_say() {
    for (told, reason) in [
        ("stop", "Done"),
        ("length", "Length"),
        ("tool_calls", "Calls"),
        ("function_call", "Calls"),
        ("content_filter", "Refused"),
    ] {
        let all = gathered(&[&delta(r#"{"refusal":"No."}"#), &end(told), DONE]).unwrap();
        assert_eq!(words(&all.answer), format!("no:No. {reason}"));
    }
}

#[test]
fn nothing_waits_for_the_mark_of_the_end_once_the_usage_is_there() {
    let told = |events: &[&str]| {
        let mut reader = Chat.stream(&Arc::new(Sent::default()));
        let mut last = Vec::new();
        for data in events {
            last.clear();
            reader
                .event("", data.as_bytes(), &mut |event| {
                    last.push(format!("{event:?}").split(['(', ' ']).next().unwrap().to_owned());
                })
                .unwrap();
        }
        last
    };
    let (hello, stop) = (delta(r#"{"content":"Hel"}"#), end("stop"));
    assert_eq!(told(&[&hello, &stop, USAGE]), ["Used", "Ended", "Whole"]);
    // A call that is whole is closed once something else begins.
    let call = opens(r#""index":0,"id":"c1","#, r#""name":"look","arguments":"{}""#);
    assert_eq!(told(&[&call, &hello]), ["Closed", "Opened", "Added"]);
    let next = opens(r#""index":1,"id":"c2","#, r#""name":"look","arguments":"{""#);
    assert_eq!(told(&[&call, &next]), ["Closed", "Opened", "Added"]);
}

#[test]
fn documents_that_want_a_blank_line_between_them_are_read_one_by_one() {
    let (hello, stop) = (delta(r#"{"content":"Hel"}"#), end("stop"));
    let pretty = USAGE.replace(',', ",\n");
    for last in [
        format!("{USAGE}\n[DONE]"),
        format!("{USAGE}\n\n[DONE]\n"),
        format!("{pretty}\n[DONE]"),
        format!("{USAGE}\n"),
        pretty.clone(),
    ] {
        let all = gathered(&[&hello, &stop, &last]).unwrap();
        assert_eq!((words(&all.answer).as_str(), all.is_whole), ("Hel Done 10/3", true), "{last}");
    }
    let all = gathered(&[&format!("{hello}\n{stop}\n{USAGE}\n[DONE]")]).unwrap();
    assert_eq!((words(&all.answer).as_str(), all.is_whole), ("Hel Done 10/3", true));
    let all = gathered(&[&hello, "{\"error\":{\"message\":\"boom\",\"code\":503}}\n[DONE]"]).unwrap();
    assert_eq!(all.failed.as_deref(), Some("503 Service Unavailable boom"));
    let error = gathered(&[&format!("{hello}\n{{\"choices\":")]).err().unwrap();
    assert_eq!(error.kind(), Kind::Upstream);
}

#[test]
fn what_googles_models_sign_comes_with_the_call() {
    let call = r#"{"tool_calls":[{"index":0,"id":"c","function":{"name":"f","arguments":"{}"},"extra_content":{"google":{"thought_signature":"CiQ="}}}]}"#;
    let all = gathered(&[&delta(call), &end("tool_calls"), DONE]).unwrap();
    let seal = all.answer.said[0].seal.as_ref().unwrap();
    assert_eq!((seal.origin, &*seal.payload), (sluice_api::dialect::Api::Gemini, "CiQ="));
}

#[test]
fn an_answer_that_was_cut_off_has_no_end() {
    for events in [
        vec![],
        vec![DONE.to_owned()],
        vec![delta(ROLE)],
        vec![delta(r#"{"content":"Hel"}"#)],
        vec![delta(ROLE), DONE.to_owned()],
    ] {
        let events: Vec<&str> = events.iter().map(String::as_str).collect();
        assert!(!gathered(&events).unwrap().is_whole, "{events:?}");
    }
}

#[test]
fn an_error_in_a_stream_is_the_upstreams_failure() {
    for (data, failed) in [
        (
            r#"{"error":{"message":"boom","type":"server_error","code":null}}"#,
            "500 Internal Server Error boom",
        ),
        (r#"{"error":{"message":"slow","type":null,"code":"429"}}"#, "429 Too Many Requests slow"),
        (r#"{"error":{"message":"boom","code":503}}"#, "503 Service Unavailable boom"),
        (r#"{"error":"boom"}"#, "502 Bad Gateway boom"),
        (
            r#"{"object":"error","message":"boom","type":"BadRequestError","code":400}"#,
            "400 Bad Request boom",
        ),
        (
            r#"{"type":"error","message":{"type":"api_error","message":"boom"}}"#,
            "500 Internal Server Error boom",
        ),
        (r#"{"detail":"boom"}"#, "502 Bad Gateway boom"),
        (
            r#"{"choices":[{"index":0,"delta":{},"finish_reason":"error","error":{"code":502,"message":"boom"}}]}"#,
            "502 Bad Gateway boom",
        ),
    ] {
        let all = gathered(&[&delta(r#"{"content":"Hel"}"#), data, DONE]).unwrap();
        assert_eq!(all.failed.as_deref(), Some(failed), "{data}");
        assert!(!all.is_whole);
    }
    let error = gathered(&[&delta(ROLE), "{\"choices\":"]).err().unwrap();
    assert_eq!((error.kind(), error.facts().fault), (Kind::Upstream, Fault::Provider));
    let mut all = Gathered::default();
    let mut reader = Chat.stream(&Arc::new(Sent::default()));
    reader.event("error", b"it broke", &mut |event: Event<'_>| all.take(event)).unwrap();
    assert_eq!(all.failed.as_deref(), Some("502 Bad Gateway it broke"));
}
