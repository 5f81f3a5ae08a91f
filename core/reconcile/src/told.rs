//! What a vendor's reports say, as far as the ledger can be held against it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sluice_api::dialect::Operation;
use sluice_api::record::Span;
use utoipa::ToSchema;

use crate::class::{Class, Values};

/// Seconds of a day of UTC, as vendors cut their reports.
pub(crate) const DAY: i64 = 24 * 60 * 60;

/// Whose reports they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Vendor {
    /// Anthropic, whose API accounts are of provider `claude-console`.
    Anthropic,
    /// OpenAI, whose accounts are of provider `openai` or `openai-responses`.
    OpenAi,
}

impl Vendor {
    /// All there are.
    pub const ALL: [Self; 2] = [Self::Anthropic, Self::OpenAi];

    /// Its name in commands and requests.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Anthropic => "anthropic",
            Self::OpenAi => "openai",
        }
    }

    /// The one of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|vendor| vendor.name() == name)
    }

    /// Kinds of providers whose accounts it bills by these reports.
    #[must_use]
    pub const fn providers(self) -> &'static [&'static str] {
        match self {
            Self::Anthropic => &["claude-console"],
            Self::OpenAi => &["openai", "openai-responses"],
        }
    }
}

/// What a report is of; each has the time that it covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    /// Tokens of answers: of Claude's messages, of OpenAI's completions and responses.
    Answers,
    /// Tokens of embeddings.
    Embeddings,
    /// Money for all of it.
    Costs,
}

impl Part {
    /// The one that tells the tokens of an operation.
    pub(crate) const fn of(operation: Operation) -> Option<Self> {
        match operation {
            Operation::Embed | Operation::BatchEmbed => Some(Self::Embeddings),
            // Nothing is billed for a count.
            Operation::CountTokens => None,
            _ => Some(Self::Answers),
        }
    }
}

/// A stretch of time that a report tells all of, in seconds since 1970; and which page of which file does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Covered {
    pub(crate) from: i64,
    pub(crate) to: i64,
    pub(crate) page: usize,
}

/// What was used of a model on a day, and by how much it may be off because it was rounded before it was written.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stated {
    pub(crate) values: Values,
    pub(crate) rounding: i128,
}

/// What is told of one part.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sheet {
    /// In order, none over another.
    pub(crate) covered: Vec<Covered>,
    /// Which classes are told at all.
    pub(crate) classes: BTreeSet<Class>,
    /// By day (in days since 1970) and model, where they are told by model.
    pub(crate) stated: BTreeMap<(i64, Option<String>), Stated>,
}

impl Sheet {
    /// Whether it tells of a moment.
    pub(crate) fn covers(&self, second: i64) -> bool {
        let behind = self.covered.partition_point(|covered| covered.from <= second);
        behind.checked_sub(1).and_then(|at| self.covered.get(at)).is_some_and(|covered| second < covered.to)
    }

    /// When what it covers of a day ends.
    pub(crate) fn end_of(&self, day: i64) -> Option<i64> {
        let of_day =
            self.covered.iter().filter(|covered| covered.from < (day + 1) * DAY && covered.to > day * DAY);
        of_day.map(|covered| covered.to).max()
    }

    /// Whether every row has a model.
    pub(crate) fn is_by_model(&self) -> bool {
        self.stated.keys().all(|(_, model)| model.is_some())
    }
}

/// All that was read.
#[derive(Clone, Debug)]
pub struct Told {
    pub(crate) vendor: Vendor,
    pub(crate) sheets: BTreeMap<Part, Sheet>,
    pub(crate) notes: Vec<String>,
}

impl Told {
    /// Longest that a request may have run which ended in the time told of, though it began before: such requests are
    /// looked at too.
    const BEFORE: i64 = 60 * 60;

    /// The time of which records are needed.
    #[must_use]
    pub fn span(&self) -> Option<Span> {
        let all = || self.sheets.values().flat_map(|sheet| &sheet.covered);
        let from = all().map(|covered| covered.from).min()?;
        let to = all().map(|covered| covered.to).max()?;
        let at = |second| Timestamp::from_second(second).ok();
        Some(Span::new(at(from.saturating_sub(Self::BEFORE))?, at(to)?))
    }

    /// Whose reports they are.
    #[must_use]
    pub const fn vendor(&self) -> Vendor {
        self.vendor
    }
}
