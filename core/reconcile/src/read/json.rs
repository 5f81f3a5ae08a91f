//! Answers of a vendor's API, whose numbers are read as the texts that they are.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::shape::{Entry, Fields, Pages, Report};
use crate::decimal;
use crate::told::{Covered, DAY, Vendor};

/// An answer.
#[derive(Deserialize)]
struct Page<'a> {
    #[serde(borrow)]
    data: Vec<Bucket<'a>>,
    #[serde(default)]
    has_more: Option<bool>,
    #[serde(default)]
    next_page: Option<String>,
}

/// A stretch of time; Anthropic names its ends by times, OpenAI by seconds.
#[derive(Deserialize)]
struct Bucket<'a> {
    starting_at: Option<String>,
    ending_at: Option<String>,
    #[serde(borrow)]
    start_time: Option<&'a RawValue>,
    #[serde(borrow)]
    end_time: Option<&'a RawValue>,
    // OpenAI's description of its API has called it so.
    #[serde(borrow, alias = "result")]
    results: Vec<Members<'a>>,
}

type Members<'a> = BTreeMap<String, &'a RawValue>;

pub(super) fn read(text: &str) -> Result<Pages, String> {
    let found = |error: serde_json::Error| format!("this JSON has not the form of a report ({error})");
    let pages: Vec<Page<'_>> = match text.starts_with('[') {
        true => serde_json::from_str(text).map_err(found)?,
        false => vec![serde_json::from_str(text).map_err(found)?],
    };
    let mut read = Pages { pages: pages.len(), ..Pages::default() };
    for (number, page) in pages.into_iter().enumerate() {
        read.next = page.next_page.filter(|_| page.has_more == Some(true));
        for (at, bucket) in page.data.into_iter().enumerate() {
            take(bucket, (number, at), &mut read)?;
        }
    }
    Ok(read)
}

/// Takes the rows of a stretch of time, which stands in a page at this place.
fn take(bucket: Bucket<'_>, (page, at): (usize, usize), read: &mut Pages) -> Result<(), String> {
    let (vendor, from, to) =
        ends(&bucket).ok_or_else(|| format!("data[{at}] has no time, or one that can't be read"))?;
    if from >= to || from.div_euclid(DAY) != (to - 1).div_euclid(DAY) {
        return Err(format!("data[{at}] is not of a day of UTC or a part of one: ask with bucket_width=1d"));
    }
    if read.vendor.replace(vendor).is_some_and(|before| before != vendor) {
        return Err("its pages are of two vendors".to_owned());
    }
    let covered = Covered { from, to, page };
    if bucket.results.is_empty() {
        read.entries.push(Entry { covered, report: Report::Usage, fields: None });
    }
    for (number, members) in bucket.results.into_iter().enumerate() {
        let mut fields = Fields { place: format!("data[{at}].results[{number}]"), ..Fields::default() };
        flatten(members, "", &mut fields.texts);
        let is_cost = fields.texts.keys().any(|name| name == "amount" || name.starts_with("amount."));
        let report = if is_cost { Report::Costs } else { Report::Usage };
        read.entries.push(Entry { covered, report, fields: Some(fields) });
    }
    Ok(())
}

/// Whose form it has, and when it begins and ends, in seconds.
fn ends(bucket: &Bucket<'_>) -> Option<(Vendor, i64, i64)> {
    if let (Some(from), Some(to)) = (&bucket.starting_at, &bucket.ending_at) {
        let second = |text: &str| Some(text.parse::<Timestamp>().ok()?.as_second());
        return Some((Vendor::Anthropic, second(from)?, second(to)?));
    }
    let second = |number: Option<&RawValue>| i64::try_from(decimal::count(number?.get()).ok()?).ok();
    Some((Vendor::OpenAi, second(bucket.start_time)?, second(bucket.end_time)?))
}

/// Writes members down by their names, nested ones with a dot between.
fn flatten(members: Members<'_>, before: &str, into: &mut BTreeMap<String, String>) {
    for (name, value) in members {
        let name = format!("{before}{name}");
        let raw = value.get();
        match raw.bytes().next() {
            Some(b'{') => {
                if let Ok(inner) = serde_json::from_str::<Members<'_>>(raw) {
                    flatten(inner, &format!("{name}."), into);
                }
            }
            Some(b'"') => {
                if let Ok(text) = serde_json::from_str::<String>(raw) {
                    into.insert(name, text);
                }
            }
            _ if raw == "null" => {}
            _ => {
                into.insert(name, raw.to_owned());
            }
        }
    }
}
