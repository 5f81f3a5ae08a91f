//! An answer that is written is read again as it was, whole or as a stream, however that is cut.

use std::sync::Arc;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use sluice_api::cost::Usage;
use sluice_api::dialect::Api;
use sluice_neutral::answer::{
    Answer, Block, Called, Citation, End, Event, Piece, Reason, Said, Started, owned,
};
use sluice_neutral::dialect::{Dialect, Reader, Reply, Sent};
use sluice_neutral::order::{Ordered, settled};
use sluice_neutral::seal::{self, Seal};
use sluice_wire::sse;

use crate::Anthropic;

fn sent() -> Sent {
    Sent { account: "acc".to_owned(), ..Sent::default() }
}

fn reply() -> Arc<Reply> {
    Arc::new(Reply { id: "r".to_owned(), model: "m".to_owned(), created: 0, own: None })
}

fn sealed(payload: String) -> Seal<'static> {
    Seal { origin: Api::Anthropic, account: Some(seal::account("acc")), payload: payload.into() }
}

fn said() -> impl Strategy<Value = Said<'static>> {
    let text = any::<String>().prop_filter("blocks that are empty are none", |text| !text.is_empty());
    let call = ("[a-zA-Z0-9_-]{1,12}", "[a-z]{1,8}", any::<String>(), any::<i64>());
    prop_oneof![
        text.clone().prop_map(|text| Said::new(Block::Text, text)),
        (text, option::of("[a-zA-Z0-9+/=]{1,40}")).prop_map(|(text, signature)| {
            Said { seal: signature.map(sealed), ..Said::new(Block::Thinking, text) }
        }),
        "[a-zA-Z0-9+/=]{1,40}"
            .prop_map(|data| Said { seal: Some(sealed(data)), ..Said::new(Block::Redacted, "") }),
        call.prop_map(|(id, name, key, number)| {
            let arguments = format!("{{{}:{number}.0e1}}", serde_json::Value::from(key));
            Said::new(Block::Call(Called { id: id.into(), name: name.into(), plain: false }), arguments)
        }),
    ]
}

fn answers() -> impl Strategy<Value = Answer<'static>> {
    let reasons = prop_oneof![
        Just(Reason::Done),
        Just(Reason::Length),
        Just(Reason::Calls),
        Just(Reason::Refused),
        Just(Reason::ContextFull),
        Just(Reason::Paused),
    ];
    let counts = any::<[u32; 6]>();
    (vec(said(), 0..6), reasons, option::of(any::<String>()), counts).prop_map(
        |(said, reason, stop, counts)| {
            let [input, output, short, long, read, searches] = counts.map(u64::from);
            let mut usage = Usage::new(input, output);
            (usage.cache_write_5m, usage.cache_write_1h, usage.cache_read) = (short, long, read);
            (usage.reasoning, usage.web_searches) = (output / 2, searches);
            let stop_sequence = stop.map(Into::into);
            let reason = if stop_sequence.is_some() { Reason::Stopped } else { reason };
            let end = End { reason, stop_sequence };
            let answer = Answer { started: Started::default(), said, end, usage: Some(usage) };
            settled(answer, &sent())
        },
    )
}

/// Puts an answer together of what a stream tells, and holds it to what readers promise.
#[derive(Default)]
struct Heard {
    said: Vec<(u64, bool, Said<'static>)>,
    end: Option<End<'static>>,
    usage: Option<Usage>,
    started: bool,
    whole: bool,
}

impl Heard {
    fn hear(&mut self, event: &Event<'_>) {
        match event.clone() {
            Event::Started(_) => assert!(!std::mem::replace(&mut self.started, true)),
            Event::Opened(index, block) => {
                assert!(
                    self.started && self.end.is_none() && self.said.iter().all(|(known, ..)| *known != index)
                );
                let block = match block {
                    Block::Call(Called { id, name, plain }) => {
                        Block::Call(Called { id: owned(id), name: owned(name), plain })
                    }
                    Block::Text => Block::Text,
                    Block::Thinking => Block::Thinking,
                    Block::Redacted => Block::Redacted,
                    other => panic!("{other:?}"),
                };
                self.said.push((index, true, Said::new(block, "")));
            }
            Event::Added(index, piece) => {
                let (_, open, said) = self.said.iter_mut().find(|(known, ..)| *known == index).unwrap();
                assert!(*open);
                match piece {
                    Piece::Text(text) => said.text.to_mut().push_str(&text),
                    Piece::Seal(Seal { origin, account, payload }) => {
                        said.seal = Some(Seal { origin, account, payload: owned(payload) });
                    }
                    Piece::Citation(Citation { .. }) | Piece::Logprobs(_) => {}
                }
            }
            Event::Closed(index) => {
                let (_, open, _) = self.said.iter_mut().find(|(known, ..)| *known == index).unwrap();
                assert!(std::mem::replace(open, false));
            }
            Event::Used(usage) => self.usage = Some(usage),
            Event::Ended(End { reason, stop_sequence }) => {
                assert!(self.end.is_none() && self.said.iter().all(|(_, open, _)| !open));
                self.end = Some(End { reason, stop_sequence: stop_sequence.map(owned) });
            }
            Event::Failed(failure) => panic!("{failure:?}"),
            Event::Whole => self.whole = true,
        }
    }
}

fn written(answer: &Answer<'static>) -> Vec<u8> {
    let mut ordered = Ordered::new(Arc::new(sent()), Anthropic.tells(&reply()), "req".into());
    let mut out = Vec::new();
    answer.clone().events(&mut |event| ordered.take(event, &mut out).unwrap());
    assert!(ordered.ends(&mut out));
    out
}

/// Reads a stream that comes in pieces of these lengths.
fn heard(bytes: &[u8], cuts: &[usize]) -> Heard {
    let mut heard = Heard::default();
    let mut reader: Box<dyn Reader> = Anthropic.stream(&Arc::new(sent()));
    let mut scanner = sse::Scanner::default();
    let mut rest = bytes;
    let mut cuts = cuts.iter().cycle();
    while !rest.is_empty() {
        let length = cuts.next().map_or(rest.len(), |cut| (*cut).clamp(1, rest.len()));
        let (piece, later) = rest.split_at(length);
        rest = later;
        scanner.feed(piece, &mut |event| {
            let name = std::str::from_utf8(event.name).unwrap();
            reader.event(name, event.data, &mut |event| heard.hear(&event)).unwrap();
        });
    }
    reader.end(&mut |event| heard.hear(&event));
    heard
}

proptest! {
    #[test]
    fn a_stream_is_read_again_as_it_was_written(answer in answers(), cuts in vec(1..40_usize, 1..4)) {
        let heard = heard(&written(&answer), &cuts);
        prop_assert!(heard.whole);
        let said: Vec<Said<'_>> = heard.said.into_iter().map(|(_, _, said)| said).collect();
        prop_assert_eq!(said, answer.said);
        prop_assert_eq!(heard.end, Some(answer.end));
        prop_assert_eq!(heard.usage, answer.usage);
    }

    #[test]
    fn a_whole_answer_is_read_again_as_it_was_written(answer in answers()) {
        let body = Anthropic.tell(&answer, &reply());
        let sent = sent();
        let read = Anthropic.answer(&body, &sent).unwrap();
        prop_assert_eq!(read.said, answer.said);
        prop_assert_eq!(read.end, answer.end);
        prop_assert_eq!(read.usage, answer.usage);
    }
}
