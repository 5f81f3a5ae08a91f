//! How much a model thinks: levels by name, and budgets of tokens.

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
}

#[cfg(test)]
mod tests {
    use super::Effort;

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
}
