//! What a refusal means. Facts: Anthropic's errors and rate limits documentation and the official SDK's error codes.

use std::time::Duration;

use http::HeaderMap;
use sluice_api::provider::Failure;
use sluice_api::{Condition, Error, Fault, Scope, Timestamp, wait};
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

/// What the headers of Anthropic's limits begin with.
const LIMIT: &str = "anthropic-ratelimit-";

/// The limit of a subscription that binds; its other parts (`unified-5h-reset`, …) reset at times of their own.
const UNIFIED_RESET: &str = "anthropic-ratelimit-unified-reset";

pub(crate) fn classify(failure: &Failure<'_>) -> Error {
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

/// When the limits reset that are used up; where none says that it is, the one that binds a subscription, else the last
/// of all.
fn until_reset(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok();
    let limits = headers.keys().filter_map(|name| name.as_str().strip_prefix(LIMIT)?.strip_suffix("-reset"));
    let plain = limits.filter(|limit| !limit.starts_with("unified"));
    let resets: Vec<(bool, Duration)> = plain
        .filter_map(|limit| {
            let reset = wait::reset(text(&format!("{LIMIT}{limit}-reset"))?, now)?;
            let left =
                text(&format!("{LIMIT}{limit}-remaining")).and_then(|left| left.trim().parse::<u64>().ok());
            Some((left == Some(0), reset))
        })
        .collect();
    let last = |exhausted: bool| {
        resets.iter().filter(|(none_left, _)| *none_left || !exhausted).map(|(_, reset)| *reset).max()
    };
    last(true).or_else(|| wait::reset(text(UNIFIED_RESET)?, now)).or_else(|| last(false))
}
