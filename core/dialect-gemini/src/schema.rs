//! Schemas: Google's own form as JSON Schema, and JSON Schema without what Google refuses.

use std::borrow::Cow;

use sluice_api::error::Error;
use sluice_neutral::at::At;
use sluice_neutral::json::{self, Raw, Tree};
use sluice_neutral::request::Text;

use crate::casing;

type Members<'a> = Vec<(Cow<'a, str>, Tree<'a>)>;

/// Keywords whose values are schemas by names of the user's own.
const MAPS: [&str; 5] = ["properties", "patternProperties", "$defs", "definitions", "dependentSchemas"];
/// Keywords whose values are lists of schemas.
const LISTS: [&str; 5] = ["anyOf", "oneOf", "allOf", "prefixItems", "items"];
/// Keywords whose values are schemas.
const SINGLES: [&str; 11] = [
    "items",
    "additionalProperties",
    "additionalItems",
    "not",
    "if",
    "then",
    "else",
    "contains",
    "propertyNames",
    "unevaluatedItems",
    "unevaluatedProperties",
];
/// Names of types as Google writes them.
const TYPES: [&str; 7] = ["STRING", "NUMBER", "INTEGER", "BOOLEAN", "ARRAY", "OBJECT", "NULL"];
/// Keywords that say nothing of what fits, and that Google refuses.
const REFUSED: [&str; 3] = ["$schema", "$id", "$comment"];
/// Keywords of whole numbers, which may be quoted.
const COUNTS: [&str; 6] =
    ["minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties"];

/// A schema in Google's own form, as JSON Schema.
pub(crate) fn of_google(value: Raw<'_>, at: At) -> Result<String, Error> {
    json::object(value, at)?;
    Tree::of(value, at).map(|tree| mapped(tree, &of_google_node).to_string())
}

/// JSON Schema of a client's, with the names of types as JSON Schema has them: some clients write Google's.
pub(crate) fn of_client(value: Raw<'_>, at: At) -> Result<Text<'_>, Error> {
    json::object(value, at)?;
    if !has_google_types(value.get()) {
        return Ok(Cow::Borrowed(value.get()));
    }
    Tree::of(value, at).map(|tree| Cow::Owned(mapped(tree, &lowered).to_string()))
}

/// JSON Schema as Google takes it; nothing where it takes no arguments at all.
pub(crate) fn for_google(schema: &str) -> Option<Text<'_>> {
    let suspicious = REFUSED.iter().chain(&["examples"]).any(|name| schema.contains(name));
    if !suspicious && !has_google_types(schema) && has_properties(schema) {
        return Some(Cow::Borrowed(schema));
    }
    let Ok(tree) =
        serde_json::from_str(schema).map_err(drop).and_then(|raw| Tree::of(raw, At::ROOT).map_err(drop))
    else {
        return Some(Cow::Borrowed(schema));
    };
    let tree = mapped(tree, &for_google_node);
    (!is_empty(&tree)).then(|| Cow::Owned(tree.to_string()))
}

fn has_google_types(schema: &str) -> bool {
    schema.contains("\"type\"") && TYPES.iter().any(|name| schema.contains(name))
}

/// Whether it has properties, as far as a look tells.
fn has_properties(schema: &str) -> bool {
    schema.contains("\"properties\":{\"")
}

/// Whether it is an object of which nothing is said: Google refuses one without properties.
fn is_empty(tree: &Tree<'_>) -> bool {
    let Tree::Object(members) = tree else { return false };
    members.iter().all(|(name, value)| match (&**name, value) {
        ("type", value) => value.as_text() == Some("object"),
        ("properties", Tree::Object(properties)) => properties.is_empty(),
        ("required", Tree::List(names)) => names.is_empty(),
        ("additionalProperties", Tree::Plain(_)) | ("title" | "description", _) => true,
        _ => false,
    })
}

/// A schema, each node of it changed before those within it.
fn mapped<'a>(tree: Tree<'a>, node: &dyn Fn(Members<'a>) -> Members<'a>) -> Tree<'a> {
    let Tree::Object(members) = tree else { return tree };
    let members = node(members).into_iter();
    let within = members.map(|(name, value)| {
        let value = match value {
            Tree::Object(inner) if MAPS.contains(&&*name) => {
                Tree::Object(inner.into_iter().map(|(name, schema)| (name, mapped(schema, node))).collect())
            }
            Tree::List(inner) if LISTS.contains(&&*name) => {
                Tree::List(inner.into_iter().map(|schema| mapped(schema, node)).collect())
            }
            value if SINGLES.contains(&&*name) => mapped(value, node),
            value => value,
        };
        (name, value)
    });
    Tree::Object(within.collect())
}

fn lowered(mut members: Members<'_>) -> Members<'_> {
    for (name, value) in &mut members {
        if name == "type" {
            lower(value);
        }
    }
    members
}

fn lower(value: &mut Tree<'_>) {
    match value {
        Tree::Text(name) if TYPES.contains(&&**name) => *name = Cow::Owned(name.to_ascii_lowercase()),
        Tree::List(names) => names.iter_mut().for_each(lower),
        _ => {}
    }
}

fn for_google_node(mut members: Members<'_>) -> Members<'_> {
    members.retain(|(name, value)| {
        let is_odd = name == "examples" && !matches!(value, Tree::List(_));
        !is_odd && !REFUSED.contains(&&**name)
    });
    lowered(members)
}

/// One node of Google's form.
fn of_google_node(members: Members<'_>) -> Members<'_> {
    let (mut told, mut nullable, mut ordering) = (Members::new(), false, Vec::new());
    for (name, value) in members {
        let name = casing::camel(&name).map_or(name, Cow::Owned);
        match (&*name, value) {
            ("nullable", value) => nullable = matches!(&value, Tree::Plain(text) if text == "true"),
            ("propertyOrdering", Tree::List(names)) => ordering = names,
            ("ref", value) => told.push(("$ref".into(), value)),
            ("defs", value) => told.push(("$defs".into(), value)),
            ("example", value) => told.push(("examples".into(), Tree::List(vec![value]))),
            ("type", Tree::Text(kind)) if kind == "TYPE_UNSPECIFIED" => {}
            ("type", Tree::Text(kind)) => {
                told.push((name, Tree::Text(Cow::Owned(kind.to_ascii_lowercase()))))
            }
            ("format", Tree::Text(format)) if format == "enum" => {}
            (count, Tree::Text(number)) if COUNTS.contains(&count) => told.push((name, Tree::Plain(number))),
            (_, value) => told.push((name, value)),
        }
    }
    if nullable {
        told.iter_mut().for_each(or_null);
    }
    for (name, value) in &mut told {
        if let ("properties", Tree::Object(properties)) = (&**name, value) {
            order(properties, &ordering);
        }
    }
    told
}

/// What a node says, with null as one more of what fits.
fn or_null((name, value): &mut (Cow<'_, str>, Tree<'_>)) {
    let null = || Tree::Plain(Cow::Borrowed("null"));
    match (&**name, &mut *value) {
        ("type", Tree::Text(kind)) if kind != "null" => {
            let kind = Tree::Text(std::mem::take(kind));
            *value = Tree::List(vec![kind, Tree::Text(Cow::Borrowed("null"))]);
        }
        ("enum", Tree::List(values)) if !values.contains(&null()) => values.push(null()),
        ("anyOf", Tree::List(schemas)) => {
            let one = ("type".into(), Tree::Text(Cow::Borrowed("null")));
            schemas.push(Tree::Object(vec![one]));
        }
        _ => {}
    }
}

/// Properties in the order that is asked for, the others behind them.
fn order(properties: &mut Members<'_>, ordering: &[Tree<'_>]) {
    let place =
        |name: &str| ordering.iter().position(|one| one.as_text() == Some(name)).unwrap_or(usize::MAX);
    properties.sort_by_key(|(name, _)| place(name));
}

#[cfg(test)]
mod tests {
    use super::{for_google, of_client, of_google};
    use sluice_neutral::at::At;

    #[test]
    fn googles_form_is_told_as_json_schema_and_names_of_the_users_own_stay() {
        for (google, schema) in [
            (
                r#"{"type":"OBJECT","property_ordering":["b","a_b"],"properties":{"a_b":{"type":"STRING","min_length":"3","nullable":true},"b":{"any_of":[{"type":"INTEGER","minimum":0.0}],"nullable":true}},"required":["a_b"]}"#,
                r#"{"type":"object","properties":{"b":{"anyOf":[{"type":"integer","minimum":0.0},{"type":"null"}]},"a_b":{"type":["string","null"],"minLength":3}},"required":["a_b"]}"#,
            ),
            (
                r##"{"type":"ARRAY","items":{"ref":"#/$defs/N"},"defs":{"any_of":{"type":"STRING","format":"enum","enum":["A"],"example":"A"}}}"##,
                r##"{"type":"array","items":{"$ref":"#/$defs/N"},"$defs":{"any_of":{"type":"string","enum":["A"],"examples":["A"]}}}"##,
            ),
            (
                r#"{"type":"string","nullable":true,"enum":["x"],"default":{"type":"STRING"}}"#,
                r#"{"type":["string","null"],"enum":["x",null],"default":{"type":"STRING"}}"#,
            ),
            (
                r#"{"type":"OBJECT","additional_properties":false,"const":1.50}"#,
                r#"{"type":"object","additionalProperties":false,"const":1.50}"#,
            ),
        ] {
            assert_eq!(of_google(serde_json::from_str(google).unwrap(), At::ROOT).unwrap(), schema);
        }
    }

    #[test]
    fn clients_that_write_googles_types_in_json_schema_are_understood() {
        let upper = r#"{"type":"OBJECT","properties":{"STRING":{"type":["STRING","null"]},"type":{"type":"NUMBER"}}}"#;
        let lower = r#"{"type":"object","properties":{"STRING":{"type":["string","null"]},"type":{"type":"number"}}}"#;
        assert_eq!(of_client(serde_json::from_str(upper).unwrap(), At::ROOT).unwrap(), lower);
        let own = r#"{ "type": "object", "x_y": 1 }"#;
        assert_eq!(of_client(serde_json::from_str(own).unwrap(), At::ROOT).unwrap(), own);
    }

    #[test]
    fn what_google_refuses_is_taken_out_and_nothing_else() {
        let kept = r#""type":"object","properties":{"$id":{"type":["string","null"],"exclusiveMinimum":0,"const":1},"r":{"$ref":"\#/$defs/D"}},"propertyNames":{"pattern":"a"},"$defs":{"D":{"type":"string"}}"#
            .replace("\\#", "#");
        let given = format!(
            r#"{{"$schema":"https://json-schema.org/draft/2020-12/schema","$id":"u",{kept},"$comment":"c","examples":1}}"#
        );
        assert_eq!(for_google(&given).as_deref(), Some(format!("{{{kept}}}").as_str()));
        for nothing in [
            "{}",
            r#"{"type":"object","properties":{}}"#,
            r#"{"type":"object","properties":{},"required":[],"additionalProperties":false,"$schema":"s"}"#,
        ] {
            assert_eq!(for_google(nothing), None, "{nothing}");
        }
        let plain = r#"{"type":"object","properties":{"a":{"type":"number","minimum":1.0e2}}}"#;
        assert_eq!(for_google(plain).as_deref(), Some(plain));
    }
}
