//! What holds of whatever is sent: nothing panics, and what is written reads back as what it was.

use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_oneof, proptest};
use proptest::sample::Index;
use serde_json::{Value, json};
use sluice_api::dialect::{Api, Operation};
use sluice_api::error::Kind;
use sluice_neutral::answer::{Answer, Block, Called, Citation, End, Event, Piece, Reason, Said, Started};
use sluice_neutral::dialect::{Asked, Dialect as _, Sent};
use sluice_neutral::loss::Losses;
use sluice_neutral::order::{Ordered, settled};

use super::{Gathered, events, gathered, read, reply, upstream};
use crate::Chat;
use crate::kept::Kept;

const TOWARD: [Api; 4] = [Api::Anthropic, Api::OpenaiChat, Api::OpenaiResponses, Api::Gemini];

/// JSON of any kind, with the words of the dialect in it.
fn anything() -> impl Strategy<Value = Value> {
    let word = prop_oneof![
        proptest::sample::select(WORDS.to_vec()).prop_map(|word| json!(word)),
        ".{0,6}".prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        Just(Value::Null),
    ];
    word.prop_recursive(6, 48, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map(Value::from),
            vec((proptest::sample::select(WORDS.to_vec()), inner), 0..7).prop_map(|members| {
                Value::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
            }),
        ]
    })
}

const WORDS: [&str; 48] = [
    "messages",
    "role",
    "content",
    "user",
    "assistant",
    "tool",
    "function",
    "system",
    "text",
    "type",
    "image_url",
    "url",
    "data:image/png;base64,QQ==",
    "file",
    "file_data",
    "input_audio",
    "tool_calls",
    "tool_call_id",
    "function_call",
    "id",
    "name",
    "arguments",
    "custom",
    "input",
    "tools",
    "tool_choice",
    "allowed_tools",
    "parameters",
    "response_format",
    "json_schema",
    "schema",
    "stop",
    "choices",
    "delta",
    "message",
    "finish_reason",
    "index",
    "usage",
    "prompt_tokens",
    "completion_tokens",
    "reasoning_content",
    "error",
    "logprobs",
    "annotations",
    "url_citation",
    "refusal",
    "stream_options",
    "thinking",
];

fn asked(body: &[u8]) -> Asked<'_> {
    Asked { body, operation: Operation::Generate }
}

/// Reads what a client sends, and writes it again where it can be read.
fn sent_by_a_client(body: &[u8]) {
    for toward in TOWARD {
        let mut losses = Losses::toward(toward);
        match Chat.read(&asked(body), &mut losses) {
            Err(error) => assert_eq!(error.kind(), Kind::BadRequest),
            Ok((request, _)) => {
                for (model, provider) in [("gpt-5.6-sol", "openai"), ("m", "openai-compatible")] {
                    match Chat.write(&request, &upstream(model, provider), &mut losses) {
                        Err(error) => assert_eq!(error.kind(), Kind::BadRequest),
                        Ok((body, _)) => assert!(serde_json::from_slice::<Value>(&body).is_ok()),
                    }
                }
            }
        }
    }
}

/// Reads what an upstream sends: as an answer, as a refusal, as events.
fn sent_by_an_upstream(bodies: &[Vec<u8>]) {
    let sent = Arc::new(Sent::default());
    let mut reader = Chat.stream(&sent);
    let mut all = Gathered::default();
    let mut is_over = false;
    for body in bodies {
        if let Err(error) = Chat.answer(body, &sent) {
            assert_eq!(error.kind(), Kind::Upstream);
        }
        let _ = Chat.failure(http::StatusCode::BAD_REQUEST, body);
        if !is_over && let Err(error) = reader.event("", body, &mut |event| all.take(event)) {
            assert_eq!(error.kind(), Kind::Upstream);
            is_over = true;
        }
    }
    if !is_over {
        reader.end(&mut |event| all.take(event));
    }
}

proptest! {
    #[test]
    fn nothing_panics_and_whoever_is_at_fault_is_told(body in vec(any::<u8>(), 0..200)) {
        sent_by_a_client(&body);
        sent_by_an_upstream(&[body]);
    }

    #[test]
    fn nothing_panics_where_it_looks_like_the_dialect(values in vec(anything(), 1..5), members in vec(anything(), 0..4)) {
        let mut bodies: Vec<Vec<u8>> = values.iter().map(|value| value.to_string().into_bytes()).collect();
        let part = |index: usize| members.get(index).cloned().unwrap_or_default();
        bodies.push(json!({"messages": [{"role": "user", "content": [part(0)]}, part(1)], "tools": [part(2)]}).to_string().into_bytes());
        bodies.push(json!({"choices": [{"delta": part(0), "message": part(1), "finish_reason": part(3)}]}).to_string().into_bytes());
        bodies.push(json!({"choices": [{"index": 0, "delta": {"tool_calls": members}}], "usage": part(2)}).to_string().into_bytes());
        bodies.iter().for_each(|body| sent_by_a_client(body));
        sent_by_an_upstream(&bodies);
    }

    #[test]
    fn a_request_that_is_written_reads_back_as_it_was(request in request()) {
        let body = request.to_string();
        let (first, ..) = read(&body, Api::OpenaiChat).unwrap();
        let mut losses = Losses::toward(Api::OpenaiChat);
        let (again, _) = Chat.write(&first, &upstream("gpt-5.6-sol", "openai"), &mut losses).unwrap();
        assert!(losses.named().is_empty());
        let again = String::from_utf8(again).unwrap();
        let (second, ..) = read(&again, Api::OpenaiChat).unwrap();
        assert_eq!(placeless(&format!("{first:?}")), placeless(&format!("{second:?}")), "{body}\n{again}");
    }

    #[test]
    fn a_stream_that_is_written_reads_back_as_the_answer_that_it_was(
        answer in answer(), cuts in vec(any::<Index>(), 0..12), include_usage in any::<bool>(),
    ) {
        let kept = Kept { include_usage, legacy: false };
        let mut ordered = Ordered::new(Arc::new(Sent::default()), Chat.tells(&Arc::new(reply(kept))), "r".into());
        let mut out = Vec::new();
        answer.clone().events(&mut |event| cut(event, &cuts, &mut |event| ordered.take(event, &mut out).unwrap()));
        let written = events(&out);
        let back = gathered(&written.iter().map(String::as_str).collect::<Vec<_>>()).unwrap();
        assert!(back.is_whole);
        let expected = settled(answer, &Sent::default());
        same(&back.answer, &expected);
        assert_eq!(back.answer.usage, include_usage.then_some(expected.usage.unwrap()));
    }

    #[test]
    fn an_answer_that_is_written_reads_back_as_it_was(answer in answer()) {
        let expected = settled(answer, &Sent::default());
        let body = Chat.tell(&expected, &reply(Kept::default()));
        let back = Chat.answer(&body, &Sent::default()).unwrap();
        same(&back, &expected);
        assert_eq!(back.usage, expected.usage);
    }

    #[test]
    fn arguments_are_what_the_upstream_wrote_however_they_are_cut(
        arguments in vec(json_text(), 1..4), cuts in vec(any::<Index>(), 0..9), is_mixed in any::<bool>(),
    ) {
        let mut fragments: Vec<(usize, String)> = Vec::new();
        for (index, whole) in arguments.iter().enumerate() {
            fragments.extend(cut_up(whole, &cuts).into_iter().map(|piece| (index, piece)));
        }
        if is_mixed {
            // One fragment of each in turn: the order within a call stays.
            fragments.sort_by_key(|(index, _)| *index);
            let mut turns: Vec<(usize, usize, String)> = Vec::new();
            for (index, piece) in fragments {
                let turn = turns.iter().filter(|(_, other, _)| *other == index).count();
                turns.push((turn, index, piece));
            }
            turns.sort_by_key(|(turn, index, _)| (*turn, *index));
            fragments = turns.into_iter().map(|(_, index, piece)| (index, piece)).collect();
        }
        let opened = (0..arguments.len()).map(|index| {
            json!({"index": index, "id": format!("c{index}"), "type": "function", "function": {"name": "f", "arguments": ""}})
        });
        let calls: Vec<Value> = opened.collect();
        let mut data = vec![json!({"choices": [{"index": 0, "delta": {"tool_calls": calls}}]}).to_string()];
        data.extend(fragments.iter().map(|(index, piece)| {
            json!({"choices": [{"index": 0, "delta": {"tool_calls": [{"index": index, "function": {"arguments": piece}}]}}]}).to_string()
        }));
        data.push("[DONE]".to_owned());
        let back = gathered(&data.iter().map(String::as_str).collect::<Vec<_>>()).unwrap();
        let told: Vec<&str> = back.answer.said.iter().map(|said| &*said.text).collect();
        assert_eq!(told, arguments.iter().map(String::as_str).collect::<Vec<_>>());
    }
}

fn cut_up(text: &str, cuts: &[Index]) -> Vec<String> {
    let letters: Vec<char> = text.chars().collect();
    let mut places: Vec<usize> =
        cuts.iter().map(|cut| cut.index(letters.len() + 1)).chain([0, letters.len()]).collect();
    places.sort_unstable();
    places.windows(2).map(|pair| letters[pair[0]..pair[1]].iter().collect()).collect()
}

/// The same event, a text of it in pieces.
fn cut<'a>(event: Event<'a>, cuts: &[Index], tell: &mut dyn FnMut(Event<'a>)) {
    match event {
        Event::Added(index, Piece::Text(text)) => {
            cut_up(&text, cuts)
                .into_iter()
                .for_each(|piece| tell(Event::Added(index, Piece::Text(piece.into()))));
        }
        other => tell(other),
    }
}

/// Whether two answers say the same, as far as this dialect can: thoughts, then text, then a refusal, then images and calls.
fn same(back: &Answer<'_>, expected: &Answer<'_>) {
    let of = |answer: &Answer<'_>, block: &Block<'_>| -> String {
        answer.said.iter().filter(|said| said.block == *block).map(|said| said.text.to_string()).collect()
    };
    for block in [Block::Text, Block::Refusal, Block::Thinking] {
        assert_eq!(of(back, &block), of(expected, &block));
    }
    let calls = |answer: &Answer<'_>| -> Vec<(String, String)> {
        let calls = answer.said.iter().filter(|said| matches!(said.block, Block::Call(_)));
        calls.map(|said| (format!("{:?}", said.block), said.text.to_string())).collect()
    };
    assert_eq!(calls(back), calls(expected));
    let cited = |answer: &Answer<'_>| -> usize { answer.said.iter().map(|said| said.citations.len()).sum() };
    assert_eq!(cited(back), cited(expected));
    let refuses = expected.said.iter().any(|said| said.block == Block::Refusal && !said.text.is_empty());
    let reason = match expected.end.reason {
        Reason::Refused if refuses => Reason::Done,
        Reason::Stopped | Reason::Paused => Reason::Done,
        Reason::ContextFull => Reason::Length,
        reason => reason,
    };
    assert_eq!(back.end.reason, reason);
}

fn json_text() -> impl Strategy<Value = String> {
    vec(("[a-z]{1,3}", prop_oneof![".{0,8}".prop_map(Value::from), any::<i64>().prop_map(Value::from)]), 0..4)
        .prop_map(|members| Value::Object(members.into_iter().collect()).to_string())
}

fn answer() -> impl Strategy<Value = Answer<'static>> {
    let said = prop_oneof![
        ".{1,12}".prop_map(|text| Said::new(Block::Text, text)),
        ".{1,12}".prop_map(|text| {
            let citation = Citation { url: "https://h".into(), title: Some("T".into()), span: None };
            Said { citations: vec![citation], ..Said::new(Block::Text, text) }
        }),
        ".{1,12}".prop_map(|text| Said::new(Block::Thinking, text)),
        ".{1,12}".prop_map(|text| Said::new(Block::Refusal, text)),
        json_text().prop_map(|text| Said::new(called("f", false), text)),
        ".{1,12}".prop_map(|text| Said::new(called("p", true), text)),
    ];
    let reason = proptest::sample::select(vec![
        Reason::Done,
        Reason::Stopped,
        Reason::Length,
        Reason::Calls,
        Reason::Refused,
        Reason::ContextFull,
        Reason::Paused,
    ]);
    (vec(said, 1..6), reason, 1..9999_u64, 0..9999_u64).prop_map(|(mut said, reason, input, output)| {
        for (index, one) in said.iter_mut().enumerate() {
            if let Block::Call(called) = &mut one.block {
                called.id = format!("call_{index}").into();
            }
        }
        Answer {
            started: Started::default(),
            said,
            end: End { reason, stop_sequence: None },
            usage: Some(sluice_api::cost::Usage::new(input, output)),
        }
    })
}

fn called(name: &'static str, plain: bool) -> Block<'static> {
    Block::Call(Called { id: "c".into(), name: name.into(), plain })
}

/// A request that this dialect can say in one way only.
fn request() -> impl Strategy<Value = Value> {
    let content = prop_oneof![
        ".{1,9}".prop_map(Value::from),
        vec(
            prop_oneof![
                ".{1,9}".prop_map(|text| json!({"type": "text", "text": text})),
                Just(json!({"type": "text", "text": "m", "prompt_cache_breakpoint": {"mode": "explicit"}})),
                Just(json!({"type": "image_url", "image_url": {"url": "data:image/png;base64,QQ==", "detail": "low"}})),
                Just(json!({"type": "image_url", "image_url": {"url": "https://h/i.png"}})),
                Just(json!({"type": "input_audio", "input_audio": {"data": "QQ==", "format": "mp3"}})),
                Just(json!({"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,QQ=="}})),
            ],
            1..4
        )
        .prop_map(Value::from),
    ];
    let round = (content, ".{1,9}", vec((json_text(), any::<bool>(), ".{0,9}"), 0..3)).prop_map(
        |(content, text, calls)| {
            let mut round = vec![json!({"role": "user", "name": "ann", "content": content})];
            let id = |index: usize| format!("c{index}");
            let all: Vec<Value> = calls.iter().enumerate().map(|(index, (arguments, plain, _))| match plain {
                true => json!({"id": id(index), "type": "custom", "custom": {"name": "p", "input": arguments}}),
                false => json!({"id": id(index), "type": "function", "function": {"name": "f", "arguments": arguments}}),
            }).collect();
            round.push(match all.is_empty() {
                true => json!({"role": "assistant", "content": text}),
                false => json!({"role": "assistant", "content": text, "tool_calls": all}),
            });
            let results = calls.iter().enumerate();
            round.extend(results.map(|(index, (.., result))| json!({"role": "tool", "tool_call_id": id(index), "content": result})));
            round
        },
    );
    let settings =
        (any::<bool>(), any::<bool>(), 1..9_000_u32, proptest::sample::select(vec!["low", "high", "none"]));
    (".{1,9}", vec(round, 0..4), settings).prop_map(|(system, rounds, (tools, format, tokens, effort))| {
        let mut messages = vec![json!({"role": "developer", "content": system})];
        messages.extend(rounds.into_iter().flatten());
        messages.push(json!({"role": "user", "content": "json?"}));
        // Of more marks than that the first ones are left out.
        let parts = messages.iter_mut().rev().filter_map(|message| message["content"].as_array_mut()).flat_map(|parts| parts.iter_mut().rev());
        let marked = parts.filter(|part| part.get("prompt_cache_breakpoint").is_some());
        marked.skip(4).for_each(|part| drop(part.as_object_mut().unwrap().remove("prompt_cache_breakpoint")));
        let mut body = json!({
            "model": "m", "messages": messages, "max_completion_tokens": tokens, "reasoning_effort": effort,
            "safety_identifier": "u", "prompt_cache_key": "k", "verbosity": "low", "seed": tokens,
        });
        if tools {
            body["tools"] = json!([
                {"type": "function", "function": {"name": "f", "description": "d", "parameters": {"type": "object", "properties": {}}}},
                {"type": "custom", "custom": {"name": "p", "format": {"type": "grammar", "grammar": {"syntax": "regex", "definition": "a+"}}}},
            ]);
            body["tool_choice"] = json!({"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [
                {"type": "function", "function": {"name": "f"}}, {"type": "custom", "custom": {"name": "p"}}]}});
            body["parallel_tool_calls"] = json!(format);
        }
        if format {
            body["response_format"] = json!({"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}, "strict": false}});
        } else {
            body["response_format"] = json!({"type": "json_object"});
        }
        body
    })
}

/// Without the places in the body, which differ.
fn placeless(told: &str) -> String {
    let mut kept = String::new();
    let mut rest = told;
    while let Some(at) = rest.find("At {") {
        let (before, after) = rest.split_at(at);
        kept += before;
        rest = after.split_once('}').map_or("", |(_, rest)| rest);
    }
    kept + rest
}
