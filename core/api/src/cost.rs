//! What a request used, what it costs, and the lines that this is made of.

mod usage;

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

pub use sluice_money::{Exact, Factor, Money, NotMoney, divided};

pub use usage::Usage;

/// Turns usage into money. Pure, and called once at the end of each request: it does no I/O and formats nothing.
pub trait CostModel: fmt::Debug + Send + Sync + 'static {
    /// The price of what was used, or `None` when it is not known to the last digit; which is never zero.
    fn price(&self, ask: &PriceAsk<'_>) -> Option<Priced>;

    /// Whether it has a price for a model of a provider's kind, now or later; asked where `cost.unknown_model` is "reject".
    fn knows(&self, _provider: &str, model: &str) -> bool {
        self.models().iter().any(|known| known == model)
    }

    /// The models that it has a price for, by the names that clients ask for, for `GET /v1/models`.
    fn models(&self) -> Vec<String> {
        Vec::new()
    }
}

/// The cost model of those who have none: no price is known.
#[derive(Clone, Copy, Debug)]
pub struct Unpriced;

impl CostModel for Unpriced {
    fn price(&self, _ask: &PriceAsk<'_>) -> Option<Priced> {
        None
    }
}

/// What is to be priced.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct PriceAsk<'a> {
    /// The provider's kind.
    pub provider: &'a str,
    /// The model as it was asked for upstream.
    pub model: &'a str,
    /// The model that the answer reports.
    pub reported_model: Option<&'a str>,
    /// The service tier that the answer reports, else the one that was asked for.
    pub tier: Option<&'a str>,
    /// The speed that the answer reports, apart from its tier.
    pub speed: Option<&'a str>,
    /// Where the answer reports that it was made, as in `us`.
    pub geo: Option<&'a str>,
    /// What was used.
    pub usage: &'a Usage,
    /// The parts of it that are prompts of their own, where it is made of several that add up to it: each has the rates
    /// of its own length. Empty where it was one.
    pub turns: &'a [Usage],
    /// When the request started.
    pub time: Timestamp,
}

impl<'a> PriceAsk<'a> {
    /// Usage of a model, as it was asked for upstream, of which the answer reported nothing else.
    #[must_use]
    pub const fn new(provider: &'a str, model: &'a str, usage: &'a Usage, time: Timestamp) -> Self {
        Self {
            provider,
            model,
            reported_model: None,
            tier: None,
            speed: None,
            geo: None,
            usage,
            turns: &[],
            time,
        }
    }
}

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
