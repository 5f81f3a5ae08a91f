//! What a refusal means. Facts: Anthropic's errors documentation and the official SDK's error codes.

use sluice_api::provider::Failure;
use sluice_api::{Error, Fault, Scope};
use sluice_wire::refusal::Refusal;

/// Types and `details.error_code`s that say that the account has no money or may not spend it.
const ACCOUNT_CODES: [&str; 4] =
    ["billing_error", "organization_on_hold", "contract_spend_limit_reached", "enforced_spend_limit_reached"];

/// Beginnings of sentences that say so where there is no code; a client's own words never stand at the beginning.
const ACCOUNT_SENTENCES: [&str; 3] = [
    "Your credit balance is too low",
    "This organization has been disabled",
    "You have reached your specified API usage limits",
];

/// The provider is overloaded; Anthropic's own status.
const OVERLOADED: u16 = 529;

pub(crate) fn classify(failure: &Failure<'_>) -> Error {
    let error = failure.by_convention();
    match failure.status.as_u16() {
        400 | 429 if is_the_accounts(&Refusal::read(failure.body)) => {
            error.blame(Fault::Account, Scope::Account).elsewhere(true)
        }
        OVERLOADED => error.blame(Fault::Provider, Scope::Model).elsewhere(true),
        _ => error,
    }
}

fn is_the_accounts(refusal: &Refusal) -> bool {
    ACCOUNT_CODES.iter().any(|code| refusal.is(code))
        || ACCOUNT_SENTENCES.iter().any(|start| refusal.message.starts_with(start))
}
