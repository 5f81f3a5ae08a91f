//! Finding a plugin by its kind, and building it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use sluice_api::plugin::{BuildCx, Plugin, inventory};
use sluice_api::settings::{Problem, Section, nearest};
use sluice_reading::Loaded;

use crate::section::{Shared, file_of};
use sluice_settings::plugins;
use sluice_settings::schema::Schema;

/// Where a plugin's settings stand, and what names its kind.
#[derive(Clone, Debug)]
pub(super) struct Place<'a> {
    /// The settings.
    pub(super) section: Section<'a>,
    /// Keys of the engine's that stand beside them.
    pub(super) beside: &'a [String],
    /// Key path of the kind.
    pub(super) kind: String,
    /// The file that it comes from.
    pub(super) file: String,
    /// What it is built with beside them.
    pub(super) cx: BuildCx<'a>,
}

/// What plugins are built from.
#[derive(Clone, Copy)]
pub(super) struct Building<'a> {
    /// The configuration.
    pub(super) loaded: &'a Loaded,
    /// What is built already.
    pub(super) cx: BuildCx<'a>,
}

/// Builds the plugin of a table that it shares with the engine.
pub(super) fn of_table<T: ?Sized + 'static, S>(
    Building { loaded, cx }: Building<'_>,
    kind: &str,
    shared: &Shared<S>,
    problems: &mut Vec<Problem>,
) -> Option<Arc<T>>
where
    Plugin<T>: inventory::Collect,
{
    let table = shared.table;
    let path = format!("{table}.kind");
    let place = Place {
        section: Section::new(kind, table, &shared.rest, loaded),
        beside: &shared.keys,
        file: file_of(loaded, &path),
        kind: path,
        cx,
    };
    build(kind, &place, problems)
}

/// Builds the plugin of a kind; what is wrong with its settings is noted.
pub(super) fn build<T: ?Sized + 'static>(
    kind: &str,
    place: &Place<'_>,
    problems: &mut Vec<Problem>,
) -> Option<Arc<T>>
where
    Plugin<T>: inventory::Collect,
{
    let Some(plugin) = find::<T>(kind, place, problems) else {
        problems.extend(unknown_keys::<T>(kind, place));
        return None;
    };
    match (plugin.build)(&place.cx, &place.section) {
        Ok(built) => Some(built),
        Err(more) => {
            let schema = Schema::new(&(plugin.schema)());
            let placed = more.into_iter().map(|problem| in_file(problem, place));
            problems.extend(placed.map(|problem| all_valid(problem, place, &schema)));
            None
        }
    }
}

/// A section without a value is where its kind is.
fn in_file(mut problem: Problem, place: &Place<'_>) -> Problem {
    if place.section.values.is_empty() {
        problem.file.clone_from(&place.file);
    }
    problem
}

/// A key that the plugin does not know may be a slip of one that the engine knows.
fn all_valid(problem: Problem, place: &Place<'_>, schema: &Schema) -> Problem {
    let Some(name) = problem.unknown().map(ToOwned::to_owned) else { return problem };
    if problem.path != format!("{}.{name}", place.section.path) {
        return problem;
    }
    let beside = place.beside.iter().map(String::as_str);
    let valid: Vec<&str> = beside.chain(schema.keys()).collect();
    Problem::unknown_key(problem.file, problem.path, &name, &valid)
}

/// Finds the plugin of a kind; an unknown one is a problem that lists what is linked in.
fn find<T: ?Sized + 'static>(
    kind: &str,
    place: &Place<'_>,
    problems: &mut Vec<Problem>,
) -> Option<&'static Plugin<T>>
where
    Plugin<T>: inventory::Collect,
{
    let found = inventory::iter::<Plugin<T>>.into_iter().find(|plugin| plugin.kind == kind);
    if found.is_some() {
        return found;
    }
    let kinds = kinds::<T>();
    let message = format!("no plugin of the kind `{kind}` is linked in");
    let problem = Problem::at(place.file.clone(), place.kind.clone(), message).allowed(kinds.join(", "));
    problems.push(problem.nearest(kind, kinds.iter().copied()));
    None
}

/// Keys that are unknown whichever plugin is meant: of the one whose kind is nearest, else of all of the role.
pub(super) fn unknown_keys<T: ?Sized + 'static>(kind: &str, place: &Place<'_>) -> Vec<Problem>
where
    Plugin<T>: inventory::Collect,
{
    let meant = nearest(kind, kinds::<T>());
    let plugins = inventory::iter::<Plugin<T>>.into_iter();
    let may_be_meant = |plugin: &&Plugin<T>| meant.as_ref().is_none_or(|meant| plugin.kind == meant);
    let schemas: Vec<Schema> =
        plugins.filter(may_be_meant).map(|plugin| Schema::new(&(plugin.schema)())).collect();
    let of_plugins: BTreeSet<&str> = schemas.iter().flat_map(Schema::keys).collect();
    let valid: Vec<&str> = place.beside.iter().map(String::as_str).chain(of_plugins).collect();
    let unknown = place.section.values.iter().filter(|(key, _)| !valid.contains(&key.as_str()));
    let told = unknown.map(|(key, value)| {
        Problem::unknown_key(place.section.origin.of(value), place.section.at(key), key, &valid)
    });
    told.collect()
}

/// The kinds that are linked in, in order.
pub(super) fn kinds<T: ?Sized + 'static>() -> Vec<&'static str>
where
    Plugin<T>: inventory::Collect,
{
    let mut kinds: Vec<&str> = inventory::iter::<Plugin<T>>.into_iter().map(|plugin| plugin.kind).collect();
    kinds.sort_unstable();
    kinds
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
