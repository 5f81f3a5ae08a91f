//! How much the model thinks, how long its answer may be, and whether it must call a tool: each bounds the others.

use sluice_neutral::at::At;
use sluice_neutral::effort::Effort;
use sluice_neutral::loss::Losses;
use sluice_neutral::request::{Choice, Length, Reasoning, Request, Told};

use crate::models::{Family, Thinks};

/// The least budget for thinking.
const LEAST: u64 = 1_024;

/// The most output tokens that nobody has asked for: of an answer that comes whole, and of one that comes as it is made.
const UNASKED: [u64; 2] = [32_000, 64_000];

/// What `thinking` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Thinking {
    /// Nothing.
    Unsaid,
    Off,
    Adaptive,
    Budget(u64),
}

/// What is decided.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) thinking: Thinking,
    pub(super) effort: Option<Effort>,
    /// Whether thoughts are to be shown, where that is said.
    pub(super) shown: Option<bool>,
    pub(super) max_tokens: u64,
    /// What the model is told in words, since it can't be forced.
    pub(super) urged: Option<String>,
}

/// What a plan is made of, beside the request.
#[derive(Clone, Copy)]
pub(super) struct Facts {
    pub(super) family: &'static Family,
    /// The most output tokens of the model, where that is known.
    pub(super) longest: Option<u64>,
    /// Whether the answer comes as it is made.
    pub(super) streams: bool,
    /// Whether what the model has to see of its thoughts is lost, or it is to go on with a turn of its own.
    pub(super) lost: bool,
}

impl Plan {
    /// Decides.
    pub(super) fn of(request: &Request<'_>, facts: Facts, losses: &mut Losses) -> Self {
        let Facts { family, .. } = facts;
        let forced = request.choice.as_ref().filter(|choice| is_forced(&choice.value));
        let reasoning = &request.reasoning;
        let (mut thinking, effort) = asked(reasoning, family, losses);
        let mut urged = None;
        let mut shown = reasoning.shown.map(|shown| shown.value);
        if let Some(choice) = forced {
            if family.forced {
                if thinks(thinking) && family.thinks != Thinks::Always {
                    name(reasoning, losses);
                    thinking = Thinking::Off;
                } else if thinking == Thinking::Unsaid && family.thinks == Thinks::Adaptively {
                    thinking = Thinking::Off;
                }
            } else {
                losses.name(choice.at);
                urged = Some(urge(&choice.value));
            }
        }
        if matches!(thinking, Thinking::Budget(_)) && facts.lost {
            name(reasoning, losses);
            thinking = Thinking::Off;
        }
        let max_tokens = length(request.length, facts, losses);
        if let Thinking::Budget(budget) = thinking {
            thinking = fitting(budget, max_tokens);
            if thinking != Thinking::Budget(budget.max(LEAST)) {
                name(reasoning, losses);
            }
        }
        if !thinks(thinking) {
            shown = None;
        }
        Self { thinking, effort, shown, max_tokens, urged }
    }

    /// Whether the model is told to think.
    pub(super) fn thinks(&self) -> bool {
        thinks(self.thinking)
    }
}

const fn thinks(thinking: Thinking) -> bool {
    matches!(thinking, Thinking::Adaptive | Thinking::Budget(_))
}

/// What is asked for, as the family takes it.
fn asked(reasoning: &Reasoning, family: &Family, losses: &mut Losses) -> (Thinking, Option<Effort>) {
    let effort = reasoning.effort.map(|effort| effort.value);
    let budget = reasoning.budget.map(|budget| budget.value);
    let asks = effort.is_some() || budget.is_some() || reasoning.adaptive;
    let off = effort == Some(Effort::None) || (budget == Some(0) && effort.is_none());
    let level = |effort: Effort| Some(effort.nearest(family.efforts));
    match family.thinks {
        Thinks::Never => {
            if asks && !off {
                name(reasoning, losses);
            }
            (Thinking::Unsaid, None)
        }
        Thinks::Always if off => {
            name(reasoning, losses);
            (Thinking::Unsaid, level(Effort::Low))
        }
        _ if off => (Thinking::Off, None),
        Thinks::ByBudget if asks => {
            let level = effort.unwrap_or(Effort::Medium);
            (Thinking::Budget(budget.unwrap_or_else(|| level.budget())), None)
        }
        Thinks::Either if budget.is_some() => {
            (budget.map_or(Thinking::Adaptive, Thinking::Budget), effort.and_then(level))
        }
        Thinks::Either | Thinks::Adaptively | Thinks::Always if asks || reasoning.shown.is_some() => {
            let effort = effort.or_else(|| budget.map(Effort::of_budget));
            (Thinking::Adaptive, effort.and_then(level))
        }
        _ => (Thinking::Unsaid, None),
    }
}

/// Names what was asked of thinking.
fn name(reasoning: &Reasoning, losses: &mut Losses) {
    let asked = [reasoning.effort.map(|told| told.at), reasoning.budget.map(|told| told.at)];
    let any = asked.into_iter().chain([reasoning.shown.map(|told| told.at)]).flatten().next();
    losses.name(any.unwrap_or(At::field("thinking")));
}

fn is_forced(choice: &Choice<'_>) -> bool {
    matches!(choice, Choice::Any | Choice::One(_) | Choice::Some { must: true, .. })
}

fn urge(choice: &Choice<'_>) -> String {
    match choice {
        Choice::One(name) => format!("You must call the tool `{name}`."),
        _ => "You must call one of the tools.".to_owned(),
    }
}

/// The budget for which there is room beside what is said; none where there is none for the least. The answer is made no
/// longer for it: what was asked for is what limits allow and reserve.
fn fitting(budget: u64, max_tokens: u64) -> Thinking {
    if max_tokens <= LEAST {
        return Thinking::Off;
    }
    Thinking::Budget(budget.min(max_tokens.saturating_sub(LEAST)).max(LEAST))
}

/// How long the answer may be, thoughts and all: Anthropic counts them among it, whether or not the client does.
fn length(told: Option<Told<Length>>, facts: Facts, losses: &mut Losses) -> u64 {
    let [whole, streamed] = UNASKED;
    let Some(Told { value: Length { tokens, .. }, at }) = told else {
        let longest = facts.longest.unwrap_or(facts.family.longest);
        return longest.min(if facts.streams { streamed } else { whole });
    };
    let longest = facts.longest.unwrap_or(u64::MAX);
    if tokens > longest {
        losses.name(at);
    }
    tokens.min(longest)
}

#[cfg(test)]
mod tests;
