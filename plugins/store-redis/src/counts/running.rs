//! What this process holds, so that it can say so again where a server has forgotten it.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;
use parking_lot::Mutex;
use sluice_api::store::Used;

use super::encode::Tail;

/// Leases by their names.
#[derive(Debug, Default)]
pub(super) struct Running(Mutex<HashMap<String, Held, RandomState>>);

/// A lease that is held.
#[derive(Clone, Debug)]
pub(super) struct Held {
    pub(super) tail: Arc<Tail>,
    /// What of it is used by now.
    pub(super) landed: Used,
}

impl Running {
    pub(super) fn begin(&self, name: String, tail: Arc<Tail>) {
        self.0.lock().insert(name, Held { tail, landed: Used::NOTHING });
    }

    pub(super) fn land(&self, name: &str, used: Used) -> Option<Arc<Tail>> {
        let mut all = self.0.lock();
        let held = all.get_mut(name)?;
        held.landed = used;
        Some(Arc::clone(&held.tail))
    }

    pub(super) fn end(&self, name: &str) -> Option<Arc<Tail>> {
        self.0.lock().remove(name).map(|held| held.tail)
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.0.lock().keys().cloned().collect()
    }

    pub(super) fn get(&self, name: &str) -> Option<Held> {
        self.0.lock().get(name).cloned()
    }
}
