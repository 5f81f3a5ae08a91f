//! Which account a conversation is on: prompt caches live in accounts.

mod kept;
mod scope;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use parking_lot::Mutex;
use sluice_api::store::{Store, StoreError};

use crate::health::later;
use kept::{Kept, Shared, written_for};

pub use scope::Conversation;

/// Conversations that are remembered: about 100 bytes each. Beyond it those that have ended go, then any sixteenth.
const REMEMBERED_MAX: usize = 200_000;

/// For how long it holds where a conversation is, as it was bound here or the store told it: another gateway may have
/// bound it to another account since.
const HOLDS: Duration = Duration::from_secs(1);

/// The longest that a request waits for the store to tell where its conversation is. It is served without, too.
const ASKED_MAX: Duration = Duration::from_millis(250);

/// Conversations and their accounts, each until its time is over.
#[derive(Debug, Default)]
pub struct Sessions {
    hashes: RandomState,
    bindings: Mutex<Bindings>,
    /// Where other gateways learn of them, and tell of theirs.
    shared: Option<Shared>,
}

/// By what is a hash already.
type Bindings = HashMap<u64, Binding, foldhash::fast::RandomState>;

#[derive(Clone, Debug)]
struct Binding {
    account: Arc<str>,
    until: Timestamp,
    /// Until when nobody need be asked where it is.
    holds: Timestamp,
    /// From when on it is written again, where it goes on.
    written: Timestamp,
}

impl Sessions {
    /// Those of a gateway with this store: known to all that have it open, or to this one alone.
    pub(crate) fn of(store: &dyn Store) -> Self {
        Self { shared: store.is_shared().then(Shared::default), ..Self::default() }
    }

    /// Has in memory where conversations are, as the store tells it that gateways share. A store that does not answer
    /// keeps nobody from being served: what is known here holds then.
    pub async fn recall(
        &self,
        scopes: impl Iterator<Item = Conversation<'_>>,
        store: &dyn Store,
        now: Timestamp,
    ) {
        let Some(shared) = &self.shared else { return };
        let asked = async {
            for scope in scopes.filter(|scope| !self.holds(*scope, now)) {
                let told = shared.ask(scope, store).await?;
                self.take(scope, told, now);
            }
            Ok::<_, StoreError>(())
        };
        match tokio::time::timeout(ASKED_MAX, asked).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(%error, "where a session is on other gateways can't be known"),
            Err(_) => tracing::debug!("the store does not tell in time where a session is"),
        }
    }

    fn holds(&self, scope: Conversation<'_>, now: Timestamp) -> bool {
        let bindings = self.bindings.lock();
        bindings.get(&self.hashes.hash_one(scope)).is_some_and(|binding| now < binding.holds)
    }

    /// Takes what the store has told of a conversation.
    fn take(&self, scope: Conversation<'_>, told: Option<Kept>, now: Timestamp) {
        let name = self.hashes.hash_one(scope);
        let mut bindings = self.bindings.lock();
        let told = told.filter(|told| now < told.until);
        let known = bindings.get_mut(&name);
        match (known, told) {
            (Some(known), told) => {
                known.holds = later(now, HOLDS);
                match told {
                    Some(told) if told.account == known.account => known.until = known.until.max(told.until),
                    Some(told) => {
                        (known.account, known.until, known.written) = (told.account, told.until, now);
                    }
                    None => {}
                }
            }
            (None, Some(Kept { account, until })) => {
                let holds = later(now, HOLDS);
                insert(&mut bindings, name, Binding { account, until, holds, written: now }, now);
            }
            (None, None) => {}
        }
    }

    /// Writes for other gateways where conversations are, as far as they have not been told; how many it were.
    pub async fn keep(&self, store: &dyn Store) -> usize {
        match &self.shared {
            Some(shared) => shared.keep(store).await,
            None => 0,
        }
    }

    /// The account that a conversation is on.
    pub fn account(&self, scope: Conversation<'_>, now: Timestamp) -> Option<Arc<str>> {
        let name = self.hashes.hash_one(scope);
        let bindings = self.bindings.lock();
        let binding = bindings.get(&name)?;
        (now < binding.until).then(|| Arc::clone(&binding.account))
    }

    /// A conversation went to an account: it stays there for this long after its last request.
    pub fn bind(&self, scope: Conversation<'_>, account: &Arc<str>, now: Timestamp, ttl: Duration) {
        let name = self.hashes.hash_one(scope);
        let mut bindings = self.bindings.lock();
        let mut known = bindings.get_mut(&name);
        let same = known.as_deref().filter(|known| now < known.until && known.account == *account);
        let mut written = same.map_or(now, |known| known.written);
        if let Some(shared) = self.shared.as_ref().filter(|_| written <= now) {
            let again = written_for(ttl);
            // As long as it is not written again it may go on, and is no older there than here.
            let kept = Kept { account: Arc::clone(account), until: later(later(now, ttl), again) };
            if shared.tell(scope, kept) {
                written = later(now, again);
            }
        }
        let (until, holds) = (later(now, ttl), later(now, HOLDS));
        let binding = Binding { account: Arc::clone(account), until, holds, written };
        match &mut known {
            Some(known) => **known = binding,
            None => insert(&mut bindings, name, binding, now),
        }
    }

    /// Forgets conversations that have ended.
    pub fn sweep(&self, now: Timestamp) {
        let mut bindings = self.bindings.lock();
        bindings.retain(|_, binding| now < binding.until);
        if bindings.capacity() > 4 * bindings.len() + 64 {
            bindings.shrink_to_fit();
        }
    }
}

fn insert(bindings: &mut Bindings, name: u64, binding: Binding, now: Timestamp) {
    if bindings.len() >= REMEMBERED_MAX {
        make_room(bindings, now);
    }
    bindings.insert(name, binding);
}

fn make_room(bindings: &mut Bindings, now: Timestamp) {
    bindings.retain(|_, binding| now < binding.until);
    if bindings.len() >= REMEMBERED_MAX {
        let mut turn = 0_u8;
        bindings.retain(|_, _| {
            turn = turn.wrapping_add(1);
            !turn.is_multiple_of(16)
        });
    }
}
