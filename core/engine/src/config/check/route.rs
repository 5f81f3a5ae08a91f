//! Routes: which pools serve a model.

use sluice_api::Problem;

use super::section::{entries, read_table};
use crate::config::load::Loaded;
use crate::config::settings::Route;
use crate::config::{Globs, RouteConfig};

pub(super) fn check(loaded: &Loaded, pools: &[&str], problems: &mut Vec<Problem>) -> Vec<RouteConfig> {
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
        if let Some(Err(error)) = route.rewrite.as_deref().map(sluice_wire::peek::model_name) {
            problems.push(at("rewrite", error.to_string()));
        }
        match Globs::compile([route.model.as_str()]) {
            Ok(model) => routes.push(RouteConfig {
                model,
                apis: route.api,
                pools: route.pools,
                rewrite: route.rewrite,
            }),
            Err((glob, why)) => problems.push(at("model", format!("the glob `{glob}` is wrong: {why}"))),
        }
    }
    routes
}
