//! Streams that break in their last event: the client is told in its dialect, and never that all is well.

use std::sync::Mutex;
use std::sync::mpsc::channel;

use sluice_tests::client::begin;
use sluice_tests::dialects::{DIALECTS, Dialect, dialect};
use sluice_tests::frame::INTERNAL_ERROR;
use sluice_tests::frames::{Came, Frames};
use sluice_tests::gateway::{Gateway, KEY, key};
use sluice_tests::upstream::{GROUNDS, Ground, Step, Upstream, chunk, end, stream_head};

/// A dialect's end, and what is known of the usage before it.
struct Last {
    api: &'static str,
    /// What the last event begins with.
    begins: &'static str,
    /// A place in the last event's first line.
    name: &'static str,
    /// A place in its data.
    data: &'static str,
    /// What the dialect's own error begins with.
    error: &'static str,
    /// Output tokens told before the last event; where there are none they are estimated.
    output: Option<u64>,
}

const LASTS: [Last; 4] = [
    Last {
        api: "anthropic",
        begins: "event: message_stop\n",
        name: "event: message_st",
        data: "event: message_stop\ndata: {\"type\":\"mess",
        error: "event: error\ndata: {\"",
        output: Some(41),
    },
    Last {
        api: "openai-chat",
        begins: "data: [DONE]",
        name: "da",
        data: "data: [DO",
        error: "data: {\"error\":{",
        output: Some(41),
    },
    Last {
        api: "openai-responses",
        begins: "event: response.completed\n",
        name: "event: response.comple",
        data: "event: response.completed\ndata: {\"type\":\"response.completed\",\"seq",
        error: "event: response.failed\ndata: {\"",
        output: None,
    },
    Last {
        api: "gemini",
        begins: "data: {\"candidates\":[{\"finishReason\":",
        name: "da",
        data: "data: {\"candidates\":[{\"finishReason\":\"STOP\"}],\"usageMeta",
        error: "data: {\"error\":{",
        output: Some(1),
    },
];

/// How the upstream ends after the cut.
#[derive(Clone, Copy, Debug)]
enum After {
    /// Its connection breaks.
    Breaks,
    /// Its stream is reset, where there are streams; else the same.
    Resets,
    /// It ends its body as if it were whole.
    Ends,
}

const AFTERS: [After; 3] = [After::Breaks, After::Resets, After::Ends];

impl After {
    fn step(self) -> Step {
        match self {
            Self::Breaks => Step::Close,
            Self::Resets => Step::Reset(INTERNAL_ERROR),
            Self::Ends => end(),
        }
    }
}

fn check(last: &Last, kept: &str, after: After) {
    for ground in GROUNDS {
        check_on(ground, last, kept, after);
    }
}

fn check_on(ground: Ground, last: &Last, kept: &str, after: After) {
    let dialect: &Dialect = dialect(last.api);
    let sent = kept.to_owned();
    let upstream = Upstream::on(ground, move |_| {
        vec![stream_head("text/event-stream"), chunk(sent.as_bytes()), after.step()]
    });
    let gateway = Gateway::start(&(upstream.account("a", dialect.provider, "") + &key("")));
    let (path, body) = dialect.stream_request;
    let answer = gateway.post(path, body);
    let end = &kept[kept.len().saturating_sub(30)..];
    let what = format!("{} after {end:?}, {after:?} over {ground:?}", last.api);
    // Two of Gemini's libraries take an ordered end for success: there the body breaks off behind the error.
    assert_eq!((answer.status, answer.complete), (200, last.api != "gemini"), "{what}");
    let text = answer.text();
    let told = text.strip_prefix(kept).unwrap_or_else(|| panic!("{what}: {text}"));
    let told = told.trim_start_matches(['\r', '\n']);
    assert!(told.starts_with(last.error), "{what}: {told}");
    assert!(!told.contains(last.begins.trim_end()), "{what}: {told}");
    assert_eq!(told.trim_end().matches("\n\n").count(), 0, "{what}: nothing follows the error: {told}");
    assert!(told.contains("send the request again") && !told.contains("os error"), "{what}: {told}");
    let record = gateway.record();
    assert_eq!(
        (record["outcome"].as_str(), record["status"].as_u64()),
        (Some("upstream_error"), Some(200)),
        "{what}"
    );
    let usage = (record["output_tokens"].as_u64(), record["usage_estimated"].as_bool());
    match last.output {
        Some(tokens) => assert_eq!(usage, (Some(tokens), Some(false)), "{what}"),
        None => assert!(usage.0 > Some(0) && usage.1 == Some(true), "{what}: {record}"),
    }
}

fn before(last: &Last) -> &'static str {
    let text = dialect(last.api).stream;
    &text[..text.rfind(last.begins).unwrap()]
}

#[test]
fn a_cut_in_the_last_event_is_told_as_an_error_and_recorded_as_one() {
    for last in &LASTS {
        for part in ["", last.name, last.data] {
            for after in AFTERS {
                // A body that ends between events after a choice has finished is the whole answer of some servers.
                if last.api == "openai-chat" && part.is_empty() && matches!(after, After::Ends) {
                    continue;
                }
                check(last, &format!("{}{part}", before(last)), after);
            }
        }
    }
}

#[test]
fn a_connection_that_breaks_before_the_last_blank_line_is_told_as_an_error() {
    for last in &LASTS {
        let text = dialect(last.api).stream;
        let blank = if text.ends_with("\r\n") { 2 } else { 1 };
        let kept = &text[..text.len() - blank];
        let usage = Last { output: Some(41), ..*last };
        let usage = if matches!(last.api, "gemini" | "openai-responses") { last } else { &usage };
        check(usage, kept, After::Breaks);
    }
}

/// Gemini's streams are not among these: they have no end of their own but that of the body.
#[test]
fn what_breaks_after_the_last_event_is_whole_all_the_same() {
    let lasts = || LASTS.iter().filter(|last| last.api != "gemini");
    for (ground, last) in GROUNDS.into_iter().flat_map(|ground| lasts().map(move |last| (ground, last))) {
        let dialect = dialect(last.api);
        let upstream = Upstream::on(ground, move |_| {
            let whole = chunk(dialect.stream.as_bytes());
            vec![stream_head("text/event-stream"), whole, Step::Close]
        });
        let gateway = Gateway::start(&(upstream.account("a", dialect.provider, "") + &key("")));
        let (path, body) = dialect.stream_request;
        let answer = gateway.post(path, body);
        let outcome = gateway.record()["outcome"].clone();
        let seen = (answer.text(), answer.complete, outcome.as_str());
        assert_eq!(
            seen,
            (dialect.stream.to_owned(), true, Some("completed")),
            "{} over {ground:?}",
            last.api
        );
    }
}

const FIRST: &str =
    "[{\"candidates\":[],\"usageMetadata\":{\"promptTokenCount\":9,\"candidatesTokenCount\":1}}";

/// An array that goes on after its first element with this, and then ends; whether the client is told of an error.
fn check_array(ground: Ground, rest: &str, told: bool, after: After) {
    let what = format!("{rest:?} {after:?} over {ground:?}");
    let (go, gate) = channel();
    let (gate, sent) = (Mutex::new(Some(gate)), rest.to_owned());
    let upstream = Upstream::on(ground, move |_| {
        let wait = Step::Wait(gate.lock().unwrap().take().unwrap());
        let begun = vec![stream_head("application/json"), chunk(FIRST.as_bytes()), wait];
        let last = if sent.is_empty() { Vec::new() } else { vec![chunk(sent.as_bytes())] };
        [begun, last, vec![after.step()]].into_iter().flatten().collect()
    });
    let gateway = Gateway::start(&(upstream.account("a", "gemini", "") + &key("")));
    let path = "/v1beta/models/m:streamGenerateContent";
    let mut answer = begin(&gateway.address, "POST", path, &[("x-api-key", KEY)], b"{\"contents\":[]}");
    // What is cut is cut once the client has something: a connection that breaks may take the rest with it.
    assert_eq!(String::from_utf8_lossy(&answer.piece().unwrap().unwrap()), FIRST);
    go.send(()).unwrap();
    let end = answer.whole();
    assert!(!end.complete, "{what}");
    assert_eq!(end.text().contains("\n{\"error\":{\"code\":"), told, "{what}: {}", end.text());
    if told {
        // The array is not closed either: what reads it to its end fails.
        let list: serde_json::Value = serde_json::from_str(&(FIRST.to_owned() + &end.text() + "]")).unwrap();
        assert_eq!(list.as_array().unwrap().last().unwrap()["error"]["code"], 502, "{what}: {list}");
    }
    let record = gateway.record();
    assert_eq!(record["outcome"], "upstream_error", "{what}");
    let tokens = if rest.contains("41}}") { 41 } else { 1 };
    assert_eq!(record["output_tokens"], tokens, "{what}");
}

/// Half an element of an array can't be closed so that it is still true: there no error is told.
#[test]
fn an_array_that_breaks_ends_in_an_error_and_with_its_connection() {
    const LAST: &str =
        "{\"candidates\":[{\"finishReason\":\"STOP\"}],\"usageMetadata\":{\"candidatesTokenCount\":41}}";
    for (rest, told) in [
        (String::new(), true),
        (",\r\n".to_owned(), true),
        (format!(",\r\n{LAST}"), true),
        (format!(",\r\n{LAST}\n"), true),
        (",\r\n{\"candidates\":[{\"finish".to_owned(), false),
        (format!(",\r\n{}", &LAST[..LAST.len() - 1]), false),
    ] {
        for (ground, after) in GROUNDS.into_iter().flat_map(|ground| AFTERS.map(|after| (ground, after))) {
            check_array(ground, &rest, told, after);
        }
    }
}

/// What comes of a whole answer that has neither a length nor chunks, and of which so much comes before its connection
/// ends in order: the text that the client has, whether its connection told an end, and the record's outcome.
fn ended_by_its_connection(dialect: &'static Dialect, kept: &str) -> (String, bool, String) {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n";
    let sent = [head, kept].concat();
    let upstream = Upstream::start(move |_| vec![Step::Bytes(sent.clone().into()), Step::Close]);
    let gateway = Gateway::start(&(upstream.account("a", dialect.provider, "") + &key("")));
    let answer = gateway.post(dialect.paths[0], dialect.request);
    let outcome = gateway.record()["outcome"].as_str().unwrap().to_owned();
    (answer.text(), answer.complete, outcome)
}

#[test]
fn a_document_that_ends_with_its_connection_is_whole_only_where_it_says_so() {
    for dialect in &DIALECTS {
        let whole = dialect.answer;
        let (text, complete, outcome) = ended_by_its_connection(dialect, whole);
        assert_eq!(
            (text.as_str(), complete, outcome.as_str()),
            (whole, true, "completed"),
            "{}",
            dialect.api
        );
        for end in [1, whole.len() / 2, whole.rfind('}').unwrap()] {
            let kept = &whole[..end];
            let (text, complete, outcome) = ended_by_its_connection(dialect, kept);
            let ended = (text.as_str(), complete, outcome.as_str());
            assert_eq!(ended, (kept, false, "upstream_error"), "{} after {end}", dialect.api);
        }
    }
}

#[test]
fn the_cause_of_a_broken_answer_is_for_operators() {
    for dialect in sluice_tests::dialects::streaming() {
        let upstream = Upstream::start(move |_| {
            vec![stream_head("text/event-stream"), chunk(dialect.first_event().as_bytes()), Step::Close]
        });
        let gateway = Gateway::start(&(upstream.account("a", dialect.provider, "") + &key("")));
        let (path, body) = dialect.stream_request;
        let text = gateway.post(path, body).text();
        let sentence = "the upstream broke off before its answer was whole: send the request again";
        assert!(text.contains(&format!("\"message\":\"{sentence}\"")), "{text}");
        let record = gateway.record();
        let told = record["tries"][0]["error"].as_str().unwrap_or_default();
        let cause = told.strip_prefix(sentence).unwrap_or_else(|| panic!("{record}"));
        assert!(cause.len() > 10 && !text.contains(cause), "{cause}");
        assert_eq!(
            (&record["tries"][0]["account"], &record["tries"][0]["status"]),
            (&"a".into(), &200.into())
        );
        gateway.until("the log has the cause", |gateway| gateway.log().contains(cause));
    }
}

#[test]
fn a_broken_response_of_the_responses_api_goes_on_where_its_stream_was() {
    let events = [
        serde_json::json!({ "type": "response.created", "sequence_number": 0, "response": {
            "id": "resp_9", "created_at": 1_790_000_000, "model": "m-1", "output": [] } }),
        serde_json::json!({ "type": "response.output_item.done", "sequence_number": 1, "output_index": 0,
            "item": { "id": "rs_1", "type": "reasoning", "summary": [] } }),
        serde_json::json!({ "type": "response.output_item.added", "sequence_number": 2, "output_index": 1,
            "item": { "id": "msg_1", "type": "message", "role": "assistant", "content": [] } }),
        serde_json::json!({ "type": "response.output_text.delta", "sequence_number": 3, "output_index": 1,
            "delta": "Hel" }),
    ];
    let sent: String = events
        .iter()
        .map(|event| format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap()))
        .collect();
    let kept = sent.clone();
    let upstream =
        Upstream::start(move |_| vec![stream_head("text/event-stream"), chunk(kept.as_bytes()), Step::Close]);
    let gateway = Gateway::start(&(upstream.account("a", "openai-responses", "") + &key("")));
    let (path, body) = dialect("openai-responses").stream_request;
    let answer = gateway.post(path, body);
    assert!(answer.complete);
    let text = answer.text();
    let failed = text.strip_prefix(&sent).unwrap().strip_prefix("event: response.failed\ndata: ").unwrap();
    let failed: serde_json::Value = serde_json::from_str(failed.trim()).unwrap();
    assert_eq!((&failed["type"], &failed["sequence_number"]), (&"response.failed".into(), &4.into()));
    // Without this one at the top level the official SDKs raise nothing.
    assert_eq!(
        (&failed["error"]["type"], &failed["error"]["code"]),
        (&"server_error".into(), &"upstream_error".into())
    );
    assert!(failed["error"]["message"].as_str().is_some_and(|message| message.contains("again")), "{failed}");
    let response = &failed["response"];
    let told = (&response["id"], &response["created_at"], &response["status"]);
    assert_eq!(told, (&"resp_9".into(), &1_790_000_000.into(), &"failed".into()));
    assert_eq!(response["output"][0], events[1]["item"], "{response}");
    assert_eq!(response["output"][1]["content"][0]["text"], "Hel", "{response}");
    assert_eq!(response["error"]["code"], "server_error");
}

#[test]
fn over_http_2_a_broken_stream_of_geminis_is_reset_behind_its_error() {
    let dialect = dialect("gemini");
    let upstream = Upstream::start(move |_| {
        vec![stream_head("text/event-stream"), chunk(dialect.first_event().as_bytes()), Step::Close]
    });
    let gateway = Gateway::start(&(upstream.account("a", "gemini", "") + &key("")));
    let mut frames = Frames::connect(&gateway.address);
    let (path, body) = dialect.stream_request;
    let stream = frames.post(path, &[("x-api-key", KEY)], body.as_bytes());
    let mut text = Vec::new();
    let clean = loop {
        match frames.next(stream) {
            Came::Data(data) => text.extend(data),
            Came::End(clean) => break clean,
            Came::Head(_) => {}
        }
    };
    let text = String::from_utf8(text).unwrap();
    let told = text.strip_prefix(dialect.first_event()).unwrap();
    assert!(told.starts_with("data: {\"error\":{\"code\":502"), "{told}");
    assert!(!clean, "an ordered end would be taken for success");
}
