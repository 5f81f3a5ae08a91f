//! Routes: which pools serve a model.

use sluice_api::settings::Problem;
use sluice_reading::Loaded;

use super::limits;
use super::reach::Reach;
use crate::resolved::{AccountConfig, RouteConfig};
use crate::section::{entries, read_table};
use sluice_settings::account::Route;
use sluice_settings::globs::Globs;

/// Checks routes. `accounts` are none where some of them are wrong, so that what they serve is not known.
pub(super) fn check(
    loaded: &Loaded,
    pools: &[&str],
    accounts: Option<&[AccountConfig]>,
    problems: &mut Vec<Problem>,
) -> Vec<RouteConfig> {
    let mut routes = Vec::new();
    for entry in entries(loaded, "routes", problems) {
        let Some(route) = read_table::<Route>(&entry.section(loaded), problems) else { continue };
        let at = |key: &str, message: String| Problem::at(entry.file(loaded), entry.at(key), message);
        if route.pools.is_empty() {
            problems.push(at("pools", "a route needs at least one pool".to_owned()));
        }
        for pool in route.pools.iter().filter(|pool| !pools.contains(&pool.as_str())) {
            let problem = at("pools", format!("no account is in the pool `{pool}`"));
            problems.push(problem.allowed(pools.join(", ")).nearest(pool, pools.iter().copied()));
        }
        if let Some(Err(error)) = route.rewrite.as_deref().map(sluice_wire::request::peek::model_name) {
            problems.push(at("rewrite", error.to_string()));
        }
        if let Some(accounts) = accounts {
            let asked =
                |account: &&AccountConfig| account.pools.iter().any(|pool| route.pools.contains(pool));
            let reach = Reach::of(accounts.iter().filter(asked));
            let (key, name) = match &route.rewrite {
                Some(name) => ("rewrite", name),
                None => ("model", &route.model),
            };
            let missed = route.pools.iter().all(|pool| pools.contains(&pool.as_str()))
                && !reach.missed([name]).is_empty();
            if missed && !route.pools.is_empty() {
                let message = format!("`{name}` matches no model of the pools {}", route.pools.join(", "));
                problems.push(at(key, message).allowed(reach.names()));
            }
        }
        limits::output(route.max_output_tokens, &mut |key, message| problems.push(at(key, message)));
        match Globs::compile([route.model.as_str()]) {
            Ok(model) => routes.push(RouteConfig {
                model,
                apis: route.api,
                pools: route.pools,
                rewrite: route.rewrite,
                max_output_tokens: route.max_output_tokens,
            }),
            Err(error) => problems.push(at("model", error.to_string())),
        }
    }
    routes
}
