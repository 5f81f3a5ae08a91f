//! What must hold for all that may come.

use std::borrow::Cow;
use std::sync::Arc;

use proptest::prelude::*;
use sluice_api::cost::Usage;
use sluice_api::dialect::{Api, Form, Operation};
use sluice_api::error::{Fault, Kind};
use sluice_neutral::answer::{Answer, Block, Called, Citation, End, Event, Piece, Reason, Said};
use sluice_neutral::at::At;
use sluice_neutral::dialect::{Asked, Dialect as _, Sent, Upstream};
use sluice_neutral::loss::Losses;
use sluice_neutral::order::Ordered;
use sluice_neutral::request::{Call, Content, Input, Outcome, Part, Request, Role, Takes, Tool, Turn};
use sluice_neutral::seal::{Seal, account};

use super::{read, reply};
use crate::Responses;

const WORDS: [&str; 20] = [
    "input",
    "role",
    "user",
    "assistant",
    "developer",
    "content",
    "type",
    "message",
    "input_text",
    "text",
    "tools",
    "function",
    "name",
    "function_call",
    "call_id",
    "arguments",
    "reasoning",
    "summary",
    "output",
    "delta",
];

/// JSON of the API's own words, and of anything else.
fn json() -> impl Strategy<Value = serde_json::Value> {
    let word = prop::sample::select(&WORDS[..]).prop_map(str::to_owned);
    let leaf = prop_oneof![
        word.clone().prop_map(serde_json::Value::from),
        any::<i64>().prop_map(serde_json::Value::from),
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(serde_json::Value::from),
        any::<String>().prop_map(serde_json::Value::from),
    ];
    leaf.prop_recursive(5, 48, 6, move |inner| {
        let members = prop::collection::vec((word.clone(), inner.clone()), 0..6);
        prop_oneof![
            prop::collection::vec(inner, 0..6).prop_map(serde_json::Value::from),
            members.prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
        ]
    })
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..64),
        json().prop_map(|value| value.to_string().into_bytes()),
        json().prop_map(|value| format!("{{\"input\":[{value}],\"tools\":[{value}]}}").into_bytes()),
    ]
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z \\\\\"\n\u{e9}\u{1f600}]{1,12}", Just("data: x\n\nevent: y".to_owned())]
}

/// An answer as an account of this API gives one.
fn answer() -> impl Strategy<Value = Answer<'static>> {
    let of_text = (text(), any::<bool>()).prop_map(|(text, refuses)| {
        let mut said = Said::new(if refuses { Block::Refusal } else { Block::Text }, text);
        if !refuses {
            said.citations = vec![Citation {
                url: "https://h".into(),
                title: Some("t".into()),
                span: Some((0, said.text.len())),
            }];
        }
        said
    });
    let of_thought = (text(), any::<bool>()).prop_map(|(text, sealed)| {
        let mut said = Said::new(Block::Thinking, text);
        said.seal = sealed.then(|| Seal {
            origin: Api::OpenaiResponses,
            account: Some(account("a")),
            payload: "gAAA".into(),
        });
        said
    });
    let of_call = ("[a-z]{1,6}", text(), any::<bool>()).prop_map(|(name, text, plain)| {
        let arguments = serde_json::json!({"x": text}).to_string();
        let called = Called { id: String::new().into(), name: name.into(), plain };
        Said::new(Block::Call(called), if plain { text } else { arguments })
    });
    let said = prop::collection::vec(prop_oneof![of_text, of_thought, of_call], 0..6);
    (said, any::<bool>()).prop_map(|(mut said, is_cut)| {
        for (index, said) in said.iter_mut().enumerate() {
            if let Block::Call(called) = &mut said.block {
                called.id = format!("call_{index}").into();
            }
        }
        let reason = if is_cut { Reason::Length } else { Reason::Done };
        Answer {
            said,
            end: End { reason, stop_sequence: None },
            usage: Some(Usage::new(7, 3)),
            ..Answer::default()
        }
    })
}

/// What a stream says, block by block.
fn said(body: &[u8]) -> (Vec<Said<'static>>, Option<End<'static>>, Option<Usage>) {
    let sent = Arc::new(Sent { account: "a".to_owned(), ..Sent::default() });
    let mut reader = Responses.stream(&sent);
    let (mut blocks, mut end, mut used) = (Vec::<(u64, Said<'static>)>::new(), None, None);
    for event in super::events(body) {
        let name = event["type"].as_str().unwrap();
        let told = reader.event(name, event.to_string().as_bytes(), &mut |event| match event {
            Event::Opened(index, block) => blocks.push((index, Said::new(owned(block), ""))),
            Event::Added(index, piece) => {
                let (_, said) = blocks.iter_mut().find(|(known, _)| *known == index).unwrap();
                match piece {
                    Piece::Text(text) => said.text.to_mut().push_str(&text),
                    Piece::Seal(seal) => {
                        said.seal = Some(Seal { payload: seal.payload.into_owned().into(), ..seal })
                    }
                    Piece::Citation(one) => said.citations.push(Citation {
                        url: one.url.into_owned().into(),
                        title: one.title.map(|title| title.into_owned().into()),
                        span: one.span,
                    }),
                    Piece::Logprobs(_) => {}
                }
            }
            Event::Ended(told) => end = Some(End { reason: told.reason, stop_sequence: None }),
            Event::Used(usage) => used = Some(usage),
            Event::Failed(failure) => panic!("{failure:?}"),
            Event::Started(_) | Event::Closed(_) | Event::Whole => {}
        });
        told.unwrap();
    }
    (blocks.into_iter().map(|(_, said)| said).collect(), end, used)
}

fn owned(block: Block<'_>) -> Block<'static> {
    match block {
        Block::Text => Block::Text,
        Block::Refusal => Block::Refusal,
        Block::Thinking => Block::Thinking,
        Block::Redacted => Block::Redacted,
        Block::Call(Called { id, name, plain }) => {
            Block::Call(Called { id: id.into_owned().into(), name: name.into_owned().into(), plain })
        }
        Block::Image { media_type } => Block::Image { media_type: media_type.into_owned().into() },
    }
}

/// Without the id with which what is encrypted goes back.
fn plain(mut said: Vec<Said<'static>>) -> Vec<Said<'static>> {
    for one in &mut said {
        if let Some(seal) = &mut one.seal {
            let encrypted = seal.payload.rsplit(':').next().unwrap_or_default().to_owned();
            seal.payload = encrypted.into();
        }
    }
    said
}

/// A conversation as other dialects' clients have one.
fn conversation() -> impl Strategy<Value = Request<'static>> {
    let user = text().prop_map(|text| (Role::User, vec![Content::Text(text.into())]));
    let system = text().prop_map(|text| (Role::System, vec![Content::Text(text.into())]));
    let model = (text(), text(), any::<bool>()).prop_map(|(said, argument, plain)| {
        let input = if plain {
            Input::Plain(argument.into())
        } else {
            Input::Json(serde_json::json!({"x": argument}).to_string().into())
        };
        let call = Call { id: Cow::Borrowed("c"), name: Cow::Borrowed("f"), input, seal: None };
        (Role::Assistant, vec![Content::Text(said.into()), Content::Call(call)])
    });
    let turns = prop::collection::vec(prop_oneof![user, system, model], 1..6);
    (turns, prop::option::of(text())).prop_map(|(all, system)| {
        let mut turns = vec![turn(Role::User, vec![Content::Text("go".into())])];
        for (index, (role, mut parts)) in all.into_iter().enumerate() {
            let mut results = None;
            if let Some(Content::Call(call)) = parts.last_mut() {
                call.id = format!("call_{index}").into();
                let part = Part::new(Content::Text("done".into()), At::ROOT);
                let outcome =
                    Outcome { id: call.id.clone(), name: "f".into(), parts: vec![part], failed: false };
                results = Some(turn(Role::User, vec![Content::Outcome(outcome)]));
            }
            turns.push(turn(role, parts));
            turns.extend(results);
        }
        let takes = Takes::Schema(Some(r#"{"type":"object","properties":{}}"#.into()));
        let tool = Tool {
            name: "f".into(),
            description: None,
            takes,
            strict: Some(false),
            deferred: false,
            says: None,
            cache: None,
            at: At::ROOT,
        };
        let system = system.map(|text| Part::text(text, At::ROOT)).into_iter().collect();
        Request { turns, tools: vec![tool], system, ..Request::default() }
    })
}

fn turn(role: Role, parts: Vec<Content<'static>>) -> Turn<'static> {
    let parts = parts.into_iter().map(|content| Part::new(content, At::ROOT)).collect();
    Turn { role, name: None, parts, at: At::ROOT }
}

/// What a conversation says, wherever it stands.
fn words(request: &Request<'_>) -> Vec<String> {
    let of = |part: &Part<'_>| match &part.content {
        Content::Text(text) => format!("text {text}"),
        Content::Call(call) => format!("call {} {} {:?}", call.id, call.name, call.input),
        Content::Outcome(outcome) => {
            let texts: Vec<String> = outcome.parts.iter().map(|part| format!("{:?}", part.content)).collect();
            format!("outcome {} {} {}", outcome.id, outcome.name, texts.join(" "))
        }
        other => format!("{other:?}"),
    };
    let system = request.system.iter().map(|part| format!("system {}", of(part)));
    let turns = request
        .turns
        .iter()
        .flat_map(|turn| turn.parts.iter().map(move |part| format!("{:?} {}", turn.role, of(part))));
    let tools = request.tools.iter().map(|tool| format!("{} {:?} {:?}", tool.name, tool.takes, tool.strict));
    system.chain(turns).chain(tools).collect()
}

proptest! {
    #[test]
    fn no_bytes_of_a_clients_make_a_panic_and_its_mistakes_are_its_own(body in bytes()) {
        for toward in [Api::Anthropic, Api::OpenaiChat, Api::Gemini] {
            for operation in [Operation::Generate, Operation::CountTokens] {
                let asked = Asked { body: &body, operation };
                if let Err(error) = Responses.read(&asked, &mut Losses::toward(toward)) {
                    prop_assert_eq!((error.kind(), error.facts().fault), (Kind::BadRequest, Fault::Client));
                }
            }
        }
    }

    #[test]
    fn no_bytes_of_an_upstreams_make_a_panic_and_its_mistakes_are_its_own(
        events in prop::collection::vec((prop::sample::select(&[
            "response.created", "response.output_item.added", "response.output_text.delta", "response.output_item.done",
            "response.function_call_arguments.delta", "response.reasoning_summary_text.delta", "response.completed",
            "response.output_text.annotation.added", "error", "",
        ][..]), bytes()), 0..6),
        status in 100_u16..600,
    ) {
        let sent = Arc::new(Sent::default());
        let mut reader = Responses.stream(&sent);
        let writer = Responses.tells(&reply("{}"));
        let mut ordered = Ordered::new(Arc::clone(&sent), writer, "req".into());
        let mut out = Vec::new();
        for (name, data) in &events {
            if let Err(error) = Responses.answer(data, &sent) {
                prop_assert_eq!(error.kind(), Kind::Upstream);
            }
            let _ = Responses.failure(http::StatusCode::from_u16(status).unwrap(), data);
            let _ = Responses.counted(data);
            let told = reader.event(name, data, &mut |event| ordered.take(event, &mut out).unwrap());
            if let Err(error) = told {
                prop_assert_eq!(error.kind(), Kind::Upstream);
                break;
            }
        }
        super::events(&out);
    }

    #[test]
    fn what_is_told_as_a_stream_is_heard_as_it_was(answer in answer(), cuts in prop::collection::vec(0_usize..8, 0..8)) {
        let reply = reply("{}");
        let mut ordered = Ordered::new(Arc::default(), Responses.tells(&reply), "req".into());
        let mut out = Vec::new();
        let mut cuts = cuts.into_iter();
        answer.clone().events(&mut |event| match event {
            // The same text in pieces of any length.
            Event::Added(index, Piece::Text(text)) => {
                let at = text.char_indices().nth(cuts.next().unwrap_or_default()).map_or(0, |(at, _)| at);
                let (before, behind) = text.split_at(at);
                for piece in [before, behind] {
                    let piece = Piece::Text(piece.to_owned().into());
                    ordered.take(Event::Added(index, piece), &mut out).unwrap();
                }
            }
            event => ordered.take(event, &mut out).unwrap(),
        });
        let (said, end, used) = said(&out);
        prop_assert_eq!(plain(said), plain(answer.said.clone()));
        prop_assert_eq!(end.unwrap().reason, answer.end.reason);
        prop_assert_eq!(used.unwrap().total(), 10);
        let whole = Responses.tell(&answer, &reply);
        let read = Responses.answer(&whole, &Sent { account: "a".to_owned(), ..Sent::default() }).unwrap();
        let read: Vec<Said<'static>> = read.said.into_iter().map(|said| Said {
            block: owned(said.block),
            text: said.text.into_owned().into(),
            seal: said.seal.map(|seal| Seal { payload: seal.payload.into_owned().into(), ..seal }),
            citations: answer_citations(&said.citations),
            logprobs: Vec::new(),
        }).collect();
        prop_assert_eq!(plain(read), plain(answer.said));
    }

    #[test]
    fn what_is_written_for_an_upstream_is_read_as_it_was(request in conversation()) {
        let upstream = Upstream {
            model: "m", provider: "openai", account: "a", operation: Operation::Generate, form: Form::Whole,
            max_output: None, include_usage: false,
        };
        let mut losses = Losses::toward(Api::OpenaiResponses);
        let (body, _) = Responses.write(&request, &upstream, &mut losses).unwrap();
        prop_assert_eq!(losses.named(), Vec::<String>::new());
        let body = String::from_utf8(body).unwrap();
        let (back, _) = read(&body, Api::Anthropic).unwrap();
        prop_assert_eq!(words(&back), words(&request));
    }
}

fn answer_citations(told: &[Citation<'_>]) -> Vec<Citation<'static>> {
    let owned = |one: &Citation<'_>| Citation {
        url: one.url.clone().into_owned().into(),
        title: one.title.clone().map(|title| title.into_owned().into()),
        span: one.span,
    };
    told.iter().map(owned).collect()
}
