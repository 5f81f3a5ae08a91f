//! Whose limits bind a request, what it may use, and how much of that it takes.

use crate::limit::{Limit, Unit};
use crate::take::{Principal, Rule};

/// How a key's limits are enforced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Refuse once what is settled and what is expected reach a limit.
    #[default]
    Soft,
    /// Reserve the worst case.
    Hard,
}

/// One of those whose limits bind a request: its key, the key's group, or the account that it goes to.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Party<'a> {
    /// Which.
    pub principal: Principal,
    /// Requests that it may have at once; 0 = no bound.
    pub concurrency: u32,
    /// Its limits.
    pub limits: &'a [Limit],
}

impl<'a> Party<'a> {
    /// One with these limits.
    #[must_use]
    pub const fn new(principal: Principal, concurrency: u32, limits: &'a [Limit]) -> Self {
        Self { principal, concurrency, limits }
    }
}

/// What a request may use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Demand {
    /// What is expected of it.
    pub expected: Spend,
    /// The most that it can come to.
    pub most: Most,
}

impl Demand {
    /// Nothing is expected, and nothing bounds it.
    pub const NONE: Self =
        Self { expected: Spend { tokens: 0, cost: 0 }, most: Most { tokens: None, cost: None } };

    /// What is expected of a request, and the most that it can come to.
    #[must_use]
    pub const fn new(expected: Spend, most: Most) -> Self {
        Self { expected, most }
    }

    /// How much of a unit it takes, and by which rule.
    #[must_use]
    pub fn takes(self, unit: Unit, mode: Mode) -> (u64, Rule) {
        let Self { expected, most } = self;
        match (mode, unit) {
            (_, Unit::Requests) => (1, Rule::Within),
            (Mode::Soft, Unit::Tokens) => (expected.tokens, Rule::Below),
            (Mode::Soft, Unit::Cost) => (expected.cost, Rule::Below),
            // What has no bound fits nowhere.
            (Mode::Hard, Unit::Tokens) => (most.tokens.unwrap_or(u64::MAX), Rule::Within),
            (Mode::Hard, Unit::Cost) => (most.cost.unwrap_or(u64::MAX), Rule::Within),
        }
    }
}

/// Tokens, and units of 1e-10 dollars.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spend {
    /// Tokens of every class.
    pub tokens: u64,
    /// Units of 1e-10 dollars.
    pub cost: u64,
}

/// The most of both; nothing where no bound is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Most {
    /// Tokens of every class.
    pub tokens: Option<u64>,
    /// Units of 1e-10 dollars.
    pub cost: Option<u64>,
}
