//! The models that a key may ask for, for `GET …/models`.

use std::collections::BTreeSet;

use sluice_api::{Api, Operation};
use sluice_config::key::Key;

use crate::route;
use crate::snapshot::Snapshot;

/// Names that clients may ask for: those that the providers, their upstreams' lists, the price list, `list`, `model_map`
/// and `rewrite` know.
#[must_use]
pub fn known(snapshot: &Snapshot) -> BTreeSet<String> {
    let mut names: BTreeSet<String> = snapshot.cost.models().into_iter().collect();
    for account in &snapshot.accounts {
        names.extend(account.config.provider.models());
        names.extend(account.config.model_map.keys().cloned());
        names.extend(account.config.models.exact_names().map(ToOwned::to_owned));
        names.extend(account.config.list.iter().cloned());
        names.extend(account.listed.names().iter().cloned());
    }
    for route in &snapshot.routes {
        names.extend(route.rewrite.clone());
        names.extend(route.model.exact_names().map(ToOwned::to_owned));
    }
    names
}

/// Those of the known names, and all that stand in the `models` of a key as they are: what an operator has named.
#[must_use]
pub fn named(snapshot: &Snapshot) -> BTreeSet<String> {
    let mut names = known(snapshot);
    snapshot.keys.each(|key| names.extend(key.models.exact_names().map(ToOwned::to_owned)));
    names
}

/// Those of the known names, and of those that stand in its own `models` as they are, that a key may ask for through one
/// of these APIs, and that some account serves there.
///
/// What only another API serves is not listed: until requests are translated, asking for it here is refused.
#[must_use]
pub fn of_key(snapshot: &Snapshot, key: &Key, apis: &[Api]) -> Vec<String> {
    let may = |name: &String| {
        apis.iter().any(|api| LISTED.iter().any(|operation| serves(snapshot, key, *api, *operation, name)))
    };
    let mut names = known(snapshot);
    names.extend(key.models.exact_names().map(ToOwned::to_owned));
    names.into_iter().filter(may).collect()
}

/// Operations that make a model one to list: those that a client has a model for.
const LISTED: [Operation; 3] = [Operation::Generate, Operation::Embed, Operation::Images];

/// Whether some account serves a key's request for an operation of a model, asked through an API.
#[must_use]
pub fn serves(snapshot: &Snapshot, key: &Key, api: Api, operation: Operation, name: &str) -> bool {
    if !key.allow.contains(&api.family()) || !key.models.matches(name) {
        return false;
    }
    let found = route::candidates(snapshot, api, operation, name);
    let mut usable =
        found.pools.iter().flat_map(|pool| pool.targets.iter().map(move |target| (pool, target)));
    usable.any(|(pool, target)| {
        target.account.config.enabled && route::binds(key, &pool.name, &target.account.name)
    })
}
