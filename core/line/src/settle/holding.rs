//! What a request holds of limits.

use std::time::Instant;

use sluice_limits::Held;

/// What is held, of whom.
#[derive(Debug, Default)]
pub(super) struct Holding {
    /// Of the key and its group; nothing before it is admitted.
    pub(super) own: Option<Held>,
    /// Of the account.
    pub(super) account: Held,
    pub(super) landed: Option<Instant>,
}

impl Holding {
    /// The attempt on the account is over: it never was, as far as its limits count.
    pub(super) fn leaves_account(&mut self) {
        self.account = Held::default();
    }
}
