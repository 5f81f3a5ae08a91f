//! Those who wait for a connection to be opened, and what they will put on it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// All who wait for one connection.
#[derive(Default)]
pub(super) struct Waiters {
    count: AtomicU32,
    bytes: AtomicU64,
}

impl Waiters {
    /// How many they are.
    pub(super) fn count(&self) -> u32 {
        self.count.load(Ordering::Acquire)
    }

    /// The bytes of their bodies.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Acquire)
    }
}

/// One of them, until it has come for its place or has gone.
pub(super) struct Waiting {
    all: Arc<Waiters>,
    body: u64,
}

impl Waiting {
    /// One more, with so long a body.
    pub(super) fn new(all: &Arc<Waiters>, body: usize) -> Self {
        let (all, body) = (Arc::clone(all), body as u64);
        all.count.fetch_add(1, Ordering::AcqRel);
        all.bytes.fetch_add(body, Ordering::AcqRel);
        Self { all, body }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.all.count.fetch_sub(1, Ordering::AcqRel);
        self.all.bytes.fetch_sub(self.body, Ordering::AcqRel);
    }
}
