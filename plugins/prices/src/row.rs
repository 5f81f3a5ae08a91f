//! What a price file says of a model: prices from a day on, or the name of another model.

use jiff::Timestamp;

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
}

/// The rows of a price file, and how many of its rows are none of these.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rows {
    /// In the file's order; no name twice.
    pub rows: Vec<Row>,
    /// Rows without a price that is understood: their models are unpriced, not free.
    pub skipped: usize,
    /// Keys that are not known, of the community's format, which gets new ones weekly.
    pub unknown_keys: usize,
}
