//! What an upstream's error says, read from the fields that say it and never from words elsewhere in the body.

pub mod again;
pub mod render;
pub mod tail;

use http::StatusCode;
use memchr::memmem;
use serde_json::Value;

/// An error as one of the dialects tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refusal {
    /// `error.type`, or the type of a flat error event.
    pub kind: String,
    /// `error.code` where it is a text, and Anthropic's `error.details.error_code`.
    pub codes: Vec<String>,
    /// A status that it names as a number (Gemini's `code`, Azure's `status`).
    pub number: Option<u16>,
    /// Google's `error.status`, like `RESOURCE_EXHAUSTED`.
    pub status: String,
    /// Google's `error.details[].reason`.
    pub reasons: Vec<String>,
    /// Google's `RetryInfo`: a span like `31s`.
    pub retry_delay: Option<String>,
    /// Google's quotas that were exceeded, like `GenerateRequestsPerDayPerProjectPerModel`.
    pub quotas: Vec<String>,
    /// The sentence.
    pub message: String,
    /// The field that is at fault.
    pub param: Option<String>,
}

/// What names of errors stand for. Sources: the official SDKs' error types and the providers' error documentation.
const STATUSES: [(&str, u16); 33] = [
    ("invalid_request_error", 400),
    ("authentication_error", 401),
    ("billing_error", 402),
    ("permission_error", 403),
    ("not_found_error", 404),
    ("request_too_large", 413),
    ("rate_limit_error", 429),
    ("api_error", 500),
    ("timeout_error", 504),
    ("overloaded_error", 529),
    ("rate_limit_exceeded", 429),
    ("insufficient_quota", 429),
    ("slow_down", 429),
    ("invalid_api_key", 401),
    ("model_not_found", 404),
    ("context_length_exceeded", 400),
    ("invalid_prompt", 400),
    ("content_filter", 400),
    ("server_is_overloaded", 503),
    ("server_error", 500),
    ("INVALID_ARGUMENT", 400),
    ("FAILED_PRECONDITION", 400),
    ("UNAUTHENTICATED", 401),
    ("PERMISSION_DENIED", 403),
    ("NOT_FOUND", 404),
    ("ABORTED", 409),
    ("RESOURCE_EXHAUSTED", 429),
    ("CANCELLED", 499),
    ("INTERNAL", 500),
    ("UNKNOWN", 500),
    ("UNIMPLEMENTED", 501),
    ("UNAVAILABLE", 503),
    ("DEADLINE_EXCEEDED", 504),
];

impl Refusal {
    /// Reads a body or an event's data; what is no JSON object says nothing.
    #[must_use]
    pub fn read(body: &[u8]) -> Self {
        let Ok(mut whole) = serde_json::from_slice::<Value>(body) else { return Self::default() };
        // Gemini's array form wraps the error once more.
        if let Value::Array(elements) = &mut whole {
            whole = elements.pop().unwrap_or_default();
        }
        // What claude-code-router has in its streams stands under `message`.
        let of_router = whole.get("message").filter(|message| message.is_object());
        let error = [whole.pointer("/response/error"), whole.get("error"), of_router];
        match error.into_iter().flatten().find(|error| !error.is_null()) {
            Some(Value::String(message)) => Self { message: message.clone(), ..Self::default() },
            Some(error) => Self::of(error),
            None => Self::of(&whole),
        }
    }

    fn of(error: &Value) -> Self {
        let text = |name: &str| error.get(name).and_then(Value::as_str).map(ToOwned::to_owned);
        let number =
            |name: &str| error.get(name).and_then(Value::as_u64).and_then(|number| number.try_into().ok());
        let details = error.get("details");
        let listed = details.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let of_each = |name: &str| -> Vec<String> {
            let texts = listed.iter().filter_map(|detail| detail.get(name)?.as_str());
            texts.map(ToOwned::to_owned).collect()
        };
        let violations = listed.iter().filter_map(|detail| detail.get("violations")?.as_array()).flatten();
        let mut codes: Vec<String> = text("code").into_iter().collect();
        codes.extend(details.and_then(|details| Some(details.get("error_code")?.as_str()?.to_owned())));
        Self {
            kind: text("type").or_else(|| text("__type")).unwrap_or_default(),
            codes,
            number: number("code").or_else(|| number("status")),
            status: text("status").unwrap_or_default(),
            reasons: of_each("reason"),
            retry_delay: of_each("retryDelay").into_iter().next(),
            quotas: violations
                .filter_map(|violation| Some(violation.get("quotaId")?.as_str()?.to_owned()))
                .collect(),
            message: text("message").or_else(|| text("Message")).unwrap_or_default(),
            param: text("param"),
        }
    }

    /// Whether one of its codes, its type or its status is this name.
    #[must_use]
    pub fn is(&self, name: &str) -> bool {
        self.kind == name || self.status == name || self.codes.iter().any(|code| code == name)
    }

    /// The status that it stands for: its own number, else by its names, most telling first; else a bad gateway.
    #[must_use]
    pub fn status_code(&self) -> StatusCode {
        if let Some(status) = self
            .number
            .filter(|number| (400..600).contains(number))
            .and_then(|number| StatusCode::from_u16(number).ok())
        {
            return status;
        }
        let names = self.codes.iter().chain([&self.status, &self.kind]);
        let known = names.filter_map(|name| STATUSES.iter().find(|(known, _)| known == name)).next();
        known.and_then(|(_, status)| StatusCode::from_u16(*status).ok()).unwrap_or(StatusCode::BAD_GATEWAY)
    }
}

/// Words by which an error names whose account it is about, in lower case.
const WHOSE: [&str; 8] = ["organi", "org-", "org_", "project", "proj_", "workspace", "tenant", "account"];

/// Whether an error's body names whose account it is about: an organisation, a project, or an id of one.
#[must_use]
pub fn names_account(body: &[u8]) -> bool {
    let body = body.to_ascii_lowercase();
    WHOSE.iter().any(|word| memmem::find(&body, word.as_bytes()).is_some())
}

#[cfg(test)]
mod tests {
    use super::{Refusal, names_account};

    #[test]
    fn an_error_stands_for_the_status_that_its_own_fields_name() {
        for (body, status) in [
            (r#"{"type":"error","error":{"type":"overloaded_error","message":"x"}}"#, 529),
            (r#"{"type":"error","error":{"type":"api_error","message":"permission to not_found"}}"#, 500),
            (
                r#"{"type":"error","error":{"type":"invalid_request_error","message":"rate_limit_error: permission_error"}}"#,
                400,
            ),
            (r#"{"error":{"message":"busy","type":"server_error","code":null}}"#, 500),
            (r#"{"error":{"message":"x","type":"invalid_request_error","code":"rate_limit_exceeded"}}"#, 429),
            (r#"{"error":{"code":503,"status":"UNAVAILABLE"}}"#, 503),
            (r#"[{"error":{"code":429,"status":"RESOURCE_EXHAUSTED"}}]"#, 429),
            (r#"{"type":"error","code":"invalid_prompt","message":"x","param":null}"#, 400),
            (
                r#"{"type":"response.failed","response":{"error":{"code":"rate_limit_exceeded","message":"x"}}}"#,
                429,
            ),
            (r#"{"type":"error","message":{"type":"api_error","message":"x"}}"#, 500),
            (r#"{"error":"text"}"#, 502),
            // A code of the vendor's own is no status.
            (r#"{"error":{"code":999,"type":"rate_limit_error"}}"#, 429),
            (r#"{"error":{"code":600,"message":"x"}}"#, 502),
            (r#"{"error":{"code":200,"message":"x"}}"#, 502),
            ("nonsense", 502),
        ] {
            assert_eq!(Refusal::read(body.as_bytes()).status_code().as_u16(), status, "{body}");
        }
    }

    #[test]
    fn googles_details_are_read() {
        let body = r#"{"error":{"code":429,"message":"m","status":"RESOURCE_EXHAUSTED","details":[
            {"@type":"t","violations":[{"quotaId":"PerDay"}]},{"@type":"r","retryDelay":"17.5s"},{"reason":"API_KEY_INVALID"}]}}"#;
        let read = Refusal::read(body.as_bytes());
        assert_eq!((read.quotas, read.retry_delay.as_deref()), (vec!["PerDay".to_owned()], Some("17.5s")));
        assert_eq!(read.reasons, ["API_KEY_INVALID"]);
    }

    #[test]
    fn an_error_that_names_whose_account_it_is_about_is_told_apart() {
        for (body, names) in [
            (
                r#"{"error":{"message":"Rate limit reached for gpt-4o in organization org-7 on tokens per min"}}"#,
                true,
            ),
            (r#"{"error":{"message":"This would exceed your Organisation's rate limit"}}"#, true),
            (r#"{"error":{"message":"Limit reached in proj_7"}}"#, true),
            (r#"{"error":{"details":[{"metadata":{"consumer":"projects/123"}}]}}"#, true),
            (r#"{"error":{"message":"Too many requests, please wait before trying again."}}"#, false),
            ("{}", false),
            ("", false),
        ] {
            assert_eq!(names_account(body.as_bytes()), names, "{body}");
        }
    }
}
