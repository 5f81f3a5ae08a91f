//! What other gateways have changed in the store that they share is taken into force here, too.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sluice_api::store::{Store, StoreError};
use tokio::time::MissedTickBehavior;

use crate::control::{Control, Current};
use crate::groups::made as groups;
use crate::made::{self, KeyState, Made, MadeKeys};
use crate::overrides;
use crate::seen::Seen;
use crate::tell::Hearing;

/// How often the store is asked: what another gateway changes is in force within a second.
const FOLLOW_EVERY: Duration = Duration::from_millis(500);

/// How long a gateway goes on with what it knows while it can't know what others change: so long others may take to hear
/// of it at any time.
const BEHIND_MAX: Duration = Duration::from_secs(1);

/// How many of those between two times that all is read, whether it has changed or not: a store that has lost what it
/// wrote last counts on from before.
const ANEW_EVERY: u32 = 120;

/// How often it is read before it is taken as it was read last, though others go on changing it: the rest comes next.
const ROUNDS: usize = 3;

/// Keys that are looked at before others have a turn on the worker.
const AT_ONCE: usize = 64;

/// Follows what other gateways do.
pub(crate) struct Following {
    control: Arc<Control>,
    hearing: Hearing,
    turns: u32,
    /// Whether the store could not be asked the last time.
    away: bool,
    /// When it had been asked last, before that: all that others had changed by then is in force.
    followed: Instant,
}

/// What the store keeps of keys, groups and accounts.
struct Documents {
    keys: Vec<(String, String)>,
    groups: Vec<(String, String)>,
    accounts: Vec<(String, String)>,
}

/// What comes of a key.
enum Change {
    /// It is this from now on.
    Is(Made),
    /// It was deleted.
    Gone(Made),
}

impl Following {
    /// What was read at the start is followed from now on.
    pub(crate) fn new(control: Arc<Control>, now: Instant) -> Self {
        Self { control, hearing: Hearing::default(), turns: 0, away: false, followed: now }
    }

    /// Runs until the process ends, where others have the store open too.
    pub(crate) async fn run(mut self) {
        if !self.control.gateway().store().is_shared() {
            return;
        }
        let mut tick = tokio::time::interval(FOLLOW_EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            let gateway = Arc::clone(self.control.gateway());
            let mut turn = std::pin::pin!(self.turn(Instant::now));
            // A turn that hangs is no better than one that fails.
            tokio::select! {
                () = &mut turn => continue,
                () = tokio::time::sleep(BEHIND_MAX) => gateway.loses_store(),
            }
            turn.await;
        }
    }

    pub(crate) async fn turn(&mut self, now: impl Fn() -> Instant) {
        let begun = now();
        let followed = self.follow(self.turns.is_multiple_of(ANEW_EVERY)).await;
        match (&followed, self.away) {
            (Err(error), false) => {
                let alone = self.control.gateway().store().serves_alone().is_some();
                let what = if alone { "those of keys in hard mode" } else { "requests" };
                tracing::error!(%error, "what other gateways change is not seen: after a second of it {what} are refused until it is");
            }
            (Ok(()), true) => tracing::info!("what other gateways have changed meanwhile is in force"),
            _ => {}
        }
        self.away = followed.is_err();
        if !self.away {
            self.followed = begun;
            self.control.gateway().finds_store();
        } else if now().saturating_duration_since(self.followed) >= BEHIND_MAX {
            self.control.gateway().loses_store();
        }
        self.turns = self.turns.wrapping_add(1);
    }

    async fn follow(&mut self, anew: bool) -> Result<(), StoreError> {
        let mut current = self.control.current().await;
        if anew {
            current.seen = Seen::default();
        }
        let caught_up = self.control.catch_up(&mut current).await;
        drop(current);
        caught_up.and(self.hearing.turn(self.control.gateway(), anew).await)
    }
}

impl Documents {
    async fn read(store: &dyn Store) -> Result<Self, StoreError> {
        Ok(Self {
            keys: store.list(made::KIND).await?,
            groups: store.list(groups::KIND).await?,
            accounts: store.list(overrides::KIND).await?,
        })
    }
}

impl Control {
    /// Takes into force what other gateways have changed by now. Whoever holds `current` has put what this gateway
    /// changes into the store before, so that nothing that is read here is older than what is in force.
    ///
    /// # Errors
    ///
    /// When the store can't be read: all stays as it is.
    pub(crate) async fn catch_up(&self, current: &mut Current) -> Result<(), StoreError> {
        let store = &**self.gateway().store();
        if !store.is_shared() {
            return Ok(());
        }
        let mut seen = Seen::now(store).await?;
        if seen == current.seen {
            return Ok(());
        }
        let mut documents = Documents::read(store).await?;
        for _ in 1..ROUNDS {
            // A group and its first key may have been made between two lists: one of them is nothing without the other.
            let now = Seen::now(store).await?;
            if now == seen {
                break;
            }
            seen = now;
            documents = Documents::read(store).await?;
        }
        self.take_documents(documents, current).await;
        current.seen = seen;
        Ok(())
    }

    async fn take_documents(&self, documents: Documents, current: &mut Current) {
        let (bound, regrouped) = groups_of(documents.groups, self.made_groups(), current);
        current.groups = groups::in_force(&current.config, &bound);
        self.made_groups().commit(bound);
        let changes = changes(documents.keys, self.keys(), &regrouped, current).await;
        changes.into_iter().for_each(|change| self.take_change(change));
        if let Err(error) = self.take_overrides(overrides::read(documents.accounts), current) {
            tracing::error!(%error, "what operators changed of accounts on other gateways could not be taken into force");
        }
    }

    fn take_change(&self, change: Change) {
        let table = &self.gateway().snapshot().keys;
        match change {
            Change::Is(made) => {
                if let Some(key) = made.in_force() {
                    let models = key.models.exact_names().map(ToOwned::to_owned);
                    self.gateway().records().measures().know_also(models);
                }
                self.keys().put(made, table);
            }
            Change::Gone(made) => {
                let id = made.stored.id.clone();
                self.keys().put(made.with_state(KeyState::Deleted), table);
                self.keys().remove(&id);
            }
        }
    }
}

/// The groups of these documents, and the names of those that are not what they were.
fn groups_of(
    documents: Vec<(String, String)>,
    before: &groups::MadeGroups,
    current: &Current,
) -> (groups::Bound, BTreeSet<String>) {
    let mut bound = groups::Bound::new();
    let mut changed: BTreeSet<String> =
        before.all().iter().map(|made| made.stored.name().to_owned()).collect();
    for (name, text) in documents {
        let known = before.by_name(&name);
        let made = match (serde_json::from_str::<groups::Stored>(&text), known) {
            (Ok(stored), Some(known)) if *known.stored == stored => {
                changed.remove(&name);
                known
            }
            (Ok(stored), _) => {
                changed.insert(name.clone());
                let state = groups::standing(&stored, &current.config);
                groups::Made { stored: Arc::new(stored), state }
            }
            (Err(error), known) => {
                tracing::error!(group = %name, %error, "a group in the store can't be read");
                changed.remove(&name);
                let Some(known) = known else { continue };
                known
            }
        };
        bound.insert(name, made);
    }
    (bound, changed)
}

/// What comes of the keys by these documents: of those that are not what they were, and of those in groups that are not.
async fn changes(
    documents: Vec<(String, String)>,
    keys: &MadeKeys,
    regrouped: &BTreeSet<String>,
    current: &Current,
) -> Vec<Change> {
    let mut changes = Vec::new();
    let mut gone: BTreeSet<String> = keys.all().into_iter().map(|made| made.stored.id.clone()).collect();
    for (at, (id, text)) in documents.into_iter().enumerate() {
        if at % AT_ONCE == AT_ONCE - 1 {
            tokio::task::yield_now().await;
        }
        gone.remove(&id);
        let stored = match serde_json::from_str::<made::Stored>(&text) {
            Ok(stored) if stored.id == id => stored,
            Ok(_) => continue,
            Err(error) => {
                tracing::error!(key = %id, %error, "a key in the store can't be read: it stays as it is");
                continue;
            }
        };
        let known = keys.by_id(&id).filter(|known| *known.stored == stored);
        let is_regrouped = stored.group().is_some_and(|group| regrouped.contains(group));
        match known.map(|known| known.state) {
            // What was deleted here and could not be in the store stays out, until somebody makes something else of it.
            Some(KeyState::Deleted) => {}
            Some(_) if !is_regrouped => {}
            _ => {
                let state = made::standing(&stored, &current.config, &current.groups);
                changes.push(Change::Is(Made { stored: Arc::new(stored), state }));
            }
        }
    }
    changes.extend(gone.iter().filter_map(|id| keys.by_id(id)).map(Change::Gone));
    changes
}

#[cfg(test)]
mod tests;
