//! What a refusal means. Facts: Anthropic's errors documentation and the official SDK's error codes.

use sluice_api::provider::Failure;
use sluice_api::{Error, Fault, Scope};

/// Words in a 400 or 429 that say that the account has no money or may not spend it.
const ACCOUNT_WORDS: [&[u8]; 6] = [
    b"credit balance is too low",
    b"organization_on_hold",
    b"spend limit",
    b"spend_limit_reached",
    b"billing_error",
    b"This organization has been disabled",
];

/// The provider is overloaded; Anthropic's own status.
const OVERLOADED: u16 = 529;

pub(crate) fn classify(failure: &Failure<'_>) -> Error {
    let error = failure.by_convention();
    match failure.status.as_u16() {
        400 | 429 if says_account(failure.body) => {
            error.blame(Fault::Account, Scope::Account).elsewhere(true)
        }
        OVERLOADED => error.blame(Fault::Provider, Scope::Model).elsewhere(true),
        _ => error,
    }
}

fn says_account(body: &[u8]) -> bool {
    ACCOUNT_WORDS.iter().any(|words| body.windows(words.len()).any(|window| window == *words))
}
