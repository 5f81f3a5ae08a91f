//! Client APIs that are allowed by name, and that no account behind them can answer.

use sluice_api::dialect::{Api, Family, Operation};
use sluice_api::provider::Offer;
use sluice_api::settings::Problem;
use sluice_reading::Loaded;

use crate::resolved::{AccountConfig, Resolved, RouteConfig};
use crate::section::entries;
use sluice_settings::key::KeyFields;

/// What accounts are asked what they speak for.
const OPERATIONS: [Operation; 3] = [Operation::Generate, Operation::Embed, Operation::Images];

/// A model that no provider knows, to ask those that serve any.
const ANY_MODEL: &str = "any";

/// What becomes of such requests.
const REFUSED: &str = "and none that its requests could be turned into: such requests are refused";

/// Routes for APIs that no account of their pools speaks, and pools of routes that speak none of the route's APIs.
pub(super) fn of_routes(loaded: &Loaded, config: &Resolved) -> Vec<Problem> {
    let mut told = Vec::new();
    let entries = entries(loaded, "routes", &mut Vec::new());
    for (route, entry) in config.routes.iter().zip(&entries) {
        let mut warn = |key: &str, message: String| {
            told.push(Problem::at(entry.file(loaded), entry.at(key), message));
        };
        for (at, api) in route.apis.iter().enumerate() {
            if !in_pools(config, &route.pools).any(|account| speaks(account, *api)) {
                let message = format!("no account of the route's pools speaks {}, {REFUSED}", api.title());
                warn(&format!("api[{at}]"), message);
            }
        }
        for (at, pool) in route.pools.iter().enumerate() {
            let spoken = |account: &AccountConfig| route.apis.iter().any(|api| speaks(account, *api));
            let alone = std::slice::from_ref(pool);
            if route.pools.len() > 1 && !route.apis.is_empty() && !in_pools(config, alone).any(spoken) {
                let message = format!("no account of the pool `{pool}` speaks an API that the route is for");
                warn(&format!("pools[{at}]"), message);
            }
        }
    }
    told
}

/// Keys that are allowed, by name, a family of which no account that they may use speaks an API.
pub(super) fn of_keys(loaded: &Loaded, config: &Resolved) -> Vec<Problem> {
    let mut told = Vec::new();
    let entries = entries(loaded, "keys", &mut Vec::new());
    for (key, entry) in
        config.keys.iter().zip(&entries).filter(|(_, entry)| entry.values.contains_key("allow"))
    {
        for (at, family) in key.fields.allow.iter().enumerate() {
            let spoken =
                |api: &Api| usable(config, &key.fields, *api).iter().any(|account| speaks(account, *api));
            if !Api::ALL.iter().filter(|api| api.family() == *family).any(spoken) {
                let message = format!(
                    "no account that this key may use speaks an API of the family {family}, {REFUSED}"
                );
                told.push(Problem::at(entry.file(loaded), entry.at(&format!("allow[{at}]")), message));
            }
        }
    }
    told
}

/// The accounts that a key's requests through an API may go to.
fn usable<'a>(config: &'a Resolved, key: &KeyFields, api: Api) -> Vec<&'a AccountConfig> {
    if !key.accounts.is_empty() {
        return config.accounts.iter().filter(|account| key.accounts.contains(&account.name)).collect();
    }
    if !key.pools.is_empty() {
        return in_pools(config, &key.pools).collect();
    }
    let takes = |route: &&RouteConfig| route.apis.is_empty() || route.apis.contains(&api);
    let mut pools: Vec<String> =
        config.routes.iter().filter(takes).flat_map(|route| route.pools.iter().cloned()).collect();
    pools.push(Family::name(api.family()).to_owned());
    in_pools(config, &pools).collect()
}

fn in_pools<'a>(config: &'a Resolved, pools: &[String]) -> impl Iterator<Item = &'a AccountConfig> {
    config.accounts.iter().filter(|account| account.pools.iter().any(|pool| pools.contains(pool)))
}

/// Whether an account can answer requests of an API, in that or in another dialect. One that tells of no model what it
/// speaks is taken to speak all.
fn speaks(account: &AccountConfig, api: Api) -> bool {
    let mut models = account.provider.models();
    models.extend(account.model_map.values().cloned());
    models.extend(account.models.exact_names().map(ToOwned::to_owned));
    models.push(ANY_MODEL.to_owned());
    let sent = |model: &String| account.provider.upstream_model(model).unwrap_or(model).to_owned();
    let models: Vec<String> = models.iter().map(sent).collect();
    let mut offers = OPERATIONS
        .iter()
        .flat_map(|operation| {
            models.iter().filter_map(|model| Some((*operation, account.provider.offer(*operation, model)?)))
        })
        .peekable();
    let answers = |(operation, offer): (Operation, Offer)| {
        offer.apis.iter().any(|spoken| *spoken == api || api.translates(operation, *spoken))
    };
    offers.peek().is_none() || offers.any(answers)
}
