//! How many requests of a key, or of a group, a gateway has at most before it knows whether they are admitted: each may
//! hold a body.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use sluice_api::limiter::Principal;

/// Requests of each that has a bound, in this process.
#[derive(Debug, Default)]
pub(crate) struct Gate(Mutex<HashMap<Principal, u32>>);

/// A request that has come in, until it is dropped.
#[derive(Debug)]
pub struct Entered {
    gate: Arc<Gate>,
    as_one_of: Principal,
}

impl Gate {
    /// Lets a request in, unless there are so many already.
    pub(crate) fn enter(self: &Arc<Self>, as_one_of: Principal, most: u32) -> Option<Entered> {
        let mut within = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = within.entry(as_one_of.clone()).or_default();
        if *count >= most {
            return None;
        }
        *count += 1;
        Some(Entered { gate: Arc::clone(self), as_one_of })
    }

    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        let mut within = self.gate.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = within.get_mut(&self.as_one_of) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                within.remove(&self.as_one_of);
            }
        }
    }
}
