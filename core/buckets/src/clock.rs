//! Moments as whole nanoseconds, which never go back.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::Timestamp;

/// The latest moment that anybody has told of.
#[derive(Debug)]
pub(crate) struct Clock(AtomicI64);

impl Default for Clock {
    fn default() -> Self {
        Self(AtomicI64::new(i64::MIN))
    }
}

impl Clock {
    /// This moment, or the latest that was told where it lies before that. Asked with the lock of whatever is counted by it:
    /// so each count sees moments in their order, and a time that goes back lets nothing through that went before.
    pub(crate) fn pass(&self, now: Timestamp) -> i64 {
        let now = nanoseconds(now);
        self.0.fetch_max(now, Ordering::Relaxed).max(now)
    }

    /// The same for who only looks.
    pub(crate) fn look(&self, now: Timestamp) -> i64 {
        self.latest().max(nanoseconds(now))
    }

    /// The latest moment that was told.
    pub(crate) fn latest(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A moment, in nanoseconds since 1970; those before 1677 and after 2262 are the first and the last of all.
pub(crate) fn nanoseconds(time: Timestamp) -> i64 {
    let nanoseconds = time.as_nanosecond();
    i64::try_from(nanoseconds).unwrap_or(if nanoseconds < 0 { i64::MIN } else { i64::MAX })
}

/// The moment of so many nanoseconds since 1970.
pub(crate) fn moment(nanoseconds: i64) -> Timestamp {
    Timestamp::from_nanosecond(i128::from(nanoseconds)).unwrap_or(Timestamp::MAX)
}

/// A length in nanoseconds.
pub(crate) fn length(length: Duration) -> i64 {
    i64::try_from(length.as_nanos()).unwrap_or(i64::MAX)
}

/// How long it is from one moment to a later one.
pub(crate) fn between(from: i64, to: i64) -> Duration {
    Duration::from_nanos(u64::try_from(to.saturating_sub(from)).unwrap_or(0))
}
