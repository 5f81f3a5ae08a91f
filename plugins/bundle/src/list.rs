//! Commands that only tell: plugins, openapi, reference.

use std::fmt::Display;
use std::io::Write as _;
use std::process::ExitCode;

use comfy_table::Table;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use sluice_config::settings;
use sluice_config::settings::plugins;
use sluice_translate::matrix;

/// Lists what is linked in.
pub(crate) fn plugins(as_json: bool) -> ExitCode {
    let linked = plugins::linked();
    if as_json {
        let entries: Vec<Value> = linked
            .iter()
            .map(|one| {
                json!({ "role": one.role, "kind": one.kind, "summary": one.summary, "origin": one.origin, "settings": one.json_schema() })
            })
            .collect();
        print_json(&json!(entries));
        return ExitCode::SUCCESS;
    }
    for role in plugins::ROLES {
        say(format_args!("{role}s"));
        for one in linked.iter().filter(|one| one.role == role) {
            say(format_args!("  {:<18} {}  ({})", one.kind, one.summary, one.origin));
            for setting in one.settings_list() {
                let secret = if setting.secret { ", secret" } else { "" };
                let needed = if setting.required { "required" } else { "optional" };
                say(format_args!("      {} ({needed}{secret}): {}", setting.name, setting.what));
            }
        }
        say("");
    }
    ExitCode::SUCCESS
}

/// Tells what becomes of each field of a request that is translated.
pub(crate) fn matrix(as_json: bool) -> ExitCode {
    if as_json {
        print_json(&json!(matrix::rows()));
    } else {
        say(matrix::page().trim_end());
    }
    ExitCode::SUCCESS
}

/// Prints the OpenAPI document.
pub(crate) fn openapi() -> ExitCode {
    print_json(&sluice_openapi::document());
    ExitCode::SUCCESS
}

/// Prints the configuration reference.
pub(crate) fn reference() -> ExitCode {
    say(settings::reference().trim_end());
    ExitCode::SUCCESS
}

/// Prints a line; who has closed the pipe has read enough.
pub(crate) fn say(line: impl Display) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// Prints JSON for people and programs alike.
pub(crate) fn print_json(value: &Value) {
    say(serde_json::to_string_pretty(value).unwrap_or_default());
}

/// A plain table.
pub(crate) fn table(header: &[&str], rows: impl IntoIterator<Item = Vec<String>>) {
    let mut table = Table::new();
    table.load_preset(comfy_table::presets::NOTHING).set_header(header.to_vec());
    for row in rows {
        table.add_row(row);
    }
    say(table);
}

/// A table of what each entry of a list has of these fields, under their titles. What none has is left out.
pub(crate) fn columns(entries: &[Value], columns: &[(&str, &str)]) {
    let has = |field: &str| entries.iter().any(|entry| !cell(entry.get(field)).is_empty());
    let columns: Vec<(&str, &str)> = columns.iter().copied().filter(|(field, _)| has(field)).collect();
    let titles: Vec<&str> = columns.iter().map(|(_, title)| *title).collect();
    let row = |entry: &Value| columns.iter().map(|(field, _)| cell(entry.get(*field))).collect();
    table(&titles, entries.iter().map(row));
}

/// A table of the fields of one entry but a secret, some of them first. What is not set says nothing.
pub(crate) fn fields(entry: &Map<String, Value>, first: &[&str]) {
    let shown = entry.iter().map(|(name, value)| (name.as_str(), cell(Some(value))));
    let mut shown: Vec<_> = shown.filter(|(name, text)| *name != "key" && !text.is_empty()).collect();
    shown.sort_by_key(|(name, _)| first.iter().position(|one| one == name).unwrap_or(first.len()));
    table(&["field", "value"], shown.into_iter().map(|(name, text)| vec![name.replace('_', " "), text]));
}

/// A value in a table.
pub(crate) fn cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => whole_seconds(text),
        Some(Value::Array(list)) => list.iter().map(|one| cell(Some(one))).collect::<Vec<_>>().join(", "),
        Some(other) => other.to_string(),
    }
}

/// A time without its fractions of a second, which nobody reads; any other text as it is.
fn whole_seconds(text: &str) -> String {
    let is_time = text.parse::<Timestamp>().is_ok();
    match text.split_once('.') {
        Some((seconds, _)) if is_time && text.ends_with('Z') => format!("{seconds}Z"),
        _ => text.to_owned(),
    }
}
