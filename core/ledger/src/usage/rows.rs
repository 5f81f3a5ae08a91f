//! Rows of usage, as clients of the API read them.

use serde::Serialize;
use sluice_api::record::{Dimension, SumRow, Sums};
use utoipa::ToSchema;

/// Usage of one bucket and one combination of the fields that it is grouped by; of those that it is not grouped by nothing
/// is said. Money is a decimal string, times are RFC 3339.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct UsageRow {
    /// When the bucket begins, with the offset of the time zone of statistics.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    bucket: Option<String>,
    /// Name of the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    key: Option<Option<String>>,
    /// The key's user label; null for keys without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    user: Option<Option<String>>,
    /// The key's group; null for keys without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    group: Option<Option<String>>,
    /// One of the key's tags, so that rows by tag overlap; null for keys without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    tag: Option<Option<String>>,
    /// The model asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    model: Option<Option<String>>,
    /// The account; null for requests that were refused before one was tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    account: Option<Option<String>>,
    /// The account's provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    provider: Option<Option<String>>,
    /// The client API.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    api: Option<Option<String>>,
    /// Requests that had a valid key.
    requests: u64,
    /// Those of them that were answered with a status of 400 or more, or broke off.
    errors: u64,
    /// Input tokens without cache reads and writes.
    input_tokens: u64,
    /// Output tokens, reasoning included.
    output_tokens: u64,
    /// Tokens written to caches.
    cache_write_tokens: u64,
    /// Tokens read from caches.
    cache_read_tokens: u64,
    /// Output tokens spent on reasoning.
    reasoning_tokens: u64,
    /// Cost in US dollars, with the accounts' multipliers: the exact sum of the records' own.
    cost: String,
    /// Cost at the price list's own rates.
    list_cost: String,
    /// Requests that used something of which no price is known; their cost is in no sum.
    unpriced_requests: u64,
}

/// The rows of sums. Without buckets and fields it is one, also of nothing.
pub(super) fn rows(
    sums: Vec<SumRow>,
    group_by: &[Dimension],
    begins: impl Fn(usize) -> Option<String>,
) -> Vec<UsageRow> {
    if sums.is_empty() && group_by.is_empty() && begins(0).is_none() {
        return vec![UsageRow::of(&Sums::default())];
    }
    let row = |found: SumRow| {
        let mut row = UsageRow { bucket: begins(found.span), ..UsageRow::of(&found.sums) };
        for (field, name) in group_by.iter().zip(found.names) {
            *row.field(*field) = Some(name);
        }
        row
    };
    sums.into_iter().map(row).collect()
}

impl UsageRow {
    fn of(sums: &Sums) -> Self {
        Self {
            requests: sums.requests,
            errors: sums.errors,
            input_tokens: sums.input_tokens,
            output_tokens: sums.output_tokens,
            cache_write_tokens: sums.cache_write_tokens,
            cache_read_tokens: sums.cache_read_tokens,
            reasoning_tokens: sums.reasoning_tokens,
            cost: sums.cost.to_string(),
            list_cost: sums.list_cost.to_string(),
            unpriced_requests: sums.unpriced_requests,
            ..Self::default()
        }
    }

    fn field(&mut self, field: Dimension) -> &mut Option<Option<String>> {
        match field {
            Dimension::Key | Dimension::KeyId => &mut self.key,
            Dimension::User => &mut self.user,
            Dimension::Group => &mut self.group,
            Dimension::Tag => &mut self.tag,
            Dimension::Model => &mut self.model,
            Dimension::Account => &mut self.account,
            Dimension::Provider => &mut self.provider,
            Dimension::Api => &mut self.api,
        }
    }
}
