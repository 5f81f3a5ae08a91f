//! What is counted, and how much of each.

use std::collections::BTreeMap;

use serde::Serialize;
use sluice_api::cost::Usage;
use utoipa::ToSchema;

use crate::decimal;

/// What a line of a report counts. Classes are disjoint, as in the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Class {
    /// Input tokens that no cache had and that were written to none.
    Input,
    /// Input tokens read from a cache.
    CacheRead,
    /// Input tokens written to a cache for five minutes, or for the vendor's only time.
    #[serde(rename = "cache_write_5m")]
    CacheWrite5m,
    /// Input tokens written to a cache for an hour.
    #[serde(rename = "cache_write_1h")]
    CacheWrite1h,
    /// Output tokens.
    Output,
    /// Web searches that the vendor ran.
    WebSearches,
    /// US dollars.
    Cost,
}

impl Class {
    /// Classes of input tokens.
    pub(crate) const INPUTS: [Self; 4] =
        [Self::Input, Self::CacheRead, Self::CacheWrite5m, Self::CacheWrite1h];

    /// A quantity of it as text.
    pub(crate) fn text(self, quantity: i128) -> String {
        match self {
            Self::Cost => decimal::plain(quantity),
            _ => quantity.to_string(),
        }
    }
}

/// Quantities by their class: counts, and dollars in units of 10^-24.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Values(BTreeMap<Class, i128>);

impl Values {
    /// What a record has used.
    pub(crate) fn of(usage: &Usage) -> Self {
        let mut values = Self::default();
        for (class, count) in [
            (Class::Input, usage.input),
            (Class::CacheRead, usage.cache_read),
            (Class::CacheWrite5m, usage.cache_write_5m),
            (Class::CacheWrite1h, usage.cache_write_1h),
            (Class::Output, usage.output),
            (Class::WebSearches, usage.web_searches),
        ] {
            values.add(class, count.into());
        }
        values
    }

    pub(crate) fn get(&self, class: Class) -> i128 {
        self.0.get(&class).copied().unwrap_or_default()
    }

    pub(crate) fn add(&mut self, class: Class, more: i128) {
        if more != 0 {
            let value = self.0.entry(class).or_default();
            *value = value.saturating_add(more);
        }
    }

    pub(crate) fn add_all(&mut self, others: &Self) {
        for (class, more) in &others.0 {
            self.add(*class, *more);
        }
    }

    /// Moves all of one class to another, where a report does not tell them apart.
    pub(crate) fn fold(&mut self, class: Class, into: Class) {
        let count = self.0.remove(&class).unwrap_or_default();
        self.add(into, count);
    }

    /// All input tokens.
    pub(crate) fn all_input(&self) -> i128 {
        Class::INPUTS.iter().map(|class| self.get(*class)).sum()
    }
}
