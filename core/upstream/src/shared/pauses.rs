//! How often, and how soon, a request that was not taken is put on a fresh connection.

use std::time::{Duration, Instant};

/// What goes by before each fresh connection: the first of them usually takes it, and a server that restarts needs a
/// moment.
const PAUSES: [Duration; 3] = [Duration::ZERO, Duration::from_millis(50), Duration::from_millis(200)];

/// The pauses of one request.
pub(super) struct Pauses(std::slice::Iter<'static, Duration>);

impl Pauses {
    /// Before any fresh connection.
    pub(super) fn new() -> Self {
        Self(PAUSES.iter())
    }

    /// The next pause; then it is told since when a connection is fresh. `None` where enough was tried.
    pub(super) async fn next(&mut self) -> Option<Instant> {
        let pause = *self.0.next()?;
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
        Some(Instant::now())
    }
}
