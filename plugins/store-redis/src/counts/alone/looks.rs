//! Looks now and then at all counts that a gateway may need alone: of most others have used something, too.

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use sluice_api::limiter::{Bucket, Take, Window};
use sluice_api::store::StoreError;

use crate::counts::{LOOKED_AT_ONCE, Own};

/// How often all of them are looked at.
const LOOK: Duration = Duration::from_secs(10);

/// Counts that are looked at, each by a take of it.
#[derive(Debug, Default)]
pub(super) struct Known(Mutex<HashMap<(Bucket, Window), Take>>);

impl Known {
    pub(super) fn note(&self, take: &Take) {
        let mut known = self.0.lock();
        let count = (take.bucket.clone(), take.window);
        known.entry(count).or_insert_with(|| take.clone());
    }

    /// All of them but days, weeks and months that are over.
    fn all(&self, now: jiff::Timestamp) -> Vec<Take> {
        let mut known = self.0.lock();
        known.retain(|(_, window), _| !matches!(window, Window::Calendar { to, .. } if *to <= now));
        known.values().cloned().collect()
    }
}

/// Goes on for as long as the store is used.
pub(in crate::counts) async fn looks(own: Weak<Own>) {
    let mut tick = tokio::time::interval(LOOK);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    tick.tick().await;
    loop {
        tick.tick().await;
        let Some(own) = own.upgrade() else { return };
        let all = own.alone.known.all(own.alone.now());
        if let Err(error) = own.sees(&all).await {
            tracing::debug!(%error, "how full counts are could not be looked at");
        }
    }
}

impl Own {
    /// Looks how full these are, and looks at them again and again from now on.
    pub(in crate::counts) async fn sees_from_now(self: &Arc<Self>, takes: &[Take]) -> Result<(), StoreError> {
        if !self.alone.admits {
            return Ok(());
        }
        takes.iter().for_each(|take| self.alone.known.note(take));
        self.sees(takes).await
    }

    async fn sees(&self, takes: &[Take]) -> Result<(), StoreError> {
        for part in takes.chunks(LOOKED_AT_ONCE) {
            if self.alone.is_on() {
                return Ok(());
            }
            let now = self.alone.now();
            let levels = self.levels(part, now).await?;
            let told: Vec<_> = part.iter().cloned().zip(levels).collect();
            self.alone.mirror.sees(&told, now);
        }
        Ok(())
    }
}
