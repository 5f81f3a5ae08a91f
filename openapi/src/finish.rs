//! What holds of the whole document and no derive says: a sentence for each response, true bounds of integers.

use serde_json::{Map, Value, json};

/// What a status means where a route says nothing more special of it.
const STATUSES: [(&str, &str); 8] = [
    ("200", "What was asked for"),
    ("400", "The request is wrong: the message says what, and `field` where"),
    ("401", "The admin token is missing, or is another one"),
    ("404", "There is none of this name"),
    ("409", "It stands against what there is: a name that is taken, or a key of the configuration's"),
    ("415", "The body is not labelled as JSON"),
    ("422", "The configuration has problems"),
    ("503", "The store is out of reach: nothing was changed"),
];

/// Formats of integers that have no sign: as utoipa writes them, as the registry of formats does, and their largest value.
/// 64 bits are more than JSON's readers agree on, so they have no end here.
const UNSIGNED: [(&str, &str, Option<u64>); 4] = [
    ("u-int8", "uint8", Some(u8::MAX as u64)),
    ("u-int16", "uint16", Some(u16::MAX as u64)),
    ("u-int32", "uint32", Some(u32::MAX as u64)),
    ("u-int64", "uint64", None),
];

/// Says what is missing everywhere in the document.
pub(crate) fn finish(document: &mut Value) {
    for item in members(document, "/paths") {
        for operation in item.as_object_mut().into_iter().flat_map(Map::values_mut) {
            describe(operation);
        }
    }
    bound(document);
}

fn members<'a>(of: &'a mut Value, pointer: &str) -> impl Iterator<Item = &'a mut Value> {
    of.pointer_mut(pointer).and_then(Value::as_object_mut).into_iter().flat_map(Map::values_mut)
}

fn describe(operation: &mut Value) {
    let responses = operation.pointer_mut("/responses").and_then(Value::as_object_mut);
    for (status, response) in responses.into_iter().flatten() {
        let meaning = STATUSES.iter().find(|(known, _)| known == status);
        if let (Some(response), Some((_, meaning))) = (response.as_object_mut(), meaning) {
            response.entry("description").or_insert_with(|| json!(meaning));
        }
    }
}

/// Every schema, wherever it stands: an integer that can't be negative has an end too.
fn bound(value: &mut Value) {
    match value {
        Value::Object(object) => {
            let format = object.get("format").and_then(Value::as_str).unwrap_or_default();
            if let Some((_, name, largest)) = UNSIGNED.iter().find(|(written, ..)| *written == format) {
                object.insert("format".to_owned(), json!(name));
                if let Some(largest) = largest {
                    object.entry("maximum").or_insert_with(|| json!(largest));
                }
            }
            object.values_mut().for_each(bound);
        }
        Value::Array(values) => values.iter_mut().for_each(bound),
        _ => {}
    }
}
