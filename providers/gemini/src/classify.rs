//! What a refusal means. Facts: Google's error model (`google.rpc`) and the Gemini API's troubleshooting page.

use sluice_api::error::{Condition, Error, Fault, Scope, wait};
use sluice_api::provider::Failure;
use sluice_wire::refusal::Refusal;

/// Reasons and statuses in a 400 that say that the account is at fault: its key, its region, its billing.
const ACCOUNT_REASONS: [&str; 3] = ["API_KEY_INVALID", "API_KEY_EXPIRED", "FAILED_PRECONDITION"];

/// How refusals begin that are about what the client named: its files and its cached contents.
const CLIENTS: [&str; 4] =
    ["You do not have permission to access the File", "The File ", "CachedContent not found", "File "];

/// What the ids of quotas have in them that last for a day. The `RetryInfo` beside them is a minute's, and wrong.
const DAILY: &str = "PerDay";

pub(crate) fn classify(failure: &Failure<'_>) -> Error {
    let error = failure.by_convention();
    let status = failure.status.as_u16();
    if !matches!(status, 400 | 403 | 429 | 503) {
        return error;
    }
    let refusal = Refusal::read(failure.body);
    let says = |reason: &str| refusal.is(reason) || refusal.reasons.iter().any(|told| told == reason);
    let until = || {
        let explicit = wait::retry_after(failure.headers, failure.now);
        explicit.or_else(|| wait::span(refusal.retry_delay.as_deref()?))
    };
    let of_client = CLIENTS.iter().any(|start| refusal.message.starts_with(start));
    match status {
        // Files and caches are an account's own: another one may have what this one denies, and none is at fault.
        400 | 403 if of_client => {
            let error = error.blame(Fault::Client, Scope::Request).elsewhere(status == 403);
            error.condition(None).recovers(None)
        }
        400 if ACCOUNT_REASONS.iter().any(|reason| says(reason)) => {
            let error = error.blame(Fault::Account, Scope::Account).elsewhere(true);
            error.condition(Some(Condition::Unauthorized))
        }
        429 if refusal.quotas.iter().any(|quota| quota.contains(DAILY)) => {
            error.condition(Some(Condition::QuotaExceeded))
        }
        429 => error.recovers(until()),
        // "The model is overloaded": another model of the same account may be well.
        503 => error.blame(Fault::Provider, Scope::Model).recovers(until()),
        _ => error,
    }
}
