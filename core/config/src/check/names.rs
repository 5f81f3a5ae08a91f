//! Names of accounts, groups and keys: each its own.

use std::collections::HashMap;

use sluice_api::settings::Problem;
use sluice_reading::Loaded;

use crate::section::Entry;

/// What is wrong with a name, which stands in logs and headers.
pub(super) fn wrong_name(name: &str) -> Option<&'static str> {
    name.chars().any(char::is_control).then_some("a name has no control characters")
}

/// Names that were seen, each with its place.
#[derive(Default)]
pub(super) struct Seen(HashMap<String, String>);

impl Seen {
    /// Notes a name; one that is none, or that another has, is a problem.
    pub(super) fn note(
        &mut self,
        loaded: &Loaded,
        entry: &Entry,
        name: &str,
        what: &str,
        problems: &mut Vec<Problem>,
    ) {
        let file = entry.file(loaded);
        let path = format!("{}[{}]", entry.table, entry.index);
        let place = format!("{path} in {}", loaded.place(&file, &path));
        if name.is_empty() {
            problems.push(Problem::at(file, entry.at("name"), format!("the {what} has no name")));
        } else if let Some(wrong) = wrong_name(name) {
            let place = format!("{}[{}].name", entry.table, entry.index);
            problems.push(Problem::at(file, place, wrong));
        } else if let Some(other) = self.0.insert(name.to_owned(), place.clone()) {
            let message = format!("two {what}s are named `{name}`: {other} and {place}");
            problems.push(Problem::at(file, entry.at("name"), message));
        }
    }
}
