//! Keys of a running gateway, over its admin API.

use std::io::Read as _;
use std::process::ExitCode;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Method;
use serde_json::{Map, Value, json};
use sluice_config::key::KeyHash;

use crate::arguments::{At, KeyCommand, KeyFields};
use crate::list::{columns, say};
use crate::remote::{ask, asked};
use crate::{FAILED, UNUSABLE};

/// What a list of keys shows of each: the field, and its title. What no key has is left out.
const COLUMNS: [(&str, &str); 9] = [
    ("id", "id"),
    ("name", "name"),
    ("source", "source"),
    ("group", "group"),
    ("models", "models"),
    ("created", "created"),
    ("last_used", "last used"),
    ("expires", "expires"),
    ("not_in_force", "not in force"),
];

/// Fields that stand first where one key is shown; the others follow by name.
const FIRST: [&str; 7] = ["id", "name", "source", "created", "rotated", "last_used", "expires"];

/// Runs a command.
pub(crate) fn keys(at: &At, command: KeyCommand) -> ExitCode {
    let asks = match asks(at, command) {
        Ok(asks) => asks,
        Err(code) => return code,
    };
    let (method, path, body) = asks;
    let deletes = method == Method::DELETE;
    ask(at, (method, &path, body), |answer| show(deletes, answer))
}

/// What a command asks of the gateway, or how it ends without.
fn asks(at: &At, command: KeyCommand) -> Result<(Method, String, Option<Value>), ExitCode> {
    Ok(match command {
        KeyCommand::Create(new) => {
            let mut body = fields(&new.fields);
            body.insert("name".to_owned(), json!(new.name));
            (Method::POST, "/keys".to_owned(), Some(body.into()))
        }
        KeyCommand::Update { id, fields: changed, cleared } => {
            let mut body = fields(&changed);
            body.extend(cleared.into_iter().map(|field| (field, Value::Null)));
            if body.is_empty() {
                eprintln!("sluice: nothing is to be changed: give a field, or --clear one");
                return Err(ExitCode::from(UNUSABLE));
            }
            (Method::PATCH, path(at, &id)?, Some(body.into()))
        }
        KeyCommand::List => (Method::GET, "/keys".to_owned(), None),
        KeyCommand::Show { id } => (Method::GET, path(at, &id)?, None),
        KeyCommand::Revoke { id } => (Method::DELETE, path(at, &id)?, None),
        KeyCommand::Rotate { id } => (Method::POST, format!("{}/rotate", path(at, &id)?), None),
        KeyCommand::Hash { key } => return Err(hash(key)),
    })
}

/// Where a key is, by its id or its name, which may have anything in it. URLs take dots alone for folders, however they are
/// written (WHATWG's URL standard, section 4.3), so that a key of such a name is asked for by its id.
fn path(at: &At, id: &str) -> Result<String, ExitCode> {
    let escaped = |id: &str| format!("/keys/{}", utf8_percent_encode(id, NON_ALPHANUMERIC));
    if !matches!(id, "." | "..") {
        return Ok(escaped(id));
    }
    let keys = asked(at, (Method::GET, "/keys", None))?;
    let keys = keys.get("data").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let found = keys.iter().find(|key| key.get("name").and_then(Value::as_str) == Some(id));
    let why = match found.and_then(|key| key.get("id")).and_then(Value::as_str) {
        Some(found) if found != id => return Ok(escaped(found)),
        // The id of one in the configuration is its name.
        Some(_) => format!("the key `{id}` is in the configuration, and `sluice keys list` shows it"),
        None => format!("there is no key `{id}`"),
    };
    eprintln!("sluice: {why}");
    Err(ExitCode::from(FAILED))
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

fn fields(new: &KeyFields) -> Map<String, Value> {
    match serde_json::to_value(new) {
        Ok(Value::Object(fields)) => fields,
        _ => Map::new(),
    }
}

fn show(deletes: bool, answer: &Value) {
    if let Some(keys) = answer.get("data").and_then(Value::as_array) {
        return list(keys);
    }
    let Some(fields) = answer.as_object() else {
        return say(if deletes { "deleted" } else { "done" });
    };
    if let Some(secret) = fields.get("key").and_then(Value::as_str) {
        // First and alone, as it is what was asked for and is never seen again.
        say(secret);
        say("\nThis is the secret of the key below. It is shown this once: only its hash is kept.\n");
    }
    crate::list::fields(fields, &FIRST);
}

fn list(keys: &[Value]) {
    if keys.is_empty() {
        return say("there are no keys: sluice keys create --name NAME makes one");
    }
    columns(keys, &COLUMNS);
}
