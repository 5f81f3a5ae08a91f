//! What a request used, what it costs, and the lines that this is made of.

mod usage;

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

use crate::settings::Problem;

/// What people are told of prices.
pub use sluice_tariff as tariff;

pub use sluice_money::{Exact, Factor, Money, NotMoney, divided};
pub use sluice_tariff::asked::{Lengths, ListedAsk};
pub use sluice_tariff::{Line, PriceEntry, PriceSource, Priced};

pub use usage::Usage;

/// Turns usage into money. Pure, and called once at the end of each request: it does no I/O and formats nothing.
pub trait CostModel: fmt::Debug + Send + Sync + 'static {
    /// The price of what was used, or `None` when it is not known to the last digit; which is never zero.
    fn price(&self, ask: &PriceAsk<'_>) -> Option<Priced>;

    /// Whether it has a price for a model of a provider's kind, now or later; asked where `cost.unknown_model` is "reject".
    fn knows(&self, _provider: &str, model: &str) -> bool {
        self.models().iter().any(|known| known == model)
    }

    /// The same with a price file of this name and text laid over it, as if it were configured so; nothing where it takes no
    /// such files. Asked where past usage is priced anew.
    ///
    /// # Errors
    ///
    /// What is wrong with the file, with its place.
    fn laid_over(&self, _file: &str, _text: &str) -> Option<Result<Arc<dyn CostModel>, Problem>> {
        None
    }

    /// The models that it has a price for, by the names that clients ask for, for `GET /v1/models`.
    fn models(&self) -> Vec<String> {
        Vec::new()
    }

    /// The most that a request can cost, so that so much can be set aside for it; nothing where no bound is known.
    ///
    /// Whatever such a request uses, [`CostModel::price`] is never above it: its tokens are billed at the dearest rate that
    /// they can reach.
    fn ceiling(&self, _ask: &CeilingAsk<'_>) -> Option<Exact> {
        None
    }

    /// How long prompts and answers of a model may be, where it knows.
    fn lengths(&self, _asked: &ListedAsk<'_>) -> Lengths {
        Lengths::default()
    }

    /// The names of all entries that it has, for operators; those of the models, where it does not say otherwise.
    fn entries(&self) -> Vec<String> {
        self.models()
    }

    /// What a model costs at a time, for operators. Where it does not say otherwise: what one token, or one call, of each
    /// class is priced at.
    fn listed(&self, asked: &ListedAsk<'_>) -> Option<tariff::listed::ListedModel> {
        let price =
            |usage: &Usage| self.price(&PriceAsk::new(asked.provider, asked.model, usage, asked.time));
        tariff::of_prices(usage::one_of_each(), price)
    }

    /// What a price file of this name and text would change, laid over what it has; nothing where it takes no such files.
    ///
    /// # Errors
    ///
    /// What is wrong with the file, with its place.
    fn review(
        &self,
        _file: &str,
        _text: &str,
        _time: Timestamp,
    ) -> Option<Result<tariff::review::Review, Problem>> {
        None
    }
}

/// A request before it is sent, as far as it is bounded.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct CeilingAsk<'a> {
    /// The provider's kind.
    pub provider: &'a str,
    /// The model as it is asked for upstream.
    pub model: &'a str,
    /// The service tier that is asked for; nothing where it is left to the upstream.
    pub tier: Option<&'a str>,
    /// The speed that is asked for.
    pub speed: Option<&'a str>,
    /// Where it is processed, where that is settled before.
    pub geo: Option<&'a str>,
    /// The most of everything: of tokens `input` and `output`, whatever their class, and of calls each by its name.
    pub most: &'a Usage,
    /// When the request starts.
    pub time: Timestamp,
}

impl<'a> CeilingAsk<'a> {
    /// A request of a model, of which nothing else is asked for.
    #[must_use]
    pub const fn new(provider: &'a str, model: &'a str, most: &'a Usage, time: Timestamp) -> Self {
        Self { provider, model, tier: None, speed: None, geo: None, most, time }
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
