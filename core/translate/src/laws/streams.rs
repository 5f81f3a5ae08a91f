//! Answers and streams: read as they can be, and told in Anthropic's grammar.

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use sluice_api::error::Kind;

use super::grammar::{Block, relayed};
use super::made::{self, Choices};
use crate::converse::{Stream, answer};
use crate::translated::Heading;

/// Kinds of blocks: as they are told in Anthropic's streams, and a piece of theirs in Converse's.
const KINDS: [(&str, &str); 3] = [
    ("text", r#"{"text":$}"#),
    ("thinking", r#"{"reasoningContent":{"text":$}}"#),
    ("call", r#"{"toolUse":{"input":$}}"#),
];

fn heading() -> Heading {
    Heading { id: "msg_1".to_owned(), model: "m".to_owned() }
}

/// A message, as far as every client reads it: a tool's input may have texts that a tree of values has no place for.
#[derive(Deserialize)]
struct Message<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    #[serde(borrow)]
    content: Vec<&'a RawValue>,
}

/// Whatever Converse answers is a message, or a failure of the upstream's.
pub fn answered(bytes: &[u8]) {
    for body in [bytes, made::answer(bytes).as_bytes()] {
        match answer(body, &heading()) {
            Ok(message) => {
                let read: Result<Message<'_>, _> = serde_json::from_slice(&message);
                let blocks =
                    |told: &Message<'_>| told.content.iter().all(|block| block.get().starts_with('{'));
                assert!(read.is_ok_and(|told| told.kind == "message" && blocks(&told)));
            }
            Err(error) => assert_eq!(error.kind(), Kind::Upstream, "{error}"),
        }
    }
}

/// Whatever events come, what is written for them has Anthropic's grammar.
pub fn streamed(bytes: &[u8]) {
    let (mut stream, mut out) = (Stream::new(heading()), Vec::new());
    for (name, payload) in made::events(bytes) {
        if let Err(error) = stream.event(name, payload.as_bytes(), &mut out) {
            assert_eq!(error.kind(), Kind::Upstream, "{error}");
            break;
        }
    }
    relayed(&out);
}

/// However blocks are mixed, each is told whole, in the order in which they begin.
pub fn mixed(bytes: &[u8]) {
    let mut choices = Choices(bytes);
    let (mut stream, mut out) = (Stream::new(heading()), Vec::new());
    let mut tell = |name: &str, payload: Value| {
        let told = stream.event(name, payload.to_string().as_bytes(), &mut out);
        assert!(told.is_ok(), "{told:?}");
    };
    // By Converse's index, in the order in which they began.
    let mut begun: Vec<(usize, Block)> = Vec::new();
    let mut stopped = [false; KINDS.len()];
    while !choices.0.is_empty() {
        let index = choices.below(KINDS.len());
        if stopped.get(index).copied().unwrap_or(true) {
            continue;
        }
        let (kind, form) = KINDS.get(index).copied().unwrap_or_default();
        let piece = choices.of(&["a", "", "é\n", "{\"b\":", "\"}"]);
        if !begun.iter().any(|(known, _)| *known == index) {
            begun.push((index, Block { kind: kind.to_owned(), ..Block::default() }));
            if kind == "call" {
                let call = json!({ "toolUseId": "t", "name": "f" });
                tell(
                    "contentBlockStart",
                    json!({ "contentBlockIndex": index, "start": { "toolUse": call } }),
                );
            }
        }
        let text = form.replace('$', &json!(piece).to_string());
        let delta: Value = serde_json::from_str(&text).unwrap_or_default();
        tell("contentBlockDelta", json!({ "contentBlockIndex": index, "delta": delta }));
        if let Some((_, block)) = begun.iter_mut().find(|(known, _)| *known == index) {
            block.text.push_str(piece);
        }
        if let Some(stopped) = stopped.get_mut(index).filter(|_| choices.below(4) == 0) {
            *stopped = true;
            tell("contentBlockStop", json!({ "contentBlockIndex": index }));
        }
    }
    tell("messageStop", json!({ "stopReason": "end_turn" }));
    let expected: Vec<Block> = begun.into_iter().map(|(_, block)| block).collect();
    let mut told = relayed(&out).blocks;
    told.iter_mut().for_each(|block| block.called = Default::default());
    assert_eq!(told, expected);
}
