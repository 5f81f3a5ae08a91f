//! What the gateway's own refusals say, row by row of the contract's table.

use serde_json::Value;

use crate::client::Whole;

/// Whose words a refusal is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Anthropic's.
    Anthropic,
    /// OpenAI's.
    Openai,
    /// Google's.
    Gemini,
}

impl Style {
    /// Of a client API, by its name.
    #[must_use]
    pub fn of(api: &str) -> Self {
        match api {
            "anthropic" => Self::Anthropic,
            "gemini" => Self::Gemini,
            _ => Self::Openai,
        }
    }
}

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The status.
    pub status: u16,
    /// Anthropic's `error.type`.
    pub anthropic: &'static str,
    /// OpenAI's `error.type` and `error.code`.
    pub openai: (&'static str, Option<&'static str>),
    /// Gemini's `error.status`.
    pub gemini: &'static str,
    /// `retry-after`.
    pub after: Option<&'static str>,
    /// `x-should-retry`.
    pub retry: Option<&'static str>,
}

/// What is for operators alone: words of libraries, and where accounts are.
const OPERATORS: [&str; 5] = ["os error", "connection error", "127.0.0.1", "localhost", ".invalid"];

const INVALID: &str = "invalid_request_error";

/// One that can't be mended by trying again.
const fn final_row(
    status: u16,
    anthropic: &'static str,
    code: Option<&'static str>,
    gemini: &'static str,
) -> Row {
    Row { status, anthropic, openai: (INVALID, code), gemini, after: None, retry: Some("false") }
}

/// No key, unknown, revoked, expired.
pub const UNAUTHENTICATED: Row =
    final_row(401, "authentication_error", Some("invalid_api_key"), "UNAUTHENTICATED");
/// Family, model or account not permitted to the key.
pub const FORBIDDEN: Row = final_row(403, "permission_error", Some("permission_denied"), "PERMISSION_DENIED");
/// The body is wrong.
pub const BAD_REQUEST: Row = final_row(400, INVALID, None, "INVALID_ARGUMENT");
/// No account could ever serve the model.
pub const NO_MODEL: Row = final_row(404, "not_found_error", Some("model_not_found"), "NOT_FOUND");
/// No such route.
pub const NO_ROUTE: Row = final_row(404, "not_found_error", Some("unknown_url"), "NOT_FOUND");
/// Wrong method on a route.
pub const NO_METHOD: Row = final_row(405, INVALID, Some("method_not_allowed"), "INVALID_ARGUMENT");
/// Body over `max_body`.
pub const TOO_LARGE: Row = final_row(413, "request_too_large", Some("request_too_large"), "INVALID_ARGUMENT");
/// A concurrency limit, of which can't be known when it is free.
pub const NO_SLOT: Row = Row {
    status: 429,
    anthropic: "rate_limit_error",
    openai: ("rate_limit_error", Some("rate_limit_exceeded")),
    gemini: "RESOURCE_EXHAUSTED",
    after: Some("1"),
    retry: Some("true"),
};
/// Accounts could serve it, but none can now.
pub const NO_ACCOUNT: Row = Row {
    status: 503,
    anthropic: "overloaded_error",
    openai: ("server_error", Some("no_account_available")),
    gemini: "UNAVAILABLE",
    after: Some("1"),
    retry: Some("true"),
};
/// Upstream failed and gave no answer, or refused its account.
pub const NO_ANSWER: Row = Row {
    status: 502,
    anthropic: "api_error",
    openai: ("server_error", Some("upstream_error")),
    gemini: "INTERNAL",
    after: None,
    retry: None,
};
/// Upstream did not answer in time.
pub const TIMED_OUT: Row =
    Row { status: 504, anthropic: "timeout_error", gemini: "DEADLINE_EXCEEDED", ..NO_ANSWER };

impl Row {
    /// Checks that an answer is this refusal, in these words.
    pub fn check(&self, style: Style, answer: &Whole, what: &str) {
        let text = answer.text();
        assert_eq!(answer.status, self.status, "{what}: {text}");
        let told = (answer.header("retry-after"), answer.header("x-should-retry"));
        assert_eq!(told, (self.after, self.retry), "{what}: {text}");
        assert_eq!(answer.header("content-type"), Some("application/json"), "{what}");
        let body = answer.json();
        assert!(
            body["error"]["message"].as_str().is_some_and(|message| message.len() > 10),
            "{what}: {text}"
        );
        let told = OPERATORS.iter().find(|word| self.status >= 500 && text.contains(*word));
        assert_eq!(told, None, "{what}: {text}");
        let said = |field: &str| body["error"][field].as_str();
        let id = match style {
            Style::Anthropic => {
                assert_eq!(
                    (body["type"].as_str(), said("type")),
                    (Some("error"), Some(self.anthropic)),
                    "{what}"
                );
                assert_eq!(answer.header("request-id"), answer.header("x-request-id"), "{what}");
                "/request_id"
            }
            Style::Openai => {
                assert_eq!(
                    (said("type"), said("code")),
                    (Some(self.openai.0), self.openai.1),
                    "{what}: {text}"
                );
                "/error/request_id"
            }
            Style::Gemini => {
                assert_eq!(said("status"), Some(self.gemini), "{what}: {text}");
                assert_eq!(body["error"]["code"], self.status, "{what}");
                self.check_retry_info(&body);
                "/error/details/0/requestId"
            }
        };
        assert!(answer.header("x-request-id").is_some(), "{what}");
        assert_eq!(body.pointer(id).and_then(Value::as_str), answer.header("x-request-id"), "{what}: {text}");
    }

    fn check_retry_info(&self, body: &Value) {
        let details = body["error"]["details"].as_array().unwrap();
        let info = details.iter().find(|one| one["@type"] == "type.googleapis.com/google.rpc.RetryInfo");
        let delay = info.and_then(|info| info["retryDelay"].as_str()).map(ToOwned::to_owned);
        assert_eq!(delay, self.after.map(|seconds| format!("{seconds}s")), "{body}");
    }
}
