//! A span of time as whole days, whole quarter-hours, and the records that are left at its edges; and which of these there
//! are.

use sluice_api::record::Span;

use crate::days::{Days, QUARTER, at, quarter_of, second_after, second_of};

/// The parts of a span, in seconds from one to before another.
#[derive(Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cover {
    /// Whole days.
    pub days: Option<(i64, i64)>,
    /// Whole quarter-hours.
    pub quarters: Vec<(i64, i64)>,
    /// Less than a quarter-hour: records by themselves.
    pub rests: Vec<Span>,
}

impl Cover {
    /// The parts of a span. Of what lies before `sums_from` there are only days; what of it is no whole day is left out.
    #[must_use]
    pub fn of(span: Span, days: &Days, sums_from: i64) -> Self {
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

/// What has sums.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A quarter-hour, by its first second.
    Quarter(i64),
    /// A day, by its first second.
    Day(i64),
}

/// The units that make up spans, each with the number of its span.
#[derive(Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Units {
    /// Units by themselves.
    pub ones: Vec<(Unit, usize)>,
    /// Quarter-hours that a day is made of.
    pub days: Vec<(Vec<i64>, usize)>,
}

impl Units {
    /// From which second to which one there may be some; none where there is none.
    #[must_use]
    pub fn hull(covers: &[Cover]) -> Option<(i64, i64)> {
        let wholes = || covers.iter().flat_map(|cover| cover.quarters.iter().chain(&cover.days));
        Some((wholes().map(|(from, _)| *from).min()?, wholes().map(|(_, to)| *to).max()?))
    }

    /// Those of spans, of the days and of the quarter-hours that there are, in order.
    #[must_use]
    pub fn of(covers: &[Cover], (days, quarters): (&[i64], &[i64]), zone: &Days) -> Self {
        let within = |all: &[i64], (from, to): (i64, i64)| {
            let (first, behind) = (all.partition_point(|at| *at < from), all.partition_point(|at| *at < to));
            all.get(first..behind).unwrap_or_default().to_vec()
        };
        let mut units = Self::default();
        for (span, cover) in covers.iter().enumerate() {
            for whole in &cover.quarters {
                let ones = within(quarters, *whole).into_iter().map(|start| (Unit::Quarter(start), span));
                units.ones.extend(ones);
            }
            let Some(whole) = cover.days else { continue };
            units.ones.extend(within(days, whole).into_iter().map(|start| (Unit::Day(start), span)));
            let mut end = i64::MIN;
            for start in within(quarters, whole) {
                match units.days.last_mut() {
                    Some((day, _)) if start < end => day.push(start),
                    _ => {
                        (_, end) = zone.around(start);
                        units.days.push((vec![start], span));
                    }
                }
            }
        }
        units
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
    fn units_that_there_are_go_to_their_spans() {
        let days = Days(TimeZone::UTC);
        let (from, next) = (second("2026-11-02T00:00:00Z"), second("2026-11-03T00:00:00Z"));
        let spans = [(from - 900, from), (from, next + 1_800)];
        let covers = spans.map(|(from, to)| Cover::of(Span::new(at(from), at(to)), &days, i64::MIN));
        assert_eq!(Units::hull(&covers), Some((from - 900, next + 1_800)));
        let quarters = [from - 1_800, from - 900, from, from + 900, next - 900, next + 900, next + 1_800];
        let units = Units::of(&covers, (&[from - 1, from, next], &quarters), &days);
        let ones = [(Unit::Quarter(from - 900), 0), (Unit::Quarter(next + 900), 1), (Unit::Day(from), 1)];
        let whole = (vec![from, from + 900, next - 900], 1);
        assert_eq!(units, Units { ones: ones.to_vec(), days: vec![whole] });
        assert_eq!(Units::hull(&[]), None);
    }

    #[test]
    fn all_of_time_has_parts() {
        let days = Days(TimeZone::get("Europe/Vienna").unwrap());
        let (from, to) = Cover::of(Span::new(Timestamp::MIN, Timestamp::MAX), &days, i64::MIN).days.unwrap();
        assert!(from < second("0001-01-01T00:00:00Z") && second("9000-01-01T00:00:00Z") < to);
    }
}
