//! What clients of Gemini are sent.

use std::sync::Arc;

use http::StatusCode;
use serde_json::{Value, json};
use sluice_api::cost::Usage;
use sluice_api::dialect::{Api, Operation};
use sluice_neutral::answer::{
    Answer, Block, Called, Citation, Class, End, Event, Failure, Logprob, Piece, Reason, Said,
};
use sluice_neutral::dialect::{Asked, Dialect as _, Reply};
use sluice_neutral::loss::Losses;
use sluice_neutral::seal::Seal;

use super::{events, reply, streamed};
use crate::Gemini;

fn seal<'a>() -> Seal<'a> {
    Seal { origin: Api::Anthropic, account: Some(7), payload: "EqQB".into() }
}

fn called<'a>(id: &'a str) -> Block<'a> {
    Block::Call(Called { id: id.into(), name: "f".into(), plain: false })
}

/// An answer with something of everything.
fn answer<'a>() -> Answer<'a> {
    let mut usage = Usage::new(10, 20);
    (usage.cache_read, usage.reasoning) = (5, 8);
    let thinking = Said { seal: Some(seal()), ..Said::new(Block::Thinking, "hm") };
    Answer {
        said: vec![
            thinking,
            Said::new(Block::Text, "Hello"),
            Said::new(called("c1"), r#"{"q":1.50}"#),
            Said::new(called("c2"), "{}"),
        ],
        end: End { reason: Reason::Calls, stop_sequence: None },
        usage: Some(usage),
        ..Answer::default()
    }
}

fn told(answer: &Answer<'_>, reply: &Reply) -> Value {
    serde_json::from_slice(&Gemini.tell(answer, reply)).unwrap()
}

/// The chunks of a stream, each of which must have what clients keep a turn by.
fn chunks(stream: &str) -> Vec<Value> {
    let chunks: Vec<Value> =
        events(stream).into_iter().map(|event| serde_json::from_str(event).unwrap()).collect();
    for chunk in &chunks {
        let content = &chunk["candidates"][0]["content"];
        assert_eq!(
            (&content["role"], &chunk["responseId"], &chunk["modelVersion"]),
            (&json!("model"), &json!("r1"), &json!("asked"))
        );
        assert!(content["parts"].as_array().is_some_and(|parts| !parts.is_empty()), "{chunk}");
    }
    let last = chunks.last().unwrap();
    assert!(last["candidates"][0]["finishReason"].is_string() && last["usageMetadata"].is_object(), "{last}");
    chunks
}

#[test]
fn a_whole_answer_is_told_as_google_tells_it() {
    let told = told(&answer(), &reply());
    let signature = seal().written(Api::Gemini).into_owned();
    assert_eq!(
        told,
        json!({
            "candidates": [{
                "content": {"parts": [
                    {"text": "hm", "thought": true},
                    {"text": "Hello"},
                    {"functionCall": {"name": "f", "args": {"q": 1.50}, "id": "c1"}, "thoughtSignature": signature},
                    {"functionCall": {"name": "f", "args": {}, "id": "c2"}},
                ], "role": "model"},
                "finishReason": "STOP",
                "index": 0,
            }],
            "usageMetadata": {"promptTokenCount": 15, "candidatesTokenCount": 12, "totalTokenCount": 35, "cachedContentTokenCount": 5, "thoughtsTokenCount": 8},
            "modelVersion": "asked", "createTime": "1970-01-01T00:00:00Z", "responseId": "r1",
        })
    );
}

#[test]
fn a_stream_tells_the_same_in_whole_chunks() {
    let (stream, whole) = streamed_events(answer(), reply());
    assert!(whole);
    let chunks = chunks(&stream);
    let parts: Vec<&Value> = chunks
        .iter()
        .flat_map(|chunk| chunk["candidates"][0]["content"]["parts"].as_array().unwrap())
        .collect();
    let whole = told(&answer(), &reply());
    let expected: Vec<&Value> =
        whole["candidates"][0]["content"]["parts"].as_array().unwrap().iter().collect();
    assert_eq!(parts[..parts.len() - 1], expected[..]);
    // The chunk of the end has a part too.
    assert_eq!(parts.last(), Some(&&json!({"text": ""})));
    assert_eq!(chunks.last().unwrap()["usageMetadata"], whole["usageMetadata"]);
    assert_eq!(chunks.last().unwrap()["candidates"][0]["finishReason"], "STOP");
}

fn streamed_events(answer: Answer<'_>, reply: Reply) -> (String, bool) {
    let mut events = Vec::new();
    answer.events(&mut |event| events.push(event));
    streamed(events, reply)
}

#[test]
fn thoughts_are_shown_to_whom_asked_and_what_is_remembered_is_not_lost() {
    let body = br#"{"contents":[{"parts":[{"text":"hi"}]}],"generationConfig":{"thinkingConfig":{"thinkingLevel":"LOW"}}}"#;
    let asked = Asked { body, operation: Operation::Generate };
    let (_, own) = Gemini.read(&asked, &mut Losses::toward(Api::Anthropic)).unwrap();
    let quiet = Reply { own, ..reply() };
    let text = Answer { said: answer().said.into_iter().take(2).collect(), ..answer() };
    let signature = seal().written(Api::Gemini).into_owned();
    let expected = json!([{"text": "Hello"}, {"text": "", "thoughtSignature": signature}]);
    assert_eq!(told(&text, &quiet)["candidates"][0]["content"]["parts"], expected);
    let (stream, _) = streamed_events(text, quiet);
    let chunks = chunks(&stream);
    let parts: Vec<&Value> =
        chunks.iter().map(|chunk| &chunk["candidates"][0]["content"]["parts"][0]).collect();
    assert_eq!(parts, expected.as_array().unwrap().iter().collect::<Vec<_>>());
}

#[test]
fn thoughts_that_are_not_shown_come_back_as_such() {
    let said =
        vec![Said { seal: Some(seal()), ..Said::new(Block::Redacted, "") }, Said::new(Block::Text, "Hello")];
    let answer = || Answer { said: said.clone(), ..Answer::default() };
    let whole = &told(&answer(), &reply())["candidates"][0]["content"];
    let (stream, _) = streamed_events(answer(), reply());
    assert_eq!(chunks(&stream)[0]["candidates"][0]["content"]["parts"][0], whole["parts"][0]);
    let body = json!({ "contents": [whole] }).to_string();
    let (request, _) = super::read(&body, Api::Anthropic).unwrap();
    let sluice_neutral::request::Content::Thinking(thinking) = &request.turns[0].parts[0].content else {
        panic!("{request:?}")
    };
    assert_eq!((thinking.redacted, thinking.seal.as_ref()), (true, Some(&seal())));
    assert_eq!(request.turns[0].parts.len(), 2);
}

#[test]
fn calls_that_are_cut_or_no_object_are_not_told() {
    for (args, reason, finish) in [
        (r#"{"amount": 100"#, Reason::Length, "MAX_TOKENS"),
        ("[1]", Reason::Calls, "MALFORMED_FUNCTION_CALL"),
        ("{'a':1}", Reason::Calls, "MALFORMED_FUNCTION_CALL"),
    ] {
        let answer = || Answer {
            said: vec![Said::new(called("c"), args)],
            end: End { reason, stop_sequence: None },
            ..Answer::default()
        };
        let told = told(&answer(), &reply());
        assert_eq!(
            told["candidates"][0],
            json!({"content": {"parts": [{"text": ""}], "role": "model"}, "finishReason": finish, "index": 0}),
            "{args}"
        );
        let (stream, _) = streamed_events(answer(), reply());
        assert_eq!(chunks(&stream)[0]["candidates"], told["candidates"], "{args}");
    }
}

#[test]
fn each_reason_has_its_own_word_and_an_empty_answer_a_part() {
    for (reason, finish) in [
        (Reason::Done, "STOP"),
        (Reason::Stopped, "STOP"),
        (Reason::Paused, "STOP"),
        (Reason::Length, "MAX_TOKENS"),
        (Reason::ContextFull, "MAX_TOKENS"),
        (Reason::Refused, "SAFETY"),
    ] {
        let answer = Answer { end: End { reason, stop_sequence: None }, ..Answer::default() };
        assert_eq!(told(&answer, &reply())["candidates"][0]["content"]["parts"], json!([{"text": ""}]));
        let (stream, _) = streamed_events(answer, reply());
        assert_eq!(chunks(&stream)[0]["candidates"][0]["finishReason"], finish);
    }
}

#[test]
fn images_refusals_sources_and_likelihoods_have_their_places() {
    let cited = Citation { url: "https://a".into(), title: Some("A".into()), span: Some((0, 2)) };
    let likely = Logprob { token: "No".into(), logprob: -0.5, others: vec![("Yes".into(), -1.25)] };
    let said = vec![
        Said {
            citations: vec![cited.clone(), cited],
            logprobs: vec![likely],
            ..Said::new(Block::Refusal, "No")
        },
        Said::new(Block::Image { media_type: "image/png".into() }, "AAEC"),
    ];
    let answer = || Answer { said: said.clone(), ..Answer::default() };
    let candidate = &told(&answer(), &reply())["candidates"][0];
    assert_eq!(
        candidate["content"]["parts"],
        json!([{"text": "No"}, {"inlineData": {"mimeType": "image/png", "data": "AAEC"}}])
    );
    let support = json!({"segment": {"startIndex": 0, "endIndex": 2}, "groundingChunkIndices": [0]});
    let grounding = json!({"groundingChunks": [{"web": {"uri": "https://a", "title": "A"}}], "groundingSupports": [support, support]});
    assert_eq!(candidate["groundingMetadata"], grounding);
    let logprobs = json!({"topCandidates": [{"candidates": [{"token": "Yes", "logProbability": -1.25}]}], "chosenCandidates": [{"token": "No", "logProbability": -0.5}]});
    assert_eq!(candidate["logprobsResult"], logprobs);
    let (stream, _) = streamed_events(answer(), reply());
    let chunks = chunks(&stream);
    assert_eq!(chunks[1]["candidates"][0]["logprobsResult"], logprobs);
    assert_eq!(chunks.last().unwrap()["candidates"][0]["groundingMetadata"], grounding);
}

#[test]
fn text_goes_out_at_once_and_arguments_in_one_line() {
    let writer = Gemini.tells(&Arc::new(reply()));
    let mut ordered = sluice_neutral::order::Ordered::new(Arc::default(), writer, "req_1".into());
    let mut sent = |event: Event<'_>| {
        let mut out = Vec::new();
        ordered.take(event, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    };
    assert_eq!(sent(Event::Started(Default::default())), "");
    assert_eq!(sent(Event::Opened(0, Block::Text)), "");
    for text in ["Hel", "lo\u{2028}"] {
        let out = sent(Event::Added(0, Piece::Text(text.into())));
        assert_eq!(
            serde_json::from_str::<Value>(events(&out)[0]).unwrap()["candidates"][0]["content"]["parts"][0]["text"],
            text
        );
    }
    sent(Event::Closed(0));
    assert_eq!(sent(Event::Opened(1, called("c"))), "");
    assert_eq!(sent(Event::Added(1, Piece::Text("{\n  \"a\": \"x\\n\",\r\n  \"b\": 1.50\n}".into()))), "");
    let out = sent(Event::Closed(1));
    assert!(events(&out)[0].contains(r#""args":{   "a": "x\n",    "b": 1.50 }"#), "{out}");
    assert_eq!(Gemini.tells(&Arc::new(reply())).keep_alive(), b"\r\n\r\n");
}

#[test]
fn a_stream_that_fails_ends_with_an_error_that_clients_see() {
    let failure = Failure {
        status: StatusCode::SERVICE_UNAVAILABLE,
        class: Class::Overloaded,
        message: "busy".into(),
        param: None,
    };
    let (stream, whole) =
        streamed([Event::Started(Default::default()), Event::Failed(failure.clone())], reply());
    assert!(!whole);
    let event = events(&stream)[0];
    assert!(event.starts_with(r#"{"error":{"code":503,"message":"busy","status":"UNAVAILABLE""#), "{event}");
    assert_eq!(event.as_bytes(), Gemini.refuse(&failure, "req_1"));
}
