//! Times ahead.

use std::time::Duration;

use jiff::Timestamp;

/// A time after another one.
pub(crate) fn later(now: Timestamp, by: Duration) -> Timestamp {
    now.saturating_add(by).unwrap_or(Timestamp::MAX)
}
