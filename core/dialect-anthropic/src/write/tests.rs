//! Requests as Anthropic takes them, whatever was asked in another dialect.

use serde_json::{Value, json};
use sluice_api::dialect::{Api, Form, Operation};
use sluice_api::error::Error;
use sluice_neutral::at::At;
use sluice_neutral::dialect::{Sent, Upstream};
use sluice_neutral::loss::Losses;
use sluice_neutral::request::{
    Choice, Content, Fetch, Format, Grammar, Length, Lifetime, Part, Request, Role, Sampling, Search, Takes,
    Told, Tool, Turn,
};

use super::write;

mod turns;

const MODEL: &str = "claude-sonnet-4-5";

fn at(index: usize) -> At {
    At::item("messages", index)
}

fn upstream(model: &str, operation: Operation) -> Upstream<'_> {
    Upstream {
        model,
        provider: "claude",
        account: "acc",
        operation,
        form: Form::Whole,
        max_output: Some(64_000),
        include_usage: false,
    }
}

fn told(request: &Request<'_>, model: &str) -> Result<(Value, Vec<String>, Sent), Error> {
    let mut losses = Losses::toward(Api::Anthropic);
    let (body, sent) = write(request, &upstream(model, Operation::Generate), &mut losses)?;
    Ok((serde_json::from_slice(&body).unwrap(), losses.named(), sent))
}

fn written(request: &Request<'_>, model: &str) -> (Value, Vec<String>) {
    let (body, named, _) = told(request, model).unwrap();
    (body, named)
}

fn text(text: &'static str) -> Content<'static> {
    Content::Text(text.into())
}

fn conversation(turns: Vec<(Role, Vec<Content<'static>>)>) -> Request<'static> {
    let turn = |(index, (role, contents)): (usize, (Role, Vec<Content<'static>>))| {
        let place = |(inner, content)| Part::new(content, at(index).within("content", inner));
        Turn { role, name: None, parts: contents.into_iter().enumerate().map(place).collect(), at: at(index) }
    };
    Request { turns: turns.into_iter().enumerate().map(turn).collect(), ..Request::default() }
}

fn hi() -> Request<'static> {
    conversation(vec![(Role::User, vec![text("hi")])])
}

#[test]
fn an_answer_of_no_tokens_is_no_answer() {
    let request = Request {
        length: Some(Told::new(Length { tokens: 0, with_thinking: true }, At::field("max_output_tokens"))),
        ..hi()
    };
    let refused = told(&request, MODEL).unwrap_err();
    assert_eq!(refused.facts().param.as_deref(), Some("max_output_tokens"));
}

/// Each message as its role and what its blocks are, in short.
#[test]
fn the_last_four_cache_marks_are_kept_and_none_is_longer_than_one_before_it() {
    let mut request = hi();
    let part = |cache| Part { cache: Some(cache), ..Part::text("s", At::ROOT) };
    request.system = vec![part(Lifetime::Long), part(Lifetime::Long), part(Lifetime::Short)];
    request.turns[0].parts = vec![part(Lifetime::Long), part(Lifetime::Short)];
    let (body, _) = written(&request, MODEL);
    let short = json!({ "type": "ephemeral" });
    let marks = |value: &Value| -> Vec<Value> {
        value.as_array().unwrap().iter().map(|block| block["cache_control"].clone()).collect()
    };
    assert_eq!(
        marks(&body["system"]),
        [json!(null), json!({ "type": "ephemeral", "ttl": "1h" }), short.clone()]
    );
    assert_eq!(marks(&body["messages"][0]["content"]), [short.clone(), short]);
}

#[test]
fn what_a_model_refuses_of_sampling_is_left_out_and_named() {
    let number = |text: &'static str, name| {
        Some(Told::new(serde_json::from_str::<&serde_json::value::RawValue>(text).unwrap(), At::field(name)))
    };
    let request = Request {
        sampling: Sampling {
            temperature: number("1.70", "temperature"),
            top_p: number("0.90", "top_p"),
            top_k: number("40.0", "top_k"),
            seed: number("7", "seed"),
            ..Sampling::default()
        },
        ..hi()
    };
    let (body, named) = written(&request, MODEL);
    assert_eq!((&body["temperature"], &body["top_k"], body.get("top_p")), (&json!(1), &json!(40), None));
    assert_eq!(named, ["temperature", "top_p", "seed"]);
    let (body, named) = written(&request, "claude-opus-4-7");
    assert_eq!((body.get("temperature"), body.get("top_k")), (None, None));
    assert_eq!(named, ["temperature", "top_p", "top_k", "seed"]);
}

#[test]
fn forms_of_the_answer_are_bound_or_asked_for_in_words() {
    let with = |format| Request { format: Some(Told::new(format, At::field("response_format"))), ..hi() };
    let (body, named) = written(&with(Format::Object), MODEL);
    assert_eq!(body["system"], "Reply with one JSON object only.");
    assert_eq!(named, ["response_format"]);
    let schema = || Format::Schema {
        name: None,
        description: None,
        schema: r#"{"type":"object"}"#.into(),
        strict: None,
    };
    let (body, named) = written(&with(schema()), MODEL);
    let cleaned = json!({ "type": "object", "additionalProperties": false });
    assert_eq!(body["output_config"]["format"], json!({ "type": "json_schema", "schema": cleaned }));
    assert!(named.is_empty());
    let (body, named) = written(&with(schema()), "claude-3-haiku");
    assert!(
        body["system"].as_str().unwrap().ends_with(r#"{"type":"object"}"#)
            && body.get("output_config").is_none()
    );
    assert_eq!(named, ["response_format"]);
}

fn tool(name: &'static str, takes: Takes<'static>) -> Tool<'static> {
    let strict = (!matches!(takes, Takes::Schema(None))).then_some(true);
    let (description, says, cache) = (Some("d".into()), None, None);
    Tool {
        name: name.into(),
        description,
        takes,
        strict,
        deferred: false,
        says,
        cache,
        at: At::item("tools", 0),
    }
}

#[test]
fn tools_are_sent_under_names_and_with_schemas_that_are_allowed() {
    let grammar = Grammar { syntax: "lark".into(), definition: "start: A".into() };
    let mut request = hi();
    request.tools = vec![
        tool("a b", Takes::Schema(None)),
        tool("p", Takes::Plain(Some(grammar))),
        tool("s", Takes::Schema(Some(r#" {"properties":{"n":{"const":1.0e2}}}"#.into()))),
    ];
    request.choice = Some(Told::new(Choice::One("a b".into()), At::field("tool_choice")));
    request.parallel = Some(Told::new(false, At::field("parallel_tool_calls")));
    request.search = Some(Told::new(
        Search {
            most: Some(3),
            allowed: vec!["a.example".into()],
            near: vec![("city", "Rome".into())],
            ..Search::default()
        },
        At::field("web_search_options"),
    ));
    request.fetch = Some(Told::new(Fetch { most: Some(2) }, At::field("tools")));
    let mut losses = Losses::toward(Api::Anthropic);
    let (body, sent) = write(&request, &upstream(MODEL, Operation::Generate), &mut losses).unwrap();
    let raw = String::from_utf8(body.clone()).unwrap();
    assert!(raw.contains(r#"{"type":"object","properties":{"n":{"const":1.0e2}}}"#), "{raw}");
    let body: Value = serde_json::from_slice(&body).unwrap();
    let own = body["tools"][0]["name"].as_str().unwrap();
    assert_eq!((sent.names.own(own), sent.wrapped.as_slice()), ("a b", &["p".to_owned()][..]));
    assert_eq!(body["tools"][0]["input_schema"], json!({ "type": "object", "properties": {} }));
    assert!(body["tools"][1]["description"].as_str().unwrap().contains("lark grammar:\nstart: A"));
    assert_eq!(
        body["tools"][3],
        json!({ "type": "web_search_20250305", "name": "web_search", "max_uses": 3, "allowed_domains": ["a.example"],
            "user_location": { "type": "approximate", "city": "Rome" } })
    );
    assert_eq!(body["tools"][4], json!({ "type": "web_fetch_20250910", "name": "web_fetch", "max_uses": 2 }));
    assert_eq!(
        body["tool_choice"],
        json!({ "type": "tool", "name": own, "disable_parallel_tool_use": true })
    );
    // What binds can't hold a bound that Anthropic does not know.
    assert_eq!((body["tools"][1].get("strict"), body["tools"][2].get("strict")), (Some(&json!(true)), None));
    assert_eq!(losses.named(), ["tools.strict"]);
    request.tools[2].takes = Takes::Schema(Some("true".into()));
    assert!(told(&request, MODEL).is_err());
}

#[test]
fn some_tools_alone_may_be_called_and_no_tools_need_no_choice() {
    let mut request = hi();
    request.tools = vec![tool("a", Takes::Schema(None)), tool("b", Takes::Schema(None))];
    let some = Choice::Some { names: vec!["b".into()], must: true };
    request.choice = Some(Told::new(some, At::field("tool_choice")));
    let (body, named) = written(&request, MODEL);
    assert_eq!((body["tools"].as_array().unwrap().len(), &body["tool_choice"]["type"]), (1, &json!("any")));
    assert_eq!(named, ["tool_choice"]);
    request.tools.clear();
    let (body, _) = written(&request, MODEL);
    assert!(body.get("tools").is_none() && body.get("tool_choice").is_none());
}

#[test]
fn a_model_that_can_t_be_forced_is_told_in_words() {
    let mut request = hi();
    request.tools = vec![tool("a", Takes::Schema(None))];
    request.choice = Some(Told::new(Choice::One("a".into()), At::field("tool_choice")));
    let (body, named) = written(&request, "claude-opus-5-5");
    assert_eq!(
        (&body["tool_choice"]["type"], &body["system"]),
        (&json!("auto"), &json!("You must call the tool `a`."))
    );
    assert_eq!(named, ["tool_choice"]);
}

#[test]
fn a_count_is_asked_for_with_what_counts() {
    let mut request = hi();
    request.length = Some(Told::new(Length { tokens: 5, with_thinking: false }, At::field("max_tokens")));
    request.stop = vec![Told::new("x".into(), At::field("stop"))];
    request.user = Some(Told::new("u".into(), At::field("user")));
    request.tools = vec![tool("a", Takes::Schema(None))];
    let mut losses = Losses::toward(Api::Anthropic);
    let (body, _) = write(&request, &upstream(MODEL, Operation::CountTokens), &mut losses).unwrap();
    let body: Value = serde_json::from_slice(&body).unwrap();
    let mut names: Vec<&String> = body.as_object().unwrap().keys().collect();
    names.sort();
    assert_eq!(names, ["messages", "model", "tools"]);
}

#[test]
fn tiers_are_told_by_anthropics_names() {
    for (tier, model, member, value, named) in [
        ("auto", MODEL, "service_tier", json!("auto"), false),
        ("default", MODEL, "service_tier", json!("standard_only"), false),
        ("flex", MODEL, "service_tier", json!(null), true),
        ("fast", "claude-opus-5", "speed", json!("fast"), false),
        ("fast", MODEL, "speed", json!(null), true),
    ] {
        let request = Request { tier: Some(Told::new(tier.into(), At::field("service_tier"))), ..hi() };
        let (body, names) = written(&request, model);
        assert_eq!((&body[member], !names.is_empty()), (&value, named), "{tier} {model}");
    }
}
