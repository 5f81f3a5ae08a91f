//! An upstream account at work: its configuration, its way upstream, its health, and what it has in flight.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use sluice_api::error::Facts;
use sluice_api::scheduler::Outcome;
use sluice_api::{Condition, Timestamp, guarded};
use sluice_config::{AccountConfig, Credentials};
use sluice_upstream::Way;

use crate::discover::Listed;
use crate::eligible::Admission;
use crate::health::{Asker, Health, Overloads, Suspects, Told};
use crate::order::Picking;
use crate::route::Target;
use crate::snapshot::Snapshot;

/// An account of a snapshot.
pub struct Account {
    /// Its name, shared with records.
    pub name: Arc<str>,
    /// Its place among the snapshot's accounts.
    pub index: usize,
    /// What it shares with accounts of the same upstream: kind, base URL, region, resource.
    pub upstream: Arc<str>,
    /// Its configuration.
    pub config: AccountConfig,
    /// Sends its requests, over its proxy if it has one.
    pub(crate) way: Arc<Way>,
    /// What outlives a reload.
    pub state: Arc<AccountState>,
    /// What its upstream told of these credentials; it outlives a reload that leaves them as they are.
    pub health: Arc<Health>,
    /// What its upstream lists; it outlives the same reloads.
    pub listed: Arc<Listed>,
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

/// Accounts that a snapshot knows, by name. Each lives as long as a request of such a snapshot does: one that a reload
/// takes away, and another brings back, still counts what has been running on it all the while.
#[derive(Clone, Debug, Default)]
pub(crate) struct States(HashMap<String, Known>);

#[derive(Clone, Debug)]
struct Known {
    state: Weak<AccountState>,
    credentials: Credentials,
    health: Weak<Health>,
    listed: Weak<Listed>,
}

/// What is known of an account, of its credentials, and of what its upstream lists for them.
pub(crate) type Lasting = (Arc<AccountState>, Arc<Health>, Arc<Listed>);

impl States {
    /// What is known of an account, and of its credentials. New ones start with nothing told against them.
    pub(crate) fn of(&mut self, name: &str, credentials: &Credentials) -> Lasting {
        let known = self.0.get(name);
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
        self.0.insert(name.to_owned(), known);
        (state, health, listed)
    }

    /// Forgets accounts that no snapshot knows any more.
    pub(crate) fn sweep(&mut self) {
        self.0.retain(|_, known| known.state.strong_count() > 0);
    }
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
    pub(crate) fn enter(
        target: &Target,
        cx: Picking<'_>,
        admission: Admission,
        turn: u64,
        alone: bool,
    ) -> InFlight {
        let account = &target.account;
        account.state.in_flight.fetch_add(1, Ordering::Relaxed);
        account.state.picked.store(turn, Ordering::Relaxed);
        account.state.used_at_ms.store(cx.now.as_millisecond(), Ordering::Relaxed);
        let asker = Asker::of(&cx.key.id);
        if admission == Admission::Probe {
            account.health.probe(&target.model, asker, cx.now);
        }
        InFlight {
            account: Arc::clone(account),
            model: Arc::clone(&target.model),
            snapshot: Arc::clone(cx.snapshot),
            overloads: Arc::clone(cx.gateway.overloads()),
            suspects: Arc::clone(cx.gateway.suspects()),
            asker,
            body: cx.ask.fingerprint,
            alone,
            probes: admission == Admission::Probe,
        }
    }
}

/// A request in flight on an account; it ends when this is dropped. What it tells of the account's health is noted
/// through it; one that tells nothing leaves things as they were.
#[derive(Debug)]
pub(crate) struct InFlight {
    account: Arc<Account>,
    model: Arc<str>,
    snapshot: Arc<Snapshot>,
    overloads: Arc<Overloads>,
    suspects: Arc<Suspects>,
    asker: Asker,
    /// What tells its body from others.
    body: u64,
    /// Whether no other account could serve the model.
    alone: bool,
    probes: bool,
}

impl InFlight {
    pub(crate) fn account(&self) -> &Arc<Account> {
        &self.account
    }

    /// The scheduler is told how the attempt ended.
    pub(crate) fn observe(&self, outcome: Outcome) {
        guarded("Scheduler::observe", || self.snapshot.scheduler.observe(&self.account.name, outcome));
    }

    /// The upstream answered.
    pub(crate) fn answered(&mut self, now: Timestamp) {
        self.release();
        self.account.health.answered(&self.model, self.asker, now);
        self.overloads.answered(&self.account.upstream, now);
    }

    /// The answer came whole.
    pub(crate) fn completed(&self, now: Timestamp) {
        self.suspects.served(self.body);
        self.account.health.completed(&self.model, self.asker, now);
    }

    /// The attempt failed, or its answer broke off.
    pub(crate) fn failed(&mut self, facts: &Facts, now: Timestamp) {
        // A probe is of account and model, and its failure is of one of them: the other can be probed again.
        self.release();
        let tells = match facts.condition {
            Some(Condition::Failing) => self.suspects.failed(self.body, &self.account.name, now),
            Some(_) => true,
            None => {
                self.suspects.served(self.body);
                true
            }
        };
        if !tells {
            return;
        }
        let policy = &self.snapshot.health;
        let told = Told { facts, asker: self.asker, alone: self.alone };
        self.account.health.failed(&self.model, &told, policy, now);
        self.overloads.failed(&self.account.upstream, &self.account.name, facts, policy, now);
    }

    /// Another request may be the probe, if this one was.
    fn release(&mut self) {
        if std::mem::take(&mut self.probes) {
            self.account.health.release(&self.model, self.asker);
        }
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.release();
        self.account.state.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}
