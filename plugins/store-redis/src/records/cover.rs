//! A span of time as whole days, whole quarter-hours, and the records that are left at its edges.

use sluice_api::record::Span;

use super::time::{Days, QUARTER, at, quarter_of, second_after, second_of};

/// The parts of a span, in seconds from one to before another.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Cover {
    /// Whole days.
    pub(super) days: Option<(i64, i64)>,
    /// Whole quarter-hours.
    pub(super) quarters: Vec<(i64, i64)>,
    /// Less than a quarter-hour: records by themselves.
    pub(super) rests: Vec<Span>,
}

impl Cover {
    /// The parts of a span. Of what lies before `sums_from` there are only days; what of it is no whole day is left out.
    pub(super) fn of(span: Span, days: &Days, sums_from: i64) -> Self {
        let mut cover = Self::default();
        let first = match days.around(second_after(span.from)) {
            (start, _) if start == second_after(span.from) => start,
            (_, end) => end,
        };
        let (last, _) = days.around(second_of(span.to));
        if first < last {
            cover.edge(Span::new(span.from, at(first)), sums_from);
            cover.days = Some((first, last));
            cover.edge(Span::new(at(last), span.to), sums_from);
        } else {
            cover.edge(span, sums_from);
        }
        cover
    }

    /// Adds what is no whole day.
    fn edge(&mut self, span: Span, sums_from: i64) {
        let (from, to) = (span.from.max(at(sums_from)), span.to);
        let first = quarter_of(second_after(from).saturating_add(QUARTER - 1));
        let last = quarter_of(second_of(to));
        if first < last {
            self.quarters.push((first, last));
            self.rest(Span::new(from, at(first)));
            self.rest(Span::new(at(last), to));
        } else {
            self.rest(Span::new(from, to));
        }
    }

    fn rest(&mut self, rest: Span) {
        if rest.from < rest.to {
            self.rests.push(rest);
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;
    use sluice_api::plugin::Timestamp;

    use super::*;

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn second(text: &str) -> i64 {
        time(text).as_second()
    }

    #[test]
    fn a_span_is_made_of_the_largest_there_is() {
        let days = Days(TimeZone::get("Europe/Vienna").unwrap());
        let span = Span::new(time("2026-10-24T21:44:59.5Z"), time("2026-10-25T23:00:00.1Z"));
        let found = Cover::of(span, &days, i64::MIN);
        let rests = vec![
            Span::new(span.from, time("2026-10-24T21:45:00Z")),
            Span::new(time("2026-10-25T23:00:00Z"), span.to),
        ];
        // A day of 25 hours.
        let whole = Some((second("2026-10-24T22:00:00Z"), second("2026-10-25T23:00:00Z")));
        let quarters = vec![(second("2026-10-24T21:45:00Z"), second("2026-10-24T22:00:00Z"))];
        assert_eq!(found, Cover { days: whole, quarters, rests });

        let inside = Span::new(time("2026-10-24T21:46:00Z"), time("2026-10-24T21:47:00Z"));
        let rests = vec![inside];
        assert_eq!(Cover::of(inside, &days, i64::MIN), Cover { rests, ..Cover::default() });
    }

    #[test]
    fn before_sums_of_quarter_hours_there_are_only_whole_days() {
        let days = Days(TimeZone::UTC);
        let span = Span::new(time("2026-11-01T22:10:00Z"), time("2026-11-03T10:00:00Z"));
        let found = Cover::of(span, &days, second("2026-11-03T08:45:00Z"));
        let whole = Some((second("2026-11-02T00:00:00Z"), second("2026-11-03T00:00:00Z")));
        let quarters = vec![(second("2026-11-03T08:45:00Z"), second("2026-11-03T10:00:00Z"))];
        assert_eq!(found, Cover { days: whole, quarters, rests: Vec::new() });
    }

    #[test]
    fn all_of_time_has_parts() {
        let days = Days(TimeZone::get("Europe/Vienna").unwrap());
        let (from, to) = Cover::of(Span::new(Timestamp::MIN, Timestamp::MAX), &days, i64::MIN).days.unwrap();
        assert!(from < second("0001-01-01T00:00:00Z") && second("9000-01-01T00:00:00Z") < to);
    }
}
