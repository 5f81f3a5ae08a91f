//! Keys of a running gateway, over its admin API.

use std::io::Read as _;
use std::process::ExitCode;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};
use sluice_engine::key::KeyHash;

use crate::UNUSABLE;
use crate::arguments::{At, KeyCommand, NewKey};
use crate::list::{cell, say, table};
use crate::remote::ask;

/// Runs a command.
pub(crate) fn keys(at: &At, command: KeyCommand) -> ExitCode {
    // A name may have anything in it.
    let path = |id: &str| format!("/keys/{}", utf8_percent_encode(id, NON_ALPHANUMERIC));
    let (method, path, body) = match command {
        KeyCommand::Create(new) => ("POST", "/keys".to_owned(), Some(fields(*new))),
        KeyCommand::List => ("GET", "/keys".to_owned(), None),
        KeyCommand::Show { id } => ("GET", path(&id), None),
        KeyCommand::Revoke { id } => ("DELETE", path(&id), None),
        KeyCommand::Rotate { id } => ("POST", format!("{}/rotate", path(&id)), None),
        KeyCommand::Hash { key } => return hash(key),
    };
    ask(at, (method, &path, body), show)
}

fn hash(key: Option<String>) -> ExitCode {
    let key = key.unwrap_or_else(|| {
        let mut text = String::new();
        let _ = std::io::stdin().read_to_string(&mut text);
        text.trim().to_owned()
    });
    if key.is_empty() {
        eprintln!("sluice: no key was given");
        return ExitCode::from(UNUSABLE);
    }
    say(KeyHash::of(key.as_bytes()));
    ExitCode::SUCCESS
}

fn fields(new: NewKey) -> Value {
    let mut fields = Map::new();
    fields.insert("name".to_owned(), json!(new.name));
    for (name, value) in [("group", new.group), ("user", new.user), ("expires", new.expires)] {
        if let Some(value) = value {
            fields.insert(name.to_owned(), json!(value));
        }
    }
    for (name, list) in [
        ("tags", new.tags),
        ("allow", new.allow),
        ("models", new.models),
        ("pools", new.pools),
        ("accounts", new.accounts),
    ] {
        if !list.is_empty() {
            fields.insert(name.to_owned(), json!(list));
        }
    }
    if let Some(concurrency) = new.concurrency {
        fields.insert("concurrency".to_owned(), json!(concurrency));
    }
    Value::Object(fields)
}

fn show(answer: &Value) {
    if let Some(keys) = answer.get("data").and_then(Value::as_array) {
        let columns = ["id", "name", "source", "group", "models", "concurrency", "expires", "not_in_force"];
        table(&columns, keys.iter().map(|key| columns.iter().map(|column| cell(key.get(column))).collect()));
    } else if let Some(fields) = answer.as_object() {
        table(&["field", "value"], fields.iter().map(|(name, value)| vec![name.clone(), cell(Some(value))]));
    } else {
        say("done");
    }
}
