//! Keys made at run time: kept in the store, only the hash of each, and looked up in the snapshot.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sluice_api::store::{Store, StoreError};
use sluice_api::{Problem, Timestamp};
use utoipa::ToSchema;

use crate::config::{self, KeyFields, Resolved};
use crate::gateway::Gateway;
use crate::key::{Key, KeyHash, Source, new_secret};
use crate::snapshot::Snapshot;

/// What documents of keys are called in the store.
const KIND: &str = "key";

/// A key as the store keeps it.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Stored {
    id: String,
    hash: String,
    created: Timestamp,
    rotated: Option<Timestamp>,
    fields: Map<String, Value>,
}

/// A key as the admin API shows it; never with its secret.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct KeyView {
    /// Its id.
    pub id: String,
    /// Where it comes from; those of the configuration can't be changed here.
    pub source: Source,
    /// When it was made.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub created: Option<Timestamp>,
    /// When its secret was last replaced.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub rotated: Option<Timestamp>,
    /// Its fields, as in `[[keys]]`.
    #[serde(flatten)]
    #[schema(inline)]
    pub fields: Map<String, Value>,
}

/// Why a key could not be made, changed or deleted.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// There is no such key.
    #[error("there is no key `{0}`")]
    NotFound(String),
    /// It is in a configuration file.
    #[error("the key `{0}` is in the configuration: change it there")]
    ManagedByConfig(String),
    /// Another key has this name.
    #[error("there is a key named `{0}` already")]
    NameTaken(String),
    /// Its fields are wrong.
    #[error("{}", .0.first().map(ToString::to_string).unwrap_or_default())]
    Invalid(Vec<Problem>),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Sluice itself failed.
    #[error("{0}")]
    Internal(String),
}

/// The keys made at run time.
#[derive(Debug)]
pub struct MadeKeys {
    store: Arc<dyn Store>,
    /// Held over a change of the store and of this map, so that both agree.
    writing: tokio::sync::Mutex<()>,
    keys: Mutex<BTreeMap<String, (Stored, Arc<Key>)>>,
}

impl MadeKeys {
    pub(crate) async fn load(store: &Arc<dyn Store>, config: &Resolved) -> Result<Self, StoreError> {
        let mut keys = BTreeMap::new();
        for (id, text) in store.list(KIND).await? {
            let stored: Stored = serde_json::from_str(&text)
                .map_err(|error| StoreError(format!("the key {id} in the store can't be read: {error}")))?;
            match build(&stored, config) {
                Ok(key) => {
                    keys.insert(id, (stored, Arc::new(key)));
                }
                Err(problems) => {
                    // A key whose pool or group has left the configuration must not stop the gateway, nor work.
                    let why = problems.first().map(ToString::to_string).unwrap_or_default();
                    tracing::error!(key = %id, why, "a key in the store no longer fits the configuration: it is not in force");
                }
            }
        }
        Ok(Self { store: Arc::clone(store), writing: tokio::sync::Mutex::default(), keys: Mutex::new(keys) })
    }

    /// Every key in force.
    pub(crate) fn all(&self) -> Vec<Arc<Key>> {
        self.keys.lock().values().map(|(_, key)| Arc::clone(key)).collect()
    }

    /// The keys against a new configuration; none of them may lose a group, pool or account that it names.
    pub(crate) fn rebind(&self, config: &Resolved) -> Result<Vec<Arc<Key>>, Vec<Problem>> {
        let mut keys = self.keys.lock();
        let mut fresh = Vec::with_capacity(keys.len());
        for (id, (stored, _)) in keys.iter() {
            let key = build(stored, config).map_err(|problems| {
                let why = problems.first().map(|problem| problem.message.clone()).unwrap_or_default();
                let message = format!("a key made at run time no longer fits: {why}");
                vec![Problem::at("store", format!("keys.{id}"), message)]
            })?;
            fresh.push((id.clone(), Arc::new(key)));
        }
        for (id, key) in &fresh {
            if let Some(entry) = keys.get_mut(id) {
                entry.1 = Arc::clone(key);
            }
        }
        Ok(fresh.into_iter().map(|(_, key)| key).collect())
    }
}

fn build(stored: &Stored, config: &Resolved) -> Result<Key, Vec<Problem>> {
    let hash = KeyHash::parse(&stored.hash)
        .ok_or_else(|| vec![Problem::at("store", format!("keys.{}", stored.id), "its hash can't be read")])?;
    let settings = config::check_key_fields(&stored.fields, config)?;
    let groups = config.groups.iter().map(crate::key::Group::from_config);
    let groups = groups.map(|group| (group.name.to_string(), Arc::new(group))).collect();
    Ok(Key::made(&stored.id, hash, settings, &groups))
}

impl Gateway {
    /// Every key, those of the configuration and those made at run time.
    #[must_use]
    pub fn list_keys(&self) -> Vec<KeyView> {
        let snapshot = self.snapshot();
        let mut views: Vec<KeyView> = config_views(&snapshot);
        views.extend(self.keys().keys.lock().values().map(|(stored, _)| view(stored)));
        views.sort_by(|a, b| a.id.cmp(&b.id));
        views
    }

    /// One key, by id or by name.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub fn show_key(&self, id: &str) -> Result<KeyView, KeyError> {
        self.list_keys()
            .into_iter()
            .find(|view| view.id == id || view.fields.get("name").and_then(Value::as_str) == Some(id))
            .ok_or_else(|| KeyError::NotFound(id.to_owned()))
    }

    /// Makes a key; gives its secret, which is shown this once.
    ///
    /// # Errors
    ///
    /// When its fields are wrong, its name is taken, or the store fails.
    pub async fn create_key(&self, fields: Map<String, Value>) -> Result<(KeyView, String), KeyError> {
        let _writing = self.keys().writing.lock().await;
        let secret = fresh_secret()?;
        let id = format!("key_{}", uuid::Uuid::now_v7().simple());
        let stored = Stored {
            id,
            hash: KeyHash::of(secret.as_bytes()).to_string(),
            created: self.now(),
            rotated: None,
            fields,
        };
        let made = self.write_key(stored).await?;
        Ok((made, secret))
    }

    /// Changes a key's fields by a JSON merge patch.
    ///
    /// # Errors
    ///
    /// When there is no such key, it is the configuration's, the result is wrong, or the store fails.
    pub async fn change_key(&self, id: &str, patch: &Map<String, Value>) -> Result<KeyView, KeyError> {
        let _writing = self.keys().writing.lock().await;
        let mut stored = self.stored_key(id)?;
        for (field, value) in patch {
            if value.is_null() {
                stored.fields.remove(field);
            } else {
                stored.fields.insert(field.clone(), value.clone());
            }
        }
        self.write_key(stored).await
    }

    /// Replaces a key's secret; the old one stops at once.
    ///
    /// # Errors
    ///
    /// When there is no such key, it is the configuration's, or the store fails.
    pub async fn rotate_key(&self, id: &str) -> Result<(KeyView, String), KeyError> {
        let _writing = self.keys().writing.lock().await;
        let mut stored = self.stored_key(id)?;
        let secret = fresh_secret()?;
        stored.hash = KeyHash::of(secret.as_bytes()).to_string();
        stored.rotated = Some(self.now());
        let made = self.write_key(stored).await?;
        Ok((made, secret))
    }

    /// Deletes a key; it stops at once.
    ///
    /// # Errors
    ///
    /// When there is no such key, it is the configuration's, or the store fails.
    pub async fn delete_key(&self, id: &str) -> Result<(), KeyError> {
        let _writing = self.keys().writing.lock().await;
        let stored = self.stored_key(id)?;
        self.keys().store.delete(KIND, &stored.id).await?;
        self.keys().keys.lock().remove(&stored.id);
        self.keys_changed().await.map_err(|error| KeyError::Internal(error.to_string()))
    }

    fn stored_key(&self, id: &str) -> Result<Stored, KeyError> {
        let found = self.show_key(id)?;
        let keys = self.keys().keys.lock();
        keys.get(&found.id)
            .map(|(stored, _)| stored.clone())
            .ok_or_else(|| KeyError::ManagedByConfig(id.to_owned()))
    }

    async fn write_key(&self, stored: Stored) -> Result<KeyView, KeyError> {
        let name = stored.fields.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
        if let Ok(other) = self.show_key(&name)
            && other.id != stored.id
        {
            return Err(KeyError::NameTaken(name));
        }
        let key = self.with_config(|config| build(&stored, config)).await.map_err(KeyError::Invalid)?;
        let document =
            serde_json::to_string(&stored).map_err(|error| KeyError::Internal(error.to_string()))?;
        self.keys().store.put(KIND, &stored.id, &document).await?;
        let shown = view(&stored);
        self.keys().keys.lock().insert(stored.id.clone(), (stored, Arc::new(key)));
        self.keys_changed().await.map_err(|error| KeyError::Internal(error.to_string()))?;
        Ok(shown)
    }
}

fn fresh_secret() -> Result<String, KeyError> {
    new_secret().map_err(|error| KeyError::Internal(format!("the system has no randomness to give: {error}")))
}

fn view(stored: &Stored) -> KeyView {
    KeyView {
        id: stored.id.clone(),
        source: Source::Admin,
        created: Some(stored.created),
        rotated: stored.rotated,
        fields: stored.fields.clone(),
    }
}

fn config_views(snapshot: &Snapshot) -> Vec<KeyView> {
    let of_config = snapshot.keys.iter().filter(|key| key.source == Source::Config);
    of_config
        .map(|key| KeyView {
            id: key.id.to_string(),
            source: Source::Config,
            created: None,
            rotated: None,
            fields: KeyFields::describe(key),
        })
        .collect()
}
