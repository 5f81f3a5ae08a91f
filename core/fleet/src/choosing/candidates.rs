//! Accounts that could serve what is asked, pool by pool, and how.

use std::fmt;
use std::sync::Arc;

use sluice_api::dialect::{Api, Operation};
use sluice_api::error::{Error, Kind};
use sluice_api::provider::{ModelPlace, Offer};
use sluice_config::key::Key;

use crate::account::Account;
use crate::running::InFlightOf;

/// An account that could serve a request, and how.
#[derive(Clone, Debug)]
pub struct Target {
    /// The account.
    pub account: Arc<Account>,
    /// The model that the account is asked for, after the route's `rewrite`.
    pub asked: Arc<str>,
    /// The model to ask upstream for.
    pub model: Arc<str>,
    /// Where the model stands in a request to it.
    pub model_in: ModelPlace,
    /// The kind of the account's provider.
    pub provider: &'static str,
    /// The dialect that it is asked in: the client's own where it speaks that, else one that the client's is turned into.
    pub speaks: Api,
}

impl Target {
    /// The model that a price list knows it by.
    #[must_use]
    pub fn priced_as(&self) -> &str {
        self.account.config.provider.stands_for(&self.model).unwrap_or(&self.model)
    }
}

/// A pool with those of its accounts that could serve a request.
#[derive(Debug)]
pub struct Pool {
    /// Its name.
    pub name: Arc<str>,
    /// Those of its accounts.
    pub targets: Vec<Target>,
}

/// What a model asked through an API could be served by, pool by pool in the order that they are tried.
#[derive(Debug)]
pub struct Candidates {
    /// The model asked for, after the route's `rewrite`.
    pub model: Arc<str>,
    /// In the order that they are tried.
    pub pools: Vec<Pool>,
    /// The most output tokens of one request on this route; no bound where there is none.
    pub max_output_tokens: Option<u64>,
    /// Requests in flight of the model that clients ask for.
    pub(crate) in_flight: Arc<InFlightOf>,
    /// An account would serve it, if the model had a price.
    pub(crate) unpriced: bool,
}

impl fmt::Display for Candidates {
    /// The pools in the order that they are tried, each with its accounts: `claude: a, b; claude-bedrock: c`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, pool) in self.pools.iter().enumerate() {
            write!(f, "{}{}: ", if at == 0 { "" } else { "; " }, pool.name)?;
            for (at, target) in pool.targets.iter().enumerate() {
                write!(f, "{}{}", if at == 0 { "" } else { ", " }, target.account.name)?;
            }
        }
        Ok(())
    }
}

/// Whether a key is not bound to other pools or other accounts.
pub fn binds(key: &Key, pool: &str, account: &str) -> bool {
    let pool = key.pools.is_empty() || key.pools.iter().any(|name| name == pool);
    pool && (key.accounts.is_empty() || key.accounts.iter().any(|name| name == account))
}

/// Whether and how an account could ever serve a model.
pub fn fits(account: &Arc<Account>, api: Api, operation: Operation, model: &str) -> Option<Target> {
    let upstream = upstream_model(account, model)?;
    let offers = |operation| account.config.provider.offer(operation, &upstream);
    let offer = match offers(operation) {
        // OpenAI's API has one operation for one text and for many.
        None if operation == Operation::BatchEmbed => offers(Operation::Embed),
        offer => offer,
    };
    let offer = offer?;
    let speaks = spoken_for(offer, api, operation)?;
    let asked = if *upstream == *model { Arc::clone(&upstream) } else { model.into() };
    Some(Target {
        account: Arc::clone(account),
        asked,
        model: upstream,
        model_in: offer.model_in,
        provider: account.config.provider.info().kind,
        speaks,
    })
}

/// The dialect in which an account is asked: the client's own, else the best of those that it is turned into.
fn spoken_for(offer: Offer, api: Api, operation: Operation) -> Option<Api> {
    let own = offer.apis.iter().find(|spoken| **spoken == api);
    own.or_else(|| offer.apis.iter().find(|spoken| api.translates(operation, **spoken))).copied()
}

/// The name that an account asks its upstream for, or `None` when it does not serve the model.
fn upstream_model(account: &Account, model: &str) -> Option<Arc<str>> {
    let config = &account.config;
    if let Some(mapped) = config.model_map.get(model) {
        return Some(mapped.as_str().into());
    }
    if !config.models.matches(model) {
        return None;
    }
    Some(config.provider.upstream_model(model).unwrap_or(model).into())
}

impl Candidates {
    /// All of them, pool by pool.
    pub fn targets(&self) -> impl Iterator<Item = &Target> {
        self.pools.iter().flat_map(|pool| &pool.targets)
    }

    /// Whether one account alone, of those that are enabled, could serve the model.
    pub fn is_one(&self) -> bool {
        self.targets().filter(|target| target.account.config.enabled).nth(1).is_none()
    }

    /// Why none of them can ever have a key's request.
    pub fn explain(&self, model: &str, api: Api) -> Error {
        if !self.pools.is_empty() {
            let message = format!("no pool or account that this key is bound to serves the model `{model}`");
            return Error::new(Kind::Forbidden, message);
        }
        if self.unpriced {
            let message = format!(
                "the model `{model}` has no price, and this gateway serves only what has one: ask for a model that GET /v1/models lists, or have its price added to `cost.files`"
            );
            return Error::new(Kind::ModelNotFound, message);
        }
        let message = format!(
            "no account serves the model `{model}` for {}; GET /v1/models lists what this key may ask for",
            api.title()
        );
        Error::new(Kind::ModelNotFound, message)
    }
}
