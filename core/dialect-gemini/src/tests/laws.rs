//! What holds whatever comes.

use std::sync::Arc;

use http::StatusCode;
use proptest::prelude::*;
use sluice_api::cost::Usage;
use sluice_api::dialect::{Api, Operation};
use sluice_api::error::{Fault, Kind};
use sluice_neutral::answer::{Answer, Block, Called, End, Event, Reason, Said};
use sluice_neutral::at::At;
use sluice_neutral::dialect::{Asked, Dialect as _};
use sluice_neutral::loss::Losses;
use sluice_neutral::order::settled;
use sluice_neutral::request::{Call, Content, Input, Outcome, Part, Request, Role, Turn};

use super::{events, reply, sent, streamed, upstream};
use crate::Gemini;
use crate::answer::whole::Reading;

/// Words of the dialect, so that what is made at random comes far.
const WORDS: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "\"",
    "null",
    "true",
    "-1.5e9",
    "\"contents\"",
    "\"parts\"",
    "\"text\"",
    "\"role\"",
    "\"model\"",
    "\"functionCall\"",
    "\"functionResponse\"",
    "\"name\"",
    "\"args\"",
    "\"inlineData\"",
    "\"mimeType\"",
    "\"candidates\"",
    "\"content\"",
    "\"finishReason\"",
    "\"STOP\"",
    "\"usageMetadata\"",
    "\"error\"",
    "\"tools\"",
    "\"generationConfig\"",
    "\"partialArgs\"",
    "\"jsonPath\"",
    "\"$.a[1]\"",
    "\"responseSchema\"",
    "\"\\ud800\"",
    "\u{feff}",
    "é",
];

/// Documents of any shape whose names are those of the dialect.
fn documents() -> impl Strategy<Value = String> {
    let names = prop::sample::select(vec![
        "contents",
        "parts",
        "text",
        "role",
        "functionCall",
        "function_response",
        "name",
        "args",
        "id",
        "inlineData",
        "fileData",
        "mimeType",
        "data",
        "fileUri",
        "thought",
        "thoughtSignature",
        "candidates",
        "content",
        "finishReason",
        "usageMetadata",
        "error",
        "code",
        "message",
        "details",
        "tools",
        "functionDeclarations",
        "parameters",
        "type",
        "properties",
        "items",
        "anyOf",
        "generationConfig",
        "thinkingConfig",
        "thinkingBudget",
        "systemInstruction",
        "toolConfig",
        "partialArgs",
        "jsonPath",
        "promptFeedback",
        "blockReason",
        "groundingMetadata",
        "groundingChunks",
        "responseFormat",
        "response",
        "willContinue",
        "index",
        "executableCode",
        "labels",
        "logprobsResult",
    ]);
    let leaves = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        any::<i32>().prop_map(|number| number.to_string()),
        prop::sample::select(vec![
            "user",
            "model",
            "STOP",
            "SAFETY",
            "image/png",
            "AAEC",
            "OBJECT",
            "$.a",
            "",
            "https://e.com/a.png"
        ])
        .prop_map(|text| format!("\"{text}\"")),
        ".{0,8}".prop_map(|text| serde_json::Value::from(text).to_string()),
    ];
    leaves.prop_recursive(7, 64, 5, move |inner| {
        let members = prop::collection::vec((names.clone(), inner.clone()), 0..5);
        prop_oneof![
            prop::collection::vec(inner, 0..4).prop_map(|items| format!("[{}]", items.join(","))),
            members.prop_map(|members| {
                let members: Vec<String> =
                    members.into_iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    })
}

fn anything() -> impl Strategy<Value = Vec<u8>> {
    let words = prop::collection::vec(prop::sample::select(WORDS.to_vec()), 0..40)
        .prop_map(|words| words.concat().into_bytes());
    let under = |name: &'static str| {
        documents().prop_map(move |document| format!("{{\"{name}\":{document}}}").into_bytes())
    };
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..64),
        words,
        documents().prop_map(String::into_bytes),
        under("contents"),
        under("candidates"),
        under("error"),
        documents().prop_map(|document| format!(
            "{{\"contents\":[{{\"parts\":[{{\"text\":\"t\"}}]}}],\"tools\":{document}}}"
        )
        .into_bytes()),
        documents().prop_map(|document| format!(
            "{{\"contents\":[{{\"parts\":[{{\"text\":\"t\"}}]}}],\"generationConfig\":{document}}}"
        )
        .into_bytes()),
    ]
}

/// Objects with digits that no number in memory keeps.
fn arguments() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("{}".to_owned()),
        "[0-9]{1,30}".prop_map(|digits| format!(r#"{{"n":1.{digits}0,"s":"a\\\"b"}}"#)),
        ".{0,12}".prop_map(|text| serde_json::json!({ "text": text, "in": [null, { "x": 1 }] }).to_string()),
    ]
}

fn texts() -> impl Strategy<Value = String> {
    ".{1,12}"
}

/// Answers as they are once they are settled.
fn answers() -> impl Strategy<Value = Answer<'static>> {
    let said = prop_oneof![
        texts().prop_map(|text| Said::new(Block::Text, text)),
        texts().prop_map(|text| Said::new(Block::Thinking, text)),
        arguments().prop_map(|args| {
            let called = Called { id: "".into(), name: "f".into(), plain: false };
            Said::new(Block::Call(called), args)
        }),
        Just(Said::new(Block::Image { media_type: "image/png".into() }, "AAEC")),
    ];
    let usage =
        (0..1000_u64, 0..1000_u64, 0..1000_u64, 0..1000_u64).prop_map(|(input, output, read, reasoning)| {
            let mut usage = Usage::new(input, output + reasoning);
            (usage.cache_read, usage.reasoning) = (read, reasoning);
            usage
        });
    let reasons = prop::sample::select(vec![Reason::Done, Reason::Length, Reason::Refused]);
    (prop::collection::vec(said, 0..6), usage, reasons).prop_map(|(mut said, usage, reason)| {
        // Neighbours of a kind are one block.
        said.dedup_by(|one, other| {
            one.block == other.block && !matches!(one.block, Block::Call(_) | Block::Image { .. })
        });
        for (index, said) in said.iter_mut().enumerate() {
            if let Block::Call(called) = &mut said.block {
                called.id = format!("c{index}").into();
            }
        }
        let answer = Answer {
            said,
            end: End { reason, stop_sequence: None },
            usage: Some(usage),
            ..Answer::default()
        };
        settled(answer, &sent())
    })
}

/// What a stream's reader makes of a stream's events.
fn read_back(stream: &str) -> Answer<'static> {
    let mut reader = Gemini.stream(&Arc::new(sent()));
    let mut reading = Reading::default();
    let mut take = |event: Event<'_>| reading.event(lasting(event));
    for event in events(stream) {
        reader.event("", event.as_bytes(), &mut take).unwrap();
    }
    reader.end(&mut take);
    reading.whole().unwrap()
}

/// An event that lives by itself.
fn lasting(event: Event<'_>) -> Event<'static> {
    use sluice_neutral::answer::{Piece, Started, owned};
    match event {
        Event::Started(started) => Event::Started(Started {
            id: started.id.map(owned),
            model: started.model.map(owned),
            usage: started.usage,
        }),
        Event::Opened(index, Block::Call(Called { id, name, plain })) => {
            Event::Opened(index, Block::Call(Called { id: owned(id), name: owned(name), plain }))
        }
        Event::Opened(index, Block::Image { media_type }) => {
            Event::Opened(index, Block::Image { media_type: owned(media_type) })
        }
        Event::Opened(index, Block::Thinking) => Event::Opened(index, Block::Thinking),
        Event::Opened(index, _) => Event::Opened(index, Block::Text),
        Event::Added(index, Piece::Text(text)) => Event::Added(index, Piece::Text(owned(text))),
        Event::Closed(index) => Event::Closed(index),
        Event::Used(usage) => Event::Used(usage),
        Event::Ended(End { reason, .. }) => Event::Ended(End { reason, stop_sequence: None }),
        Event::Whole => Event::Whole,
        other => panic!("{other:?}"),
    }
}

proptest! {
    #[test]
    fn whatever_a_client_sends_is_read_or_is_its_mistake(body in anything()) {
        for toward in [Api::Anthropic, Api::OpenaiChat, Api::OpenaiResponses] {
            for operation in [Operation::Generate, Operation::CountTokens] {
                let mut losses = Losses::toward(toward);
                match Gemini.read(&Asked { body: &body, operation }, &mut losses) {
                    Ok((request, _)) => {
                        // What was read can be written, or is refused as the client's mistake too.
                        let mut losses = Losses::toward(Api::Gemini);
                        match Gemini.write(&request, &upstream("gemini-2.5-flash"), &mut losses) {
                            Ok((body, _)) => prop_assert!(serde_json::from_slice::<serde::de::IgnoredAny>(&body).is_ok()),
                            Err(error) => prop_assert_eq!(error.facts().fault, Fault::Client),
                        }
                    }
                    Err(error) => {
                        prop_assert_eq!(error.kind(), Kind::BadRequest);
                        prop_assert_eq!(error.facts().fault, Fault::Client);
                    }
                }
            }
        }
    }

    #[test]
    fn whatever_an_upstream_answers_is_read_or_is_its_fault(bodies in prop::collection::vec(anything(), 1..4)) {
        let mut reader = Gemini.stream(&Arc::new(sent()));
        let (mut open, mut ended, mut begun) = (Vec::new(), false, false);
        let mut told = Vec::new();
        for body in &bodies {
            if let Err(error) = Gemini.answer(body, &sent()) {
                prop_assert_eq!(error.facts().fault, Fault::Provider);
            }
            let failure = Gemini.failure(StatusCode::BAD_GATEWAY, body);
            prop_assert!(!failure.message.is_empty());
            let _ = Gemini.counted(body);
            if let Err(error) = reader.event("", body, &mut |event| told.push(super::words(&event))) {
                prop_assert_eq!(error.facts().fault, Fault::Provider);
                break;
            }
        }
        reader.end(&mut |event| told.push(super::words(&event)));
        for event in &told {
            let mut words = event.split(' ');
            match (words.next().unwrap(), words.next()) {
                ("started", _) => prop_assert!(!std::mem::replace(&mut begun, true)),
                ("open", index) => open.push(index),
                ("close", index) => {
                    let place = open.iter().position(|one| *one == index);
                    prop_assert!(place.is_some());
                    open.remove(place.unwrap());
                }
                ("end", _) => {
                    prop_assert!(open.is_empty() && begun);
                    ended = true;
                }
                ("whole", _) => prop_assert!(ended),
                ("failed" | "used", _) => {}
                (index, _) => prop_assert!(open.contains(&Some(index)), "{:?}", told),
            }
        }
    }

    #[test]
    fn an_answer_that_is_told_is_read_as_it_was(answer in answers()) {
        let body = Gemini.tell(&answer, &reply());
        let back = Gemini.answer(&body, &sent()).unwrap();
        let back = settled(back, &sent());
        prop_assert_eq!(&back.said, &answer.said);
        prop_assert_eq!((back.end, back.usage), (answer.end.clone(), answer.usage));
    }

    #[test]
    fn a_stream_that_is_told_is_read_as_it_was_wherever_texts_are_cut(answer in answers(), size in 1..5_usize) {
        let mut events = Vec::new();
        answer.clone().events(&mut |event| match event {
            Event::Added(index, sluice_neutral::answer::Piece::Text(text)) => {
                let letters: Vec<char> = text.chars().collect();
                for piece in letters.chunks(size) {
                    let piece: String = piece.iter().collect();
                    events.push(Event::Added(index, sluice_neutral::answer::Piece::Text(piece.into())));
                }
            }
            other => events.push(other),
        });
        let (stream, whole) = streamed(events, reply());
        prop_assert!(whole);
        let back = settled(read_back(&stream), &sent());
        prop_assert_eq!(&back.said, &answer.said);
        prop_assert_eq!((back.end, back.usage), (answer.end.clone(), answer.usage));
    }

    #[test]
    fn a_request_that_is_written_is_read_as_it_was(rounds in prop::collection::vec((texts(), prop::collection::vec((arguments(), texts(), any::<bool>()), 0..3)), 1..4)) {
        let mut turns = Vec::new();
        let turn = |role, parts: Vec<Content<'static>>| Turn {
            role, name: None, at: At::ROOT, parts: parts.into_iter().map(|part| Part::new(part, At::ROOT)).collect(),
        };
        for (round, (text, calls)) in rounds.into_iter().enumerate() {
            turns.push(turn(Role::User, vec![Content::Text(text.into())]));
            let id = |index: usize| format!("id_{round}_{index}");
            let called = calls.iter().enumerate().map(|(index, (args, ..))| Content::Call(Call {
                id: id(index).into(), name: "f".into(), input: Input::Json(args.clone().into()), seal: None,
            })).collect::<Vec<_>>();
            let outcomes = calls.iter().enumerate().map(|(index, (_, text, failed))| Content::Outcome(Outcome {
                id: id(index).into(), name: "f".into(), parts: vec![Part::text(text.clone(), At::ROOT)], failed: *failed,
            })).collect::<Vec<_>>();
            if !called.is_empty() {
                turns.push(turn(Role::Assistant, called));
                turns.push(turn(Role::User, outcomes));
                turns.push(turn(Role::Assistant, vec![Content::Text("so".into())]));
            }
        }
        turns.push(turn(Role::User, vec![Content::Text("last".into())]));
        let request = Request { turns, system: vec![Part::text("be", At::ROOT)], ..Request::default() };
        let mut losses = Losses::toward(Api::Gemini);
        let (body, _) = Gemini.write(&request, &upstream("gemini-3.8-flash"), &mut losses).unwrap();
        prop_assert!(losses.named().is_empty());
        let mut losses = Losses::toward(Api::Anthropic);
        let (back, _) = Gemini.read(&Asked { body: &body, operation: Operation::Generate }, &mut losses).unwrap();
        prop_assert_eq!(flat(&back), flat(&request));
    }
}

/// What is said, turn by turn, those of one side as one.
fn flat(request: &Request<'_>) -> Vec<(Role, Vec<String>)> {
    let mut all: Vec<(Role, Vec<String>)> = vec![(Role::System, request.system.iter().map(words).collect())];
    for turn in &request.turns {
        let words = turn.parts.iter().map(words);
        match all.last_mut() {
            Some((role, told)) if *role == turn.role => told.extend(words),
            _ => all.push((turn.role, words.collect())),
        }
    }
    all
}

fn words(part: &Part<'_>) -> String {
    match &part.content {
        Content::Text(text) => text.clone().into_owned(),
        Content::Call(Call { id, name, input, .. }) => format!("{id} {name} {input:?}"),
        Content::Outcome(Outcome { id, name, parts, failed }) => {
            format!("{id} {name} {failed} {:?}", parts.iter().map(words).collect::<Vec<_>>())
        }
        other => format!("{other:?}"),
    }
}
