//! An upstream account at work: its configuration, its health, and what it has in flight.

mod in_flight;

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use jiff::Timestamp;
use sluice_api::limiter::{Party, Principal};
use sluice_config::resolved::{AccountConfig, Credentials};

use crate::health::Health;
use crate::models::listed::Listed;
use crate::running::Running;

pub(crate) use in_flight::Entrant;
pub use in_flight::InFlight;

/// An account of a roster.
pub struct Account {
    /// Its name, shared with records.
    pub name: Arc<str>,
    /// Its place among the roster's accounts.
    pub index: usize,
    /// What it shares with accounts of the same upstream: kind, base URL, region, resource.
    pub upstream: Arc<str>,
    /// Its configuration.
    pub config: AccountConfig,
    /// What outlives a reload.
    pub state: Arc<AccountState>,
    /// What its upstream told of these credentials; it outlives a reload that leaves them as they are.
    pub health: Arc<Health>,
    /// What its upstream lists; it outlives the same reloads.
    pub listed: Arc<Listed>,
}

impl Account {
    /// One of a configuration, at this place in it.
    pub(crate) fn new(index: usize, config: AccountConfig, states: &mut States) -> Self {
        let (state, health, listed) = states.of(&config.name, &config.credentials);
        let name = config.name.as_str().into();
        let upstream = config.upstream.as_str().into();
        Self { name, index, upstream, config, state, health, listed }
    }

    /// It as limiters see it.
    #[must_use]
    pub fn party(&self) -> Party<'_> {
        let Self { name, config, .. } = self;
        Party::new(Principal::Account(Arc::clone(name)), config.concurrency, &config.limits)
    }
}

impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Account").field("name", &self.name).finish_non_exhaustive()
    }
}

/// What is known of an account while the process lives, over reloads.
#[derive(Debug, Default)]
pub struct AccountState {
    in_flight: AtomicU32,
    /// Those of them that hold a slot in the store: never more than are held there.
    slots: AtomicU32,
    picked: AtomicU64,
    used_at_ms: AtomicI64,
}

/// Accounts that a roster knows, by name. Each lives as long as a request of such a roster does: one that a reload
/// takes away, and another brings back, still counts what has been running on it all the while.
#[derive(Clone, Debug, Default)]
pub struct States {
    known: HashMap<String, Known>,
    /// What each model has in flight on any of them.
    running: Arc<Running>,
}

#[derive(Clone, Debug)]
struct Known {
    state: Weak<AccountState>,
    credentials: Credentials,
    health: Weak<Health>,
    listed: Weak<Listed>,
}

/// What is known of an account, of its credentials, and of what its upstream lists for them.
type Lasting = (Arc<AccountState>, Arc<Health>, Arc<Listed>);

impl States {
    /// What is known of an account, and of its credentials. New ones start with nothing told against them.
    fn of(&mut self, name: &str, credentials: &Credentials) -> Lasting {
        let known = self.known.get(name);
        let state = known.and_then(|known| known.state.upgrade()).unwrap_or_default();
        let same = known.filter(|known| known.credentials == *credentials);
        let health = same.and_then(|known| known.health.upgrade()).unwrap_or_default();
        let listed = same.and_then(|known| known.listed.upgrade()).unwrap_or_default();
        let known = Known {
            state: Arc::downgrade(&state),
            credentials: credentials.clone(),
            health: Arc::downgrade(&health),
            listed: Arc::downgrade(&listed),
        };
        self.known.insert(name.to_owned(), known);
        (state, health, listed)
    }

    /// What each model has in flight.
    pub(crate) fn running(&self) -> &Arc<Running> {
        &self.running
    }

    /// Forgets accounts that no roster knows any more.
    pub fn sweep(&mut self) {
        self.known.retain(|_, known| known.state.strong_count() > 0);
    }
}

impl AccountState {
    /// Requests in flight now.
    #[must_use]
    pub fn in_flight(&self) -> u32 {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// Requests in flight now that hold a slot.
    pub(crate) fn slots(&self) -> u32 {
        self.slots.load(Ordering::Relaxed)
    }

    /// When it was last picked, as a count of picks.
    #[must_use]
    pub fn picked(&self) -> u64 {
        self.picked.load(Ordering::Relaxed)
    }

    /// When a request last went to it.
    #[must_use]
    pub fn last_used(&self) -> Option<Timestamp> {
        let ms = self.used_at_ms.load(Ordering::Relaxed);
        (ms != 0).then(|| Timestamp::from_millisecond(ms).ok()).flatten()
    }

    /// Counts a request in flight, as this one of all picks.
    pub(crate) fn enter(&self, turn: u64, now: Timestamp) {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        self.picked.store(turn, Ordering::Relaxed);
        self.used_at_ms.store(now.as_millisecond(), Ordering::Relaxed);
    }

    /// A request in flight has taken a slot of the account's limit.
    pub(crate) fn take_slot(&self) {
        self.slots.fetch_add(1, Ordering::Relaxed);
    }

    /// A request in flight has ended.
    pub(crate) fn leave(&self, slot: bool) {
        self.slots.fetch_sub(slot.into(), Ordering::Relaxed);
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}
