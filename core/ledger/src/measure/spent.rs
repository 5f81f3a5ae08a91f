//! What requests used and cost, summed in whole numbers.

use std::ops::AddAssign;

use sluice_api::cost::Money;
use sluice_api::record::Record;

use super::series::Counters;

/// Classes of tokens, as labels.
const CLASSES: [&str; 5] = ["input", "output", "cache_write", "cache_read", "reasoning"];

/// What some requests used and cost together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Amounts {
    /// Tokens of each class.
    tokens: [u64; CLASSES.len()],
    cost: Money,
    /// Requests that used something of which no price is known.
    pub(super) unpriced: u64,
}

impl Amounts {
    pub(super) fn of(record: &Record) -> Self {
        let usage = record.usage.unwrap_or_default();
        Self {
            tokens: [usage.input, usage.output, usage.cache_write(), usage.cache_read, usage.reasoning],
            cost: record.cost.own.unwrap_or_default(),
            unpriced: u64::from(record.is_unpriced()),
        }
    }
}

impl AddAssign for Amounts {
    fn add_assign(&mut self, other: Self) {
        self.tokens.iter_mut().zip(other.tokens).for_each(|(sum, more)| *sum = sum.saturating_add(more));
        self.cost += other.cost;
        self.unpriced += other.unpriced;
    }
}

/// Tokens and US dollars, by whose they are.
#[derive(Debug)]
pub(super) struct Spent {
    /// The label that says whose.
    label: &'static str,
    tokens: Counters,
    cost: Counters<Money>,
}

impl Spent {
    pub(super) fn of(label: &'static str) -> Self {
        Self { label, tokens: Counters::default(), cost: Counters::default() }
    }

    pub(super) fn add(&self, whose: &str, amounts: &Amounts) {
        for (class, count) in CLASSES.iter().zip(amounts.tokens).filter(|(_, count)| *count > 0) {
            self.tokens.add(&[(self.label, whose), ("class", class)], count);
        }
        if amounts.cost != Money::ZERO {
            self.cost.add(&[(self.label, whose)], amounts.cost);
        }
    }

    pub(super) fn tokens(&self) -> &Counters {
        &self.tokens
    }

    pub(super) fn cost(&self) -> &Counters<Money> {
        &self.cost
    }
}
