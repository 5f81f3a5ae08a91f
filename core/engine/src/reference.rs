//! Which account made each response: what continues it must go to that account, and to no other.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use sluice_api::store::{Remembered, Store};
use sluice_api::{Api, Error, Timestamp};
use sluice_wire::session;

use crate::ask::Ask;
use crate::gateway::Gateway;

/// What these are called in the store.
const KIND: &str = "reference";

/// Responses in each of the two halves that are kept in memory: about 200 bytes each. Beyond it the store is asked.
const HALF: usize = 25_000;

/// Responses that wait to be written to the store; beyond it new ones are in memory alone.
const PENDING_MAX: usize = 50_000;

/// Responses and their accounts.
#[derive(Debug, Default)]
pub(crate) struct References {
    known: Mutex<Known>,
    pending: Mutex<Vec<(String, Made)>>,
    /// Held while pending ones are written, so that whoever wrote last knows that all are.
    writing: tokio::sync::Mutex<()>,
}

/// What is in memory: the newer half, and the older one, which goes when the newer one is full.
#[derive(Debug, Default)]
struct Known {
    newer: HashMap<String, Made>,
    older: HashMap<String, Made>,
}

/// Which account made something, and how long that is remembered.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Made {
    account: Arc<str>,
    until: Timestamp,
}

/// What a request refers to.
pub(crate) fn named(body: &[u8], ask: &Ask) -> Vec<String> {
    if ask.route.api == Api::OpenaiResponses { session::references(body, &ask.peek) } else { Vec::new() }
}

/// The account that a request is bound to by what it refers to.
///
/// # Errors
///
/// 503 when the store, which alone may know it, is out of reach.
pub(crate) async fn bound(gateway: &Gateway, names: &[String]) -> Result<Option<Arc<str>>, Error> {
    for name in names {
        if let Some(account) = gateway.references().account(name, gateway.store(), gateway.now()).await? {
            return Ok(Some(account));
        }
    }
    Ok(None)
}

impl Known {
    fn insert(&mut self, name: &str, made: Made) {
        if self.newer.len() >= HALF {
            self.older = std::mem::take(&mut self.newer);
        }
        self.newer.insert(name.to_owned(), made);
    }

    fn get(&self, name: &str) -> Option<&Made> {
        self.newer.get(name).or_else(|| self.older.get(name))
    }
}

impl References {
    /// An account made a response.
    pub(crate) fn bind(&self, name: &str, account: &Arc<str>, now: Timestamp, ttl: Duration) {
        let until = now.saturating_add(ttl).unwrap_or(Timestamp::MAX);
        let made = Made { account: Arc::clone(account), until };
        self.known.lock().insert(name, made.clone());
        let mut pending = self.pending.lock();
        if pending.len() < PENDING_MAX {
            pending.push((name.to_owned(), made));
        }
    }

    /// The account that made a response.
    pub(crate) async fn account(
        &self,
        name: &str,
        store: &dyn Store,
        now: Timestamp,
    ) -> Result<Option<Arc<str>>, Error> {
        let known = self.known.lock().get(name).cloned();
        let made = match known {
            Some(made) => Some(made),
            None => {
                let text = store.recall(KIND, name).await.map_err(crate::vault::out_of_reach)?;
                text.and_then(|text| serde_json::from_str::<Made>(&text).ok())
            }
        };
        Ok(made.filter(|made| now < made.until).map(|made| made.account))
    }

    /// Writes what is pending to the store, so that a restart forgets nothing. What can't be written is tried again.
    pub(crate) async fn keep(&self, store: &dyn Store) {
        let _writing = self.writing.lock().await;
        let pending = std::mem::take(&mut *self.pending.lock());
        if pending.is_empty() {
            return;
        }
        let values = pending.iter().filter_map(|(name, made)| {
            let value = serde_json::to_string(made).ok()?;
            Some(Remembered { id: name.clone(), value, until: made.until })
        });
        if let Err(error) = store.remember(KIND, values.collect()).await {
            tracing::warn!(%error, "which account made some responses could not be kept: trying again");
            self.pending.lock().extend(pending);
        }
    }
}
