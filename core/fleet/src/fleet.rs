//! What is known of all accounts together, over every change of the configuration.

use std::sync::Arc;

use jiff::Timestamp;
use parking_lot::{Mutex, MutexGuard};
use sluice_api::store::Store;

use crate::account::Account;
use crate::health::{Overloads, Suspects};
use crate::session::Sessions;

/// What outlives every configuration.
#[derive(Debug, Default)]
pub struct Fleet {
    /// What upstreams told of whole providers.
    pub(crate) overloads: Arc<Overloads>,
    /// Bodies that failed.
    pub(crate) suspects: Arc<Suspects>,
    /// Which account each conversation is on.
    pub(crate) sessions: Sessions,
    /// The count of picks, and the lock under which an account is picked and counted.
    turn: Mutex<u64>,
}

impl Fleet {
    /// That of a gateway with this store.
    #[must_use]
    pub fn of(store: &dyn Store) -> Self {
        Self { sessions: Sessions::of(store), ..Self::default() }
    }

    /// Until when an account's provider is overloaded, as two accounts of it saw.
    #[must_use]
    pub fn overloaded_until(&self, account: &Account, now: Timestamp) -> Option<Timestamp> {
        self.overloads.until(&account.upstream, now)
    }

    /// An operator says that an account is well again, and its provider.
    pub fn recover(&self, account: &Account) {
        account.health.recover();
        self.overloads.recover(&account.upstream);
    }

    /// An operator has said so to another gateway.
    pub fn hear_recovery(&self, account: &Account) {
        account.health.hear_recovery();
        self.overloads.recover(&account.upstream);
    }

    /// Which account each conversation is on.
    #[must_use]
    pub fn sessions(&self) -> &Sessions {
        &self.sessions
    }

    /// The count of picks. While it is held, nobody else picks an account.
    pub fn turn(&self) -> MutexGuard<'_, u64> {
        self.turn.lock()
    }

    /// Forgets sessions whose time is over.
    pub fn sweep(&self, now: Timestamp) {
        self.sessions.sweep(now);
    }
}
