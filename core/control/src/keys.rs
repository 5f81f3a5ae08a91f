//! Keys made at run time: kept in the store, only the hash of each, and looked up in the snapshot.

mod view;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use serde_json::{Map, Value};
use sluice_config::key::{Key, KeyHash, new_secret};

use crate::control::{Control, Current};
use crate::counted;
use crate::error::KeyError;
use crate::made::{KIND, KeyState, Made, Stored, fit};
use crate::merge::merge;

pub use view::{KeyStatus, KeyView};

/// A key that was looked for.
pub(crate) enum Found {
    /// One of the configuration.
    Config(Arc<Key>),
    /// One that was made at run time.
    Made(Made),
}

impl Found {
    /// The key, where it is in force.
    pub(crate) fn in_force(self) -> Option<Arc<Key>> {
        match self {
            Self::Config(key) => Some(key),
            Self::Made(made) => made.in_force().cloned(),
        }
    }

    fn view(&self) -> KeyView {
        match self {
            Self::Config(key) => KeyView::of_config(key),
            Self::Made(made) => KeyView::of_made(made),
        }
    }
}

/// Each change holds the lock of whoever changes keys, and the caller runs it to its end, also where its client leaves:
/// what is in force and what is kept never differ.
impl Control {
    /// Every key, those of the configuration and those made at run time, also those that are not in force.
    #[must_use]
    pub fn list_keys(&self) -> Vec<KeyView> {
        let snapshot = self.gateway().snapshot();
        let mut views: Vec<KeyView> =
            snapshot.keys.configured().iter().map(|key| KeyView::of_config(key)).collect();
        views.extend(self.keys().all().iter().map(KeyView::of_made));
        self.gateway().records().last_used(|used| {
            views.iter_mut().for_each(|view| view.status.used(used));
        });
        views.sort_by(|a, b| a.status.id.cmp(&b.status.id));
        views
    }

    /// One key, by id or by name; of two that have the name, the configuration's, which is the one in force.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub fn show_key(&self, id: &str) -> Result<KeyView, KeyError> {
        let found = self.find_key(id).ok_or_else(|| KeyError::NotFound(id.to_owned()))?;
        let mut view = found.view();
        self.gateway().records().last_used(|used| view.status.used(used));
        Ok(view)
    }

    /// The key with this id or name.
    pub(crate) fn find_key(&self, id: &str) -> Option<Found> {
        if let Some(made) = self.keys().by_id(id) {
            return Some(Found::Made(made));
        }
        let snapshot = self.gateway().snapshot();
        let configured = snapshot.keys.configured().iter().find(|key| *key.name == *id);
        configured
            .map(|key| Found::Config(Arc::clone(key)))
            .or_else(|| self.keys().by_name(id).map(Found::Made))
    }

    /// Makes a key; gives its secret, which is shown this once.
    ///
    /// # Errors
    ///
    /// When its fields are wrong, its name is taken, or the store fails.
    pub async fn create_key(&self, fields: Map<String, Value>) -> Result<(KeyView, String), KeyError> {
        let mut current = self.changing().await?;
        let secret = fresh_secret()?;
        let id = format!("key_{}", uuid::Uuid::now_v7().simple());
        let stored = Stored {
            id,
            hash: KeyHash::of(secret.as_bytes()).to_string(),
            created: self.gateway().now(),
            rotated: None,
            fields,
        };
        let made = self.fitting(stored, &current)?;
        // Many are made at once: one that a power cut takes back is made again.
        let store = &**self.gateway().store();
        current.claim.write_soon(store, (KIND, &made.stored.id), &document(&made)?).await?;
        self.wrote(KIND, &mut current).await;
        Ok((self.take_key(made), secret))
    }

    /// Changes a key's fields by a JSON merge patch.
    ///
    /// # Errors
    ///
    /// When there is no such key, it is the configuration's, the result is wrong, or the store fails.
    pub async fn change_key(&self, id: &str, patch: &Map<String, Value>) -> Result<KeyView, KeyError> {
        let mut current = self.changing().await?;
        let mut stored = Stored::clone(&self.made_key(id)?.stored);
        merge(&mut stored.fields, patch);
        let made = self.fitting(stored, &current)?;
        if let Some(key) = made.clone().in_force() {
            counted::key(self.gateway(), key).await?;
        }
        let store = &**self.gateway().store();
        current.claim.write(store, (KIND, &made.stored.id), Some(&document(&made)?)).await?;
        self.wrote(KIND, &mut current).await;
        Ok(self.take_key(made))
    }

    /// Replaces a key's secret; the old one stops at once, before the store has the new one.
    ///
    /// # Errors
    ///
    /// When there is no such key, it is the configuration's, or the store fails: the old secret is in force then.
    pub async fn rotate_key(&self, id: &str) -> Result<(KeyView, String), KeyError> {
        let mut current = self.changing().await?;
        let before = self.made_key(id)?;
        let mut stored = Stored::clone(&before.stored);
        let secret = fresh_secret()?;
        stored.hash = KeyHash::of(secret.as_bytes()).to_string();
        stored.rotated = Some(self.gateway().now());
        let made = self.fitting(stored, &current)?;
        let (id, document) = (made.stored.id.clone(), document(&made)?);
        let view = self.take_key(made);
        let store = &**self.gateway().store();
        if let Err(error) = current.claim.write(store, (KIND, &id), Some(&document)).await {
            self.take_key(before);
            return Err(error.into());
        }
        self.wrote(KIND, &mut current).await;
        Ok((view, secret))
    }

    /// Deletes a key; it stops at once, before the store has forgotten it.
    ///
    /// # Errors
    ///
    /// When there is no such key, it is the configuration's, or the store fails: it has stopped then, too.
    pub async fn delete_key(&self, id: &str) -> Result<(), KeyError> {
        let changing = self.changing().await;
        // It stops here also where the other gateways can't be told of it.
        let _current = match &changing {
            Ok(_) => None,
            Err(_) => Some(self.current().await),
        };
        let made = self.made_key(id)?;
        let id = made.stored.id.clone();
        let key = made.clone().in_force().cloned();
        self.take_key(made.with_state(KeyState::Deleted));
        let mut current = changing.map_err(KeyError::NotForgotten)?;
        let store = &**self.gateway().store();
        let deleted = current.claim.write(store, (KIND, &id), None).await.map_err(KeyError::NotForgotten)?;
        self.keys().remove(&id);
        if deleted {
            self.wrote(KIND, &mut current).await;
        }
        if let Some(key) = key {
            counted::gone(self.gateway(), &key).await;
        }
        Ok(())
    }

    fn made_key(&self, id: &str) -> Result<Made, KeyError> {
        match self.find_key(id) {
            Some(Found::Made(made)) => Ok(made),
            Some(Found::Config(_)) => Err(KeyError::ManagedByConfig(id.to_owned())),
            None => Err(KeyError::NotFound(id.to_owned())),
        }
    }

    /// The key as it would be in force: its name is its own, and it fits the configuration.
    fn fitting(&self, stored: Stored, current: &Current) -> Result<Made, KeyError> {
        let name = stored.name();
        let snapshot = self.gateway().snapshot();
        let configured = snapshot.keys.configured().iter().any(|key| *key.name == *name);
        let made = || self.keys().by_name(name).is_some_and(|other| other.stored.id != stored.id);
        if !name.is_empty() && (configured || made()) {
            return Err(KeyError::NameTaken(name.to_owned()));
        }
        let fits = fit(&stored, &current.config, &current.groups);
        let key = fits.map_err(|unfit| KeyError::Invalid(unfit.problems()))?;
        Ok(Made { stored: Arc::new(stored), state: KeyState::InForce(Arc::new(key)) })
    }

    /// Puts a key in place of the one with its id, where requests and operators look for it.
    fn take_key(&self, made: Made) -> KeyView {
        let view = KeyView::of_made(&made);
        if let Some(key) = made.in_force() {
            self.gateway().records().measures().know_also(key.models.exact_names().map(ToOwned::to_owned));
        }
        self.keys().put(made, &self.gateway().snapshot().keys);
        view
    }
}

fn document(made: &Made) -> Result<String, KeyError> {
    serde_json::to_string(&*made.stored).map_err(|error| KeyError::Internal(error.to_string()))
}

fn fresh_secret() -> Result<String, KeyError> {
    new_secret().map_err(|error| KeyError::Internal(format!("the system has no randomness to give: {error}")))
}
