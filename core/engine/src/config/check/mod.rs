//! Checking: every problem at once, and what is right resolved.

mod account;
mod plugin;
mod section;
mod simple;

use std::collections::{BTreeSet, HashMap};

use figment::value::{Dict, Value};
use sluice_api::cost::CostModel;
use sluice_api::limiter::Limiter;
use sluice_api::scheduler::Scheduler;
use sluice_api::section::Origins as _;
use sluice_api::store::Store;
use sluice_api::{Plugin, Problem, Secret, Section, inventory};

use super::fields::{self, Names};
use super::load::Loaded;
use super::settings::{Group, Limit, Route};
use super::{Globs, GroupConfig, KeyConfig, Resolved, RouteConfig};
use crate::key::KeyHash;
use section::{Entry, entries, read_table, split};

/// Tables that a configuration may have.
const TABLES: [&str; 13] = [
    "server",
    "admin",
    "store",
    "upstream",
    "accounts",
    "routes",
    "scheduler",
    "limits",
    "groups",
    "keys",
    "cost",
    "stats",
    "telemetry",
];

/// Checks a configuration. Pure but for secrets, which are read where they stand.
///
/// # Errors
///
/// Every problem.
pub fn check(loaded: &Loaded) -> Result<Resolved, Vec<Problem>> {
    let mut problems = unknown_tables(loaded);
    problems.extend(plugin::duplicates());
    let simple = simple::check(loaded, &mut problems);
    let accounts = account::check(loaded, simple.upstream, &mut problems);
    let pools: BTreeSet<&str> =
        accounts.iter().flat_map(|account| account.pools.iter().map(String::as_str)).collect();
    let routes = routes(loaded, &pools, &mut problems);
    let groups = groups(loaded, &mut problems);
    let names = Names {
        groups: groups.iter().map(|group| group.name.as_str()).collect(),
        pools: pools.iter().copied().collect(),
        accounts: accounts.iter().map(|account| account.name.as_str()).collect(),
    };
    let keys = keys(loaded, &names, &mut problems);
    let scheduler = plugin::build::<dyn Scheduler>(
        loaded,
        "scheduler",
        &simple.scheduler.kind,
        Dict::new(),
        &mut problems,
    );
    let limiters = limiters(loaded, simple.limiter_kinds.as_deref(), &mut problems);
    let cost = plugin::build::<dyn CostModel>(loaded, "cost", &simple.cost_kind, Dict::new(), &mut problems);
    let (store_kind, store_rest) = split(loaded, "store", &["kind"]);
    let store_kind = store_kind.get("kind").and_then(Value::as_str).unwrap_or("embedded").to_owned();
    let store_settings = format!("{store_kind} {store_rest:?}");
    let store = plugin::build::<dyn Store>(loaded, "store", &store_kind, store_rest, &mut problems);
    match (scheduler, cost, store) {
        (Some(scheduler), Some(cost), Some(store)) if problems.is_empty() => Ok(Resolved {
            server: simple.server,
            admin_token: simple.admin_token,
            accounts,
            routes,
            groups,
            keys,
            scheduler,
            attempts: simple.scheduler.attempts,
            limiters,
            cost,
            store,
            store_settings,
            telemetry: simple.telemetry,
        }),
        _ => Err(problems),
    }
}

fn unknown_tables(loaded: &Loaded) -> Vec<Problem> {
    let valid = || TABLES.iter().copied();
    let unknown = loaded.values.iter().filter(|(name, _)| !valid().any(|table| table == name.as_str()));
    unknown
        .map(|(name, value)| {
            let problem = Problem::at(loaded.of(value), name.clone(), format!("unknown key `{name}`"));
            problem.allowed(valid().collect::<Vec<_>>().join(", ")).nearest(name, valid())
        })
        .collect()
}

fn limiters(
    loaded: &Loaded,
    kinds: Option<&[String]>,
    problems: &mut Vec<Problem>,
) -> Vec<std::sync::Arc<dyn Limiter>> {
    let all: Vec<String> =
        inventory::iter::<Plugin<dyn Limiter>>.into_iter().map(|plugin| plugin.kind.to_owned()).collect();
    let kinds = kinds.unwrap_or(&all);
    kinds
        .iter()
        .filter_map(|kind| plugin::build::<dyn Limiter>(loaded, "limits", kind, Dict::new(), problems))
        .collect()
}

fn routes(loaded: &Loaded, pools: &BTreeSet<&str>, problems: &mut Vec<Problem>) -> Vec<RouteConfig> {
    let mut routes = Vec::new();
    for entry in entries(loaded, "routes", problems) {
        let Some(route) = read_table::<Route>(&entry.section(loaded), problems) else { continue };
        let file = entry.file(loaded);
        if route.pools.is_empty() {
            problems.push(Problem::at(file.clone(), entry.at("pools"), "a route needs at least one pool"));
        }
        for pool in route.pools.iter().filter(|pool| !pools.contains(pool.as_str())) {
            let problem =
                Problem::at(file.clone(), entry.at("pools"), format!("no account is in the pool `{pool}`"));
            problems.push(problem.allowed(join(pools.iter().copied())).nearest(pool, pools.iter().copied()));
        }
        match Globs::compile([route.model.as_str()]) {
            Ok(model) => routes.push(RouteConfig {
                model,
                apis: route.api,
                pools: route.pools,
                rewrite: route.rewrite,
            }),
            Err((glob, why)) => {
                problems.push(Problem::at(
                    file,
                    entry.at("model"),
                    format!("the glob `{glob}` is wrong: {why}"),
                ));
            }
        }
    }
    routes
}

fn groups(loaded: &Loaded, problems: &mut Vec<Problem>) -> Vec<GroupConfig> {
    let mut groups = Vec::new();
    let mut seen = Seen::default();
    for entry in entries(loaded, "groups", problems) {
        let Some(group) = read_table::<Group>(&entry.section(loaded), problems) else { continue };
        seen.note(loaded, &entry, &group.name, "group", problems);
        problems.extend(limits_refused(&entry.file(loaded), &entry.at("limits"), &group.limits));
        groups.push(GroupConfig { name: group.name, concurrency: group.concurrency });
    }
    groups
}

fn keys(loaded: &Loaded, names: &Names<'_>, problems: &mut Vec<Problem>) -> Vec<KeyConfig> {
    let mut keys: Vec<KeyConfig> = Vec::new();
    let mut seen = Seen::default();
    for entry in entries(loaded, "keys", problems) {
        let mut values = entry.values.clone();
        let secret = (values.remove("key"), values.remove("hash"));
        let file = entry.file(loaded);
        let hash = key_hash(secret, &entry, &file, problems);
        let section = Section { values: &values, ..entry.section(loaded) };
        let Some(fields) = read_table(&section, problems) else { continue };
        match fields::resolve(&section, fields, names) {
            Err(more) => problems.extend(more),
            Ok(key) => {
                seen.note(loaded, &entry, &key.name, "key", problems);
                if let Some(other) = keys.iter().find(|other| hash.is_some() && other.hash == hash) {
                    let message = format!("it has the same secret as the key `{}`", other.name);
                    problems.push(Problem::at(file, entry.at("key"), message));
                }
                keys.push(KeyConfig { hash, ..key });
            }
        }
    }
    keys
}

fn key_hash(
    secret: (Option<Value>, Option<Value>),
    entry: &Entry,
    file: &str,
    problems: &mut Vec<Problem>,
) -> Option<KeyHash> {
    let mut wrong = |key: &str, message: String| {
        problems.push(
            Problem::at(file, entry.at(key), message).allowed("key = a secret, or hash = \"sha256:…\""),
        );
        None
    };
    match secret {
        (Some(_), Some(_)) => wrong("key", "a key has either `key` or `hash`, one of them".to_owned()),
        (None, None) => wrong("key", "a key needs its secret: `key`, or `hash`".to_owned()),
        (Some(value), None) => match value.deserialize::<Secret>() {
            Ok(secret) => Some(KeyHash::of(secret.expose().as_bytes())),
            Err(error) => wrong("key", error.kind.to_string()),
        },
        (None, Some(value)) => match value.as_str().and_then(KeyHash::parse) {
            Some(hash) => Some(hash),
            None => wrong("hash", "a hash is `sha256:` and 64 hexadecimal digits".to_owned()),
        },
    }
}

/// Limits that ask for what is not at work yet.
pub(super) fn limits_refused(file: &str, path: &str, limits: &[Limit]) -> Option<Problem> {
    (!limits.is_empty()).then(|| Problem::at(file, path, "limits are not available yet").allowed("[]"))
}

/// Names that were seen, each with its place.
#[derive(Default)]
pub(super) struct Seen(HashMap<String, String>);

impl Seen {
    pub(super) fn note(
        &mut self,
        loaded: &Loaded,
        entry: &Entry,
        name: &str,
        what: &str,
        problems: &mut Vec<Problem>,
    ) {
        let file = entry.file(loaded);
        let place = format!("{}[{}] in {file}", entry.table, entry.index);
        if name.is_empty() {
            problems.push(Problem::at(file, entry.at("name"), format!("the {what} has no name")));
        } else if let Some(other) = self.0.insert(name.to_owned(), place.clone()) {
            let message = format!("two {what}s are named `{name}`: {other} and {place}");
            problems.push(Problem::at(file, entry.at("name"), message));
        }
    }
}

fn join<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.collect::<Vec<_>>().join(", ")
}
