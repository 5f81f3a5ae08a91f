//! Schemas as OpenAI wants them.

use std::borrow::Cow;

use serde_json::value::RawValue;
use sluice_neutral::json::Tree;
use sluice_neutral::loss::At;

/// What a tool takes that does not say.
const NOTHING: &str = r#"{"type":"object","properties":{}}"#;

/// The schema of a tool, which OpenAI refuses without `properties`.
pub(super) fn of_tool(schema: Option<&str>) -> Cow<'_, str> {
    let Some(schema) = schema.filter(|schema| *schema != "null") else { return Cow::Borrowed(NOTHING) };
    let Some(tree) = tree(schema) else { return Cow::Borrowed(NOTHING) };
    let Tree::Object(members) = &tree else { return Cow::Borrowed(NOTHING) };
    if members.is_empty() {
        return Cow::Borrowed(NOTHING);
    }
    let is_object = tree.get("type").and_then(Tree::as_text) == Some("object");
    match schema.trim_start().strip_prefix('{') {
        Some(rest) if is_object && tree.get("properties").is_none() => {
            Cow::Owned(format!("{{\"properties\":{{}},{rest}"))
        }
        _ => Cow::Borrowed(schema),
    }
}

/// Whether a schema is one of those that OpenAI can hold an answer to: all that an object may have must be there, and
/// nothing else.
pub(super) fn fits(schema: &str) -> bool {
    tree(schema).is_some_and(|tree| is_strict(&tree))
}

fn tree(schema: &str) -> Option<Tree<'_>> {
    let raw: &RawValue = serde_json::from_str(schema).ok()?;
    Tree::of(raw, At::ROOT).ok()
}

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

fn is_strict(schema: &Tree<'_>) -> bool {
    let Tree::Object(members) = schema else { return false };
    if members.iter().any(|(name, _)| NEVER.contains(&&**name)) {
        return false;
    }
    let has_properties = schema.get("properties").is_some();
    let is_object = has_properties || schema.get("type").and_then(Tree::as_text) == Some("object");
    if is_object && !is_closed(schema) {
        return false;
    }
    members.iter().all(|(name, value)| match (&**name, value) {
        (name, Tree::Object(inner)) if BY_NAME.contains(&name) => {
            inner.iter().all(|(_, schema)| is_strict(schema))
        }
        ("anyOf", Tree::List(list)) => list.iter().all(is_strict),
        ("items", value) => is_strict(value),
        _ => true,
    })
}

/// Whether an object says that it has all of its properties and no others.
fn is_closed(schema: &Tree<'_>) -> bool {
    let closed = matches!(schema.get("additionalProperties"), Some(Tree::Plain(plain)) if plain == "false");
    let Some(Tree::Object(properties)) = schema.get("properties") else { return closed };
    let required = match schema.get("required") {
        Some(Tree::List(required)) => required.as_slice(),
        _ => &[],
    };
    closed && properties.iter().all(|(name, _)| required.iter().any(|one| one.as_text() == Some(name)))
}

#[cfg(test)]
mod tests {
    use super::{fits, of_tool};

    #[test]
    fn a_tools_schema_has_properties_and_is_else_as_it_was_written() {
        const NOTHING: &str = r#"{"type":"object","properties":{}}"#;
        const WHOLE: &str = r#"{"type":"object","properties":{"a":{"minimum":1.0}}}"#;
        for (schema, sent) in [
            (None, NOTHING),
            (Some("{}"), NOTHING),
            (Some(r#"{ "type":"object" }"#), r#"{"properties":{}, "type":"object" }"#),
            (Some(WHOLE), WHOLE),
        ] {
            assert_eq!(of_tool(schema), sent);
        }
    }

    #[test]
    fn only_closed_schemas_are_strict() {
        let object = |inner: &str, rest: &str| {
            format!(r#"{{"type":"object","properties":{{"a":{inner}}}{rest},"additionalProperties":false}}"#)
        };
        let all = r#","required":["a"]"#;
        for (schema, strict) in [
            (object(r#"{"type":"string"}"#, all), true),
            (object(r#"{"type":"string"}"#, ""), false),
            (r#"{"type":"object","properties":{"a":{"type":"string"}},"required":["a"]}"#.to_owned(), false),
            (object(r#"{"type":"array","items":{"type":"object","properties":{"b":{}}}}"#, all), false),
            (
                object(r##"{"$ref":"#/$defs/x"}"##, r#","required":["a"],"$defs":{"x":{"type":"string"}}"#),
                true,
            ),
            (r#"{"oneOf":[{"type":"string"}]}"#.to_owned(), false),
            ("true".to_owned(), false),
        ] {
            assert_eq!(fits(&schema), strict, "{schema}");
        }
    }
}
