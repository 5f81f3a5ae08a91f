//! What everything that is held needs to come back.

use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;
use sluice_api::store::Store;

use crate::clock::Clock;

/// The store that counts, and the time.
#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Clock,
}

impl Inner {
    /// The time, by a clock that nobody sets.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.at(Instant::now())
    }
}
