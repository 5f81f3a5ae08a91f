//! Finding a plugin by its kind, and building it.

use std::collections::BTreeMap;
use std::sync::Arc;

use figment::value::Dict;
use sluice_api::{Plugin, Problem, Section, inventory};

use super::section::split;
use crate::config::load::Loaded;
use crate::plugins;

/// Kinds that are known to come.
const TO_COME: [&str; 6] = ["redis", "bedrock", "round-robin", "weighted", "rate", "budget"];

/// Builds the plugin of a table.
pub(super) fn build<T: ?Sized + 'static>(
    loaded: &Loaded,
    table: &str,
    kind: &str,
    values: Dict,
    problems: &mut Vec<Problem>,
) -> Option<Arc<T>>
where
    Plugin<T>: inventory::Collect,
{
    let place = if table == "limits" { "limits.kinds".to_owned() } else { format!("{table}.kind") };
    let (known, all) = split(loaded, table, &[]);
    let whole = if all.is_empty() { known } else { all };
    let file = Section { name: kind, path: table, values: &whole, origin: loaded }.file();
    let plugin = find::<T>(kind, &file, &place, problems)?;
    match (plugin.build)(&Section { name: kind, path: table, values: &values, origin: loaded }) {
        Ok(built) => Some(built),
        Err(more) => {
            problems.extend(more);
            None
        }
    }
}

/// Finds the plugin of a kind; an unknown one is a problem that lists what is linked in.
pub(super) fn find<T: ?Sized + 'static>(
    kind: &str,
    file: &str,
    place: &str,
    problems: &mut Vec<Problem>,
) -> Option<&'static Plugin<T>>
where
    Plugin<T>: inventory::Collect,
{
    let found = inventory::iter::<Plugin<T>>.into_iter().find(|plugin| plugin.kind == kind);
    if found.is_some() {
        return found;
    }
    let mut kinds: Vec<&str> = inventory::iter::<Plugin<T>>.into_iter().map(|plugin| plugin.kind).collect();
    kinds.sort_unstable();
    let message = if TO_COME.contains(&kind) {
        format!("`{kind}` is not available yet")
    } else {
        format!("no plugin of the kind `{kind}` is linked in")
    };
    problems.push(
        Problem::at(file, place, message).allowed(kinds.join(", ")).nearest(kind, kinds.iter().copied()),
    );
    None
}

/// Two plugins of one role and kind.
pub(super) fn duplicates() -> Vec<Problem> {
    let mut seen: BTreeMap<(&str, &str), String> = BTreeMap::new();
    let mut problems = Vec::new();
    for plugin in plugins::linked() {
        if let Some(other) = seen.insert((plugin.role, plugin.kind), plugin.origin.clone()) {
            let message = format!(
                "two plugins are the {} `{}`: one of {other}, one of {}; if these are two versions of one crate, keep one",
                plugin.role, plugin.kind, plugin.origin
            );
            problems.push(Problem::at("binary", "plugins", message));
        }
    }
    problems
}
