//! What a model costs, rate by rate, as people read it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

/// The tier of what is served as usual.
pub const STANDARD: &str = "standard";

/// What a model costs by the list that is in force.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
#[non_exhaustive]
pub struct ListedModel {
    /// The entry of the list that it is priced by.
    #[schema(example = "claude-haiku-5-5")]
    pub entry: String,
    /// How the entry was found: `exact`, or the rule that found it, like `date` or `exact, alias`.
    #[schema(example = "exact")]
    pub rule: String,
    /// The list that the entry is from: the built-in one, or a file laid over it.
    #[schema(example = "built-in list of 2026-11-27")]
    pub list: String,
    /// A hash of that list's text.
    #[schema(example = "sha256:9f2c1e0b7d5a4c3886e1f0a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5e6")]
    pub hash: String,
    /// Since when these prices hold; null where it is not said.
    #[schema(value_type = Option<String>, format = DateTime, example = "2026-10-07T00:00:00Z")]
    pub effective_from: Option<Timestamp>,
    /// When others follow them; null where none are known.
    #[schema(value_type = Option<String>, format = DateTime, example = "2027-01-01T00:00:00Z")]
    pub effective_until: Option<Timestamp>,
    /// The most tokens of a prompt; null where the list does not say.
    #[schema(example = 1000000)]
    pub max_input_tokens: Option<u64>,
    /// The most tokens of an answer; null where the list does not say.
    #[schema(example = 128000)]
    pub max_output_tokens: Option<u64>,
    /// Every rate that a request can be billed at.
    pub rates: Vec<ListedRate>,
    /// By what tokens are multiplied where they are processed in one place, by its name; fees are not.
    #[schema(example = json!({ "us": "1.1" }))]
    pub multipliers: BTreeMap<String, String>,
}

/// One rate of a model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[non_exhaustive]
pub struct ListedRate {
    /// What is billed, as lines of a bill name it: `input`, `cache_read`, `web_search`, …
    #[schema(example = "cache_read")]
    pub class: String,
    /// The service tier that it is for: `standard`, `batch`, `flex`, `priority`, `fast`, …
    #[schema(example = "standard")]
    pub tier: String,
    /// It is for prompts of more tokens than this, caches counted, and then for the whole request; null for any prompt.
    #[schema(example = 100000)]
    pub above: Option<u64>,
    /// The hours that it is for; null for all those that no other rate is for.
    #[schema(example = "16:30-00:30 UTC")]
    pub hours: Option<String>,
    /// US dollars for one unit, as a decimal.
    #[schema(example = "0.05")]
    pub price: String,
    /// What one unit is.
    pub unit: Unit,
    /// Where the rate comes from.
    pub source: Source,
}

impl ListedRate {
    /// A rate of the standard tier, for any prompt at any hour, which the list itself has.
    #[must_use]
    pub fn new(class: &str, price: String, unit: Unit) -> Self {
        Self {
            class: class.to_owned(),
            tier: STANDARD.to_owned(),
            above: None,
            hours: None,
            price,
            unit,
            source: Source::Listed,
        }
    }
}

/// What a price is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Unit {
    /// A million tokens.
    MillionTokens,
    /// One call, image, container or request.
    Each,
}

/// Where a rate comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Source {
    /// The list has it.
    Listed,
    /// The list has none for this class: it is that of another one, or what the named rule makes of it.
    Rule(String),
}

impl Source {
    /// In a few words.
    #[must_use]
    pub fn told(&self) -> String {
        match self {
            Self::Listed => "listed".to_owned(),
            Self::Rule(rule) => format!("as {rule}"),
        }
    }
}
