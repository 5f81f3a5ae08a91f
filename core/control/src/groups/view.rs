//! Groups as the admin API shows them.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use sluice_api::settings::flat;
use sluice_config::key::{Group, Source};
use sluice_config::settings::GroupFields;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::made::{GroupState, Made};
use crate::shown::shown;

/// A group as the admin API shows it.
#[derive(Clone, Debug, Serialize)]
pub struct GroupView {
    /// Where it comes from, and how it stands.
    #[serde(flatten)]
    pub status: GroupStatus,
    /// What its keys may do together.
    #[serde(flatten)]
    pub fields: GroupFields,
}

/// Where a group comes from, and how it stands.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct GroupStatus {
    /// Where it comes from; those of the configuration can't be changed here.
    pub source: Source,
    /// When it was made.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub created: Option<Timestamp>,
    /// Why no key can be in it, where that is so: it does not fit the configuration.
    pub not_in_force: Option<String>,
}

impl GroupView {
    pub(super) fn of_config(group: &Group) -> Self {
        let status = GroupStatus { source: Source::Config, created: None, not_in_force: None };
        Self { status, fields: group.fields.clone() }
    }

    pub(super) fn of_made(made: &Made) -> Self {
        let stored = &made.stored;
        let (not_in_force, fields) = match &made.state {
            GroupState::InForce(group) => (None, group.fields.clone()),
            GroupState::Out(why) => {
                let read = serde_json::from_value(Value::Object(stored.fields.clone())).ok();
                let named = || GroupFields { name: stored.name().into(), ..GroupFields::default() };
                (Some(why.clone()), read.unwrap_or_else(named))
            }
        };
        let status = GroupStatus { source: Source::Admin, created: Some(stored.created), not_in_force };
        Self { status, fields }
    }
}

impl PartialSchema for GroupView {
    /// Its fields as they are written, each of which is there.
    fn schema() -> RefOr<Schema> {
        let about = "A group as the admin API shows it.";
        flat::object(about, [GroupStatus::schema(), shown(GroupFields::schema())])
    }
}

impl ToSchema for GroupView {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        GroupStatus::schemas(schemas);
        GroupFields::schemas(schemas);
    }
}
