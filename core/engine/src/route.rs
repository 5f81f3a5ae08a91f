//! Which accounts could serve a request: model → pools → accounts that the key may use.

use std::sync::Arc;

use sluice_api::provider::{ModelPlace, Offer};
use sluice_api::{Error, Kind};

use crate::account::Account;
use crate::ask::Ask;
use crate::key::Key;
use crate::snapshot::Snapshot;

/// An account that could serve the request, and how.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) account: Arc<Account>,
    pub(crate) pool: Arc<str>,
    /// The model to ask upstream for.
    pub(crate) model: Arc<str>,
    pub(crate) model_in: ModelPlace,
}

/// The targets of a request, pool by pool in the order that they are tried.
pub(crate) struct Targets {
    /// The model asked for, after the route's `rewrite`.
    pub(crate) model: String,
    pub(crate) pools: Vec<Vec<Target>>,
}

/// Finds them.
///
/// # Errors
///
/// 403 where the key may not, 404 where no account ever could, 400 where one could only by translation.
pub(crate) fn targets(snapshot: &Snapshot, key: &Key, ask: &Ask) -> Result<Targets, Error> {
    if !key.models.matches(&ask.model) {
        let message = format!(
            "this key may not ask for the model `{}`; ask for one that GET /v1/models lists",
            ask.model
        );
        return Err(Error::new(Kind::Forbidden, message));
    }
    let api = ask.route.api;
    let route = snapshot.route(api, &ask.model);
    let model = route.and_then(|route| route.rewrite.clone()).unwrap_or_else(|| ask.model.clone());
    let own_pool = [api.family().name().to_owned()];
    let pools = route.map_or(&own_pool[..], |route| &route.pools);

    let mut found = Search::default();
    let mut targets: Vec<Vec<Target>> = Vec::with_capacity(pools.len());
    for pool in pools {
        let may_use = key.pools.is_empty() || key.pools.contains(pool);
        let accounts = snapshot.pools.get(pool).map_or(&[][..], Vec::as_slice);
        let name: Arc<str> = pool.as_str().into();
        let some: Vec<Target> = accounts
            .iter()
            // An account in two pools is tried in the first of them, and once.
            .filter(|account| !targets.iter().flatten().any(|target| target.account.name == account.name))
            .filter_map(|account| found.look(account, key, may_use, ask, &model, &name))
            .collect();
        if !some.is_empty() {
            targets.push(some);
        }
    }
    if targets.is_empty() {
        return Err(found.explain(ask));
    }
    Ok(Targets { model, pools: targets })
}

/// What a search has seen, to explain why it found nothing.
#[derive(Default)]
struct Search {
    bound_elsewhere: bool,
    other_dialect: Option<Offer>,
}

impl Search {
    fn look(
        &mut self,
        account: &Arc<Account>,
        key: &Key,
        may_use: bool,
        ask: &Ask,
        model: &str,
        pool: &Arc<str>,
    ) -> Option<Target> {
        let upstream = upstream_model(account, model)?;
        let offer = account.config.provider.offer(ask.route.operation, &upstream)?;
        if !may_use || !(key.accounts.is_empty() || key.accounts.iter().any(|name| **name == *account.name)) {
            self.bound_elsewhere = true;
            return None;
        }
        if !offer.apis.contains(&ask.route.api) {
            self.other_dialect = Some(offer);
            return None;
        }
        Some(Target {
            account: Arc::clone(account),
            pool: Arc::clone(pool),
            model: upstream,
            model_in: offer.model_in,
        })
    }

    fn explain(self, ask: &Ask) -> Error {
        let (model, api) = (&ask.model, ask.route.api);
        if let Some(offer) = self.other_dialect {
            let spoken: Vec<&str> = offer.apis.iter().map(|api| api.title()).collect();
            let message = format!(
                "`{model}` was asked for through {}, but the accounts that serve it speak {}: translation between the two is not available yet; ask through the latter",
                api.title(),
                spoken.join(" or "),
            );
            return Error::bad_request(Some("model"), message);
        }
        if self.bound_elsewhere {
            let message = format!("no pool or account that this key is bound to serves the model `{model}`");
            return Error::new(Kind::Forbidden, message);
        }
        let message = format!(
            "no account serves the model `{model}` for {}; GET /v1/models lists what this key may ask for",
            api.title()
        );
        Error::new(Kind::ModelNotFound, message)
    }
}

/// The name that an account asks its upstream for, or `None` when it does not serve the model.
pub(crate) fn upstream_model(account: &Account, model: &str) -> Option<Arc<str>> {
    let config = &account.config;
    if let Some(mapped) = config.model_map.get(model) {
        return Some(mapped.as_str().into());
    }
    if !config.models.matches(model) {
        return None;
    }
    Some(config.provider.upstream_model(model).unwrap_or(model).into())
}
