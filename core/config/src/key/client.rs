//! Client keys and their groups, as they are configured and as they are in force.

use std::collections::HashMap;
use std::ops::Deref;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sluice_api::dialect::{Api, Operation};
use sluice_api::limiter::Subject;
use sluice_settings::key::KeyFields;

use super::hash::KeyHash;

/// Where a key comes from, and so who may change it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// A configuration file: it can't be changed through the admin API.
    Config,
    /// The admin API.
    Admin,
}

/// A group as it is configured.
#[derive(Clone, Debug)]
pub struct GroupConfig {
    /// Its name.
    pub name: String,
    /// Requests at once; 0 = no bound.
    pub concurrency: u32,
}

/// A key of a file, checked.
#[derive(Clone, Debug, Default)]
pub struct KeyConfig {
    /// What it may do.
    pub fields: KeyFields,
    /// Hash of its secret; `None` while it is made.
    pub hash: Option<KeyHash>,
    /// The file that it stands in, for problems.
    pub file: String,
}

/// A team or a customer, whose limits bind all of its keys together.
#[derive(Debug)]
pub struct Group {
    /// Its name.
    pub name: Arc<str>,
    /// Requests that all of its keys together may have at once; 0 = no bound.
    pub concurrency: u32,
}

impl Group {
    /// A group as it was configured.
    #[must_use]
    pub fn from_config(group: &GroupConfig) -> Self {
        Self { name: group.name.as_str().into(), concurrency: group.concurrency }
    }
}

/// A client key in force. What it may do is read as if it stood here.
#[derive(Debug)]
pub struct Key {
    /// Its id: `key_…` for those of the admin API, the name for those of the file.
    pub id: Arc<str>,
    /// Hash of its secret.
    pub hash: KeyHash,
    /// Where it comes from.
    pub source: Source,
    /// The group that its fields name.
    pub group: Option<Arc<Group>>,
    /// What it may do.
    pub fields: KeyFields,
}

/// The group in force that a key's fields name.
fn group_of(fields: &KeyFields, groups: &HashMap<String, Arc<Group>>) -> Option<Arc<Group>> {
    fields.group.as_ref().and_then(|name| groups.get(name)).map(Arc::clone)
}

impl Deref for Key {
    type Target = KeyFields;
    fn deref(&self) -> &KeyFields {
        &self.fields
    }
}

impl Key {
    /// A key of a configuration file.
    #[must_use]
    pub fn from_config(config: &KeyConfig, groups: &HashMap<String, Arc<Group>>) -> Self {
        let hash = config.hash.unwrap_or(KeyHash([0; 32]));
        let fields = config.fields.clone();
        let group = group_of(&fields, groups);
        Self { id: Arc::clone(&fields.name), hash, source: Source::Config, group, fields }
    }

    /// A key that was made at run time.
    #[must_use]
    pub fn made(id: &str, hash: KeyHash, fields: KeyFields, groups: &HashMap<String, Arc<Group>>) -> Self {
        let group = group_of(&fields, groups);
        Self { id: id.into(), hash, source: Source::Admin, group, fields }
    }

    /// It as limiters see it that asks for this.
    #[must_use]
    pub fn subject(&self, api: Api, operation: Operation, now: Timestamp) -> Subject<'_> {
        let mut subject = Subject::new(&self.id, api, operation, now);
        subject.key_concurrency = self.concurrency;
        if let Some(group) = &self.group {
            subject.group = Some(&group.name);
            subject.group_concurrency = group.concurrency;
        }
        subject
    }
}
