//! Requests at once: how many each key, group and account has now, and how many it may have.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::Serialize;
use sluice_api::limiter::{Bucket, CONCURRENCY, Principal};
use utoipa::ToSchema;

use super::envelope::{Refusal, Refused};
use crate::App;

/// Requests at once.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AtOnce {
    /// Keys that have a bound of their own.
    keys: Vec<Slots>,
    /// Groups that have one.
    groups: Vec<Slots>,
    /// Every account.
    accounts: Vec<Slots>,
}

/// Requests of one of them at once.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Slots {
    /// Its name.
    name: String,
    /// How many it has now.
    held: u64,
    /// How many wait in line.
    waiting: u64,
    /// How many it may have; null = no bound.
    limit: Option<u32>,
}

/// Requests at once: how many each key, group and account has now, and how many it may have.
///
/// Those of a key or a group are counted only where it has a bound.
#[utoipa::path(get, path = "/admin/v1/concurrency", tag = "Admin", security(("admin_token" = [])),
    responses((status = 200, body = AtOnce), (status = 401, body = Refused), (status = 503, description = "The store is out of reach", body = Refused)))]
pub(crate) async fn concurrency(State(app): State<App>) -> Result<Json<AtOnce>, Refusal> {
    let snapshot = app.gateway.snapshot();
    let mut keys = Vec::new();
    snapshot.keys.each(|key| keys.push((key.name.clone(), Principal::Key(key.id.clone()), key.concurrency)));
    keys.sort_by(|one, next| one.0.cmp(&next.0));
    let groups = app.control.groups().await.into_iter();
    let groups =
        groups.map(|group| (group.name.clone(), Principal::Group(group.name.clone()), group.concurrency));
    let accounts = snapshot.roster.accounts.iter().map(|account| Slots {
        name: account.name.to_string(),
        held: account.state.in_flight().into(),
        waiting: 0,
        limit: (account.config.concurrency > 0).then_some(account.config.concurrency),
    });
    Ok(Json(AtOnce {
        keys: bound(&app, keys).await?,
        groups: bound(&app, groups.collect()).await?,
        accounts: accounts.collect(),
    }))
}

/// What is held of those that have a bound.
async fn bound(app: &App, all: Vec<(Arc<str>, Principal, u32)>) -> Result<Vec<Slots>, Refusal> {
    let mut bound = Vec::new();
    for (name, scope, limit) in all.into_iter().filter(|(_, _, limit)| *limit > 0) {
        let held = app.gateway.store().held(&Bucket::new(CONCURRENCY, scope)).await;
        let held = held.map_err(|error| {
            Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "store_unavailable", error.to_string())
        })?;
        bound.push(Slots { name: name.to_string(), held, waiting: 0, limit: Some(limit) });
    }
    Ok(bound)
}
