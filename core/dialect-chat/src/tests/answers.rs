//! Whole answers and refusals: of upstreams, and for clients.

use http::StatusCode;
use serde_json::{Value, json};
use sluice_api::cost::Usage;
use sluice_api::dialect::Api;
use sluice_api::error::{Fault, Kind};
use sluice_neutral::answer::{
    Answer, Block, Called, Citation, Class, End, Failure, Logprob, Reason, Said, Started,
};
use sluice_neutral::dialect::{Dialect as _, Sent};
use sluice_neutral::seal::Seal;

use super::{reply, words};
use crate::Chat;
use crate::kept::Kept;

#[test]
fn whole_answers_are_read_as_streams_are() {
    let sent = Sent { account: "acc".to_owned(), ..Sent::default() };
    for (message, reason, told) in [
        (r#"{"role":"assistant","content":"Hello"}"#, "\"stop\"", "Hello Done 5/2"),
        (
            r#"{"content":null,"tool_calls":[{"id":"c","function":{"name":"look","arguments":"{\"n\":1.50}"}}]}"#,
            "\"tool_calls\"",
            "c=look{\"n\":1.50} Calls 5/2",
        ),
        (
            r#"{"content":"","tool_calls":[{"function":{"name":"look","arguments":{"n":1.50}}}]}"#,
            "\"stop\"",
            "call_a1_0=look{\"n\":1.50} Done 5/2",
        ),
        (
            r#"{"tool_calls":[{"id":"c","type":"custom","custom":{"name":"patch","input":"x"}}]}"#,
            "\"tool_calls\"",
            "c!=patchx Calls 5/2",
        ),
        (
            r#"{"function_call":{"name":"look","arguments":"{}"}}"#,
            "\"function_call\"",
            "call_a1_0=look{} Calls 5/2",
        ),
        (r#"{"content":"Yes","reasoning_content":"Hm"}"#, "null", "hm:Hm Yes Done 5/2"),
        (
            r#"{"content":[{"type":"text","text":"He"},{"type":"text","text":"llo"}]}"#,
            "\"length\"",
            "Hello Length 5/2",
        ),
        (r#"{"refusal":"No."}"#, "\"stop\"", "no:No. Done 5/2"),
        (
            r#"{"content":"A","images":[{"type":"image_url","image_url":{"url":"data:image/png;base64,QQ=="}}]}"#,
            "\"stop\"",
            "A image/png:QQ== Done 5/2",
        ),
    ] {
        let body = format!(
            r#"{{"id":"a-1","model":"m","choices":[{{"index":0,"message":{message},"finish_reason":{reason}}}],"usage":{{"prompt_tokens":5,"completion_tokens":2,"total_tokens":7}}}}"#
        );
        let answer = Chat.answer(body.as_bytes(), &sent).unwrap();
        assert_eq!(words(&answer), told);
        assert_eq!(answer.started.model.as_deref(), Some("m"));
    }
    let events = |last: &str| {
        format!(
            ": hi\n\ndata: {{\"id\":\"a\",\"choices\":[{{\"delta\":{{\"content\":\"Hel\"}}}}]}}\n\ndata: {{\"choices\":[{{\"delta\":{{\"content\":\"lo\"}}}}]}}\n\n{last}"
        )
    };
    let stop = events(
        "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":2}}",
    );
    assert_eq!(words(&Chat.answer(stop.as_bytes(), &sent).unwrap()), "Hello Done 5/2");
    for last in ["", "data: {", "data: {\"error\":{\"message\":\"boom\"}}\n\ndata: [DONE]\n\n"] {
        let error = Chat.answer(events(last).as_bytes(), &sent).unwrap_err();
        assert_eq!(
            (error.kind(), error.facts().said.contains("boom")),
            (Kind::Upstream, last.contains("boom"))
        );
    }
    let twice = r#"{"id":"a","choices":[{"message":{"tool_calls":[{"id":"c","function":{"name":"f"}},{"id":"c","function":{"name":"g"}}]}}]}"#;
    assert_eq!(words(&Chat.answer(twice.as_bytes(), &sent).unwrap()), "c=f call_a_1=g Done");
    let cited = r#"{"choices":[{"message":{"content":"Äh, so.","annotations":[{"type":"url_citation","url_citation":{"url":"https://h","title":"T","start_index":4,"end_index":6}}]},
        "logprobs":{"content":[{"token":"Äh","logprob":-0.5,"bytes":null,"top_logprobs":[{"token":"Oh","logprob":-2.25,"bytes":[79]}]}]}}]}"#;
    let answer = Chat.answer(cited.as_bytes(), &sent).unwrap();
    let said = &answer.said[0];
    assert_eq!(said.citations[0].span.and_then(|(start, end)| said.text.get(start..end)), Some("so"));
    assert_eq!((said.logprobs[0].logprob, said.logprobs[0].others[0].1), (-0.5, -2.25));
    for body in
        ["", "{}", "[]", "<html>", r#"{"choices":[]}"#, r#"{"choices":[{}]}"#, r#"{"error":{"message":"m"}}"#]
    {
        let error = Chat.answer(body.as_bytes(), &sent).unwrap_err();
        assert_eq!((error.kind(), error.facts().fault), (Kind::Upstream, Fault::Provider), "{body}");
    }
}

#[test]
fn refusals_say_what_they_are_about_in_whichever_form_they_come() {
    for (status, body, class, message) in [
        (
            400,
            r#"{"error":{"message":"This model's maximum context length is 8192 tokens.","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}}"#,
            Class::TooLong,
            "This model's maximum context length is 8192 tokens.",
        ),
        (
            400,
            r#"{"error":{"message":"litellm.ContextWindowExceededError: prompt is too long","type":null,"code":"400"}}"#,
            Class::TooLong,
            "litellm.ContextWindowExceededError: prompt is too long",
        ),
        (
            400,
            r#"{"object":"error","message":"This model's maximum context length is 10 tokens","code":400}"#,
            Class::TooLong,
            "This model's maximum context length is 10 tokens",
        ),
        (
            400,
            r#"{"error":{"message":"bad","type":"invalid_request_error","param":"tools[0]"}}"#,
            Class::BadRequest,
            "bad",
        ),
        (
            429,
            r#"{"error":{"message":"You exceeded your current quota","type":"insufficient_quota","code":"insufficient_quota"}}"#,
            Class::Quota,
            "You exceeded your current quota",
        ),
        (
            429,
            r#"{"error":{"message":"slow down","type":"tokens","code":"rate_limit_exceeded"}}"#,
            Class::RateLimited,
            "slow down",
        ),
        (401, r#"{"error":{"message":"no","code":"invalid_api_key"}}"#, Class::Unauthenticated, "no"),
        (404, r#"{"error":{"message":"no","code":"model_not_found"}}"#, Class::NotFound, "no"),
        (400, r#"{"error":{"message":"no","code":"content_filter"}}"#, Class::Policy, "no"),
        (
            422,
            r#"{"detail":[{"loc":["body"],"msg":"field required"},{"msg":"too short"}]}"#,
            Class::BadRequest,
            "field required; too short",
        ),
        (500, "data: {\"error\":{\"message\":\"boom\"}}\n\ndata: [DONE]\n\n", Class::Server, "boom"),
        (503, r#"{"message":"busy"}"#, Class::Overloaded, "busy"),
        (500, r#"{"error":"text"}"#, Class::Server, "text"),
        (
            502,
            "<html><body>Bad gateway</body></html>",
            Class::Server,
            "the upstream answered 502 and did not say why",
        ),
        (500, "No api key passed in.", Class::Server, "No api key passed in."),
        (500, "", Class::Server, "the upstream answered 500 and did not say why"),
        (504, "{}", Class::Timeout, "the upstream answered 504 and did not say why"),
        (529, "{}", Class::Overloaded, "the upstream answered 529 and did not say why"),
    ] {
        let failure = Chat.failure(StatusCode::from_u16(status).unwrap(), body.as_bytes());
        assert_eq!((failure.class, &*failure.message), (class, message), "{body}");
        assert_eq!(failure.status.as_u16(), status);
    }
    let failure = Chat.failure(StatusCode::BAD_REQUEST, br#"{"error":{"message":"bad","param":"tools[0]"}}"#);
    assert_eq!(failure.param.as_deref(), Some("tools[0]"));
}

fn call(id: &'static str, name: &'static str, plain: bool) -> Block<'static> {
    Block::Call(Called { id: id.into(), name: name.into(), plain })
}

fn told(answer: &Answer<'_>, kept: Kept) -> Value {
    serde_json::from_slice(&Chat.tell(answer, &reply(kept))).unwrap()
}

fn used() -> Usage {
    let mut usage = Usage::new(100, 55);
    (usage.cache_read, usage.cache_write_5m, usage.cache_write_1h, usage.reasoning) = (1000, 20, 30, 5);
    usage
}

#[test]
fn a_whole_answer_is_told_as_openai_would() {
    let mut text = Said::new(Block::Text, "Äh, so.");
    text.citations.push(Citation { url: "https://h".into(), title: None, span: Some((5, 7)) });
    text.logprobs.push(Logprob {
        token: "Äh".into(),
        logprob: -0.5,
        others: vec![("O".into(), f64::NEG_INFINITY)],
    });
    let mut look = Said::new(call("c1", "look", false), "{\"n\":1.50}");
    look.seal = Some(Seal { origin: Api::Gemini, account: Some(7), payload: "CiQ=".into() });
    let answer = Answer {
        started: Started { id: Some("msg_1".into()), model: Some("claude".into()), usage: None },
        said: vec![
            Said::new(Block::Thinking, "Hm"),
            Said::new(Block::Redacted, ""),
            text,
            Said::new(Block::Text, " And more."),
            look,
            Said::new(call("c2", "patch", true), "*** x"),
            Said::new(Block::Image { media_type: "image/png".into() }, "QQ=="),
        ],
        end: End { reason: Reason::Calls, stop_sequence: None },
        usage: Some(used()),
    };
    let told = told(&answer, Kept::default());
    let signature =
        told["choices"][0]["message"]["tool_calls"][0]["extra_content"]["google"]["thought_signature"]
            .clone();
    assert_eq!(
        told,
        json!({
            "id": "chatcmpl-id1", "object": "chat.completion", "created": 5, "model": "asked",
            "choices": [{
                "index": 0,
                "message": {
                    "role": "assistant", "content": "Äh, so. And more.", "refusal": null, "reasoning_content": "Hm",
                    "annotations": [{"type": "url_citation", "url_citation": {
                        "url": "https://h", "title": "", "start_index": 4, "end_index": 6}}],
                    "images": [{"index": 0, "type": "image_url", "image_url": {"url": "data:image/png;base64,QQ=="}}],
                    "tool_calls": [
                        {"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{\"n\":1.50}"},
                         "extra_content": {"google": {"thought_signature": signature}}},
                        {"id": "c2", "type": "custom", "custom": {"name": "patch", "input": "*** x"}},
                    ],
                },
                "logprobs": {"refusal": null, "content": [{"token": "Äh", "logprob": -0.5, "bytes": [195, 132, 104],
                    "top_logprobs": [{"token": "O", "logprob": -9999.0, "bytes": [79]}]}]},
                "finish_reason": "tool_calls",
            }],
            "usage": {
                "prompt_tokens": 1150, "completion_tokens": 55, "total_tokens": 1205,
                "prompt_tokens_details": {"cached_tokens": 1000, "cache_write_tokens": 50, "audio_tokens": 0},
                "completion_tokens_details": {"reasoning_tokens": 5, "audio_tokens": 0,
                    "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0},
            },
        })
    );
    // What the client says again is what it was.
    let seal = Seal::read(Api::OpenaiChat, signature.as_str().unwrap().into());
    assert_eq!((seal.origin, seal.account, &*seal.payload), (Api::Gemini, Some(7), "CiQ="));
}

#[test]
fn each_end_has_its_reason() {
    for (reason, block, kept, finish) in [
        (Reason::Done, Block::Text, false, "stop"),
        (Reason::Stopped, Block::Text, false, "stop"),
        (Reason::Paused, Block::Text, false, "stop"),
        (Reason::Length, Block::Text, false, "length"),
        (Reason::ContextFull, Block::Text, false, "length"),
        (Reason::Refused, Block::Text, false, "content_filter"),
        (Reason::Refused, Block::Refusal, false, "stop"),
        (Reason::Calls, call("c", "f", false), false, "tool_calls"),
        (Reason::Calls, call("c", "f", false), true, "function_call"),
        (Reason::Length, call("c", "f", false), true, "length"),
    ] {
        let answer = Answer {
            said: vec![Said::new(block, "x")],
            end: End { reason, stop_sequence: None },
            ..Answer::default()
        };
        let told = told(&answer, Kept { legacy: kept, ..Kept::default() });
        assert_eq!(told["choices"][0]["finish_reason"], finish, "{told}");
        assert!(told.get("usage").is_none());
    }
}

#[test]
fn who_asked_with_functions_is_answered_with_one() {
    let calls = [Said::new(call("c1", "f", false), "{}"), Said::new(call("c2", "g", false), "{}")];
    let end = End { reason: Reason::Calls, stop_sequence: None };
    let answer = Answer { said: calls.to_vec(), end, ..Answer::default() };
    let told = told(&answer, Kept { legacy: true, ..Kept::default() });
    let message = &told["choices"][0]["message"];
    assert_eq!(message["function_call"], json!({"name": "f", "arguments": "{}"}));
    assert!(message.get("tool_calls").is_none() && message["content"].is_null());
}

#[test]
fn an_answer_of_nothing_is_one() {
    let told = told(&Answer::default(), Kept::default());
    assert_eq!(told["choices"][0]["message"]["content"], Value::Null);
    assert_eq!(told["choices"][0]["finish_reason"], "stop");
}

#[test]
fn refusals_are_told_in_words_that_clients_know() {
    for (class, message, kind, code, told) in [
        (Class::BadRequest, "bad", "invalid_request_error", Value::Null, "bad"),
        (
            Class::TooLong,
            "prompt is too long: 205,000 tokens > 200000 maximum",
            "invalid_request_error",
            json!("context_length_exceeded"),
            "This model's maximum context length is 200000 tokens. However, your messages resulted in 205000 tokens. Please reduce the length of the messages.",
        ),
        (
            Class::TooLong,
            "too long",
            "invalid_request_error",
            json!("context_length_exceeded"),
            "Your input exceeds the maximum context length of this model. Please reduce the length of the messages. (too long)",
        ),
        (
            Class::TooLong,
            "maximum context length is 5",
            "invalid_request_error",
            json!("context_length_exceeded"),
            "maximum context length is 5",
        ),
        (Class::RateLimited, "slow", "rate_limit_error", json!("rate_limit_exceeded"), "slow"),
        (Class::Overloaded, "busy", "server_error", json!("slow_down"), "busy"),
        (Class::NotFound, "none", "invalid_request_error", json!("model_not_found"), "none"),
        (Class::Server, "boom", "server_error", json!("upstream_error"), "boom"),
    ] {
        let failure = Failure {
            status: StatusCode::BAD_REQUEST,
            class,
            message: message.into(),
            param: (class == Class::BadRequest).then(|| "tools".into()),
        };
        let body: Value = serde_json::from_slice(&Chat.refuse(&failure, "req1")).unwrap();
        let param = if class == Class::BadRequest { json!("tools") } else { Value::Null };
        let error =
            json!({"message": told, "type": kind, "param": param, "code": code, "request_id": "req1"});
        assert_eq!(body, json!({"error": error}));
    }
    // Nothing of what is the account's own reaches the client.
    for class in [Class::Unauthenticated, Class::Quota, Class::Forbidden] {
        let failure = Failure {
            status: StatusCode::UNAUTHORIZED,
            class,
            message: "key sk-1 of org-7".into(),
            param: None,
        };
        let body = String::from_utf8(Chat.refuse(&failure, "r")).unwrap();
        assert!(
            !body.contains("sk-1") && !body.contains("org-7") && body.contains("upstream_error"),
            "{body}"
        );
    }
}

#[test]
fn tokens_are_counted_nowhere_here_but_told() {
    assert_eq!(Chat.counted(br#"{"input_tokens":5}"#), None);
    let told: Value = serde_json::from_slice(&Chat.count(5)).unwrap();
    assert_eq!(told["input_tokens"], 5);
}
