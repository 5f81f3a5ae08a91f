//! A request that waits in line.

use std::sync::Arc;

use sluice_api::plugin::guarded;
use sluice_api::store::{Place, Turn};

use crate::inner::Inner;

/// A place in the line of a key; given up where this is dropped.
#[derive(Debug)]
pub struct Waiting {
    inner: Arc<Inner>,
    place: Option<Place>,
}

impl Waiting {
    pub(crate) fn new(inner: &Arc<Inner>, place: Place) -> Self {
        Self { inner: Arc::clone(inner), place: Some(place) }
    }

    pub(crate) fn place(&self) -> Option<Place> {
        self.place.clone()
    }

    /// What it waited for is taken, and the place with it.
    pub(crate) fn ends(mut self) {
        self.place = None;
    }

    /// Ends when it is worth asking again.
    #[must_use]
    pub fn turn(&self) -> Option<Turn> {
        self.place.as_ref().map(|place| self.inner.store.turn(place))
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some(place) = self.place.take() {
            guarded("Store::leave", || self.inner.store.leave(place));
        }
    }
}
