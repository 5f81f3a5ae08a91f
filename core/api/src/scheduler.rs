//! Which account a request goes to.

use std::fmt;

use crate::dialect::{Api, Operation};
use crate::error::{Fault, Scope};

/// Orders the accounts that could serve a request.
///
/// Called under a lock that also counts the pick in flight, so that a burst does not read the same
/// zeros: it must be quick and must not block.
pub trait Scheduler: fmt::Debug + Send + Sync + 'static {
    /// The candidates' indices, best first; those left out are not used.
    fn plan(&self, ask: &Ask<'_>, candidates: &[Candidate<'_>]) -> Vec<usize>;

    /// Told once how each attempt ended, cancelled ones too.
    fn observe(&self, _account: &str, _outcome: Outcome) {}
}

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// The client API.
    pub api: Api,
    /// The operation.
    pub operation: Operation,
    /// The model asked for, after a route's `rewrite`.
    pub model: &'a str,
}

/// An account that could serve the request now.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    /// Its name.
    pub account: &'a str,
    /// Its priority; lower is tried first.
    pub priority: u32,
    /// Its weight; at least 1.
    pub weight: u32,
    /// Its requests in flight now.
    pub in_flight: u32,
    /// When it was last picked, as a count of picks; lower is longer ago.
    pub last_used: u64,
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
