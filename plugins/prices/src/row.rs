//! What a price file says of a model: prices from a day on, or the name of another model.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::hours::AtHours;
use crate::rates::Prices;

/// A model of a price file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its name.
    pub name: String,
    /// The line of the file that it begins on.
    pub line: usize,
    /// What is said of it.
    pub what: What,
}

/// What is said of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// Prices over time, earliest first; none where the file names no price that is understood: it is unpriced, not free.
    Dated(Vec<Dated>),
    /// It is another name of this model.
    Alias(String),
}

/// Prices from a time on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dated {
    /// When they begin to hold; always, where it is not said.
    pub from: Option<Timestamp>,
    /// The prices.
    pub prices: Prices,
    /// Those of some hours of the day, where these have others.
    pub hours: Option<AtHours>,
}

/// The rows of a price file, and what of it is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rows {
    /// Whose format the file has.
    pub format: Format,
    /// The day on which its prices were looked up, where the file says it.
    pub date: Option<Timestamp>,
    /// In the file's order; no name twice.
    pub rows: Vec<Row>,
    /// Keys that look like prices and are none that are known: the formats of others get new ones weekly.
    pub unknown_keys: BTreeSet<String>,
}

impl Rows {
    /// None yet.
    pub(crate) const fn of(format: Format) -> Self {
        Self { format, date: None, rows: Vec::new(), unknown_keys: BTreeSet::new() }
    }
}

/// Whose format a price file has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Our own.
    Sluice,
    /// LiteLLM's `model_prices_and_context_window.json`.
    Litellm,
    /// The data of genai-prices.
    GenaiPrices,
}

impl Format {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sluice => "sluice",
            Self::Litellm => "litellm",
            Self::GenaiPrices => "genai-prices",
        }
    }
}
