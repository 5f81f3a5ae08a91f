//! Quarter-hours, and days of a zone, in seconds of Unix time.

use jiff::tz::TimeZone;
use sluice_api::plugin::Timestamp;

/// Seconds of a quarter-hour.
pub(super) const QUARTER: i64 = 900;

/// Seconds of a day in a zone that never changes.
const DAY: i64 = 86_400;

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

/// The quarter-hour that a second is in: where it begins.
pub(super) fn quarter_of(second: i64) -> i64 {
    second.div_euclid(QUARTER).saturating_mul(QUARTER)
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
