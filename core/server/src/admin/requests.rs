//! Records of the last requests, from memory.

use axum::Json;
use axum::extract::State;
use http::{StatusCode, Uri};
use sluice_api::Timestamp;
use sluice_ledger::{Record, RecordView};

use super::envelope::{List, Refusal, Refused};
use crate::App;

/// Records on a page, unless asked otherwise, and at most.
const PAGE: (usize, usize) = (100, 1000);

/// Filters that the list knows, all repeatable.
const FILTERS: [&str; 11] =
    ["key", "group", "user", "tag", "model", "account", "provider", "api", "status", "outcome", "request_id"];

/// Records of the last requests, newest first.
///
/// Filters are repeatable: those of one name widen, those of different names narrow.
#[utoipa::path(get, path = "/admin/v1/requests", tag = "Admin", security(("admin_token" = [])),
    params(
        ("limit" = Option<usize>, Query, minimum = 1, maximum = 1000, description = "Records on a page; default 100"),
        ("cursor" = Option<String>, Query, pattern = "^[0-9]{1,19}$", description = "Where the page starts: `next_cursor` of the one before"),
        ("from" = Option<String>, Query, format = DateTime, description = "RFC 3339: the requests that arrived at this time or later"),
        ("to" = Option<String>, Query, format = DateTime, description = "RFC 3339: the requests that arrived before this time"),
        ("key" = Option<Vec<String>>, Query, description = "Name or id of the key"),
        ("group" = Option<Vec<String>>, Query, description = "The key's group"),
        ("user" = Option<Vec<String>>, Query, description = "The key's user label"),
        ("tag" = Option<Vec<String>>, Query, description = "One of the key's tags"),
        ("model" = Option<Vec<String>>, Query, description = "The model asked for"),
        ("account" = Option<Vec<String>>, Query, description = "The account"),
        ("provider" = Option<Vec<String>>, Query, description = "The account's provider"),
        ("api" = Option<Vec<String>>, Query, description = "The client API"),
        ("status" = Option<Vec<u16>>, Query, description = "HTTP status"),
        ("outcome" = Option<Vec<String>>, Query, description = "How it ended"),
        ("request_id" = Option<Vec<String>>, Query, description = "The id that the answer carried"),
    ),
    responses((status = 200, body = List<RecordView>), (status = 400, body = Refused), (status = 401, body = Refused)))]
pub(crate) async fn list(State(app): State<App>, uri: Uri) -> Result<Json<List<RecordView>>, Refusal> {
    let mut limit = PAGE.0;
    let mut before = None;
    let (mut from, mut to) = (None, None);
    let mut filters: Vec<(&str, Vec<String>)> = Vec::new();
    for (name, value) in pairs(&uri) {
        match name.as_str() {
            "limit" => {
                limit = value
                    .parse()
                    .ok()
                    .filter(|number| (1..=PAGE.1).contains(number))
                    .ok_or_else(|| wrong("limit", format!("`limit` is a number from 1 to {}", PAGE.1)))?;
            }
            "from" => from = Some(time("from", &value)?),
            "to" => to = Some(time("to", &value)?),
            "cursor" => {
                before =
                    Some(value.parse().map_err(|_| wrong("cursor", "`cursor` is not one of this list's"))?)
            }
            other => {
                let known = FILTERS.iter().find(|filter| **filter == other).ok_or_else(|| {
                    wrong(
                        other,
                        format!(
                            "there is no filter `{other}`: there are {}, from, to, limit and cursor",
                            FILTERS.join(", ")
                        ),
                    )
                })?;
                if *known == "status" && value.parse::<u16>().is_err() {
                    return Err(wrong("status", "`status` is a number like 200"));
                }
                match filters.iter_mut().find(|(name, _)| name == known) {
                    Some((_, values)) => values.push(value),
                    None => filters.push((known, vec![value])),
                }
            }
        }
    }
    let takes = |record: &Record| {
        let in_time = from.is_none_or(|from| from <= record.time) && to.is_none_or(|to| record.time < to);
        in_time && filters.iter().all(|(name, values)| values.iter().any(|value| fits(record, name, value)))
    };
    let page = app.gateway.records().page(before, limit, takes);
    let data = page.records.into_iter().map(RecordView).collect();
    Ok(Json(List { data, next_cursor: page.next.map(|id| id.to_string()) }))
}

fn time(name: &str, value: &str) -> Result<Timestamp, Refusal> {
    value.parse().map_err(|_| wrong(name, format!("`{name}` is a time like 2026-12-31T23:59:59Z (RFC 3339)")))
}

fn fits(record: &Record, filter: &str, value: &str) -> bool {
    let is = |text: &Option<std::sync::Arc<str>>| text.as_deref() == Some(value);
    match filter {
        "key" => *record.key == *value || *record.key_id == *value,
        "group" => is(&record.group),
        "user" => is(&record.user),
        "tag" => record.tags.iter().any(|tag| tag == value),
        "model" => *record.model == *value,
        "account" => is(&record.account),
        "provider" => record.provider == Some(value),
        "api" => record.api.name() == value,
        "status" => value.parse() == Ok(record.status),
        "outcome" => record.outcome.to_string() == value,
        "request_id" => *record.request_id == *value,
        _ => false,
    }
}

fn pairs(uri: &Uri) -> Vec<(String, String)> {
    let text = |part: &str| percent_encoding::percent_decode_str(part).decode_utf8_lossy().into_owned();
    let query = uri.query().unwrap_or_default();
    let some = query.split('&').filter(|pair| !pair.is_empty());
    some.map(|pair| {
        pair.split_once('=').map_or((text(pair), String::new()), |(name, value)| (text(name), text(value)))
    })
    .collect()
}

fn wrong(field: &str, message: impl Into<String>) -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, "invalid_argument", message).field(field)
}
