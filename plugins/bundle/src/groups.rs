//! Groups of a running gateway, over its admin API.

use std::process::ExitCode;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Method;
use serde_json::{Map, Value, json};

use crate::UNUSABLE;
use crate::arguments::{At, GroupCommand, GroupFields};
use crate::list::{columns, fields, say};
use crate::remote::ask;

/// What a list of groups shows of each: the field, and its title. What no group has is left out.
const COLUMNS: [(&str, &str); 7] = [
    ("name", "name"),
    ("source", "source"),
    ("concurrency", "concurrency"),
    ("limits", "limits"),
    ("max_output_tokens", "max output tokens"),
    ("created", "created"),
    ("not_in_force", "not in force"),
];

/// Fields that stand first where one group is shown; the others follow by name.
const FIRST: [&str; 3] = ["name", "source", "created"];

/// Runs a command.
pub(crate) fn groups(at: &At, command: GroupCommand) -> ExitCode {
    let (method, path, body) = match command {
        GroupCommand::Create { name, fields } => {
            let mut body = given(&fields);
            body.insert("name".to_owned(), json!(name));
            (Method::POST, "/groups".to_owned(), Some(body.into()))
        }
        GroupCommand::Update { name, fields, cleared } => {
            let mut body = given(&fields);
            body.extend(cleared.into_iter().map(|field| (field, Value::Null)));
            if body.is_empty() {
                eprintln!("sluice: nothing is to be changed: give a field, or --clear one");
                return ExitCode::from(UNUSABLE);
            }
            (Method::PATCH, path(&name), Some(body.into()))
        }
        GroupCommand::List => (Method::GET, "/groups".to_owned(), None),
        GroupCommand::Show { name } => (Method::GET, path(&name), None),
        GroupCommand::Delete { name } => (Method::DELETE, path(&name), None),
    };
    ask(at, (method, &path, body), show)
}

/// Where a group is. None is named by dots alone, which URLs take for folders.
fn path(name: &str) -> String {
    format!("/groups/{}", utf8_percent_encode(name, NON_ALPHANUMERIC))
}

fn given(fields: &GroupFields) -> Map<String, Value> {
    match serde_json::to_value(fields) {
        Ok(Value::Object(fields)) => fields,
        _ => Map::new(),
    }
}

fn show(answer: &Value) {
    match answer.get("data").and_then(Value::as_array).map(Vec::as_slice) {
        Some([]) => say("there are no groups: sluice groups create --name NAME makes one"),
        Some(groups) => columns(groups, &COLUMNS),
        None => match answer.as_object() {
            Some(group) => fields(group, &FIRST),
            None => say("deleted"),
        },
    }
}
