//! Refusals: of upstreams, read in whichever form they come; for clients, written.

use std::borrow::Cow;

use http::StatusCode;
use serde_json::Value;
use sluice_api::error::{Error, Kind};
use sluice_neutral::answer::{Class, Failure};
use sluice_wire::refusal::Refusal;

use crate::json::Json;

/// The longest message that is told on.
const MESSAGE_MAX: usize = 2_000;

/// Words by which servers say that a prompt is too long, in lower case.
const TOO_LONG: [&str; 9] = [
    "context_length_exceeded",
    "maximum context length",
    "context length",
    "context window",
    "context_window",
    "prompt is too long",
    "input is too long",
    "reduce the length of",
    "maximum prompt length",
];

/// Names of errors, and what they are about.
const NAMES: [(&str, Class); 19] = [
    ("context_length_exceeded", Class::TooLong),
    ("insufficient_quota", Class::Quota),
    ("credit_balance_exhausted", Class::Quota),
    ("organization_spend_limit_exceeded", Class::Quota),
    ("project_spend_limit_exceeded", Class::Quota),
    ("organization_usage_limit_exceeded", Class::Quota),
    ("billing_not_active", Class::Quota),
    ("content_policy_violation", Class::Policy),
    ("content_filter", Class::Policy),
    ("invalid_prompt", Class::Policy),
    ("invalid_api_key", Class::Unauthenticated),
    ("authentication_error", Class::Unauthenticated),
    ("model_not_found", Class::NotFound),
    ("DeploymentNotFound", Class::NotFound),
    ("rate_limit_exceeded", Class::RateLimited),
    ("rate_limit_error", Class::RateLimited),
    ("throttling_error", Class::RateLimited),
    ("slow_down", Class::Overloaded),
    ("server_is_overloaded", Class::Overloaded),
];

/// Reads a refusal that came with a status.
pub(crate) fn read(status: StatusCode, body: &[u8]) -> Failure<'static> {
    let json = of_sse(body);
    let refusal = Refusal::read(&json);
    let message = said(&refusal, &json).unwrap_or_else(|| unsaid(status));
    let class = class(&refusal, &message, status);
    let param = refusal.param.map(Cow::Owned);
    Failure { status, class, message: Cow::Owned(message), param }
}

/// Reads an error that came in a stream, or as an answer that was none: with the status that it stands for.
pub(crate) fn within(body: &[u8]) -> Failure<'static> {
    let refusal = Refusal::read(&of_sse(body));
    // Some write the status as a text.
    let told = refusal.codes.iter().find_map(|code| code.parse().ok());
    let told = told.filter(|status: &StatusCode| status.is_client_error() || status.is_server_error());
    read(told.unwrap_or_else(|| refusal.status_code()), body)
}

/// An error in place of an answer, as an error of the upstream's.
pub(crate) fn failed(body: &[u8]) -> Error {
    told(within(body))
}

/// The same, as it was read.
pub(crate) fn told(failure: Failure<'_>) -> Error {
    Error::new(Kind::Upstream, "the upstream answered with an error").said(failure.message.into_owned())
}

/// The data of the first event, where a body is a stream.
fn of_sse(body: &[u8]) -> Cow<'_, [u8]> {
    let mut lines = body.split(|byte| *byte == b'\n');
    let data = lines.find_map(|line| line.strip_prefix(b"data:"));
    match data.filter(|_| !body.trim_ascii_start().starts_with(b"{")) {
        Some(data) => Cow::Borrowed(data.trim_ascii()),
        None => Cow::Borrowed(body),
    }
}

/// What a body says in words: in the place for it, or in those that other servers have.
fn said(refusal: &Refusal, body: &[u8]) -> Option<String> {
    if !refusal.message.is_empty() {
        return Some(shortened(&refusal.message));
    }
    match serde_json::from_slice::<Value>(body) {
        Ok(value) => {
            let detail = value.pointer("/detail").or_else(|| value.pointer("/error/detail"))?;
            let text = match detail {
                Value::String(text) => text.clone(),
                // FastAPI's list of what is wrong.
                Value::Array(all) => {
                    let words = all.iter().filter_map(|one| one.get("msg")?.as_str());
                    words.collect::<Vec<_>>().join("; ")
                }
                other => other.to_string(),
            };
            Some(shortened(&text)).filter(|text| !text.is_empty())
        }
        // A page tells nothing that a client could use.
        Err(_) if body.trim_ascii_start().starts_with(b"<") => None,
        Err(_) => std::str::from_utf8(body).ok().map(shortened).filter(|text| !text.is_empty()),
    }
}

fn shortened(text: &str) -> String {
    text.trim().chars().take(MESSAGE_MAX).collect()
}

fn unsaid(status: StatusCode) -> String {
    format!("the upstream answered {} and did not say why", status.as_u16())
}

fn class(refusal: &Refusal, message: &str, status: StatusCode) -> Class {
    let lower = message.to_ascii_lowercase();
    let may_be_long = status.is_client_error() && status != StatusCode::TOO_MANY_REQUESTS;
    if may_be_long && TOO_LONG.iter().any(|words| lower.contains(words)) {
        return Class::TooLong;
    }
    let named = NAMES.iter().find(|(name, _)| refusal.is(name));
    named.map_or_else(|| Class::of(status), |(_, class)| *class)
}

/// Writes a refusal for a client.
pub(crate) fn write(failure: &Failure<'_>, request_id: &str) -> Vec<u8> {
    let (kind, code) = names(failure.class);
    let mut json = Json::default();
    json.object(|json| {
        json.key("error").object(|json| {
            json.key("message").text(&words(failure));
            json.key("type").text(kind);
            json.key("param");
            match &failure.param {
                Some(param) => json.text(param),
                None => json.raw("null"),
            }
            json.key("code");
            match code {
                Some(code) => json.text(code),
                None => json.raw("null"),
            }
            json.key("request_id").text(request_id);
        });
    });
    json.into_bytes()
}

const fn names(class: Class) -> (&'static str, Option<&'static str>) {
    match class {
        Class::BadRequest => ("invalid_request_error", None),
        Class::TooLong => ("invalid_request_error", Some("context_length_exceeded")),
        Class::Policy => ("invalid_request_error", Some("content_policy_violation")),
        Class::NotFound => ("invalid_request_error", Some("model_not_found")),
        Class::TooLarge => ("invalid_request_error", Some("request_too_large")),
        Class::RateLimited => ("rate_limit_error", Some("rate_limit_exceeded")),
        Class::Overloaded => ("server_error", Some("slow_down")),
        // The account's own: the client's key is not to blame, and must not seem so.
        Class::Unauthenticated | Class::Quota | Class::Forbidden | Class::Timeout | Class::Server => {
            ("server_error", Some("upstream_error"))
        }
    }
}

/// What is wrong, in words that clients of this dialect know.
fn words<'a>(failure: &'a Failure<'_>) -> Cow<'a, str> {
    match failure.class {
        // What it says is about the account, and may name it.
        Class::Unauthenticated | Class::Quota | Class::Forbidden => Cow::Borrowed(
            "the account that serves this model was refused by its provider: whoever runs the gateway must look at it",
        ),
        Class::TooLong => too_long(&failure.message),
        _ => Cow::Borrowed(&failure.message),
    }
}

/// OpenAI's words for a prompt that is too long, with the numbers that the upstream named.
fn too_long(message: &str) -> Cow<'_, str> {
    if message.to_ascii_lowercase().contains("maximum context length") {
        return Cow::Borrowed(message);
    }
    let digits = message.replace([',', '_'], "");
    let numbers = digits.split(|letter: char| !letter.is_ascii_digit());
    let mut numbers: Vec<u64> =
        numbers.filter_map(|number| number.parse().ok()).filter(|n| *n > 999).collect();
    numbers.sort_unstable();
    match (numbers.first(), numbers.last()) {
        (Some(most), Some(asked)) if most < asked => Cow::Owned(format!(
            "This model's maximum context length is {most} tokens. However, your messages resulted in {asked} tokens. \
             Please reduce the length of the messages."
        )),
        _ => Cow::Owned(format!(
            "Your input exceeds the maximum context length of this model. Please reduce the length of the messages. \
             ({message})"
        )),
    }
}
