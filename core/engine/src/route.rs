//! Which accounts could serve a request: model → pools → accounts, worked out once for each model of a snapshot.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use parking_lot::RwLock;
use sluice_api::provider::{ModelPlace, Offer};
use sluice_api::{Api, Error, Kind, Operation};
use sluice_config::key::Key;

use crate::account::Account;
use crate::ask::Ask;
use crate::snapshot::Snapshot;

/// Models of one kind of request whose accounts are remembered: clients can name any number of them.
const REMEMBERED_MAX: usize = 4096;

/// An account that could serve a request, and how.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) account: Arc<Account>,
    /// The model that the account is asked for, after the route's `rewrite`.
    pub(crate) asked: Arc<str>,
    /// The model to ask upstream for.
    pub(crate) model: Arc<str>,
    pub(crate) model_in: ModelPlace,
}

/// A pool with those of its accounts that could serve a request.
#[derive(Debug)]
pub(crate) struct Pool {
    pub(crate) name: Arc<str>,
    pub(crate) targets: Vec<Target>,
}

/// What a model asked through an API could be served by, pool by pool in the order that they are tried.
#[derive(Debug)]
pub(crate) struct Candidates {
    /// The model asked for, after the route's `rewrite`.
    pub(crate) model: Arc<str>,
    pub(crate) pools: Vec<Pool>,
    /// What an account speaks that serves the model in another dialect alone.
    other_dialect: Option<Offer>,
}

impl fmt::Display for Candidates {
    /// The pools in the order that they are tried, each with its accounts: `claude: a, b; claude-bedrock: c`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, pool) in self.pools.iter().enumerate() {
            write!(f, "{}{}: ", if at == 0 { "" } else { "; " }, pool.name)?;
            for (at, target) in pool.targets.iter().enumerate() {
                write!(f, "{}{}", if at == 0 { "" } else { ", " }, target.account.name)?;
            }
        }
        Ok(())
    }
}

/// Candidates of a snapshot by what is asked.
#[derive(Debug, Default)]
pub(crate) struct Remembered(RwLock<HashMap<(Api, Operation), ByModel>>);

type ByModel = HashMap<Box<str>, Arc<Candidates>>;

/// Why an account can't serve a model at all.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Misfit {
    /// Its `models` leave it out, or its provider does not know it.
    Model,
    /// It serves it in other dialects alone.
    Dialect(Offer),
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Model => f.write_str("it does not serve this model"),
            Self::Dialect(offer) => write!(f, "it speaks {}", spoken(*offer)),
        }
    }
}

/// The candidates that a key may use.
///
/// # Errors
///
/// 403 where the key may not, 404 where no account ever could, 400 where one could only by translation.
pub(crate) fn permitted(snapshot: &Snapshot, key: &Key, ask: &Ask) -> Result<Arc<Candidates>, Error> {
    if !key.models.matches(&ask.model) {
        let message = format!(
            "this key may not ask for the model `{}`; ask for one that GET /v1/models lists",
            ask.model
        );
        return Err(Error::new(Kind::Forbidden, message));
    }
    let found = candidates(snapshot, ask.route.api, ask.route.operation, &ask.model);
    let mut usable =
        found.pools.iter().flat_map(|pool| pool.targets.iter().map(move |target| (pool, target)));
    if usable.any(|(pool, target)| binds(key, &pool.name, &target.account.name)) {
        return Ok(found);
    }
    Err(found.explain(&ask.model, ask.route.api))
}

/// Whether a key is not bound to other pools or other accounts.
pub(crate) fn binds(key: &Key, pool: &str, account: &str) -> bool {
    let pool = key.pools.is_empty() || key.pools.iter().any(|name| name == pool);
    pool && (key.accounts.is_empty() || key.accounts.iter().any(|name| name == account))
}

/// The candidates of what is asked, remembered.
pub(crate) fn candidates(
    snapshot: &Snapshot,
    api: Api,
    operation: Operation,
    model: &str,
) -> Arc<Candidates> {
    let known = |all: &HashMap<(Api, Operation), ByModel>| all.get(&(api, operation))?.get(model).cloned();
    if let Some(known) = known(&snapshot.remembered.0.read()) {
        return known;
    }
    let found = Arc::new(find(snapshot, api, operation, model));
    let mut all = snapshot.remembered.0.write();
    let by_model = all.entry((api, operation)).or_default();
    if by_model.len() >= REMEMBERED_MAX {
        by_model.clear();
    }
    by_model.insert(model.into(), Arc::clone(&found));
    found
}

fn find(snapshot: &Snapshot, api: Api, operation: Operation, asked: &str) -> Candidates {
    let (model, names) = route(snapshot, api, asked);
    let mut pools: Vec<Pool> = Vec::with_capacity(names.len());
    let mut other_dialect = None;
    for name in names {
        let mut targets = Vec::new();
        for account in snapshot.pools.get(&name).map_or(&[][..], Vec::as_slice) {
            // An account in two pools is tried in the first of them, and once.
            if pools.iter().flat_map(|pool| &pool.targets).any(|known| known.account.index == account.index) {
                continue;
            }
            match fits(account, api, operation, &model) {
                Ok(target) => targets.push(target),
                Err(Misfit::Dialect(offer)) => other_dialect = Some(offer),
                Err(Misfit::Model) => {}
            }
        }
        if !targets.is_empty() {
            pools.push(Pool { name: name.into(), targets });
        }
    }
    Candidates { model, pools, other_dialect }
}

/// The model to ask for and the pools to ask, by the first route that takes it.
pub(crate) fn route(snapshot: &Snapshot, api: Api, asked: &str) -> (Arc<str>, Vec<String>) {
    match snapshot.route(api, asked) {
        Some(route) => (route.rewrite.as_deref().unwrap_or(asked).into(), route.pools.clone()),
        None => (asked.into(), vec![api.family().name().to_owned()]),
    }
}

/// Whether and how an account could ever serve a model.
pub(crate) fn fits(
    account: &Arc<Account>,
    api: Api,
    operation: Operation,
    model: &str,
) -> Result<Target, Misfit> {
    let upstream = upstream_model(account, model).ok_or(Misfit::Model)?;
    let offer = account.config.provider.offer(operation, &upstream).ok_or(Misfit::Model)?;
    if !offer.apis.contains(&api) {
        return Err(Misfit::Dialect(offer));
    }
    let asked = if *upstream == *model { Arc::clone(&upstream) } else { model.into() };
    Ok(Target { account: Arc::clone(account), asked, model: upstream, model_in: offer.model_in })
}

/// The name that an account asks its upstream for, or `None` when it does not serve the model.
fn upstream_model(account: &Account, model: &str) -> Option<Arc<str>> {
    let config = &account.config;
    if let Some(mapped) = config.model_map.get(model) {
        return Some(mapped.as_str().into());
    }
    if !config.models.matches(model) {
        return None;
    }
    Some(config.provider.upstream_model(model).unwrap_or(model).into())
}

fn spoken(offer: Offer) -> String {
    offer.apis.iter().map(|api| api.title()).collect::<Vec<_>>().join(" or ")
}

impl Candidates {
    /// All of them, pool by pool.
    pub(crate) fn targets(&self) -> impl Iterator<Item = &Target> {
        self.pools.iter().flat_map(|pool| &pool.targets)
    }

    /// Whether one account alone, of those that are enabled, could serve the model.
    pub(crate) fn is_one(&self) -> bool {
        self.targets().filter(|target| target.account.config.enabled).nth(1).is_none()
    }

    /// Why none of them can ever have a key's request.
    pub(crate) fn explain(&self, model: &str, api: Api) -> Error {
        if !self.pools.is_empty() {
            let message = format!("no pool or account that this key is bound to serves the model `{model}`");
            return Error::new(Kind::Forbidden, message);
        }
        if let Some(offer) = self.other_dialect {
            let message = format!(
                "`{model}` was asked for through {}, but the accounts that serve it speak {}: translation between the two is not available yet; ask through the latter",
                api.title(),
                spoken(offer),
            );
            return Error::bad_request(Some("model"), message);
        }
        let message = format!(
            "no account serves the model `{model}` for {}; GET /v1/models lists what this key may ask for",
            api.title()
        );
        Error::new(Kind::ModelNotFound, message)
    }
}
