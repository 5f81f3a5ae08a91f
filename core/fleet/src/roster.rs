//! The accounts of one configuration, and which of them could serve a request: model → pools → accounts, worked out once
//! for each model.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;
use parking_lot::RwLock;
use sluice_api::cost::CostModel;
use sluice_api::dialect::{Api, Operation};
use sluice_api::error::{Error, Kind};
use sluice_api::plugin::guarded;
use sluice_config::key::Key;
use sluice_config::resolved::{AccountConfig, RouteConfig};

use crate::account::{Account, States};
use crate::choosing::Criteria;
use crate::choosing::candidates::{Candidates, Pool, Target, binds, fits};
use crate::running::Running;

/// Models of one kind of request whose accounts are remembered: clients can name any number of them.
const REMEMBERED_MAX: usize = 4096;

/// The accounts, and how requests find them.
#[derive(Debug)]
pub struct Roster {
    /// Every account, in the order of the configuration.
    pub accounts: Vec<Arc<Account>>,
    /// Routes, first match wins.
    pub routes: Vec<RouteConfig>,
    /// Accounts by pool.
    pools: HashMap<String, Vec<Arc<Account>>>,
    /// Which accounts could serve what.
    remembered: Remembered,
    running: Arc<Running>,
    /// Knows the models that may be asked for, where one without a price may not.
    prices: Option<Arc<dyn CostModel>>,
}

/// Candidates by what is asked.
#[derive(Debug, Default)]
struct Remembered(RwLock<ByApi>);

type ByApi = HashMap<(Api, Operation), ByModel, RandomState>;

type ByModel = HashMap<Box<str>, Arc<Candidates>, RandomState>;

impl Roster {
    /// One of these accounts, as they are to be in force; those of the same name keep their state.
    pub fn new(accounts: Vec<AccountConfig>, routes: Vec<RouteConfig>, states: &mut States) -> Self {
        let mut all = Vec::with_capacity(accounts.len());
        let mut pools: HashMap<String, Vec<Arc<Account>>> = HashMap::new();
        for (index, config) in accounts.into_iter().enumerate() {
            let account = Arc::new(Account::new(index, config, states));
            for pool in &account.config.pools {
                pools.entry(pool.clone()).or_default().push(Arc::clone(&account));
            }
            all.push(account);
        }
        let running = Arc::clone(states.running());
        Self { accounts: all, routes, pools, remembered: Remembered::default(), running, prices: None }
    }

    /// The same, but that nothing serves a model that this cost model knows no price of.
    #[must_use]
    pub fn priced_by(self, prices: Arc<dyn CostModel>) -> Self {
        Self { prices: Some(prices), ..self }
    }

    /// The account of this name.
    #[must_use]
    pub fn account(&self, name: &str) -> Option<&Arc<Account>> {
        self.accounts.iter().find(|account| &*account.name == name)
    }

    /// Tells every model that has requests in flight, by the name that clients ask by, and how many; those that began under
    /// another configuration too.
    pub fn in_flight(&self, tell: impl FnMut(&str, u32)) {
        self.running.each(tell);
    }

    /// The first route that takes a model asked through an API.
    #[must_use]
    pub fn route(&self, api: Api, model: &str) -> Option<&RouteConfig> {
        self.routes
            .iter()
            .find(|route| (route.apis.is_empty() || route.apis.contains(&api)) && route.model.matches(model))
    }

    /// The model to ask for and the pools to ask, by the first route that takes it.
    #[must_use]
    pub fn routed(&self, api: Api, asked: &str) -> (Arc<str>, Vec<String>) {
        match self.route(api, asked) {
            Some(route) => (route.rewrite.as_deref().unwrap_or(asked).into(), route.pools.clone()),
            None => (asked.into(), vec![api.family().name().to_owned()]),
        }
    }

    /// The candidates that a key may use.
    ///
    /// # Errors
    ///
    /// 403 where the key may not, 404 where no account ever could, 400 where one could only by translation.
    pub fn permitted(&self, key: &Key, wanted: Criteria<'_>) -> Result<Arc<Candidates>, Error> {
        let model = wanted.model;
        if !key.models.matches(model) {
            let message = format!(
                "this key may not ask for the model `{model}`; ask for one that GET /v1/models lists"
            );
            return Err(Error::new(Kind::Forbidden, message));
        }
        let found = self.candidates(wanted);
        let mut usable =
            found.pools.iter().flat_map(|pool| pool.targets.iter().map(move |target| (pool, target)));
        if usable.any(|(pool, target)| binds(key, &pool.name, &target.account.name)) {
            return Ok(found);
        }
        Err(found.explain(model, wanted.api))
    }

    /// The candidates of what is asked, remembered.
    #[must_use]
    pub fn candidates(&self, wanted: Criteria<'_>) -> Arc<Candidates> {
        let Criteria { api, operation, model, .. } = wanted;
        let known = |all: &ByApi| all.get(&(api, operation))?.get(model).cloned();
        if let Some(known) = known(&self.remembered.0.read()) {
            return known;
        }
        let found = Arc::new(self.find(wanted));
        let mut all = self.remembered.0.write();
        let by_model = all.entry((api, operation)).or_default();
        if by_model.len() >= REMEMBERED_MAX {
            by_model.clear();
        }
        by_model.insert(model.into(), Arc::clone(&found));
        found
    }

    fn find(&self, wanted: Criteria<'_>) -> Candidates {
        let (model, names) = self.routed(wanted.api, wanted.model);
        let mut pools: Vec<Pool> = Vec::with_capacity(names.len());
        let mut unpriced = false;
        for name in names {
            let mut targets = Vec::new();
            for account in self.pools.get(&name).map_or(&[][..], Vec::as_slice) {
                // An account in two pools is tried in the first of them, and once.
                if pools
                    .iter()
                    .flat_map(|pool| &pool.targets)
                    .any(|known| known.account.index == account.index)
                {
                    continue;
                }
                match fits(account, wanted.api, wanted.operation, &model) {
                    Some(target) if !self.may_ask(&target, wanted.operation) => unpriced = true,
                    Some(target) => targets.push(target),
                    None => {}
                }
            }
            if !targets.is_empty() {
                pools.push(Pool { name: name.into(), targets });
            }
        }
        let max_output_tokens =
            self.route(wanted.api, wanted.model).and_then(|route| route.max_output_tokens);
        let in_flight = self.running.of(wanted.model);
        Candidates { model, pools, max_output_tokens, in_flight, unpriced }
    }

    /// Whether a model has a price, where it needs one. Counting costs nothing.
    fn may_ask(&self, target: &Target, operation: Operation) -> bool {
        let Some(prices) = self.prices.as_ref().filter(|_| operation != Operation::CountTokens) else {
            return true;
        };
        guarded("CostModel::knows", || prices.knows(target.provider, target.priced_as())).unwrap_or_default()
    }
}
