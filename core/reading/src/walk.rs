//! Every text of a configuration, with its place.

use std::collections::HashMap;

use figment::value::Value;
use sluice_api::settings::{Origins as _, Problem};

use crate::load::Loaded;

/// A text. It may be a secret: whoever tells it must know that it is none.
#[derive(Debug)]
pub struct Text<'a> {
    /// Its key path.
    pub path: String,
    /// Its value, which knows where it comes from.
    value: &'a Value,
    /// What it says.
    pub text: &'a str,
}

impl Text<'_> {
    /// Something to say about it.
    #[must_use]
    pub fn problem(&self, loaded: &Loaded, message: impl Into<String>) -> Problem {
        Problem::at(loaded.of(self.value), self.path.clone(), message)
    }
}

/// Every text, in the order of its key path. Entries of lists of tables are called by their names, as problems do.
#[must_use]
pub fn texts(loaded: &Loaded) -> Vec<Text<'_>> {
    let mut all = Vec::new();
    for (name, value) in loaded.values() {
        match value {
            Value::Array(_, entries) => {
                // People count in the file that they see.
                let mut counts: HashMap<String, usize> = HashMap::new();
                for entry in entries {
                    let count = counts.entry(loaded.of(entry)).or_default();
                    let named = entry.as_dict().and_then(|values| values.get("name")?.as_str());
                    let path = match named.filter(|named| !named.is_empty()) {
                        Some(named) => format!("{name}.{named}"),
                        None => format!("{name}[{count}]"),
                    };
                    *count += 1;
                    walk(entry, path, &mut all);
                }
            }
            value => walk(value, name.clone(), &mut all),
        }
    }
    all
}

fn walk<'a>(value: &'a Value, path: String, all: &mut Vec<Text<'a>>) {
    match value {
        Value::String(_, text) => all.push(Text { path, value, text }),
        Value::Dict(_, inner) => {
            inner.iter().for_each(|(key, value)| walk(value, format!("{path}.{key}"), all));
        }
        Value::Array(_, list) => {
            list.iter().enumerate().for_each(|(index, value)| walk(value, format!("{path}[{index}]"), all));
        }
        _ => {}
    }
}
