//! Errors as clients read them, in each dialect, before the first byte.

use std::time::Duration;

use bytes::Bytes;
use http::header::{ALLOW, CONNECTION, CONTENT_TYPE, HeaderName, RETRY_AFTER, UPGRADE};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::{Value, json};
use sluice_api::dialect::Api;
use sluice_api::error::wait::whole_seconds;
use sluice_api::error::{Error, Kind};

/// The longest wait after which a client is told to try again by itself; SDKs would sleep for hours.
const RETRY_MAX: Duration = Duration::from_secs(60);

/// The longest wait that is told as `retry-after`: coding agents sleep out any, and print nothing.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(600);

const SLUICE_RETRY_AFTER: HeaderName = HeaderName::from_static("x-sluice-retry-after");
const RETRY_AFTER_MS: HeaderName = HeaderName::from_static("retry-after-ms");
pub(super) const SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");

/// How an error looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Anthropic's.
    Anthropic,
    /// OpenAI's.
    Openai,
    /// Google's.
    Gemini,
}

impl From<Api> for Style {
    fn from(api: Api) -> Self {
        match api {
            Api::Anthropic => Self::Anthropic,
            Api::Gemini => Self::Gemini,
            _ => Self::Openai,
        }
    }
}

/// An error, ready to be sent.
#[derive(Clone, Debug)]
pub struct Rendered {
    /// The status.
    pub status: StatusCode,
    /// Its headers, without those that carry the request's id.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

/// How a kind of error is called in each dialect.
pub(crate) struct Names {
    pub(crate) status: StatusCode,
    pub(crate) anthropic: &'static str,
    pub(crate) openai: (&'static str, Option<&'static str>),
    pub(crate) gemini: &'static str,
}

/// The names of a kind.
pub(crate) fn names(kind: Kind) -> Names {
    let of = |status, anthropic, openai, gemini| Names { status, anthropic, openai, gemini };
    let invalid = |code| ("invalid_request_error", code);
    let server = |code| ("server_error", Some(code));
    match kind {
        Kind::Unauthenticated => of(
            StatusCode::UNAUTHORIZED,
            "authentication_error",
            invalid(Some("invalid_api_key")),
            "UNAUTHENTICATED",
        ),
        Kind::Forbidden => of(
            StatusCode::FORBIDDEN,
            "permission_error",
            invalid(Some("permission_denied")),
            "PERMISSION_DENIED",
        ),
        Kind::BadRequest => {
            of(StatusCode::BAD_REQUEST, "invalid_request_error", invalid(None), "INVALID_ARGUMENT")
        }
        Kind::ModelNotFound => {
            of(StatusCode::NOT_FOUND, "not_found_error", invalid(Some("model_not_found")), "NOT_FOUND")
        }
        Kind::ResponseNotFound => of(
            StatusCode::BAD_REQUEST,
            "invalid_request_error",
            invalid(Some("previous_response_not_found")),
            "INVALID_ARGUMENT",
        ),
        Kind::ConversationNotFound | Kind::ItemNotFound => {
            of(StatusCode::NOT_FOUND, "not_found_error", invalid(None), "NOT_FOUND")
        }
        Kind::NoRoute => {
            of(StatusCode::NOT_FOUND, "not_found_error", invalid(Some("unknown_url")), "NOT_FOUND")
        }
        Kind::MethodNotAllowed => of(
            StatusCode::METHOD_NOT_ALLOWED,
            "invalid_request_error",
            invalid(Some("method_not_allowed")),
            "INVALID_ARGUMENT",
        ),
        Kind::TooLarge => of(
            StatusCode::PAYLOAD_TOO_LARGE,
            "request_too_large",
            invalid(Some("request_too_large")),
            "INVALID_ARGUMENT",
        ),
        Kind::RequestTimeout => of(
            StatusCode::REQUEST_TIMEOUT,
            "timeout_error",
            invalid(Some("request_timeout")),
            "DEADLINE_EXCEEDED",
        ),
        Kind::UpgradeRequired => of(
            StatusCode::UPGRADE_REQUIRED,
            "invalid_request_error",
            invalid(Some("websocket_not_supported")),
            "INVALID_ARGUMENT",
        ),
        Kind::RateLimited => of(
            StatusCode::TOO_MANY_REQUESTS,
            "rate_limit_error",
            ("rate_limit_error", Some("rate_limit_exceeded")),
            "RESOURCE_EXHAUSTED",
        ),
        Kind::BudgetUsed => of(
            StatusCode::PAYMENT_REQUIRED,
            "billing_error",
            ("insufficient_quota", Some("insufficient_quota")),
            "RESOURCE_EXHAUSTED",
        ),
        Kind::MaxTokensTooLarge => of(
            StatusCode::BAD_REQUEST,
            "invalid_request_error",
            invalid(Some("max_tokens_too_large")),
            "INVALID_ARGUMENT",
        ),
        Kind::NoAccount => of(
            StatusCode::SERVICE_UNAVAILABLE,
            "overloaded_error",
            server("no_account_available"),
            "UNAVAILABLE",
        ),
        Kind::Overloaded => of(
            StatusCode::SERVICE_UNAVAILABLE,
            "overloaded_error",
            server("gateway_overloaded"),
            "UNAVAILABLE",
        ),
        Kind::Upstream => of(StatusCode::BAD_GATEWAY, "api_error", server("upstream_error"), "INTERNAL"),
        Kind::UpstreamTimeout => {
            of(StatusCode::GATEWAY_TIMEOUT, "timeout_error", server("upstream_error"), "DEADLINE_EXCEEDED")
        }
        Kind::StoreUnavailable => {
            of(StatusCode::SERVICE_UNAVAILABLE, "api_error", server("store_unavailable"), "UNAVAILABLE")
        }
        Kind::Internal => {
            of(StatusCode::INTERNAL_SERVER_ERROR, "api_error", server("internal_error"), "INTERNAL")
        }
    }
}

/// Renders an error.
#[must_use]
pub fn refusal(style: Style, error: &Error, request_id: &str) -> Rendered {
    let facts = error.facts();
    let status = names(facts.kind).status;
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(wait) = facts.retry_after {
        tell_wait(&mut headers, status, wait);
    }
    if status.is_client_error() || status == StatusCode::SERVICE_UNAVAILABLE {
        headers.insert(SHOULD_RETRY, should_retry(status, facts.retry_after));
    }
    if let Some(allow) = facts.allow.as_deref().and_then(|methods| HeaderValue::from_str(methods).ok()) {
        headers.insert(ALLOW, allow);
    }
    match facts.kind {
        // The rest of the body is not read, so the connection can't go on.
        Kind::TooLarge | Kind::RequestTimeout => {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        Kind::UpgradeRequired => {
            headers.insert(UPGRADE, HeaderValue::from_static("HTTP/1.1"));
        }
        _ => {}
    }
    Rendered { status, headers, body: Bytes::from(body(style, error, request_id).to_string()) }
}

/// The body of an upstream's rate limit, in place of the upstream's own where that names the account.
#[must_use]
pub fn limited_upstream(style: Style, wait: Option<Duration>, request_id: &str) -> Bytes {
    let when = wait.map_or_else(|| "later".to_owned(), |wait| format!("in {} s", whole_seconds(wait)));
    let message = format!(
        "the accounts that serve this model are at their upstream's rate limit: send the request again {when}"
    );
    let error = Error::new(Kind::RateLimited, message);
    let error = match wait {
        Some(wait) => error.retry_after(wait),
        None => error,
    };
    refusal(style, &error, request_id).body
}

/// Google's word for a wait.
pub(super) fn retry_info(seconds: u64) -> Value {
    json!({ "@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": format!("{seconds}s") })
}

/// Tells a wait in whole seconds.
pub(super) fn tell_wait(headers: &mut HeaderMap, status: StatusCode, wait: Duration) {
    let seconds = HeaderValue::from(whole_seconds(wait));
    if is_told_to_wait(status) && wait <= RETRY_AFTER_MAX {
        headers.insert(RETRY_AFTER, seconds.clone());
    }
    headers.insert(SLUICE_RETRY_AFTER, seconds);
}

/// Tells the wait of an upstream's own refusal in place of what that said of the one account which was asked last; what
/// it said of trying again stands.
pub fn retell_wait(headers: &mut HeaderMap, status: StatusCode, wait: Duration) {
    let told = [headers.remove(RETRY_AFTER), headers.remove(RETRY_AFTER_MS)].iter().any(Option::is_some);
    if is_told_to_wait(status) {
        tell_wait(headers, status, wait);
        headers.entry(SHOULD_RETRY).or_insert(should_retry(status, Some(wait)));
    } else if told {
        headers.insert(RETRY_AFTER, HeaderValue::from(whole_seconds(wait)));
    }
}

/// Whether a client that is answered with this status waits and tries again.
pub(super) fn is_told_to_wait(status: StatusCode) -> bool {
    matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE)
}

pub(super) fn should_retry(status: StatusCode, wait: Option<Duration>) -> HeaderValue {
    let retry = is_told_to_wait(status) && wait.is_some_and(|wait| wait <= RETRY_MAX);
    HeaderValue::from_static(if retry { "true" } else { "false" })
}

/// The error's body.
pub(crate) fn body(style: Style, error: &Error, request_id: &str) -> Value {
    let facts = error.facts();
    let names = names(facts.kind);
    let seconds = facts.retry_after.map(whole_seconds);
    match style {
        Style::Anthropic => json!({
            "type": "error",
            "error": { "type": names.anthropic, "message": facts.message },
            "request_id": request_id,
        }),
        Style::Openai => {
            let message = match (facts.kind, seconds) {
                // Codex reads the wait from the sentence.
                (Kind::RateLimited, Some(seconds)) => {
                    format!("{}. Please try again in {seconds}s.", facts.message)
                }
                _ => facts.message.clone(),
            };
            let (kind, code) = names.openai;
            json!({ "error": {
                "message": message, "type": kind, "param": facts.param, "code": code, "request_id": request_id,
            }})
        }
        Style::Gemini => {
            let mut details = vec![json!({
                "@type": "type.googleapis.com/google.rpc.RequestInfo", "requestId": request_id,
            })];
            if let (Kind::RateLimited | Kind::NoAccount | Kind::Overloaded, Some(seconds)) =
                (facts.kind, seconds)
            {
                details.push(retry_info(seconds));
            }
            json!({ "error": {
                "code": names.status.as_u16(), "message": facts.message, "status": names.gemini, "details": details,
            }})
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Style, refusal, retell_wait};
    use http::{HeaderMap, HeaderName, StatusCode};
    use serde_json::Value;
    use sluice_api::error::{Error, Kind};
    use std::time::Duration;

    fn rendered(style: Style, error: &Error) -> (u16, Value, Option<String>, Option<String>) {
        let rendered = refusal(style, error, "req_1");
        let header = |name: &str| rendered.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
        (
            rendered.status.as_u16(),
            serde_json::from_slice(&rendered.body).unwrap(),
            header("retry-after"),
            header("x-should-retry"),
        )
    }

    #[test]
    fn each_dialect_has_its_own_words_and_the_request_id() {
        let error = Error::bad_request(Some("model"), "no model");
        let (status, body, _, retry) = rendered(Style::Anthropic, &error);
        assert_eq!(
            (status, body["error"]["type"].as_str(), body["request_id"].as_str()),
            (400, Some("invalid_request_error"), Some("req_1"))
        );
        assert_eq!(retry.as_deref(), Some("false"));
        let (_, body, ..) = rendered(Style::Openai, &error);
        assert_eq!(
            (body["error"]["param"].as_str(), body["error"]["request_id"].as_str()),
            (Some("model"), Some("req_1"))
        );
        let (_, body, ..) = rendered(Style::Gemini, &error);
        assert_eq!(
            (body["error"]["status"].as_str(), body["error"]["details"][0]["requestId"].as_str()),
            (Some("INVALID_ARGUMENT"), Some("req_1"))
        );
    }

    #[test]
    fn a_wait_is_told_as_retry_after_where_a_client_may_sleep_it_out() {
        for (kind, seconds, after) in [
            (Kind::NoAccount, 600, Some("600")),
            (Kind::NoAccount, 601, None),
            (Kind::RateLimited, 3_600, None),
        ] {
            let error = Error::new(kind, "full").retry_after(Duration::from_secs(seconds));
            let headers = refusal(Style::Openai, &error, "req_1").headers;
            let told = |name: &str| headers.get(name).map(|value| value.to_str().unwrap());
            assert_eq!(told("x-sluice-retry-after"), Some(seconds.to_string().as_str()));
            assert_eq!(told("retry-after"), after, "{seconds}");
        }
    }

    #[test]
    fn an_upstreams_wait_is_told_anew_and_what_it_said_of_trying_again_stands() {
        let wait = Duration::from_millis(4_200);
        for (status, sent, after, sluice, retry) in [
            (429, &[("retry-after", "3600")][..], Some("5"), Some("5"), Some("true")),
            (
                429,
                &[("retry-after-ms", "250"), ("x-should-retry", "false")],
                Some("5"),
                Some("5"),
                Some("false"),
            ),
            (503, &[], Some("5"), Some("5"), Some("true")),
            (529, &[("retry-after", "2.5")], Some("5"), None, None),
            (500, &[], None, None, None),
        ] {
            let mut headers: HeaderMap = sent
                .iter()
                .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap()))
                .collect();
            retell_wait(&mut headers, StatusCode::from_u16(status).unwrap(), wait);
            let told = |name: &str| headers.get(name).map(|value| value.to_str().unwrap());
            let all = (told("retry-after"), told("x-sluice-retry-after"), told("x-should-retry"));
            assert_eq!((all, told("retry-after-ms")), ((after, sluice, retry), None), "{status} {sent:?}");
        }
    }

    #[test]
    fn a_wait_is_whole_seconds_rounded_up_and_only_a_short_one_is_worth_a_retry() {
        let limited = |ms| Error::new(Kind::RateLimited, "full").retry_after(Duration::from_millis(ms));
        let (_, body, after, retry) = rendered(Style::Openai, &limited(1_200));
        assert!(body["error"]["message"].as_str().unwrap().contains("try again in 2s"));
        assert_eq!((after.as_deref(), retry.as_deref()), (Some("2"), Some("true")));
        let (_, body, _, retry) = rendered(Style::Gemini, &limited(3_600_000));
        assert_eq!(
            (body["error"]["details"][1]["retryDelay"].as_str(), retry.as_deref()),
            (Some("3600s"), Some("false"))
        );
    }
}
