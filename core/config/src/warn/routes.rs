//! Routes that no request reaches, as earlier ones take all that they would.

use sluice_api::dialect::Api;
use sluice_api::settings::Problem;
use sluice_reading::Loaded;

use crate::resolved::{Resolved, RouteConfig};
use crate::section::entries;

/// Warnings about them.
pub(super) fn shadowed(loaded: &Loaded, config: &Resolved) -> Vec<Problem> {
    let entries = entries(loaded, "routes", &mut Vec::new());
    let mut told = Vec::new();
    for (at, (route, entry)) in config.routes.iter().zip(&entries).enumerate() {
        let earlier = config.routes.get(..at).unwrap_or_default();
        let takes = |api: Api| {
            let before = |one: &&RouteConfig| is_for(one, api) && one.model.covers(&route.model);
            earlier.iter().zip(&entries).find(|(one, _)| before(one)).map(|(_, entry)| entry)
        };
        let taken: Option<Vec<_>> =
            Api::ALL.into_iter().filter(|api| is_for(route, *api)).map(takes).collect();
        let Some(first) = taken.as_ref().and_then(|taken| taken.first()) else { continue };
        let place = loaded.place(&first.file(loaded), &first.path);
        let message =
            format!("no request reaches this route: {} in {place} takes all of its models", first.path);
        told.push(Problem::at(entry.file(loaded), entry.at("model"), message));
    }
    told
}

fn is_for(route: &RouteConfig, api: Api) -> bool {
    route.apis.is_empty() || route.apis.contains(&api)
}
