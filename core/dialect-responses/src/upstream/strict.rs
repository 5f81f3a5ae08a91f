//! Schemas as OpenAI wants them.

use std::borrow::Cow;

use serde_json::value::RawValue;
use sluice_neutral::at::At;
use sluice_neutral::json::Tree;

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

fn tree(schema: &str) -> Option<Tree<'_>> {
    let raw: &RawValue = serde_json::from_str(schema).ok()?;
    Tree::of(raw, At::ROOT).ok()
}

#[cfg(test)]
mod tests {
    use super::of_tool;

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
}
