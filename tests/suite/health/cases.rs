//! What upstreams say of an account's health, and what it means.

use std::time::Duration;

use sluice_tests::moment::{http_date, now, rfc3339};

/// Providers, each with the client API that its accounts are asked through.
pub(super) const KINDS: [(&str, &str); 6] = [
    ("claude-console", "anthropic"),
    ("openai", "openai-chat"),
    ("openai-responses", "openai-responses"),
    ("openai-compatible", "openai-chat"),
    ("azure-openai", "openai-chat"),
    ("gemini", "gemini"),
];

const ALL: &[&str] =
    &["claude-console", "openai", "openai-responses", "openai-compatible", "azure-openai", "gemini"];
const CLAUDE: &[&str] = &["claude-console"];
const OPENAI: &[&str] = &["openai", "openai-responses", "openai-compatible", "azure-openai"];
const GEMINI: &[&str] = &["gemini"];
const ALL_BUT_GEMINI: &[&str] =
    &["claude-console", "openai", "openai-responses", "openai-compatible", "azure-openai"];

/// How an upstream fails.
#[derive(Clone, Copy)]
pub(super) enum Told {
    /// It answers with this status, these headers and this body.
    Answer(u16, fn() -> String, &'static str),
    /// It refuses the connection.
    Nothing,
}

/// What is in a state.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    Account,
    Model,
}

/// A failure and what it means.
pub(super) struct Case {
    pub(super) what: &'static str,
    pub(super) on: &'static [&'static str],
    pub(super) told: Told,
    /// Failures that it takes.
    pub(super) times: usize,
    pub(super) state: &'static str,
    pub(super) scope: Scope,
    /// How long it lasts: as upstream says, else as the contract's defaults are.
    pub(super) seconds: f64,
}

use Scope::{Account, Model};

const fn case(
    what: &'static str,
    on: &'static [&'static str],
    (status, headers, body): (u16, fn() -> String, &'static str),
    (state, scope, seconds): (&'static str, Scope, f64),
) -> Case {
    Case { what, on, told: Told::Answer(status, headers, body), times: 1, state, scope, seconds }
}

fn none() -> String {
    String::new()
}

fn in_two_minutes() -> String {
    "retry-after: 120\r\n".to_owned()
}

fn at() -> Duration {
    now() + Duration::from_secs(120)
}

const LIMITED: (&str, Scope, f64) = ("rate_limited", Model, 120.0);
const REFUSED: (&str, Scope, f64) = ("unauthorized", Account, 300.0);
const NO_MONEY: (&str, Scope, f64) = ("quota_exceeded", Account, 900.0);

pub(super) const CASES: [Case; 24] = [
    case("429, retry-after in seconds", ALL, (429, in_two_minutes, "{}"), LIMITED),
    case("429, a date", ALL, (429, || format!("retry-after: {}\r\n", http_date(at())), "{}"), LIMITED),
    case(
        "429, milliseconds",
        ALL,
        (429, || "retry-after-ms: 90500\r\n".to_owned(), "{}"),
        ("rate_limited", Model, 90.5),
    ),
    case("429 alone", ALL, (429, none, "{}"), ("rate_limited", Model, 15.0)),
    case(
        "429, the reset of the limit that is used up",
        CLAUDE,
        (
            429,
            || {
                let (tokens, requests) = (rfc3339(at() + Duration::from_secs(600)), rfc3339(at()));
                format!(
                    "anthropic-ratelimit-tokens-remaining: 7\r\nanthropic-ratelimit-tokens-reset: {tokens}\r\n\
                     anthropic-ratelimit-requests-remaining: 0\r\nanthropic-ratelimit-requests-reset: {requests}\r\n"
                )
            },
            "{}",
        ),
        LIMITED,
    ),
    case(
        "429, the reset of the window that rejects",
        CLAUDE,
        (
            429,
            || {
                let (day, week) = (at().as_secs(), (at() + Duration::from_secs(600)).as_secs());
                format!(
                    "anthropic-ratelimit-unified-status: rejected\r\nanthropic-ratelimit-unified-5h-status: rejected\r\n\
                     anthropic-ratelimit-unified-5h-reset: {day}\r\nanthropic-ratelimit-unified-7d-status: allowed\r\n\
                     anthropic-ratelimit-unified-7d-reset: {week}\r\n"
                )
            },
            "{}",
        ),
        ("rate_limited", Account, 120.0),
    ),
    case(
        "429, the reset of a window that is not used up",
        CLAUDE,
        (
            429,
            || {
                let reset = rfc3339(at());
                format!(
                    "anthropic-ratelimit-requests-remaining: 40\r\nanthropic-ratelimit-requests-reset: {reset}\r\n"
                )
            },
            "{}",
        ),
        ("rate_limited", Model, 15.0),
    ),
    case(
        "429, a reset in seconds since 1970",
        CLAUDE,
        (
            429,
            || {
                let reset = at().as_secs();
                format!(
                    "anthropic-ratelimit-tokens-remaining: 0\r\nanthropic-ratelimit-tokens-reset: {reset}\r\n"
                )
            },
            "{}",
        ),
        LIMITED,
    ),
    case(
        "429, the span until the limit that is used up is there again",
        OPENAI,
        (
            429,
            || {
                "x-ratelimit-remaining-requests: 0\r\nx-ratelimit-reset-requests: 2m0s\r\n\
                 x-ratelimit-remaining-tokens: 9\r\nx-ratelimit-reset-tokens: 1h0m0s\r\n"
                    .to_owned()
            },
            "{}",
        ),
        LIMITED,
    ),
    case(
        "429, RetryInfo",
        GEMINI,
        (
            429,
            none,
            r#"{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","message":"m","details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"90.5s"}]}}"#,
        ),
        ("rate_limited", Model, 90.5),
    ),
    case("401", ALL, (401, none, "{}"), REFUSED),
    case("403", ALL, (403, none, "{}"), REFUSED),
    case(
        "a key that is invalid",
        GEMINI,
        (
            400,
            none,
            r#"{"error":{"code":400,"status":"INVALID_ARGUMENT","message":"m","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"API_KEY_INVALID"}]}}"#,
        ),
        REFUSED,
    ),
    case("402", ALL, (402, none, "{}"), NO_MONEY),
    case("402, retry-after", ALL, (402, in_two_minutes, "{}"), ("quota_exceeded", Account, 120.0)),
    case(
        "no money",
        CLAUDE,
        (
            400,
            none,
            r#"{"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low to access the Anthropic API."}}"#,
        ),
        NO_MONEY,
    ),
    case(
        "no money",
        OPENAI,
        (429, none, r#"{"error":{"type":"insufficient_quota","code":"insufficient_quota","message":"m"}}"#),
        NO_MONEY,
    ),
    case(
        "the day's quota",
        GEMINI,
        (
            429,
            none,
            r#"{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","message":"m","details":[{"@type":"type.googleapis.com/google.rpc.QuotaFailure","violations":[{"quotaId":"GenerateRequestsPerDayPerProjectPerModel-FreeTier"}]},{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"30s"}]}}"#,
        ),
        ("quota_exceeded", Model, 900.0),
    ),
    case("503", ALL_BUT_GEMINI, (503, none, "{}"), ("overloaded", Account, 5.0)),
    case("503", GEMINI, (503, none, "{}"), ("overloaded", Model, 5.0)),
    case("503, retry-after", ALL_BUT_GEMINI, (503, in_two_minutes, "{}"), ("overloaded", Account, 120.0)),
    Case { times: 3, ..case("500, three times", ALL, (500, none, "{}"), ("failing", Account, 10.0)) },
    Case {
        what: "a refused connection, three times",
        on: ALL,
        told: Told::Nothing,
        times: 3,
        state: "failing",
        scope: Account,
        seconds: 10.0,
    },
    // The provider's overload is a short wait, not a broken account.
    case("529", ALL, (529, none, "{}"), ("overloaded", Model, 5.0)),
];
