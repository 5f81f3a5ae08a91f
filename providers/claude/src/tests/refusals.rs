//! Refusals as they are read: whose fault, how far, in what state, until when.

use http::{HeaderMap, HeaderName, StatusCode};
use sluice_api::error::{Condition, Fault, Scope};
use sluice_api::plugin::Timestamp;
use sluice_api::provider::{Failure, ToldBy};

/// Whose fault a refusal is, how far it reaches, and the state that it puts its scope into.
type Meaning = (Fault, Scope, Option<Condition>);

const CLIENTS: Meaning = (Fault::Client, Scope::Request, None);
const REFUSED: Meaning = (Fault::Account, Scope::Account, Some(Condition::Unauthorized));
const NO_MONEY: Meaning = (Fault::Account, Scope::Account, Some(Condition::QuotaExceeded));
const LIMITED: Meaning = (Fault::Account, Scope::Model, Some(Condition::RateLimited));
const OVERLOADED: Meaning = (Fault::Provider, Scope::Model, Some(Condition::Overloaded));
const BUSY: Meaning = (Fault::Provider, Scope::Account, Some(Condition::Overloaded));
const FAILING: Meaning = (Fault::Provider, Scope::Account, Some(Condition::Failing));

/// Reads a refusal that comes at noon; gives what it means, and for how many seconds.
fn read(status: u16, headers: &[(&str, &str)], body: &str) -> (Meaning, Option<u64>) {
    told("claude-console", ToldBy::Answer, status, headers, body)
}

/// The same for a kind of account, and for how it was told.
fn told(
    kind: &str,
    told: ToldBy,
    status: u16,
    headers: &[(&str, &str)],
    body: &str,
) -> (Meaning, Option<u64>) {
    let headers: HeaderMap = headers
        .iter()
        .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap()))
        .collect();
    let now: Timestamp = "2026-11-25T12:00:00Z".parse().unwrap();
    let status = StatusCode::from_u16(status).unwrap();
    let (headers, body) = (&headers, body.as_bytes());
    let failure = match told {
        ToldBy::Answer => Failure::answer(status, headers, body, now),
        ToldBy::Event => Failure::event(status, headers, body, now),
    };
    let error = crate::classify::classify(kind, &failure);
    let facts = error.facts();
    assert_eq!(facts.elsewhere, facts.fault != Fault::Client, "{status} {}", body.escape_ascii());
    ((facts.fault, facts.scope, facts.condition), facts.recovers.map(|wait| wait.as_secs()))
}

fn body(kind: &str, message: &str, code: &str) -> String {
    format!(
        r#"{{"type":"error","error":{{"type":"{kind}","message":"{message}","details":{{"error_code":"{code}"}}}}}}"#
    )
}

#[test]
fn whose_fault_it_is_how_far_it_reaches_and_what_state_it_means() {
    let low = "Your credit balance is too low to access the API";
    for (status, kind, message, code, meaning) in [
        (400, "invalid_request_error", "prompt is too long: 9 tokens > 8 maximum", "", CLIENTS),
        (
            400,
            "invalid_request_error",
            "messages.0: billing_error, Your credit balance is too low",
            "",
            CLIENTS,
        ),
        (400, "invalid_request_error", "x", "claude_code_version_too_old", CLIENTS),
        (404, "not_found_error", "model: x", "", CLIENTS),
        (404, "not_found_error", low, "", CLIENTS),
        (413, "request_too_large", "x", "", CLIENTS),
        (422, "invalid_request_error", "x", "", CLIENTS),
        (400, "invalid_request_error", low, "", NO_MONEY),
        (
            400,
            "invalid_request_error",
            "You have reached your specified API usage limits. You will",
            "",
            NO_MONEY,
        ),
        (400, "invalid_request_error", "This organization has been disabled.", "", REFUSED),
        (400, "invalid_request_error", "x", "organization_on_hold", REFUSED),
        (401, "authentication_error", "invalid x-api-key", "", REFUSED),
        (402, "billing_error", "x", "linked_organization_unpaid", NO_MONEY),
        (403, "permission_error", "x", "", REFUSED),
        (403, "permission_error", "This organization has been disabled.", "", REFUSED),
        (
            403,
            "permission_error",
            "Your API key does not have permission to use the specified resource.",
            "",
            (Fault::Account, Scope::Model, Some(Condition::Unauthorized)),
        ),
        (408, "timeout_error", "x", "", FAILING),
        (429, "rate_limit_error", "x", "", LIMITED),
        (429, "rate_limit_error", "x", "ramp_limit_exceeded", LIMITED),
        (429, "rate_limit_error", "x", "contract_spend_limit_reached", NO_MONEY),
        (429, "rate_limit_error", "x", "enforced_spend_limit_reached", NO_MONEY),
        (429, "billing_error", "x", "", NO_MONEY),
        (500, "api_error", "x", "", FAILING),
        (503, "api_error", "x", "", BUSY),
        (503, "overloaded_error", "x", "", OVERLOADED),
        (503, "api_error", "x", "cmek_key_unreachable", (Fault::Account, Scope::Account, FAILING.2)),
        (504, "timeout_error", "x", "", FAILING),
        (529, "overloaded_error", "Overloaded", "", OVERLOADED),
    ] {
        assert_eq!(
            read(status, &[], &body(kind, message, code)),
            (meaning, None),
            "{status} {kind} {message} {code}"
        );
    }
    for (status, meaning) in [(413, CLIENTS), (429, LIMITED), (502, FAILING), (529, OVERLOADED)] {
        assert_eq!(read(status, &[], "<html>"), (meaning, None), "{status}");
    }
}

#[test]
fn a_subscriptions_limit_is_the_accounts_and_its_part_for_a_model_that_models() {
    const STATUS: &str = "anthropic-ratelimit-unified-status";
    const CLAIM: &str = "anthropic-ratelimit-unified-representative-claim";
    let reset = ("anthropic-ratelimit-unified-reset", "1795611600");
    let limited = (Fault::Account, Scope::Account, Some(Condition::RateLimited));
    for (headers, meaning, seconds) in [
        (&[(STATUS, "rejected"), (CLAIM, "five_hour"), reset][..], limited, Some(3600)),
        (&[(STATUS, "rejected"), reset], limited, Some(3600)),
        (&[(STATUS, "rejected"), (CLAIM, "seven_day_opus"), reset], LIMITED, Some(3600)),
        (&[(STATUS, "allowed"), reset], LIMITED, None),
        (&[(STATUS, "allowed_warning"), reset], LIMITED, None),
    ] {
        assert_eq!(read(429, headers, "{}"), (meaning, seconds), "{headers:?}");
    }
}

#[test]
fn until_when_is_read_from_what_names_it_best() {
    const REQUESTS: (&str, &str) = ("anthropic-ratelimit-requests-reset", "2026-11-25T12:00:10Z");
    const TOKENS: (&str, &str) = ("anthropic-ratelimit-tokens-reset", "2026-11-25T12:00:50Z");
    const INPUT: (&str, &str) = ("anthropic-ratelimit-input-tokens-reset", "2026-11-25T12:00:20Z");
    const UNIFIED: (&str, &str) = ("anthropic-ratelimit-unified-reset", "1795611600");
    const WEEK: (&str, &str) = ("anthropic-ratelimit-unified-7d-reset", "1796000000");
    const FIVE_HOURS: (&str, &str) = ("anthropic-ratelimit-unified-5h-reset", "1795608180");
    const SEVEN_DAYS: (&str, &str) = ("anthropic-ratelimit-unified-7d-reset", "1795608900");
    const OVERAGE: (&str, &str) = ("anthropic-ratelimit-unified-overage-reset", "1795609000");
    let five_hours = |status: &'static str| ("anthropic-ratelimit-unified-5h-status", status);
    let seven_days = |status: &'static str| ("anthropic-ratelimit-unified-7d-status", status);
    let overage = |status: &'static str| ("anthropic-ratelimit-unified-overage-status", status);
    let left = |name: &'static str, count: &'static str| (name, count);
    let no_input = left("anthropic-ratelimit-input-tokens-remaining", "0");
    let no_requests = left("anthropic-ratelimit-requests-remaining", "0");
    let no_tokens = left("anthropic-ratelimit-tokens-remaining", "0");
    let some_tokens = left("anthropic-ratelimit-tokens-remaining", "3000");
    for (status, headers, seconds) in [
        (429, vec![], None),
        (429, vec![REQUESTS, TOKENS, INPUT, no_input, some_tokens], Some(20)),
        (429, vec![REQUESTS, TOKENS, INPUT, no_input, no_requests], Some(20)),
        // What says nothing of itself tells nothing.
        (429, vec![REQUESTS, TOKENS, INPUT, some_tokens], None),
        (429, vec![REQUESTS], None),
        (429, vec![TOKENS, some_tokens], None),
        (429, vec![TOKENS, no_tokens, INPUT, no_input], Some(50)),
        (429, vec![FIVE_HOURS, five_hours("rejected")], Some(180)),
        (429, vec![FIVE_HOURS, five_hours("rejected"), SEVEN_DAYS, seven_days("rejected")], Some(900)),
        (
            429,
            vec![FIVE_HOURS, five_hours("rejected"), SEVEN_DAYS, seven_days("allowed"), UNIFIED],
            Some(180),
        ),
        (429, vec![FIVE_HOURS, five_hours("allowed"), SEVEN_DAYS, seven_days("allowed_warning")], None),
        // That nothing goes beyond the limits is no limit.
        (429, vec![FIVE_HOURS, five_hours("rejected"), OVERAGE, overage("rejected")], Some(180)),
        (429, vec![OVERAGE, overage("rejected")], None),
        (429, vec![("retry-after", "3"), REQUESTS, no_requests], Some(3)),
        (429, vec![("retry-after", "Wed, 25 Nov 2026 12:00:30 GMT"), REQUESTS], Some(30)),
        (429, vec![UNIFIED, WEEK], None),
        (429, vec![UNIFIED, WEEK, REQUESTS], None),
        (429, vec![UNIFIED, ("anthropic-ratelimit-unified-status", "rejected"), WEEK, REQUESTS], Some(3600)),
        (429, vec![UNIFIED, REQUESTS, no_requests], Some(10)),
        (429, vec![("anthropic-ratelimit-requests-reset", "2026-11-25T11:59:00Z"), no_requests], None),
        (429, vec![("anthropic-ratelimit-requests-reset", "soon"), no_requests], None),
        (429, vec![("anthropic-priority-input-tokens-reset", "2026-11-25T13:00:00Z")], None),
        (529, vec![("retry-after", "4")], Some(4)),
        (529, vec![REQUESTS, no_requests], None),
        (503, vec![("retry-after", "4")], Some(4)),
        (400, vec![("retry-after", "4")], None),
    ] {
        assert_eq!(read(status, &headers, "{}").1, seconds, "{status} {headers:?}");
    }
    let no_money = body("rate_limit_error", "x", "enforced_spend_limit_reached");
    assert_eq!(read(429, &[REQUESTS, no_requests], &no_money), (NO_MONEY, None));
    assert_eq!(read(429, &[("retry-after", "60")], &no_money), (NO_MONEY, Some(60)));
}

#[test]
fn what_a_provider_behind_a_router_refuses_is_one_models_and_what_the_router_refuses_is_all_of_its() {
    let inner = r#"{"error":{"message":"Error from provider(p,m: 401): no","type":"api_error","code":"provider_response_error"}}"#;
    let own = r#"{"error":{"message":"no","type":"api_error"}}"#;
    for (status, meaning) in
        [(401, REFUSED), (402, NO_MONEY), (403, REFUSED), (429, LIMITED), (500, FAILING), (503, BUSY)]
    {
        let (fault, _, condition) = meaning;
        assert_eq!(read(status, &[], inner), ((fault, Scope::Model, condition), None), "{status}");
        assert_eq!(read(status, &[], own), (meaning, None), "{status}");
    }
    assert_eq!(read(400, &[], inner), (CLIENTS, None));
}

#[test]
fn an_error_in_a_routers_stream_is_the_inner_providers_and_so_one_models() {
    let odd = r#"{"type":"error","message":{"type":"api_error","message":"Error from provider(p,m: 500)"}}"#;
    let claudes = body("billing_error", "x", "");
    for (status, body, (fault, scope, condition)) in [
        (500, odd, FAILING),
        (502, odd, FAILING),
        (401, odd, REFUSED),
        (429, odd, LIMITED),
        (429, &claudes, NO_MONEY),
    ] {
        let of = |kind, how| told(kind, how, status, &[], body);
        assert_eq!(of("ccr", ToldBy::Event), ((fault, Scope::Model, condition), None), "{status} {body}");
        assert_eq!(of("ccr", ToldBy::Answer), ((fault, scope, condition), None), "{status} {body}");
        assert_eq!(of("claude-console", ToldBy::Event), ((fault, scope, condition), None), "{status} {body}");
    }
    assert_eq!(told("ccr", ToldBy::Event, 400, &[], odd), (CLIENTS, None));
}

#[test]
fn a_page_that_stands_before_the_api_says_nothing_of_the_credentials() {
    for status in [401, 402, 403, 404] {
        assert_eq!(read(status, &[], "<!DOCTYPE html><title>Just a moment...</title>"), (FAILING, None));
    }
}
