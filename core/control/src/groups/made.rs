//! What is kept of the groups made at run time, and whether each is in force.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jiff::Timestamp;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sluice_api::settings::Problem;
use sluice_api::store::{Store, StoreError};
use sluice_config::check;
use sluice_config::key::Group;
use sluice_config::resolved::Resolved;

/// What documents of groups are called in the store.
pub(crate) const KIND: &str = "group";

/// Groups in force, by name.
pub(crate) type Groups = HashMap<String, Arc<Group>>;

/// A group as the store keeps it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Stored {
    pub(crate) created: Timestamp,
    pub(crate) fields: Map<String, Value>,
}

impl Stored {
    pub(crate) fn name(&self) -> &str {
        self.fields.get("name").and_then(Value::as_str).unwrap_or_default()
    }
}

/// Whether a group is in force.
#[derive(Clone, Debug)]
pub(crate) enum GroupState {
    /// Keys may be in it.
    InForce(Arc<Group>),
    /// It does not fit the configuration: why, as a sentence.
    Out(String),
}

/// A group as it is kept and as it stands.
#[derive(Clone, Debug)]
pub(crate) struct Made {
    pub(crate) stored: Arc<Stored>,
    pub(crate) state: GroupState,
}

impl Made {
    /// The group, where it is in force.
    pub(crate) fn in_force(&self) -> Option<&Arc<Group>> {
        match &self.state {
            GroupState::InForce(group) => Some(group),
            GroupState::Out(_) => None,
        }
    }
}

/// Every group made at run time, as some configuration has it, by name.
pub(crate) type Bound = BTreeMap<String, Made>;

/// The groups made at run time.
#[derive(Debug, Default)]
pub(crate) struct MadeGroups(Mutex<Bound>);

impl MadeGroups {
    /// Reads the store. A group that does not fit must neither stop the gateway nor work: it stays, out of force.
    pub(crate) async fn load(store: &Arc<dyn Store>, config: &Resolved) -> Result<Self, StoreError> {
        let mut bound = Bound::new();
        for (name, text) in store.list(KIND).await? {
            let stored: Stored = serde_json::from_str(&text).map_err(|error| {
                StoreError(format!("the group {name} in the store can't be read: {error}"))
            })?;
            let state = standing(&stored, config);
            bound.insert(name, Made { stored: Arc::new(stored), state });
        }
        Ok(Self(Mutex::new(bound)))
    }

    /// The groups against a new configuration. None that is in force may lose its name to a group of a file, or what it is
    /// counted by; one that is not is looked at afresh.
    pub(crate) fn bind(&self, config: &Resolved) -> Result<Bound, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut fresh = Bound::new();
        for (name, made) in &*self.0.lock() {
            let state = match (fit(&made.stored, config), &made.state) {
                (Ok(group), _) => GroupState::InForce(Arc::new(group)),
                (Err(unfit), GroupState::Out(_)) => GroupState::Out(sentence(&unfit)),
                (Err(unfit), GroupState::InForce(_)) => {
                    problems.push(refusal(name, &unfit));
                    continue;
                }
            };
            fresh.insert(name.clone(), Made { stored: Arc::clone(&made.stored), state });
        }
        if problems.is_empty() { Ok(fresh) } else { Err(problems) }
    }

    /// Takes groups into force that [`MadeGroups::bind`] has made.
    pub(crate) fn commit(&self, bound: Bound) {
        *self.0.lock() = bound;
    }

    /// The groups in force of a configuration and of these.
    pub(crate) fn with(&self, config: &Resolved) -> Groups {
        in_force(config, &self.0.lock())
    }

    pub(crate) fn by_name(&self, name: &str) -> Option<Made> {
        self.0.lock().get(name).cloned()
    }

    /// Every group, by name.
    pub(crate) fn all(&self) -> Vec<Made> {
        self.0.lock().values().cloned().collect()
    }

    pub(crate) fn put(&self, made: Made) {
        self.0.lock().insert(made.stored.name().to_owned(), made);
    }

    pub(crate) fn remove(&self, name: &str) {
        self.0.lock().remove(name);
    }
}

/// The groups in force of a configuration and of those made at run time.
pub(crate) fn in_force(config: &Resolved, made: &Bound) -> Groups {
    let made = made.values().filter_map(Made::in_force).map(Arc::clone);
    let configured = config.groups.iter().map(|group| Arc::new(Group::from_config(group)));
    made.chain(configured).map(|group| (group.name.to_string(), group)).collect()
}

/// Whether a group of the store is in force in a configuration; one that does not fit is told of.
pub(crate) fn standing(stored: &Stored, config: &Resolved) -> GroupState {
    match fit(stored, config) {
        Ok(group) => GroupState::InForce(Arc::new(group)),
        Err(problems) => {
            let why = sentence(&problems);
            let group = stored.name();
            tracing::error!(
                group,
                why,
                "a group in the store does not fit the configuration: it is not in force"
            );
            GroupState::Out(why)
        }
    }
}

/// The group that a document makes in a configuration.
pub(crate) fn fit(stored: &Stored, config: &Resolved) -> Result<Group, Vec<Problem>> {
    let fields = check::check_group(&stored.fields, config.stats.retention_days)?;
    if let Some(other) = config.groups.iter().find(|other| other.fields.name == fields.name) {
        let message = format!("the group `{}` of {} has this name too", fields.name, other.file);
        let path = format!("groups.{}.name", fields.name);
        return Err(vec![Problem::at(other.file.clone(), path, message)]);
    }
    Ok(Group::made(fields))
}

fn sentence(problems: &[Problem]) -> String {
    let all: Vec<&str> = problems.iter().map(|problem| problem.message.as_str()).collect();
    all.join("; ")
}

/// What is wrong, as whoever reloads is told it: at the other group's place, where there is one.
fn refusal(name: &str, unfit: &[Problem]) -> Problem {
    let message = format!(
        "the group `{name}`, made at run time, would no longer fit: {}; change or delete it first",
        sentence(unfit)
    );
    match unfit {
        [taken] if taken.path.starts_with("groups.") => {
            Problem::at(taken.file.clone(), taken.path.clone(), message)
        }
        _ => Problem::at("store", format!("groups.{name}"), message),
    }
}
