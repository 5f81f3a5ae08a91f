//! What is kept of the keys made at run time, and whether each is in force.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jiff::Timestamp;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sluice_api::settings::Problem;
use sluice_api::store::{Store, StoreError};
use sluice_config::check;
use sluice_config::key::{Key, KeyConfig, KeyHash, KeyTable};
use sluice_config::resolved::Resolved;

use crate::groups::made::Groups;

/// What documents of keys are called in the store.
pub(crate) const KIND: &str = "key";

/// A key as the store keeps it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Stored {
    pub(crate) id: String,
    pub(crate) hash: String,
    pub(crate) created: Timestamp,
    pub(crate) rotated: Option<Timestamp>,
    pub(crate) fields: Map<String, Value>,
}

impl Stored {
    pub(crate) fn name(&self) -> &str {
        self.fields.get("name").and_then(Value::as_str).unwrap_or_default()
    }

    pub(crate) fn group(&self) -> Option<&str> {
        self.fields.get("group").and_then(Value::as_str)
    }
}

/// Whether a key is in force.
#[derive(Clone, Debug)]
pub(crate) enum KeyState {
    /// Requests are served with it.
    InForce(Arc<Key>),
    /// It does not fit the configuration: why, as a sentence.
    Out(String),
    /// It was deleted, and the store could not be told: it stays out until it is deleted again.
    Deleted,
}

/// A key as it is kept and as it stands.
#[derive(Clone, Debug)]
pub(crate) struct Made {
    pub(crate) stored: Arc<Stored>,
    pub(crate) state: KeyState,
}

/// Every key made at run time, as some configuration has it.
#[derive(Debug, Default)]
pub(crate) struct Bound {
    by_id: BTreeMap<String, Made>,
    /// Ids by name; of those without one, any.
    ids: HashMap<String, String>,
}

/// The keys made at run time.
#[derive(Debug)]
pub struct MadeKeys {
    bound: Mutex<Bound>,
}

impl MadeKeys {
    /// Reads the store. A key that does not fit must neither stop the gateway nor work: it stays, out of force.
    pub(crate) async fn load(
        store: &Arc<dyn Store>,
        config: &Resolved,
        groups: &Groups,
    ) -> Result<Self, StoreError> {
        let mut bound = Bound::default();
        for (id, text) in store.list(KIND).await? {
            let stored: Stored = serde_json::from_str(&text)
                .map_err(|error| StoreError(format!("the key {id} in the store can't be read: {error}")))?;
            let state = standing(&stored, config, groups);
            bound.put(Made { stored: Arc::new(stored), state });
        }
        Ok(Self { bound: Mutex::new(bound) })
    }

    /// Every key in force.
    pub(crate) fn in_force(&self) -> Vec<Arc<Key>> {
        self.bound.lock().in_force()
    }

    /// The keys against a new configuration and its groups. None that is in force may lose what it names, or its name or secret to a
    /// key of a file; one that is not is looked at afresh.
    pub(crate) fn bind(&self, config: &Resolved, groups: &Groups) -> Result<Bound, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut fresh = Bound::default();
        for made in self.bound.lock().by_id.values() {
            let state = match (fit(&made.stored, config, groups), &made.state) {
                (_, KeyState::Deleted) => KeyState::Deleted,
                (Ok(key), _) => KeyState::InForce(Arc::new(key)),
                (Err(unfit), KeyState::Out(_)) => KeyState::Out(unfit.sentence()),
                (Err(unfit), KeyState::InForce(_)) => {
                    problems.push(unfit.refusal(&made.stored));
                    continue;
                }
            };
            fresh.put(Made { stored: Arc::clone(&made.stored), state });
        }
        if problems.is_empty() { Ok(fresh) } else { Err(problems) }
    }

    /// Takes keys into force that [`MadeKeys::bind`] has made.
    pub(crate) fn commit(&self, bound: Bound) {
        *self.bound.lock() = bound;
    }

    /// The key with this id.
    pub(crate) fn by_id(&self, id: &str) -> Option<Made> {
        self.bound.lock().by_id.get(id).cloned()
    }

    /// The key of this name.
    pub(crate) fn by_name(&self, name: &str) -> Option<Made> {
        let bound = self.bound.lock();
        bound.by_id.get(bound.ids.get(name)?).cloned()
    }

    /// Those that name a group.
    pub(crate) fn of_group(&self, name: &str) -> Vec<Made> {
        let bound = self.bound.lock();
        let named = |made: &&Made| made.stored.group() == Some(name);
        bound.by_id.values().filter(named).cloned().collect()
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.bound.lock().by_id.len()
    }

    /// The id of each.
    pub(crate) fn ids(&self) -> Vec<Arc<str>> {
        self.bound.lock().by_id.keys().map(|id| id.as_str().into()).collect()
    }

    /// Every key, by id.
    pub(crate) fn all(&self) -> Vec<Made> {
        self.bound.lock().by_id.values().cloned().collect()
    }

    /// Puts a key in place of one with its id, and takes it into force, or the other one out of force.
    pub(crate) fn put(&self, made: Made, table: &KeyTable) {
        let before = self.bound.lock().put(made.clone());
        let hash = |made: &Made| made.in_force().map(|key| key.hash);
        if let Some(gone) = before.as_ref().and_then(hash).filter(|gone| Some(*gone) != hash(&made)) {
            table.remove(&gone);
        }
        if let Some(key) = made.in_force() {
            table.insert(key);
        }
    }

    /// Forgets a key that is in force no more.
    pub(crate) fn remove(&self, id: &str) {
        self.bound.lock().remove(id);
    }
}

impl Made {
    /// The key, where it is in force.
    pub(crate) fn in_force(&self) -> Option<&Arc<Key>> {
        match &self.state {
            KeyState::InForce(key) => Some(key),
            KeyState::Out(_) | KeyState::Deleted => None,
        }
    }

    /// The same in another state.
    pub(crate) fn with_state(&self, state: KeyState) -> Self {
        Self { stored: Arc::clone(&self.stored), state }
    }
}

impl Bound {
    /// Those in force.
    pub(crate) fn in_force(&self) -> Vec<Arc<Key>> {
        self.by_id.values().filter_map(Made::in_force).cloned().collect()
    }

    fn put(&mut self, made: Made) -> Option<Made> {
        let before = self.remove(&made.stored.id);
        self.ids.insert(made.stored.name().to_owned(), made.stored.id.clone());
        self.by_id.insert(made.stored.id.clone(), made);
        before
    }

    fn remove(&mut self, id: &str) -> Option<Made> {
        let gone = self.by_id.remove(id)?;
        let name = gone.stored.name();
        if self.ids.get(name).is_some_and(|of| of == id) {
            self.ids.remove(name);
        }
        Some(gone)
    }
}

/// Why a key does not fit a configuration.
#[derive(Debug)]
pub(crate) enum Unfit {
    /// Its own fields are wrong in it.
    Fields(Vec<Problem>),
    /// A key of a file has its name or its secret.
    Taken(Box<Problem>),
}

impl Unfit {
    /// What is wrong, as whoever made the key is told it.
    pub(crate) fn problems(self) -> Vec<Problem> {
        match self {
            Self::Fields(problems) => problems,
            Self::Taken(problem) => vec![*problem],
        }
    }

    pub(crate) fn sentence(&self) -> String {
        match self {
            Self::Taken(problem) => problem.message.clone(),
            Self::Fields(problems) => {
                let all: Vec<&str> = problems.iter().map(|problem| problem.message.as_str()).collect();
                all.join("; ")
            }
        }
    }

    /// What is wrong, as whoever reloads is told it.
    fn refusal(self, stored: &Stored) -> Problem {
        let message = format!(
            "the key `{}`, made at run time as {}, would no longer fit: {}; change or delete it first",
            stored.name(),
            stored.id,
            self.sentence()
        );
        match self {
            Self::Taken(mut problem) => {
                problem.message = message;
                *problem
            }
            Self::Fields(_) => Problem::at("store", format!("keys.{}", stored.id), message),
        }
    }
}

/// Whether a key of the store is in force in a configuration; one that does not fit is told of.
pub(crate) fn standing(stored: &Stored, config: &Resolved, groups: &Groups) -> KeyState {
    match fit(stored, config, groups) {
        Ok(key) => KeyState::InForce(Arc::new(key)),
        Err(unfit) => {
            let why = unfit.sentence();
            tracing::error!(key = %stored.id, why, "a key in the store does not fit the configuration: it is not in force");
            KeyState::Out(why)
        }
    }
}

/// The key that a document makes in a configuration.
pub(crate) fn fit(stored: &Stored, config: &Resolved, groups: &Groups) -> Result<Key, Unfit> {
    let Some(hash) = KeyHash::parse(&stored.hash) else {
        return Err(Unfit::Fields(vec![Problem::at("store", "hash", "its hash can't be read")]));
    };
    let fields = check::check_key_fields(&stored.fields, config, groups).map_err(Unfit::Fields)?;
    if let Some(other) = config.keys.iter().find(|other| other.fields.name == fields.name) {
        return Err(taken(other, "name", "has this name"));
    }
    if let Some(other) = config.keys.iter().find(|other| other.hash == Some(hash)) {
        return Err(taken(other, "key", "has this secret"));
    }
    Ok(Key::made(&stored.id, hash, fields, groups))
}

fn taken(other: &KeyConfig, field: &str, what: &str) -> Unfit {
    let message = format!("the key `{}` of {} {what} too", other.fields.name, other.file);
    let path = format!("keys.{}.{field}", other.fields.name);
    Unfit::Taken(Box::new(Problem::at(other.file.clone(), path, message)))
}
