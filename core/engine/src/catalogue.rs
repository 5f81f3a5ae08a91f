//! The models that a key may ask for, for `GET …/models`.

use std::collections::BTreeSet;

use sluice_api::{Api, Operation};

use crate::key::Key;
use crate::route::upstream_model;
use crate::snapshot::Snapshot;

/// Names that clients may ask for: those the providers, the price list, `model_map` and `rewrite` know.
#[must_use]
pub fn known(snapshot: &Snapshot) -> BTreeSet<String> {
    let mut names: BTreeSet<String> = snapshot.cost.models().into_iter().collect();
    for account in &snapshot.accounts {
        names.extend(account.config.provider.models());
        names.extend(account.config.model_map.keys().cloned());
        names.extend(account.config.models.exact_names().map(ToOwned::to_owned));
    }
    for route in &snapshot.routes {
        names.extend(route.rewrite.clone());
        names.extend(route.model.exact_names().map(ToOwned::to_owned));
    }
    names
}

/// Those of the known names that a key may ask for through one of these APIs and that some account serves.
#[must_use]
pub fn of_key(snapshot: &Snapshot, key: &Key, apis: &[Api]) -> Vec<String> {
    let may = |name: &String| {
        key.models.matches(name)
            && apis
                .iter()
                .any(|api| key.allow.contains(&api.family()) && is_served(snapshot, key, *api, name))
    };
    known(snapshot).into_iter().filter(may).collect()
}

fn is_served(snapshot: &Snapshot, key: &Key, api: Api, name: &str) -> bool {
    let route = snapshot.route(api, name);
    let model = route.and_then(|route| route.rewrite.as_deref()).unwrap_or(name);
    let own = [api.family().name().to_owned()];
    let pools = route.map_or(&own[..], |route| &route.pools);
    pools.iter().filter(|pool| key.pools.is_empty() || key.pools.contains(pool)).any(|pool| {
        snapshot.pools.get(pool).is_some_and(|accounts| {
            accounts.iter().any(|account| {
                let bound =
                    key.accounts.is_empty() || key.accounts.iter().any(|name| **name == *account.name);
                let offered = |model: &str| {
                    OPERATIONS.iter().any(|operation| {
                        account
                            .config
                            .provider
                            .offer(*operation, model)
                            .is_some_and(|offer| offer.apis.contains(&api))
                    })
                };
                bound
                    && account.config.enabled
                    && upstream_model(account, model).is_some_and(|model| offered(&model))
            })
        })
    })
}

/// Operations that a listed model may serve.
const OPERATIONS: [Operation; 3] = [Operation::Generate, Operation::Embed, Operation::Images];
