//! A request that is written is read again as it was.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use sluice_api::dialect::{Api, Form, Operation};
use sluice_neutral::at::At;
use sluice_neutral::dialect::{Asked, Dialect, Upstream};
use sluice_neutral::loss::Losses;
use sluice_neutral::request::{
    Call, Choice, Content, Format, Input, Length, Lifetime, Media, Outcome, Part, Reasoning, Request, Role,
    Source, Takes, Text, Thinking, Told, Tool, Turn,
};
use sluice_neutral::seal::Seal;

use crate::Anthropic;

fn words() -> impl Strategy<Value = Text<'static>> {
    any::<String>()
        .prop_filter("what is blank is left out", |text| !text.trim().is_empty())
        .prop_map(Text::Owned)
}

fn part(content: Content<'static>) -> Part<'static> {
    Part::new(content, At::ROOT)
}

fn image() -> impl Strategy<Value = Content<'static>> {
    let source = prop_oneof![
        "[A-Za-z0-9+/]{4,40}".prop_map(|data| (Source::Inline(data.into()), "image/webp".into())),
        "https://a.example/[a-z]{1,9}".prop_map(|url| (Source::Url(url.into()), Text::default())),
    ];
    source.prop_map(|(source, media_type)| {
        Content::Image(Media { source, media_type, name: None, detail: None, context: None })
    })
}

fn document() -> impl Strategy<Value = Content<'static>> {
    (words(), option::of(words()), option::of(words())).prop_map(|(text, name, context)| {
        let media_type = "text/plain".into();
        Content::Document(Media { source: Source::Plain(text), media_type, name, detail: None, context })
    })
}

fn shown() -> impl Strategy<Value = Content<'static>> {
    prop_oneof![words().prop_map(Content::Text), image(), document()]
}

/// What a model says, and the user's results of its calls and words after it.
fn round() -> impl Strategy<Value = (Vec<Part<'static>>, Vec<Part<'static>>)> {
    let thought = (words(), "[a-zA-Z0-9+/=]{1,30}").prop_map(|(text, payload)| {
        let seal = Some(Seal { origin: Api::Anthropic, account: None, payload: payload.into() });
        Content::Thinking(Thinking { text, seal, redacted: false })
    });
    let call = ("[a-z]{1,9}", any::<i64>(), any::<bool>(), vec(shown(), 0..3));
    let calls = vec(call, 0..3);
    (option::of(thought), words(), calls, vec(shown(), 1..3)).prop_map(|(thought, text, calls, later)| {
        let mut said: Vec<Part<'_>> = thought.into_iter().chain([Content::Text(text)]).map(part).collect();
        let mut heard = Vec::new();
        for (index, (name, number, failed, parts)) in calls.into_iter().enumerate() {
            let id: Text<'_> = format!("c_{index}").into();
            let input = Input::Json(format!("{{\"n\":{number}.50}}").into());
            said.push(part(Content::Call(Call { id: id.clone(), name: name.into(), input, seal: None })));
            let parts = parts.into_iter().map(part).collect();
            heard.push(part(Content::Outcome(Outcome { id, name: Text::default(), parts, failed })));
        }
        heard.extend(later.into_iter().map(part));
        (said, heard)
    })
}

fn tool() -> impl Strategy<Value = Tool<'static>> {
    (option::of(words()), option::of(Just(true)), any::<i32>()).prop_map(|(description, strict, number)| {
        let schema = format!("{{\"type\":\"object\",\"properties\":{{\"a\":{{\"const\":{number}.00}}}},\"additionalProperties\":false}}");
        let (takes, says, cache) = (Takes::Schema(Some(schema.into())), None, None);
        Tool { name: "t".into(), description, takes, strict, deferred: false, says, cache, at: At::ROOT }
    })
}

fn told<T>(value: T) -> Option<Told<T>> {
    Some(Told::new(value, At::ROOT))
}

fn requests() -> impl Strategy<Value = Request<'static>> {
    let cache = option::of(prop_oneof![Just(Lifetime::Short), Just(Lifetime::Long)]);
    let system = (vec(words(), 0..3), cache);
    let rounds = (vec(shown(), 1..3), vec(round(), 0..3));
    let choice = option::of(prop_oneof![
        Just(Choice::Auto),
        Just(Choice::Any),
        Just(Choice::Never),
        Just(Choice::One("t".into())),
    ]);
    let plain = (option::of(words()), vec(words(), 0..2), option::of(any::<bool>()), any::<bool>());
    (system, rounds, vec(tool(), 1..2), choice, plain).prop_map(|(system, rounds, tools, choice, plain)| {
        let (user, stop, alone, formatted) = plain;
        let mut request = Request { tools, ..Request::default() };
        request.system = system.0.into_iter().map(|text| part(Content::Text(text))).collect();
        if let Some(last) = request.system.last_mut() {
            last.cache = system.1;
        }
        let turn = |role, parts| Turn { role, name: None, parts, at: At::ROOT };
        request.turns.push(turn(Role::User, rounds.0.into_iter().map(part).collect()));
        for (said, heard) in rounds.1 {
            request.turns.push(turn(Role::Assistant, said));
            request.turns.push(turn(Role::User, heard));
        }
        let forced = matches!(choice, Some(Choice::Any | Choice::One(_)));
        let never = choice == Some(Choice::Never);
        request.parallel =
            alone.filter(|_| choice.is_some() && !never).filter(|alone| *alone).and_then(|_| told(false));
        request.choice = choice.and_then(told);
        request.length = told(Length { tokens: 9_000, with_thinking: true });
        if !forced && request.turns.len() == 1 {
            request.reasoning = Reasoning { budget: told(2_000), carried: true, ..Reasoning::default() };
        }
        request.user = user.and_then(told);
        request.stop = stop.into_iter().filter_map(told).collect();
        if formatted {
            let schema = r#"{"type":"object","additionalProperties":false}"#.into();
            request.format =
                told(Format::Schema { name: None, description: None, schema, strict: Some(true) });
        }
        request
    })
}

/// A request in words, without the places that it was read from.
fn plain(request: &Request<'_>) -> String {
    let words = format!("{request:?}");
    let mut plain = String::with_capacity(words.len());
    let mut rest = words.as_str();
    while let Some((before, after)) = rest.split_once("At { list: ") {
        plain.push_str(before);
        rest = after.split_once('}').map_or("", |(_, after)| after);
    }
    plain.push_str(rest);
    plain
}

proptest! {
    #[test]
    fn a_request_is_read_again_as_it_was_written(request in requests()) {
        let upstream = Upstream {
            model: "claude-sonnet-4-5",
            provider: "claude",
            account: "acc",
            operation: Operation::Generate,
            form: Form::Sse,
            max_output: None,
            include_usage: false,
        };
        let mut losses = Losses::toward(Api::Anthropic);
        let (body, _) = Anthropic.write(&request, &upstream, &mut losses).unwrap();
        prop_assert!(losses.named().is_empty());
        let mut losses = Losses::toward(Api::Anthropic);
        let asked = Asked { body: &body, operation: Operation::Generate };
        let (read, _) = Anthropic.read(&asked, &mut losses).unwrap();
        prop_assert_eq!(plain(&read), plain(&request));
        prop_assert!(losses.named().is_empty());
    }
}
