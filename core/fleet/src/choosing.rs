//! How accounts are chosen, as the configuration in force says.

pub mod candidates;
mod criteria;
pub mod eligible;
pub mod failed;
pub mod order;

use std::sync::Arc;
use std::time::Duration;

use sluice_api::scheduler::Scheduler;
use sluice_config::cooldown::Policy;
use sluice_config::resolved::Resolved;

pub use criteria::Criteria;

/// What a choice is made by.
#[derive(Debug)]
pub struct Choosing {
    /// Picks among candidates.
    pub scheduler: Arc<dyn Scheduler>,
    /// Accounts of a pool that are tried for one request.
    pub attempts: u32,
    /// How long a session stays on its account after its last request; zero: no sessions.
    pub sticky_ttl: Duration,
    /// Cool-downs.
    pub health: Policy,
}

impl Choosing {
    /// As a configuration says.
    #[must_use]
    pub fn new(config: &Resolved) -> Self {
        Self {
            scheduler: Arc::clone(&config.scheduler),
            attempts: config.attempts,
            sticky_ttl: config.sticky_ttl,
            health: config.health,
        }
    }
}
