//! The models that clients may ask for, for `GET …/models` and for the metrics' labels.

pub mod listed;

use std::collections::BTreeSet;

use sluice_api::cost::CostModel;
use sluice_api::dialect::{Api, Operation};
use sluice_config::key::{Key, KeyTable};

use crate::choosing::Criteria;
use crate::choosing::candidates::binds;
use crate::roster::Roster;

/// Operations that make a model one to list: those that a client has a model for.
const LISTED: [Operation; 3] = [Operation::Generate, Operation::Embed, Operation::Images];

/// What names models.
#[derive(Clone, Copy, Debug)]
pub struct Catalogue<'a> {
    /// The accounts and routes.
    pub roster: &'a Roster,
    /// The price list.
    pub cost: &'a dyn CostModel,
}

impl Catalogue<'_> {
    /// Names that clients may ask for: those that the providers, their upstreams' lists, the price list, `list`,
    /// `model_map` and `rewrite` know.
    #[must_use]
    pub fn known(&self) -> BTreeSet<String> {
        let mut names: BTreeSet<String> = self.cost.models().into_iter().collect();
        for account in &self.roster.accounts {
            names.extend(account.config.provider.models());
            names.extend(account.config.model_map.keys().cloned());
            names.extend(account.config.models.exact_names().map(ToOwned::to_owned));
            names.extend(account.config.list.iter().cloned());
            names.extend(account.listed.names().iter().cloned());
        }
        for route in &self.roster.routes {
            names.extend(route.rewrite.clone());
            names.extend(route.model.exact_names().map(ToOwned::to_owned));
        }
        names
    }

    /// Those of the known names, and all that stand in the `models` of a key as they are: what an operator has named.
    #[must_use]
    pub fn named(&self, keys: &KeyTable) -> BTreeSet<String> {
        let mut names = self.known();
        keys.each(|key| names.extend(key.models.exact_names().map(ToOwned::to_owned)));
        names
    }

    /// Those of the known names, and of those that stand in its own `models` as they are, that a key may ask for through
    /// one of these APIs, and that some account serves there.
    ///
    /// What only another API serves is not listed: until requests are translated, asking for it here is refused.
    #[must_use]
    pub fn of_key(&self, key: &Key, apis: &[Api]) -> Vec<String> {
        let may = |name: &String| {
            let served =
                |api: &Api| LISTED.iter().any(|of| self.roster.serves(key, Criteria::of(*api, *of, name)));
            apis.iter().any(served)
        };
        let mut names = self.known();
        names.extend(key.models.exact_names().map(ToOwned::to_owned));
        names.into_iter().filter(may).collect()
    }
}

impl Roster {
    /// Whether some account serves a key's request.
    #[must_use]
    pub fn serves(&self, key: &Key, wanted: Criteria<'_>) -> bool {
        if !key.allow.contains(&wanted.api.family()) || !key.models.matches(wanted.model) {
            return false;
        }
        let found = self.candidates(wanted);
        let mut usable =
            found.pools.iter().flat_map(|pool| pool.targets.iter().map(move |target| (pool, target)));
        usable.any(|(pool, target)| {
            target.account.config.enabled && binds(key, &pool.name, &target.account.name)
        })
    }
}
