//! Records written out for other tools, as they are read: a year of them takes no more memory than a page.

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use http::{StatusCode, Uri};
use sluice_api::record::RecordQuery;
use sluice_api::store::StoreError;
use sluice_ledger::export::Format;

use super::envelope::{Refusal, Refused};
use super::query::pairs;
use super::requests::asked;
use crate::App;

/// Records that are read at a time.
const PAGE: usize = 1_000;

/// Records as CSV or as JSON lines, newest first, streamed.
///
/// Filters are those of `GET /admin/v1/requests`. CSV has what is not nested; a cell that would begin as a formula does in a
/// spreadsheet is led by an apostrophe. JSON lines have all of each record, as the list shows it. An answer that breaks off
/// is not whole: ask again.
#[utoipa::path(get, path = "/admin/v1/export", tag = "Admin", security(("admin_token" = [])),
    params(
        ("format" = Option<String>, Query, description = "csv or jsonl; default jsonl"),
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
    ),
    responses((status = 200, description = "The records", content((String = "application/x-ndjson"), (String = "text/csv"))),
        (status = 400, body = Refused), (status = 401, body = Refused), (status = 503, body = Refused)))]
pub(crate) async fn export(State(app): State<App>, uri: Uri) -> Result<Response, Refusal> {
    let (formats, rest): (Vec<_>, Vec<_>) = pairs(&uri).into_iter().partition(|(name, _)| name == "format");
    let format = match formats.last() {
        None => Format::JsonLines,
        Some((_, name)) => Format::named(name).ok_or_else(|| {
            let message = "`format` is csv or jsonl";
            Refusal::new(StatusCode::BAD_REQUEST, "invalid_argument", message).field("format")
        })?,
    };
    if let Some((name, _)) = rest.iter().find(|(name, _)| name == "limit" || name == "cursor") {
        let message = format!("an export has no `{name}`: it is of all records in its time");
        return Err(Refusal::new(StatusCode::BAD_REQUEST, "invalid_argument", message).field(name));
    }
    let mut query = asked(rest, &app.gateway.snapshot().stats.timezone)?;
    query.limit = PAGE;
    app.gateway.records().brought(&**app.gateway.store()).await?;
    let head = stream::iter([Ok(Bytes::from(format.head()))]);
    let pages = stream::unfold(Some((app, query)), move |state| async move {
        let (app, query) = state?;
        Some(page(app, query, format).await)
    });
    let name = if format == Format::Csv { "requests.csv" } else { "requests.jsonl" };
    let headers = [
        (CONTENT_TYPE, format.media_type().to_owned()),
        (CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
    ];
    let body = Body::from_stream(futures_util::StreamExt::chain(head, pages));
    Ok((headers, body).into_response())
}

/// A page as it is written out, and what is left.
async fn page(
    app: App,
    mut query: RecordQuery,
    format: Format,
) -> (Result<Bytes, StoreError>, Option<(App, RecordQuery)>) {
    match app.gateway.store().records().page(&query).await {
        Ok(page) => {
            query.before = page.next;
            let more = page.next.map(|_| (app, query));
            (Ok(format.write(&page.records).into()), more)
        }
        // The body breaks off, so that whoever reads it knows.
        Err(error) => {
            tracing::error!(%error, "the store did not give all records that were to be exported");
            (Err(error), None)
        }
    }
}
