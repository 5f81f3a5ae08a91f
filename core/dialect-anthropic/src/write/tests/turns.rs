//! Turns and their content.

use serde_json::{Value, json};
use sluice_api::dialect::{Api, Operation};
use sluice_neutral::at::At;
use sluice_neutral::loss::Losses;
use sluice_neutral::request::{
    Call, Content, Input, Media, Outcome, Part, Role, Source, Text, Thinking, Told,
};
use sluice_neutral::seal::Seal;

use super::{MODEL, conversation, text, told, upstream, write, written};

fn call(id: &'static str, arguments: &'static str) -> Content<'static> {
    Content::Call(Call { id: id.into(), name: "f".into(), input: Input::Json(arguments.into()), seal: None })
}

fn outcome(id: &'static str, said: &'static str) -> Content<'static> {
    let parts = vec![Part::text(said, At::ROOT)];
    Content::Outcome(Outcome { id: id.into(), name: "f".into(), parts, failed: false })
}

/// A conversation of turns, each of these parts.
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

#[test]
fn a_signature_that_comes_back_with_a_call_stands_with_what_was_thought_before_it() {
    let sealed = |id: &'static str, payload: &'static str| {
        let seal = Some(Seal { origin: Api::Anthropic, account: None, payload: payload.into() });
        Content::Call(Call { id: id.into(), name: "f".into(), input: Input::Json("{}".into()), seal })
    };
    let shown = Content::Thinking(Thinking { text: "t".into(), seal: None, redacted: false });
    let request = conversation(vec![
        (Role::User, vec![text("a")]),
        (Role::Assistant, vec![shown, text("b"), sealed("c1", "s1"), sealed("c2", "s2"), call("c3", "")]),
        (Role::User, vec![outcome("c1", "1"), outcome("c2", "2"), outcome("c3", "3")]),
    ]);
    let (body, _) = written(&request, MODEL);
    assert_eq!(outline(&body)[1], "assistant: thinking, b, call c1, thinking, call c2, call c3");
    let content = &body["messages"][1]["content"];
    assert_eq!(content[0], json!({ "type": "thinking", "thinking": "t", "signature": "s1" }));
    assert_eq!(content[3], json!({ "type": "thinking", "thinking": "", "signature": "s2" }));
}
