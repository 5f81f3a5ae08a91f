//! What a refusal means. Facts: Anthropic's errors and rate limits documentation and the official SDK's error codes.

use std::time::Duration;

use http::HeaderMap;
use sluice_api::error::{Condition, Error, Fault, Scope, wait};
use sluice_api::plugin::Timestamp;
use sluice_api::provider::{Failure, ToldBy};
use sluice_wire::refusal::Refusal;

use Condition::{Overloaded, QuotaExceeded, RateLimited, Unauthorized};
use Scope::{Account, Model};

/// What a refusal says by status and by a name in it: its type or its `details.error_code`.
struct Named(&'static [u16], &'static str, Fault, Scope, Condition);

/// Refusals that mean something else than their status does by HTTP's conventions.
const NAMED: [Named; 6] = [
    // No money, or none that may be spent; gateways answer it with 429.
    Named(&[400, 429], "billing_error", Fault::Account, Account, QuotaExceeded),
    Named(&[400, 429], "contract_spend_limit_reached", Fault::Account, Account, QuotaExceeded),
    Named(&[400, 429], "enforced_spend_limit_reached", Fault::Account, Account, QuotaExceeded),
    Named(&[400, 429], "organization_on_hold", Fault::Account, Account, Unauthorized),
    // The account's own key store can't be reached.
    Named(&[503], "cmek_key_unreachable", Fault::Account, Account, Condition::Failing),
    // Compatible endpoints have no status of their own for it.
    Named(&[500, 502, 503], "overloaded_error", Fault::Provider, Model, Overloaded),
];

/// Beginnings of sentences that say so where there is no code; a client's own words never stand at the beginning.
const SENTENCES: [(&str, Condition); 3] = [
    ("Your credit balance is too low", QuotaExceeded),
    ("You have reached your specified API usage limits", QuotaExceeded),
    ("This organization has been disabled", Unauthorized),
];

/// How a 403 begins that is about what was asked for: a model, or a feature of it.
const NO_PERMISSION: &str = "Your API key does not have permission to use the specified resource";

/// What claude-code-router answers where a provider behind it refused or failed, with that provider's status.
const INNER: &str = "provider_response_error";

/// What the headers of Anthropic's limits begin with.
const LIMIT: &str = "anthropic-ratelimit-";

/// What goes beyond a subscription's limits, where it is paid for; it is refused where it is not, and is no limit.
const OVERAGE: &str = "overage";

/// What an account's kind is called that is a claude-code-router.
pub(crate) const ROUTER: &str = "ccr";

/// For a kind of account. A router begins to answer when a provider behind it has: what goes wrong in its streams is
/// that provider's, and each model there has one of its own.
pub(crate) fn classify(kind: &str, failure: &Failure<'_>) -> Error {
    let error = of_any(failure);
    if kind == ROUTER && failure.told == ToldBy::Event && error.facts().condition.is_some() {
        let fault = error.facts().fault;
        return error.blame(fault, Model);
    }
    error
}

fn of_any(failure: &Failure<'_>) -> Error {
    let status = failure.status.as_u16();
    let error = failure.by_convention();
    let refusal = Refusal::read(failure.body);
    let named = NAMED.iter().find(|named| named.0.contains(&status) && refusal.is(named.1));
    let told = SENTENCES
        .iter()
        .find(|(start, _)| matches!(status, 400 | 403 | 429) && refusal.message.starts_with(start));
    let meant = match (named, told) {
        (Some(Named(_, _, fault, scope, condition)), _) => Some((*fault, *scope, *condition)),
        (None, Some((_, condition))) => Some((Fault::Account, Account, *condition)),
        (None, None) => None,
    };
    let explicit = wait::retry_after(failure.headers, failure.now);
    if refusal.is(INNER) && error.facts().condition.is_some() {
        // Each model has a provider of its own there.
        let fault = error.facts().fault;
        return error.blame(fault, Model);
    }
    if let Some((fault, scope, condition)) = meant {
        return error.blame(fault, scope).elsewhere(true).condition(Some(condition)).recovers(explicit);
    }
    if status == 403 && refusal.message.starts_with(NO_PERMISSION) {
        return error.blame(Fault::Account, Model);
    }
    if error.facts().condition != Some(RateLimited) {
        return error;
    }
    let error =
        if is_of_subscription(failure.headers) { error.blame(Fault::Account, Account) } else { error };
    error.recovers(explicit.or_else(|| until_reset(failure.headers, failure.now)))
}

/// Whether a subscription's limit is what was met, and not its part for one model.
fn is_of_subscription(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name)?.to_str().ok();
    let claim = text("anthropic-ratelimit-unified-representative-claim").unwrap_or_default();
    text("anthropic-ratelimit-unified-status") == Some("rejected")
        && !["opus", "sonnet", "haiku"].iter().any(|model| claim.contains(model))
}

/// When the limits are there again that are used up: the latest of those that have nothing left, or that reject. One
/// that says nothing of itself may be far from used up, and its reset far away: it tells nothing.
fn until_reset(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let limits = headers.keys().filter_map(|name| name.as_str().strip_prefix(LIMIT)?.strip_suffix("-reset"));
    let resets = limits.filter(|limit| !limit.contains(OVERAGE)).filter_map(|limit| {
        let text = |part: &str| headers.get(format!("{LIMIT}{limit}-{part}"))?.to_str().ok().map(str::trim);
        let is_used_up = text("remaining") == Some("0") || text("status") == Some("rejected");
        if is_used_up { wait::reset(text("reset")?, now) } else { None }
    });
    resets.max()
}
