//! One change at a time of what is kept in the store, over all gateways that have it open.

use std::ops::{Deref, DerefMut};
use std::time::Duration;

use sluice_api::store::StoreError;
use sluice_line::claim::{Claim, Terms};
use tokio::sync::MutexGuard;

use crate::control::{Control, Current};

/// What whoever changes something claims. Without it, of two changes of one key on two gateways the later one would undo
/// the earlier one, or bring back a key that was just deleted.
const CHANGES: &str = "changes";

/// A change is a few steps of the store. Who waits longer than this is told to try again.
const TERMS: Terms = Terms { length: Duration::from_secs(20), wait: Duration::from_secs(5) };

/// What is in force, as all gateways have it, while nobody else changes anything on any of them.
pub(crate) struct Changing<'a> {
    current: MutexGuard<'a, Current>,
    /// By which what is written in the store is only written while nobody else changes anything.
    pub(crate) claim: Claim,
}

impl Control {
    /// Waits until nobody else changes anything, on any gateway, and takes into force what others have changed by then.
    ///
    /// # Errors
    ///
    /// When the store that gateways share is out of reach, or others were changing something all the while.
    pub(crate) async fn changing(&self) -> Result<Changing<'_>, StoreError> {
        let gateway = self.gateway();
        let claim = Claim::take(gateway.store(), gateway.tasks(), CHANGES, TERMS).await?;
        let claim = claim.ok_or_else(|| {
            let wait = TERMS.wait.as_secs();
            StoreError(format!("others have been changing what it keeps for {wait} s: try again"))
        })?;
        let mut current = self.current().await;
        self.catch_up(&mut current).await?;
        Ok(Changing { current, claim })
    }

    /// Notes that this gateway has written or deleted one document of a kind.
    pub(crate) async fn wrote(&self, kind: &str, current: &mut Current) {
        current.seen.wrote(kind, &**self.gateway().store()).await;
    }
}

impl Changing<'_> {
    /// What is in force, and by which it is changed.
    pub(crate) fn parts(&mut self) -> (&mut Current, &Claim) {
        (&mut self.current, &self.claim)
    }
}

impl Deref for Changing<'_> {
    type Target = Current;

    fn deref(&self) -> &Current {
        &self.current
    }
}

impl DerefMut for Changing<'_> {
    fn deref_mut(&mut self) -> &mut Current {
        &mut self.current
    }
}
