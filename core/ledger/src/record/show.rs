//! What a column of a record holds, as a client of the admin API reads it.

use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use serde::{Serialize, Serializer};
use sluice_api::{Money, Usage};
use utoipa::ToSchema;

/// What was used, in tokens.
#[derive(Serialize, ToSchema)]
pub(super) struct Tokens {
    /// Input tokens without cache reads and writes.
    input_tokens: u64,
    /// Output tokens, reasoning included.
    output_tokens: u64,
    /// Tokens written to caches.
    cache_write_tokens: u64,
    /// Those of them that were written for an hour or more.
    cache_write_1h_tokens: u64,
    /// Tokens read from caches.
    cache_read_tokens: u64,
    /// Output tokens spent on reasoning.
    reasoning_tokens: u64,
    /// Whether the usage is an estimate, as the dialect had not told it.
    usage_estimated: bool,
}

/// Tokens, none where they are not known.
pub(super) fn tokens<S: Serializer>(usage: &Option<Usage>, to: S) -> Result<S::Ok, S::Error> {
    let usage = usage.unwrap_or_default();
    let tokens = Tokens {
        input_tokens: usage.input,
        output_tokens: usage.output,
        cache_write_tokens: usage.cache_write(),
        cache_write_1h_tokens: usage.cache_write_1h,
        cache_read_tokens: usage.cache_read,
        reasoning_tokens: usage.reasoning,
        usage_estimated: usage.estimated,
    };
    tokens.serialize(to)
}

/// What it cost.
#[derive(Serialize, ToSchema)]
pub(super) struct Costs {
    /// Cost in US dollars; null where no price is known.
    cost: Option<String>,
    /// Cost at the price list's own rates, without the account's multiplier; null where no price is known.
    list_cost: Option<String>,
}

/// Costs, which are the list's own as long as no account has a multiplier.
pub(super) fn costs<S: Serializer>(cost: &Option<Money>, to: S) -> Result<S::Ok, S::Error> {
    let cost = cost.map(|cost| cost.to_string());
    Costs { list_cost: cost.clone(), cost }.serialize(to)
}

pub(super) fn millis<S: Serializer>(span: &Duration, to: S) -> Result<S::Ok, S::Error> {
    // Microseconds are all that a measurement is good for.
    to.serialize_f64((span.as_secs_f64() * 1_000_000.0).round() / 1_000.0)
}

pub(super) fn millis_where_known<S: Serializer>(span: &Option<Duration>, to: S) -> Result<S::Ok, S::Error> {
    match span {
        Some(span) => millis(span, to),
        None => to.serialize_none(),
    }
}

pub(super) fn text<S: Serializer>(text: &Arc<str>, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(text)
}

pub(super) fn shown<S: Serializer>(value: &impl Display, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(value)
}
