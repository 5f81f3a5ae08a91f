//! Tables and list entries as sections, each with its key path and its file.

use std::collections::HashMap;

use figment::value::{Dict, Value};
use serde::de::DeserializeOwned;
use sluice_api::settings::{Origins as _, Problem, Section, type_of};
use utoipa::ToSchema;

use sluice_reading::Loaded;
use sluice_settings::schema::Schema;

/// An entry of a list of tables.
pub(crate) struct Entry {
    /// The list.
    pub(crate) table: &'static str,
    /// Its place in the list.
    pub(crate) index: usize,
    /// Its name, or empty.
    pub(crate) name: String,
    /// Its key path: by name where it has one.
    pub(crate) path: String,
    /// Its values.
    pub(crate) values: Dict,
}

impl Entry {
    pub(crate) fn at(&self, key: &str) -> String {
        format!("{}.{key}", self.path)
    }

    pub(crate) fn section<'a>(&'a self, loaded: &'a Loaded) -> Section<'a> {
        Section::new(&self.name, &self.path, &self.values, loaded)
    }

    pub(crate) fn file(&self, loaded: &Loaded) -> String {
        self.section(loaded).file()
    }
}

/// The entries of a list of tables.
pub(crate) fn entries(loaded: &Loaded, table: &'static str, problems: &mut Vec<Problem>) -> Vec<Entry> {
    let list = match loaded.table(table) {
        None => return Vec::new(),
        Some(Value::Array(_, list)) => list,
        Some(other) => {
            problems.push(wrong_type(loaded, other, table, &format!("a list: [[{table}]]")));
            return Vec::new();
        }
    };
    let mut entries = Vec::with_capacity(list.len());
    // Files are joined, but people count in the file that they see.
    let mut counts: HashMap<String, usize> = HashMap::new();
    for value in list {
        let count = counts.entry(loaded.of(value)).or_default();
        let index = *count;
        *count += 1;
        let Value::Dict(_, values) = value else {
            problems.push(wrong_type(loaded, value, &format!("{table}[{index}]"), "a table"));
            continue;
        };
        let name = values.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
        let path = if name.is_empty() { format!("{table}[{index}]") } else { format!("{table}.{name}") };
        entries.push(Entry { table, index, name, path, values: values.clone() });
    }
    entries
}

/// A value of the wrong type, which is not repeated: it may be a secret in the wrong place.
pub(crate) fn wrong_type(loaded: &Loaded, value: &Value, path: &str, allowed: &str) -> Problem {
    Problem::at(loaded.of(value), path, "wrong type").found(type_of(&value.to_actual())).allowed(allowed)
}

/// The values of a table; `None` where it is not there, or is no table, which is noted.
pub(crate) fn values<'a>(loaded: &'a Loaded, name: &str, problems: &mut Vec<Problem>) -> Option<&'a Dict> {
    match loaded.table(name)? {
        Value::Dict(_, values) => Some(values),
        other => {
            problems.push(wrong_type(loaded, other, name, &format!("a table: [{name}]")));
            None
        }
    }
}

/// The file that the value at a path, like `server.tls.cert`, comes from.
pub(crate) fn file_of(loaded: &Loaded, path: &str) -> String {
    let mut keys = path.split('.');
    let mut found = keys.next().and_then(|name| loaded.table(name));
    for key in keys {
        // A value that is no table says where all in it comes from.
        let Some(Value::Dict(_, values)) = found else { break };
        found = values.get(key);
    }
    found.map_or_else(|| "default".to_owned(), |value| loaded.of(value))
}

/// A table that holds the engine's keys and a plugin's.
#[derive(Debug)]
pub(crate) struct Shared<T> {
    /// The table's name.
    pub(crate) table: &'static str,
    /// The engine's part, with its defaults where it is not there or wrong.
    pub(crate) own: T,
    /// The keys that the engine's part may have.
    pub(crate) keys: Vec<String>,
    /// Everything else: the plugin's.
    pub(crate) rest: Dict,
}

/// Reads a table that is shared with a plugin.
pub(crate) fn shared<T: DeserializeOwned + Default + ToSchema>(
    loaded: &Loaded,
    name: &'static str,
    problems: &mut Vec<Problem>,
) -> Shared<T> {
    let keys: Vec<String> = Schema::of::<T>().keys().into_iter().map(ToOwned::to_owned).collect();
    let values = values(loaded, name, problems).cloned().unwrap_or_default();
    let (own, rest): (Dict, Dict) = values.into_iter().partition(|(key, _)| keys.contains(key));
    let section = Section::new(name, name, &own, loaded);
    Shared { table: name, own: read_table(&section, problems).unwrap_or_default(), keys, rest }
}

/// Reads what is right of a section, so that it can be checked further, and notes what is wrong with it.
pub(crate) fn read_table<T: DeserializeOwned>(
    section: &Section<'_>,
    problems: &mut Vec<Problem>,
) -> Option<T> {
    let (settings, more) = section.read_right();
    problems.extend(more);
    settings
}

/// Reads a whole table, with its defaults where it is not there or wrong.
pub(crate) fn table<T: DeserializeOwned + Default>(
    loaded: &Loaded,
    name: &str,
    problems: &mut Vec<Problem>,
) -> T {
    let Some(values) = values(loaded, name, problems) else { return T::default() };
    read_table(&Section::new(name, name, values, loaded), problems).unwrap_or_default()
}
