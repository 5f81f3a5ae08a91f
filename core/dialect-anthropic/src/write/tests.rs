//! Requests as Anthropic takes them, whatever was asked in another dialect.

use serde_json::{Value, json};
use sluice_api::dialect::{Api, Form, Operation};
use sluice_api::error::Error;
use sluice_neutral::dialect::{Sent, Upstream};
use sluice_neutral::loss::{At, Losses};
use sluice_neutral::request::{
    Call, Choice, Content, Format, Grammar, Input, Length, Lifetime, Media, Outcome, Part, Request, Role,
    Sampling, Search, Source, Takes, Text, Thinking, Told, Tool, Turn,
};
use sluice_neutral::seal::Seal;

use super::write;

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

fn call(id: &'static str, arguments: &'static str) -> Content<'static> {
    Content::Call(Call { id: id.into(), name: "f".into(), input: Input::Json(arguments.into()), seal: None })
}

fn outcome(id: &'static str, said: &'static str) -> Content<'static> {
    let parts = vec![Part::text(said, At::ROOT)];
    Content::Outcome(Outcome { id: id.into(), name: "f".into(), parts, failed: false })
}

/// A conversation of turns, each of these parts.
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

/// Each message as its role and what its blocks are, in short.
fn outline(body: &Value) -> Vec<String> {
    let word = |block: &Value| match block["type"].as_str().unwrap() {
        "text" => block["text"].as_str().unwrap().to_owned(),
        "tool_use" => format!("call {}", block["id"].as_str().unwrap()),
        "tool_result" => format!("result {}", block["tool_use_id"].as_str().unwrap()),
        other => other.to_owned(),
    };
    let line = |message: &Value| {
        let blocks: Vec<String> = message["content"].as_array().unwrap().iter().map(word).collect();
        format!("{}: {}", message["role"].as_str().unwrap(), blocks.join(", "))
    };
    body["messages"].as_array().unwrap().iter().map(line).collect()
}

#[test]
fn turns_take_turns_and_results_stand_first() {
    use Role::{Assistant, User};
    for (turns, expected, named) in [
        (
            vec![
                (Assistant, vec![text("Hello")]),
                (User, vec![text(""), text("a")]),
                (User, vec![text("b")]),
                (Assistant, vec![text(" "), call("c1", ""), call("c2", "")]),
                (User, vec![outcome("c2", "two")]),
                (User, vec![text("x"), outcome("c1", "one")]),
            ],
            vec![
                "user: (conversation continues)",
                "assistant: Hello",
                "user: a, b",
                "assistant: call c1, call c2",
                "user: result c2, result c1, x",
            ],
            vec!["messages"],
        ),
        // A call that nobody answered, and a result of nothing.
        (
            vec![
                (User, vec![text("a"), outcome("c0", "?")]),
                (Assistant, vec![call("c1", "")]),
                (User, vec![text("b")]),
                (Assistant, vec![call("c2", "")]),
            ],
            vec![
                "user: a",
                "assistant: call c1",
                "user: result c1, b",
                "assistant: call c2",
                "user: result c2",
            ],
            vec!["messages.content"],
        ),
        // What is dropped leaves no empty turn behind, and its neighbours become one.
        (
            vec![
                (User, vec![text("a")]),
                (
                    Assistant,
                    vec![Content::Thinking(Thinking { text: "t".into(), seal: None, redacted: false })],
                ),
                (User, vec![text("b")]),
            ],
            vec!["user: a, b"],
            vec![],
        ),
        // Calls without ids are answered by name, in order.
        (
            vec![
                (User, vec![text("a")]),
                (Assistant, vec![call("", ""), call("", "")]),
                (User, vec![outcome("", "1"), outcome("", "2")]),
            ],
            vec!["user: a", "assistant: call call_1, call call_2", "user: result call_1, result call_2"],
            vec![],
        ),
        // Ids that are not allowed change with their results.
        (
            vec![
                (User, vec![text("a")]),
                (Assistant, vec![call("a.b", "")]),
                (User, vec![outcome("a.b", "1")]),
            ],
            vec!["user: a", "assistant: call a_2e_b", "user: result a_2e_b"],
            vec![],
        ),
        (vec![], vec!["user: (conversation continues)"], vec!["messages"]),
    ] {
        let (body, names) = written(&conversation(turns), MODEL);
        assert_eq!(outline(&body), expected);
        assert_eq!(names, named, "{expected:?}");
    }
}

#[test]
fn the_system_speaks_in_the_midst_where_the_model_lets_it() {
    use Role::{Assistant, System, User};
    let turns = || {
        vec![
            (User, vec![text("a")]),
            (System, vec![text("now")]),
            (Assistant, vec![call("c", "")]),
            (System, vec![text("then")]),
            (User, vec![outcome("c", "1")]),
        ]
    };
    let wrapped = "<system>\nthen\n</system>";
    assert_eq!(
        outline(&written(&conversation(turns()), "claude-opus-4-8").0),
        ["user: a", "system: now", "assistant: call c", &format!("user: result c, {wrapped}")]
    );
    assert_eq!(
        outline(&written(&conversation(turns()), MODEL).0),
        ["user: a, <system>\nnow\n</system>", "assistant: call c", &format!("user: result c, {wrapped}")]
    );
}

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
    let (description, strict, says, cache) = (Some("d".into()), Some(true), None, None);
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
            context: None,
        },
        At::field("web_search_options"),
    ));
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
    assert_eq!(
        body["tool_choice"],
        json!({ "type": "tool", "name": own, "disable_parallel_tool_use": true })
    );
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
fn a_last_turn_of_the_models_goes_to_models_that_go_on_with_it() {
    let request =
        conversation(vec![(Role::User, vec![text("a")]), (Role::Assistant, vec![text("It is \n")])]);
    let (body, _) = written(&request, MODEL);
    assert_eq!(outline(&body), ["user: a", "assistant: It is"]);
    let error = told(&request, "claude-opus-4-6").unwrap_err();
    assert_eq!(error.facts().param.as_deref(), Some("messages[1]"));
}

#[test]
fn arguments_stay_as_they_are_and_what_is_no_object_stands_in_one() {
    for (arguments, expected, raw) in [
        (
            r#"{"n":1.0e400,"m":12345678901234567890123}"#,
            r#""input":{"n":1.0e400,"m":12345678901234567890123}"#,
            false,
        ),
        ("", r#""input":{}"#, false),
        ("{\"a\":", r#""input":{"_raw":"{\"a\":"}"#, true),
        ("[1]", r#""input":{"_raw":"[1]"}"#, true),
    ] {
        let turns = vec![
            (Role::User, vec![text("a")]),
            (Role::Assistant, vec![call("c", arguments)]),
            (Role::User, vec![outcome("c", "1")]),
        ];
        let mut losses = Losses::toward(Api::Anthropic);
        let upstream = upstream(MODEL, Operation::Generate);
        let (body, _) = write(&conversation(turns), &upstream, &mut losses).unwrap();
        assert!(String::from_utf8(body).unwrap().contains(expected), "{arguments}");
        assert_eq!(!losses.named().is_empty(), raw, "{arguments}");
    }
}

fn media(source: Source<'static>, media_type: &'static str) -> Media<'static> {
    let (name, context) = (Some("n".into()), Some("c".into()));
    Media { source, media_type: media_type.into(), name, detail: None, context }
}

#[test]
fn media_are_sent_as_anthropic_has_them_or_refused() {
    let inline = |data: &'static str| Source::Inline(data.into());
    let document =
        |source: Value| json!({ "type": "document", "source": source, "title": "n", "context": "c" });
    for (content, expected) in [
        (
            Content::Image(media(inline("AA=="), "image/jpg")),
            Some(
                json!({ "type": "image", "source": { "type": "base64", "media_type": "image/jpeg", "data": "AA==" } }),
            ),
        ),
        (
            Content::Image(media(Source::Url("https://a.example/x".into()), "")),
            Some(json!({ "type": "image", "source": { "type": "url", "url": "https://a.example/x" } })),
        ),
        (Content::Image(media(inline("AA=="), "image/heic")), None),
        (
            Content::Document(media(inline("AA=="), "application/pdf")),
            Some(document(json!({ "type": "base64", "media_type": "application/pdf", "data": "AA==" }))),
        ),
        (
            Content::Document(media(inline("aMOp"), "text/csv; charset=utf-8")),
            Some(document(json!({ "type": "text", "media_type": "text/plain", "data": "hé" }))),
        ),
        (
            Content::Document(media(Source::Plain("p".into()), "text/plain")),
            Some(document(json!({ "type": "text", "media_type": "text/plain", "data": "p" }))),
        ),
        (Content::Document(media(inline("AA=="), "application/msword")), None),
        (Content::Audio(media(inline("AA=="), "audio/wav")), None),
    ] {
        let request = conversation(vec![(Role::User, vec![content])]);
        match (told(&request, MODEL), expected) {
            (Ok((body, ..)), Some(expected)) => assert_eq!(body["messages"][0]["content"][0], expected),
            (Err(error), None) => {
                assert_eq!(error.facts().param.as_deref(), Some("messages[0].content[0]"));
            }
            (told, expected) => panic!("{told:?} {expected:?}"),
        }
    }
}

fn thought(origin: Api, redacted: bool) -> Content<'static> {
    let seal = Some(Seal { origin, account: None, payload: "sig".into() });
    Content::Thinking(Thinking { text: if redacted { "" } else { "t" }.into(), seal, redacted })
}

#[test]
fn thoughts_go_back_to_who_made_them_and_lost_ones_end_the_thinking() {
    let turns = |first: Content<'static>| {
        let mut request = conversation(vec![
            (Role::User, vec![text("a")]),
            (Role::Assistant, vec![first, call("c", "")]),
            (Role::User, vec![outcome("c", "1")]),
        ]);
        request.reasoning.budget = Some(Told::new(2_000, At::field("thinking.budget_tokens")));
        request
    };
    let (body, named) = written(&turns(thought(Api::Anthropic, false)), MODEL);
    assert_eq!(
        body["messages"][1]["content"][0],
        json!({ "type": "thinking", "thinking": "t", "signature": "sig" })
    );
    assert_eq!((&body["thinking"]["type"], named.len()), (&json!("enabled"), 0));
    let (body, _) = written(&turns(thought(Api::Anthropic, true)), MODEL);
    assert_eq!(body["messages"][1]["content"][0], json!({ "type": "redacted_thinking", "data": "sig" }));
    for origin in [Api::Gemini, Api::OpenaiResponses] {
        let (body, named) = written(&turns(thought(origin, false)), MODEL);
        assert_eq!(outline(&body)[1], "assistant: call c");
        assert_eq!(
            (&body["thinking"]["type"], named),
            (&json!("disabled"), vec!["thinking.budget_tokens".to_owned()])
        );
    }
}

#[test]
fn speakers_are_told_apart_where_there_are_several() {
    let mut request = conversation(vec![(Role::User, vec![text("a")]), (Role::User, vec![text("b")])]);
    request.turns[0].name = Some(Text::from("ann"));
    assert_eq!(outline(&written(&request, MODEL).0), ["user: a, b"]);
    request.turns[1].name = Some(Text::from("bob"));
    assert_eq!(outline(&written(&request, MODEL).0), ["user: ann: a, bob: b"]);
}
