//! Points in time as the wire writes them, counted from 1970.

use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

const DAY: u64 = 86_400;
const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Now, by the machine's clock.
#[must_use]
#[expect(
    clippy::disallowed_methods,
    reason = "the gateway under test is another process, with the same clock"
)]
pub fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap()
}

/// The first line of a configuration: a zone in which it is about noon now, so that no test sees the end of a day, a week or
/// a month.
#[must_use]
pub fn noon() -> String {
    let hour = now().as_secs() % DAY / 3_600;
    // East of Greenwich the names have a minus.
    let zone = if hour <= 12 { format!("Etc/GMT-{}", 12 - hour) } else { format!("Etc/GMT+{}", hour - 12) };
    format!("stats.timezone = \"{zone}\"\n")
}

/// Waits until a point in time is over.
pub fn pass(at: Duration) {
    while let Some(left) = at.checked_sub(now()) {
        thread::park_timeout(left + Duration::from_millis(1));
    }
}

/// Lets so much time pass, to the microsecond.
pub fn pause(time: Duration) {
    let over = Instant::now() + time;
    while let Some(left) = over.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) {
        thread::park_timeout(left);
    }
}

/// Reads RFC 3339 in UTC, like `2026-11-25T12:00:00.5Z`.
///
/// # Panics
///
/// Where it is something else.
#[must_use]
pub fn parse(text: &str) -> Duration {
    let number = |at: std::ops::Range<usize>| -> u64 { text[at].parse().unwrap() };
    let seconds: f64 = text[17..].strip_suffix('Z').expect("UTC").parse().unwrap();
    let whole = days(number(0..4), number(5..7), number(8..10)) * DAY;
    Duration::from_secs(whole + number(11..13) * 3_600 + number(14..16) * 60)
        + Duration::from_secs_f64(seconds)
}

/// Writes RFC 3339, in whole seconds.
#[must_use]
pub fn rfc3339(at: Duration) -> String {
    let (year, month, day) = date(at.as_secs() / DAY);
    format!("{year}-{month:02}-{day:02}T{}Z", clock(at))
}

/// Writes an HTTP date.
#[must_use]
pub fn http_date(at: Duration) -> String {
    let since = at.as_secs() / DAY;
    let (year, month, day) = date(since);
    let (weekday, month) = (DAYS[(since % 7) as usize], MONTHS[(month - 1) as usize]);
    format!("{weekday}, {day:02} {month} {year} {} GMT", clock(at))
}

fn clock(at: Duration) -> String {
    let seconds = at.as_secs() % DAY;
    format!("{:02}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60)
}

const fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

const fn length(year: u64, month: u64) -> u64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn days(year: u64, month: u64, day: u64) -> u64 {
    let years: u64 = (1970..year).map(|year| 365 + u64::from(is_leap(year))).sum();
    years + (1..month).map(|month| length(year, month)).sum::<u64>() + day - 1
}

fn date(mut since: u64) -> (u64, u64, u64) {
    let (mut year, mut month) = (1970, 1);
    while since >= 365 + u64::from(is_leap(year)) {
        since -= 365 + u64::from(is_leap(year));
        year += 1;
    }
    while since >= length(year, month) {
        since -= length(year, month);
        month += 1;
    }
    (year, month, since + 1)
}

#[cfg(test)]
mod tests {
    use super::{http_date, parse, rfc3339};
    use std::time::Duration;

    #[test]
    fn a_time_is_written_and_read_as_the_wire_has_it() {
        let at = Duration::from_secs(1_795_608_061);
        assert_eq!(rfc3339(at), "2026-11-25T12:01:01Z");
        assert_eq!(http_date(at), "Wed, 25 Nov 2026 12:01:01 GMT");
        assert_eq!(parse("2026-11-25T12:01:01.5Z"), at + Duration::from_millis(500));
    }
}
