//! Accounts: what the engine reads of each, and the provider built from the rest.

use std::collections::HashMap;

use figment::value::Dict;
use http::{HeaderMap, HeaderName, HeaderValue};
use sluice_api::provider::Provider;
use sluice_api::{Problem, Section};

use super::section::{Entry, entries, read_table};
use super::{Seen, limits_refused, plugin};
use crate::config::load::Loaded;
use crate::config::settings::Account;
use crate::config::{AccountConfig, Globs, Timeouts};

/// Keys of an account that the engine reads; every other is its provider's.
const OWN: [&str; 18] = [
    "name",
    "provider",
    "pools",
    "priority",
    "weight",
    "concurrency",
    "models",
    "model_map",
    "headers",
    "include_usage",
    "proxy",
    "limits",
    "cost_multiplier",
    "enabled",
    "oauth",
    "connect_timeout",
    "first_byte_timeout",
    "idle_timeout",
];

/// Schemes that a proxy may have.
const PROXY_SCHEMES: [&str; 4] = ["http://", "https://", "socks5://", "socks5h://"];

pub(super) fn check(loaded: &Loaded, upstream: Timeouts, problems: &mut Vec<Problem>) -> Vec<AccountConfig> {
    let mut accounts = Vec::new();
    let mut seen = Seen::default();
    for entry in entries(loaded, "accounts", problems) {
        if let Some(account) = one(loaded, &entry, upstream, problems) {
            seen.note(loaded, &entry, &account.name, "account", problems);
            accounts.push(account);
        }
    }
    accounts
}

fn one(
    loaded: &Loaded,
    entry: &Entry,
    upstream: Timeouts,
    problems: &mut Vec<Problem>,
) -> Option<AccountConfig> {
    let (own, rest): (Dict, Dict) =
        entry.values.clone().into_iter().partition(|(key, _)| OWN.contains(&key.as_str()));
    let settings = read_table::<Account>(&Section { values: &own, ..entry.section(loaded) }, problems);
    let file = entry.file(loaded);
    let kind = own.get("provider").and_then(figment::value::Value::as_str);
    let found =
        kind.and_then(|kind| plugin::find::<dyn Provider>(kind, &file, &entry.at("provider"), problems));
    let provider =
        found.and_then(|plugin| match (plugin.build)(&Section { values: &rest, ..entry.section(loaded) }) {
            Ok(provider) => Some(provider),
            Err(more) => {
                problems.extend(more.into_iter().map(|problem| hint_own(problem, &file)));
                None
            }
        });
    let settings = settings?;
    let before = problems.len();
    let mut wrong =
        |key: &str, message: String| problems.push(Problem::at(file.clone(), entry.at(key), message));
    if settings.weight == 0 {
        wrong("weight", "a weight is at least 1; to take an account out, say enabled = false".to_owned());
    }
    if settings.oauth.is_some() {
        wrong("oauth", "oauth is not available yet".to_owned());
    }
    if settings.cost_multiplier != "1" {
        wrong("cost_multiplier", "a multiplier other than \"1\" is not available yet".to_owned());
    }
    if settings.pools.as_ref().is_some_and(Vec::is_empty) {
        wrong("pools", "an account that is in no pool is never used".to_owned());
    }
    if let Some(proxy) = &settings.proxy
        && !PROXY_SCHEMES.iter().any(|scheme| proxy.expose().starts_with(scheme))
    {
        wrong("proxy", "a proxy is a URL of http, https, socks5 or socks5h".to_owned());
    }
    for (asked, sent) in &settings.model_map {
        if let Err(error) = sluice_wire::peek::model_name(sent) {
            wrong(&format!("model_map.{asked}"), error.to_string());
        }
    }
    let mut headers = HeaderMap::new();
    for (name, value) in &settings.headers {
        match (name.parse::<HeaderName>(), HeaderValue::from_str(value)) {
            (Ok(name), Ok(value)) => {
                headers.insert(name, value);
            }
            _ => wrong(&format!("headers.{name}"), "this is no valid header".to_owned()),
        }
    }
    let models = Globs::compile(settings.models.iter().map(String::as_str)).unwrap_or_else(|(glob, why)| {
        wrong("models", format!("the glob `{glob}` is wrong: {why}"));
        Globs::default()
    });
    problems.extend(limits_refused(&file, &entry.at("limits"), &settings.limits));
    if problems.len() > before {
        return None;
    }
    let provider = provider?;
    let pools = settings
        .pools
        .unwrap_or_else(|| provider.info().families.iter().map(|family| family.name().to_owned()).collect());
    let or = |own: Option<sluice_api::units::Span>, general| own.map_or(general, |span| span.0);
    Some(AccountConfig {
        name: settings.name,
        provider,
        pools,
        priority: settings.priority,
        weight: settings.weight,
        concurrency: settings.concurrency,
        models,
        model_map: settings.model_map.into_iter().collect::<HashMap<_, _>>(),
        headers,
        include_usage: settings.include_usage,
        proxy: settings.proxy,
        timeouts: Timeouts {
            connect: or(settings.connect_timeout, upstream.connect),
            first_byte: or(settings.first_byte_timeout, upstream.first_byte),
            idle: or(settings.idle_timeout, upstream.idle),
        },
        enabled: settings.enabled,
    })
}

/// A key that neither the provider nor the engine knows may be a slip of one that the engine knows.
fn hint_own(problem: Problem, file: &str) -> Problem {
    let unknown = problem.message.strip_prefix("unknown key `").and_then(|rest| rest.strip_suffix('`'));
    let Some(unknown) = unknown.map(ToOwned::to_owned) else { return problem };
    let providers = problem.allowed.clone().unwrap_or_default();
    let valid: Vec<&str> = OWN.iter().copied().chain(providers.split(", ")).collect();
    let fresh = Problem::at(file, problem.path, problem.message);
    fresh.allowed(valid.join(", ")).nearest(&unknown, valid.iter().copied())
}
