//! Requests as upstreams are asked, and their whole answers.

use std::borrow::Cow;

use serde_json::{Value, json};
use sluice_api::dialect::{Api, Form, Operation};
use sluice_neutral::answer::{Block, Class, Failure, Reason};
use sluice_neutral::at::At;
use sluice_neutral::dialect::{Dialect as _, Sent, Upstream};
use sluice_neutral::effort::Effort;
use sluice_neutral::loss::Losses;
use sluice_neutral::request::{
    Call, Choice, Content, Format, Input, Length, Lifetime, Media, Outcome, Part, Request, Role, Source,
    Takes, Told, Tool, Turn,
};
use sluice_neutral::seal::{Seal, account};

use super::written;
use crate::Responses;

fn at(index: usize) -> At {
    At::item("messages", index)
}

fn turn(role: Role, parts: Vec<Content<'static>>) -> Turn<'static> {
    let parts = parts.into_iter().map(|content| Part::new(content, at(0))).collect();
    Turn { role, name: None, parts, at: at(0) }
}

fn text(text: &'static str) -> Content<'static> {
    Content::Text(text.into())
}

fn call(id: &'static str, name: &'static str) -> Content<'static> {
    let input = Input::Json("{\"a\":1.0}".into());
    Content::Call(Call { id: id.into(), name: name.into(), input, seal: None })
}

fn outcome(
    id: &'static str,
    name: &'static str,
    parts: Vec<Content<'static>>,
    failed: bool,
) -> Content<'static> {
    let parts = parts.into_iter().map(|content| Part::new(content, at(0))).collect();
    Content::Outcome(Outcome { id: id.into(), name: name.into(), parts, failed })
}

fn tool(name: &'static str, schema: &'static str, strict: Option<bool>) -> Tool<'static> {
    let takes = Takes::Schema(Some(schema.into()));
    let name = Cow::Borrowed(name);
    Tool { name, description: None, takes, strict, deferred: false, says: None, cache: None, at: at(0) }
}

fn input(turns: Vec<Turn<'static>>) -> (Value, Vec<String>) {
    let request = Request { turns, ..Request::default() };
    let (body, _, named) = written(&request, "gpt-5.5").unwrap();
    (body["input"].clone(), named)
}

#[test]
fn nothing_is_kept_upstream_and_thoughts_come_along() {
    let mut request =
        Request { system: vec![Part::text("A", at(0)), Part::text("B", at(0))], ..Request::default() };
    request.turns = vec![turn(Role::User, vec![text("hi")])];
    request.tools = vec![tool("a tool", r#"{"type":"object"}"#, None)];
    request.choice = Some(Told::new(Choice::One("a tool".into()), at(0)));
    request.parallel = Some(Told::new(false, at(0)));
    let (body, sent, named) = written(&request, "gpt-5.5").unwrap();
    let name = body["tools"][0]["name"].as_str().unwrap();
    assert_eq!(
        body,
        json!({"model": "gpt-5.5", "instructions": "A\n\nB",
            "input": [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]}],
            "tools": [{"type": "function", "name": name, "parameters": {"properties": {}, "type": "object"}, "strict": false}],
            "parallel_tool_calls": false, "tool_choice": {"type": "function", "name": name},
            "include": ["reasoning.encrypted_content"], "store": false, "stream": true})
    );
    assert_eq!((sent.names.own(name), &*sent.account, named.len()), ("a tool", "a", 0));
}

#[test]
fn results_stand_with_their_calls_whichever_way_a_dialect_pairs_them() {
    let long = "x".repeat(70);
    let long: &'static str = Box::leak(long.into_boxed_str());
    let (items, named) = input(vec![
        turn(Role::User, vec![text("hi"), text("")]),
        turn(
            Role::Assistant,
            vec![text("I call."), call("", "f"), call("", "f"), call(long, "g"), call("open", "h")],
        ),
        turn(
            Role::User,
            vec![
                outcome("", "f", vec![text("one")], false),
                outcome(long, "g", vec![text("no"), Content::Image(image())], true),
                outcome("", "f", vec![], false),
                outcome("orphan", "z", vec![text("?")], false),
                text("go on"),
            ],
        ),
    ]);
    let id = |index: usize| items[index]["call_id"].as_str().unwrap();
    let kinds: Vec<&str> =
        items.as_array().unwrap().iter().map(|item| item["type"].as_str().unwrap()).collect();
    let calls = ["function_call"; 4];
    let outputs = ["function_call_output"; 4];
    let expected: Vec<&str> =
        ["message", "message"].into_iter().chain(calls).chain(outputs).chain(["message"]).collect();
    assert_eq!(kinds, expected);
    assert_eq!((&items[1]["content"], &items[1]["role"]), (&json!("I call."), &json!("assistant")));
    // The call that has no result has one; then those that the client has.
    assert_eq!((id(5), id(6), &items[6]["output"]), ("open", "open", &json!("[no result provided]")));
    assert_eq!((id(7), id(8), id(9)), (id(2), id(4), id(3)));
    assert!(id(2) != id(3) && id(4).len() <= 64 && id(2).starts_with("call_"));
    assert_eq!(
        items[8]["output"],
        json!([{"type": "input_text", "text": "Error: "}, {"type": "input_text", "text": "no"},
            {"type": "input_image", "image_url": "data:image/png;base64,QUJD", "detail": "auto"}])
    );
    assert_eq!((&items[9]["output"], named), (&json!(""), vec!["messages".to_owned()]));
}

fn image() -> Media<'static> {
    let source = Source::Inline("QUJD".into());
    Media { source, media_type: "image/png".into(), name: None, detail: None, context: None }
}

#[test]
fn an_image_of_the_models_own_is_left_out_and_named() {
    let said = turn(Role::Assistant, vec![text("Here."), Content::Image(image())]);
    let (items, named) = input(vec![said, turn(Role::User, vec![text("Bluer.")])]);
    assert_eq!((items.as_array().unwrap().len(), &items[0]["content"]), (2, &json!("Here.")));
    assert_eq!(named, ["messages"]);
}

#[test]
fn files_are_files_and_texts_are_texts() {
    let mut pdf = image();
    pdf.media_type = "application/pdf".into();
    (pdf.name, pdf.context) = (Some("Report".into()), Some("of May".into()));
    let plain = Media { source: Source::Plain("words".into()), name: Some("T".into()), ..image() };
    let url = Media { source: Source::Url("https://h/a.pdf".into()), ..image() };
    let sound = Media { media_type: "audio/mpeg".into(), ..image() };
    let parts =
        [Content::Document(pdf), Content::Document(plain), Content::Document(url), Content::Audio(sound)];
    let (items, _) = input(vec![turn(Role::User, parts.to_vec())]);
    assert_eq!(
        items[0]["content"],
        json!([{"type": "input_text", "text": "of May"},
            {"type": "input_file", "filename": "Report.pdf", "file_data": "data:application/pdf;base64,QUJD"},
            {"type": "input_text", "text": "# T"}, {"type": "input_text", "text": "words"},
            {"type": "input_file", "file_url": "https://h/a.pdf"},
            {"type": "input_audio", "input_audio": {"data": "QUJD", "format": "mp3"}}])
    );
}

#[test]
fn what_was_thought_goes_back_to_its_account_alone() {
    let seal =
        |origin, name: &str| Some(Seal { origin, account: Some(account(name)), payload: "rs_1:gAAA".into() });
    for (seal, goes) in [
        (seal(Api::OpenaiResponses, "a"), true),
        (seal(Api::OpenaiResponses, "b"), false),
        (seal(Api::Anthropic, "a"), false),
        (None, false),
    ] {
        let thinking = sluice_neutral::request::Thinking { text: "Hm".into(), seal, redacted: false };
        let said = vec![Content::Thinking(thinking), call("c", "f")];
        let results = turn(Role::User, vec![outcome("c", "f", vec![text("x")], false)]);
        let (items, _) = input(vec![turn(Role::Assistant, said), results]);
        let thought = json!({"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Hm"}], "encrypted_content": "gAAA"});
        assert_eq!((items[0] == thought, items.as_array().unwrap().len()), (goes, 2 + usize::from(goes)));
    }
}

#[test]
fn an_answer_that_is_begun_and_an_answer_of_no_tokens_are_refused() {
    let begun = Request { turns: vec![turn(Role::Assistant, vec![text("Well")])], ..Request::default() };
    assert_eq!(written(&begun, "m").unwrap_err().facts().param.as_deref(), Some("messages[0]"));
    let orphan = turn(Role::User, vec![outcome("c", "f", vec![text("x")], false)]);
    let nothing = Request { turns: vec![orphan], ..Request::default() };
    assert_eq!(written(&nothing, "m").unwrap_err().facts().param.as_deref(), Some("messages[0]"));
    let length = Length { tokens: 0, with_thinking: true };
    let none = Request { length: Some(Told::new(length, At::field("max_tokens"))), ..Request::default() };
    assert_eq!(written(&none, "m").unwrap_err().facts().param.as_deref(), Some("max_tokens"));
}

#[test]
fn each_model_is_asked_for_what_it_takes() {
    let raw = |text: &'static str| serde_json::from_str(text).unwrap();
    let told = |name: &'static str, number| Some(Told::new(number, At::field(name)));
    let mut request = Request::default();
    request.sampling.temperature = told("temperature", raw("0.70"));
    request.sampling.top_p = told("top_p", raw("1"));
    request.sampling.top_k = told("top_k", raw("5"));
    request.sampling.presence_penalty = told("presence_penalty", raw("0.0"));
    request.sampling.logprobs = Some(Told::new(2, At::field("logprobs")));
    request.stop = vec![Told::new("END".into(), At::field("stop"))];
    request.reasoning.budget = Some(Told::new(1_024, At::field("thinking")));
    request.reasoning.shown = Some(Told::new(true, At::field("thinking")));
    request.verbosity = Some(Told::new("low".into(), At::field("verbosity")));
    request.length = Some(Told::new(Length { tokens: 5, with_thinking: true }, At::field("max_tokens")));
    request.tier = Some(Told::new("standard_only".into(), At::field("service_tier")));
    request.user = Some(Told::new("{\"device_id\":\"d\"}".into(), At::field("metadata.user_id")));
    for (model, members, named) in [
        (
            "gpt-5.5",
            json!({"reasoning": {"effort": "low", "summary": "auto"}, "text": {"verbosity": "low"}, "max_output_tokens": 16}),
            &["max_tokens", "temperature", "top_k", "logprobs"][..],
        ),
        (
            "gpt-4.1",
            json!({"temperature": 0.7, "top_p": 1, "top_logprobs": 2, "max_output_tokens": 16,
                "include": ["message.output_text.logprobs"]}),
            &["thinking", "max_tokens", "top_k"],
        ),
        (
            "else",
            json!({"temperature": 0.7, "top_p": 1, "top_logprobs": 2, "reasoning": {"effort": "minimal", "summary": "auto"}}),
            &["max_tokens", "top_k"],
        ),
    ] {
        let (body, _, told) = written(&request, model).unwrap();
        for (name, value) in members.as_object().unwrap() {
            assert_eq!(&body[name], value, "{model} {name}");
        }
        assert_eq!(told, named, "{model}");
        assert_eq!(
            (&body["service_tier"], body["temperature"].is_null()),
            (&json!("default"), model == "gpt-5.5")
        );
        assert!(body["safety_identifier"].as_str().unwrap().starts_with("user_"), "{body}");
    }
    assert_eq!(Effort::of_budget(1_024), Effort::Minimal);
}

#[test]
fn forms_and_strict_schemas_are_asked_for_where_they_can_be_kept() {
    const CLOSED: &str = r#"{"type":"object","properties":{},"additionalProperties":false}"#;
    const OPEN: &str = r#"{"type":"object","properties":{"a":{}}}"#;
    let mut request = Request {
        tools: vec![tool("a", CLOSED, Some(true)), tool("b", OPEN, Some(true))],
        ..Request::default()
    };
    let schema =
        Format::Schema { name: Some("my form".into()), description: None, schema: OPEN.into(), strict: None };
    request.format = Some(Told::new(schema, At::field("output_config.format")));
    let (body, _, named) = written(&request, "m").unwrap();
    assert_eq!((&body["tools"][0]["strict"], &body["tools"][1]["strict"]), (&json!(true), &json!(false)));
    assert_eq!(named, ["messages.strict"]);
    let form = json!({"type": "json_schema", "name": "my_form", "schema": {"type": "object", "properties": {"a": {}}}, "strict": false});
    assert_eq!(body["text"]["format"], form);
    let schema = Format::Schema { name: None, description: None, schema: CLOSED.into(), strict: None };
    request.format = Some(Told::new(schema, At::field("output_config.format")));
    let (body, ..) = written(&request, "m").unwrap();
    assert_eq!(
        (&body["text"]["format"]["strict"], &body["text"]["format"]["name"]),
        (&json!(true), &json!("response"))
    );
    request.format = Some(Told::new(Format::Object, At::field("response_format")));
    for (said, asked) in [("hi", 2), ("As JSON, please", 1)] {
        request.turns = vec![turn(Role::User, vec![text(said)])];
        let (body, ..) = written(&request, "m").unwrap();
        assert_eq!(body["input"].as_array().unwrap().len(), asked, "{body}");
    }
}

#[test]
fn a_count_is_asked_about_the_prompt_alone() {
    let request = Request {
        turns: vec![turn(Role::System, vec![text("S")]), turn(Role::User, vec![text("hi")])],
        ..Request::default()
    };
    let upstream = Upstream {
        model: "m",
        provider: "openai",
        account: "a",
        operation: Operation::CountTokens,
        form: Form::Whole,
        max_output: None,
        include_usage: false,
    };
    let (body, _) = Responses.write(&request, &upstream, &mut Losses::toward(Api::OpenaiResponses)).unwrap();
    let message = |role: &str, text: &str| json!({"type": "message", "role": role, "content": [{"type": "input_text", "text": text}]});
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body, json!({"model": "m", "input": [message("developer", "S"), message("user", "hi")]}));
}

#[test]
fn a_refusal_is_told_by_names_that_clients_know() {
    for (class, kind, code) in [
        (Class::BadRequest, "invalid_request_error", Value::Null),
        (Class::TooLong, "invalid_request_error", json!("context_length_exceeded")),
        (Class::RateLimited, "rate_limit_error", json!("rate_limit_exceeded")),
        (Class::Overloaded, "server_error", json!("slow_down")),
    ] {
        let status = http::StatusCode::BAD_REQUEST;
        let failure = Failure { status, class, message: "m".into(), param: Some("input".into()) };
        let body: Value = serde_json::from_slice(&Responses.refuse(&failure, "req_1")).unwrap();
        let error = &body["error"];
        assert_eq!(
            (&error["type"], &error["code"], &error["request_id"]),
            (&json!(kind), &code, &json!("req_1"))
        );
        assert!(error["message"].as_str().unwrap().contains('m') && error["param"] == "input");
    }
    // Nothing of what is the account's own reaches the client, whose key is not to blame.
    for class in [Class::Unauthenticated, Class::Quota, Class::Forbidden] {
        let status = http::StatusCode::UNAUTHORIZED;
        let failure = Failure { status, class, message: "key sk-1 of org-7".into(), param: None };
        let mut streamed = Vec::new();
        Responses.tells(&super::reply("{}")).fail(&failure, "r", &mut streamed);
        for told in [Responses.refuse(&failure, "r"), streamed] {
            let told = String::from_utf8(told).unwrap();
            let tells = ["sk-1", "org-7", "api_key", "insufficient", "permission"];
            assert!(!tells.iter().any(|word| told.contains(word)), "{told}");
            assert!(told.contains("upstream_error") || told.contains("server_error"), "{told}");
        }
    }
}

#[test]
fn marks_for_caches_go_to_models_that_take_them() {
    let mut request = Request { system: vec![Part::text("S", at(0))], ..Request::default() };
    request.system[0].cache = Some(Lifetime::Long);
    let (body, ..) = written(&request, "gpt-5.6-sol").unwrap();
    assert_eq!(
        body["input"][0],
        json!({"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "S",
            "prompt_cache_breakpoint": {"mode": "explicit", "ttl": "12h"}}]})
    );
    // Where nothing else is said it is the input, as there must be one.
    let (body, ..) = written(&request, "gpt-5.5").unwrap();
    assert_eq!((&body["instructions"], &body["input"][0]["content"][0]["text"]), (&Value::Null, &json!("S")));
    request.turns = vec![turn(Role::User, vec![text("a")])];
    let (body, ..) = written(&request, "gpt-5.5").unwrap();
    assert_eq!(body["instructions"], "S");
    request.turns.clear();
    // The last ones count: the longest prompt is the one that is asked for again.
    let mut said = turn(Role::User, ["a", "b", "c", "d"].map(text).to_vec());
    said.parts.iter_mut().for_each(|part| part.cache = Some(Lifetime::Short));
    request.turns = vec![said];
    request.caching.automatic = Some(Told::new(Lifetime::Long, At::field("prompt_cache_retention")));
    let (body, ..) = written(&request, "gpt-5.6-sol").unwrap();
    let is_marked = |part: &Value| part["prompt_cache_breakpoint"].is_object();
    let marked: Vec<bool> = body["input"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|item| item["content"].as_array().unwrap())
        .map(is_marked)
        .collect();
    assert_eq!(marked, [false, false, true, true, true]);
    assert_eq!(body["prompt_cache_retention"], "24h");
}

#[test]
fn whole_answers_are_read_and_failed_ones_are_the_upstreams_fault() {
    let body = json!({"id": "resp_1", "model": "m", "status": "completed", "output": [
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gA"},
        {"type": "web_search_call", "id": "ws", "action": {"type": "search"}},
        {"type": "message", "content": [{"type": "output_text", "text": "é x", "annotations": [
            {"type": "url_citation", "url": "u", "title": "t", "start_index": 2, "end_index": 3}],
            "logprobs": [{"token": "x", "logprob": -0.5, "top_logprobs": [{"token": "y", "logprob": -1.5}]}]}]},
        {"type": "function_call", "name": "f", "arguments": null}],
        "usage": {"input_tokens": 10, "input_tokens_details": {"cached_tokens": 4}, "output_tokens": 2, "total_tokens": 12}});
    let body = body.to_string();
    let sent = Sent { account: "a".to_owned(), ..Sent::default() };
    let answer = Responses.answer(body.as_bytes(), &sent).unwrap();
    let [thought, said, called] = &answer.said[..] else { panic!("{answer:?}") };
    assert_eq!(thought.seal.as_ref().unwrap().account, Some(account("a")));
    assert_eq!((said.citations[0].span, said.logprobs[0].others[0].1), (Some((3, 4)), -1.5));
    assert!(matches!(&called.block, Block::Call(call) if call.id == "call_resp10003"), "{called:?}");
    let usage = answer.usage.unwrap();
    assert_eq!((usage.input, usage.cache_read, usage.output, usage.web_searches), (6, 4, 2, 1));
    assert_eq!(answer.end.reason, Reason::Done);
    for body in [
        r#"{"id":"r","status":"failed","error":{"code":"server_error","message":"boom"},"output":[]}"#,
        r#"{"error":{"message":"boom"}}"#,
        "{}",
        "<html>",
        r#"{"output":7}"#,
    ] {
        let error = Responses.answer(body.as_bytes(), &sent).unwrap_err();
        assert_eq!(error.kind(), sluice_api::error::Kind::Upstream, "{body}");
    }
    assert_eq!(Responses.counted(&Responses.count(7)), Some(7));
}
