//! What was used, as a running gateway has summed it.

use std::process::ExitCode;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Method;
use serde_json::Value;

use crate::UNUSABLE;
use crate::arguments::{At, ExportAsked, UsageAsked};
use crate::list::{cell, say, table};
use crate::remote::{ask, copied};

/// What stands in every row: the field, and its title.
const SUMS: [(&str, &str); 8] = [
    ("requests", "requests"),
    ("errors", "errors"),
    ("input_tokens", "input"),
    ("cache_write_tokens", "cache write"),
    ("cache_read_tokens", "cache read"),
    ("output_tokens", "output"),
    ("cost", "cost (USD)"),
    ("unpriced_requests", "unpriced"),
];

/// Asks, and prints a table.
pub(crate) fn usage(at: &At, asked: UsageAsked) -> ExitCode {
    let UsageAsked { from, to, by, bucket, only } = asked;
    let mut parameters: Vec<(String, String)> = Vec::new();
    let mut one = |name: &str, value: String| parameters.push((name.to_owned(), value));
    let group_by = (!by.is_empty()).then(|| by.join(","));
    for (name, value) in [("from", from), ("to", to), ("group_by", group_by), ("bucket", bucket.clone())] {
        if let Some(value) = value {
            one(name, value);
        }
    }
    match narrowed(&only) {
        Ok(only) => parameters.extend(only),
        Err(code) => return code,
    }
    let path = path("/usage", &parameters);
    let first: Vec<String> = bucket.map(|_| "bucket".to_owned()).into_iter().chain(by).collect();
    ask(at, (Method::GET, &path, None), |answer| show(answer, &first))
}

/// Writes records out as they come.
pub(crate) fn export(at: &At, asked: ExportAsked) -> ExitCode {
    let ExportAsked { format, from, to, only } = asked;
    let mut parameters = vec![("format".to_owned(), format)];
    let bounds = [("from", from), ("to", to)];
    parameters.extend(bounds.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    match narrowed(&only) {
        Ok(only) => parameters.extend(only),
        Err(code) => return code,
    }
    copied(at, &path("/export", &parameters))
}

/// Fields and the values that they are to have; where one has none, that was said.
fn narrowed(only: &[String]) -> Result<Vec<(String, String)>, ExitCode> {
    let pair = |pair: &String| -> Result<(String, String), ExitCode> {
        let (field, value) = pair.split_once('=').ok_or_else(|| {
            eprintln!(
                "sluice: --only takes a field and its value, like model=claude-sonnet-5; found `{pair}`"
            );
            ExitCode::from(UNUSABLE)
        })?;
        Ok((field.to_owned(), value.to_owned()))
    };
    only.iter().map(pair).collect()
}

/// A path with its parameters.
fn path(path: &str, parameters: &[(String, String)]) -> String {
    let escaped = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let query: Vec<String> =
        parameters.iter().map(|(name, value)| format!("{}={}", escaped(name), escaped(value))).collect();
    match query.is_empty() {
        true => path.to_owned(),
        false => format!("{path}?{}", query.join("&")),
    }
}

fn show(answer: &Value, first: &[String]) {
    let rows = answer.get("data").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    if rows.is_empty() {
        say("Nothing was used in this time.");
        return;
    }
    let titles = first.iter().map(String::as_str).chain(SUMS.map(|(_, title)| title));
    let fields = || first.iter().map(String::as_str).chain(SUMS.map(|(field, _)| field));
    let cells = rows.iter().map(|row| fields().map(|field| cell(row.get(field))).collect());
    table(&titles.collect::<Vec<_>>(), cells);
}
