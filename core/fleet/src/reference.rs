//! Which account made each response and its items, and for which key: what continues it comes from that key, and must go
//! to that account and to no other.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use jiff::Timestamp;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use sluice_api::error::{Error, Kind};
use sluice_api::store::{Remembered, Store};
use sluice_wire::request::session::Reference;
use xxhash_rust::xxh3::xxh3_128_with_seed;

/// What these are called in the store.
const KIND: &str = "reference";

/// Names in each of the two halves that are kept in memory: some 30 bytes each and 350 at most for whose it is, which all
/// names of one response share: 30 MB for all. Beyond it the store is asked.
const HALF: usize = 40_000;

/// Names that wait to be written to the store; beyond it new ones are in memory alone. No more than memory is sure to
/// have: one that was in neither place would be anybody's.
const PENDING_MAX: usize = HALF;

/// Items that one request may claim: of more, which nobody is known to have made, others are claimed by the next one.
const CLAIMS_MAX: usize = 64;

/// Clients that are remembered of one name. More than one have it only where an upstream gives a name twice.
const MAKERS_MAX: usize = 8;

/// Responses, their items and conversations, and whose they are.
#[derive(Debug, Default)]
pub struct References {
    known: Mutex<Known>,
    pending: Mutex<Vec<(String, Arc<Made>)>>,
    /// How many have found no room to wait in, and will be in no store.
    dropped: AtomicU64,
    /// Held while pending ones are written, so that whoever wrote last knows that all are.
    writing: tokio::sync::Mutex<()>,
}

impl Made {
    fn is_anothers(&self, key: &Arc<str>) -> bool {
        self.by.iter().any(|maker| maker.key != *key)
    }

    /// With one more maker: an upstream that gives a name twice takes it from nobody.
    fn also(&self, by: &Maker, until: Timestamp) -> Self {
        let mut all: Vec<Maker> = self.by.iter().filter(|maker| maker.key != by.key).cloned().collect();
        if all.len() >= MAKERS_MAX {
            all.remove(0);
        }
        all.push(by.clone());
        Self { by: all, until }
    }
}

/// What a name is known by in memory, however long it is.
type Digest = [u8; 16];

/// Drawn anew in each process: clients choose names, and none may be made to meet another's.
static SEED: LazyLock<u64> = LazyLock::new(|| RandomState::new().hash_one(()));

fn digest(name: &str) -> Digest {
    xxh3_128_with_seed(name.as_bytes(), *SEED).to_le_bytes()
}

/// What is in memory: the newer half, and the older one, which goes when the newer one is full.
#[derive(Debug, Default)]
struct Known {
    newer: HashMap<Digest, Arc<Made>>,
    older: HashMap<Digest, Arc<Made>>,
    /// Names that requests under way have claimed: for which key, and how many of its requests.
    claimed: HashMap<String, (Arc<str>, u32)>,
}

/// Whose a name is, as one key's request has it.
#[derive(Debug, PartialEq, Eq)]
enum Whose {
    /// This key's, from an account.
    Own(Arc<str>),
    /// Nobody's until now; this key's while the request runs.
    Claimed,
    /// Nobody's, and it was not to be claimed.
    Nobodys,
    /// Another key's.
    Others,
}

/// What is known of names, whatever leaves the memory meanwhile.
type Kept = HashMap<Digest, Arc<Made>>;

/// When a name is asked for, and whether it is claimed where it is nobody's.
#[derive(Clone, Copy)]
struct Moment {
    now: Timestamp,
    claims: bool,
}

/// By whom something was made, and how long that is remembered.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Made {
    by: Vec<Maker>,
    until: Timestamp,
}

/// For which client key, and by which account.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Maker {
    /// The id of the client key.
    pub key: Arc<str>,
    /// The account.
    pub account: Arc<str>,
}

/// What a request refers to, and what comes of that.
#[derive(Debug, Default)]
pub struct Continued {
    /// The names that are the key's, with the account that serves it, from then on.
    pub names: Vec<String>,
    /// The account that it is bound to.
    pub account: Option<Arc<str>>,
    /// Names of which nobody was known to have made them.
    claims: Vec<Claim>,
}

/// A name that is one key's while its requests run, though nobody is known to have made it: whose first request is
/// served has it from then on, and until then nobody else comes between. It ends when this is dropped.
#[derive(Debug)]
struct Claim {
    references: Arc<References>,
    name: String,
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.references.release(&self.name);
    }
}

impl Continued {
    /// Whether a name that nobody is known to have made may become the key's. That a request was served says nothing of
    /// an item that its upstream may have done without.
    fn may_claim(&self, reference: &Reference) -> bool {
        match reference {
            Reference::Response(_) | Reference::Conversation(_) => true,
            Reference::Item(_) => self.claims.len() < CLAIMS_MAX,
            Reference::Part(_) => false,
        }
    }
}

/// In OpenAI's words, and what to do.
fn unknown(reference: &Reference) -> Error {
    match reference {
        Reference::Response(name) => {
            let message =
                format!("Previous response with id '{name}' not found. Send the whole conversation instead.");
            Error::new(Kind::ResponseNotFound, message).param("previous_response_id")
        }
        Reference::Conversation(name) => {
            let message =
                format!("Conversation with id '{name}' not found. Send the whole conversation instead.");
            Error::new(Kind::ConversationNotFound, message)
        }
        Reference::Item(name) | Reference::Part(name) => {
            // Clients know by the middle of it that they may send the items themselves.
            let message = format!(
                "Item with id '{name}' not found. Items are not persisted when `store` is set to false. Send all of the item instead of its id, or remove it from your input."
            );
            Error::new(Kind::ItemNotFound, message).param("input")
        }
    }
}

impl Known {
    fn insert(&mut self, name: Digest, made: Arc<Made>) {
        if self.newer.len() >= HALF {
            self.older = std::mem::take(&mut self.newer);
        }
        self.newer.insert(name, made);
    }

    fn get(&self, name: &Digest) -> Option<&Arc<Made>> {
        self.newer.get(name).or_else(|| self.older.get(name))
    }
}

impl References {
    /// What a request of a key continues, with the account that it is bound to by that.
    ///
    /// # Errors
    ///
    /// What upstream says of a name that it does not know, where the name is another key's; 503 when the store, which
    /// alone may know it, is out of reach.
    pub async fn continued(
        self: &Arc<Self>,
        key: &Arc<str>,
        names: Vec<Reference>,
        store: &dyn Store,
        now: Timestamp,
    ) -> Result<Continued, Error> {
        let mut continued = Continued::default();
        let kept = self.recall(&names, store).await?;
        for reference in names {
            let name = reference.name();
            let moment = Moment { now, claims: continued.may_claim(&reference) };
            match self.take(name, key, kept.get(&digest(name)), moment) {
                Whose::Own(account) => {
                    continued.account = continued.account.or(Some(account));
                    // An item is remembered from when it was made: that many take no room anew with each turn.
                    if matches!(reference, Reference::Response(_) | Reference::Conversation(_)) {
                        continued.names.push(name.to_owned());
                    }
                }
                Whose::Claimed => {
                    continued.names.push(name.to_owned());
                    continued.claims.push(Claim { references: Arc::clone(self), name: name.to_owned() });
                }
                Whose::Nobodys => {}
                Whose::Others => return Err(unknown(&reference)),
            }
        }
        Ok(continued)
    }

    /// An account made these for a key in one response, or served it in a conversation.
    pub fn bind<'a>(&self, names: impl Iterator<Item = &'a str>, by: Maker, now: Timestamp, ttl: Duration) {
        let until = now.saturating_add(ttl).unwrap_or(Timestamp::MAX);
        let alone = Arc::new(Made { by: vec![by.clone()], until });
        let mut bound = Vec::new();
        let mut known = self.known.lock();
        for name in names {
            let digest = digest(name);
            let before = known.get(&digest).filter(|made| now < made.until && made.is_anothers(&by.key));
            let made = before.map_or_else(|| Arc::clone(&alone), |before| Arc::new(before.also(&by, until)));
            known.insert(digest, Arc::clone(&made));
            bound.push((name.to_owned(), made));
        }
        drop(known);
        let mut pending = self.pending.lock();
        let room = PENDING_MAX.saturating_sub(pending.len());
        self.drop_some(bound.len().saturating_sub(room));
        pending.extend(bound.into_iter().take(room));
    }

    fn drop_some(&self, count: usize) {
        self.dropped.fetch_add(count as u64, Ordering::Relaxed);
    }

    /// What is known of names; the store is asked once for all that are not in memory.
    async fn recall(&self, names: &[Reference], store: &dyn Store) -> Result<Kept, Error> {
        let (mut kept, mut strange) = (Kept::default(), Vec::new());
        {
            let known = self.known.lock();
            for name in names.iter().map(Reference::name) {
                let digest = digest(name);
                match known.get(&digest) {
                    Some(made) => drop(kept.insert(digest, Arc::clone(made))),
                    None => strange.push(name.to_owned()),
                }
            }
        }
        strange.sort_unstable();
        strange.dedup();
        if strange.is_empty() {
            return Ok(kept);
        }
        let texts = store.recall_all(KIND, strange.clone()).await.map_err(Error::from)?;
        let read = |text: Option<String>| serde_json::from_str::<Made>(&text?).ok().map(Arc::new);
        let found = strange.iter().zip(texts).filter_map(|(name, text)| Some((digest(name), read(text)?)));
        kept.extend(found);
        Ok(kept)
    }

    /// Whose a name is. One that nobody is known to have made is claimed for the key in the same step, where it is to be,
    /// so that of two keys that come at once the first one has it.
    fn take(
        &self,
        name: &str,
        key: &Arc<str>,
        kept: Option<&Arc<Made>>,
        Moment { now, claims }: Moment,
    ) -> Whose {
        let mut known = self.known.lock();
        let digest = digest(name);
        // What is bound from here on adds to it.
        if let Some(made) = kept.filter(|made| now < made.until && known.get(&digest).is_none()) {
            known.insert(digest, Arc::clone(made));
        }
        if let Some(made) = known.get(&digest).filter(|made| now < made.until) {
            let own = made.by.iter().find(|maker| maker.key == *key);
            return own.map_or(Whose::Others, |maker| Whose::Own(Arc::clone(&maker.account)));
        }
        if known.claimed.get(name).is_some_and(|(by, _)| by != key) {
            return Whose::Others;
        }
        if !claims {
            return Whose::Nobodys;
        }
        let (_, requests) = known.claimed.entry(name.to_owned()).or_insert_with(|| (Arc::clone(key), 0));
        *requests += 1;
        Whose::Claimed
    }

    /// A request that has claimed a name has ended.
    fn release(&self, name: &str) {
        let mut known = self.known.lock();
        if let Some((_, requests)) = known.claimed.get_mut(name) {
            *requests -= 1;
            if *requests == 0 {
                known.claimed.remove(name);
            }
        }
    }

    /// Writes what is pending to the store, so that a restart forgets nothing; how many there were. What can't be
    /// written is tried again.
    pub async fn keep(&self, store: &dyn Store) -> usize {
        let _writing = self.writing.lock().await;
        let pending = std::mem::take(&mut *self.pending.lock());
        if pending.is_empty() {
            return 0;
        }
        let values = pending.iter().filter_map(|(name, made)| {
            let value = serde_json::to_string(&**made).ok()?;
            Some(Remembered::new(name.clone(), value, made.until))
        });
        if let Err(error) = store.remember(KIND, values.collect()).await {
            tracing::warn!(%error, "which account made some responses could not be kept: trying again");
            self.put_back(pending);
            return 0;
        }
        let dropped = self.dropped.swap(0, Ordering::Relaxed);
        if dropped > 0 {
            tracing::warn!(
                dropped,
                "responses and items were made faster than the store took which account made them: what continues those goes to any account after a restart"
            );
        }
        pending.len()
    }

    /// What could not be written waits on, as far as there is room beside what has come meanwhile.
    fn put_back(&self, unwritten: Vec<(String, Arc<Made>)>) {
        let mut pending = self.pending.lock();
        let room = PENDING_MAX.saturating_sub(pending.len());
        self.drop_some(unwritten.len().saturating_sub(room));
        pending.extend(unwritten.into_iter().take(room));
    }
}

#[cfg(test)]
mod tests;
