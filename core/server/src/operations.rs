//! What machines ask of the process: alive, ready, metrics.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};
use serde::Serialize;
use sluice_api::limiter::Mode;
use sluice_config::address::ClientAddress;
use sluice_control::operate::{STATES, accounts_now, state};
use sluice_ledger::{Realm, RefusedCredentials};
use subtle::ConstantTimeEq;
use utoipa::ToSchema;

use crate::App;

/// The media type of Prometheus's text format.
const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Probes of clients that only want to know whether something answers.
pub(crate) async fn hello() -> &'static str {
    ""
}

/// The process is alive.
#[utoipa::path(get, path = "/healthz", tag = "Operations", responses((status = 200, description = "The process runs", body = String)))]
pub(crate) async fn healthz() -> &'static str {
    "ok\n"
}

/// Whether requests can be served.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Ready {
    /// Whether they can.
    ready: bool,
    /// Why not; or why not all requests can.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reasons: Vec<String>,
    /// How many accounts are in each state.
    accounts: BTreeMap<&'static str, usize>,
}

/// Whether requests can be served: the store answers, the gateway is not draining, and an account is enabled.
///
/// Where requests are served without the store, too (`store.on_outage`), it is ready without, and says why not all are.
/// An upstream's fault is no reason to take the gateway out.
#[utoipa::path(
    get, path = "/readyz", tag = "Operations",
    responses((status = 200, description = "Ready", body = Ready), (status = 503, description = "Not ready", body = Ready))
)]
pub(crate) async fn readyz(State(app): State<App>) -> Response {
    let snapshot = app.gateway.snapshot();
    let enabled = snapshot.roster.accounts.iter().filter(|account| account.config.enabled).count();
    let store = app.gateway.store();
    // Whoever balances load must not take away what is served alone.
    let (mut reasons, mut limited) = (Vec::new(), Vec::new());
    let without = if store.serves_alone().is_some() { &mut limited } else { &mut reasons };
    match (store.ready().await, app.gateway.has_store(Mode::Hard)) {
        (Err(error), _) => without.push(error.to_string()),
        (Ok(()), Err(error)) => without.push(error.to_string()),
        (Ok(()), Ok(())) => {}
    }
    if app.gateway.is_draining() {
        reasons.push("the gateway is draining".to_owned());
    }
    if enabled == 0 {
        reasons.push("no account is enabled".to_owned());
    }
    let now = app.gateway.now();
    let mut accounts = BTreeMap::new();
    for account in &snapshot.roster.accounts {
        *accounts.entry(state(account, now)).or_default() += 1;
    }
    let ready = reasons.is_empty();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    reasons.append(&mut limited);
    (status, Json(Ready { ready, reasons, accounts })).into_response()
}

/// Metrics in Prometheus's text format.
#[utoipa::path(
    get, path = "/metrics", tag = "Operations",
    responses((status = 200, description = "Metrics", body = String), (status = 401, description = "`server.metrics_token` is set and was not sent"))
)]
pub(crate) async fn metrics(
    State(app): State<App>,
    client: Option<Extension<ClientAddress>>,
    headers: HeaderMap,
) -> Response {
    let snapshot = app.gateway.snapshot();
    if let Some(token) = &snapshot.server.metrics_token
        && !has_bearer(&headers, token.expose())
    {
        let request_id = &sluice_line::inbound::request_id(&headers);
        let client = client.map(|Extension(client)| client.0);
        let refused = RefusedCredentials { realm: Realm::Metrics, request_id, asked: "/metrics", client };
        app.gateway.records().refused(&refused);
        return (StatusCode::UNAUTHORIZED, "send server.metrics_token as Authorization: Bearer\n")
            .into_response();
    }
    app.gateway.records().collect();
    (
        [(CONTENT_TYPE, PROMETHEUS)],
        app.gateway.records().measures().render(&STATES, &accounts_now(&snapshot, app.gateway.now())),
    )
        .into_response()
}

/// Whether a request carries this token, compared in constant time.
pub(crate) fn has_bearer(headers: &HeaderMap, token: &str) -> bool {
    let sent = headers.get(AUTHORIZATION).map(http::HeaderValue::as_bytes).unwrap_or_default();
    let Some((scheme, sent)) = sent.split_at_checked(7) else { return false };
    scheme.eq_ignore_ascii_case(b"bearer ") && bool::from(sent.trim_ascii().ct_eq(token.as_bytes()))
}
