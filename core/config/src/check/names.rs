//! Names of accounts, groups and keys: each its own.

use std::collections::HashMap;

use sluice_api::settings::Problem;
use sluice_reading::Loaded;

use crate::section::Entry;

/// What is wrong with a name, which stands in logs and headers.
pub(super) fn wrong_name(name: &str) -> Option<&'static str> {
    name.chars().any(char::is_control).then_some("a name has no control characters")
}

/// The names of all that is one thing in a configuration.
pub(super) struct Names<'a> {
    /// What is named.
    what: &'static str,
    loaded: &'a Loaded,
    /// Those that were seen, each with its place.
    seen: HashMap<String, String>,
}

impl<'a> Names<'a> {
    pub(super) fn of(what: &'static str, loaded: &'a Loaded) -> Self {
        Self { what, loaded, seen: HashMap::new() }
    }

    /// Notes a name; one that is none, or that another has, is a problem.
    pub(super) fn note(&mut self, entry: &Entry, name: &str, problems: &mut Vec<Problem>) {
        let Self { what, loaded, seen } = self;
        let file = entry.file(loaded);
        let path = format!("{}[{}]", entry.table, entry.index);
        let place = format!("{path} in {}", loaded.place(&file, &path));
        if name.is_empty() {
            problems.push(Problem::at(file, entry.at("name"), format!("the {what} has no name")));
        } else if let Some(wrong) = wrong_name(name) {
            let place = format!("{}[{}].name", entry.table, entry.index);
            problems.push(Problem::at(file, place, wrong));
        } else if let Some(other) = seen.insert(name.to_owned(), place.clone()) {
            let message = format!("two {what}s are named `{name}`: {other} and {place}");
            problems.push(Problem::at(file, entry.at("name"), message));
        }
    }
}
