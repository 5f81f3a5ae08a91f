//! Refusals and errors: read as upstreams tell them, and written as clients read them.

use std::borrow::Cow;

use http::StatusCode;
use sluice_neutral::answer::{Class, Failure};
use sluice_wire::refusal::Refusal;
use sluice_wire::sse;

use sluice_neutral::json::write::Object;

/// What an error's type says.
const TYPES: [(&str, Class); 10] = [
    ("invalid_request_error", Class::BadRequest),
    ("authentication_error", Class::Unauthenticated),
    ("billing_error", Class::Quota),
    ("permission_error", Class::Forbidden),
    ("not_found_error", Class::NotFound),
    ("request_too_large", Class::TooLarge),
    ("rate_limit_error", Class::RateLimited),
    ("timeout_error", Class::Timeout),
    ("overloaded_error", Class::Overloaded),
    ("api_error", Class::Server),
];

/// Words by which Anthropic says that the prompt is too long.
const TOO_LONG: [&str; 3] = ["prompt is too long", "exceed context limit", "input is too long"];

/// Codes of what is used up.
const SPENT: [&str; 2] = ["contract_spend_limit_reached", "enforced_spend_limit_reached"];

/// What a client is told of what is a matter between the gateway and its upstream.
const ACCOUNT: &str =
    "the upstream refused the gateway's own account; asking again in another way does not help";

/// Reads a refusal.
pub(crate) fn read(status: StatusCode, body: &[u8]) -> Failure<'static> {
    let mut refusal = Refusal::read(body);
    if refusal == Refusal::default() {
        // Some servers tell it as an event.
        sse_data(body, &mut |data| {
            if refusal == Refusal::default() {
                refusal = Refusal::read(data);
            }
        });
    }
    let by_type = TYPES.iter().find(|(name, _)| refusal.is(name)).map(|(_, class)| *class);
    let lower = refusal.message.to_ascii_lowercase();
    let mut class = by_type.unwrap_or_else(|| Class::of(status));
    if class == Class::Server && status != StatusCode::INTERNAL_SERVER_ERROR {
        class = Class::of(status);
    }
    if class == Class::BadRequest && TOO_LONG.iter().any(|words| lower.contains(words)) {
        class = Class::TooLong;
    }
    if class == Class::BadRequest && lower.contains("content filtering policy") {
        class = Class::Policy;
    }
    if SPENT.iter().any(|code| refusal.is(code)) {
        class = Class::Quota;
    }
    let message = match refusal.message.trim() {
        "" => Cow::Owned(format!("the upstream refused with status {}", status.as_u16())),
        message => Cow::Owned(message.to_owned()),
    };
    Failure { status, class, message, param: refusal.param.map(Cow::Owned) }
}

fn sse_data(body: &[u8], tell: &mut impl FnMut(&[u8])) {
    let mut scanner = sse::Scanner::default();
    let mut event = |event: sse::Event<'_>| tell(event.data);
    scanner.feed(body, &mut event);
    scanner.finish(&mut event);
}

/// Writes a refusal.
pub(crate) fn write(failure: &Failure<'_>, request_id: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    let mut body = Object::new(&mut out);
    body.with("type", "error");
    let mut error = body.object("error");
    let (kind, message) = match failure.class {
        Class::TooLong => ("invalid_request_error", too_long(&failure.message)),
        // No client is to log in again for what is not its own.
        Class::Unauthenticated | Class::Quota => ("api_error", ACCOUNT.into()),
        Class::Policy => ("invalid_request_error", Cow::Borrowed(&*failure.message)),
        class => {
            let name = TYPES.iter().find(|(_, known)| *known == class).map_or("api_error", |(name, _)| name);
            (name, Cow::Borrowed(&*failure.message))
        }
    };
    error.with("type", kind).with("message", &message);
    drop(error);
    body.with("request_id", request_id);
    drop(body);
    out
}

/// That a prompt is too long, in the words by which clients know it: with both lengths, where they are told.
fn too_long(message: &str) -> Cow<'_, str> {
    if message.to_ascii_lowercase().contains("prompt is too long") {
        return Cow::Borrowed(message);
    }
    let joined = message.replace(',', "");
    let numbers = joined.split(|letter: char| !letter.is_ascii_digit());
    let numbers: Vec<u64> =
        numbers.filter_map(|text| text.parse().ok()).filter(|number| *number > 999).collect();
    match (numbers.iter().max(), numbers.iter().min()) {
        (Some(asked), Some(most)) if asked > most => {
            Cow::Owned(format!("prompt is too long: {asked} tokens > {most} maximum"))
        }
        _ => Cow::Owned(format!("prompt is too long: {message}")),
    }
}

#[cfg(test)]
mod tests {
    use super::{read, write};
    use http::StatusCode;
    use sluice_neutral::answer::Class;

    #[test]
    fn refusals_are_read_in_every_form() {
        for (status, body, class, message) in [
            (
                529,
                r#"{"type":"error","error":{"type":"overloaded_error","message":"busy"}}"#,
                Class::Overloaded,
                "busy",
            ),
            (
                400,
                r#"{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 9 tokens > 8 maximum"}}"#,
                Class::TooLong,
                "prompt is too long: 9 tokens > 8 maximum",
            ),
            (
                500,
                "data: {\"error\":{\"message\":\"boom\",\"type\":\"internal_server_error\"}}\n\ndata: [DONE]\n\n",
                Class::Server,
                "boom",
            ),
            (502, "<html><h1>Bad Gateway</h1></html>", Class::Server, "the upstream refused with status 502"),
            (429, "", Class::RateLimited, "the upstream refused with status 429"),
            (
                429,
                r#"{"error":{"message":"Error from provider","type":"api_error","code":"provider_response_error"}}"#,
                Class::RateLimited,
                "Error from provider",
            ),
            (
                429,
                r#"{"type":"error","error":{"type":"rate_limit_error","message":"m","details":{"error_code":"enforced_spend_limit_reached"}}}"#,
                Class::Quota,
                "m",
            ),
            (200, r#"{"type":"error","message":{"type":"api_error","message":"m"}}"#, Class::Server, "m"),
        ] {
            let failure = read(StatusCode::from_u16(status).unwrap(), body.as_bytes());
            assert_eq!((failure.class, &*failure.message), (class, message), "{body}");
        }
    }

    #[test]
    fn refusals_are_written_in_words_that_clients_know() {
        let told = |class, message: &'static str| {
            let status = StatusCode::BAD_REQUEST;
            let failure =
                sluice_neutral::answer::Failure { status, class, message: message.into(), param: None };
            let body: serde_json::Value = serde_json::from_slice(&write(&failure, "req_1")).unwrap();
            assert_eq!((&body["type"], &body["request_id"]), (&"error".into(), &"req_1".into()));
            format!(
                "{} {}",
                body["error"]["type"].as_str().unwrap(),
                body["error"]["message"].as_str().unwrap()
            )
        };
        let long = "This model's maximum context length is 128,000 tokens. However, your messages resulted in 130001 tokens.";
        assert_eq!(
            told(Class::TooLong, long),
            "invalid_request_error prompt is too long: 130001 tokens > 128000 maximum"
        );
        assert_eq!(told(Class::TooLong, "full"), "invalid_request_error prompt is too long: full");
        assert_eq!(told(Class::Overloaded, "m"), "overloaded_error m");
        assert!(told(Class::Unauthenticated, "invalid x-api-key sk-1").starts_with("api_error the upstream"));
        assert!(!told(Class::Quota, "org_1").contains("org_1"));
    }
}
