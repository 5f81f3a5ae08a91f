//! The days, weeks and months that requests fall into: worked out once for all that come within them.

use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::limit::{Per, Window};

/// The last day, week and month that was asked for, in a zone.
#[derive(Debug, Default)]
pub struct Windows(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    zone: Option<TimeZone>,
    spans: [Option<(Timestamp, Timestamp)>; 3],
}

impl Windows {
    /// The window that a moment falls into, as [`Per::window`] says.
    #[must_use]
    pub fn of(&self, per: Per, now: Timestamp, zone: &TimeZone) -> Window {
        let which = match per {
            Per::Day => 0,
            Per::Week => 1,
            Per::Month => 2,
            Per::Rolling(_) | Per::Total => return per.window(now, zone),
        };
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.zone.as_ref() != Some(zone) {
            *known = Known { zone: Some(zone.clone()), ..Known::default() };
        }
        let Some(span) = known.spans.get_mut(which) else { return per.window(now, zone) };
        if let Some((from, to)) = *span
            && from <= now
            && now < to
        {
            return Window::Calendar { from, to };
        }
        let window = per.window(now, zone);
        if let Window::Calendar { from, to } = window {
            *span = Some((from, to));
        }
        window
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::tz::TimeZone;
    use jiff::{SignedDuration, Timestamp};

    use super::Windows;
    use crate::limit::Per;

    #[test]
    fn whatever_was_asked_for_before_a_window_is_that_of_its_moment_and_zone() {
        let windows = Windows::default();
        let zones = ["UTC", "Europe/Vienna", "America/Santiago", "Pacific/Apia", "Asia/Kathmandu"]
            .map(|zone| TimeZone::get(zone).unwrap());
        let begin = "2011-12-20T00:00:00Z".parse::<Timestamp>().unwrap();
        let pers = [Per::Day, Per::Week, Per::Month, Per::Total, Per::Rolling(Duration::from_secs(60))];
        // Over days of 23 and 25 hours and one that is missing, forth and back, in one zone and in all at once.
        for step in 0..2_000_i64 {
            let minutes = if step % 3 == 0 { 197 * step } else { 197 * (2_000 - step) };
            let now = begin + SignedDuration::from_mins(minutes);
            let zone = &zones[usize::try_from(step / 7).unwrap() % zones.len()];
            for per in pers {
                assert_eq!(windows.of(per, now, zone), per.window(now, zone), "{per} {now} {zone:?}");
            }
        }
    }
}
