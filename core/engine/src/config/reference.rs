//! The reference of all settings, from the comments of their types.

use std::fmt::Write as _;

use serde_json::Value;
use sluice_api::plugin::SettingsSchema;

use super::settings::{
    Account, Admin, Cooldown, Cost, Group, KeyFields, Limit, Limits, Route, Scheduler, Server, Stats,
    Telemetry, Tls, Upstream,
};
use crate::plugins;

/// The reference as Markdown.
#[must_use]
pub fn reference() -> String {
    let mut text = String::from(
        "# Configuration reference\n\nMade from the comments of the settings' types (`sluice reference`); a test fails when it is stale.\n",
    );
    let tables = [
        ("[server]", SettingsSchema::of::<Server>()),
        ("[server] tls", SettingsSchema::of::<Tls>()),
        ("[admin]", SettingsSchema::of::<Admin>()),
        ("[upstream]", SettingsSchema::of::<Upstream>()),
        ("[[accounts]]", SettingsSchema::of::<Account>()),
        ("[[routes]]", SettingsSchema::of::<Route>()),
        ("[scheduler]", SettingsSchema::of::<Scheduler>()),
        ("[scheduler] cooldown", SettingsSchema::of::<Cooldown>()),
        ("[limits]", SettingsSchema::of::<Limits>()),
        ("[[groups]]", SettingsSchema::of::<Group>()),
        ("[[keys]] (beside `key` or `hash`)", SettingsSchema::of::<KeyFields>()),
        ("limits", SettingsSchema::of::<Limit>()),
        ("[cost]", SettingsSchema::of::<Cost>()),
        ("[stats]", SettingsSchema::of::<Stats>()),
        ("[telemetry]", SettingsSchema::of::<Telemetry>()),
    ];
    for (title, schema) in tables {
        section(
            &mut text,
            &format!("## `{title}`"),
            &serde_json::to_value(&schema.schema).unwrap_or_default(),
        );
    }
    text.push_str("\n# Plugins\n");
    for plugin in plugins::linked() {
        let _ = write!(text, "\n## {} `{}`\n\n{}\n", plugin.role, plugin.kind, plugin.summary);
        section(&mut text, "", &plugin.json_schema());
    }
    text
}

fn section(text: &mut String, title: &str, schema: &Value) {
    if !title.is_empty() {
        let _ = write!(text, "\n{title}\n\n{}\n", one_line(schema.get("description")));
    }
    let Some(properties) =
        schema.get("properties").and_then(Value::as_object).filter(|some| !some.is_empty())
    else {
        return;
    };
    text.push_str("\n| key | type | what |\n|---|---|---|\n");
    for (key, property) in properties {
        let _ =
            writeln!(text, "| `{key}` | {} | {} |", kind(property), one_line(property.get("description")));
    }
}

fn kind(property: &Value) -> String {
    if let Some(reference) = property.get("$ref").and_then(Value::as_str) {
        return reference.rsplit('/').next().unwrap_or_default().to_owned();
    }
    for key in ["oneOf", "anyOf", "allOf"] {
        if let Some(some) = property.get(key).and_then(Value::as_array) {
            let kinds: Vec<String> = some.iter().map(kind).filter(|kind| kind != "null").collect();
            return kinds.join(" or ");
        }
    }
    match property.get("type") {
        Some(Value::String(kind)) if kind == "array" => {
            format!("list of {}", property.get("items").map(self::kind).unwrap_or_default())
        }
        Some(Value::String(kind)) => kind.clone(),
        Some(Value::Array(kinds)) => kinds
            .iter()
            .filter_map(Value::as_str)
            .filter(|kind| *kind != "null")
            .collect::<Vec<_>>()
            .join(" or "),
        _ => String::new(),
    }
}

fn one_line(text: Option<&Value>) -> String {
    text.and_then(Value::as_str)
        .unwrap_or_default()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .replace('|', "\\|")
}
