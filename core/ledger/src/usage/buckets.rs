//! Hours, days and months of a time zone, as spans of time that follow each other.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{ToSpan as _, ZonedDateTime};
use sluice_api::record::Span;

/// Seconds of what every hour and day of every zone is made of.
const QUARTER: i64 = 15 * 60;

/// More quarters than an hour has where clocks are set in it.
const HOUR_MAX: i64 = 12;

fn second(second: i64) -> Option<Timestamp> {
    Timestamp::from_second(second).ok()
}

/// How long a bucket is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bucket {
    /// From one full hour of the zone's clocks to the next.
    Hour,
    /// From one midnight of the zone, or what stands in its place, to the next.
    Day,
    /// From the first of a month to the first of the next.
    Month,
}

impl Bucket {
    /// Every one, with its name.
    const ALL: [(&'static str, Self); 3] = [("hour", Self::Hour), ("day", Self::Day), ("month", Self::Month)];

    /// The one of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(known, _)| *known == name).map(|(_, bucket)| bucket)
    }

    /// Where the bucket begins that has a moment, and where the next one does.
    fn around(self, moment: &ZonedDateTime) -> Result<(Timestamp, Timestamp), jiff::Error> {
        let zone = moment.time_zone();
        let midnight = |date: Date| date.to_zoned_datetime(zone.clone()).map(|zoned| zoned.timestamp());
        match self {
            Self::Hour => {
                let full = |at: &Timestamp| zone.to_datetime(*at).minute() == 0;
                let quarter = moment.timestamp().as_second().div_euclid(QUARTER) * QUARTER;
                // Where clocks are set by half an hour, an hour has three halves of one, or one.
                let begins = (0..HOUR_MAX).map_while(|back| second(quarter - back * QUARTER)).find(full);
                let next = (1..=HOUR_MAX).map_while(|on| second(quarter + on * QUARTER)).find(full);
                let quarter = second(quarter).unwrap_or_default();
                let hour_on = second(moment.timestamp().as_second() + 4 * QUARTER).unwrap_or(Timestamp::MAX);
                Ok((begins.unwrap_or(quarter), next.unwrap_or(hour_on)))
            }
            Self::Day => Ok((midnight(moment.date())?, midnight(moment.date().tomorrow()?)?)),
            Self::Month => {
                let first = moment.date().first_of_month();
                Ok((midnight(first)?, midnight(first.checked_add(1.month())?)?))
            }
        }
    }
}

/// A bucket that is asked for: where it begins, and the part of it that lies in the time asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bucketed {
    pub(crate) begins: Timestamp,
    pub(crate) part: Span,
}

/// The buckets of a time; `None` where they are more than so many, or the calendar ends.
pub(crate) fn buckets(asked: Span, bucket: Bucket, zone: &TimeZone, most: usize) -> Option<Vec<Bucketed>> {
    let mut all = Vec::new();
    let mut at = asked.from;
    while at < asked.to {
        if all.len() >= most {
            return None;
        }
        let (begins, next) = bucket.around(&at.to_zoned_datetime(zone.clone())).ok()?;
        all.push(Bucketed { begins, part: Span::new(at, next.min(asked.to)) });
        at = next;
    }
    Some(all)
}
