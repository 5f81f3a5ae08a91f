//! What is decided of thinking, length and force.

use sluice_api::dialect::Api;
use sluice_neutral::at::At;
use sluice_neutral::effort::Effort;
use sluice_neutral::loss::Losses;
use sluice_neutral::request::{Choice, Length, Reasoning, Request, Told};

use super::{Facts, Plan, Thinking};
use crate::models;

const AT: At = At::field("f");

/// What is asked for: effort, budget, length without thinking.
fn asked(effort: Option<Effort>, budget: Option<u64>, tokens: Option<(u64, bool)>) -> Request<'static> {
    let length = tokens.map(|(tokens, with_thinking)| Told::new(Length { tokens, with_thinking }, AT));
    let reasoning = Reasoning {
        effort: effort.map(|effort| Told::new(effort, AT)),
        budget: budget.map(|budget| Told::new(budget, AT)),
        ..Reasoning::default()
    };
    Request { reasoning, length, ..Request::default() }
}

fn planned(model: &str, request: &Request<'_>, longest: Option<u64>) -> (Plan, Vec<String>) {
    let mut losses = Losses::toward(Api::Anthropic);
    let facts = Facts { family: models::of(model), longest, streams: false, lost: false };
    let plan = Plan::of(request, facts, &mut losses);
    (plan, losses.named())
}

#[test]
fn thinking_is_told_as_the_model_takes_it() {
    let [old, either, free, firm, none] =
        ["claude-sonnet-4-5", "claude-opus-4-6", "claude-opus-4-7", "claude-opus-5-5", "claude-3-5-haiku"];
    for (model, effort, budget, thinking, level, named) in [
        (old, None, None, Thinking::Unsaid, None, false),
        (old, Some(Effort::Low), None, Thinking::Budget(2_048), None, false),
        (old, Some(Effort::Minimal), None, Thinking::Budget(1_024), None, false),
        (old, Some(Effort::None), None, Thinking::Off, None, false),
        (old, None, Some(512), Thinking::Budget(1_024), None, false),
        (either, None, Some(5_000), Thinking::Budget(5_000), None, false),
        (either, Some(Effort::Xhigh), None, Thinking::Adaptive, Some(Effort::High), false),
        (free, Some(Effort::Minimal), None, Thinking::Adaptive, Some(Effort::Low), false),
        (free, None, Some(16_384), Thinking::Adaptive, Some(Effort::High), false),
        (free, Some(Effort::None), None, Thinking::Off, None, false),
        (firm, Some(Effort::None), None, Thinking::Unsaid, Some(Effort::Low), true),
        (firm, Some(Effort::Max), None, Thinking::Adaptive, Some(Effort::Max), false),
        (none, Some(Effort::High), None, Thinking::Unsaid, None, true),
        (none, Some(Effort::None), None, Thinking::Unsaid, None, false),
    ] {
        let request = asked(effort, budget, Some((32_000, true)));
        let (plan, names) = planned(model, &request, None);
        let told = (plan.thinking, plan.effort, !names.is_empty());
        assert_eq!(told, (thinking, level, named), "{model} {effort:?} {budget:?}");
    }
}

#[test]
fn budgets_and_lengths_leave_room_for_each_other() {
    let model = "claude-sonnet-4-5";
    for (tokens, longest, expected, named) in [
        // What is visible alone was asked for: it is made no longer, and thinking shrinks.
        (Some((32_000, false)), None, (Thinking::Budget(8_192), 32_000), false),
        (Some((9_216, false)), None, (Thinking::Budget(8_192), 9_216), false),
        (Some((9_000, false)), None, (Thinking::Budget(7_976), 9_000), true),
        (Some((1_025, false)), None, (Thinking::Budget(1_024), 1_025), true),
        (Some((1_024, false)), None, (Thinking::Off, 1_024), true),
        (Some((100, false)), Some(8_000), (Thinking::Off, 100), true),
        // Thinking counts among what was asked for: it shrinks, too.
        (Some((4_000, true)), None, (Thinking::Budget(2_976), 4_000), true),
        (Some((1_500, true)), None, (Thinking::Budget(1_024), 1_500), true),
        (Some((1_024, true)), None, (Thinking::Off, 1_024), true),
        (Some((200_000, true)), Some(64_000), (Thinking::Budget(8_192), 64_000), true),
        (None, Some(64_000), (Thinking::Budget(8_192), 32_000), false),
        (None, None, (Thinking::Budget(8_192), 32_000), false),
        (None, Some(4_096), (Thinking::Budget(3_072), 4_096), true),
    ] {
        let (plan, names) = planned(model, &asked(Some(Effort::Medium), None, tokens), longest);
        let told = ((plan.thinking, plan.max_tokens), !names.is_empty());
        assert_eq!(told, (expected, named), "{tokens:?} {longest:?}");
    }
    let (plan, _) = planned("claude-3-haiku", &Request::default(), None);
    assert_eq!(plan.max_tokens, 4_096);
}

#[test]
fn a_call_that_must_be_goes_before_thinking_where_the_model_takes_it() {
    let forced = |effort| {
        let choice = Some(Told::new(Choice::One("f".into()), AT));
        Request { choice, ..asked(effort, None, Some((32_000, true))) }
    };
    for (model, effort, thinking, urged, named) in [
        ("claude-sonnet-4-5", Some(Effort::High), Thinking::Off, false, true),
        ("claude-sonnet-4-5", None, Thinking::Unsaid, false, false),
        ("claude-opus-4-7", None, Thinking::Off, false, false),
        ("claude-opus-5-5", Some(Effort::High), Thinking::Adaptive, true, true),
        ("claude-fable-5", Some(Effort::High), Thinking::Adaptive, false, false),
    ] {
        let (plan, names) = planned(model, &forced(effort), None);
        assert_eq!(
            (plan.thinking, plan.urged.is_some(), !names.is_empty()),
            (thinking, urged, named),
            "{model} {effort:?}"
        );
    }
}
