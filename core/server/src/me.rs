//! What a key's holder may know of it.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, Uri};
use serde::Serialize;
use sluice_api::limiter::Bucket;
use sluice_engine::Asking;
use utoipa::ToSchema;

use crate::App;
use crate::near::{refuse_with, style_of};

/// A key, as its holder sees it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Me {
    /// Its name.
    name: String,
    /// Its group.
    group: Option<String>,
    /// Its limits and what is left of them; none can be configured yet.
    #[schema(value_type = Vec<Object>)]
    limits: [(); 0],
    /// Requests at once.
    concurrency: Concurrency,
}

/// Requests of a key at once.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Concurrency {
    /// How many it may have; null = no bound.
    limit: Option<u32>,
    /// How many it has now, where they are counted.
    held: u64,
    /// How many wait in line.
    waiting: u64,
}

/// What is known of the key that asks.
#[utoipa::path(
    get, path = "/v1/me", tag = "Key",
    security(("client_key" = []), ("client_bearer" = [])),
    responses((status = 200, description = "The key", body = Me), (status = 401, description = "No known key was sent"))
)]
pub(crate) async fn me(State(app): State<App>, uri: Uri, headers: HeaderMap) -> Response {
    let asking = Asking::of(&headers, uri.query());
    let style = style_of(uri.path(), &headers);
    let snapshot = app.gateway.snapshot();
    let key = match asking.authenticate(&snapshot, app.gateway.now()) {
        Ok(key) => key,
        Err(error) => return refuse_with(style, &error, &asking.request_id),
    };
    let held = app.gateway.store().held(&Bucket::KeySlots(key.id.clone())).await.unwrap_or_default();
    let me = Me {
        name: key.name.to_string(),
        group: key.group.as_ref().map(|group| group.name.to_string()),
        limits: [],
        concurrency: Concurrency {
            limit: (key.concurrency > 0).then_some(key.concurrency),
            held,
            waiting: 0,
        },
    };
    let mut response = Json(me).into_response();
    sluice_engine::identify(response.headers_mut(), false, &asking.request_id);
    response
}
