//! The schema of what is written, where it is shown.

use serde_json::Value;
use utoipa::openapi::{RefOr, Schema};

/// What is told to whoever writes, and says nothing of what is shown.
pub(crate) const TO_WRITERS: [&str; 2] = ["; default all", ", RFC 3339"];

/// What bounds a value that is written, and says nothing of one that is shown.
const BOUNDS: [&str; 3] = ["default", "minItems", "minLength"];

/// The schema of fields where they are shown: each of them is there.
pub(crate) fn shown(written: RefOr<Schema>) -> RefOr<Schema> {
    let mut schema = serde_json::to_value(written).unwrap_or_default();
    let fields = schema.get_mut("properties").and_then(Value::as_object_mut);
    let mut required = Vec::new();
    for (name, field) in fields.into_iter().flatten() {
        as_shown(field);
        // One that is null where it is not set need not be there for whoever reads.
        if !field.to_string().contains("\"null\"") {
            required.push(name.clone());
        }
    }
    if let Some(schema) = schema.as_object_mut() {
        schema.insert("required".to_owned(), required.into());
    }
    serde_json::from_value(schema).unwrap_or_default()
}

/// Takes from a field's schema what is for whoever writes it; of one that may be null, from its other form.
fn as_shown(field: &mut Value) {
    let Some(field) = field.as_object_mut() else { return };
    BOUNDS.iter().for_each(|bound| drop(field.remove(*bound)));
    if let Some(Value::String(said)) = field.get_mut("description") {
        *said = TO_WRITERS.iter().fold(said.clone(), |said, words| said.replace(words, ""));
    }
    field.get_mut("oneOf").and_then(Value::as_array_mut).into_iter().flatten().for_each(as_shown);
}
