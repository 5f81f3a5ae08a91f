//! The reference of all settings, from the comments of their types.

use std::fmt::Write as _;

use serde_json::Value;
use sluice_api::plugin::SettingsSchema;
use sluice_oauth as oauth;

use crate::account::{Account, Route};
use crate::key::{Group, KeyFields, KeySecret, Queue};
use crate::limit::Limit;
use crate::plugins;
use crate::server::{Admin, Server, Telemetry, Tls, Upstream};
use crate::tables::{Cooldown, Cost, Limits, Scheduler, Stats, Store};

/// What is said before the tables: where settings are read from, and what values look like.
const HEAD: &str = include_str!("head.txt");

/// The reference as Markdown.
#[must_use]
pub fn reference() -> String {
    let mut text = HEAD.to_owned();
    text.push_str("\n# Tables\n");
    let tables = [
        ("`[server]`", SettingsSchema::of::<Server>()),
        ("`[server]` tls", SettingsSchema::of::<Tls>()),
        ("`[admin]`", SettingsSchema::of::<Admin>()),
        ("`[store]`", SettingsSchema::of::<Store>()),
        ("`[upstream]`", SettingsSchema::of::<Upstream>()),
        ("`[[accounts]]`", SettingsSchema::of::<Account>()),
        ("`[[accounts]]` oauth, where its provider has it", SettingsSchema::of::<oauth::Settings>()),
        ("`[[routes]]`", SettingsSchema::of::<Route>()),
        ("`[scheduler]`", SettingsSchema::of::<Scheduler>()),
        ("`[scheduler]` cooldown", SettingsSchema::of::<Cooldown>()),
        ("`[limits]`", SettingsSchema::of::<Limits>()),
        ("`[[groups]]`", SettingsSchema::of::<Group>()),
        ("`[[keys]]`, its secret", SettingsSchema::of::<KeySecret>()),
        ("`[[keys]]`, beside its secret", SettingsSchema::of::<KeyFields>()),
        ("`[[keys]]` queue", SettingsSchema::of::<Queue>()),
        ("limits of accounts, groups and keys", SettingsSchema::of::<Limit>()),
        ("`[cost]`", SettingsSchema::of::<Cost>()),
        ("`[stats]`", SettingsSchema::of::<Stats>()),
        ("`[telemetry]`", SettingsSchema::of::<Telemetry>()),
    ];
    for (title, schema) in tables {
        section(&mut text, &format!("## {title}"), &schema.alone());
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
    text.push_str("\n| key | type | default | what |\n|---|---|---|---|\n");
    let required: Vec<&str> = schema
        .get("required")
        .and_then(Value::as_array)
        .map(|names| names.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default();
    for (key, property) in properties {
        let default = match property.get("default") {
            Some(value) if !value.is_null() => format!("`{}`", toml_like(value)),
            _ if required.contains(&key.as_str()) => "required".to_owned(),
            _ => String::new(),
        };
        let _ = writeln!(
            text,
            "| `{key}` | {} | {default} | {} |",
            kind(property, schema),
            one_line(description(property))
        );
    }
}

/// A default as a configuration file would have it.
fn toml_like(value: &Value) -> String {
    match value {
        Value::Object(map) if map.is_empty() => "{}".to_owned(),
        Value::Object(map) => {
            let pairs: Vec<String> = map.iter().map(|(key, value)| format!("{key} = {value}")).collect();
            format!("{{ {} }}", pairs.join(", "))
        }
        other => other.to_string(),
    }
}

/// The description of a property; where it may be left out, it stands at the kind that is not null.
fn description(property: &Value) -> Option<&Value> {
    let own = property.get("description");
    own.or_else(|| {
        let kinds = ["oneOf", "anyOf", "allOf"].iter().find_map(|key| property.get(key)?.as_array())?;
        kinds.iter().find_map(|kind| kind.get("description"))
    })
}

/// What types with a form of their own are called for people.
const NAMES: [(&str, &str); 5] = [
    ("Span", "duration"),
    ("Size", "size"),
    ("Secret", "secret"),
    ("Decimal", "decimal in quotes"),
    ("Per", "duration, or \"day\", \"week\", \"month\", \"total\""),
];

/// What a property may be; `root` is what its references point into.
fn kind(property: &Value, root: &Value) -> String {
    let of = |property: &Value| kind(property, root);
    if let Some(reference) = property.get("$ref").and_then(Value::as_str) {
        let name = reference.rsplit('/').next().unwrap_or_default();
        let known = NAMES.iter().find(|(kind, _)| *kind == name);
        let referred = || reference.strip_prefix('#').and_then(|path| root.pointer(path));
        return match known {
            Some((_, people)) => (*people).to_owned(),
            None => referred().map_or_else(|| name.to_owned(), of),
        };
    }
    if let Some(values) = property.get("enum").and_then(Value::as_array) {
        return values.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    }
    for key in ["oneOf", "anyOf", "allOf"] {
        if let Some(some) = property.get(key).and_then(Value::as_array) {
            let kinds: Vec<String> = some.iter().map(of).filter(|kind| kind != "null").collect();
            return kinds.join(" or ");
        }
    }
    match property.get("type") {
        Some(Value::String(kind)) if kind == "array" => {
            format!("list of {}", property.get("items").map(of).unwrap_or_default())
        }
        Some(Value::String(kind)) if kind == "object" => "table".to_owned(),
        Some(Value::String(kind)) => kind.clone(),
        Some(Value::Array(kinds)) => {
            let named = kinds.iter().filter_map(Value::as_str).filter(|kind| *kind != "null");
            let names: Vec<String> = named.map(|name| of(&with_type(property, name))).collect();
            names.join(" or ")
        }
        _ => String::new(),
    }
}

/// A property that has one of its types alone.
fn with_type(property: &Value, name: &str) -> Value {
    let mut alone = property.clone();
    if let Some(object) = alone.as_object_mut() {
        object.insert("type".to_owned(), name.into());
    }
    alone
}

fn one_line(text: Option<&Value>) -> String {
    text.and_then(Value::as_str)
        .unwrap_or_default()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .replace('|', "\\|")
}
