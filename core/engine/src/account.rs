//! An upstream account at work: its configuration, its way upstream, its health, and what it has in flight.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering};

use sluice_api::Timestamp;
use sluice_api::error::Facts;
use sluice_api::scheduler::Outcome;

use crate::config::AccountConfig;
use crate::eligible::Admission;
use crate::health::{Health, Overloads};
use crate::route::Target;
use crate::snapshot::Snapshot;
use crate::transport::Way;

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
    /// What its upstream told.
    pub health: Health,
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
        snapshot: &Arc<Snapshot>,
        overloads: &Arc<Overloads>,
        admission: Admission,
        turn: u64,
        now: Timestamp,
    ) -> InFlight {
        let state = &target.account.state;
        state.in_flight.fetch_add(1, Ordering::Relaxed);
        state.picked.store(turn, Ordering::Relaxed);
        state.used_at_ms.store(now.as_millisecond(), Ordering::Relaxed);
        if admission == Admission::Probe {
            state.health.probe(&target.model, now);
        }
        InFlight {
            account: Arc::clone(&target.account),
            model: Arc::clone(&target.model),
            snapshot: Arc::clone(snapshot),
            overloads: Arc::clone(overloads),
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
    probes: bool,
}

impl InFlight {
    pub(crate) fn account(&self) -> &Arc<Account> {
        &self.account
    }

    /// The scheduler is told how the attempt ended.
    pub(crate) fn observe(&self, outcome: Outcome) {
        self.snapshot.scheduler.observe(&self.account.name, outcome);
    }

    /// The upstream answered.
    pub(crate) fn answered(&mut self, now: Timestamp) {
        if std::mem::take(&mut self.probes) {
            self.account.state.health.release(&self.model);
        }
        self.account.state.health.answered(&self.model, now);
        self.overloads.answered(&self.account.upstream, now);
    }

    /// The answer came whole.
    pub(crate) fn completed(&self) {
        self.account.state.health.completed(&self.model);
    }

    /// The attempt failed, or its answer broke off.
    pub(crate) fn failed(&mut self, facts: &Facts, now: Timestamp) {
        if std::mem::take(&mut self.probes) {
            // A probe is of account and model, and its failure is of one of them: the other can be probed again.
            self.account.state.health.release(&self.model);
        }
        let policy = &self.snapshot.health;
        self.account.state.health.failed(&self.model, facts, policy, now);
        self.overloads.failed(&self.account.upstream, &self.account.name, facts, policy, now);
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        if self.probes {
            self.account.state.health.release(&self.model);
        }
        self.account.state.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}
