//! One consistent state of configuration, keys and accounts, which a request takes at its start and uses to its end.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use sluice_api::Api;
use sluice_api::cost::CostModel;
use sluice_api::limiter::Limiter;
use sluice_api::scheduler::Scheduler;
use sluice_config::Policy;
use sluice_config::key::{Group, KeyTable};
use sluice_config::{Resolved, RouteConfig, ServerConfig};
use sluice_upstream::{TransportError, Transports};

use crate::account::{Account, States};
use crate::overrides::Overrides;
use crate::route::Remembered;

/// Everything that a request is decided by.
#[derive(Debug)]
pub struct Snapshot {
    /// Settings of the listeners and bounds.
    pub server: Arc<ServerConfig>,
    /// Every account, in the order of the configuration.
    pub accounts: Vec<Arc<Account>>,
    /// Accounts by pool.
    pub pools: HashMap<String, Vec<Arc<Account>>>,
    /// Routes, first match wins.
    pub routes: Vec<RouteConfig>,
    /// Groups by name.
    pub groups: HashMap<String, Arc<Group>>,
    /// Keys by hash. Those made at run time come and go in it.
    pub keys: Arc<KeyTable>,
    /// Picks among candidates.
    pub scheduler: Arc<dyn Scheduler>,
    /// Say what a request takes from limits.
    pub limiters: Vec<Arc<dyn Limiter>>,
    /// Prices usage.
    pub cost: Arc<dyn CostModel>,
    /// Accounts tried for one request.
    pub attempts: u32,
    /// How long a session stays on its account after its last request; zero: no sessions.
    pub sticky_ttl: Duration,
    /// How long a response stays bound to the account that made it.
    pub reference_ttl: Duration,
    /// Cool-downs.
    pub health: Policy,
    /// Which accounts could serve what, worked out once.
    pub(crate) remembered: Remembered,
}

impl Snapshot {
    /// Puts a snapshot together; accounts of the same name keep their state.
    pub(crate) fn new(
        config: &Resolved,
        keys: Arc<KeyTable>,
        states: &mut States,
        transports: &Transports,
        overrides: &Overrides,
    ) -> Result<Self, TransportError> {
        let mut accounts = Vec::with_capacity(config.accounts.len());
        let mut pools: HashMap<String, Vec<Arc<Account>>> = HashMap::new();
        for (index, settings) in config.accounts.iter().enumerate() {
            let (state, health, listed) = states.of(&settings.name, &settings.credentials);
            let mut own = settings.clone();
            overrides.apply(&mut own);
            let account = Arc::new(Account {
                name: settings.name.as_str().into(),
                index,
                upstream: settings.upstream.as_str().into(),
                way: transports.for_account(settings)?,
                state,
                health,
                listed,
                config: own,
            });
            for pool in &settings.pools {
                pools.entry(pool.clone()).or_default().push(Arc::clone(&account));
            }
            accounts.push(account);
        }
        Ok(Self {
            server: Arc::new(config.server.clone()),
            accounts,
            pools,
            routes: config.routes.clone(),
            groups: groups(config),
            keys,
            scheduler: Arc::clone(&config.scheduler),
            limiters: config.limiters.clone(),
            cost: Arc::clone(&config.cost),
            attempts: config.attempts,
            sticky_ttl: config.sticky_ttl,
            reference_ttl: config.reference_ttl,
            health: config.health,
            remembered: Remembered::default(),
        })
    }

    /// The account of this name.
    #[must_use]
    pub fn account(&self, name: &str) -> Option<&Arc<Account>> {
        self.accounts.iter().find(|account| &*account.name == name)
    }

    /// The first route that takes a model asked through an API.
    #[must_use]
    pub fn route(&self, api: Api, model: &str) -> Option<&RouteConfig> {
        self.routes
            .iter()
            .find(|route| (route.apis.is_empty() || route.apis.contains(&api)) && route.model.matches(model))
    }
}

/// The groups of a configuration, by name.
pub(crate) fn groups(config: &Resolved) -> HashMap<String, Arc<Group>> {
    config.groups.iter().map(|group| (group.name.clone(), Arc::new(Group::from_config(group)))).collect()
}
