//! How far documents of the store are in force here that other gateways write too.

use sluice_api::store::{Store, StoreError};

use crate::groups::made as groups;
use crate::{made, overrides};

/// What other gateways change, too.
const KINDS: [&str; 3] = [made::KIND, groups::KIND, overrides::KIND];

/// How often documents of each kind had been written when they were read; nothing is known at the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen([Option<u64>; KINDS.len()]);

impl Seen {
    /// How often they have been written by now.
    pub(crate) async fn now(store: &dyn Store) -> Result<Self, StoreError> {
        let mut seen = Self::default();
        for (kind, count) in KINDS.into_iter().zip(&mut seen.0) {
            *count = store.revision(kind).await?;
        }
        Ok(seen)
    }

    /// This gateway has written one document of a kind, or deleted it. Where that is all that happened since, it has
    /// nothing to read again; where it can't be known, it reads.
    pub(crate) async fn wrote(&mut self, kind: &str, store: &dyn Store) {
        let place = KINDS.into_iter().zip(&mut self.0).find(|(one, _)| *one == kind);
        let Some((_, Some(count))) = place else { return };
        if let Ok(Some(now)) = store.revision(kind).await
            && count.checked_add(1) == Some(now)
        {
            *count = now;
        }
    }
}
