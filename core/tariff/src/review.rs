//! What a price file would change of a list, and what in it is doubtful.

use jiff::Timestamp;
use serde::Serialize;

/// What laying a price file over a list would do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Review {
    /// The file.
    pub file: String,
    /// A hash of its text.
    pub hash: String,
    /// Whose format it has.
    pub format: String,
    /// How many models it has prices for.
    pub models: usize,
    /// How many of these cost what they cost before.
    pub unchanged: usize,
    /// What changes, in the file's order.
    pub changes: Vec<Change>,
    /// Names that stand for other models.
    pub aliases: Vec<Alias>,
    /// Models without a price that is understood: they are unpriced, not free.
    pub skipped: Vec<String>,
    /// Models that have prices, but none for tokens.
    pub without_token_price: Vec<String>,
    /// Keys that look like prices and are none that are known.
    pub unknown_keys: Vec<String>,
    /// What is surely not meant, or was wrong in other lists.
    pub doubts: Vec<Doubt>,
}

/// What changes for a model, from a time on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Change {
    /// The model.
    pub model: String,
    /// Whether the list has no prices for it before.
    pub added: bool,
    /// From when on; null for always.
    pub effective_from: Option<Timestamp>,
    /// Its rates that differ.
    pub rates: Vec<RateChange>,
}

impl Change {
    /// Of a model.
    #[must_use]
    pub const fn new(model: String, added: bool, from: Option<Timestamp>, rates: Vec<RateChange>) -> Self {
        Self { model, added, effective_from: from, rates }
    }
}

/// A rate that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RateChange {
    /// What is billed.
    pub class: String,
    /// In which tier.
    pub tier: String,
    /// Above how many tokens of the prompt; null for any.
    pub above: Option<u64>,
    /// At which hours; null for all others.
    pub hours: Option<String>,
    /// US dollars for a million tokens, or for one of what costs a fee; null where it was not listed.
    pub was: Option<String>,
    /// The same, with the file.
    pub now: Option<String>,
}

impl RateChange {
    /// A rate that nothing is known of yet but what it is for.
    #[must_use]
    pub fn new(class: &str, tier: &str) -> Self {
        let (class, tier) = (class.to_owned(), tier.to_owned());
        Self { class, tier, above: None, hours: None, was: None, now: None }
    }
}

/// A name that stands for a model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Alias {
    /// The name.
    pub name: String,
    /// The model.
    pub model: String,
}

impl Alias {
    /// Such a name.
    #[must_use]
    pub const fn new(name: String, model: String) -> Self {
        Self { name, model }
    }
}

/// Something that is allowed and surely not meant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Doubt {
    /// The model.
    pub model: String,
    /// The line of the file that it begins on.
    pub line: usize,
    /// What is doubtful, as a sentence.
    pub message: String,
}

impl Doubt {
    /// About a model.
    #[must_use]
    pub const fn new(model: String, line: usize, message: String) -> Self {
        Self { model, line, message }
    }
}
