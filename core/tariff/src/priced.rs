//! What usage costs, with the lines that it is made of, and where its rates are from.

use std::sync::Arc;

use sluice_money::{Exact, Factor, Money};

/// What usage costs by a list, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Priced {
    /// What it costs: the sum of the lines, rounded once, half to even, at 10 decimals.
    pub cost: Money,
    /// The exact sum of the lines.
    pub total: Exact,
    /// What it is made of; nothing that was used is in two of them.
    pub lines: Vec<Line>,
    /// Where the rates are from.
    pub source: PriceSource,
}

impl Priced {
    /// What these lines come to.
    #[must_use]
    pub fn new(lines: Vec<Line>, source: PriceSource) -> Self {
        let total = lines.iter().fold(Exact::ZERO, |sum, line| sum.plus(line.amount));
        Self { cost: total.rounded(), total, lines, source }
    }

    /// What an account charges that takes so many times the list's price: rounded once, half to even, at 10 decimals.
    #[must_use]
    pub fn charged(&self, multiplier: Factor) -> Money {
        self.total.rounded_by(multiplier)
    }
}

/// A line of a bill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Line {
    /// What was used, like `cache_read` or `web_search`.
    pub class: &'static str,
    /// How much of it: tokens, calls or pieces.
    pub quantity: u64,
    /// What one costs, with every multiplier of the list.
    pub rate: Exact,
    /// What all of it costs.
    pub amount: Exact,
    /// By which rule it has that rate, where it has none of its own.
    pub rule: Option<&'static str>,
}

impl Line {
    /// So much of a class, at this rate for one.
    #[must_use]
    pub const fn new(class: &'static str, quantity: u64, rate: Exact) -> Self {
        Self { class, quantity, rate, amount: rate.times(quantity), rule: None }
    }
}

/// Where rates are from.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PriceSource {
    /// The entry of a list.
    pub entry: Arc<PriceEntry>,
    /// How the entry was found, like `exact` or `date`.
    pub rule: &'static str,
}

impl PriceSource {
    /// Of this entry, found by this rule.
    #[must_use]
    pub const fn new(entry: Arc<PriceEntry>, rule: &'static str) -> Self {
        Self { entry, rule }
    }
}

/// An entry of a price list.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PriceEntry {
    /// Its name in the list.
    pub name: Arc<str>,
    /// The list.
    pub list: Arc<str>,
    /// A hash of the list's text, by which another version of it is told apart.
    pub hash: Arc<str>,
}

impl PriceEntry {
    /// An entry of a list.
    #[must_use]
    pub const fn new(name: Arc<str>, list: Arc<str>, hash: Arc<str>) -> Self {
        Self { name, list, hash }
    }
}
