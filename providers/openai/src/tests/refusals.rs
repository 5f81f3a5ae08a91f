//! Refusals as they are read: whose fault, how far, in what state, until when.

use http::{HeaderMap, HeaderName, StatusCode};
use sluice_api::error::{Condition, Fault, Scope};
use sluice_api::plugin::Timestamp;
use sluice_api::provider::Failure;

/// Whose fault a refusal is, how far it reaches, and the state that it puts its scope into.
type Meaning = (Fault, Scope, Option<Condition>);

const CLIENTS: Meaning = (Fault::Client, Scope::Request, None);
const REFUSED: Meaning = (Fault::Account, Scope::Account, Some(Condition::Unauthorized));
const NO_ACCESS: Meaning = (Fault::Account, Scope::Model, Some(Condition::Unauthorized));
const NO_MONEY: Meaning = (Fault::Account, Scope::Account, Some(Condition::QuotaExceeded));
const LIMITED: Meaning = (Fault::Account, Scope::Model, Some(Condition::RateLimited));
const OVERLOADED: Meaning = (Fault::Provider, Scope::Model, Some(Condition::Overloaded));
const BUSY: Meaning = (Fault::Provider, Scope::Account, Some(Condition::Overloaded));
const FAILING: Meaning = (Fault::Provider, Scope::Account, Some(Condition::Failing));
const NO_DEPLOYMENT: Meaning = (Fault::Account, Scope::Model, Some(Condition::Failing));
const WRONG_PATH: Meaning = (Fault::Account, Scope::Account, Some(Condition::Failing));

/// Reads a refusal; gives what it means, and for how many milliseconds.
fn read(status: u16, headers: &[(&str, &str)], body: &str) -> (Meaning, Option<u128>) {
    let headers: HeaderMap = headers
        .iter()
        .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap()))
        .collect();
    let status = StatusCode::from_u16(status).unwrap();
    let now = Timestamp::UNIX_EPOCH;
    let (headers, body) = (&headers, body.as_bytes());
    let error = crate::classify::classify(&Failure::answer(status, headers, body, now));
    let facts = error.facts();
    assert_eq!(facts.elsewhere, facts.fault != Fault::Client, "{status} {}", body.escape_ascii());
    ((facts.fault, facts.scope, facts.condition), facts.recovers.map(|wait| wait.as_millis()))
}

fn body(kind: &str, code: &str, message: &str) -> String {
    format!(r#"{{"error":{{"message":"{message}","type":"{kind}","param":null,"code":"{code}"}}}}"#)
}

#[test]
fn whose_fault_it_is_how_far_it_reaches_and_what_state_it_means() {
    for (status, kind, code, meaning) in [
        (400, "invalid_request_error", "context_length_exceeded", CLIENTS),
        (400, "invalid_request_error", "content_filter", CLIENTS),
        (400, "invalid_request_error", "billing_hard_limit_reached", NO_MONEY),
        (400, "invalid_request_error", "invalid_organization", REFUSED),
        (400, "invalid_request_error", "OperationNotSupported", NO_DEPLOYMENT),
        (401, "invalid_request_error", "invalid_api_key", REFUSED),
        (401, "", "PermissionDenied", REFUSED),
        (402, "", "", NO_MONEY),
        (403, "invalid_request_error", "unsupported_country_region_territory", REFUSED),
        (403, "invalid_request_error", "model_not_found", NO_ACCESS),
        (403, "", "Forbidden", REFUSED),
        (404, "invalid_request_error", "model_not_found", CLIENTS),
        (404, "", "DeploymentNotFound", NO_DEPLOYMENT),
        (404, "", "404", WRONG_PATH),
        (413, "", "", CLIENTS),
        (422, "invalid_request_error", "unprocessable_entity", CLIENTS),
        (429, "tokens", "rate_limit_exceeded", LIMITED),
        (429, "", "RateLimitReached", LIMITED),
        (429, "", "429", LIMITED),
        (429, "insufficient_quota", "insufficient_quota", NO_MONEY),
        (429, "insufficient_quota", "project_spend_limit_exceeded", NO_MONEY),
        (429, "usage_limit_reached", "", NO_MONEY),
        (429, "rate_limit_error", "slow_down", OVERLOADED),
        (429, "rate_limit_error", "resource_unavailable", OVERLOADED),
        (429, "", "NoCapacity", OVERLOADED),
        (500, "server_error", "", FAILING),
        (503, "server_error", "", BUSY),
        (503, "server_error", "slow_down", OVERLOADED),
        (503, "server_error", "server_is_overloaded", OVERLOADED),
        (504, "server_error", "", FAILING),
    ] {
        let body = body(kind, code, "insufficient_quota? DeploymentNotFound?");
        assert_eq!(read(status, &[], &body), (meaning, None), "{status} {kind} {code}");
    }
    let no_model = body("invalid_request_error", "", "You are not allowed to sample from this model");
    assert_eq!(read(403, &[], &no_model), (NO_ACCESS, None));
    for (status, meaning) in [(400, CLIENTS), (404, FAILING), (429, LIMITED), (503, BUSY)] {
        assert_eq!(read(status, &[], "<html>insufficient_quota"), (meaning, None), "{status}");
    }
}

#[test]
fn until_when_is_read_from_what_names_it_best() {
    let limited = |message: &str| body("tokens", "rate_limit_exceeded", message);
    let sentence =
        "Rate limit reached for m: Limit 9, Used 8, Requested 2. Please try again in 1.2s. Visit x.";
    let requests = [("x-ratelimit-reset-requests", "6m0s"), ("x-ratelimit-remaining-requests", "0")];
    let tokens = [("x-ratelimit-reset-tokens", "120ms"), ("x-ratelimit-remaining-tokens", "0")];
    let some = [("x-ratelimit-reset-tokens", "9m0s"), ("x-ratelimit-remaining-tokens", "7")];
    let project = [("x-ratelimit-reset-project-tokens", "2s"), ("x-ratelimit-remaining-project-tokens", "0")];
    for (status, headers, body, wait) in [
        (429, vec![], limited("x"), None),
        (429, requests.to_vec(), limited("x"), Some(360_000)),
        (429, tokens.to_vec(), limited("x"), Some(120)),
        (429, [requests, tokens].concat(), limited("x"), Some(360_000)),
        (429, [project, some].concat(), limited("x"), Some(2_000)),
        (429, some.to_vec(), limited("x"), None),
        (429, requests.to_vec(), limited(sentence), Some(1_200)),
        (429, vec![], limited("Please try again in 6m0s."), Some(360_000)),
        (429, vec![], limited("Please try again in a while."), None),
        (429, vec![], body("invalid", "other", sentence), None),
        (429, [vec![("retry-after", "3")], requests.to_vec()].concat(), limited(sentence), Some(3_000)),
        (429, vec![("retry-after-ms", "250"), ("retry-after", "1")], body("", "429", "x"), Some(250)),
        (
            429,
            [vec![("retry-after", "3600")], requests.to_vec()].concat(),
            body("", "insufficient_quota", ""),
            Some(3_600_000),
        ),
        (429, requests.to_vec(), body("", "insufficient_quota", ""), None),
        (503, [vec![("retry-after", "4")], requests.to_vec()].concat(), String::new(), Some(4_000)),
        (503, requests.to_vec(), String::new(), None),
        (404, vec![("retry-after", "4")], body("", "DeploymentNotFound", ""), Some(4_000)),
        (400, vec![("retry-after", "4")], String::new(), None),
    ] {
        assert_eq!(read(status, &headers, &body).1, wait, "{status} {headers:?} {body}");
    }
}
