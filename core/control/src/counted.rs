//! Limits are counted on from the ledger, where the store forgets with its process, or has not counted them yet.

use std::sync::Arc;

use sluice_api::limiter::{Party, Principal};
use sluice_api::store::StoreError;
use sluice_config::key::{Group, Key};
use sluice_limits::seeds::{leave, seed};
use sluice_line::gateway::Gateway;
use sluice_line::snapshot::Snapshot;

use crate::groups::made::Groups;

/// Counts on for everybody who has limits in a snapshot that comes into force.
///
/// # Errors
///
/// When the ledger can't be read: limits would begin anew.
pub(crate) async fn all(gateway: &Gateway, snapshot: &Snapshot, groups: &Groups) -> Result<(), StoreError> {
    let mut keys: Vec<(Arc<str>, Arc<[sluice_api::limiter::Limit]>)> = Vec::new();
    snapshot.keys.each(|key| {
        if !key.limits.is_empty() {
            keys.push((Arc::clone(&key.id), Arc::clone(&key.limits)));
        }
    });
    let keys = keys.iter().map(|(id, limits)| Party::new(Principal::Key(Arc::clone(id)), 0, limits));
    let groups = groups.values().map(|group| group.party());
    let accounts = snapshot.roster.accounts.iter().map(|account| account.party());
    let parties: Vec<Party<'_>> =
        keys.chain(groups).chain(accounts).filter(|party| !party.limits.is_empty()).collect();
    of(gateway, snapshot, &parties).await
}

/// Counts on for a key that is about to be taken into force.
pub(crate) async fn key(gateway: &Gateway, key: &Key) -> Result<(), StoreError> {
    of(gateway, &gateway.snapshot(), &[key.party()]).await
}

/// Counts on for a group that is about to be taken into force.
pub(crate) async fn group(gateway: &Gateway, group: &Group) -> Result<(), StoreError> {
    of(gateway, &gateway.snapshot(), &[group.party()]).await
}

/// What was counted of a key that was deleted is needed no longer. Where the store can't be told that, it stays.
pub(crate) async fn gone(gateway: &Gateway, key: &Key) {
    let snapshot = gateway.snapshot();
    let now = gateway.both_clocks(&snapshot.stats.timezone);
    if let Err(error) = leave(gateway.store(), &snapshot.limiters, &key.party(), now).await {
        tracing::debug!(%error, "what was counted of a key that was deleted stays in the store");
    }
}

async fn of(gateway: &Gateway, snapshot: &Snapshot, parties: &[Party<'_>]) -> Result<(), StoreError> {
    if parties.iter().all(|party| party.limits.is_empty()) {
        return Ok(());
    }
    let store = gateway.store();
    // What has just ended is on its way there.
    gateway.records().brought(&**store).await?;
    let now = gateway.both_clocks(&snapshot.stats.timezone);
    seed(store, &snapshot.limiters, parties, now).await
}
