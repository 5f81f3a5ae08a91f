//! What failures know a connection by.

use std::sync::atomic::{AtomicU64, Ordering};

use sluice_api::error::Connection;

/// The next connection's number.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// A new connection's name.
pub(super) fn next() -> Connection {
    Connection(NEXT.fetch_add(1, Ordering::Relaxed))
}
