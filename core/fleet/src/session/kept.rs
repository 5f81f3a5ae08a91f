//! Where conversations are, on its way to the store that gateways share, and back.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use sluice_api::store::{Remembered, Store, StoreError};

use super::scope::Conversation;

/// What these are called in the store.
const KIND: &str = "session";

/// Those that wait to be written; beyond it new ones are known here alone, until they are bound again.
const PENDING_MAX: usize = 40_000;

/// How long a conversation that goes on where it was is not written again: it is kept for so much longer each time, and so much
/// longer it may last on other gateways than it should.
const WRITE_EVERY: Duration = Duration::from_secs(1);

/// Parts of a conversation's time of which it is written again after one: those that soon end are written more often.
const WRITES: u32 = 4;

/// What a conversation is called in the store, whatever its client calls it: a part of a hash that nobody can aim.
type Name = [u8; 16];

/// A conversation's account, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Kept {
    pub(super) account: Arc<str>,
    pub(super) until: Timestamp,
}

/// What goes to the store.
#[derive(Debug, Default)]
pub(super) struct Shared {
    pending: Mutex<HashMap<Name, Kept>>,
    /// Held while pending ones are written, so that whoever wrote last knows that all are.
    writing: tokio::sync::Mutex<()>,
}

/// How long after it was written a conversation is written again that lives for so long.
pub(super) fn written_for(ttl: Duration) -> Duration {
    WRITE_EVERY.min(ttl / WRITES)
}

impl Shared {
    /// Has it written that a conversation is on an account; whether there was room for it.
    pub(super) fn tell(&self, scope: Conversation<'_>, kept: Kept) -> bool {
        let mut pending = self.pending.lock();
        let name = name(scope);
        if pending.len() >= PENDING_MAX && !pending.contains_key(&name) {
            return false;
        }
        pending.insert(name, kept);
        true
    }

    /// What the store has of a conversation; nothing where what is known here is on its way there.
    pub(super) async fn ask(
        &self,
        scope: Conversation<'_>,
        store: &dyn Store,
    ) -> Result<Option<Kept>, StoreError> {
        let name = name(scope);
        if self.pending.lock().contains_key(&name) {
            return Ok(None);
        }
        let text = store.recall(KIND, &hex(&name)).await?;
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
    }

    /// Writes what is pending; how many it were. What can't be written is tried again.
    pub(super) async fn keep(&self, store: &dyn Store) -> usize {
        let _writing = self.writing.lock().await;
        let pending = std::mem::take(&mut *self.pending.lock());
        if pending.is_empty() {
            return 0;
        }
        let values = pending.iter().filter_map(|(name, kept)| {
            Some(Remembered::new(hex(name), serde_json::to_string(kept).ok()?, kept.until))
        });
        if let Err(error) = store.remember(KIND, values.collect()).await {
            tracing::debug!(%error, "where some sessions are could not be told to other gateways: trying again");
            let mut now = self.pending.lock();
            for (name, kept) in pending {
                if now.len() >= PENDING_MAX {
                    break;
                }
                // What has come meanwhile is newer.
                now.entry(name).or_insert(kept);
            }
            return 0;
        }
        pending.len()
    }
}

fn name(Conversation { key, pool, session }: Conversation<'_>) -> Name {
    let mut hash = Sha256::new();
    for part in [key, pool, session] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let mut name = Name::default();
    name.iter_mut().zip(hash.finalize()).for_each(|(byte, of)| *byte = of);
    name
}

fn hex(name: &Name) -> String {
    format!("{:032x}", u128::from_be_bytes(*name))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::Timestamp;

    use super::{Conversation, Kept, PENDING_MAX, Shared, hex, name, written_for};

    #[test]
    fn a_name_is_the_same_everywhere_and_no_two_conversations_have_it() {
        let scope = Conversation { key: "k", pool: "p", session: "s" };
        assert_eq!(hex(&name(scope)).len(), 32);
        assert_eq!(hex(&name(scope)), "c0e2e77b0252bb1f81f39800e2a3932d");
        for other in [
            Conversation { key: "kp", pool: "", ..scope },
            Conversation { pool: "ps", session: "", ..scope },
            Conversation { key: "l", ..scope },
        ] {
            assert_ne!(name(scope), name(other));
        }
    }

    #[test]
    fn what_waits_to_be_written_is_bounded() {
        let shared = Shared::default();
        let kept = || Kept { account: "a".into(), until: Timestamp::MAX };
        let tell = |number: usize| {
            let session = number.to_string();
            shared.tell(Conversation { key: "k", pool: "p", session: &session }, kept())
        };
        assert!((0..PENDING_MAX).all(tell));
        assert!(!tell(PENDING_MAX) && tell(0), "one that waits already has its room");
    }

    #[test]
    fn what_goes_on_is_written_once_a_second_at_most() {
        for (ttl, every) in [(3_600, 1.0), (4, 1.0), (1, 0.25)] {
            assert_eq!(written_for(Duration::from_secs(ttl)), Duration::from_secs_f64(every));
        }
    }
}
