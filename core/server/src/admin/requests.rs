//! Records of requests, a page at a time, and one in detail.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use http::{StatusCode, Uri};
use jiff::tz::TimeZone;
use sluice_api::record::{Dimension, Outcome, RecordQuery, RecordView};
use sluice_ledger::records::detail::RecordDetail;
use sluice_ledger::usage::{moment, refuse_unknown};

use super::envelope::{List, Refusal, Refused};
use super::query::pairs;
use crate::App;

/// Records on a page, unless asked otherwise, and at most.
const PAGE: (usize, usize) = (100, 1000);

/// Records of requests, newest first, by when they began.
///
/// Filters are repeatable: those of one name widen, those of different names narrow.
#[utoipa::path(get, path = "/admin/v1/requests", tag = "Admin", security(("admin_token" = [])),
    params(
        ("limit" = Option<usize>, Query, minimum = 1, maximum = 1000, description = "Records on a page; default 100"),
        ("cursor" = Option<String>, Query, pattern = "^[0-9]{1,19}$", description = "Where the page starts: `next_cursor` of the one before"),
        ("from" = Option<String>, Query, description = "RFC 3339, or a day, which begins in the time zone of statistics: the requests that arrived at this time or later"),
        ("to" = Option<String>, Query, description = "RFC 3339, or a day, which begins in the time zone of statistics: the requests that arrived before this time"),
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
    let query = asked(pairs(&uri), &app.gateway.snapshot().stats.timezone)?;
    let page = app.gateway.records().page(&**app.gateway.store(), &query).await.map_err(Refusal::from)?;
    let data = page.records.into_iter().map(|record| RecordView(Arc::new(record))).collect();
    Ok(Json(List { data, next_cursor: page.next.map(|id| id.to_string()) }))
}

/// A record in detail: its attempts, the usage as its upstream wrote it, and the lines of its price.
#[utoipa::path(get, path = "/admin/v1/requests/{id}", tag = "Admin", security(("admin_token" = [])),
    params(("id" = String, Path, pattern = "^[0-9]{1,19}$", description = "Its `id`, as the list shows it")),
    responses((status = 200, body = RecordDetail, example = json!(RecordDetail::example())), (status = 400, body = Refused), (status = 401, body = Refused),
        (status = 404, body = Refused), (status = 503, body = Refused)))]
pub(crate) async fn show(
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<Json<RecordDetail>, Refusal> {
    let number = id.parse().map_err(|_| {
        wrong("id", "`id` is a number, as the list shows it: GET /admin/v1/requests?request_id=… finds a request by what \
                     its answer carried")
    })?;
    let records = app.gateway.records();
    let record = records.one(&**app.gateway.store(), number).await.map_err(Refusal::from)?;
    let message = "there is no such record: it may be older than what is kept";
    let record = record.ok_or_else(|| Refusal::new(StatusCode::NOT_FOUND, "not_found", message))?;
    Ok(Json(RecordDetail::of(record)))
}

/// What the parameters of a query ask for.
pub(super) fn asked(parameters: Vec<(String, String)>, zone: &TimeZone) -> Result<RecordQuery, Refusal> {
    let time = |name: &str, value: &str| moment(name, value, zone).map_err(|message| wrong(name, message));
    let mut query = RecordQuery::newest(PAGE.0);
    for (name, value) in parameters {
        match name.as_str() {
            "limit" => {
                query.limit = value
                    .parse()
                    .ok()
                    .filter(|number| (1..=PAGE.1).contains(number))
                    .ok_or_else(|| wrong("limit", format!("`limit` is a number from 1 to {}", PAGE.1)))?;
            }
            "from" => query.from = Some(time("from", &value)?),
            "to" => query.to = Some(time("to", &value)?),
            "cursor" => {
                let before =
                    value.parse().map_err(|_| wrong("cursor", "`cursor` is not one of this list's"))?;
                query.before = Some(before);
            }
            "status" => {
                let status = value.parse().map_err(|_| wrong("status", "`status` is a number like 200"))?;
                query.filter.statuses.push(status);
            }
            "outcome" if Outcome::named(&value).is_none() => {
                let message = "`outcome` is completed, client_gone, upstream_error, gateway_error, interrupted, or refused: and why";
                return Err(wrong("outcome", message));
            }
            "outcome" => query.filter.outcomes.push(value),
            "request_id" => query.filter.request_ids.push(value),
            other => {
                let dimension = Dimension::named(other).ok_or_else(|| {
                    let known = Dimension::ALL.map(Dimension::name).join(", ");
                    let message = format!(
                        "there is no filter `{other}`: there are {known}, status, outcome, request_id, from, to, limit \
                         and cursor"
                    );
                    wrong(other, message)
                })?;
                refuse_unknown(dimension, &value).map_err(|message| wrong(other, message))?;
                query.filter.also(dimension, value);
            }
        }
    }
    if let (Some(from), Some(to)) = (query.from, query.to)
        && to < from
    {
        return Err(wrong("to", "`to` is before `from`: the time that is asked for ends before it begins"));
    }
    Ok(query)
}

/// A parameter that can't be taken.
pub(super) fn wrong(field: &str, message: impl Into<String>) -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, "invalid_argument", message).field(field)
}
