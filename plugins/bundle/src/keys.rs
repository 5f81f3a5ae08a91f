//! Keys of a running gateway, over its admin API.

use std::io::Read as _;
use std::process::ExitCode;
use std::time::Duration;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};
use sluice_engine::key::KeyHash;
use ureq::http::Uri;

use crate::arguments::{At, KeyCommand, NewKey};
use crate::list::{print_json, table};
use crate::{FAILED, UNUSABLE};

/// Longest wait for a connection to the gateway.
const CONNECT: Duration = Duration::from_secs(10);

/// Longest wait for its whole answer.
const ANSWER: Duration = Duration::from_secs(60);

/// Runs a command.
pub(crate) fn keys(at: &At, command: KeyCommand) -> ExitCode {
    if let KeyCommand::Hash { key } = command {
        return hash(key);
    }
    let Some(token) = &at.token else {
        eprintln!("sluice: an admin token is needed: --token, or SLUICE_ADMIN_TOKEN");
        return ExitCode::from(UNUSABLE);
    };
    let call = |method: &str, path: &str, body: Option<Value>| call(&at.url, token, method, path, body);
    let answer = match command {
        KeyCommand::Create(new) => call("POST", "", Some(fields(*new))),
        KeyCommand::List => call("GET", "", None),
        KeyCommand::Show { id } => call("GET", &one(&id), None),
        KeyCommand::Revoke { id } => call("DELETE", &one(&id), None),
        KeyCommand::Rotate { id } => call("POST", &format!("{}/rotate", one(&id)), None),
        KeyCommand::Hash { .. } => Ok(Value::Null),
    };
    match answer {
        Ok(answer) if at.json => {
            print_json(&answer);
            ExitCode::SUCCESS
        }
        Ok(answer) => {
            show(&answer);
            ExitCode::SUCCESS
        }
        Err(message) => {
            eprintln!("sluice: {message}");
            ExitCode::from(FAILED)
        }
    }
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
    println!("{}", KeyHash::of(key.as_bytes()));
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

/// The path of a key; a name may have anything in it.
fn one(id: &str) -> String {
    format!("/{}", utf8_percent_encode(id, NON_ALPHANUMERIC))
}

/// The address of a gateway, as it was given. It is not repeated where it holds a password.
fn checked(url: &str) -> Result<&str, String> {
    if url.contains('@') {
        return Err("a gateway's URL has no user or password: the admin token goes with --token".to_owned());
    }
    let parsed: Option<Uri> = url.parse().ok();
    let usable = |uri: &Uri| {
        let host = uri.authority().is_some_and(|authority| !authority.host().is_empty());
        host && matches!(uri.scheme_str(), Some("http" | "https")) && uri.query().is_none()
    };
    match parsed.filter(usable) {
        Some(_) => Ok(url.trim_end_matches('/')),
        None => Err(format!("`{url}` is no URL of a gateway: write it like http://127.0.0.1:8080")),
    }
}

fn call(url: &str, token: &str, method: &str, path: &str, body: Option<Value>) -> Result<Value, String> {
    let uri = format!("{}/admin/v1/keys{path}", checked(url)?);
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_connect(Some(CONNECT))
        .timeout_global(Some(ANSWER))
        .build()
        .into();
    let bearer = format!("Bearer {token}");
    let sent = match (method, body) {
        ("POST", Some(body)) => agent.post(&uri).header("authorization", &bearer).send_json(body),
        ("POST", None) => agent.post(&uri).header("authorization", &bearer).send_empty(),
        ("DELETE", _) => agent.delete(&uri).header("authorization", &bearer).call(),
        _ => agent.get(&uri).header("authorization", &bearer).call(),
    };
    let mut response = sent.map_err(|error| format!("the gateway at {url} can't be reached: {error}"))?;
    let status = response.status();
    let text = response
        .body_mut()
        .read_to_string()
        .map_err(|error| format!("the answer of the gateway at {url} broke off: {error}"))?;
    let answer = if text.is_empty() { Some(Value::Null) } else { serde_json::from_str(&text).ok() };
    match answer {
        Some(answer) if status.is_success() => Ok(answer),
        Some(answer) => {
            let message = answer.pointer("/error/message").and_then(Value::as_str);
            Err(format!("the gateway answered {status}: {}", message.unwrap_or("it gave no reason")))
        }
        None => Err(format!("what answers at {url} is no Sluice gateway ({status})")),
    }
}

fn show(answer: &Value) {
    if let Some(keys) = answer.get("data").and_then(Value::as_array) {
        let columns = ["id", "name", "source", "group", "models", "concurrency", "expires", "not_in_force"];
        table(&columns, keys.iter().map(|key| columns.iter().map(|column| cell(key.get(column))).collect()));
    } else if let Some(fields) = answer.as_object() {
        table(&["field", "value"], fields.iter().map(|(name, value)| vec![name.clone(), cell(Some(value))]));
    } else {
        println!("done");
    }
}

fn cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(list)) => list.iter().map(|one| cell(Some(one))).collect::<Vec<_>>().join(", "),
        Some(other) => other.to_string(),
    }
}
