//! A request in flight on an account, and what it tells of the account's health.

use std::sync::Arc;

use jiff::Timestamp;
use sluice_api::error::{Condition, Facts};
use sluice_api::plugin::guarded;
use sluice_api::scheduler::Outcome;

use crate::account::Account;
use crate::choosing::Choosing;
use crate::choosing::candidates::Target;
use crate::choosing::eligible::Admission;
use crate::fleet::Fleet;
use crate::health::{Asker, FailedAttempt, Overloads, Suspects, Witness};
use crate::running::InFlightOf;

/// A request in flight on an account; it ends when this is dropped. What it tells of the account's health is noted
/// through it; one that tells nothing leaves things as they were.
#[derive(Debug)]
pub struct InFlight {
    account: Arc<Account>,
    model: Arc<str>,
    choosing: Arc<Choosing>,
    /// All that its model has in flight.
    of_model: Arc<InFlightOf>,
    overloads: Arc<Overloads>,
    suspects: Arc<Suspects>,
    asker: Asker,
    /// What tells its body from others.
    body: u64,
    /// Whether no other account could serve the model.
    alone: bool,
    began: Timestamp,
    probes: bool,
    slot: bool,
}

/// Who is let onto an account, and when.
pub(crate) struct Entrant<'a> {
    pub(crate) fleet: &'a Fleet,
    pub(crate) choosing: &'a Arc<Choosing>,
    /// What the model that it asks for has in flight.
    pub(crate) in_flight: &'a Arc<InFlightOf>,
    /// Its client key.
    pub(crate) key: &'a str,
    /// What tells its body from others.
    pub(crate) body: u64,
    /// Whether no other account could serve the model.
    pub(crate) alone: bool,
    pub(crate) now: Timestamp,
}

impl InFlight {
    /// Counts a request in flight. Called under the lock of picks, so that a burst sees what it has picked.
    pub(crate) fn begin(target: &Target, entrant: &Entrant<'_>, admission: Admission, turn: u64) -> Self {
        let account = &target.account;
        account.state.enter(turn, entrant.now);
        entrant.in_flight.enter();
        let asker = Asker::of(entrant.key);
        if admission == Admission::Probe {
            account.health.probe(&target.model, asker, entrant.now);
        }
        Self {
            account: Arc::clone(account),
            model: Arc::clone(&target.model),
            choosing: Arc::clone(entrant.choosing),
            of_model: Arc::clone(entrant.in_flight),
            overloads: Arc::clone(&entrant.fleet.overloads),
            suspects: Arc::clone(&entrant.fleet.suspects),
            asker,
            body: entrant.body,
            alone: entrant.alone,
            began: entrant.now,
            probes: admission == Admission::Probe,
            slot: false,
        }
    }

    /// The account.
    #[must_use]
    pub fn account(&self) -> &Arc<Account> {
        &self.account
    }

    /// The request has taken a slot of the account's limit, which it holds for as long as this at least.
    pub fn takes_slot(&mut self) {
        if !std::mem::replace(&mut self.slot, true) {
            self.account.state.take_slot();
        }
    }

    /// The request is handed to the way upstream now.
    pub fn sent(&mut self, now: Timestamp) {
        self.began = now;
    }

    /// The scheduler is told how the attempt ended.
    pub fn observe(&self, outcome: Outcome) {
        guarded("Scheduler::observe", || self.choosing.scheduler.observe(&self.account.name, outcome));
    }

    /// The upstream answered.
    pub fn answered(&mut self, now: Timestamp) {
        self.release();
        self.account.health.answered(&self.model, self.asker, now);
        self.overloads.answered(&self.account.upstream, now);
    }

    /// The answer came whole.
    pub fn completed(&self, now: Timestamp) {
        self.suspects.served(self.body);
        self.account.health.completed(&self.model, self.asker, now);
    }

    /// The attempt failed, or its answer broke off.
    pub fn failed(&mut self, facts: &Facts, now: Timestamp) {
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
        let policy = &self.choosing.health;
        let told = FailedAttempt { facts, asker: self.asker, alone: self.alone, began: self.began };
        self.account.health.failed(&self.model, &told, policy, now);
        let by = Witness { provider: &self.account.upstream, account: &self.account.name };
        self.overloads.failed(by, facts, policy, now);
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
        self.account.state.leave(self.slot);
        self.of_model.leave();
    }
}
