//! Settings from the environment: `SLUICE_SERVER__LISTEN` is `server.listen`.

use figment::value::{Dict, Map, Value};
use figment::{Metadata, Profile, Provider};

/// What the variables begin with.
const PREFIX: &str = "SLUICE_";

/// The source's name, as problems tell it.
pub(super) const NAME: &str = "environment";

/// Variables with `__` in their name. Those without belong to the command line.
pub(super) struct Environment(pub(super) Vec<(String, String)>);

impl Environment {
    pub(super) fn of_process() -> Self {
        Self(
            std::env::vars_os()
                .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
                .collect(),
        )
    }
}

impl Provider for Environment {
    fn metadata(&self) -> Metadata {
        Metadata::named(NAME)
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        let mut all = Dict::new();
        for (name, value) in &self.0 {
            let Some(path) = name.strip_prefix(PREFIX).filter(|path| path.contains("__")) else { continue };
            let keys: Vec<String> = path.split("__").map(str::to_lowercase).collect();
            insert(&mut all, &keys, parse(value));
        }
        Ok(Profile::Default.collect(all))
    }
}

/// Only what can be nothing but another type is parsed as one: a secret like `0123` or `1e5` stays text.
fn parse(text: &str) -> Value {
    let structured = text.starts_with(['[', '{']);
    let number = text.parse::<u64>().is_ok_and(|number| number.to_string() == text);
    if structured || number || matches!(text, "true" | "false") {
        return text.parse().unwrap_or_else(|_| Value::from(text));
    }
    Value::from(text)
}

fn insert(into: &mut Dict, keys: &[String], value: Value) {
    match keys {
        [] => {}
        [key] => {
            into.insert(key.clone(), value);
        }
        [key, rest @ ..] => {
            let entry = into.entry(key.clone()).or_insert_with(|| Value::from(Dict::new()));
            if let Value::Dict(_, inner) = entry {
                insert(inner, rest, value);
            }
        }
    }
}
