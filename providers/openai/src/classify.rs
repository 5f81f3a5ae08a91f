//! What a refusal means. Facts: OpenAI's error codes and Azure's, as their SDKs and documentation name them.

use sluice_api::provider::Failure;
use sluice_api::{Error, Fault, Scope};
use sluice_wire::refusal::Refusal;

/// Codes and types that make a refusal of this status the account's own fault.
const ACCOUNT_CODES: [(u16, &str); 11] = [
    (429, "insufficient_quota"),
    (429, "credit_balance_exhausted"),
    (429, "organization_spend_limit_exceeded"),
    (429, "project_spend_limit_exceeded"),
    (429, "organization_usage_limit_exceeded"),
    (429, "usage_limit_reached"),
    (404, "DeploymentNotFound"),
    // Azure's answer to a path or api-version that it does not know: the account is configured wrongly.
    (404, "404"),
    (400, "OperationNotSupported"),
    (400, "billing_hard_limit_reached"),
    (400, "invalid_organization"),
];

pub(crate) fn classify(failure: &Failure<'_>) -> Error {
    let error = failure.by_convention();
    let status = failure.status.as_u16();
    let mut codes = ACCOUNT_CODES.iter().filter(|(code, _)| *code == status).peekable();
    if codes.peek().is_none() {
        return error;
    }
    let refusal = Refusal::read(failure.body);
    if codes.any(|(_, code)| refusal.is(code)) {
        return error.blame(Fault::Account, Scope::Account).elsewhere(true);
    }
    error
}
