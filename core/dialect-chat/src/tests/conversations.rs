//! Conversations of other dialects, written in the order that this one wants.

use serde_json::{Value, json};
use sluice_api::dialect::Api;
use sluice_neutral::at::At;
use sluice_neutral::request::{
    Call, Choice, Content, Input, Lifetime, Media, Outcome, Part, Request, Role, Source, Takes, Thinking,
    Told, Tool, Turn,
};
use sluice_neutral::seal::Seal;

use super::{upstream, written};

pub(super) fn at(index: usize) -> At {
    At::item("messages", index)
}

pub(super) fn text(text: &'static str) -> Part<'static> {
    Part::text(text, at(0).within("content", 0))
}

fn part(content: Content<'static>) -> Part<'static> {
    Part::new(content, at(0).within("content", 1))
}

pub(super) fn turn(role: Role, parts: Vec<Part<'static>>) -> Turn<'static> {
    Turn { role, name: None, parts, at: at(0) }
}

fn call(id: &'static str, name: &'static str, arguments: &'static str) -> Part<'static> {
    part(Content::Call(Call {
        id: id.into(),
        name: name.into(),
        input: Input::Json(arguments.into()),
        seal: None,
    }))
}

fn result(id: &'static str, parts: Vec<Part<'static>>, failed: bool) -> Part<'static> {
    part(Content::Outcome(Outcome { id: id.into(), name: "look".into(), parts, failed }))
}

fn media(source: Source<'static>, media_type: &'static str) -> Media<'static> {
    Media { source, media_type: media_type.into(), name: None, detail: None, context: None }
}

fn image() -> Part<'static> {
    part(Content::Image(media(Source::Inline("QQ==".into()), "image/png")))
}

pub(super) fn said(turns: Vec<Turn<'static>>) -> Request<'static> {
    Request { turns, ..Request::default() }
}

/// The messages that are written of a conversation, and what was named.
fn messages(turns: Vec<Turn<'static>>, model: &str, provider: &str) -> (Value, Vec<String>) {
    let (body, _, named) = written(&said(turns), &upstream(model, provider)).unwrap();
    (body["messages"].clone(), named)
}

pub(super) fn told<T>(value: T, field: &'static str) -> Option<Told<T>> {
    Some(Told::new(value, At::field(field)))
}

#[test]
fn results_follow_their_calls_and_images_in_them_come_behind() {
    let turns = vec![
        turn(Role::User, vec![text("Go.")]),
        turn(
            Role::Assistant,
            vec![text("I look."), call("c1", "look", "{\"n\":1.50}"), call("c2", "look", "")],
        ),
        turn(
            Role::User,
            vec![
                text("Mind this."),
                result("c2", vec![text("second"), image()], false),
                result("c1", vec![text("first")], true),
            ],
        ),
    ];
    let (messages, named) = messages(turns, "gpt-4o", "openai");
    assert_eq!(
        messages,
        json!([
            {"role": "user", "content": "Go."},
            {"role": "assistant", "content": "I look.", "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{\"n\":1.50}"}},
                {"id": "c2", "type": "function", "function": {"name": "look", "arguments": "{}"}},
            ]},
            {"role": "tool", "tool_call_id": "c1", "content": "Error: first"},
            {"role": "tool", "tool_call_id": "c2", "content": [
                {"type": "text", "text": "second"}, {"type": "text", "text": "[attached below]"}]},
            {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,QQ=="}}]},
            {"role": "user", "content": "Mind this."},
        ])
    );
    assert!(named.is_empty());
}

#[test]
fn a_call_without_a_result_gets_one_and_a_result_without_a_call_goes() {
    let turns = vec![
        turn(Role::Assistant, vec![call("c1", "look", "{}")]),
        turn(Role::Assistant, vec![call("", "find", "{}")]),
        turn(Role::User, vec![result("c9", vec![text("whose?")], false)]),
        turn(
            Role::User,
            vec![part(Content::Outcome(Outcome {
                id: "".into(),
                name: "find".into(),
                parts: vec![text("found")],
                failed: false,
            }))],
        ),
    ];
    let (messages, named) = messages(turns, "m", "openai-compatible");
    let id = &messages[0]["tool_calls"][1]["id"];
    assert_eq!(
        messages.as_array().unwrap()[1..],
        [
            json!({"role": "tool", "tool_call_id": "c1", "content": "[no result provided]"}),
            json!({"role": "tool", "tool_call_id": id, "content": "found"}),
        ]
    );
    assert_eq!((messages[0]["content"].is_null(), id.as_str().unwrap().len()), (true, 37));
    assert_eq!(named, ["messages.content"]);
}

#[test]
fn instructions_stand_where_they_stood_in_the_role_that_the_model_knows() {
    let turns = || {
        vec![
            turn(Role::User, vec![text("Hi.")]),
            turn(Role::Assistant, vec![text("Yes?")]),
            turn(Role::System, vec![text("Be brief.")]),
            turn(Role::User, vec![text("Go.")]),
        ]
    };
    for (model, provider, role) in [
        ("gpt-5", "openai", "developer"),
        ("gpt-4o", "openai", "system"),
        ("openai/gpt-5", "openai-compatible", "system"),
    ] {
        let request = Request { system: vec![text("One."), text("Two.")], ..said(turns()) };
        let (body, ..) = written(&request, &upstream(model, provider)).unwrap();
        let messages = &body["messages"];
        assert_eq!((&messages[0]["role"], &messages[3]["role"]), (&json!(role), &json!(role)), "{model}");
        assert_eq!(messages[3]["content"], "Be brief.");
        let first = if provider == "openai" {
            json!([{"type": "text", "text": "One."}, {"type": "text", "text": "Two."}])
        } else {
            json!("One.\n\nTwo.")
        };
        assert_eq!(messages[0]["content"], first);
    }
}

#[test]
fn thoughts_go_back_to_whoever_wants_them_and_to_nobody_else() {
    let thinking = |text: &'static str, seal: Option<Seal<'static>>| {
        part(Content::Thinking(Thinking { text: text.into(), seal, redacted: false }))
    };
    let seal = |origin| Some(Seal { origin, account: None, payload: "x".into() });
    let turns = || {
        vec![
            turn(Role::Assistant, vec![thinking("before", None), text("Yes.")]),
            turn(Role::User, vec![text("Go.")]),
            turn(Role::Assistant, vec![thinking("alone", None)]),
            turn(Role::User, vec![text("Well?")]),
            turn(
                Role::Assistant,
                vec![
                    thinking("mine", seal(Api::OpenaiChat)),
                    thinking("another's", seal(Api::Anthropic)),
                    call("c1", "look", "{}"),
                ],
            ),
            turn(Role::User, vec![result("c1", vec![text("so")], false)]),
        ]
    };
    let (there, named) = messages(turns(), "deepseek-chat", "openai-compatible");
    assert_eq!(there[3]["reasoning_content"], "mine");
    assert_eq!(there[0], json!({"role": "assistant", "content": "Yes."}));
    assert_eq!((there[1]["content"].as_str(), there[2]["content"].as_str()), (Some("Go."), Some("Well?")));
    let (here, _) = messages(turns(), "gpt-5", "openai");
    assert!(!here.to_string().contains("reasoning_content"));
    assert!(named.is_empty());
}

#[test]
fn documents_and_sounds_are_written_where_there_is_a_place_for_them() {
    let document = |source, media_type, name: Option<&'static str>| {
        let media = Media { name: name.map(Into::into), ..media(source, media_type) };
        vec![turn(Role::User, vec![part(Content::Document(media))])]
    };
    let sound =
        |source, media_type| vec![turn(Role::User, vec![part(Content::Audio(media(source, media_type)))])];
    for (turns, content) in [
        (
            document(Source::Inline("QQ==".into()), "application/pdf", None),
            json!([{"type": "file", "file": {"filename": "document.pdf", "file_data": "data:application/pdf;base64,QQ=="}}]),
        ),
        (
            document(Source::Inline("QQ==".into()), "application/pdf", Some("a.pdf")),
            json!([{"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,QQ=="}}]),
        ),
        (document(Source::Plain("Text.".into()), "text/plain", Some("Title")), json!("Title\n\nText.")),
        (document(Source::Inline("SGk=".into()), "text/plain", None), json!("Hi")),
        (
            sound(Source::Inline("QQ==".into()), "audio/x-wav"),
            json!([{"type": "input_audio", "input_audio": {"data": "QQ==", "format": "wav"}}]),
        ),
        (
            sound(Source::Inline("QQ==".into()), "audio/mpeg"),
            json!([{"type": "input_audio", "input_audio": {"data": "QQ==", "format": "mp3"}}]),
        ),
    ] {
        let (messages, named) = messages(turns, "gpt-4o", "openai");
        assert_eq!(messages[0]["content"], content);
        assert!(named.is_empty());
    }
    for turns in [
        document(Source::Url("https://h/a.pdf".into()), "application/pdf", None),
        sound(Source::Inline("QQ==".into()), "audio/flac"),
        sound(Source::Url("https://h/a.wav".into()), "audio/wav"),
    ] {
        let error = written(&said(turns), &upstream("gpt-4o", "openai")).unwrap_err();
        assert_eq!(error.facts().param.as_deref(), Some("messages[0].content[1]"));
    }
}

#[test]
fn an_answer_can_not_go_on_from_the_models_own_words() {
    let turns = vec![turn(Role::User, vec![text("Go.")]), turn(Role::Assistant, vec![text("I")])];
    let error = written(&said(turns), &upstream("gpt-4o", "openai")).unwrap_err();
    assert_eq!(error.facts().param.as_deref(), Some("messages[0]"));
}

#[test]
fn ids_are_as_the_model_takes_them() {
    let long = "call_1__thought__CiQBCiQBCiQBCiQBCiQBCiQBCiQBCiQBCiQBCiQBCiQBCiQBCiQBCiQB/+==";
    for (id, model, provider, told) in [
        (long, "gemini-3-pro", "openai-compatible", Some(long)),
        (long, "gpt-4o", "openai", None),
        ("call_1", "gpt-4o", "openai", Some("call_1")),
        ("call_1", "mistral-large-latest", "openai-compatible", None),
        ("a1b2c3d4e", "mistral-large-latest", "openai-compatible", Some("a1b2c3d4e")),
    ] {
        let turns = vec![
            turn(Role::Assistant, vec![call(id, "look", "{}")]),
            turn(Role::User, vec![result(id, vec![text("so")], false)]),
        ];
        let (messages, _) = messages(turns, model, provider);
        let sent = messages[0]["tool_calls"][0]["id"].as_str().unwrap();
        assert_eq!(messages[1]["tool_call_id"], sent);
        assert!(
            told.is_none_or(|told| told == sent) && (told.is_some() || sent.len() == 37 || sent.len() == 9),
            "{sent}"
        );
    }
}

#[test]
fn long_ids_and_odd_names_are_changed_on_both_sides_alike() {
    let long: &'static str = "toolu_0123456789012345678901234567890123456789012345678901234567890123456789";
    let name = "mcp.server/look up";
    let turns = vec![
        turn(Role::Assistant, vec![call(long, name, "{}")]),
        turn(Role::User, vec![result(long, vec![text("so")], false)]),
    ];
    let tool = Tool {
        name: name.into(),
        description: None,
        takes: Takes::Schema(None),
        strict: None,
        deferred: false,
        says: None,
        cache: None,
        at: At::item("tools", 0),
    };
    let choice = told(Choice::One(name.into()), "tool_choice");
    let request = Request { tools: vec![tool], choice, ..said(turns) };
    let (body, sent, _) = written(&request, &upstream("gpt-4o", "openai")).unwrap();
    let call = &body["messages"][0]["tool_calls"][0];
    assert_eq!(call["id"], body["messages"][1]["tool_call_id"]);
    assert!(call["id"].as_str().unwrap().len() <= 64);
    let upstreams = call["function"]["name"].as_str().unwrap();
    assert_eq!(upstreams, body["tools"][0]["function"]["name"]);
    assert_eq!(upstreams, body["tool_choice"]["function"]["name"]);
    assert_eq!(sent.names.own(upstreams), name);
    assert_eq!(body["tools"][0]["function"]["parameters"], json!({"type": "object", "properties": {}}));
}

#[test]
fn marks_are_written_for_models_that_take_them_and_no_more_than_four() {
    let marked = |text: &'static str| Part { cache: Some(Lifetime::Long), ..self::text(text) };
    let parts = vec![marked("1"), marked("2"), marked("3"), marked("4"), marked("5"), text("6")];
    let request = said(vec![turn(Role::User, parts)]);
    let (body, ..) = written(&request, &upstream("gpt-5.6-sol", "openai")).unwrap();
    let content = body["messages"][0]["content"].as_array().unwrap();
    let marks: Vec<bool> = content.iter().map(|part| part.get("prompt_cache_breakpoint").is_some()).collect();
    assert_eq!(marks, [false, true, true, true, true, false]);
    assert_eq!(content[4]["prompt_cache_breakpoint"], json!({"mode": "explicit", "ttl": "12h"}));
    let (body, ..) = written(&request, &upstream("gpt-5.5", "openai")).unwrap();
    assert!(!body.to_string().contains("breakpoint"));
}
