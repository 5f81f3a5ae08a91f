//! What past usage would have cost, as a running gateway works it out.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use reqwest::Method;
use serde_json::{Value, json};

use crate::UNUSABLE;
use crate::arguments::{At, RepriceArguments};
use crate::list::{cell, say, table};
use crate::remote::{awaited, shown};

/// Bytes of a price file that are sent: the gateway takes a little more.
const PRICES_MAX: u64 = 6 * 1024 * 1024;

/// Longest wait for the answer: some ten seconds for each million records.
const ANSWER: Duration = Duration::from_hours(1);

/// What stands in every row: the field, and its title.
const COLUMNS: [(&str, &str); 10] = [
    ("day", "day"),
    ("key", "key"),
    ("model", "model"),
    ("priced_as", "priced as"),
    ("requests", "requests"),
    ("cost", "cost (USD)"),
    ("new_cost", "anew"),
    ("difference", "difference"),
    ("unpriced_requests", "unpriced"),
    ("new_unpriced_requests", "unpriced anew"),
];

/// Asks, and prints a table.
pub(crate) fn reprice(at: &At, asked: &RepriceArguments) -> ExitCode {
    match body(asked) {
        Ok(body) => shown(at, awaited(at, (Method::POST, "/reprice", Some(body)), ANSWER), show),
        Err(message) => {
            eprintln!("sluice: {message}");
            ExitCode::from(UNUSABLE)
        }
    }
}

/// What is asked, or what is wrong with the arguments.
fn body(asked: &RepriceArguments) -> Result<Value, String> {
    let RepriceArguments { from, to, prices, models } = asked;
    let mut body = json!({});
    let mut set =
        |name: &str, value: Value| drop(body.as_object_mut().map(|body| body.insert(name.to_owned(), value)));
    for (name, time) in [("from", from), ("to", to)] {
        let Some(time) = time else { continue };
        let known = time.parse::<Timestamp>().is_ok() || time.parse::<Date>().is_ok();
        if !known {
            return Err(format!(
                "--{name} takes a time like 2026-12-31T23:59:59Z (RFC 3339), or a day like 2026-12-31; found `{time}`"
            ));
        }
        set(name, json!(time));
    }
    if let Some(path) = prices {
        set("prices", json!(text_of(path)?));
    }
    let mut all = BTreeMap::new();
    for pair in models {
        let named = pair.split_once('=').filter(|(one, other)| !one.is_empty() && !other.is_empty());
        let (one, other) = named.ok_or_else(|| {
            format!("--model takes a model and what it is priced as, like claude-opus-5=claude-sonnet-5; found `{pair}`")
        })?;
        if all.insert(one, other).is_some() {
            return Err(format!("--model says twice what `{one}` is priced as"));
        }
    }
    set("models", json!(all));
    Ok(body)
}

fn text_of(path: &Path) -> Result<String, String> {
    let unreadable =
        |error: std::io::Error| format!("--prices {}: the file can't be read: {error}", path.display());
    let mut text = String::new();
    let file = File::open(path).map_err(unreadable)?;
    file.take(PRICES_MAX + 1).read_to_string(&mut text).map_err(unreadable)?;
    if text.len() as u64 > PRICES_MAX {
        return Err(format!(
            "--prices {}: a file that is sent has at most {PRICES_MAX} bytes",
            path.display()
        ));
    }
    Ok(text)
}

fn show(answer: &Value) {
    let rows = answer.get("data").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    if rows.is_empty() {
        say("Nothing was used in this time.");
        return;
    }
    let cells = |row: &Value| COLUMNS.iter().map(|(field, _)| cell(row.get(*field))).collect::<Vec<_>>();
    let total = answer.get("total").map(|total| {
        let mut cells = cells(total);
        if let Some(first) = cells.first_mut() {
            "total".clone_into(first);
        }
        cells
    });
    table(&COLUMNS.map(|(_, title)| title), rows.iter().map(cells).chain(total));
}
