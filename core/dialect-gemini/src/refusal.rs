//! Refusals and failures, in Google's words.

use http::StatusCode;
use sluice_neutral::answer::{Class, Failure};
use sluice_neutral::at::At;
use sluice_neutral::json::{Members, Raw};
use sluice_neutral::request::Text;

use crate::casing;
use crate::pen::Pen;

/// What is told of a page that is no refusal of the API's.
const A_PAGE: &str = "the upstream answered with a page instead of an error";
/// What is told where nothing was said.
const NOTHING: &str = "the upstream gave no reason";
/// What a client is told of what is a matter between the gateway and its upstream.
const ACCOUNT: &str =
    "the upstream refused the account that the gateway asked with; the request itself is not to blame";
/// Most of a text that is no JSON that is told.
const TEXT_MAX: usize = 500;

/// Statuses, what they stand for, and the code of HTTP.
const STATUSES: [(&str, Class, u16); 14] = [
    ("INVALID_ARGUMENT", Class::BadRequest, 400),
    ("OUT_OF_RANGE", Class::BadRequest, 400),
    ("FAILED_PRECONDITION", Class::Forbidden, 400),
    ("UNAUTHENTICATED", Class::Unauthenticated, 401),
    ("PERMISSION_DENIED", Class::Forbidden, 403),
    ("NOT_FOUND", Class::NotFound, 404),
    ("ABORTED", Class::Server, 409),
    ("RESOURCE_EXHAUSTED", Class::RateLimited, 429),
    ("CANCELLED", Class::Server, 499),
    ("INTERNAL", Class::Server, 500),
    ("UNKNOWN", Class::Server, 500),
    ("UNIMPLEMENTED", Class::Server, 501),
    ("UNAVAILABLE", Class::Overloaded, 503),
    ("DEADLINE_EXCEEDED", Class::Timeout, 504),
];

/// Reads a refusal, however it is wrapped.
pub(crate) fn read(status: StatusCode, body: &[u8]) -> Failure<'_> {
    let text = std::str::from_utf8(body).unwrap_or_default().trim_start_matches('\u{feff}').trim();
    // In the form of an event.
    let event = text.lines().find_map(|line| line.strip_prefix("data:"));
    let text = if text.starts_with("data:") || text.starts_with("event:") {
        event.unwrap_or(text).trim()
    } else {
        text
    };
    // In a list, where a stream was asked for as one.
    let list = text.strip_prefix('[').map(|inner| inner.trim_end_matches(']').trim().trim_end_matches(','));
    let text = list.unwrap_or(text);
    let told = serde_json::from_str::<Members<'_>>(text).ok().map(|members| members.renamed(casing::camel));
    match told.and_then(|members| members.get("error")) {
        Some(error) => of_error(status, error),
        None => plain(status, text),
    }
}

fn plain(status: StatusCode, text: &str) -> Failure<'_> {
    let is_page = text.starts_with('<');
    let message: Text<'_> = match text.char_indices().nth(TEXT_MAX) {
        _ if is_page => A_PAGE.into(),
        _ if text.is_empty() => NOTHING.into(),
        Some((end, _)) => text.get(..end).unwrap_or_default().into(),
        None => text.into(),
    };
    Failure { status, class: Class::of(status), message, param: None }
}

/// Reads the error itself: an object, or a text alone.
pub(crate) fn of_error(status: StatusCode, error: Raw<'_>) -> Failure<'_> {
    let Ok(members) = casing::fields(error, At::ROOT) else {
        let told = serde_json::from_str(error.get()).ok().filter(|text: &String| !text.is_empty());
        let message = told.map_or(Text::Borrowed(NOTHING), Text::Owned);
        return Failure {
            status: failing(status, None),
            class: Class::of(failing(status, None)),
            message,
            param: None,
        };
    };
    let text = |name| members.text(name, At::ROOT).ok().flatten();
    let code = members.get("code").and_then(|code| casing::number(code.get()));
    let named = text("status").unwrap_or_default();
    let row = STATUSES.iter().find(|(name, ..)| *name == named);
    let code = code.and_then(|code| u16::try_from(code).ok()).filter(|code| (400..600).contains(code));
    let status = failing(status, code.or(row.map(|(.., code)| *code)));
    let message = text("message").filter(|text| !text.is_empty()).unwrap_or(Text::Borrowed(NOTHING));
    let details = members.get("details").map_or("", |details| details.get());
    let class = class(status, row.map(|(_, class, _)| *class), (&message, details));
    let param = field(&members);
    Failure { status, class, message, param }
}

/// The status of an answer that failed; that of one which began well is what its error says.
fn failing(status: StatusCode, code: Option<u16>) -> StatusCode {
    if status.is_client_error() || status.is_server_error() {
        return status;
    }
    code.and_then(|code| StatusCode::from_u16(code).ok()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

fn class(status: StatusCode, named: Option<Class>, (message, details): (&str, &str)) -> Class {
    let lower = message.to_ascii_lowercase();
    let is_about = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    match (status.as_u16(), named) {
        _ if details.contains("API_KEY_INVALID") || is_about(&["api key not valid", "api key expired"]) => {
            Class::Unauthenticated
        }
        (402, _) => Class::Quota,
        (413, _) => Class::TooLarge,
        (400, _)
            if is_about(&["input token count", "maximum number of tokens", "exceeds the maximum token"]) =>
        {
            Class::TooLong
        }
        (_, Some(Class::RateLimited)) if details.contains("PerDay") || is_about(&["billing", "credits"]) => {
            Class::Quota
        }
        (_, Some(class)) => class,
        (_, None) => Class::of(status),
    }
}

/// The field that the error is about.
fn field<'a>(members: &Members<'a>) -> Option<Text<'a>> {
    for detail in casing::list(members.get("details")?, At::ROOT).ok()? {
        let Ok(detail) = casing::fields(detail, At::ROOT) else { continue };
        let Some(Ok(all)) = detail.get("fieldViolations").map(|all| casing::list(all, At::ROOT)) else {
            continue;
        };
        let first = all.first().and_then(|first| casing::fields(first, At::ROOT).ok())?;
        return first.text("field", At::ROOT).ok()?.filter(|field| !field.is_empty());
    }
    None
}

/// Writes a refusal: `error` is its first member, and its code a whole number, or clients don't see it.
pub(crate) fn write(failure: &Failure<'_>, request_id: &str, pen: &mut Pen<'_>) {
    let class = failure.class;
    let (status, usual) = match class {
        Class::BadRequest | Class::TooLong | Class::Policy => ("INVALID_ARGUMENT", 400),
        Class::TooLarge => ("INVALID_ARGUMENT", 413),
        Class::NotFound => ("NOT_FOUND", 404),
        Class::RateLimited => ("RESOURCE_EXHAUSTED", 429),
        Class::Timeout => ("DEADLINE_EXCEEDED", 504),
        Class::Quota | Class::Overloaded => ("UNAVAILABLE", 503),
        Class::Unauthenticated | Class::Forbidden | Class::Server => ("INTERNAL", 500),
    };
    // Google's own codes; a client that is told another one does not know it.
    let own = failure.status.as_u16();
    // The client's key is not to blame for the account's.
    let is_accounts = matches!(class, Class::Unauthenticated | Class::Forbidden | Class::Quota);
    let code = if (400..600).contains(&own) && own != 529 && !is_accounts { own } else { usual };
    pen.open(b'{').key("error").open(b'{').count("code", u64::from(code));
    match class {
        Class::TooLong => pen.field("message", &too_long(&failure.message)),
        _ if is_accounts => pen.field("message", ACCOUNT),
        _ => pen.field("message", &failure.message),
    };
    pen.field("status", status).key("details").open(b'[').open(b'{');
    pen.field("@type", "type.googleapis.com/google.rpc.RequestInfo").field("requestId", request_id);
    pen.close(b'}').close(b']').close(b'}').close(b'}');
}

/// That a prompt is too long, in the words that Google's clients know.
fn too_long(message: &str) -> String {
    let mut numbers =
        message.split(|letter: char| !letter.is_ascii_digit()).filter(|digits| digits.len() > 3);
    let known = message.contains("input token count");
    match (numbers.next(), numbers.next()) {
        _ if known => message.to_owned(),
        (Some(first), Some(second)) => {
            // Some say the most first.
            let number = |digits: &str| digits.parse::<u64>().unwrap_or(u64::MAX);
            let (most, told) = (number(first).min(number(second)), number(first).max(number(second)));
            format!("The input token count ({told}) exceeds the maximum number of tokens allowed ({most}).")
        }
        _ => format!("The input token count exceeds the maximum number of tokens allowed: {message}"),
    }
}

#[cfg(test)]
mod tests {
    use super::{read, write};
    use crate::pen::Pen;
    use http::StatusCode;
    use sluice_neutral::answer::{Class, Failure};

    #[test]
    fn refusals_are_read_however_they_are_wrapped() {
        let quota = |id: &str| {
            format!(
                r#"{{"error":{{"code":429,"message":"Quota exceeded","status":"RESOURCE_EXHAUSTED","details":[{{"@type":"type.googleapis.com/google.rpc.QuotaFailure","violations":[{{"quotaId":"{id}"}}]}}]}}}}"#
            )
        };
        for (status, body, code, class, message) in [
            (
                400,
                r#"{"error":{"code":400,"message":"bad","status":"INVALID_ARGUMENT"}}"#,
                400,
                Class::BadRequest,
                "bad",
            ),
            (
                400,
                r#"{"error":{"code":400,"message":"API key not valid.","status":"INVALID_ARGUMENT","details":[{"reason":"API_KEY_INVALID"}]}}"#,
                400,
                Class::Unauthenticated,
                "API key not valid.",
            ),
            (
                400,
                r#"{"error":{"code":400,"message":"The input token count (2000000) exceeds the maximum number of tokens allowed (1048576).","status":"INVALID_ARGUMENT"}}"#,
                400,
                Class::TooLong,
                "The input token count (2000000) exceeds the maximum number of tokens allowed (1048576).",
            ),
            (
                429,
                &quota("GenerateRequestsPerMinutePerProjectPerModel"),
                429,
                Class::RateLimited,
                "Quota exceeded",
            ),
            (429, &quota("GenerateRequestsPerDayPerProjectPerModel"), 429, Class::Quota, "Quota exceeded"),
            (
                200,
                r#"{"error":{"code":503,"message":"overloaded","status":"UNAVAILABLE"}}"#,
                503,
                Class::Overloaded,
                "overloaded",
            ),
            (
                200,
                r#"{"error":{"code":14,"message":"overloaded","status":"UNAVAILABLE"}}"#,
                503,
                Class::Overloaded,
                "overloaded",
            ),
            (
                500,
                "[{\"error\":{\"code\":500,\"message\":\"in a list\",\"status\":\"INTERNAL\"}}\n]",
                500,
                Class::Server,
                "in a list",
            ),
            (500, "data: {\"error\":{\"message\":\"event\"}}\n\ndata: [DONE]", 500, Class::Server, "event"),
            (
                502,
                "<html><body>Bad gateway</body></html>",
                502,
                Class::Server,
                "the upstream answered with a page instead of an error",
            ),
            (503, "", 503, Class::Overloaded, "the upstream gave no reason"),
            (500, r#"{"error":"text alone"}"#, 500, Class::Server, "text alone"),
            (413, r#"{"error":{"message":"big"}}"#, 413, Class::TooLarge, "big"),
        ] {
            let read = read(StatusCode::from_u16(status).unwrap(), body.as_bytes());
            assert_eq!((read.status.as_u16(), read.class, &*read.message), (code, class, message), "{body}");
        }
        let named = br#"{"error":{"code":400,"message":"m","status":"INVALID_ARGUMENT","details":[{"fieldViolations":[{"field":"contents[0]","description":"d"}]}]}}"#;
        assert_eq!(read(StatusCode::BAD_REQUEST, named).param.as_deref(), Some("contents[0]"));
    }

    #[test]
    fn refusals_are_written_with_what_clients_look_for_first() {
        for (status, class, message, written) in [
            (529, Class::Overloaded, "o", r#""code":503,"message":"o","status":"UNAVAILABLE""#),
            (
                400,
                Class::TooLong,
                "prompt is too long: 210000 tokens > 200000 maximum",
                r#""code":400,"message":"The input token count (210000) exceeds the maximum number of tokens allowed (200000).","status":"INVALID_ARGUMENT""#,
            ),
            (
                400,
                Class::TooLong,
                "too long",
                r#""code":400,"message":"The input token count exceeds the maximum number of tokens allowed: too long","status":"INVALID_ARGUMENT""#,
            ),
            (
                401,
                Class::Unauthenticated,
                "bad key sk-1",
                r#""code":500,"message":"the upstream refused the account that the gateway asked with; the request itself is not to blame","status":"INTERNAL""#,
            ),
            (
                403,
                Class::Forbidden,
                "org_1 may not",
                r#""code":500,"message":"the upstream refused the account that the gateway asked with; the request itself is not to blame","status":"INTERNAL""#,
            ),
            (
                429,
                Class::Quota,
                "org_1 has spent it",
                r#""code":503,"message":"the upstream refused the account that the gateway asked with; the request itself is not to blame","status":"UNAVAILABLE""#,
            ),
            (429, Class::RateLimited, "r", r#""code":429,"message":"r","status":"RESOURCE_EXHAUSTED""#),
            (200, Class::Server, "s", r#""code":500,"message":"s","status":"INTERNAL""#),
        ] {
            let status = StatusCode::from_u16(status).unwrap();
            let mut out = Vec::new();
            write(
                &Failure { status, class, message: message.into(), param: None },
                "req_1",
                &mut Pen::new(&mut out),
            );
            let details =
                r#""details":[{"@type":"type.googleapis.com/google.rpc.RequestInfo","requestId":"req_1"}]"#;
            assert_eq!(String::from_utf8(out).unwrap(), format!(r#"{{"error":{{{written},{details}}}}}"#));
        }
    }
}
