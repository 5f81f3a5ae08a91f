//! One consistent state of what is in force, which a request takes at its start and uses to its end.

use std::sync::Arc;
use std::time::Duration;

use sluice_api::cost::CostModel;
use sluice_api::limiter::AtWork;
use sluice_api::plugin::pages::Pages;
use sluice_config::key::KeyTable;
use sluice_config::resolved::{AccountConfig, Resolved, ServerConfig, StatsConfig};
use sluice_fleet::Roster;
use sluice_fleet::account::Account;
use sluice_fleet::choosing::Choosing;
use sluice_fleet::models::Catalogue;
use sluice_upstream::{TransportError, Transports, Way};

/// Everything that a request is decided by.
#[derive(Debug)]
pub struct Snapshot {
    /// Settings of the listeners and bounds.
    pub server: Arc<ServerConfig>,
    /// Keys by hash. Those made at run time come and go in it.
    pub keys: Arc<KeyTable>,
    /// The accounts, and which of them serves what.
    pub roster: Roster,
    /// How one of them is chosen.
    pub choosing: Arc<Choosing>,
    /// How each is reached.
    ways: Ways,
    /// Say what a request takes from limits.
    pub limiters: Vec<AtWork>,
    /// Prices usage.
    pub cost: Arc<dyn CostModel>,
    /// What is kept of requests.
    pub stats: StatsConfig,
    /// Bring pages for browsers.
    pub pages: Vec<Arc<dyn Pages>>,
    /// How long a response stays bound to the account that made it.
    pub reference_ttl: Duration,
}

/// How each account of a roster is reached, over its proxy if it has one.
#[derive(Debug)]
pub struct Ways(Vec<Arc<Way>>);

impl Ways {
    /// Those of the accounts of a configuration; connections that are open stay.
    ///
    /// # Errors
    ///
    /// When one can't be set up.
    pub fn new(transports: &Transports, accounts: &[AccountConfig]) -> Result<Self, TransportError> {
        accounts.iter().map(|account| transports.for_account(account)).collect::<Result<_, _>>().map(Self)
    }
}

impl Snapshot {
    /// What a configuration brings into force, with these keys and accounts.
    #[must_use]
    pub fn new(config: &Resolved, keys: Arc<KeyTable>, roster: Roster, ways: Ways) -> Self {
        Self {
            server: Arc::new(config.server.clone()),
            keys,
            roster,
            choosing: Arc::new(Choosing::new(config)),
            ways,
            limiters: config.limiters.clone(),
            cost: Arc::clone(&config.cost),
            stats: config.stats.clone(),
            pages: config.pages.clone(),
            reference_ttl: config.reference_ttl,
        }
    }

    /// How one of its accounts is reached; `None` for an account of another snapshot.
    #[must_use]
    pub fn way(&self, account: &Arc<Account>) -> Option<&Arc<Way>> {
        let own = self.roster.accounts.get(account.index)?;
        self.ways.0.get(account.index).filter(|_| Arc::ptr_eq(own, account))
    }

    /// The models that clients may ask for.
    #[must_use]
    pub fn catalogue(&self) -> Catalogue<'_> {
        Catalogue { roster: &self.roster, cost: &*self.cost }
    }
}
