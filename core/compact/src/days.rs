//! Quarter-hours, and days of a zone, in seconds of Unix time; and ids by their times.

use jiff::tz::TimeZone;
use sluice_api::plugin::Timestamp;
use sluice_api::record::Record;

/// Seconds of a quarter-hour.
pub const QUARTER: i64 = 900;

/// Seconds of a day in a zone that never changes.
const DAY: i64 = 86_400;

/// The last whole second that is not after a time.
#[must_use]
pub fn second_of(time: Timestamp) -> i64 {
    time.as_second() - i64::from(time.subsec_nanosecond() < 0)
}

/// The first whole second that is not before a time.
#[must_use]
pub fn second_after(time: Timestamp) -> i64 {
    time.as_second() + i64::from(time.subsec_nanosecond() > 0)
}

/// A second as a time; the first or last there is where it is beyond.
#[must_use]
pub fn at(second: i64) -> Timestamp {
    let last = if second < 0 { Timestamp::MIN } else { Timestamp::MAX };
    Timestamp::from_second(second).unwrap_or(last)
}

/// The quarter-hour that a second is in: where it begins.
#[must_use]
pub fn quarter_of(second: i64) -> i64 {
    second.div_euclid(QUARTER).saturating_mul(QUARTER)
}

/// The days of a zone.
#[derive(Clone, Debug)]
pub struct Days(pub TimeZone);

impl Days {
    /// The first second of the day that a second is in, and the one behind its last.
    #[must_use]
    pub fn around(&self, second: i64) -> (i64, i64) {
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

/// The first id of a record that begins in a millisecond of Unix time.
#[must_use]
pub fn id_at(millisecond: i64) -> u64 {
    let last = if millisecond < 0 { Timestamp::MIN } else { Timestamp::MAX };
    Record::id_at(Timestamp::from_millisecond(millisecond).unwrap_or(last))
}

/// By how many milliseconds a record's id is behind the one that its time could have.
#[must_use]
pub fn behind(record: &Record) -> i64 {
    Record::time_of(record.id).as_millisecond().saturating_sub(record.time.as_millisecond())
}
