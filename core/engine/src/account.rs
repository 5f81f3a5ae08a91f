//! An upstream account at work: its configuration, its way upstream, and what it has in flight.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering};

use sluice_api::Timestamp;
use sluice_api::provider::Transport;

use crate::config::AccountConfig;

/// An account of a snapshot.
pub struct Account {
    /// Its name, shared with records.
    pub name: Arc<str>,
    /// Its configuration.
    pub config: AccountConfig,
    /// Sends its requests, over its proxy if it has one.
    pub transport: Arc<dyn Transport>,
    /// What outlives a reload.
    pub state: Arc<AccountState>,
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
    picked: AtomicU64,
    used_at_ms: AtomicI64,
}

impl AccountState {
    /// Requests in flight now.
    #[must_use]
    pub fn in_flight(&self) -> u32 {
        self.in_flight.load(Ordering::Relaxed)
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

    /// Counts a request in flight. Called under the pick lock, so that a burst sees what it has picked.
    pub(crate) fn enter(account: &Arc<Account>, turn: u64, now: Timestamp) -> InFlight {
        let state = &account.state;
        state.in_flight.fetch_add(1, Ordering::Relaxed);
        state.picked.store(turn, Ordering::Relaxed);
        state.used_at_ms.store(now.as_millisecond(), Ordering::Relaxed);
        InFlight(Arc::clone(account))
    }
}

/// A request in flight on an account; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct InFlight(Arc<Account>);

impl InFlight {
    pub(crate) fn account(&self) -> &Arc<Account> {
        &self.0
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.state.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}
