//! Records of requests, a page at a time, and one in detail.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use http::{HeaderMap, StatusCode, Uri};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;
use sluice_api::dialect::Api;
use sluice_api::error::{Error, Kind};
use sluice_api::record::{Dimension, Outcome, Record, RecordQuery, RecordView};
use sluice_config::address::ClientAddress;
use sluice_ledger::records::detail::RecordDetail;
use sluice_ledger::usage::{moment, refuse_unknown};
use sluice_line::inbound::Asking;
use utoipa::ToSchema;

use super::envelope::{List, Refusal, Refused};
use super::query::pairs;
use crate::App;
use crate::near::{ANTHROPIC, Visitor, refuse_asking, refuse_with, style_of};
use crate::signin;

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

/// What a key's holder may narrow by: accounts and providers are the operator's.
const HOLDERS: [&str; 8] = ["limit", "cursor", "from", "to", "model", "api", "status", "outcome"];

/// A request, as the holder of its key sees it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OwnRequest {
    /// The id that the answer carried as `x-request-id`.
    request_id: String,
    /// When it began.
    #[schema(value_type = String, format = DateTime)]
    time: Timestamp,
    /// The client API.
    api: Api,
    /// The model asked for.
    model: String,
    /// HTTP status of the answer; 499 for a client that was gone before any.
    status: u16,
    /// How it ended, as operators see it.
    outcome: String,
    /// Whether a stream was asked for.
    stream: bool,
    /// Input tokens without cache reads and writes.
    input_tokens: u64,
    /// Output tokens, reasoning included.
    output_tokens: u64,
    /// Tokens written to caches.
    cache_write_tokens: u64,
    /// Tokens read from caches.
    cache_read_tokens: u64,
    /// Cost in US dollars; null where no price is known.
    cost: Option<String>,
    /// Milliseconds to the first byte of the answer.
    ttfb_ms: Option<f64>,
    /// Milliseconds to the end of the answer.
    duration_ms: f64,
}

impl OwnRequest {
    fn of(record: &Record) -> Self {
        let usage = record.usage.unwrap_or_default();
        let millis = |span: Duration| span.as_secs_f64() * 1000.0;
        Self {
            request_id: record.request_id.to_string(),
            time: record.time,
            api: record.api,
            model: record.model.to_string(),
            status: record.status,
            outcome: record.outcome.to_string(),
            stream: record.stream,
            input_tokens: usage.input,
            output_tokens: usage.output,
            cache_write_tokens: usage.cache_write(),
            cache_read_tokens: usage.cache_read,
            cost: record.cost.own.map(|cost| cost.to_string()),
            ttfb_ms: record.first_byte.map(millis),
            duration_ms: millis(record.duration),
        }
    }
}

/// The requests of the key that asks, newest first, by when they began.
#[utoipa::path(get, path = "/v1/requests", tag = "Key",
    security(("client_key" = []), ("client_bearer" = [])),
    params(
        ("limit" = Option<usize>, Query, minimum = 1, maximum = 1000, description = "Requests on a page; default 100"),
        ("cursor" = Option<String>, Query, pattern = "^[0-9]{1,19}$", description = "Where the page starts: `next_cursor` of the one before"),
        ("from" = Option<String>, Query, description = "RFC 3339, or a day, which begins in the gateway's time zone of statistics; inclusive"),
        ("to" = Option<String>, Query, description = "RFC 3339, or a day; exclusive"),
        ("model" = Option<Vec<String>>, Query, description = "The model asked for"),
        ("api" = Option<Vec<String>>, Query, description = "The client API"),
        ("status" = Option<Vec<u16>>, Query, description = "HTTP status"),
        ("outcome" = Option<Vec<String>>, Query, description = "How it ended"),
    ),
    responses((status = 200, description = "Its requests", body = List<OwnRequest>), (status = 400, description = "A parameter is wrong; the sentence says which"), (status = 401, description = "No known key was sent"), (status = 503, description = "The store is out of reach")))]
pub(crate) async fn of_key(
    State(app): State<App>,
    client: Option<Extension<ClientAddress>>,
    (uri, headers): (Uri, HeaderMap),
) -> Response {
    let asking = Asking::of(&headers, uri.query());
    let style = style_of(uri.path(), headers.contains_key(&ANTHROPIC));
    let key = match signin::holder(&app, &headers, &asking) {
        Ok(key) => key,
        Err(error) => {
            let visitor = Visitor { asking: &asking, path: uri.path(), client: client.as_deref() };
            return refuse_asking(&app, style, &error, &visitor);
        }
    };
    match own(&app, &uri, &key.id).await {
        Ok(list) => {
            let mut response = Json(list).into_response();
            sluice_line::refused::identify(response.headers_mut(), false, &asking.request_id);
            response
        }
        Err(error) => refuse_with(style, &error, &asking.request_id),
    }
}

/// A page of a key's own.
async fn own(app: &App, uri: &Uri, id: &str) -> Result<List<OwnRequest>, Error> {
    // A key may come in the query, as Google's clients send theirs.
    let mut parameters = pairs(uri);
    parameters.retain(|(name, _)| name != "key");
    if let Some((other, _)) = parameters.iter().find(|(name, _)| !HOLDERS.contains(&name.as_str())) {
        let message = format!("there is no filter `{other}`: there are {}", HOLDERS.join(", "));
        return Err(Error::bad_request(Some(other), message));
    }
    let mut query =
        asked(parameters, &app.gateway.snapshot().stats.timezone).map_err(Refusal::told_to_a_client)?;
    query.filter.also(Dimension::Key, id.to_owned());
    let page = app.gateway.records().page(&**app.gateway.store(), &query).await.map_err(|error| {
        tracing::error!(%error, "the store did not tell what a key has asked for");
        Error::new(Kind::StoreUnavailable, "the gateway's store is out of reach: try again later")
    })?;
    // A filter takes names too, and another key may be called like this one's id.
    let data = page.records.iter().filter(|record| *record.key_id == *id).map(OwnRequest::of).collect();
    Ok(List { data, next_cursor: page.next.map(|id| id.to_string()) })
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
