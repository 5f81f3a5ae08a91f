//! Exports as CSV, whose columns get the names of the API's fields.

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;

use super::shape::{Entry, Fields, Pages, Report};
use crate::decimal;
use crate::told::{Covered, DAY, Vendor};

/// Columns that have another name than the API's field of the same meaning.
const NAMES: [(&str, &str); 9] = [
    ("model_version", "model"),
    ("usage_input_tokens_no_cache", "uncached_input_tokens"),
    ("usage_input_tokens_cache_write_5m", "cache_creation.ephemeral_5m_input_tokens"),
    ("usage_input_tokens_cache_write_1h", "cache_creation.ephemeral_1h_input_tokens"),
    ("usage_input_tokens_cache_read", "cache_read_input_tokens"),
    ("usage_output_tokens", "output_tokens"),
    ("web_search_count", "server_tool_use.web_search_requests"),
    ("amount_value", "amount.value"),
    ("amount_currency", "amount.currency"),
];

/// An export that is known by some of its columns.
struct Export {
    has: &'static [&'static str],
    vendor: Vendor,
    report: Report,
}

/// Which exports there are, each before those that have less.
const EXPORTS: [Export; 5] = [
    Export {
        has: &["usage_date_utc", "model", "cost_usd"],
        vendor: Vendor::Anthropic,
        report: Report::Costs,
    },
    Export {
        has: &["usage_date_utc", "model", "uncached_input_tokens", "output_tokens"],
        vendor: Vendor::Anthropic,
        report: Report::Usage,
    },
    Export {
        has: &["start_time", "end_time", "amount.value"],
        vendor: Vendor::OpenAi,
        report: Report::Costs,
    },
    Export {
        has: &["start_time", "end_time", "input_tokens"],
        vendor: Vendor::OpenAi,
        report: Report::Usage,
    },
    // One of a time in which nothing was used has no columns but these.
    Export {
        has: &["start_time", "end_time", "start_time_iso", "end_time_iso"],
        vendor: Vendor::OpenAi,
        report: Report::Usage,
    },
];

/// Columns that only say which time a line is of.
const TIMES: [&str; 5] = ["usage_date_utc", "start_time", "end_time", "start_time_iso", "end_time_iso"];

/// Columns that a message lists.
const SHOWN: usize = 8;

pub(super) fn read(text: &str) -> Result<Pages, String> {
    let mut reader = ::csv::ReaderBuilder::new().trim(::csv::Trim::All).from_reader(text.as_bytes());
    let head = reader.headers().map_err(|error| format!("it is neither JSON nor CSV ({error})"))?;
    let columns: Vec<String> = head.iter().map(|name| api_name(name).to_owned()).collect();
    let is_there = |name: &&str| columns.iter().any(|column| column == name);
    let export = EXPORTS.iter().find(|export| export.has.iter().all(is_there)).ok_or_else(|| {
        let shown: Vec<&str> = head.iter().take(SHOWN).collect();
        format!("it is neither JSON nor a CSV that is known: its first line is `{}`", shown.join(","))
    })?;
    let mut read = Pages { vendor: Some(export.vendor), pages: 1, ..Pages::default() };
    let mut row = ::csv::StringRecord::new();
    while reader.read_record(&mut row).map_err(|error| format!("it is no whole CSV ({error})"))? {
        let line = row.position().map_or(0, ::csv::Position::line);
        let texts =
            columns.iter().cloned().zip(row.iter().map(str::to_owned)).filter(|(_, text)| !text.is_empty());
        let fields = Fields { texts: texts.collect(), place: format!("line {line}") };
        let (from, to) = ends(&fields, export.vendor)?;
        // A stretch without anything has a line of its own, of nothing but its time.
        let fields = fields.texts.keys().any(|name| !TIMES.contains(&name.as_str())).then_some(fields);
        read.entries.push(Entry { covered: Covered { from, to, page: 0 }, report: export.report, fields });
    }
    if export.vendor == Vendor::Anthropic {
        fill(&mut read.entries, export.report);
    }
    Ok(read)
}

fn api_name(column: &str) -> &str {
    let name = column.trim_start_matches('\u{feff}');
    NAMES.iter().find_map(|(column, api)| (*column == name).then_some(*api)).unwrap_or(name)
}

/// When what a line tells of begins and ends, in seconds.
fn ends(fields: &Fields, vendor: Vendor) -> Result<(i64, i64), String> {
    match vendor {
        Vendor::Anthropic => {
            let name = "usage_date_utc";
            let day = fields.get(name).and_then(|text| text.get(..10)?.parse::<Date>().ok());
            let day = day.ok_or_else(|| fields.at(name, "it is no day like 2026-11-28"))?;
            let begins = TimeZone::UTC.to_timestamp(day.to_datetime(Time::midnight()));
            let from = begins.map_err(|error| fields.at(name, &error.to_string()))?.as_second();
            Ok((from, from + DAY))
        }
        Vendor::OpenAi => {
            let second = |name: &str| {
                let text = fields.get(name).ok_or_else(|| fields.at(name, "it is missing"))?;
                let count = decimal::count(text).map_err(|wrong| fields.at(name, &wrong))?;
                i64::try_from(count).map_err(|_| fields.at(name, "it is no time in seconds"))
            };
            let (from, to) = (second("start_time")?, second("end_time")?);
            if from >= to || from.div_euclid(DAY) != (to - 1).div_euclid(DAY) {
                return Err(fields.at("end_time", "a line is of a day of UTC, or of a part of one"));
            }
            Ok((from, to))
        }
    }
}

/// The Console leaves out days on which nothing was used: between the first and the last there is none of which it does not
/// tell.
fn fill(entries: &mut Vec<Entry>, report: Report) {
    let first = entries.iter().map(|entry| entry.covered.from).min();
    let last = entries.iter().map(|entry| entry.covered.to).max();
    let (Some(first), Some(last)) = (first, last) else { return };
    let days = (first / DAY..last / DAY).map(|day| Covered { from: day * DAY, to: (day + 1) * DAY, page: 0 });
    entries.extend(days.map(|covered| Entry { covered, report, fields: None }));
}
