//! What Claude's models take, by name: how they are told to think, and what they refuse.
//!
//! Sources: Anthropic's documentation of extended and adaptive thinking, effort, structured outputs and system messages in
//! mid-conversation. Gaps: models that are not Claude's behind servers that speak its dialect are taken to be as Claude
//! 4.5, without structured outputs.

use sluice_neutral::effort::Effort;

/// How a model is told to think.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Thinks {
    /// It does not.
    Never,
    /// By a budget in tokens.
    ByBudget,
    /// By a budget, or as much as it sees fit.
    Either,
    /// As much as it sees fit, unless that is forbidden.
    Adaptively,
    /// As much as it sees fit, always.
    Always,
}

/// A family of models.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Family {
    /// What the names of its models hold.
    name: &'static str,
    pub(crate) thinks: Thinks,
    /// Levels that it knows, where it knows any.
    pub(crate) efforts: &'static [Effort],
    /// Whether it goes on with a last turn of its own.
    pub(crate) prefill: bool,
    /// Whether it may be told to call a tool.
    pub(crate) forced: bool,
    /// Whether it takes temperature and the like.
    pub(crate) sampling: bool,
    /// Whether it is told what has changed by messages of the system's own.
    pub(crate) system_turns: bool,
    /// Whether it can be asked to answer faster.
    pub(crate) fast: bool,
    /// Whether its answers can be bound to a schema.
    pub(crate) schemas: bool,
    /// The most output tokens, where no price list knows.
    pub(crate) longest: u64,
}

const ALL: &[Effort] = &[Effort::Low, Effort::Medium, Effort::High, Effort::Xhigh, Effort::Max];
const NO_XHIGH: &[Effort] = &[Effort::Low, Effort::Medium, Effort::High, Effort::Max];

/// The newest: always thinking, nothing forced.
const FIRM: Family = Family {
    name: "",
    thinks: Thinks::Always,
    efforts: ALL,
    prefill: false,
    forced: false,
    sampling: false,
    system_turns: true,
    fast: false,
    schemas: true,
    longest: 128_000,
};
/// Thinking unless that is forbidden.
const FREE: Family = Family { thinks: Thinks::Adaptively, forced: true, ..FIRM };
/// Told by budgets.
const BUDGETED: Family = Family {
    thinks: Thinks::ByBudget,
    efforts: &[],
    prefill: true,
    sampling: true,
    system_turns: false,
    longest: 64_000,
    ..FREE
};
const OLD: Family = Family { schemas: false, longest: 32_000, ..BUDGETED };
const OLDEST: Family = Family { thinks: Thinks::Never, longest: 4_096, ..OLD };

/// The table; the first whose name is in the model's.
static FAMILIES: &[Family] = &[
    Family { name: "claude-fable-5-", ..FIRM },
    Family { name: "claude-mythos-5-", ..FIRM },
    Family { name: "claude-fable", forced: true, ..FIRM },
    Family { name: "claude-mythos", forced: true, ..FIRM },
    Family { name: "claude-opus-5-5", fast: true, ..FIRM },
    Family { name: "claude-sonnet-5-5", ..FIRM },
    Family { name: "claude-haiku-5", ..FREE },
    Family { name: "claude-opus-5", fast: true, ..FREE },
    Family { name: "claude-sonnet-5", system_turns: false, ..FREE },
    Family { name: "claude-opus-4-8", fast: true, ..FREE },
    Family { name: "claude-opus-4-7", system_turns: false, ..FREE },
    Family {
        name: "claude-opus-4-6",
        thinks: Thinks::Either,
        efforts: NO_XHIGH,
        prefill: false,
        longest: 128_000,
        ..BUDGETED
    },
    Family {
        name: "claude-sonnet-4-6",
        thinks: Thinks::Either,
        efforts: NO_XHIGH,
        prefill: false,
        ..BUDGETED
    },
    Family { name: "claude-opus-4-5", ..BUDGETED },
    Family { name: "claude-sonnet-4-5", ..BUDGETED },
    Family { name: "claude-haiku-4-5", ..BUDGETED },
    Family { name: "claude-opus-4-1", schemas: true, ..OLD },
    Family { name: "claude-opus-4", ..OLD },
    Family { name: "claude-sonnet-4", longest: 64_000, ..OLD },
    Family { name: "claude-3-7", longest: 64_000, ..OLD },
    Family { name: "claude-3-5", longest: 8_192, ..OLDEST },
    Family { name: "claude-3", ..OLDEST },
    Family { name: "claude-2", ..OLDEST },
    Family { name: "claude-instant", ..OLDEST },
    // Models that are not known yet are like the newest, but for what those refuse.
    Family { name: "claude", ..FREE },
];

/// Models of other makers.
static OTHERS: Family = OLD;

/// The family of a model, by its name anywhere: with a vendor's prefix, a date, a version.
pub(crate) fn of(model: &str) -> &'static Family {
    let model = model.to_ascii_lowercase().replace('.', "-");
    FAMILIES.iter().find(|family| model.contains(family.name)).unwrap_or(&OTHERS)
}

#[cfg(test)]
mod tests {
    use super::{Thinks, of};

    #[test]
    fn models_are_found_by_their_names_wherever_they_stand() {
        for (model, thinks, forced, sampling) in [
            ("claude-opus-5-5", Thinks::Always, false, false),
            ("claude-fable-5-1", Thinks::Always, false, false),
            ("claude-fable-5", Thinks::Always, true, false),
            ("claude-opus-5-20270101", Thinks::Adaptively, true, false),
            ("us.anthropic.claude-opus-4-7-v1:0", Thinks::Adaptively, true, false),
            ("claude-sonnet-4-6", Thinks::Either, true, true),
            ("claude-sonnet-4-5@20250929", Thinks::ByBudget, true, true),
            ("claude-sonnet-4-20250514", Thinks::ByBudget, true, true),
            ("anthropic/claude-sonnet-4.5", Thinks::ByBudget, true, true),
            ("claude-3-5-haiku-20241022", Thinks::Never, true, true),
            ("claude-next-9", Thinks::Adaptively, true, false),
            ("glm-5", Thinks::ByBudget, true, true),
        ] {
            let family = of(model);
            assert_eq!(
                (family.thinks, family.forced, family.sampling),
                (thinks, forced, sampling),
                "{model}"
            );
        }
        assert!(of("claude-opus-4-8").system_turns && !of("claude-sonnet-5").system_turns);
        assert!(of("claude-sonnet-5-5").system_turns && !of("kimi-k2").schemas);
    }
}
