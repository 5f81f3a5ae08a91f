//! A limit as it is configured: so much of something, in a window, of the models that it is for.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unit {
    /// Requests; those that are held at once among them.
    Requests,
    /// Tokens: input, output, cache writes and reads.
    Tokens,
    /// US dollars, in units of 1e-10.
    Cost,
}

/// How often what is used begins anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Per {
    /// Never more in any stretch of this length.
    Rolling(Duration),
    /// The days of a zone.
    Day,
    /// Its weeks, from Monday.
    Week,
    /// Its months.
    Month,
    /// Never.
    Total,
}

/// The window that a request falls into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Window {
    /// For as long as the request lasts: a slot.
    Held,
    /// Any stretch of this length.
    Rolling(Duration),
    /// A day, week or month: from its first moment to before the first of the next.
    Calendar {
        /// Its first moment.
        from: Timestamp,
        /// The first moment of the next.
        to: Timestamp,
    },
    /// All time.
    Total,
}

/// Which models a limit is for, by the names that are asked for.
pub trait ModelNames: fmt::Debug + Send + Sync {
    /// Whether it is for this one.
    fn matches(&self, model: &str) -> bool;
}

/// A limit: at most so much of a unit in a window.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Limit {
    /// What is counted.
    pub unit: Unit,
    /// The most of it.
    pub most: u64,
    /// How often it begins anew.
    pub per: Per,
    /// The models that it is for; all where there is none.
    pub models: Option<Arc<dyn ModelNames>>,
    /// Names its count among those of the same party: made of all that says what is counted, and not of how much there may
    /// be, so that it means the same to every gateway, after each start and when the limit is changed.
    pub part: Arc<str>,
    /// The models as they are written, for people.
    pub written: Arc<[String]>,
}

impl Limit {
    /// One for all models.
    #[must_use]
    pub fn new(unit: Unit, most: u64, per: Per) -> Self {
        let part = part(unit, per, &[]);
        Self { unit, most, per, models: None, part, written: Arc::default() }
    }

    /// The same for some models, with their names as they are written.
    #[must_use]
    pub fn of_models(mut self, models: Arc<dyn ModelNames>, written: &[String]) -> Self {
        self.part = part(self.unit, self.per, written);
        self.models = Some(models);
        self.written = written.into();
        self
    }

    /// The same count, looked at whatever the model is.
    #[must_use]
    pub fn of_all_models(&self) -> Self {
        Self { models: None, ..self.clone() }
    }

    /// Whether it counts requests for this model.
    #[must_use]
    pub fn counts(&self, model: &str) -> bool {
        self.models.as_ref().is_none_or(|models| models.matches(model))
    }
}

fn part(unit: Unit, per: Per, models: &[String]) -> Arc<str> {
    let mut part = format!("{}/{per}", unit.name());
    for model in models {
        // A glob has no line break, so that two lists never read alike.
        part.push('\n');
        part.push_str(model);
    }
    part.into()
}

impl Unit {
    /// Its name in configurations and answers.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Tokens => "tokens",
            Self::Cost => "cost",
        }
    }
}

impl fmt::Display for Per {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // Whole milliseconds are what a duration is written with.
            Self::Rolling(length) => write!(f, "{}ms", length.as_millis()),
            Self::Day => f.write_str("day"),
            Self::Week => f.write_str("week"),
            Self::Month => f.write_str("month"),
            Self::Total => f.write_str("total"),
        }
    }
}

impl Per {
    /// The window that a moment falls into, in a zone.
    #[must_use]
    pub fn window(self, now: Timestamp, zone: &TimeZone) -> Window {
        let (first, next) = match self {
            Self::Rolling(length) => return Window::Rolling(length),
            Self::Total => return Window::Total,
            Self::Day => {
                let day = zone.to_datetime(now).date();
                (Some(day), day.tomorrow().ok())
            }
            Self::Week => {
                let day = zone.to_datetime(now).date();
                let since = day.weekday().since(Weekday::Monday);
                let first = (0..since).try_fold(day, |day, _| day.yesterday().ok());
                (first, first.and_then(|first| (0..7).try_fold(first, |day, _| day.tomorrow().ok())))
            }
            Self::Month => {
                let day = zone.to_datetime(now).date();
                (Some(day.first_of_month()), day.last_of_month().tomorrow().ok())
            }
        };
        let start = |day: Option<Date>| zone.to_timestamp(day?.to_datetime(Time::midnight())).ok();
        let (from, to) = (start(first).unwrap_or(Timestamp::MIN), start(next).unwrap_or(Timestamp::MAX));
        Window::Calendar { from, to }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use jiff::Timestamp;
    use jiff::tz::TimeZone;

    use super::{Limit, ModelNames, Per, Unit, Window};

    #[test]
    fn days_weeks_and_months_are_those_of_the_zone_whatever_their_length() {
        for (per, zone, now, from, to) in [
            (Per::Day, "UTC", "2026-11-28T20:00:00Z", "2026-11-28T00:00:00Z", "2026-11-29T00:00:00Z"),
            (Per::Day, "Asia/Tokyo", "2026-11-28T20:00:00Z", "2026-11-28T15:00:00Z", "2026-11-29T15:00:00Z"),
            // 23 and 25 hours.
            (
                Per::Day,
                "Europe/Vienna",
                "2026-03-29T00:30:00Z",
                "2026-03-28T23:00:00Z",
                "2026-03-29T22:00:00Z",
            ),
            (
                Per::Day,
                "Europe/Vienna",
                "2026-10-25T00:30:00Z",
                "2026-10-24T22:00:00Z",
                "2026-10-25T23:00:00Z",
            ),
            // A day that has no midnight.
            (
                Per::Day,
                "America/Santiago",
                "2026-09-06T12:00:00Z",
                "2026-09-06T04:00:00Z",
                "2026-09-07T03:00:00Z",
            ),
            (Per::Week, "UTC", "2026-11-29T23:59:59Z", "2026-11-23T00:00:00Z", "2026-11-30T00:00:00Z"),
            (Per::Week, "UTC", "2026-11-30T00:00:00Z", "2026-11-30T00:00:00Z", "2026-12-07T00:00:00Z"),
            (Per::Month, "UTC", "2026-12-31T23:59:59Z", "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z"),
            (
                Per::Month,
                "Asia/Tokyo",
                "2026-02-28T15:00:00Z",
                "2026-02-28T15:00:00Z",
                "2026-03-31T15:00:00Z",
            ),
        ] {
            let [now, from, to] = [now, from, to].map(|time| time.parse::<Timestamp>().unwrap());
            let window = per.window(now, &TimeZone::get(zone).unwrap());
            assert_eq!(window, Window::Calendar { from, to }, "{per} {zone} {now}");
        }
    }

    #[test]
    fn a_part_says_what_is_counted_and_not_how_much() {
        #[derive(Debug)]
        struct Any;
        impl ModelNames for Any {
            fn matches(&self, model: &str) -> bool {
                model == "a"
            }
        }
        let rolling = Per::Rolling(Duration::from_secs(60));
        let limit = |most| Limit::new(Unit::Tokens, most, rolling);
        assert_eq!(limit(5).part, limit(7).part);
        assert_eq!(&*limit(5).part, "tokens/60000ms");
        let of = limit(5).of_models(Arc::new(Any), &["a".to_owned(), "b".to_owned()]);
        assert_eq!(&*of.part, "tokens/60000ms\na\nb");
        assert!(of.counts("a") && !of.counts("b") && limit(5).counts("b"));
    }
}
