//! Tables and list entries as sections, each with its key path and its file.

use figment::value::{Dict, Value};
use serde::de::DeserializeOwned;
use sluice_api::section::Origins as _;
use sluice_api::{Problem, Section};

use crate::config::load::Loaded;

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
        Section { name: &self.name, path: &self.path, values: &self.values, origin: loaded }
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
            let problem = Problem::at(loaded.of(other), table, "wrong type");
            problems
                .push(problem.found(other.to_actual().to_string()).allowed(format!("a list: [[{table}]]")));
            return Vec::new();
        }
    };
    let mut entries = Vec::with_capacity(list.len());
    for (index, value) in list.iter().enumerate() {
        let Value::Dict(_, values) = value else {
            let problem = Problem::at(loaded.of(value), format!("{table}[{index}]"), "wrong type");
            problems.push(problem.found(value.to_actual().to_string()).allowed("a table"));
            continue;
        };
        let name = values.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
        let path = if name.is_empty() { format!("{table}[{index}]") } else { format!("{table}.{name}") };
        entries.push(Entry { table, index, name, path, values: values.clone() });
    }
    entries
}

/// The keys of a table that are named, and the others.
pub(crate) fn split(loaded: &Loaded, table: &str, named: &[&str]) -> (Dict, Dict) {
    match loaded.table(table) {
        Some(Value::Dict(_, values)) => {
            values.clone().into_iter().partition(|(key, _)| named.contains(&key.as_str()))
        }
        _ => (Dict::new(), Dict::new()),
    }
}

/// Reads a section, or notes what is wrong with it.
pub(crate) fn read_table<T: DeserializeOwned>(
    section: &Section<'_>,
    problems: &mut Vec<Problem>,
) -> Option<T> {
    match section.read() {
        Ok(settings) => Some(settings),
        Err(more) => {
            problems.extend(more);
            None
        }
    }
}

/// Reads a whole table, with its defaults where it is not there or wrong.
pub(crate) fn table<T: DeserializeOwned + Default>(
    loaded: &Loaded,
    name: &str,
    problems: &mut Vec<Problem>,
) -> T {
    let values = match loaded.table(name) {
        None => return T::default(),
        Some(Value::Dict(_, values)) => values,
        Some(other) => {
            let problem = Problem::at(loaded.of(other), name, "wrong type");
            problems.push(problem.found(other.to_actual().to_string()).allowed(format!("a table: [{name}]")));
            return T::default();
        }
    };
    let section = Section { name, path: name, values, origin: loaded };
    read_table(&section, problems).unwrap_or_default()
}
