//! What failures know a connection by.

use std::sync::atomic::{AtomicU64, Ordering};

use sluice_api::Timestamp;
use sluice_api::error::Connection;

/// The next connection's number.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// A connection that is opened now.
pub(super) fn now() -> Connection {
    Connection { id: NEXT.fetch_add(1, Ordering::Relaxed), opened: Timestamp::now() }
}
