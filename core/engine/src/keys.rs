//! Keys made at run time: kept in the store, only the hash of each, and looked up in the snapshot.

mod made;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value};
use sluice_api::store::StoreError;
use sluice_api::{Family, Problem, Timestamp};
use utoipa::ToSchema;

use crate::config::settings::{Limit, Mode, Queue};
use crate::config::{KeyFields, read_key_fields};
use crate::gateway::Gateway;
use crate::key::{Key, KeyHash, Source, new_secret};
use crate::transport::TransportError;
use made::{KIND, Made, Standing, Stored, fit};

pub(crate) use made::Bound;
pub use made::MadeKeys;

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
    /// When it was last used, since this gateway has started; null where it was not.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_used: Option<Timestamp>,
    /// Why no request is served with it, where that is so: it does not fit the configuration.
    pub not_in_force: Option<String>,
    /// Its name, unique.
    pub name: String,
    /// The group it belongs to.
    pub group: Option<String>,
    /// A label to query usage by.
    pub user: Option<String>,
    /// Further labels.
    pub tags: Vec<String>,
    /// Families of client API that it may use.
    pub allow: Vec<Family>,
    /// Globs over the model asked for, `!` excludes; empty = all.
    pub models: Vec<String>,
    /// Pools it is bound to; empty = any.
    pub pools: Vec<String>,
    /// Accounts it is bound to; empty = any.
    pub accounts: Vec<String>,
    /// When it stops working.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires: Option<Timestamp>,
    /// Requests at once; 0 = no bound.
    pub concurrency: u32,
    /// Where requests beyond `concurrency` wait.
    pub queue: Option<Queue>,
    /// Limits.
    pub limits: Vec<Limit>,
    /// How its limits are enforced.
    pub mode: Mode,
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

impl From<TransportError> for KeyError {
    fn from(error: TransportError) -> Self {
        Self::Internal(error.to_string())
    }
}

impl Gateway {
    /// Every key, those of the configuration and those made at run time, also those that are not in force.
    #[must_use]
    pub fn list_keys(&self) -> Vec<KeyView> {
        let snapshot = self.snapshot();
        let of_config = snapshot.keys.iter().filter(|key| key.source == Source::Config);
        let mut views: Vec<KeyView> = of_config.map(|key| KeyView::of_config(key)).collect();
        views.extend(self.keys().bound().iter().map(KeyView::of_made));
        self.records().last_used(|used| {
            views.iter_mut().for_each(|view| view.last_used = used.get(view.id.as_str()).copied());
        });
        views.sort_by(|a, b| a.id.cmp(&b.id));
        views
    }

    /// One key, by id or by name; of two that have the name, the one in force.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub fn show_key(&self, id: &str) -> Result<KeyView, KeyError> {
        let views = self.list_keys();
        let named = || views.iter().filter(|view| view.name == id);
        views
            .iter()
            .find(|view| view.id == id)
            .or_else(|| named().find(|view| view.not_in_force.is_none()))
            .or_else(|| named().next())
            .cloned()
            .ok_or_else(|| KeyError::NotFound(id.to_owned()))
    }

    /// Makes a key; gives its secret, which is shown this once.
    ///
    /// # Errors
    ///
    /// When its fields are wrong, its name is taken, or the store fails.
    pub async fn create_key(&self, fields: Map<String, Value>) -> Result<(KeyView, String), KeyError> {
        let _writing = self.keys().writing().await;
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
        let _writing = self.keys().writing().await;
        let mut stored = self.stored_key(id)?;
        merge(&mut stored.fields, patch);
        self.write_key(stored).await
    }

    /// Replaces a key's secret; the old one stops at once.
    ///
    /// # Errors
    ///
    /// When there is no such key, it is the configuration's, or the store fails.
    pub async fn rotate_key(&self, id: &str) -> Result<(KeyView, String), KeyError> {
        let _writing = self.keys().writing().await;
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
        let _writing = self.keys().writing().await;
        let id = self.stored_key(id)?.id;
        let store = &self.keys().store;
        let deleted = async { store.delete(KIND, &id).await.map(drop) };
        self.keys_changed(self.keys().bound().without(&id), deleted).await
    }

    fn stored_key(&self, id: &str) -> Result<Stored, KeyError> {
        let found = self.show_key(id)?;
        let bound = self.keys().bound();
        bound
            .get(&found.id)
            .map(|made| Stored::clone(&made.stored))
            .ok_or_else(|| KeyError::ManagedByConfig(id.to_owned()))
    }

    async fn write_key(&self, stored: Stored) -> Result<KeyView, KeyError> {
        let name = stored.name();
        let taken = |other: &KeyView| other.name == name && other.id != stored.id;
        if !name.is_empty() && self.list_keys().iter().any(taken) {
            return Err(KeyError::NameTaken(name.to_owned()));
        }
        let fits = self.with_config(|config| fit(&stored, config)).await;
        let key = fits.map_err(|unfit| KeyError::Invalid(unfit.problems()))?;
        let document =
            serde_json::to_string(&stored).map_err(|error| KeyError::Internal(error.to_string()))?;
        let made = Made { stored: Arc::new(stored), standing: Standing::InForce(Arc::new(key)) };
        let shown = KeyView::of_made(&made);
        let store = &self.keys().store;
        let written = async { store.put(KIND, &shown.id, &document).await };
        self.keys_changed(self.keys().bound().with(made), written).await?;
        Ok(shown)
    }
}

impl KeyView {
    fn of_config(key: &Key) -> Self {
        Self::new(key.id.to_string(), Source::Config, KeyFields::of(key))
    }

    fn of_made(made: &Made) -> Self {
        let stored = &made.stored;
        let (fields, not_in_force) = match &made.standing {
            Standing::InForce(key) => (KeyFields::of(key), None),
            Standing::Out(why) => {
                let fields = read_key_fields(&stored.fields);
                let name = || KeyFields::named(stored.name().to_owned());
                (fields.unwrap_or_else(|_| name()), Some(why.clone()))
            }
        };
        Self {
            created: Some(stored.created),
            rotated: stored.rotated,
            not_in_force,
            ..Self::new(stored.id.clone(), Source::Admin, fields)
        }
    }

    fn new(id: String, source: Source, fields: KeyFields) -> Self {
        Self {
            id,
            source,
            created: None,
            rotated: None,
            last_used: None,
            not_in_force: None,
            name: fields.name,
            group: fields.group,
            user: fields.user,
            tags: fields.tags,
            allow: fields.allow,
            models: fields.models,
            pools: fields.pools,
            accounts: fields.accounts,
            expires: fields.expires,
            concurrency: fields.concurrency,
            queue: fields.queue,
            limits: fields.limits,
            mode: fields.mode,
        }
    }
}

/// A JSON merge patch (RFC 7396) of a key's fields.
fn merge(fields: &mut Map<String, Value>, patch: &Map<String, Value>) {
    for (field, value) in patch {
        match value {
            Value::Null => {
                fields.remove(field);
            }
            Value::Object(patch) => {
                let inner = fields.entry(field.clone()).or_insert_with(|| Map::new().into());
                if !inner.is_object() {
                    *inner = Map::new().into();
                }
                if let Value::Object(inner) = inner {
                    merge(inner, patch);
                }
            }
            value => {
                fields.insert(field.clone(), value.clone());
            }
        }
    }
}

fn fresh_secret() -> Result<String, KeyError> {
    new_secret().map_err(|error| KeyError::Internal(format!("the system has no randomness to give: {error}")))
}
