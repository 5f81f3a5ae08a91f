//! Accounts, as operators see them.

use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use jiff::Timestamp;
use serde::Serialize;
use sluice_engine::account::Account;
use utoipa::ToSchema;

use super::answer::{List, Refusal, Refused};
use crate::App;

/// An upstream account.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AccountView {
    /// Its name.
    name: String,
    /// Its provider.
    provider: &'static str,
    /// The pools it is in.
    pools: Vec<String>,
    /// Whether the operator has it enabled.
    enabled: bool,
    /// `ready` or `disabled`.
    state: &'static str,
    /// Its priority; lower is tried first.
    priority: u32,
    /// Its weight.
    weight: u32,
    /// Requests it may have at once; 0 = no bound.
    concurrency: u32,
    /// Requests it has now.
    in_flight: u32,
    /// When a request last went to it.
    #[schema(value_type = Option<String>, format = DateTime)]
    last_used: Option<Timestamp>,
}

impl AccountView {
    fn of(account: &Account) -> Self {
        let config = &account.config;
        Self {
            name: account.name.to_string(),
            provider: config.provider.info().kind,
            pools: config.pools.clone(),
            enabled: config.enabled,
            state: if config.enabled { "ready" } else { "disabled" },
            priority: config.priority,
            weight: config.weight,
            concurrency: config.concurrency,
            in_flight: account.state.in_flight(),
            last_used: account.state.last_used(),
        }
    }
}

/// Every account.
#[utoipa::path(get, path = "/admin/v1/accounts", tag = "Admin", security(("admin_token" = [])),
    responses((status = 200, body = List<AccountView>), (status = 401, body = Refused)))]
pub(crate) async fn list(State(app): State<App>) -> Json<List<AccountView>> {
    let snapshot = app.gateway.snapshot();
    Json(List::whole(snapshot.accounts.iter().map(|account| AccountView::of(account)).collect()))
}

/// One account.
#[utoipa::path(get, path = "/admin/v1/accounts/{name}", tag = "Admin", security(("admin_token" = [])),
    params(("name" = String, Path, description = "The account's name")),
    responses((status = 200, body = AccountView), (status = 401, body = Refused), (status = 404, body = Refused)))]
pub(crate) async fn show(
    State(app): State<App>,
    Path(name): Path<String>,
) -> Result<Json<AccountView>, Refusal> {
    let snapshot = app.gateway.snapshot();
    let account = snapshot.account(&name);
    account.map(|account| Json(AccountView::of(account))).ok_or_else(|| {
        Refusal::new(StatusCode::NOT_FOUND, "not_found", format!("there is no account `{name}`"))
    })
}
