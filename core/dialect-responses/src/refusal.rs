//! Refusals: an upstream's, read, and one for a client, written.

use http::StatusCode;
use sluice_neutral::answer::{Class, Failure};
use sluice_wire::refusal::Refusal;

use sluice_neutral::json::write::Object;

/// What codes and types of errors are about; the first that is told counts.
const CODES: [(&str, Class); 19] = [
    ("context_length_exceeded", Class::TooLong),
    ("string_above_max_length", Class::TooLong),
    ("insufficient_quota", Class::Quota),
    ("billing_hard_limit_reached", Class::Quota),
    ("invalid_api_key", Class::Unauthenticated),
    ("authentication_error", Class::Unauthenticated),
    ("model_not_found", Class::NotFound),
    ("content_policy_violation", Class::Policy),
    ("content_filter", Class::Policy),
    ("invalid_prompt", Class::Policy),
    ("bio_policy", Class::Policy),
    ("misalignment_policy_violation", Class::Policy),
    ("server_is_overloaded", Class::Overloaded),
    ("slow_down", Class::Overloaded),
    ("overloaded_error", Class::Overloaded),
    ("rate_limit_exceeded", Class::RateLimited),
    ("rate_limit_error", Class::RateLimited),
    ("throttling_error", Class::RateLimited),
    ("internal_server_error", Class::Server),
];

/// Words of a prompt that is too long, in lower case, where no code says so.
const TOO_LONG: [&str; 6] = [
    "context length",
    "context window",
    "contextwindowexceeded",
    "maximum context",
    "prompt is too long",
    "input is too long",
];

/// What is told to clients of a prompt that is too long.
const TOO_LONG_SAID: &str =
    "Your input exceeds the context window of this model. Please adjust your input and try again.";

/// What is told to clients where the account was refused.
const ACCOUNT_SAID: &str = "the account that serves this model was refused by its provider: whoever runs the gateway must look at it";

/// Reads an upstream's refusal, also where it has the form of a stream's event.
pub(crate) fn read(status: StatusCode, body: &[u8]) -> Failure<'static> {
    let told = Refusal::read(event(body));
    let status = if status.is_success() { told.status_code() } else { status };
    let class = class(status, &told);
    let message = match &told.message {
        message if !message.trim().is_empty() => message.clone(),
        // A page for people is no message.
        _ => format!("the upstream answered with {status} and gave no reason"),
    };
    Failure { status, class, message: message.into(), param: told.param.map(Into::into) }
}

/// What of a body is JSON: the first event's data, where it has events.
fn event(body: &[u8]) -> &[u8] {
    let body = body.trim_ascii();
    if !(body.starts_with(b"data:") || body.starts_with(b"event:")) {
        return body;
    }
    let lines = body.split(|byte| *byte == b'\n' || *byte == b'\r');
    let mut data = lines.filter_map(|line| line.strip_prefix(b"data:")).map(<[u8]>::trim_ascii);
    data.find(|data| data.starts_with(b"{")).unwrap_or_default()
}

fn class(status: StatusCode, told: &Refusal) -> Class {
    let message = told.message.to_lowercase();
    if status.is_client_error() && TOO_LONG.iter().any(|words| message.contains(words)) {
        return Class::TooLong;
    }
    CODES.iter().find(|(code, _)| told.is(code)).map_or_else(|| Class::of(status), |(_, class)| *class)
}

/// What a class is called: `type` and `code`, and the code of a response that failed.
const fn names(class: Class) -> (&'static str, Option<&'static str>, &'static str) {
    match class {
        Class::BadRequest => ("invalid_request_error", None, "invalid_prompt"),
        Class::TooLong => {
            ("invalid_request_error", Some("context_length_exceeded"), "context_length_exceeded")
        }
        Class::Policy => ("invalid_request_error", Some("content_policy_violation"), "invalid_prompt"),
        Class::NotFound => ("invalid_request_error", Some("model_not_found"), "server_error"),
        Class::TooLarge => ("invalid_request_error", Some("request_too_large"), "invalid_prompt"),
        Class::RateLimited => ("rate_limit_error", Some("rate_limit_exceeded"), "rate_limit_exceeded"),
        Class::Overloaded => ("server_error", Some("slow_down"), "server_error"),
        // The account's own: the client's key is not to blame, and must not seem so.
        Class::Unauthenticated | Class::Quota | Class::Forbidden | Class::Timeout | Class::Server => {
            ("server_error", Some("upstream_error"), "server_error")
        }
    }
}

/// The code of a response that failed so.
pub(crate) const fn code(failure: &Failure<'_>) -> &'static str {
    names(failure.class).2
}

/// What is told to a client, in words that clients know.
pub(crate) fn said(failure: &Failure<'_>) -> String {
    match failure.class {
        Class::TooLong => format!("{TOO_LONG_SAID} ({})", failure.message),
        // What it says is about the account, and may name it.
        Class::Unauthenticated | Class::Quota | Class::Forbidden => ACCOUNT_SAID.to_owned(),
        _ => failure.message.to_string(),
    }
}

/// Writes the error as a member.
pub(crate) fn write(failure: &Failure<'_>, request_id: &str, body: &mut Object<'_>) {
    let (kind, code, _) = names(failure.class);
    let mut error = body.object("error");
    error.text("message", &said(failure));
    error.text("type", kind);
    match &failure.param {
        Some(param) => error.text("param", param),
        None => error.raw("param", "null"),
    }
    match code {
        Some(code) => error.text("code", code),
        None => error.raw("code", "null"),
    }
    error.text("request_id", request_id);
}

#[cfg(test)]
mod tests {
    use super::read;
    use http::StatusCode;
    use sluice_neutral::answer::Class;

    #[test]
    fn refusals_are_read_in_every_form_in_which_they_come() {
        for (status, body, class, message) in [
            (
                400,
                r#"{"error":{"message":"m","type":"invalid_request_error","param":"input","code":null}}"#,
                Class::BadRequest,
                "m",
            ),
            (400, r#"{"error":{"message":"m","code":"context_length_exceeded"}}"#, Class::TooLong, "m"),
            (
                400,
                r#"{"error":{"message":"litellm.ContextWindowExceededError: m","code":"400"}}"#,
                Class::TooLong,
                "litellm.ContextWindowExceededError: m",
            ),
            (
                429,
                r#"{"error":{"message":"m","type":"insufficient_quota","code":"insufficient_quota"}}"#,
                Class::Quota,
                "m",
            ),
            (
                429,
                r#"{"error":{"message":"m","type":"throttling_error","code":"429"}}"#,
                Class::RateLimited,
                "m",
            ),
            (
                500,
                "data: {\"error\":{\"message\":\"m\",\"type\":\"internal_server_error\"}}\n\ndata: [DONE]\n\n",
                Class::Server,
                "m",
            ),
            (
                502,
                "<html><body>Bad Gateway</body></html>",
                Class::Server,
                "the upstream answered with 502 Bad Gateway and gave no reason",
            ),
            (
                200,
                r#"{"type":"error","code":"rate_limit_exceeded","message":"m","param":null}"#,
                Class::RateLimited,
                "m",
            ),
            (
                200,
                r#"{"type":"error","error":{"type":"server_error","code":"server_is_overloaded","message":"m"}}"#,
                Class::Overloaded,
                "m",
            ),
            (
                200,
                r#"{"type":"response.failed","response":{"error":{"code":"invalid_prompt","message":"m"}}}"#,
                Class::Policy,
                "m",
            ),
        ] {
            let failure = read(StatusCode::from_u16(status).unwrap(), body.as_bytes());
            assert_eq!((failure.class, &*failure.message), (class, message), "{body}");
            assert!(failure.status.is_client_error() || failure.status.is_server_error(), "{body}");
        }
    }
}
