//! JSON Schemas as Anthropic's structured outputs take them.
//!
//! What they do not know of a schema is told in its description instead: bounds of numbers and lengths, patterns. Source:
//! Anthropic's documentation of structured outputs.

use std::borrow::Cow;

use sluice_api::error::Error;
use sluice_neutral::at::At;
use sluice_neutral::json::{self, Raw, Tree};

/// Members that are taken as they are.
const PLAIN: [&str; 7] = ["type", "enum", "const", "required", "$ref", "description", "title"];
/// Members that hold schemas by names.
const NAMED: [&str; 3] = ["properties", "$defs", "definitions"];
/// Members that hold lists of schemas.
const LISTS: [&str; 3] = ["anyOf", "allOf", "oneOf"];
/// Forms of strings that are known.
const FORMATS: [&str; 10] =
    ["date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"];
/// Members that say nothing to the model.
const MUTE: [&str; 4] = ["$schema", "$id", "$comment", "additionalProperties"];

/// A schema with nothing in it that is refused; as it is written where nothing was.
///
/// # Errors
///
/// When it is no JSON object.
pub(super) fn cleaned(schema: &str, at: At) -> Result<Cow<'_, str>, Error> {
    let raw: Raw<'_> =
        serde_json::from_str(schema).map_err(|_| json::wrong(at, "it must be a JSON Schema"))?;
    let tree = Tree::of(raw, at)?;
    if !matches!(tree, Tree::Object(_)) {
        return Err(json::wrong(at, "it must be an object"));
    }
    let before = tree.to_string();
    let after = clean(tree).to_string();
    Ok(if before == after { Cow::Borrowed(schema) } else { Cow::Owned(after) })
}

fn clean(schema: Tree<'_>) -> Tree<'_> {
    let Tree::Object(members) = schema else { return schema };
    let is_object = members
        .iter()
        .any(|(name, value)| name == "properties" || (name == "type" && value.as_text() == Some("object")));
    let mut kept = Vec::with_capacity(members.len() + 1);
    let mut told = Vec::new();
    let mut closed = false;
    for (name, value) in members {
        match (&*name, value) {
            ("additionalProperties", value) => {
                closed = true;
                let value = if is_object { Tree::Plain("false".into()) } else { value };
                kept.push((name, value));
            }
            (known, value) if PLAIN.contains(&known) => kept.push((name, value)),
            (known, Tree::Object(inner)) if NAMED.contains(&known) => {
                let inner = inner.into_iter().map(|(name, schema)| (name, clean(schema)));
                kept.push((name, Tree::Object(inner.collect())));
            }
            (known, Tree::List(inner)) if LISTS.contains(&known) => {
                let name = if known == "oneOf" { "anyOf".into() } else { name };
                kept.push((name, Tree::List(inner.into_iter().map(clean).collect())));
            }
            ("items", value @ Tree::Object(_)) => kept.push((name, clean(value))),
            ("minItems", value) if matches!(&value, Tree::Plain(text) if text == "0" || text == "1") => {
                kept.push((name, value));
            }
            ("format", value) if value.as_text().is_some_and(|text| FORMATS.contains(&text)) => {
                kept.push((name, value));
            }
            (known, _) if MUTE.contains(&known) => {}
            (_, value) => told.push(format!("{name}: {value}")),
        }
    }
    if is_object && !closed {
        kept.push(("additionalProperties".into(), Tree::Plain("false".into())));
    }
    describe(&mut kept, &told);
    Tree::Object(kept)
}

/// Puts what was left out into the description.
fn describe(kept: &mut Vec<(Cow<'_, str>, Tree<'_>)>, told: &[String]) {
    if told.is_empty() {
        return;
    }
    let words = told.join(", ");
    match kept.iter_mut().find(|(name, _)| name == "description") {
        Some((_, value)) => {
            let before = value.as_text().unwrap_or_default();
            *value = Tree::Text(format!("{before} ({words})").into());
        }
        None => kept.push(("description".into(), Tree::Text(words.into()))),
    }
}

#[cfg(test)]
mod tests {
    use super::cleaned;
    use sluice_neutral::at::At;

    #[test]
    fn what_is_not_known_is_told_in_words_and_the_rest_stays_as_it_is() {
        for (schema, expected) in [
            (
                r#"{ "type":"object", "properties":{"a":{"type":"string"}}, "additionalProperties": false }"#,
                None,
            ),
            (
                r#"{"type":"object","properties":{"a":{"type":"integer","minimum":1,"maximum":9007199254740993}}}"#,
                Some(
                    r#"{"type":"object","properties":{"a":{"type":"integer","description":"minimum: 1, maximum: 9007199254740993"}},"additionalProperties":false}"#,
                ),
            ),
            (
                r#"{"$schema":"x","oneOf":[{"type":"string","format":"email","maxLength":3,"description":"d"}]}"#,
                Some(r#"{"anyOf":[{"type":"string","format":"email","description":"d (maxLength: 3)"}]}"#),
            ),
            (
                r#"{"type":"object","properties":{"minimum":{"type":"array","items":{"type":"object"},"minItems":2}},"additionalProperties":true}"#,
                Some(
                    r#"{"type":"object","properties":{"minimum":{"type":"array","items":{"type":"object","additionalProperties":false},"description":"minItems: 2"}},"additionalProperties":false}"#,
                ),
            ),
        ] {
            assert_eq!(cleaned(schema, At::ROOT).unwrap(), expected.unwrap_or(schema), "{schema}");
        }
        assert!(cleaned("[]", At::ROOT).is_err() && cleaned("{", At::ROOT).is_err());
    }
}
