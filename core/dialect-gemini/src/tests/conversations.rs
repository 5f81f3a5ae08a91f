//! Conversations as upstreams are sent them.

use serde_json::{Value, json};
use sluice_api::dialect::{Api, Operation};
use sluice_neutral::at::At;
use sluice_neutral::request::{
    Call, Content, Input, Media, Outcome, Part, Request, Role, Source, Thinking, Turn,
};
use sluice_neutral::seal::{Seal, account};

use super::{upstream, write, write_to};

const THIRD: &str = "gemini-3.8-flash";
const SECOND: &str = "gemini-2.5-flash";

fn turn<'a>(role: Role, parts: Vec<Content<'a>>) -> Turn<'a> {
    let at = At::item("messages", 0);
    let parts =
        parts.into_iter().enumerate().map(|(index, part)| Part::new(part, at.within("content", index)));
    Turn { role, name: None, parts: parts.collect(), at }
}

fn user(text: &str) -> Turn<'_> {
    turn(Role::User, vec![Content::Text(text.into())])
}

fn call<'a>(id: &'a str, name: &'a str, input: &'a str) -> Content<'a> {
    Content::Call(Call { id: id.into(), name: name.into(), input: Input::Json(input.into()), seal: None })
}

fn outcome<'a>(id: &'a str, text: &'a str) -> Content<'a> {
    let parts = vec![Part::text(text, At::ROOT)];
    Content::Outcome(Outcome { id: id.into(), name: "".into(), parts, failed: false })
}

fn thinking<'a>(origin: Api, payload: &'a str) -> Content<'a> {
    let seal = Seal { origin, account: Some(account("main")), payload: payload.into() };
    Content::Thinking(Thinking { text: "hm".into(), seal: Some(seal), redacted: false })
}

fn image<'a>(source: Source<'a>, media_type: &'a str) -> Content<'a> {
    Content::Image(Media { source, media_type: media_type.into(), name: None, detail: None, context: None })
}

/// What the conversation of these turns becomes, and what is named.
fn contents(turns: Vec<Turn<'_>>, model: &str) -> (Value, Vec<String>) {
    let request = Request { turns, ..Request::default() };
    let (body, _, named) = write(&request, model).unwrap();
    (body["contents"].clone(), named)
}

#[test]
fn turns_alternate_and_begin_with_the_user() {
    let (told, named) = contents(
        vec![
            user("a"),
            user("b"),
            turn(Role::Assistant, vec![Content::Text("c".into())]),
            turn(Role::System, vec![Content::Text("s".into())]),
            user("d"),
        ],
        THIRD,
    );
    assert_eq!(
        told,
        json!([
            {"role": "user", "parts": [{"text": "a"}, {"text": "b"}]},
            {"role": "model", "parts": [{"text": "c"}]},
            {"role": "user", "parts": [{"text": "<system>s</system>"}, {"text": "d"}]},
        ])
    );
    assert!(named.is_empty());
    let (told, named) =
        contents(vec![turn(Role::Assistant, vec![Content::Text("c".into())]), user("d")], THIRD);
    assert_eq!(told[0], json!({"role": "user", "parts": [{"text": "(conversation continues)"}]}));
    assert_eq!(named, ["messages"]);
    // An instruction alone is what is asked.
    let request = Request { system: vec![Part::text("do it", At::ROOT)], ..Request::default() };
    let (body, ..) = write(&request, THIRD).unwrap();
    assert_eq!(
        (&body["contents"], body.get("systemInstruction")),
        (&json!([{"role": "user", "parts": [{"text": "do it"}]}]), None)
    );
    let orphan =
        Request { turns: vec![turn(Role::User, vec![outcome("9", "orphan")])], ..Request::default() };
    assert_eq!(write(&orphan, THIRD).unwrap_err().facts().param.as_deref(), Some("messages[0]"));
    let early = vec![turn(Role::System, vec![Content::Text("one".into())]), user("u")];
    let request = Request { system: vec![Part::text("zero", At::ROOT)], turns: early, ..Request::default() };
    let (body, ..) = write(&request, THIRD).unwrap();
    assert_eq!(body["systemInstruction"], json!({"parts": [{"text": "zero"}, {"text": "one"}]}));
}

#[test]
fn speakers_are_named_where_there_are_several() {
    let named = |name: &'static str| Turn { name: Some(name.into()), ..user("hi") };
    assert_eq!(
        contents(vec![named("ann"), named("bob")], THIRD).0[0]["parts"],
        json!([{"text": "ann: hi"}, {"text": "bob: hi"}])
    );
    assert_eq!(
        contents(vec![named("ann"), named("ann")], THIRD).0[0]["parts"],
        json!([{"text": "hi"}, {"text": "hi"}])
    );
}

#[test]
fn an_answer_that_the_client_began_is_refused() {
    let turns = || vec![user("a"), turn(Role::Assistant, vec![Content::Text("{".into())])];
    let request = Request { turns: turns(), ..Request::default() };
    assert!(write(&request, THIRD).unwrap_err().to_string().contains("begun"));
    let count = sluice_neutral::dialect::Upstream { operation: Operation::CountTokens, ..upstream(THIRD) };
    assert_eq!(write_to(&request, &count).unwrap().0["contents"][1]["role"], "model");
}

#[test]
fn results_stand_behind_their_calls_one_for_each_in_their_order() {
    let calls = || {
        turn(
            Role::Assistant,
            vec![Content::Text("so".into()), call("1", "f", r#"{"n":1.50}"#), call("2", "g", "")],
        )
    };
    let results = turn(
        Role::User,
        vec![Content::Text("and".into()), outcome("2", "two"), outcome("1", "one"), outcome("9", "orphan")],
    );
    let (told, named) = contents(vec![user("go"), calls(), results], SECOND);
    assert_eq!(
        told[1]["parts"],
        json!([
            {"text": "so"}, {"functionCall": {"id": "1", "name": "f", "args": {"n": 1.50}}}, {"functionCall": {"id": "2", "name": "g", "args": {}}},
        ])
    );
    assert_eq!(
        told[2],
        json!({"role": "user", "parts": [
            {"functionResponse": {"id": "1", "name": "f", "response": {"output": "one"}}},
            {"functionResponse": {"id": "2", "name": "g", "response": {"output": "two"}}},
            {"text": "and"},
        ]})
    );
    assert_eq!(named, ["messages.content"]);
    // What the client leaves out is told as a failure, wherever the conversation goes on.
    for rest in [vec![user("next")], vec![]] {
        let more = rest.len();
        let (told, named) = contents(
            [vec![user("go"), calls(), turn(Role::User, vec![outcome("1", "one")])], rest].concat(),
            SECOND,
        );
        assert_eq!(
            told[2]["parts"][1],
            json!({"functionResponse": {"id": "2", "name": "g", "response": {"error": "[no result provided]"}}})
        );
        assert_eq!((told[2]["parts"].as_array().unwrap().len(), named.len()), (2 + more, 1));
    }
    // One call after the other, as Responses tell them.
    let (told, _) = contents(
        vec![
            user("go"),
            turn(Role::Assistant, vec![call("1", "f", "{}")]),
            turn(Role::User, vec![outcome("1", "one")]),
            turn(Role::Assistant, vec![call("2", "g", "{}")]),
            turn(Role::User, vec![outcome("2", "two")]),
        ],
        SECOND,
    );
    let roles: Vec<&str> = told.as_array().unwrap().iter().map(|one| one["role"].as_str().unwrap()).collect();
    assert_eq!(roles, ["user", "model", "user", "model", "user"]);
}

#[test]
fn arguments_are_sent_digit_for_digit_or_wrapped_where_they_are_no_object() {
    let digits = r#"{"n":12345678901234567890.10,"z":1e400}"#;
    for (input, args, names) in
        [(digits, digits, 0), ("[1]", r#"{"_raw":"[1]"}"#, 1), (r#"{"cut":"#, r#"{"_raw":"{\"cut\":"}"#, 1)]
    {
        let request = Request {
            turns: vec![user("go"), turn(Role::Assistant, vec![call("1", "f", input)])],
            ..Request::default()
        };
        let mut losses = sluice_neutral::loss::Losses::toward(Api::Gemini);
        let (body, _) =
            sluice_neutral::dialect::Dialect::write(&crate::Gemini, &request, &upstream(SECOND), &mut losses)
                .unwrap();
        let body = String::from_utf8(body).unwrap();
        assert!(body.contains(&format!(r#""args":{args}"#)), "{body}");
        // The call has no result either.
        assert_eq!(losses.named().len(), 1, "{names}");
    }
}

#[test]
fn the_third_generation_gets_its_signatures_back_or_is_told_to_do_without() {
    let step = |seal: Option<Content<'static>>| {
        let mut parts: Vec<Content<'static>> = seal.into_iter().collect();
        parts.extend([Content::Text("say".into()), call("1", "f", "{}"), call("2", "f", "{}")]);
        vec![turn(Role::Assistant, parts), turn(Role::User, vec![outcome("1", "x"), outcome("2", "y")])]
    };
    let told = |earlier: Option<Content<'static>>,
                seal: Option<Content<'static>>,
                model: &str|
     -> (Value, Value) {
        let answered = vec![turn(Role::Assistant, vec![Content::Text("so".into())])];
        let turns = [vec![user("before")], step(earlier), answered, vec![user("now")], step(seal)].concat();
        let (told, _) = contents(turns, model);
        let signatures = |content: &Value| {
            let parts = content["parts"].as_array().unwrap().iter();
            parts.map(|part| part["thoughtSignature"].clone()).collect::<Value>()
        };
        let model: Vec<Value> =
            told.as_array().unwrap().iter().filter(|one| one["role"] == "model").map(signatures).collect();
        (model[0].clone(), model[2].clone())
    };
    let none = json!([null, null, null]);
    let skip = json!([null, "skip_thought_signature_validator", null]);
    let own = json!([null, "c2ln", null]);
    assert_eq!(told(None, None, SECOND), (none.clone(), none.clone()));
    assert_eq!(told(None, None, THIRD), (none.clone(), skip.clone()));
    assert_eq!(
        told(Some(thinking(Api::Gemini, "c2ln")), Some(thinking(Api::Gemini, "c2ln")), THIRD),
        (own.clone(), own)
    );
    assert_eq!(
        told(Some(thinking(Api::Anthropic, "EqQB")), Some(thinking(Api::OpenaiResponses, "gAAA")), THIRD),
        (none, skip)
    );
}

#[test]
fn thoughts_are_left_out_and_leave_no_empty_turn() {
    let (told, _) = contents(
        vec![user("a"), turn(Role::Assistant, vec![thinking(Api::Anthropic, "EqQB")]), user("b")],
        THIRD,
    );
    assert_eq!(told, json!([{"role": "user", "parts": [{"text": "a"}, {"text": "b"}]}]));
    let (told, _) = contents(
        vec![
            user("a"),
            turn(Role::Assistant, vec![thinking(Api::Gemini, "c2ln"), Content::Text("t".into())]),
            user("b"),
        ],
        THIRD,
    );
    assert_eq!(told[1]["parts"], json!([{"text": "t", "thoughtSignature": "c2ln"}]));
    let (told, _) = contents(
        vec![
            user("a"),
            turn(Role::Assistant, vec![Content::Text("t".into()), thinking(Api::Gemini, "c2ln")]),
            user("b"),
        ],
        THIRD,
    );
    assert_eq!(told[1]["parts"], json!([{"text": "t"}, {"text": "", "thoughtSignature": "c2ln"}]));
}

#[test]
fn media_are_sent_where_the_model_can_read_them() {
    let url = |address: &'static str| image(Source::Url(address.into()), "");
    for (content, model, part) in [
        (
            image(Source::Inline("AAEC".into()), "image/png"),
            SECOND,
            Some(json!({"inlineData": {"mimeType": "image/png", "data": "AAEC"}})),
        ),
        (image(Source::Inline("AAEC".into()), "image/gif"), THIRD, None),
        (
            url("https://example.com/a.png"),
            THIRD,
            Some(json!({"fileData": {"mimeType": "image/png", "fileUri": "https://example.com/a.png"}})),
        ),
        (url("https://example.com/a.png"), SECOND, None),
        (url("http://example.com/a.png"), THIRD, None),
        (
            url("https://generativelanguage.googleapis.com/v1beta/files/x"),
            SECOND,
            Some(
                json!({"fileData": {"fileUri": "https://generativelanguage.googleapis.com/v1beta/files/x"}}),
            ),
        ),
    ] {
        let request = Request { turns: vec![turn(Role::User, vec![content.clone()])], ..Request::default() };
        match (write(&request, model), part) {
            (Ok((body, ..)), Some(part)) => assert_eq!(body["contents"][0]["parts"][0], part),
            (Err(error), None) => assert_eq!(error.facts().param.as_deref(), Some("messages[0].content[0]")),
            (read, part) => panic!("{content:?} {part:?} {read:?}"),
        }
    }
    let media = |source, kind: &'static str| Media {
        source,
        media_type: kind.into(),
        name: Some("d.txt".into()),
        detail: None,
        context: None,
    };
    let parts = vec![
        Content::Document(media(Source::Plain("body".into()), "text/plain")),
        Content::Document(media(Source::Inline("AAEC".into()), "application/pdf")),
        Content::Audio(media(Source::Inline("AAEC".into()), "audio/wav")),
    ];
    let (told, _) = contents(vec![turn(Role::User, parts)], SECOND);
    assert_eq!(
        told[0]["parts"],
        json!([
            {"text": "d.txt"}, {"text": "body"},
            {"inlineData": {"mimeType": "application/pdf", "data": "AAEC"}},
            {"inlineData": {"mimeType": "audio/wav", "data": "AAEC"}},
        ])
    );
    let close = || {
        Content::Image(Media {
            detail: Some("low".into()),
            ..media(Source::Inline("AAEC".into()), "image/png")
        })
    };
    assert_eq!(
        contents(vec![turn(Role::User, vec![close()])], THIRD).0[0]["parts"][0]["mediaResolution"],
        json!({"level": "MEDIA_RESOLUTION_LOW"})
    );
    assert_eq!(contents(vec![turn(Role::User, vec![close()])], SECOND).1, ["messages.content.detail"]);
}

#[test]
fn images_of_results_go_with_them_or_behind_them() {
    let result = || {
        let parts = vec![
            Part::text("see", At::ROOT),
            Part::text("this", At::ROOT),
            Part::new(image(Source::Inline("AAEC".into()), "image/png"), At::ROOT),
        ];
        let outcome = Outcome { id: "1".into(), name: "".into(), parts, failed: true };
        vec![
            user("go"),
            turn(Role::Assistant, vec![call("1", "f", "{}")]),
            turn(Role::User, vec![Content::Outcome(outcome)]),
        ]
    };
    let data = json!({"inlineData": {"mimeType": "image/png", "data": "AAEC"}});
    let response = json!({"error": "see\nthis"});
    assert_eq!(
        contents(result(), THIRD).0[2]["parts"],
        json!([{"functionResponse": {"id": "1", "name": "f", "response": response, "parts": [data]}}])
    );
    assert_eq!(
        contents(result(), SECOND).0[2]["parts"],
        json!([{"functionResponse": {"id": "1", "name": "f", "response": response}}, data])
    );
}

#[test]
fn what_is_told_in_files_of_results_is_told_by_the_results_text() {
    let document = |source, name: &'static str, context: Option<&'static str>| {
        let media_type = "application/pdf".into();
        let context = context.map(Into::into);
        Content::Document(Media { source, media_type, name: Some(name.into()), detail: None, context })
    };
    let result = || {
        let parts = vec![
            Part::text("see", At::ROOT),
            Part::new(document(Source::Plain("long ago".into()), "a.txt", None), At::ROOT),
            Part::new(document(Source::Inline("AAEC".into()), "b.pdf", Some("of May")), At::ROOT),
        ];
        let outcome = Outcome { id: "1".into(), name: "".into(), parts, failed: false };
        vec![
            user("go"),
            turn(Role::Assistant, vec![call("1", "f", "{}")]),
            turn(Role::User, vec![Content::Outcome(outcome)]),
        ]
    };
    let data = json!({"inlineData": {"mimeType": "application/pdf", "data": "AAEC"}});
    let response = json!({"output": "see\na.txt\nlong ago\nb.pdf\nof May"});
    assert_eq!(
        contents(result(), THIRD).0[2]["parts"],
        json!([{"functionResponse": {"id": "1", "name": "f", "response": response, "parts": [data]}}])
    );
    let response = json!({"output": "see\na.txt\nlong ago"});
    assert_eq!(
        contents(result(), SECOND).0[2]["parts"],
        json!([{"functionResponse": {"id": "1", "name": "f", "response": response}}, {"text": "b.pdf\nof May"}, data])
    );
}

#[test]
fn a_count_is_asked_with_all_that_is_sent() {
    let count = sluice_neutral::dialect::Upstream { operation: Operation::CountTokens, ..upstream(THIRD) };
    let request = Request { turns: vec![user("hi")], ..Request::default() };
    let contents = json!([{"role": "user", "parts": [{"text": "hi"}]}]);
    assert_eq!(write_to(&request, &count).unwrap().0, json!({"contents": contents}));
    let request = Request { system: vec![Part::text("s", At::ROOT)], ..request };
    assert_eq!(
        write_to(&request, &count).unwrap().0,
        json!({"generateContentRequest": {
            "model": "models/gemini-3.8-flash", "contents": contents, "systemInstruction": {"parts": [{"text": "s"}]},
        }})
    );
}
