//! What is written of a merge patch in the document.

use serde_json::{Value, json};
use utoipa::openapi::{RefOr, Schema};

/// The schema of a patch: the fields that are patched, of which none is required and none has a default; each may be null
/// but the name, which nothing can be without.
pub(super) fn of(fields: RefOr<Schema>, says: &str) -> RefOr<Schema> {
    let mut patch = serde_json::to_value(fields).unwrap_or_default();
    if let Some(patch) = patch.as_object_mut() {
        patch.remove("required");
        patch.insert("description".to_owned(), says.into());
    }
    let fields = patch.get_mut("properties").and_then(Value::as_object_mut);
    for (name, field) in fields.into_iter().flatten() {
        field.as_object_mut().map(|field| field.remove("default"));
        if name != "name" {
            *field = json!({ "anyOf": [{ "type": "null" }, field.take()] });
        }
    }
    serde_json::from_value(patch).unwrap_or_default()
}
