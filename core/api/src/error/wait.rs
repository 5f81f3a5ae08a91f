//! How long an upstream says to wait, in every form in which one says it.

use std::time::Duration;

use http::HeaderMap;
use jiff::Timestamp;

/// `retry-after-ms` in milliseconds, else `retry-after` in seconds (a fraction too) or as an HTTP date.
///
/// A date that has passed, or a header that can't be read, is no wait.
#[must_use]
pub fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    if let Some(milliseconds) = text("retry-after-ms").and_then(|text| text.parse::<f64>().ok()) {
        return seconds(milliseconds / 1_000.0);
    }
    let text = text("retry-after")?;
    match text.parse::<f64>() {
        Ok(number) => seconds(number),
        Err(_) => until(Timestamp::try_from(httpdate::parse_http_date(text).ok()?).ok()?, now),
    }
}

/// A point in time at which a limit resets: RFC 3339, or seconds since 1970.
#[must_use]
pub fn reset(text: &str, now: Timestamp) -> Option<Duration> {
    let text = text.trim();
    let at = match text.parse::<i64>() {
        Ok(epoch) => Timestamp::from_second(epoch).ok()?,
        Err(_) => text.parse::<Timestamp>().ok()?,
    };
    until(at, now)
}

/// A span as Go writes it: `1s`, `6m0s`, `120ms`, `1h2m3.5s`; Google's `17.5s` too.
#[must_use]
pub fn span(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    let mut total = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, after) = rest.split_at_checked(digits)?;
        let (unit, after) =
            UNITS.iter().find_map(|(unit, seconds)| Some((seconds, after.strip_prefix(unit)?)))?;
        total += number.parse::<f64>().ok()? * unit;
        rest = after;
    }
    if text.trim().is_empty() { None } else { seconds(total) }
}

/// Whole seconds, rounded up, so that who waits so long is not too early.
#[must_use]
pub fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

/// Units in seconds, longest first where one begins another.
const UNITS: [(&str, f64); 6] =
    [("ms", 0.001), ("us", 0.000_001), ("µs", 0.000_001), ("h", 3_600.0), ("m", 60.0), ("s", 1.0)];

fn until(at: Timestamp, now: Timestamp) -> Option<Duration> {
    Duration::try_from(at.duration_since(now)).ok().filter(|wait| !wait.is_zero())
}

fn seconds(number: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(number).ok().filter(|wait| !wait.is_zero())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::HeaderMap;
    use jiff::Timestamp;

    use super::{reset, retry_after, span};

    fn now() -> Timestamp {
        "2026-11-25T12:00:00Z".parse().unwrap()
    }

    #[test]
    fn retry_after_comes_in_seconds_in_milliseconds_and_as_a_date() {
        for (name, value, wait) in [
            ("retry-after", "2", Some(2_000)),
            ("retry-after", "1.5", Some(1_500)),
            ("retry-after", "Wed, 25 Nov 2026 12:00:30 GMT", Some(30_000)),
            ("retry-after", "Wed, 25 Nov 2026 11:00:30 GMT", None),
            ("retry-after", "soon", None),
            ("retry-after", "-1", None),
            ("retry-after", "0", None),
            ("retry-after-ms", "250", Some(250)),
        ] {
            let headers = HeaderMap::from_iter([(name.parse().unwrap(), value.parse().unwrap())]);
            assert_eq!(retry_after(&headers, now()), wait.map(Duration::from_millis), "{name}: {value}");
        }
    }

    #[test]
    fn a_reset_is_a_time_and_a_span_has_units() {
        for (text, wait) in [
            ("2026-11-25T12:01:00Z", Some(60)),
            ("1795608060", Some(60)),
            ("2026-11-25T11:00:00Z", None),
            ("later", None),
        ] {
            assert_eq!(reset(text, now()), wait.map(Duration::from_secs), "{text}");
        }
        for (text, wait) in [
            ("1s", Some(1_000)),
            ("6m0s", Some(360_000)),
            ("120ms", Some(120)),
            ("1h2m3.5s", Some(3_723_500)),
            ("17.5s", Some(17_500)),
            ("", None),
            ("6", None),
            ("6x", None),
        ] {
            assert_eq!(span(text), wait.map(Duration::from_millis), "{text}");
        }
    }
}
