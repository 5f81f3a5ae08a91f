//! What a request holds of its limits, given back when it ends.

use std::sync::Arc;

use sluice_api::plugin::guarded;
use sluice_api::store::{Lease, Store};

/// A store's lease that is given back when this is dropped; by default nothing is held.
#[derive(Debug, Default)]
pub struct Held(Option<(Arc<dyn Store>, Lease)>);

impl Held {
    pub(crate) fn new(store: &Arc<dyn Store>, lease: Lease) -> Self {
        Self(Some((Arc::clone(store), lease)))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some((store, lease)) = self.0.take() {
            guarded("Store::give", || store.give(lease));
        }
    }
}
