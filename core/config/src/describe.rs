//! The configuration in force as operators may see it: secrets masked, each value with its place.

use figment::value::{Dict, Value};
use serde_json::{Map, Value as Json, json};
use sluice_api::settings::{Origins as _, may_be_secret, without_credentials};
use utoipa::ToSchema;

use sluice_reading::Loaded;
use sluice_settings::account::{Account, Route};
use sluice_settings::key::{Group, KeyFields, KeySecret};
use sluice_settings::plugins::{self, Linked};
use sluice_settings::schema::{Place, Schema};
use sluice_settings::server::{Admin, Server, Telemetry, Upstream};
use sluice_settings::tables::{Cost, Limits, Scheduler, Stats, Store};

/// What stands for a secret.
const MASK: &str = "***";

/// The configuration: for each key its value and the place that it came from. Defaults are not listed.
///
/// What is shown is decided by the schemas of the settings, the engine's and each plugin's: secrets are masked, and so
/// is whatever no schema knows.
#[must_use]
pub fn describe(loaded: &Loaded) -> Json {
    let linked = plugins::linked();
    let tables = loaded.values().iter().map(|(name, value)| {
        let shown = match value {
            Value::Array(_, entries) => {
                entries.iter().map(|entry| table(loaded, name, entry, &linked)).collect()
            }
            value => table(loaded, name, value, &linked),
        };
        (name.clone(), shown)
    });
    Json::Object(tables.collect::<Map<_, _>>())
}

/// A table, or an entry of a list of tables.
fn table(loaded: &Loaded, name: &str, value: &Value, linked: &[Linked]) -> Json {
    let Value::Dict(_, values) = value else { return hidden(loaded, value) };
    let kind =
        |key: &str, usual: String| values.get(key).and_then(Value::as_str).map_or(usual, ToOwned::to_owned);
    let plugin = |role: &str, kind: &str| {
        let found = linked.iter().find(|plugin| plugin.role == role && plugin.kind == kind);
        found.map(|plugin| Schema::new(&plugin.settings))
    };
    let (own, plugin): (Vec<Schema>, Option<Schema>) = match name {
        "server" => (vec![Schema::of::<Server>()], None),
        "admin" => (vec![Schema::of::<Admin>()], None),
        "upstream" => (vec![Schema::of::<Upstream>()], None),
        "routes" => (vec![Schema::of::<Route>()], None),
        "groups" => (vec![Schema::of::<Group>()], None),
        "keys" => (vec![Schema::of::<KeyFields>(), Schema::of::<KeySecret>()], None),
        "stats" => (vec![Schema::of::<Stats>()], None),
        "telemetry" => (vec![Schema::of::<Telemetry>()], None),
        "accounts" => shared::<Account>(plugin("provider", &kind("provider", String::new()))),
        "store" => shared::<Store>(plugin("store", &kind("kind", Store::default().kind))),
        "scheduler" => shared::<Scheduler>(plugin("scheduler", &kind("kind", Scheduler::default().kind))),
        "cost" => shared::<Cost>(plugin("cost model", &kind("kind", Cost::default().kind))),
        "limits" => return limits(loaded, values, linked),
        other => (Vec::new(), plugin("page", other)),
    };
    let entries = values.iter().map(|(key, value)| {
        let known = own.iter().find_map(|schema| schema.top().key(key));
        let shown = match known {
            Some(place) => one(loaded, value, &place, Names::Trusted),
            None => of_plugin(loaded, key, value, plugin.as_ref()),
        };
        (key.clone(), shown)
    });
    Json::Object(entries.collect())
}

fn shared<T: ToSchema>(plugin: Option<Schema>) -> (Vec<Schema>, Option<Schema>) {
    (vec![Schema::of::<T>()], plugin)
}

/// `[limits]`: a table for each limiter beside the engine's keys.
fn limits(loaded: &Loaded, values: &Dict, linked: &[Linked]) -> Json {
    let own = Schema::of::<Limits>();
    let entries = values.iter().map(|(key, value)| {
        let limiter = linked.iter().find(|plugin| plugin.role == "limiter" && plugin.kind == key);
        let shown = match (own.top().key(key), limiter) {
            (Some(place), _) => one(loaded, value, &place, Names::Trusted),
            (None, Some(limiter)) => {
                one(loaded, value, &Schema::new(&limiter.settings).top(), Names::Doubted)
            }
            (None, None) => hidden(loaded, value),
        };
        (key.clone(), shown)
    });
    Json::Object(entries.collect())
}

fn of_plugin(loaded: &Loaded, key: &str, value: &Value, schema: Option<&Schema>) -> Json {
    match schema.and_then(|schema| schema.top().key(key)) {
        Some(place) if place.is_secret() || !may_be_secret(key) => one(loaded, value, &place, Names::Doubted),
        _ => hidden(loaded, value),
    }
}

/// Whether a key's name alone may make its value a secret.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Names {
    /// The engine's own settings have each secret in its type.
    Trusted,
    /// A plugin may have read a secret as plain text.
    Doubted,
}

/// A value whose place in a schema is known.
fn one(loaded: &Loaded, value: &Value, place: &Place<'_>, names: Names) -> Json {
    if place.is_secret() {
        return secret(loaded, value);
    }
    match value {
        Value::Dict(_, inner) => {
            let entries = inner.iter().map(|(key, value)| {
                let shown = match place.key(key) {
                    Some(inner) if inner.is_secret() || names == Names::Trusted || !may_be_secret(key) => {
                        one(loaded, value, &inner, names)
                    }
                    _ => hidden(loaded, value),
                };
                (key.clone(), shown)
            });
            Json::Object(entries.collect())
        }
        Value::Array(_, list) => {
            let element = place.element();
            list.iter()
                .map(|value| match &element {
                    Some(element) => one(loaded, value, element, names),
                    None => hidden(loaded, value),
                })
                .collect()
        }
        Value::String(_, text) => json!({ "value": without_userinfo(text), "from": loaded.of(value) }),
        plain => {
            json!({ "value": serde_json::to_value(plain).unwrap_or_default(), "from": loaded.of(plain) })
        }
    }
}

/// A secret. Where it is kept is none.
fn secret(loaded: &Loaded, value: &Value) -> Json {
    match value {
        Value::Dict(_, place)
            if place.len() == 1 && (place.contains_key("env") || place.contains_key("file")) =>
        {
            let entries = place.iter().map(|(key, value)| {
                (key.clone(), json!({ "value": value.as_str().unwrap_or(MASK), "from": loaded.of(value) }))
            });
            Json::Object(entries.collect())
        }
        Value::Array(_, list) => list.iter().map(|value| secret(loaded, value)).collect(),
        Value::Dict(_, inner) => {
            Json::Object(inner.iter().map(|(key, value)| (key.clone(), secret(loaded, value))).collect())
        }
        plain => hidden(loaded, plain),
    }
}

/// A value of which nothing is shown but that it is there.
fn hidden(loaded: &Loaded, value: &Value) -> Json {
    json!({ "value": MASK, "from": loaded.of(value) })
}

/// Text without what a URL in it may hold of credentials; text that is no URL stays as it is.
fn without_userinfo(text: &str) -> String {
    if text.contains("://") { without_credentials(text) } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use sluice_reading::load_text;

    use super::{describe, without_userinfo};

    #[test]
    fn secrets_are_masked_and_their_places_shown() {
        let text = r#"
            admin.token = "planted"
            server.tls = { cert = "cert.pem", key = "key.pem" }
            server.metrics_token = { file = "/run/metrics" }
            [[keys]]
            name = "k"
            key = "planted"
            [[accounts]]
            provider = "test-secretive"
            headers = { x = "planted" }
            proxy = "http://u:planted@h"
            base_url = "https://u:plan/ted@shown/path?key=planted"
            credential = { env = "SHOWN_NAME" }
            inline = "planted"
            nested = { region = "shown", signer = { with = "planted", id = "shown" } }
            several = ["planted", { env = "SHOWN_NAME" }]
            by_name = { a = "planted" }
            password = "planted"
            unknown = { env = "planted" }
            tokens = 5
        "#;
        let shown = describe(&load_text(text).unwrap());
        let whole = shown.to_string();
        assert!(!whole.contains("planted") && !whole.contains("plan/ted"), "{shown:#}");
        let account = &shown["accounts"][0];
        for (value, plain) in [
            (&shown["server"]["tls"]["key"], "key.pem"),
            (&shown["server"]["metrics_token"]["file"], "/run/metrics"),
            (&account["base_url"], "https://***@shown/path?***"),
            (&account["credential"]["env"], "SHOWN_NAME"),
            (&account["nested"]["region"], "shown"),
            (&account["nested"]["signer"]["id"], "shown"),
            (&account["several"][1]["env"], "SHOWN_NAME"),
            (&account["unknown"], "***"),
        ] {
            assert_eq!(value["value"], plain, "{shown:#}");
            assert_eq!(value["from"], "text");
        }
        assert_eq!(account["tokens"]["value"], 5);
    }

    #[test]
    fn the_secrets_of_every_kind_of_plugin_are_masked() {
        let text = r#"
            [store]
            kind = "test-store"
            url = ["redis://:planted@h"]
            path = "shown"
            [scheduler]
            kind = "test-scheduler"
            webhook = "planted"
            depth = 3
            [cost]
            kind = "test-cost"
            webhook = "planted"
            [limits.test-limiter]
            webhook = "planted"
            depth = 3
            [limits.nowhere]
            any = "planted"
        "#;
        let shown = describe(&load_text(text).unwrap());
        assert!(!shown.to_string().contains("planted"), "{shown:#}");
        assert_eq!(shown["store"]["path"]["value"], "shown");
        assert_eq!(shown["scheduler"]["depth"]["value"], 3);
        assert_eq!(shown["limits"]["test-limiter"]["depth"]["value"], 3);
    }

    #[test]
    fn text_that_is_no_url_stays_as_it_is() {
        for text in ["claude-*", "a@b", "x?y", "https://host/path"] {
            assert_eq!(without_userinfo(text), text);
        }
    }
}
