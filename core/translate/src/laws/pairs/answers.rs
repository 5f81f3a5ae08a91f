//! Answers that bytes choose, and what a client of each dialect must have of them.

use sluice_api::cost::Usage;
use sluice_api::dialect::Api;
use sluice_neutral::answer::{Answer, Block, Called, End, Reason, Said, Started};
use sluice_neutral::dialect::Sent;
use sluice_neutral::order::settled;
use sluice_neutral::seal::Seal;

use super::said::{ARGUMENTS, TEXTS};
use crate::laws::grammar;
use crate::laws::made::Choices;

const REASONS: [Reason; 6] =
    [Reason::Done, Reason::Length, Reason::Refused, Reason::Stopped, Reason::ContextFull, Reason::Paused];

/// An answer as an account of this dialect gives one.
pub(super) fn answer(api: Api, choices: &mut Choices<'_>) -> Answer<'static> {
    let count = choices.below(5);
    let said = (0..count).map(|index| said(api, index, choices)).collect();
    let reason = REASONS.get(choices.below(12)).copied().unwrap_or_default();
    let mut usage = Usage::new(choices.below(200) as u64, choices.below(200) as u64 + 7);
    usage.cache_read = choices.below(3) as u64 * 100;
    usage.reasoning = choices.below(8) as u64;
    let (started, end) = (Started::default(), End { reason, stop_sequence: None });
    settled(Answer { started, said, end, usage: Some(usage) }, &Sent::default())
}

fn said(api: Api, index: usize, choices: &mut Choices<'_>) -> Said<'static> {
    match choices.below(8) {
        0..3 => Said::new(Block::Text, choices.of(&TEXTS)),
        3 => {
            let seal = Seal { origin: api, account: None, payload: "c2lnbmVk".into() };
            let seal = (choices.below(2) == 1 && api != Api::OpenaiChat).then_some(seal);
            Said { seal, ..Said::new(Block::Thinking, choices.of(&TEXTS)) }
        }
        4 => Said::new(Block::Refusal, choices.of(&TEXTS)),
        _ => {
            let id = format!("call_{index}").into();
            let called = Called { id, name: choices.of(&["look", "find_it"]).into(), plain: false };
            Said::new(Block::Call(called), choices.of(&ARGUMENTS))
        }
    }
}

/// What a client of a dialect must have of an answer that came in another one.
pub(super) fn heard(answer: &Answer<'_>, way: [Api; 2]) -> Vec<grammar::Block> {
    let mut blocks: Vec<grammar::Block> = Vec::new();
    for said in &answer.said {
        let (kind, called) = match &said.block {
            Block::Refusal if way.iter().any(|api| !tells_refusals(*api)) => ("text", Default::default()),
            Block::Refusal => ("refusal", Default::default()),
            Block::Thinking => ("thinking", Default::default()),
            Block::Call(called) => ("call", (called.id.to_string(), called.name.to_string())),
            _ => ("text", Default::default()),
        };
        let text = said.text.to_string();
        blocks.push(grammar::Block { kind: kind.to_owned(), called, text });
    }
    joined(blocks)
}

/// The same with neighbours of one kind as one, and without those that say nothing: dialects differ in that.
pub(super) fn joined(blocks: Vec<grammar::Block>) -> Vec<grammar::Block> {
    let mut all: Vec<grammar::Block> = Vec::new();
    for block in blocks {
        match all.last_mut() {
            Some(last) if last.kind == block.kind && block.kind != "call" => last.text.push_str(&block.text),
            _ if block.text.is_empty() => {}
            _ => all.push(block),
        }
    }
    all
}

/// The same, of an answer that was read.
pub(super) fn read(answer: &Answer<'_>) -> Vec<grammar::Block> {
    heard(answer, [Api::OpenaiChat; 2])
}

/// Whether a dialect tells apart what is said and that nothing is.
pub(super) const fn tells_refusals(api: Api) -> bool {
    matches!(api, Api::OpenaiChat | Api::OpenaiResponses)
}

/// Why an answer ended, as far as a dialect has words for it.
pub(super) fn reason(api: Api, told: Reason, (refuses, calls): (bool, bool)) -> Reason {
    match (api, told) {
        (Api::Anthropic, told) => told,
        (_, Reason::ContextFull) => Reason::Length,
        (_, Reason::Stopped | Reason::Paused) if calls => Reason::Calls,
        (api, Reason::Stopped | Reason::Paused) if refuses && tells_refusals(api) => Reason::Refused,
        (_, Reason::Stopped | Reason::Paused) => Reason::Done,
        // The refusal itself says it, where nothing else is to be done.
        (Api::OpenaiChat | Api::OpenaiResponses, Reason::Refused) if refuses && calls => Reason::Calls,
        (_, told) => told,
    }
}
