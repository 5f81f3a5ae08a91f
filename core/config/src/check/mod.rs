//! Checking: every problem at once, and what is right resolved.

mod account;
mod alone;
mod fields;
mod key;
mod limiters;
mod limits;
mod names;
mod outbound;
mod pages;
mod plugin;
pub(crate) mod reach;
mod route;
mod server;
mod telemetry;
mod upstream;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use jiff::tz::TimeZone;
use sluice_api::cost::{CostModel, Unpriced};
use sluice_api::plugin::BuildCx;
use sluice_api::scheduler::Scheduler;
use sluice_api::settings::{Origins as _, Problem};
use sluice_api::store::Store;
use sluice_reading::Loaded;

use crate::resolved::{Resolved, StatsConfig};
use crate::section::{Shared, file_of, shared, table};
use fields::Known;
use plugin::Building;
use reach::Reach;
use sluice_settings::tables::{self, Stats};

pub use fields::{check_group, check_key_fields, read_key_fields, with_section};

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

/// Most accounts that may be tried for one request.
const ATTEMPTS_MAX: u32 = 100;

/// Checks a configuration. Pure but for secrets, certificates and price files, which are read where they stand.
///
/// # Errors
///
/// Every problem.
pub fn check(loaded: &Loaded) -> Result<Resolved, Vec<Problem>> {
    let mut problems = unknown_tables(loaded);
    problems.extend(plugin::duplicates());
    let (server, admin_token) = server::check(loaded, &mut problems);
    let upstream = upstream::check(loaded, &mut problems);
    let telemetry = telemetry::check(loaded, &mut problems);
    let stats: Stats = table(loaded, "stats", &mut problems);
    let retention_days = stats.retention_days;
    let timezone = TimeZone::get(&stats.timezone).unwrap_or(TimeZone::UTC);

    // What the others may ask for prices is built first; what is wrong with it is told in its turn.
    let mut unpriced = Vec::new();
    let (cost, pricing) = priced(loaded, &mut unpriced);
    let prices = cost.clone().unwrap_or_else(|| Arc::new(Unpriced));
    let building = Building { loaded, cx: BuildCx::new(&prices) };

    let common = account::Common { loaded, upstream: &upstream, retention_days, cx: building.cx };
    let accounts = account::check(common, &mut problems);
    let pools: Vec<&str> = accounts.pools.iter().map(String::as_str).collect();
    let right = (accounts.resolved.len() == accounts.names.len()).then_some(accounts.resolved.as_slice());
    let routes = route::check(loaded, &pools, right, &mut problems);
    let reach = right.map_or_else(Reach::anything, |accounts| Reach::of(accounts).and(&routes));
    let (groups, group_names) = key::groups(loaded, retention_days, &mut problems);
    let unbounded = groups.iter().filter(|group| group.fields.concurrency == 0);
    let known = Known {
        groups: group_names.iter().map(String::as_str).collect(),
        unbounded: unbounded.map(|group| &*group.fields.name).collect(),
        pools,
        accounts: accounts.names.iter().map(String::as_str).collect(),
        retention_days,
    };
    let keys = key::keys(loaded, &known, &reach, &mut problems);

    let choosing: Shared<tables::Scheduler> = shared(loaded, "scheduler", &mut problems);
    let kind = &choosing.own.kind;
    let scheduler = plugin::of_table::<dyn Scheduler, _>(building, kind, &choosing, &mut problems);
    let limiters = limiters::check(building, &mut problems);
    problems.extend(unpriced);
    let (store, keeping) = kept(loaded, &mut problems);
    let pages = pages::check(building, &mut problems);
    let store_settings = format!("{} {:?}", keeping.own.kind, keeping.rest);
    let attempts = attempts(loaded, choosing.own.attempts, &mut problems);
    let alone = alone::Tables { scheduler: &choosing.own, stats: &stats };
    problems.extend(alone.check(loaded));
    match (scheduler, cost, store) {
        (Some(scheduler), Some(cost), Some(store)) if problems.is_empty() => Ok(Resolved {
            server,
            admin_token,
            accounts: accounts.resolved,
            routes,
            groups,
            keys,
            scheduler,
            attempts,
            sticky_ttl: choosing.own.sticky_ttl.0,
            reference_ttl: choosing.own.reference_ttl.0,
            health: (&choosing.own).into(),
            limiters,
            cost,
            unknown_model: pricing.own.unknown_model,
            store,
            store_kind: keeping.own.kind,
            store_settings,
            stats: StatsConfig { retention_days, archive: stats.archive.map(Into::into), timezone },
            pages,
            telemetry,
        }),
        _ => Err(problems.into_iter().map(|problem| loaded.placed(problem)).collect()),
    }
}

/// The store of a configuration, built but not opened, whatever else is wrong with it.
///
/// # Errors
///
/// Every problem of its table.
pub fn store(loaded: &Loaded) -> Result<Arc<dyn Store>, Vec<Problem>> {
    let mut problems = Vec::new();
    match kept(loaded, &mut problems).0 {
        Some(store) if problems.is_empty() => Ok(store),
        _ => Err(problems.into_iter().map(|problem| loaded.placed(problem)).collect()),
    }
}

/// The cost model of a configuration alone, whatever else is wrong with it.
///
/// # Errors
///
/// What is wrong with its table, and with the price files that it names.
pub fn cost_model(loaded: &Loaded) -> Result<Arc<dyn CostModel>, Vec<Problem>> {
    let mut problems = Vec::new();
    match priced(loaded, &mut problems) {
        (Some(cost), _) if problems.is_empty() => Ok(cost),
        _ => Err(problems.into_iter().map(|problem| loaded.placed(problem)).collect()),
    }
}

fn kept(loaded: &Loaded, problems: &mut Vec<Problem>) -> (Option<Arc<dyn Store>>, Shared<tables::Store>) {
    let keeping: Shared<tables::Store> = shared(loaded, "store", problems);
    let alone = unpriced();
    let building = Building { loaded, cx: BuildCx::new(&alone) };
    let store = plugin::of_table(building, &keeping.own.kind, &keeping, problems);
    (store, keeping)
}

fn priced(
    loaded: &Loaded,
    problems: &mut Vec<Problem>,
) -> (Option<Arc<dyn CostModel>>, Shared<tables::Cost>) {
    let pricing: Shared<tables::Cost> = shared(loaded, "cost", problems);
    let alone = unpriced();
    let building = Building { loaded, cx: BuildCx::new(&alone) };
    let cost = plugin::of_table(building, &pricing.own.kind, &pricing, problems);
    (cost, pricing)
}

/// What a plugin is given that is built with none of the others.
fn unpriced() -> Arc<dyn CostModel> {
    Arc::new(Unpriced)
}

fn unknown_tables(loaded: &Loaded) -> Vec<Problem> {
    let valid: Vec<&str> = TABLES.into_iter().chain(pages::tables()).collect();
    let unknown = loaded.values().iter().filter(|(name, _)| !valid.contains(&name.as_str()));
    unknown.map(|(name, value)| Problem::unknown_key(loaded.of(value), name.clone(), name, &valid)).collect()
}

fn attempts(loaded: &Loaded, attempts: u32, problems: &mut Vec<Problem>) -> u32 {
    if !(1..=ATTEMPTS_MAX).contains(&attempts) {
        let path = "scheduler.attempts";
        let problem = Problem::at(file_of(loaded, path), path, "invalid value").found(attempts.to_string());
        problems.push(problem.allowed(format!("1 to {ATTEMPTS_MAX}")));
    }
    attempts
}
