//! What gateways that share a store tell each other of accounts.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sluice_api::error::Condition;

/// A state that keeps all clients off an account, or off one model on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// Which state.
    pub condition: Condition,
    /// Since when.
    pub since: Timestamp,
    /// Until when.
    pub until: Timestamp,
    /// What the upstream said.
    pub reason: Arc<str>,
    /// How often it went on after it was over.
    pub strikes: u32,
}

/// What this gateway has learnt of an account itself, and has not told the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// An operator said that it is well again: whatever was told of it before is over.
    Recovered,
    /// It is in a state, or a model on it is; in none any more where there is none.
    State {
        /// The model, where it is of one.
        model: Option<Arc<str>>,
        /// The state.
        told: Option<Told>,
    },
}
