//! What a request used, in one convention for every dialect.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Tokens (and billable calls) of one request, in disjoint classes.
///
/// `input` excludes cache reads and writes; `output` includes reasoning. Every provider's own
/// convention is turned into this one by the meters of `sluice-wire`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
#[non_exhaustive]
pub struct Usage {
    /// Input tokens that were neither read from nor written to a cache.
    pub input: u64,
    /// Output tokens, reasoning included.
    pub output: u64,
    /// Input tokens written to a cache that lives five minutes (or for the provider's shortest time).
    pub cache_write_5m: u64,
    /// Input tokens written to a cache that lives an hour or more.
    pub cache_write_1h: u64,
    /// Input tokens read from a cache.
    pub cache_read: u64,
    /// Output tokens spent on reasoning; a part of `output`.
    pub reasoning: u64,
    /// Web searches that the provider ran and bills by the call.
    pub web_searches: u64,
    /// The dialect had not told the usage (or not all of it): it is an estimate.
    pub estimated: bool,
    /// The provider's classes do not add up to its own total, or one of them was below zero.
    pub inconsistent: bool,
}

impl Usage {
    /// Tokens that went in and came out, and nothing else of what there is.
    #[must_use]
    pub fn new(input: u64, output: u64) -> Self {
        Self { input, output, ..Self::default() }
    }

    /// All tokens: input, output, cache writes and cache reads.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.all_input().saturating_add(self.output)
    }

    /// All input tokens: what no cache knew, what was written to one, and what was read from one.
    #[must_use]
    pub const fn all_input(&self) -> u64 {
        self.input.saturating_add(self.cache_write()).saturating_add(self.cache_read)
    }

    /// Input tokens written to caches of any life time.
    #[must_use]
    pub const fn cache_write(&self) -> u64 {
        self.cache_write_5m.saturating_add(self.cache_write_1h)
    }
}
