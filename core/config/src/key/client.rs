//! Client keys and their groups, as they are configured and as they are in force.

use std::collections::HashMap;
use std::ops::Deref;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sluice_api::limiter::{Limit, Mode, Party, Principal};
use sluice_settings::key::{Group as GroupFields, KeyFields};

use super::hash::KeyHash;
use crate::limits::limits;

/// Where a key comes from, and so who may change it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// A configuration file: it can't be changed through the admin API.
    Config,
    /// The admin API.
    Admin,
}

/// A group of a file, checked.
#[derive(Clone, Debug, Default)]
pub struct GroupConfig {
    /// What its keys may do together.
    pub fields: GroupFields,
    /// The file that it stands in, for problems.
    pub file: String,
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

/// A team or a customer in force, whose limits bind all of its keys together. What they may do is read as if it stood
/// here.
#[derive(Debug)]
pub struct Group {
    /// Where it comes from.
    pub source: Source,
    /// Its limits, as they are counted.
    pub limits: Arc<[Limit]>,
    /// What its keys may do together.
    pub fields: GroupFields,
}

impl Deref for Group {
    type Target = GroupFields;
    fn deref(&self) -> &GroupFields {
        &self.fields
    }
}

impl Group {
    /// A group of a configuration file.
    #[must_use]
    pub fn from_config(group: &GroupConfig) -> Self {
        Self::new(Source::Config, group.fields.clone())
    }

    /// A group that was made at run time.
    #[must_use]
    pub fn made(fields: GroupFields) -> Self {
        Self::new(Source::Admin, fields)
    }

    fn new(source: Source, fields: GroupFields) -> Self {
        Self { source, limits: limits(&fields.limits), fields }
    }

    /// It as limiters see it.
    #[must_use]
    pub fn party(&self) -> Party<'_> {
        Party::new(Principal::Group(Arc::clone(&self.name)), self.concurrency, &self.limits)
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
    /// Its limits, as they are counted.
    pub limits: Arc<[Limit]>,
    /// How they are enforced, and its group's for it.
    pub mode: Mode,
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
        Self::new((Arc::clone(&fields.name), Source::Config), hash, fields, groups)
    }

    /// A key that was made at run time.
    #[must_use]
    pub fn made(id: &str, hash: KeyHash, fields: KeyFields, groups: &HashMap<String, Arc<Group>>) -> Self {
        Self::new((id.into(), Source::Admin), hash, fields, groups)
    }

    fn new(
        (id, source): (Arc<str>, Source),
        hash: KeyHash,
        fields: KeyFields,
        groups: &HashMap<String, Arc<Group>>,
    ) -> Self {
        let (group, limits) = (group_of(&fields, groups), limits(&fields.limits));
        Self { id, hash, source, group, limits, mode: fields.mode.into(), fields }
    }

    /// It as limiters see it, without its group.
    #[must_use]
    pub fn party(&self) -> Party<'_> {
        Party::new(Principal::Key(Arc::clone(&self.id)), self.concurrency, &self.limits)
    }
}
