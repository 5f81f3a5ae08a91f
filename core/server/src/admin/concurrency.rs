//! Requests at once: how many each key, group and account has now, and how many it may have.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use sluice_api::limiter::{Party, Principal};
use sluice_api::store::StoreError;
use sluice_limits::levels::filled;
use sluice_line::snapshot::Snapshot;
use utoipa::ToSchema;

use super::envelope::{Refusal, Refused};
use crate::App;

/// Requests at once.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AtOnce {
    /// Keys that have a bound of their own, or a queue.
    keys: Vec<Slots>,
    /// Groups that have a bound.
    groups: Vec<Slots>,
    /// Every account.
    accounts: Vec<Slots>,
}

/// Requests of one of them at once.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Slots {
    /// Its name.
    name: String,
    /// How many it has now, over all gateways; of an account without a bound, those of this gateway.
    held: u64,
    /// How many wait in line: of a key in its own, of a group in those of its keys. Nobody waits for one account alone.
    waiting: u64,
    /// How many it may have; null = no bound.
    limit: Option<u32>,
}

/// One that is looked at: what it is, how many it may have, and how many wait.
struct Asked {
    name: Arc<str>,
    principal: Principal,
    concurrency: u32,
    waiting: u64,
}

/// Requests at once: how many each key, group and account has now, and how many it may have.
///
/// Those of a key or a group are counted only where it has a bound.
#[utoipa::path(get, path = "/admin/v1/concurrency", tag = "Admin", security(("admin_token" = [])),
    responses((status = 200, body = AtOnce), (status = 401, body = Refused), (status = 503, description = "The store is out of reach", body = Refused)))]
pub(crate) async fn concurrency(State(app): State<App>) -> Result<Json<AtOnce>, Refusal> {
    let snapshot = app.gateway.snapshot();
    let (keys, waiting) = keys(&app, &snapshot).await?;
    let groups = app.control.groups().await.into_iter().filter(|group| group.concurrency > 0);
    let groups = groups.map(|group| Asked {
        name: Arc::clone(&group.name),
        principal: Principal::Group(Arc::clone(&group.name)),
        concurrency: group.concurrency,
        waiting: waiting.get(&group.name).copied().unwrap_or_default(),
    });
    let accounts = snapshot.roster.accounts.iter().map(|account| Asked {
        name: Arc::clone(&account.name),
        principal: Principal::Account(Arc::clone(&account.name)),
        concurrency: account.config.concurrency,
        waiting: 0,
    });
    let mut accounts = slots(&app, &snapshot, accounts.collect()).await?;
    for (slots, account) in accounts.iter_mut().zip(&snapshot.roster.accounts) {
        if slots.limit.is_none() {
            slots.held = account.state.in_flight().into();
        }
    }
    let (keys, groups) =
        (slots(&app, &snapshot, keys).await?, slots(&app, &snapshot, groups.collect()).await?);
    Ok(Json(AtOnce { keys, groups, accounts }))
}

/// The keys that have a bound or a queue, in the order of their names, and how many wait in the lines of each group's keys.
async fn keys(app: &App, snapshot: &Snapshot) -> Result<(Vec<Asked>, HashMap<Arc<str>, u64>), StoreError> {
    let mut keys = Vec::new();
    let mut queued = Vec::new();
    snapshot.keys.each(|key| {
        if key.queue.is_some() {
            queued.push((Arc::clone(&key.id), key.group.as_ref().map(|group| Arc::clone(&group.name))));
        }
        if key.queue.is_some() || key.concurrency > 0 {
            let principal = Principal::Key(Arc::clone(&key.id));
            let (name, concurrency) = (Arc::clone(&key.name), key.concurrency);
            keys.push(Asked { name, principal, concurrency, waiting: 0 });
        }
    });
    keys.sort_by(|one, next| one.name.cmp(&next.name));
    let ids: Vec<Arc<str>> = queued.iter().map(|(id, _)| Arc::clone(id)).collect();
    let waiting = if ids.is_empty() { Vec::new() } else { app.gateway.store().waiting(ids).await? };
    let mut of_groups = HashMap::<_, u64>::new();
    let mut of_keys = HashMap::new();
    for ((id, group), waiting) in queued.into_iter().zip(waiting) {
        if let Some(group) = group {
            *of_groups.entry(group).or_default() += waiting;
        }
        of_keys.insert(Principal::Key(id), waiting);
    }
    for key in &mut keys {
        key.waiting = of_keys.get(&key.principal).copied().unwrap_or_default();
    }
    Ok((keys, of_groups))
}

/// What is held of each, by one question to the store.
async fn slots(app: &App, snapshot: &Snapshot, all: Vec<Asked>) -> Result<Vec<Slots>, StoreError> {
    let party = |one: &Asked| Party::new(one.principal.clone(), one.concurrency, &[]);
    let parties: Vec<Party<'_>> = all.iter().map(party).collect();
    let at = app.gateway.both_clocks(&snapshot.stats.timezone);
    let filled = filled(app.gateway.store(), &snapshot.limiters, &parties, at).await?;
    let shown = all.into_iter().zip(filled).map(|(one, filled)| Slots {
        name: one.name.to_string(),
        held: filled.held.unwrap_or_default(),
        waiting: one.waiting,
        limit: (one.concurrency > 0).then_some(one.concurrency),
    });
    Ok(shown.collect())
}
