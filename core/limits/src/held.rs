//! What a request holds of its limits, settled when it ends.

use std::sync::Arc;

use sluice_api::limiter::{Take, Unit, Window};
use sluice_api::plugin::guarded;
use sluice_api::store::{Lease, Level, Used};

use crate::inner::Inner;

/// A lease that is settled once: with what was used, or, where this is dropped, as if it had never been. By default nothing
/// is held.
#[derive(Debug, Default)]
pub struct Held(Option<(Arc<Inner>, Lease)>);

impl Held {
    pub(crate) fn new(inner: &Arc<Inner>, lease: Lease) -> Self {
        Self(Some((Arc::clone(inner), lease)))
    }

    /// Whether what runs is to be told of as it is used: only windows that roll count it so.
    #[must_use]
    pub fn rolls(&self) -> bool {
        let rolls = |take: &Take| matches!(take.window, Window::Rolling(_)) && take.unit != Unit::Requests;
        self.0.as_ref().is_some_and(|(_, lease)| lease.takes.iter().any(rolls))
    }

    /// Whether a slot is held.
    #[must_use]
    pub fn has_slot(&self) -> bool {
        self.0.as_ref().is_some_and(|(_, lease)| lease.takes.iter().any(Take::is_slot))
    }

    /// Counts what was used by now.
    pub fn land(&mut self, used: Used) {
        if let Some((inner, lease)) = &mut self.0 {
            guarded("Store::land", || inner.store.land(lease, used, inner.now()));
        }
    }

    /// Ends it: what was used counts, and all else is given back.
    pub fn settle(&mut self, used: Used) {
        if let Some((inner, lease)) = self.0.take() {
            guarded("Store::settle", || inner.store.settle(lease, used, inner.now()));
        }
    }

    /// What was taken, and how full each bucket was with it.
    pub fn levels(&self) -> impl Iterator<Item = (&Take, Level)> {
        let lease = self.0.as_ref().map(|(_, lease)| lease);
        lease.into_iter().flat_map(|lease| lease.takes.iter().zip(lease.levels.iter().copied()))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.settle(Used::NOTHING);
    }
}
