//! Schemas of types that hold others flattened: one object in the document, as it is one in JSON.

use serde_json::{Map, Value};
use utoipa::openapi::{RefOr, Schema};

/// One object with the properties of all `parts`, in place of the `allOf` that a derived schema would be: readers of the
/// document then find each property where it stands in JSON.
#[must_use]
pub fn object<const N: usize>(description: &str, parts: [RefOr<Schema>; N]) -> RefOr<Schema> {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for part in parts {
        let Ok(Value::Object(mut part)) = serde_json::to_value(part) else { continue };
        if let Some(Value::Object(own)) = part.remove("properties") {
            properties.extend(own);
        }
        if let Some(Value::Array(own)) = part.remove("required") {
            required.extend(own);
        }
    }
    let whole = Map::from_iter([
        ("type".to_owned(), "object".into()),
        ("description".to_owned(), description.into()),
        ("properties".to_owned(), properties.into()),
        ("required".to_owned(), required.into()),
    ]);
    serde_json::from_value(whole.into()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use utoipa::{PartialSchema, ToSchema};

    #[derive(ToSchema)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    struct One {
        /// What it is.
        a: u8,
        b: Option<bool>,
    }

    #[derive(ToSchema)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    struct Other {
        c: Vec<String>,
    }

    #[derive(ToSchema)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    struct Both {
        /// What it is.
        a: u8,
        b: Option<bool>,
        c: Vec<String>,
    }

    #[test]
    fn what_is_flattened_is_described_as_if_it_were_written_out() {
        let joined = super::object("Both.", [One::schema(), Other::schema()]);
        let mut written = serde_json::to_value(Both::schema()).unwrap();
        written["description"] = "Both.".into();
        assert_eq!(serde_json::to_value(joined).unwrap(), written);
    }
}
