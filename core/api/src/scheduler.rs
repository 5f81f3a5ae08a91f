//! Which account a request goes to.

use std::fmt;

use jiff::Timestamp;

use crate::dialect::{Api, Operation};
use crate::error::{Fault, Scope};

/// Picks among the accounts that can serve a request now.
///
/// Who is a candidate is the engine's to say, by one rule for every request: enabled, permitted, healthy, with room.
/// A scheduler only prefers.
pub trait Scheduler: fmt::Debug + Send + Sync + 'static {
    /// The index of the candidate that is to have the request; `None` leaves them all. `candidates` is never empty.
    ///
    /// Called under the lock under which the pick is counted in flight too, so that a burst does not read the same
    /// zeros: it must be quick and must not block. Called again, without those that failed, for each further attempt.
    fn pick(&self, ask: &Ask<'_>, candidates: &[Candidate<'_>]) -> Option<usize>;

    /// What [`Scheduler::pick`] would say, for `explain`: nothing is picked. A scheduler whose picks change what comes next
    /// implements it, so that no turn is spent.
    fn foresee(&self, ask: &Ask<'_>, candidates: &[Candidate<'_>]) -> Option<usize> {
        self.pick(ask, candidates)
    }

    /// Told once how each attempt ended, cancelled ones too.
    fn observe(&self, _account: &str, _outcome: Outcome) {}
}

/// What is asked for.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Ask<'a> {
    /// The client API.
    pub api: Api,
    /// The operation.
    pub operation: Operation,
    /// The model asked for, after a route's `rewrite`.
    pub model: &'a str,
    /// When it is picked.
    pub now: Timestamp,
}

impl<'a> Ask<'a> {
    /// What is asked for, and when.
    #[must_use]
    pub const fn new(api: Api, operation: Operation, model: &'a str, now: Timestamp) -> Self {
        Self { api, operation, model, now }
    }
}

/// An account that could serve the request now.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Candidate<'a> {
    /// Its name.
    pub account: &'a str,
    /// Its place among all accounts: the same from pick to pick until the configuration changes.
    pub index: usize,
    /// Its priority; lower is tried first.
    pub priority: u32,
    /// Its weight; at least 1.
    pub weight: u32,
    /// Its requests in flight now.
    pub in_flight: u32,
    /// When it was last picked, as a count of picks; lower is longer ago.
    pub last_used: u64,
    /// The kind of its provider.
    pub provider: &'a str,
    /// The model that its upstream would be asked for.
    pub model: &'a str,
}

impl<'a> Candidate<'a> {
    /// An account of priority and weight 1 that has never been used.
    #[must_use]
    pub const fn new(account: &'a str, index: usize) -> Self {
        Self { account, index, priority: 1, weight: 1, in_flight: 0, last_used: 0, provider: "", model: "" }
    }
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// An answer came, whole.
    Completed,
    /// The client went away.
    Cancelled,
    /// It failed.
    Failed {
        /// Whose fault it was.
        fault: Fault,
        /// How far it reaches.
        scope: Scope,
    },
}
