//! Accounts: what the engine reads of each, and the provider built from the rest.

use std::collections::{BTreeSet, HashMap};

use figment::value::Dict;
use sluice_api::cost::Factor;
use sluice_api::dialect::Family;
use sluice_api::plugin::BuildCx;
use sluice_api::provider::{Discovery, Provider};
use sluice_api::settings::{Problem, Span};
use sluice_reading::Loaded;

use super::names::Names;
use super::{limits, outbound, plugin, reach, upstream};
use crate::credentials::Credentials;
use crate::resolved::{AccountConfig, Timeouts};
use crate::section::{Entry, entries, read_table};
use sluice_settings::account::Account;
use sluice_settings::globs::Globs;
use sluice_settings::schema::Schema;

/// What every account is checked against.
#[derive(Clone, Copy)]
pub(super) struct Common<'a> {
    /// The configuration.
    pub(super) loaded: &'a Loaded,
    /// The way upstream of those that say nothing of their own.
    pub(super) upstream: &'a upstream::General,
    /// The longest window of a limit, in days.
    pub(super) retention_days: u32,
    /// What their providers are built with.
    pub(super) cx: BuildCx<'a>,
}

/// The accounts.
pub(super) struct Accounts {
    /// Those that are right.
    pub(super) resolved: Vec<AccountConfig>,
    /// The names of all, also of those that are wrong: a mistake in one is not one in a key that names it.
    pub(super) names: Vec<String>,
    /// The pools of all, likewise.
    pub(super) pools: BTreeSet<String>,
}

pub(super) fn check(common: Common<'_>, problems: &mut Vec<Problem>) -> Accounts {
    let loaded = common.loaded;
    let keys: Vec<String> = Schema::of::<Account>().keys().into_iter().map(ToOwned::to_owned).collect();
    let mut all = Accounts { resolved: Vec::new(), names: Vec::new(), pools: BTreeSet::new() };
    let mut seen = Names::of("account", loaded);
    for entry in entries(loaded, "accounts", problems) {
        if !entry.name.is_empty() {
            seen.note(&entry, &entry.name, problems);
        }
        let account = one(&entry, &keys, common, problems);
        match &account {
            Some(account) => all.pools.extend(account.pools.iter().cloned()),
            None => all.pools.extend(pools_meant(&entry)),
        }
        all.names.push(entry.name);
        all.resolved.extend(account);
    }
    all
}

/// The pools of an account that is wrong; where it names none, it may be in any family's.
fn pools_meant(entry: &Entry) -> Vec<String> {
    let families = || Family::ALL.iter().map(|family| family.name().to_owned()).collect();
    entry.values.get("pools").map_or_else(families, |pools| pools.deserialize().unwrap_or_default())
}

fn one(
    entry: &Entry,
    keys: &[String],
    common: Common<'_>,
    problems: &mut Vec<Problem>,
) -> Option<AccountConfig> {
    let loaded = common.loaded;
    let (own, rest): (Dict, Dict) = entry.values.clone().into_iter().partition(|(key, _)| keys.contains(key));
    let settings = read_table::<Account>(&entry.section(loaded).with(&own), problems);
    let kind = own.get("provider").and_then(figment::value::Value::as_str);
    let place = plugin::Place {
        section: entry.section(loaded).with(&rest),
        beside: keys,
        kind: entry.at("provider"),
        file: entry.file(loaded),
        cx: common.cx,
    };
    let provider = match kind {
        Some(kind) => plugin::build::<dyn Provider>(kind, &place, problems),
        None => {
            problems.extend(plugin::unknown_keys::<dyn Provider>("", &place));
            None
        }
    };
    let settings = settings?;
    let before = problems.len();
    let file = entry.file(loaded);
    let mut wrong =
        |key: &str, message: String| problems.push(Problem::at(file.clone(), entry.at(key), message));
    values(&settings, &mut wrong);
    limits::check(&settings.limits, common.retention_days, &mut wrong);
    let headers = outbound::headers(&settings.headers).unwrap_or_else(|all| {
        all.into_iter().for_each(|(name, message)| wrong(&format!("headers.{name}"), message));
        http::HeaderMap::new()
    });
    let models = Globs::compile(settings.models.iter().map(String::as_str)).unwrap_or_else(|error| {
        wrong("models", error.to_string());
        Globs::default()
    });
    if let Some(provider) = &provider {
        let only = reach::only(&**provider);
        for glob in only.missed(&settings.models) {
            wrong("models", format!("`{glob}` matches none of the account's models: {}", only.names()));
        }
    }
    listed(&settings, &models, &mut wrong);
    let discovery = provider.as_ref().map(|provider| provider.discovery());
    if settings.discover == Some(true) && discovery == Some(Discovery::Never) {
        let message = "no list is read of this provider's upstream: leave it out, and name models in `list`";
        wrong("discover", message.to_owned());
    }
    let unasked = discovery == Some(Discovery::Unasked) && models.exact_names().next().is_none();
    let identity = common.upstream.identity_of(&settings, &mut wrong);
    if problems.len() > before {
        return None;
    }
    let (provider, identity) = (provider?, identity?);
    let pools = settings
        .pools
        .unwrap_or_else(|| provider.info().families.iter().map(|family| family.name().to_owned()).collect());
    let general = common.upstream;
    let or = |own: Option<Span>, general| own.map_or(general, |span| span.0);
    Some(AccountConfig {
        name: settings.name,
        upstream: place_upstream(provider.info().kind, &rest),
        credentials: Credentials::of(provider.info().kind, &rest, &headers),
        provider,
        pools,
        priority: settings.priority,
        weight: settings.weight,
        concurrency: settings.concurrency,
        limits: crate::limits::limits(&settings.limits),
        models,
        model_map: settings.model_map.into_iter().collect::<HashMap<_, _>>(),
        list: settings.list,
        cost_multiplier: Factor::from_units(settings.cost_multiplier.ten_billionths()),
        discover: settings.discover.unwrap_or(unasked),
        headers,
        include_usage: settings.include_usage,
        proxy: settings.proxy,
        http: settings.http.unwrap_or(general.http),
        identity,
        timeouts: Timeouts {
            connect: or(settings.connect_timeout, general.timeouts.connect),
            first_byte: or(settings.first_byte_timeout, general.timeouts.first_byte),
            idle: or(settings.idle_timeout, general.timeouts.idle),
        },
        enabled: settings.enabled,
    })
}

/// Names in `list` that could never be asked for.
fn listed(settings: &Account, models: &Globs, wrong: &mut limits::Wrong<'_>) {
    for (at, name) in settings.list.iter().enumerate() {
        let key = format!("list[{at}]");
        if let Err(error) = sluice_wire::request::peek::model_name(name) {
            wrong(&key, error.to_string());
        } else if !models.matches(name) && !settings.model_map.contains_key(name) {
            wrong(&key, format!("the account's `models` leave `{name}` out, so that it is never served"));
        }
    }
}

/// Settings that say where a provider is reached.
const PLACES: [&str; 3] = ["base_url", "region", "resource"];

/// What accounts of one upstream have in common, and those of others have not.
fn place_upstream(kind: &str, rest: &Dict) -> String {
    let places = PLACES.iter().filter_map(|place| rest.get(*place)?.as_str());
    std::iter::once(kind).chain(places).collect::<Vec<_>>().join(" ")
}

/// What each setting says for itself.
fn values(settings: &Account, wrong: &mut limits::Wrong<'_>) {
    if settings.name.trim().is_empty() {
        wrong("name", "the account has no name".to_owned());
    }
    if settings.weight == 0 {
        wrong("weight", "a weight is at least 1; to take an account out, say enabled = false".to_owned());
    }
    if settings.pools.as_ref().is_some_and(Vec::is_empty) {
        wrong("pools", "an account that is in no pool is never used".to_owned());
    }
    if let Some(Err(why)) = settings.proxy.as_ref().map(outbound::proxy) {
        wrong("proxy", why);
    }
    for (asked, sent) in &settings.model_map {
        if let Err(error) = sluice_wire::request::peek::model_name(sent) {
            wrong(&format!("model_map.{asked}"), error.to_string());
        }
    }
    for (key, span) in [
        ("connect_timeout", settings.connect_timeout),
        ("first_byte_timeout", settings.first_byte_timeout),
        ("idle_timeout", settings.idle_timeout),
    ] {
        if span.is_some_and(|span| span.0.is_zero()) {
            wrong(key, upstream::NO_WAIT.to_owned());
        }
    }
}
