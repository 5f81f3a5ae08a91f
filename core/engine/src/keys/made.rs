//! What is kept of the keys made at run time, and whether each is in force.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sluice_api::store::{Store, StoreError};
use sluice_api::{Problem, Timestamp};

use crate::config::{self, KeyConfig, Resolved};
use crate::key::{Group, Key, KeyHash};

/// What documents of keys are called in the store.
pub(super) const KIND: &str = "key";

/// A key as the store keeps it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Stored {
    pub(super) id: String,
    pub(super) hash: String,
    pub(super) created: Timestamp,
    pub(super) rotated: Option<Timestamp>,
    pub(super) fields: Map<String, Value>,
}

impl Stored {
    pub(super) fn name(&self) -> &str {
        self.fields.get("name").and_then(Value::as_str).unwrap_or_default()
    }
}

/// Whether a key is in force.
#[derive(Clone, Debug)]
pub(super) enum Standing {
    /// Requests are served with it.
    InForce(Arc<Key>),
    /// It does not fit the configuration: why, as a sentence.
    Out(String),
}

/// A key as it is kept and as it stands.
#[derive(Clone, Debug)]
pub(super) struct Made {
    pub(super) stored: Arc<Stored>,
    pub(super) standing: Standing,
}

/// Every key made at run time, as some configuration has it, by id. Nothing is changed until it is committed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bound(BTreeMap<String, Made>);

/// The keys made at run time.
#[derive(Debug)]
pub struct MadeKeys {
    pub(super) store: Arc<dyn Store>,
    /// Held over a change of the store and of what is bound, so that both agree; taken before the configuration's lock.
    writing: tokio::sync::Mutex<()>,
    bound: Mutex<Bound>,
}

impl MadeKeys {
    /// Reads the store. A key that does not fit must neither stop the gateway nor work: it stays, out of force.
    pub(crate) async fn load(store: &Arc<dyn Store>, config: &Resolved) -> Result<Self, StoreError> {
        let mut bound = Bound::default();
        for (id, text) in store.list(KIND).await? {
            let stored: Stored = serde_json::from_str(&text)
                .map_err(|error| StoreError(format!("the key {id} in the store can't be read: {error}")))?;
            let standing = match fit(&stored, config) {
                Ok(key) => Standing::InForce(Arc::new(key)),
                Err(unfit) => {
                    let why = unfit.sentence();
                    tracing::error!(key = %id, why, "a key in the store does not fit the configuration: it is not in force");
                    Standing::Out(why)
                }
            };
            bound.0.insert(id, Made { stored: Arc::new(stored), standing });
        }
        Ok(Self {
            store: Arc::clone(store),
            writing: tokio::sync::Mutex::default(),
            bound: Mutex::new(bound),
        })
    }

    /// Keeps everyone else from changing keys. Taken before the configuration's lock: the other way round, a reload
    /// and the making of a key would wait for each other.
    pub(crate) async fn writing(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.writing.lock().await
    }

    /// Every key in force.
    pub(crate) fn all(&self) -> Vec<Arc<Key>> {
        self.bound.lock().in_force()
    }

    /// The keys against a new configuration. None that is in force may lose what it names, or its name or secret to a
    /// key of a file; one that is not is looked at afresh.
    pub(crate) fn bind(&self, config: &Resolved) -> Result<Bound, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut fresh = Bound::default();
        for (id, made) in &self.bound.lock().0 {
            let standing = match (fit(&made.stored, config), &made.standing) {
                (Ok(key), _) => Standing::InForce(Arc::new(key)),
                (Err(unfit), Standing::Out(_)) => Standing::Out(unfit.sentence()),
                (Err(unfit), Standing::InForce(_)) => {
                    problems.push(unfit.refusal(&made.stored));
                    continue;
                }
            };
            fresh.0.insert(id.clone(), Made { stored: Arc::clone(&made.stored), standing });
        }
        if problems.is_empty() { Ok(fresh) } else { Err(problems) }
    }

    /// Takes keys into force that [`MadeKeys::bind`] or a change has made.
    pub(crate) fn commit(&self, bound: Bound) {
        *self.bound.lock() = bound;
    }

    /// The keys as they stand, to look at or to change and commit.
    pub(super) fn bound(&self) -> Bound {
        self.bound.lock().clone()
    }
}

impl Bound {
    /// Those in force.
    pub(crate) fn in_force(&self) -> Vec<Arc<Key>> {
        let keys = self.0.values().filter_map(|made| match &made.standing {
            Standing::InForce(key) => Some(Arc::clone(key)),
            Standing::Out(_) => None,
        });
        keys.collect()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Made> {
        self.0.values()
    }

    pub(super) fn get(&self, id: &str) -> Option<&Made> {
        self.0.get(id)
    }

    pub(super) fn with(mut self, made: Made) -> Self {
        self.0.insert(made.stored.id.clone(), made);
        self
    }

    pub(super) fn without(mut self, id: &str) -> Self {
        self.0.remove(id);
        self
    }
}

/// Why a key does not fit a configuration.
#[derive(Debug)]
pub(super) enum Unfit {
    /// Its own fields are wrong in it.
    Fields(Vec<Problem>),
    /// A key of a file has its name or its secret.
    Taken(Box<Problem>),
}

impl Unfit {
    /// What is wrong, as whoever made the key is told it.
    pub(super) fn problems(self) -> Vec<Problem> {
        match self {
            Self::Fields(problems) => problems,
            Self::Taken(problem) => vec![*problem],
        }
    }

    fn sentence(&self) -> String {
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
            Self::Taken(problem) => Problem { message, ..*problem },
            Self::Fields(_) => Problem::at("store", format!("keys.{}", stored.id), message),
        }
    }
}

/// The key that a document makes in a configuration.
pub(super) fn fit(stored: &Stored, config: &Resolved) -> Result<Key, Unfit> {
    let Some(hash) = KeyHash::parse(&stored.hash) else {
        return Err(Unfit::Fields(vec![Problem::at("store", "hash", "its hash can't be read")]));
    };
    let settings = config::check_key_fields(&stored.fields, config).map_err(Unfit::Fields)?;
    if let Some(other) = config.keys.iter().find(|other| other.name == settings.name) {
        return Err(taken(other, "name", "has this name"));
    }
    if let Some(other) = config.keys.iter().find(|other| other.hash == Some(hash)) {
        return Err(taken(other, "key", "has this secret"));
    }
    let groups = config.groups.iter().map(Group::from_config);
    let groups = groups.map(|group| (group.name.to_string(), Arc::new(group))).collect();
    Ok(Key::made(&stored.id, hash, settings, &groups))
}

fn taken(other: &KeyConfig, field: &str, what: &str) -> Unfit {
    let message = format!("the key `{}` of {} {what} too", other.name, other.file);
    let path = format!("keys.{}.{field}", other.name);
    Unfit::Taken(Box::new(Problem::at(other.file.clone(), path, message)))
}
