//! What a refusal means. Facts: OpenAI's error codes and Azure's, as their SDKs and documentation name them.

use sluice_api::provider::Failure;
use sluice_api::{Error, Fault, Scope};

/// Words that make a refusal of this status the account's own fault.
const ACCOUNT_WORDS: [(u16, &[u8]); 8] = [
    (429, b"insufficient_quota"),
    (429, b"credit_balance_exhausted"),
    (429, b"spend_limit_exceeded"),
    (429, b"usage_limit_exceeded"),
    (404, b"DeploymentNotFound"),
    (404, b"Resource not found"),
    (400, b"OperationNotSupported"),
    (400, b"billing_hard_limit_reached"),
];

pub(crate) fn classify(failure: &Failure<'_>) -> Error {
    let error = failure.by_convention();
    let says = |words: &[u8]| failure.body.windows(words.len()).any(|window| window == words);
    let status = failure.status.as_u16();
    if ACCOUNT_WORDS.iter().any(|(code, words)| *code == status && says(words)) {
        return error.blame(Fault::Account, Scope::Account).elsewhere(true);
    }
    error
}
