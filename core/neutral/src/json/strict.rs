//! Schemas that OpenAI's models can be held to: all that an object may have must be there, and nothing else.

use std::borrow::Cow;

use crate::at::At;
use crate::json::Tree;

/// Keywords that hold schemas by name.
const BY_NAME: [&str; 3] = ["properties", "$defs", "definitions"];

/// Keywords that such schemas can't have.
const NEVER: [&str; 9] = [
    "allOf",
    "oneOf",
    "not",
    "if",
    "patternProperties",
    "unevaluatedProperties",
    "propertyNames",
    "dependentRequired",
    "dependentSchemas",
];

/// A schema to which a model can be held: as it is written, or with its objects closed where they have all of their
/// properties. Nothing where one may be left out: who asked would not know what to make of a null in its place.
#[must_use]
pub fn strict(schema: &str) -> Option<Cow<'_, str>> {
    let mut tree = Tree::of(serde_json::from_str(schema).ok()?, At::ROOT).ok()?;
    let mut closed = false;
    hold(&mut tree, &mut closed).then(|| if closed { tree.to_string().into() } else { schema.into() })
}

/// Whether a model can be held to it, once objects that are open are closed.
fn hold(schema: &mut Tree<'_>, closed: &mut bool) -> bool {
    if is_object(schema) && !close(schema, closed) {
        return false;
    }
    let Tree::Object(members) = schema else { return false };
    members.iter_mut().all(|(name, value)| match (&**name, value) {
        (name, _) if NEVER.contains(&name) => false,
        (name, Tree::Object(inner)) if BY_NAME.contains(&name) => {
            inner.iter_mut().all(|(_, schema)| hold(schema, closed))
        }
        ("anyOf", Tree::List(list)) => list.iter_mut().all(|schema| hold(schema, closed)),
        ("items", value) => hold(value, closed),
        _ => true,
    })
}

fn is_object(schema: &Tree<'_>) -> bool {
    let is_named = match schema.get("type") {
        Some(Tree::List(kinds)) => kinds.iter().any(|kind| kind.as_text() == Some("object")),
        kind => kind.and_then(Tree::as_text) == Some("object"),
    };
    is_named || schema.get("properties").is_some()
}

/// Closes an object that has all of its properties; whether it is closed then.
fn close(schema: &mut Tree<'_>, closed: &mut bool) -> bool {
    let required = match schema.get("required") {
        Some(Tree::List(required)) => required.iter().filter_map(Tree::as_text).collect(),
        _ => Vec::new(),
    };
    let has_all = match schema.get("properties") {
        Some(Tree::Object(properties)) => properties.iter().all(|(name, _)| required.contains(&&**name)),
        _ => true,
    };
    match (schema.get("additionalProperties"), schema.get("properties").is_some()) {
        _ if !has_all => return false,
        (Some(Tree::Plain(plain)), _) => return plain == "false",
        (None, true) => {}
        // What it may have is not said.
        (Some(_), _) | (None, false) => return false,
    }
    if let Tree::Object(members) = schema {
        members.push(("additionalProperties".into(), Tree::Plain("false".into())));
        *closed = true;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::strict;

    #[test]
    fn schemas_are_closed_where_nothing_may_be_left_out() {
        let object = |inner: &str, rest: &str| {
            format!(r#"{{"type":"object","properties":{{"a":{inner}}}{rest},"additionalProperties":false}}"#)
        };
        let all = r#","required":["a"]"#;
        let open = |inner: &str| format!(r#"{{"properties":{{"a":{inner}}},"required":["a"]}}"#);
        let shut = |inner: &str| {
            format!(r#"{{"properties":{{"a":{inner}}},"required":["a"],"additionalProperties":false}}"#)
        };
        let nested = |inner: String| format!(r#"{{"type":"array","items":{inner}}}"#);
        let text = r#"{"type":"string","minimum":1.0e2}"#;
        for (schema, held) in [
            (object(text, all), Some(object(text, all))),
            (object(text, ""), None),
            (open(text), Some(shut(text))),
            (nested(open(text)), Some(nested(shut(text)))),
            (open(&open(text)), Some(shut(&shut(text)))),
            (open(text).replace(r#""required""#, r#""additionalProperties":{},"required""#), None),
            (r#"{"type":["object","null"]}"#.to_owned(), None),
            (
                r#"{"type":"object","additionalProperties":false}"#.to_owned(),
                Some(r#"{"type":"object","additionalProperties":false}"#.to_owned()),
            ),
            (object(r#"{"type":"array","items":{"type":"object","properties":{"b":{}}}}"#, all), None),
            (
                object(r##"{"$ref":"#/$defs/x"}"##, r#","required":["a"],"$defs":{"x":{"type":"string"}}"#),
                Some(object(
                    r##"{"$ref":"#/$defs/x"}"##,
                    r#","required":["a"],"$defs":{"x":{"type":"string"}}"#,
                )),
            ),
            // A property may be called as a keyword is.
            (
                object(text, all).replace("\"a\"", "\"not\""),
                Some(object(text, all).replace("\"a\"", "\"not\"")),
            ),
            (r#"{"oneOf":[{"type":"string"}]}"#.to_owned(), None),
            ("true".to_owned(), None),
            ("nonsense".to_owned(), None),
        ] {
            assert_eq!(strict(&schema).as_deref(), held.as_deref(), "{schema}");
        }
    }
}
