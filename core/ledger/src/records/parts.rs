//! The parts of a record that have a price of their own: attempts that failed and were billed, and other models.

use sluice_api::cost::Usage;
use sluice_api::record::{Billed, Cost, Record, Try};

/// Attempts before the last one that were billed although they failed.
pub fn before(record: &Record) -> impl Iterator<Item = (&Try, &Billed)> {
    record.tries.iter().filter_map(|attempt| Some((attempt, attempt.billed.as_deref()?)))
}

/// This, and what was used by those attempts.
#[must_use]
pub fn with_before(record: &Record, last: Option<Usage>) -> Option<Usage> {
    if before(record).next().is_none() {
        return last;
    }
    Some(last.unwrap_or_default().plus(used_before(record)))
}

/// What its last attempt used, other models included, and what that cost.
#[must_use]
pub fn last_attempt(record: &Record) -> (Option<Usage>, Cost) {
    if before(record).next().is_none() {
        return (record.usage, record.cost);
    }
    let Some(usage) = without(record, used_before(record)) else { return (None, Cost::default()) };
    let own = record.bill.as_ref().and_then(|bill| bill.cost()).unwrap_or_default();
    (Some(usage), record.others.iter().map(|other| other.cost).fold(own, Cost::plus))
}

/// What its last attempt used of the model that it is priced as.
#[must_use]
pub fn own_usage(record: &Record) -> Option<Usage> {
    let others = record.others.iter().map(|other| other.usage);
    without(record, others.fold(used_before(record), Usage::plus))
}

fn used_before(record: &Record) -> Usage {
    before(record).filter_map(|(attempt, _)| attempt.usage).fold(Usage::default(), Usage::plus)
}

fn without(record: &Record, part: Usage) -> Option<Usage> {
    if part == Usage::default() {
        return record.usage;
    }
    record.usage.map(|usage| usage.minus(part)).filter(|left| !left.is_none())
}
