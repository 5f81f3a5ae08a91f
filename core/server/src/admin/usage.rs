//! Usage, summed: of everybody for operators, of one key for its holder.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use http::{HeaderMap, StatusCode, Uri};
use sluice_api::error::{Error, Kind};
use sluice_api::record::Dimension;
use sluice_config::address::ClientAddress;
use sluice_ledger::usage::{UsageQuery, UsageRow, WrongQuery};
use sluice_line::inbound::Asking;

use super::envelope::{List, Refusal, Refused};
use super::query::pairs;
use crate::App;
use crate::near::{ANTHROPIC, Visitor, refuse_asking, refuse_with, style_of};
use crate::signin;

/// What a key's holder may group and narrow by: accounts and providers are the operator's.
const HOLDERS: [Dimension; 2] = [Dimension::Model, Dimension::Api];

/// Usage in a time, in buckets and by fields.
///
/// Sums are exact: they are those of the records, to the last digit, by whatever they are grouped; rows by tag overlap.
/// Filters are repeatable: those of one name widen, those of different names narrow. Requests count where they began.
#[utoipa::path(get, path = "/admin/v1/usage", tag = "Admin", security(("admin_token" = [])),
    params(
        ("from" = Option<String>, Query, description = "RFC 3339, or a day, which begins in the time zone of statistics; inclusive; default 24 hours before `to`"),
        ("to" = Option<String>, Query, description = "RFC 3339, or a day; exclusive; default now"),
        ("group_by" = Option<String>, Query, description = "Any of key, user, group, tag, model, account, provider, api, with commas between", example = "key,model"),
        ("bucket" = Option<String>, Query, description = "hour, day or month of the time zone of statistics; default one row for all of the time", example = "day"),
        ("key" = Option<Vec<String>>, Query, description = "Name or id of the key"),
        ("user" = Option<Vec<String>>, Query, description = "The key's user label"),
        ("group" = Option<Vec<String>>, Query, description = "The key's group"),
        ("tag" = Option<Vec<String>>, Query, description = "One of the key's tags"),
        ("model" = Option<Vec<String>>, Query, description = "The model asked for"),
        ("account" = Option<Vec<String>>, Query, description = "The account"),
        ("provider" = Option<Vec<String>>, Query, description = "The account's provider"),
        ("api" = Option<Vec<String>>, Query, description = "The client API"),
    ),
    responses((status = 200, body = List<UsageRow>), (status = 400, body = Refused), (status = 401, body = Refused), (status = 503, body = Refused)))]
pub(crate) async fn usage(State(app): State<App>, uri: Uri) -> Result<Json<List<UsageRow>>, Refusal> {
    let wrong = |WrongQuery { field, message }| {
        Refusal::new(StatusCode::BAD_REQUEST, "invalid_argument", message).field(&field)
    };
    let snapshot = app.gateway.snapshot();
    let zone = &snapshot.stats.timezone;
    let query = UsageQuery::read(&pairs(&uri), app.gateway.now(), zone, &Dimension::ALL).map_err(wrong)?;
    let data = answer(&app, &query).await?.map_err(wrong)?;
    Ok(Json(List { data, next_cursor: None }))
}

async fn answer(
    app: &App,
    query: &UsageQuery,
) -> Result<Result<Vec<UsageRow>, WrongQuery>, sluice_api::store::StoreError> {
    let gateway = &app.gateway;
    let zone = gateway.snapshot().stats.timezone.clone();
    query.answer(gateway.records(), &**gateway.store(), &zone).await
}

/// What the key that asks has used, as operators see it of every key.
#[utoipa::path(
    get, path = "/v1/usage", tag = "Key",
    security(("client_key" = []), ("client_bearer" = [])),
    params(
        ("from" = Option<String>, Query, description = "RFC 3339, or a day, which begins in the time zone of statistics; inclusive; default 24 hours before `to`"),
        ("to" = Option<String>, Query, description = "RFC 3339, or a day; exclusive; default now"),
        ("group_by" = Option<String>, Query, description = "Any of model, api, with commas between"),
        ("bucket" = Option<String>, Query, description = "hour, day or month of the gateway's time zone of statistics; default one row for all of the time"),
        ("model" = Option<Vec<String>>, Query, description = "The model asked for"),
        ("api" = Option<Vec<String>>, Query, description = "The client API"),
    ),
    responses((status = 200, description = "Its usage", body = List<UsageRow>), (status = 400, description = "A parameter is wrong; the sentence says which"), (status = 401, description = "No known key was sent"), (status = 503, description = "The store is out of reach"))
)]
pub(crate) async fn of_key(
    State(app): State<App>,
    client: Option<Extension<ClientAddress>>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let asking = Asking::of(&headers, uri.query());
    let style = style_of(uri.path(), headers.contains_key(&ANTHROPIC));
    let (snapshot, now) = (app.gateway.snapshot(), app.gateway.now());
    let key = match signin::holder(&app, &headers, &asking) {
        Ok(key) => key,
        Err(error) => {
            let visitor = Visitor { asking: &asking, path: uri.path(), client: client.as_deref() };
            return refuse_asking(&app, style, &error, &visitor);
        }
    };
    let wrong = |WrongQuery { field, message }| Error::bad_request(Some(&field), message);
    // A key may come in the query, as Google's clients send theirs.
    let mut parameters = pairs(&uri);
    parameters.retain(|(name, _)| name != "key");
    let asked = UsageQuery::read(&parameters, now, &snapshot.stats.timezone, &HOLDERS).map_err(wrong);
    let rows = match asked.map(|query| query.of_key(&key.id)) {
        Ok(query) => match answer(&app, &query).await {
            Ok(rows) => rows.map_err(wrong),
            Err(error) => {
                tracing::error!(request_id = %asking.request_id, %error, "the store did not tell what a key has used");
                let message = "the gateway's store is out of reach: try again later";
                Err(Error::new(Kind::StoreUnavailable, message))
            }
        },
        Err(error) => Err(error),
    };
    match rows {
        Ok(data) => {
            let mut response = Json(List { data, next_cursor: None }).into_response();
            sluice_line::refused::identify(response.headers_mut(), false, &asking.request_id);
            response
        }
        Err(error) => refuse_with(style, &error, &asking.request_id),
    }
}
