//! What a request costs.

use std::fmt;

use jiff::Timestamp;

use crate::money::Money;
use crate::usage::Usage;

/// Turns usage into money. Pure.
pub trait CostModel: fmt::Debug + Send + Sync + 'static {
    /// The price of what was used, or `None` when no price is known; which is never zero.
    fn price(&self, ask: &PriceAsk<'_>) -> Option<Money>;

    /// The models that it has a price for, for `GET /v1/models`.
    fn models(&self) -> Vec<String> {
        Vec::new()
    }
}

/// The cost model of those who have none: no price is known.
#[derive(Clone, Copy, Debug)]
pub struct Unpriced;

impl CostModel for Unpriced {
    fn price(&self, _ask: &PriceAsk<'_>) -> Option<Money> {
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
    /// The service tier that the answer reports.
    pub tier: Option<&'a str>,
    /// What was used.
    pub usage: &'a Usage,
    /// When the request started.
    pub time: Timestamp,
}

impl<'a> PriceAsk<'a> {
    /// Usage of a model, as it was asked for upstream, of which the answer reported nothing else.
    #[must_use]
    pub const fn new(provider: &'a str, model: &'a str, usage: &'a Usage, time: Timestamp) -> Self {
        Self { provider, model, reported_model: None, tier: None, usage, time }
    }
}
