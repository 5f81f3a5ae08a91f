//! A moment as those who ask write it: a time with its offset, or a day, which begins in the zone of the statistics.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// Reads a parameter of this name.
///
/// # Errors
///
/// What would be right.
pub fn moment(name: &str, value: &str, zone: &TimeZone) -> Result<Timestamp, String> {
    // A `+` that was not written as %2B arrives as a space.
    let time = || value.parse().or_else(|_| value.replace(' ', "+").parse()).ok();
    // What has more than a day's letters is a time without the offset that says when it is.
    let day = || value.parse::<Date>().ok().filter(|_| value.len() == "2026-12-31".len());
    let begins = |day: Date| day.to_zoned_datetime(zone.clone()).ok().map(|begun| begun.timestamp());
    time().or_else(|| day().and_then(begins)).ok_or_else(|| {
        format!("`{name}` is a time like 2026-12-31T23:59:59Z (RFC 3339), or a day like 2026-12-31")
    })
}

#[cfg(test)]
mod tests {
    use super::moment;
    use jiff::tz::TimeZone;

    #[test]
    fn a_day_begins_in_the_zone_and_a_time_has_its_own() {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        for (text, expected) in [
            ("2026-11-28", "2026-11-27T23:00:00Z"),
            ("2026-11-28T00:00:00Z", "2026-11-28T00:00:00Z"),
            ("2026-11-28T01:00:00+05:45", "2026-11-27T19:15:00Z"),
            ("2026-11-28T01:00:00 05:45", "2026-11-27T19:15:00Z"),
        ] {
            assert_eq!(moment("from", text, &zone).unwrap().to_string(), expected, "{text}");
        }
        for text in ["", "yesterday", "7", "2026-11", "2026-11-31", "2026-11-28T00:00:00", "20261128"] {
            assert!(moment("from", text, &zone).unwrap_err().contains("`from` is a time"), "{text}");
        }
    }
}
