//! What a refusal means. Facts: OpenAI's error codes and Azure's, as their SDKs and documentation name them.

use std::time::Duration;

use http::HeaderMap;
use sluice_api::error::{Condition, Error, Fault, Scope, wait};
use sluice_api::provider::Failure;
use sluice_wire::refusal::Refusal;

use Condition::{Failing, Overloaded, QuotaExceeded, RateLimited, Unauthorized};
use Scope::{Account, Model};

/// What a refusal of this status and with this code or type says.
struct Named(u16, &'static str, Fault, Scope, Condition);

/// Refusals that mean something else than their status does by HTTP's conventions.
const NAMED: [Named; 20] = [
    // No money, or none that may be spent. OpenAI answers it with the status of a rate limit.
    Named(429, "insufficient_quota", Fault::Account, Account, QuotaExceeded),
    Named(429, "credit_balance_exhausted", Fault::Account, Account, QuotaExceeded),
    Named(429, "organization_spend_limit_exceeded", Fault::Account, Account, QuotaExceeded),
    Named(429, "project_spend_limit_exceeded", Fault::Account, Account, QuotaExceeded),
    Named(429, "organization_usage_limit_exceeded", Fault::Account, Account, QuotaExceeded),
    Named(429, "usage_limit_reached", Fault::Account, Account, QuotaExceeded),
    Named(400, "billing_hard_limit_reached", Fault::Account, Account, QuotaExceeded),
    // The account is not let in.
    Named(400, "invalid_organization", Fault::Account, Account, Unauthorized),
    Named(403, "unsupported_country_region_territory", Fault::Account, Account, Unauthorized),
    Named(403, "model_not_found", Fault::Account, Model, Unauthorized),
    // The provider has too much to do with this model, whatever the status. A slow-down is for a load that grew too fast.
    Named(429, "slow_down", Fault::Provider, Model, Overloaded),
    Named(429, "server_is_overloaded", Fault::Provider, Model, Overloaded),
    Named(429, "resource_unavailable", Fault::Provider, Model, Overloaded),
    Named(429, "NoCapacity", Fault::Provider, Model, Overloaded),
    Named(500, "server_is_overloaded", Fault::Provider, Model, Overloaded),
    Named(503, "server_is_overloaded", Fault::Provider, Model, Overloaded),
    Named(503, "slow_down", Fault::Provider, Model, Overloaded),
    // Azure's deployments: one that is missing, and one of a model that can't do what is asked.
    Named(404, "DeploymentNotFound", Fault::Account, Model, Failing),
    Named(400, "OperationNotSupported", Fault::Account, Model, Failing),
    // Azure's answer to a path or api-version that it does not know: the account is configured wrongly.
    Named(404, "404", Fault::Account, Account, Failing),
];

/// How a 403 begins that is about one model, where it has no code.
const NO_MODEL: &str = "You are not allowed to sample from this model";

/// What the headers of limits begin with: a span until all of the limit is there again, and what is left of it.
const RESET: &str = "x-ratelimit-reset-";
const REMAINING: &str = "x-ratelimit-remaining-";

/// What stands before the span in the sentence about a rate limit: `… Please try again in 1.2s.`
const TRY_AGAIN: &str = "try again in ";

pub(crate) fn classify(failure: &Failure<'_>) -> Error {
    let error = failure.by_convention();
    let status = failure.status.as_u16();
    if !NAMED.iter().any(|named| named.0 == status) {
        return error;
    }
    let refusal = Refusal::read(failure.body);
    let explicit = wait::retry_after(failure.headers, failure.now);
    if let Some(Named(_, _, fault, scope, condition)) =
        NAMED.iter().find(|named| named.0 == status && refusal.is(named.1))
    {
        let error = error.blame(*fault, *scope).elsewhere(true);
        return error.condition(Some(*condition)).recovers(explicit);
    }
    if status == 403 && refusal.message.starts_with(NO_MODEL) {
        return error.blame(Fault::Account, Model);
    }
    if error.facts().condition != Some(RateLimited) {
        return error;
    }
    error.recovers(explicit.or_else(|| told(&refusal)).or_else(|| until_reset(failure.headers)))
}

/// The span that the sentence about a rate limit names. It is the limit's own, where the headers tell when all of a
/// limit is there again.
fn told(refusal: &Refusal) -> Option<Duration> {
    let (_, rest) = refusal.message.rsplit_once(TRY_AGAIN).filter(|_| refusal.is("rate_limit_exceeded"))?;
    wait::span(rest.split_whitespace().next()?.trim_end_matches('.'))
}

/// When the limits that are used up are there again.
fn until_reset(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    let limits = headers.keys().filter_map(|name| name.as_str().strip_prefix(RESET));
    // A limit that does not tell what is left is taken for used up.
    let left = |limit: &str| text(&format!("{REMAINING}{limit}"));
    let used_up = limits.filter(|limit| left(limit).is_none_or(|left| left == "0"));
    used_up.filter_map(|limit| wait::span(text(&format!("{RESET}{limit}"))?)).max()
}
