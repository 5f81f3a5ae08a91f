//! The configuration in force as operators may see it: secrets masked, each value with its place.

use figment::value::{Dict, Value};
use serde_json::{Map, Value as Json, json};
use sluice_api::section::Origins as _;

use super::Loaded;

/// What stands for a secret.
const MASK: &str = "***";

/// Keys whose values are secrets, or may hold one.
const SECRETS: [&str; 14] = [
    "key",
    "hash",
    "api_key",
    "token",
    "metrics_token",
    "access_token",
    "refresh_token",
    "client_secret",
    "secret_access_key",
    "access_key_id",
    "session_token",
    "password",
    "proxy",
    "url",
];

/// The configuration: for each key its value and the place that it came from. Defaults are not listed.
#[must_use]
pub fn describe(loaded: &Loaded) -> Json {
    dict(loaded, &loaded.values, false)
}

fn dict(loaded: &Loaded, values: &Dict, masked: bool) -> Json {
    let entries = values.iter().map(|(key, value)| {
        let hides = masked || SECRETS.contains(&key.as_str()) || key == "headers";
        (key.clone(), one(loaded, value, hides))
    });
    Json::Object(entries.collect::<Map<_, _>>())
}

fn one(loaded: &Loaded, value: &Value, masked: bool) -> Json {
    match value {
        // Where a secret is kept is no secret.
        Value::Dict(_, place) if masked && (place.contains_key("env") || place.contains_key("file")) => {
            dict(loaded, place, false)
        }
        Value::Dict(_, inner) => dict(loaded, inner, masked),
        Value::Array(_, list) => list.iter().map(|value| one(loaded, value, masked)).collect(),
        plain => {
            let shown =
                if masked { Json::from(MASK) } else { serde_json::to_value(plain).unwrap_or_default() };
            json!({ "value": shown, "from": loaded.of(plain) })
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn secrets_are_masked_and_their_places_shown() {
        let text = "[admin]\ntoken = \"hush\"\n[[accounts]]\napi_key = { env = \"NAME\" }\nheaders = { x = \"hush\" }\nproxy = \"http://u:hush@h\"";
        let shown = super::describe(&crate::config::load_text(text).unwrap()).to_string();
        assert!(!shown.contains("hush"), "{shown}");
        assert!(shown.contains("NAME"));
    }
}
