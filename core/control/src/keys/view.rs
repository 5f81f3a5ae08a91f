//! Keys as the admin API shows them.

use jiff::Timestamp;
use serde::Serialize;
use sluice_api::settings::flat;
use sluice_config::check::read_key_fields;
use sluice_config::key::{Key, Source};
use sluice_config::settings::KeyFields;
use sluice_ledger::records::Used;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::made::{KeyState, Made};
use crate::shown::shown;

/// Why a key that was deleted is still shown.
const DELETED: &str =
    "it is deleted, but the store could not be told: delete it again, or a restart brings it back";

/// A key as the admin API shows it; never with its secret.
#[derive(Clone, Debug, Serialize)]
pub struct KeyView {
    /// Where it comes from, and how it stands.
    #[serde(flatten)]
    pub status: KeyStatus,
    /// What it may do.
    #[serde(flatten)]
    pub fields: KeyFields,
}

/// Where a key comes from, and how it stands.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct KeyStatus {
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
    /// When it was last used on this gateway, since its start; null where it was not.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_used: Option<Timestamp>,
    /// Why no request is served with it, where that is so: it does not fit the configuration.
    pub not_in_force: Option<String>,
}

impl KeyStatus {
    /// That of a key of the configuration.
    fn configured(id: &str) -> Self {
        let id = id.to_owned();
        Self { id, source: Source::Config, created: None, rotated: None, last_used: None, not_in_force: None }
    }

    /// Notes when it was last used, of the times of all keys by their ids.
    pub(super) fn used(&mut self, times: &Used) {
        self.last_used = times.get(self.id.as_str()).copied();
    }
}

impl KeyView {
    pub(super) fn of_config(key: &Key) -> Self {
        Self { status: KeyStatus::configured(&key.id), fields: key.fields.clone() }
    }

    pub(super) fn of_made(made: &Made) -> Self {
        let stored = &made.stored;
        let not_in_force = match &made.state {
            KeyState::InForce(_) => None,
            KeyState::Out(why) => Some(why.clone()),
            KeyState::Deleted => Some(DELETED.to_owned()),
        };
        let read = || read_key_fields(&stored.fields).unwrap_or_else(|_| KeyFields::named(stored.name()));
        let status = KeyStatus {
            source: Source::Admin,
            created: Some(stored.created),
            rotated: stored.rotated,
            not_in_force,
            ..KeyStatus::configured(&stored.id)
        };
        Self { status, fields: made.in_force().map_or_else(read, |key| key.fields.clone()) }
    }
}

impl PartialSchema for KeyView {
    /// Its fields as they are written, each of which is there.
    fn schema() -> RefOr<Schema> {
        let about = "A key as the admin API shows it; never with its secret.";
        flat::object(about, [KeyStatus::schema(), shown(KeyFields::schema())])
    }
}

impl ToSchema for KeyView {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        KeyStatus::schemas(schemas);
        KeyFields::schemas(schemas);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;
    use sluice_config::check::read_key_fields;
    use sluice_config::key::{Key, KeyHash};
    use sluice_config::settings::KeyFields;
    use utoipa::PartialSchema;

    use super::{KeyStatus, KeyView};
    use crate::shown::{TO_WRITERS, shown};

    fn names(object: &Value) -> BTreeSet<String> {
        object.as_object().unwrap().keys().cloned().collect()
    }

    fn properties(schema: impl serde::Serialize) -> BTreeSet<String> {
        names(&serde_json::to_value(schema).unwrap()["properties"])
    }

    /// The names by the reader of what is written: it tells them all to whoever writes one that is none of them.
    fn written() -> BTreeSet<String> {
        let unknown = serde_json::Map::from_iter([("no setting".to_owned(), Value::Null)]);
        let problems = read_key_fields(&unknown).unwrap_err();
        let valid = problems.iter().find_map(|problem| problem.allowed.as_deref()).unwrap();
        valid.split(", ").map(ToOwned::to_owned).collect()
    }

    /// Each set is derived from its shape: a field that one shape had alone, or had not, would be seen here.
    #[test]
    fn every_shape_of_a_key_has_the_fields_of_the_one_specification_and_no_others() {
        let fields = written();
        assert!(fields.len() > 10 && fields.contains("concurrency"), "{fields:?}");
        assert_eq!(properties(KeyFields::schema()), fields, "the reference, the document, what is masked");
        assert_eq!(
            names(&serde_json::to_value(KeyFields::named("k")).unwrap()),
            fields,
            "what is shown of it by itself"
        );

        let key = Key::made("key_1", KeyHash([0; 32]), KeyFields::named("k"), &Default::default());
        let view = KeyView::of_config(&key);
        let status = names(&serde_json::to_value(&view.status).unwrap());
        assert!(status.is_disjoint(&fields));
        let whole: BTreeSet<String> = status.union(&fields).cloned().collect();
        assert_eq!(names(&serde_json::to_value(&view).unwrap()), whole, "what is shown");
        assert_eq!(properties(KeyStatus::schema()), status);
        assert_eq!(properties(KeyView::schema()), whole, "what the document says is shown");
    }

    #[test]
    fn what_is_told_to_writers_alone_is_not_told_of_a_key_that_is_shown() {
        let (written, shown) = (KeyFields::schema(), shown(KeyFields::schema()));
        let [written, shown] = [written, shown].map(|schema| serde_json::to_value(schema).unwrap());
        let [written, shown] = [written, shown].map(|schema| schema["properties"].clone());
        let says = |schema: &Value, words: &str| {
            schema.as_object().unwrap().values().any(|field| {
                let forms = field["oneOf"].as_array().into_iter().flatten().chain([field]);
                forms.filter_map(|form| form["description"].as_str()).any(|said| said.contains(words))
            })
        };
        for words in TO_WRITERS {
            assert!(says(&written, words) && !says(&shown, words), "{words}");
        }
    }
}
