//! JSON merge patches (RFC 7396).

use serde_json::{Map, Value};

/// Lays a merge patch over fields.
pub(crate) fn merge(fields: &mut Map<String, Value>, patch: &Map<String, Value>) {
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
