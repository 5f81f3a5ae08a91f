//! Times as the tables have them, and quarter-hours, hours and days of a zone.

use jiff::tz::TimeZone;
use sluice_api::plugin::Timestamp;

/// Seconds of a day in a zone that never changes.
const DAY: i64 = 86_400;

/// A time in nanoseconds since 1970; the nearest there is where it does not fit.
pub(super) fn nanoseconds(time: Timestamp) -> i64 {
    let nearest = if time < Timestamp::UNIX_EPOCH { i64::MIN } else { i64::MAX };
    i64::try_from(time.as_nanosecond()).unwrap_or(nearest)
}

pub(super) fn timestamp(nanoseconds: i64) -> Timestamp {
    Timestamp::from_nanosecond(nanoseconds.into()).unwrap_or_default()
}

/// The last whole second that is not after a time.
pub(super) fn second_of(time: Timestamp) -> i64 {
    time.as_second() - i64::from(time.subsec_nanosecond() < 0)
}

/// The first whole second that is not before a time.
pub(super) fn second_after(time: Timestamp) -> i64 {
    time.as_second() + i64::from(time.subsec_nanosecond() > 0)
}

/// A second as a time; the first or last there is where it is beyond.
pub(super) fn at(second: i64) -> Timestamp {
    let last = if second < 0 { Timestamp::MIN } else { Timestamp::MAX };
    Timestamp::from_second(second).unwrap_or(last)
}

/// What sums are kept by, in the order in which a span is made of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Unit {
    /// A day of the zone.
    Day,
    /// An hour of Unix time.
    Hour,
    /// A quarter of one.
    Quarter,
}

impl Unit {
    /// Every one, the largest first.
    pub(super) const ALL: [Self; 3] = [Self::Day, Self::Hour, Self::Quarter];

    /// The one of these that begins last before a second or with it, and the second behind it.
    pub(super) fn around(self, second: i64, days: &Days) -> (i64, i64) {
        let seconds = match self {
            Self::Day => return days.around(second),
            Self::Hour => 3_600,
            Self::Quarter => 900,
        };
        let start = second.div_euclid(seconds).saturating_mul(seconds);
        (start, start.saturating_add(seconds))
    }

    /// The first moment from this second on at which one begins.
    pub(super) fn next(self, second: i64, days: &Days) -> i64 {
        match self.around(second, days) {
            (start, _) if start == second => start,
            (_, end) => end,
        }
    }
}

/// The days of a zone.
#[derive(Clone, Debug)]
pub(super) struct Days(pub(super) TimeZone);

impl Days {
    /// The first second of the day that a second is in, and the one behind its last.
    pub(super) fn around(&self, second: i64) -> (i64, i64) {
        let day = || {
            let day = Timestamp::from_second(second).ok()?.to_zoned_datetime(self.0.clone());
            let start = day.start_of_day().ok()?;
            let end = day.tomorrow().ok()?.start_of_day().ok()?;
            Some((start.timestamp().as_second(), end.timestamp().as_second()))
        };
        let plain = second.div_euclid(DAY).saturating_mul(DAY);
        // At the very ends of the calendar there is no tomorrow.
        day().unwrap_or((plain, plain.saturating_add(DAY)))
    }
}
