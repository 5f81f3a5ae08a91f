//! Anthropic's reports of usage and cost.
//!
//! The fields are those of the Admin API's reference ("Get Messages Usage Report", "Get Cost Report", as of 2026-03) and of
//! the Console's exports, whose columns are known from exports of 2025-12 to 2026-09. Amounts of the API are cents, as
//! decimal texts; those of an export are dollars, rounded to cents line by line.

use super::shape::{Entry, Fields, Report};
use crate::class::{Class, Values};
use crate::decimal;
use crate::told::{Part, Told};

/// Fields of usage, and the class of each.
const USAGE: [(&str, Class); 6] = [
    ("uncached_input_tokens", Class::Input),
    ("cache_read_input_tokens", Class::CacheRead),
    ("cache_creation.ephemeral_5m_input_tokens", Class::CacheWrite5m),
    ("cache_creation.ephemeral_1h_input_tokens", Class::CacheWrite1h),
    ("output_tokens", Class::Output),
    ("server_tool_use.web_search_requests", Class::WebSearches),
];

pub(super) fn state(told: &mut Told, entry: Entry) -> Result<(), String> {
    match entry.report {
        Report::Usage => usage(told, &entry),
        Report::Costs => cost(told, &entry),
    }
}

fn usage(told: &mut Told, entry: &Entry) -> Result<(), String> {
    let Some(fields) = &entry.fields else {
        told.covers(Part::Answers, entry.covered, &[]);
        return Ok(());
    };
    fields.needed("output_tokens")?;
    fields.needed("uncached_input_tokens")?;
    let mut values = Values::default();
    for (name, class) in USAGE {
        if let Some(count) = fields.count(name)? {
            values.add(class, count);
            told.covers(Part::Answers, entry.covered, &[class]);
        }
    }
    told.states(Part::Answers, entry.covered, model(fields), &values);
    Ok(())
}

fn cost(told: &mut Told, entry: &Entry) -> Result<(), String> {
    told.covers(Part::Costs, entry.covered, &[Class::Cost]);
    let Some(fields) = &entry.fields else { return Ok(()) };
    fields.in_dollars("currency")?;
    let (amount, rounding) = match fields.get("cost_usd") {
        Some(text) => (fields.money("cost_usd", 0)?, decimal::half_of_last(text)),
        None => (fields.money("amount", 2)?, 0),
    };
    let mut values = Values::default();
    values.add(Class::Cost, amount);
    // A line of nothing may have been a little that was rounded away.
    let stated = told.states(Part::Costs, entry.covered, model(fields), &values);
    stated.rounding = stated.rounding.saturating_add(rounding);
    Ok(())
}

fn model(fields: &Fields) -> Option<String> {
    fields.get("model").map(str::to_owned)
}
