//! Hours of the day at which a model has other prices.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use sluice_api::settings::Problem;

use crate::rates::Prices;
use crate::tree::{File, Node, Value};

/// Seconds of a day.
const DAY: i64 = 86_400;

/// All days of the week, as bits of which the lowest is Monday's.
const EVERY_DAY: u8 = 0b111_1111;

/// Days by the beginnings of their names.
const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// Keys of a table of hours that are no rates.
pub(crate) const KEYS: [&str; 4] = ["hours_utc", "weekdays", "weekday_timezone", "windows"];

/// Prices that hold at some hours of the day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AtHours {
    /// The hours.
    pub hours: Hours,
    /// The prices: all of them, also those that are the same at other hours.
    pub prices: Prices,
}

/// Hours of the day, in UTC; on some days of the week, if not on all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hours {
    windows: Vec<Window>,
    /// Where the day of the week is looked up.
    zone: TimeZone,
}

/// One stretch of a day.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Window {
    /// The second of the day that it begins with.
    from: i64,
    /// The one that it ends before; where that is not later, on the next day.
    until: i64,
    days: u8,
}

impl Hours {
    /// Every day from one second of the day until before another, in UTC.
    pub(crate) fn daily(from: i64, until: i64) -> Self {
        Self { windows: vec![Window { from, until, days: EVERY_DAY }], zone: TimeZone::UTC }
    }

    /// Whether a time is in them; its day of the week is its own, also in a stretch that began on the day before.
    #[must_use]
    pub fn hold(&self, time: Timestamp) -> bool {
        let second = time.as_second().rem_euclid(DAY);
        let holds = |window: &&Window| match window.from < window.until {
            true => (window.from..window.until).contains(&second),
            false => second >= window.from || second < window.until,
        };
        self.windows.iter().filter(holds).any(|window| {
            window.days == EVERY_DAY || {
                let day = self.zone.to_datetime(time).weekday().to_monday_zero_offset();
                window.days & (1_u8 << day.unsigned_abs().min(6)) != 0
            }
        })
    }

    /// In a few words, like `16:30-00:30 UTC`.
    #[must_use]
    pub fn told(&self) -> String {
        let clock = |second: i64| format!("{:02}:{:02}", second / 3_600, second / 60 % 60);
        let each = self.windows.iter().map(|window| {
            let hours = format!("{}-{} UTC", clock(window.from), clock(window.until));
            if window.days == EVERY_DAY {
                return hours;
            }
            let days = DAYS.iter().enumerate().filter(|(at, _)| window.days & (1 << at) != 0);
            let days: Vec<&str> = days.map(|(_, day)| *day).collect();
            format!("{hours} on {}", days.join(" "))
        });
        each.collect::<Vec<_>>().join(", ")
    }

    /// Reads `hours_utc`, `weekdays` and `weekday_timezone`, and `windows` of the first two.
    pub(crate) fn read(file: File<'_>, node: &Node, path: &str) -> Result<Self, Problem> {
        let Value::Table(members) = &node.value else { return Err(file.other(node, path, "a table")) };
        let zone = match member(members, "weekday_timezone") {
            None => TimeZone::UTC,
            Some(node) => match &node.value {
                Value::Text(name) => TimeZone::get(name.trim()).ok(),
                _ => None,
            }
            .ok_or_else(|| file.other(node, &format!("{path}.weekday_timezone"), "an IANA time zone"))?,
        };
        let mut windows = Vec::new();
        stretches(file, members, path, &mut windows)?;
        if let Some(node) = member(members, "windows") {
            let path = format!("{path}.windows");
            let Value::List(list) = &node.value else {
                return Err(file.other(node, &path, "a list of tables"));
            };
            for (at, node) in list.iter().enumerate() {
                let path = format!("{path}[{at}]");
                let Value::Table(members) = &node.value else {
                    return Err(file.other(node, &path, "a table"));
                };
                if let Some((key, node)) = members.iter().find(|(key, _)| !KEYS[..2].contains(&key.as_str()))
                {
                    let mut problem = Problem::unknown_key(file.0, format!("{path}.{key}"), key, &KEYS[..2]);
                    problem.line = Some(node.line);
                    return Err(problem);
                }
                stretches(file, members, &path, &mut windows)?;
            }
        }
        if windows.is_empty() {
            return Err(file.wrong(node.line, path, "this needs `hours_utc`, like \"16:30-00:30\""));
        }
        Ok(Self { windows, zone })
    }
}

fn member<'a>(members: &'a [(String, Node)], key: &str) -> Option<&'a Node> {
    members.iter().find_map(|(known, node)| (known == key).then_some(node))
}

/// Adds the stretches of `hours_utc`, which is one or a list of them, on its `weekdays`.
fn stretches(
    file: File<'_>,
    members: &[(String, Node)],
    path: &str,
    windows: &mut Vec<Window>,
) -> Result<(), Problem> {
    let days = match member(members, "weekdays") {
        None => EVERY_DAY,
        Some(node) => weekdays(file, node, &format!("{path}.weekdays"))?,
    };
    let Some(node) = member(members, "hours_utc") else { return Ok(()) };
    let each = match &node.value {
        Value::List(list) => list.as_slice(),
        _ => std::slice::from_ref(node),
    };
    for node in each {
        let stretch = match &node.value {
            Value::Text(text) => {
                text.split_once('-').and_then(|(from, until)| Some((clock(from)?, clock(until)?)))
            }
            _ => None,
        };
        let wanted = "hours of a day, like \"16:30-00:30\"";
        let (from, until) = stretch.ok_or_else(|| file.other(node, &format!("{path}.hours_utc"), wanted))?;
        windows.push(Window { from, until, days });
    }
    Ok(())
}

/// The second of the day of `HH:MM`.
fn clock(text: &str) -> Option<i64> {
    let (hours, minutes) = text.trim().split_once(':')?;
    let number = |text: &str, below: i64| {
        let digits = (1..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<i64>().ok().filter(|number| digits && *number < below)
    };
    Some(number(hours, 24)? * 3_600 + number(minutes, 60)? * 60)
}

/// Days from 1, which is Monday, to 7, or by their names, also the first three letters or more of them.
fn weekdays(file: File<'_>, node: &Node, path: &str) -> Result<u8, Problem> {
    let Value::List(list) = &node.value else { return Err(file.other(node, path, "a list of days")) };
    let mut days = 0;
    for node in list {
        let day = match &node.value {
            Value::Number(text) => text.parse::<usize>().ok().and_then(|day| day.checked_sub(1)),
            Value::Text(text) => {
                let text = text.trim().to_ascii_lowercase();
                text.get(..3).and_then(|start| DAYS.iter().position(|day| *day == start))
            }
            _ => None,
        };
        let day = day.filter(|day| *day < DAYS.len());
        let wanted = "a day, by its name or from 1 (Monday) to 7";
        days |= 1_u8 << day.ok_or_else(|| file.other(node, path, wanted))?;
    }
    Ok(days)
}

#[cfg(test)]
mod tests {
    use super::Hours;
    use crate::tree::{File, Node, Value};

    fn read(text: &str) -> Result<Hours, String> {
        let tree = File("f").tree(text).unwrap();
        let Value::Table(members) = tree.value else { panic!("{text}") };
        let node = Node { line: 1, value: Value::Table(members) };
        Hours::read(File("f"), &node, "m").map_err(|problem| problem.to_string())
    }

    #[test]
    fn hours_begin_with_their_start_end_before_their_end_and_go_over_midnight() {
        for (text, inside, outside) in [
            (
                "hours_utc = \"16:30-00:30\"",
                &["2026-11-28T16:30:00Z", "2026-11-29T00:29:59.999Z", "2026-11-28T23:59:59Z"][..],
                &["2026-11-28T16:29:59.999Z", "2026-11-28T00:30:00Z", "2026-11-28T12:00:00Z"][..],
            ),
            (
                "hours_utc = [\"01:00-02:00\", \"3:00-4:00\"]",
                &["2026-11-28T01:00:00Z", "2026-11-28T03:59:59Z"],
                &["2026-11-28T02:00:00Z", "2026-11-28T00:59:59Z"],
            ),
            ("hours_utc = \"00:00-00:00\"", &["2026-11-28T00:00:00Z", "2026-11-28T23:59:59Z"], &[]),
            // Of 2026, the 28th of November is a Saturday.
            (
                "hours_utc = \"22:00-02:00\"\nweekdays = [6, \"Sunday\"]",
                &["2026-11-28T22:00:00Z", "2026-11-28T01:00:00Z", "2026-11-29T01:00:00Z"],
                &["2026-11-30T01:00:00Z", "2026-11-27T23:00:00Z", "2026-11-28T12:00:00Z"],
            ),
            (
                "windows = [{ hours_utc = \"00:00-00:00\", weekdays = [\"mon\"] }]\nweekday_timezone = \"Asia/Shanghai\"",
                &["2026-11-29T16:00:00Z", "2026-11-30T15:59:59Z"],
                &["2026-11-29T15:59:59Z", "2026-11-30T16:00:00Z"],
            ),
        ] {
            let hours = read(text).unwrap();
            for time in inside {
                assert!(hours.hold(time.parse().unwrap()), "{time} in {text}");
            }
            for time in outside {
                assert!(!hours.hold(time.parse().unwrap()), "{time} in {text}");
            }
        }
    }

    #[test]
    fn what_is_no_hours_is_refused() {
        for (text, says) in [
            ("hours_utc = \"16:30\"", "hours of a day"),
            ("hours_utc = \"24:00-01:00\"", "hours of a day"),
            ("hours_utc = 7", "hours of a day"),
            ("hours_utc = \"01:00-02:00\"\nweekdays = [0]", "from 1 (Monday) to 7"),
            ("hours_utc = \"01:00-02:00\"\nweekdays = [\"someday\"]", "from 1 (Monday) to 7"),
            ("hours_utc = \"01:00-02:00\"\nweekday_timezone = \"Nowhere\"", "an IANA time zone"),
            ("windows = [{ hours = \"01:00-02:00\" }]", "unknown key `hours`"),
            ("windows = []", "needs `hours_utc`"),
        ] {
            let told = read(text).unwrap_err();
            assert!(told.contains(says), "{text}: {told}");
        }
    }

    #[test]
    fn hours_are_told_in_a_few_words() {
        assert_eq!(read("hours_utc = \"16:30-00:30\"").unwrap().told(), "16:30-00:30 UTC");
        let told = read("hours_utc = \"1:00-4:00\"\nweekdays = [1, 7]").unwrap().told();
        assert_eq!(told, "01:00-04:00 UTC on mon sun");
    }
}
