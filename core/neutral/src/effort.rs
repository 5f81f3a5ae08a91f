//! How much a model thinks: levels by name, budgets of tokens, and the levels that OpenAI's models have.

/// A level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effort {
    /// No thinking at all.
    None,
    /// As little as the model can.
    Minimal,
    /// Little.
    Low,
    /// As much as is usual.
    Medium,
    /// Much.
    High,
    /// More than that.
    Xhigh,
    /// As much as the model can.
    Max,
}

/// Levels, their names, and the budget in tokens that stands for each where a model takes budgets.
const LEVELS: [(Effort, &str, u64); 7] = [
    (Effort::None, "none", 0),
    (Effort::Minimal, "minimal", 1_024),
    (Effort::Low, "low", 2_048),
    (Effort::Medium, "medium", 8_192),
    (Effort::High, "high", 16_384),
    (Effort::Xhigh, "xhigh", 24_576),
    (Effort::Max, "max", 31_999),
];

impl Effort {
    /// The level of this name, in either case.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        LEVELS.iter().find(|(_, known, _)| name.eq_ignore_ascii_case(known)).map(|(level, ..)| *level)
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        LEVELS.iter().find(|(level, ..)| *level == self).map_or("medium", |(_, name, _)| name)
    }

    /// The budget that stands for it, in tokens.
    #[must_use]
    pub fn budget(self) -> u64 {
        LEVELS.iter().find(|(level, ..)| *level == self).map_or(0, |(.., budget)| *budget)
    }

    /// The level that a budget in tokens stands for.
    #[must_use]
    pub const fn of_budget(tokens: u64) -> Self {
        match tokens {
            0 => Self::None,
            1..1_536 => Self::Minimal,
            1_536..4_096 => Self::Low,
            4_096..12_288 => Self::Medium,
            12_288..20_000 => Self::High,
            _ => Self::Xhigh,
        }
    }

    /// The nearest of the levels that a model knows, the lower of two that are as near; itself where it knows none.
    #[must_use]
    pub fn nearest(self, known: &[Self]) -> Self {
        let far = |level: &Self| (*level as i8 - self as i8).unsigned_abs();
        known.iter().copied().min_by_key(|level| (far(level), *level)).unwrap_or(self)
    }

    /// The same, but a little is never nothing: who asked for any thought gets some where the model knows how.
    #[must_use]
    pub fn at_least_some(self, known: &[Self]) -> Self {
        let some = known.strip_prefix(&[Self::None]).filter(|some| self != Self::None && !some.is_empty());
        self.nearest(some.unwrap_or(known))
    }
}

/// A family of OpenAI's models, known by the name of one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Family {
    /// The version, of a GPT.
    pub version: Option<(u32, u32)>,
    /// The levels at which its models think; empty where they do not.
    pub efforts: &'static [Effort],
}

impl Family {
    /// The family of a model of this name, if it is one of OpenAI's: a provider's prefix, and what a fine-tuned model is
    /// called beside it, are not of its name.
    #[must_use]
    pub fn of(model: &str) -> Option<Self> {
        let name = model.to_ascii_lowercase();
        let name = name.rsplit('/').next().unwrap_or_default();
        let name = name.strip_prefix("ft:").unwrap_or(name).split(':').next().unwrap_or_default();
        if let Some(version) = version(name) {
            let speaks = version < (5, 0) || name.contains("-chat") || name.contains("-search");
            let efforts = if speaks { &[] } else { levels(name, version) };
            return Some(Self { version: Some(version), efforts });
        }
        let thinks = is_old_thinker(name) || name.starts_with("gpt-oss") || name.starts_with("codex-mini");
        thinks.then_some(Self { version: None, efforts: &[Effort::Low, Effort::Medium, Effort::High] })
    }
}

/// The levels of GPT-5 and later.
fn levels(name: &str, version: (u32, u32)) -> &'static [Effort] {
    use Effort::{High, Low, Max, Medium, Minimal, None, Xhigh};
    match version {
        (5, 0) if name.contains("-pro") => &[High],
        (5, 0) if name.contains("-codex") => &[Low, Medium, High],
        (5, 0) => &[Minimal, Low, Medium, High],
        (5, 1) if name.contains("-max") => &[None, Medium, High, Xhigh],
        (5, 1) if name.contains("-codex") => &[Low, Medium, High],
        (5, 1) => &[None, Low, Medium, High],
        (5, _) if name.contains("-pro") => &[Medium, High, Xhigh],
        (5, _) if name.contains("-codex") => &[Low, Medium, High, Xhigh],
        (5, _) => &[None, Low, Medium, High, Xhigh],
        _ => &[Low, Medium, High, Xhigh, Max],
    }
}

/// The version of a GPT: `4` of `gpt-4o`.
fn version(name: &str) -> Option<(u32, u32)> {
    let version = name.strip_prefix("gpt-")?.split('-').next()?;
    let (major, minor) = version.split_once('.').unwrap_or((version, ""));
    let major = major.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    // Azure's names have no dots.
    if major == "35" {
        return Some((3, 5));
    }
    Some((major.parse().ok()?, minor.parse().unwrap_or_default()))
}

/// o1, o3, o4 and their kin.
fn is_old_thinker(name: &str) -> bool {
    let mut letters = name.chars();
    letters.next() == Some('o')
        && letters.next().is_some_and(|digit| digit.is_ascii_digit())
        && matches!(letters.next(), None | Some('-'))
}

#[cfg(test)]
mod tests {
    use super::{Effort, Family};

    #[test]
    fn each_budget_stands_for_its_level() {
        for level in [Effort::None, Effort::Minimal, Effort::Low, Effort::Medium, Effort::High, Effort::Xhigh]
        {
            assert_eq!(Effort::of_budget(level.budget()), level);
            assert_eq!(Effort::of(level.name()), Some(level));
        }
        assert_eq!(Effort::of("HIGH"), Some(Effort::High));
        let known = [Effort::Low, Effort::High];
        assert_eq!(
            (Effort::Medium.nearest(&known), Effort::Max.nearest(&known)),
            (Effort::Low, Effort::High)
        );
        assert_eq!(Effort::Minimal.nearest(&[]), Effort::Minimal);
    }

    #[test]
    fn a_little_is_some_where_the_model_can() {
        use Effort::{High, Low, Minimal, None};
        assert_eq!(Minimal.at_least_some(&[None, Low, High]), Low);
        assert_eq!(Minimal.at_least_some(&[None, Minimal]), Minimal);
        assert_eq!(None.at_least_some(&[None, Low]), None);
        assert_eq!(None.at_least_some(&[Low, High]), Low);
        assert_eq!(Low.at_least_some(&[None]), None);
    }

    #[test]
    fn families_of_models_think_at_the_levels_that_they_have() {
        for (model, version, efforts) in [
            ("gpt-3.5-turbo", Some((3, 5)), ""),
            ("gpt-35-turbo", Some((3, 5)), ""),
            ("GPT-4o", Some((4, 0)), ""),
            ("ft:gpt-4.1:org::id", Some((4, 1)), ""),
            ("ft:gpt-5.1:my-pro::id", Some((5, 1)), "none low medium high"),
            ("gpt-5-pro", Some((5, 0)), "high"),
            ("gpt-5-mini", Some((5, 0)), "minimal low medium high"),
            ("gpt-5-chat-latest", Some((5, 0)), ""),
            ("gpt-5-search-api", Some((5, 0)), ""),
            ("gpt-5-codex", Some((5, 0)), "low medium high"),
            ("gpt-5.1-codex-mini", Some((5, 1)), "low medium high"),
            ("gpt-5.1-codex-max", Some((5, 1)), "none medium high xhigh"),
            ("gpt-5.1-2025-11-13", Some((5, 1)), "none low medium high"),
            ("gpt-5.2-chat-latest", Some((5, 2)), ""),
            ("gpt-5.2-codex", Some((5, 2)), "low medium high xhigh"),
            ("gpt-5.3-codex", Some((5, 3)), "low medium high xhigh"),
            ("gpt-5.4-pro", Some((5, 4)), "medium high xhigh"),
            ("openai/gpt-5.5", Some((5, 5)), "none low medium high xhigh"),
            ("gpt-5.10", Some((5, 10)), "none low medium high xhigh"),
            ("gpt-6.1-sol", Some((6, 1)), "low medium high xhigh max"),
            ("o4-mini", None, "low medium high"),
            ("gpt-oss-120b", None, "low medium high"),
            ("codex-mini-latest", None, "low medium high"),
        ] {
            let family = Family::of(model).unwrap();
            let names: Vec<&str> = family.efforts.iter().map(|effort| effort.name()).collect();
            assert_eq!((family.version, names.join(" ").as_str()), (version, efforts), "{model}");
        }
        for model in ["o30", "omni-moderation", "my-deployment", "gpt-image-1", "gpt-", "grok-4"] {
            assert_eq!(Family::of(model), None, "{model}");
        }
    }
}
