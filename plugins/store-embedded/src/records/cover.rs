//! A span of time as the fewest sums that make it up exactly, and the records that are left at its edges.

use jiff::Timestamp;
use sluice_api::record::Span;

use super::time::{Days, Unit, at, second_after, second_of};

/// A part of a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Whole days, hours or quarter-hours, from a second to the one before another.
    Whole(Unit, i64, i64),
    /// Less than a quarter-hour: records by themselves.
    Rest(Span),
}

/// The parts of a span. Of what lies before `sums_from` there are only days; what of it is no whole day is left out.
pub(super) fn parts(span: Span, days: &Days, sums_from: i64) -> Vec<Part> {
    let mut parts = Vec::new();
    Cover { days, sums_from: at(sums_from) }.add(span.from, span.to, &Unit::ALL, &mut parts);
    parts
}

struct Cover<'a> {
    days: &'a Days,
    sums_from: Timestamp,
}

impl Cover<'_> {
    fn add(&self, from: Timestamp, to: Timestamp, units: &[Unit], parts: &mut Vec<Part>) {
        let Some((unit, finer)) = units.split_first() else {
            if from < to {
                parts.push(Part::Rest(Span::new(from, to)));
            }
            return;
        };
        let from = if *unit == Unit::Day { from } else { from.max(self.sums_from) };
        if from >= to {
            return;
        }
        let first = unit.next(second_after(from), self.days);
        let (last, _) = unit.around(second_of(to), self.days);
        if first >= last {
            return self.add(from, to, finer, parts);
        }
        self.add(from, at(first), finer, parts);
        parts.push(Part::Whole(*unit, first, last));
        self.add(at(last), to, finer, parts);
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use jiff::tz::TimeZone;
    use sluice_api::record::Span;

    use super::{Part, parts};
    use crate::records::time::{Days, Unit, second_of};

    fn check(zone: &str, from: &str, to: &str, expected: &[(Option<Unit>, &str, &str)]) {
        let time = |text: &str| text.parse::<Timestamp>().unwrap();
        let days = Days(TimeZone::get(zone).unwrap());
        let found = parts(Span::new(time(from), time(to)), &days, i64::MIN);
        let expected: Vec<Part> = expected
            .iter()
            .map(|(unit, from, to)| match unit {
                Some(unit) => Part::Whole(*unit, second_of(time(from)), second_of(time(to))),
                None => Part::Rest(Span::new(time(from), time(to))),
            })
            .collect();
        assert_eq!(found, expected, "{zone} {from} {to}");
    }

    #[test]
    fn a_span_is_made_of_the_largest_there_is() {
        let (day, hour, quarter) = (Some(Unit::Day), Some(Unit::Hour), Some(Unit::Quarter));
        check(
            "UTC",
            "2026-11-01T00:00:00Z",
            "2026-12-01T00:00:00Z",
            &[(day, "2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z")],
        );
        check(
            "UTC",
            "2026-11-01T22:44:59.5Z",
            "2026-11-03T00:00:00.1Z",
            &[
                (None, "2026-11-01T22:44:59.5Z", "2026-11-01T22:45:00Z"),
                (quarter, "2026-11-01T22:45:00Z", "2026-11-01T23:00:00Z"),
                (hour, "2026-11-01T23:00:00Z", "2026-11-02T00:00:00Z"),
                (day, "2026-11-02T00:00:00Z", "2026-11-03T00:00:00Z"),
                (None, "2026-11-03T00:00:00Z", "2026-11-03T00:00:00.1Z"),
            ],
        );
        check(
            "UTC",
            "2026-11-01T22:46:00Z",
            "2026-11-01T22:47:00Z",
            &[(None, "2026-11-01T22:46:00Z", "2026-11-01T22:47:00Z")],
        );
        // A day of 25 hours, and one that begins at a quarter to.
        check(
            "Europe/Vienna",
            "2026-10-24T22:00:00Z",
            "2026-10-25T23:00:00Z",
            &[(day, "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z")],
        );
        check(
            "Asia/Kathmandu",
            "2026-10-24T18:00:00Z",
            "2026-10-25T18:15:00Z",
            &[
                (quarter, "2026-10-24T18:00:00Z", "2026-10-24T18:15:00Z"),
                (day, "2026-10-24T18:15:00Z", "2026-10-25T18:15:00Z"),
            ],
        );
        // A day of 23 and a half hours, where the clock goes on by half an hour.
        check(
            "Australia/Lord_Howe",
            "2026-10-03T13:30:00Z",
            "2026-10-04T13:00:00Z",
            &[(day, "2026-10-03T13:30:00Z", "2026-10-04T13:00:00Z")],
        );
    }

    #[test]
    fn before_sums_of_hours_there_are_only_whole_days() {
        let time = |text: &str| text.parse::<Timestamp>().unwrap();
        let span = Span::new(time("2026-11-01T22:10:00Z"), time("2026-11-03T10:00:00Z"));
        let days = Days(TimeZone::UTC);
        let second = |text: &str| second_of(time(text));
        let found = parts(span, &days, second("2026-11-03T08:45:00Z"));
        assert_eq!(
            found,
            [
                Part::Whole(Unit::Day, second("2026-11-02T00:00:00Z"), second("2026-11-03T00:00:00Z")),
                Part::Whole(Unit::Quarter, second("2026-11-03T08:45:00Z"), second("2026-11-03T09:00:00Z")),
                Part::Whole(Unit::Hour, second("2026-11-03T09:00:00Z"), second("2026-11-03T10:00:00Z")),
            ]
        );
    }

    #[test]
    fn all_of_time_has_parts() {
        let days = Days(TimeZone::get("Europe/Vienna").unwrap());
        assert!(!parts(Span::new(Timestamp::MIN, Timestamp::MAX), &days, i64::MIN).is_empty());
    }
}
