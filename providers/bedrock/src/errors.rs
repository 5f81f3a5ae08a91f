//! Bedrock's errors in Anthropic's words: refusals before an answer, and exceptions in the middle of one.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use sluice_wire::sse;

/// Names the exception; kept on a rewritten answer, where [`crate::classify`] reads it.
pub(crate) const ERROR_TYPE: HeaderName = HeaderName::from_static("x-amzn-errortype");

/// AWS's id of a request.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");

/// The longest text that is told of a refusal which is no JSON; it comes from something before Bedrock.
const TEXT_MAX: usize = 1_000;

/// Exceptions and Anthropic's types. Streams write them with a small first letter. Source: botocore 1.44,
/// bedrock-runtime; the common errors of AWS's APIs.
const TYPES: [(&str, &str); 16] = [
    ("ValidationException", "invalid_request_error"),
    ("ServiceQuotaExceededException", "billing_error"),
    ("AccessDeniedException", "permission_error"),
    ("UnrecognizedClientException", "authentication_error"),
    ("InvalidSignatureException", "authentication_error"),
    ("ExpiredTokenException", "authentication_error"),
    ("IncompleteSignatureException", "authentication_error"),
    ("MissingAuthenticationTokenException", "authentication_error"),
    ("ResourceNotFoundException", "not_found_error"),
    ("ModelTimeoutException", "timeout_error"),
    ("ModelErrorException", "api_error"),
    ("ModelStreamErrorException", "api_error"),
    ("ThrottlingException", "rate_limit_error"),
    ("ModelNotReadyException", "overloaded_error"),
    ("InternalServerException", "api_error"),
    ("ServiceUnavailableException", "overloaded_error"),
];

/// Anthropic's types by status, for what has no name of its own. Source: Anthropic's errors documentation.
const BY_STATUS: [(u16, &str); 9] = [
    (401, "authentication_error"),
    (402, "billing_error"),
    (403, "permission_error"),
    (404, "not_found_error"),
    (408, "timeout_error"),
    (413, "request_too_large"),
    (429, "rate_limit_error"),
    (503, "overloaded_error"),
    (504, "timeout_error"),
];

/// The name of the exception that an answer's head tells: without the URL after it and the namespace before it.
pub(crate) fn exception(headers: &HeaderMap) -> Option<&str> {
    headers.get(ERROR_TYPE)?.to_str().ok().map(bare)
}

fn bare(name: &str) -> &str {
    let name = name.split_once(':').map_or(name, |(name, _)| name);
    name.rsplit_once('#').map_or(name, |(_, name)| name).trim()
}

/// A refusal's body as a client of Anthropic's dialect reads it; the sentence is Bedrock's own.
pub(crate) fn refusal(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Bytes {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Told {
        #[serde(alias = "Message")]
        message: Option<String>,
        #[serde(rename = "__type")]
        kind: Option<String>,
        #[serde(rename = "type")]
        anthropics: Option<String>,
    }
    let told: Told = serde_json::from_slice(body).unwrap_or_default();
    if told.anthropics.as_deref() == Some("error") {
        // Another gateway stands in between, and has said it already.
        return Bytes::copy_from_slice(body);
    }
    let in_head = exception(headers);
    let name = in_head.or_else(|| told.kind.as_deref().map(bare));
    let message = told.message.unwrap_or_else(|| text(status, body));
    let mut envelope = envelope(name.and_then(named).unwrap_or_else(|| by_status(status)), &message);
    if let (None, Some(name)) = (in_head, name) {
        add(&mut envelope, "/error", "details", json!({ "error_code": name }));
    }
    if let Some(id) = headers.get(REQUEST_ID).and_then(|id| id.to_str().ok()) {
        add(&mut envelope, "", "request_id", Value::from(id));
    }
    Bytes::from(envelope.to_string())
}

/// An exception in a stream, as Anthropic's event.
pub(crate) fn event(exception: &str, message: &str, out: &mut Vec<u8>) {
    let data = envelope(named(exception).unwrap_or("api_error"), message).to_string();
    sse::write("error", data.as_bytes(), out);
}

fn envelope(kind: &str, message: &str) -> Value {
    json!({ "type": "error", "error": { "type": kind, "message": message } })
}

fn add(value: &mut Value, at: &str, name: &str, added: Value) {
    if let Some(object) = value.pointer_mut(at).and_then(Value::as_object_mut) {
        object.insert(name.to_owned(), added);
    }
}

fn named(exception: &str) -> Option<&'static str> {
    TYPES.iter().find(|(name, _)| name.eq_ignore_ascii_case(exception)).map(|(_, kind)| *kind)
}

fn by_status(status: StatusCode) -> &'static str {
    let found = BY_STATUS.iter().find(|(known, _)| *known == status.as_u16());
    found.map_or(if status.is_server_error() { "api_error" } else { "invalid_request_error" }, |(_, kind)| {
        kind
    })
}

fn text(status: StatusCode, body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body.get(..TEXT_MAX).unwrap_or(body));
    if text.trim().is_empty() { format!("Bedrock answered {status}") } else { text.trim().to_owned() }
}

#[cfg(test)]
mod tests {
    use super::{event, refusal};
    use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
    use serde_json::{Value, json};

    #[test]
    fn a_refusal_says_what_bedrock_said_in_anthropics_envelope() {
        let url = "ThrottlingException:http://internal.amazon.com/coral/com.amazon.bedrock/";
        for (status, head, body, kind, message) in [
            (
                400,
                "ValidationException",
                r#"{"message":"Input is too long."}"#,
                "invalid_request_error",
                "Input is too long.",
            ),
            (429, url, r#"{"message":"Too many requests"}"#, "rate_limit_error", "Too many requests"),
            (429, "ModelNotReadyException", r#"{"Message":"soon"}"#, "overloaded_error", "soon"),
            (403, "com.x#UnrecognizedClientException", r#"{"message":"no"}"#, "authentication_error", "no"),
            (408, "ModelTimeoutException", "{}", "timeout_error", "{}"),
            (424, "ModelErrorException", r#"{"message":"m"}"#, "api_error", "m"),
            (503, "", "<html>busy</html>", "overloaded_error", "<html>busy</html>"),
            (500, "NewException", "", "api_error", "Bedrock answered 500 Internal Server Error"),
            (413, "", "", "request_too_large", "Bedrock answered 413 Payload Too Large"),
            (418, "", r#"{"message":"m"}"#, "invalid_request_error", "m"),
        ] {
            let headers = [("x-amzn-requestid", "r-1"), ("x-amzn-errortype", head)].into_iter();
            let headers: HeaderMap = headers
                .filter(|(_, value)| !value.is_empty())
                .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
                .collect();
            let status = StatusCode::from_u16(status).unwrap();
            let told: Value = serde_json::from_slice(&refusal(status, &headers, body.as_bytes())).unwrap();
            let expected = json!({ "type": "error", "error": { "type": kind, "message": message }, "request_id": "r-1" });
            assert_eq!(told, expected, "{status} {head}");
        }
    }

    #[test]
    fn a_name_in_the_body_alone_and_an_envelope_that_is_one_already() {
        let body = r#"{"__type":"com.x#ServiceQuotaExceededException","message":"m"}"#;
        let told = refusal(StatusCode::BAD_REQUEST, &HeaderMap::new(), body.as_bytes());
        assert_eq!(
            serde_json::from_slice::<Value>(&told).unwrap()["error"],
            json!({ "type": "billing_error", "message": "m", "details": { "error_code": "ServiceQuotaExceededException" } })
        );
        let whole = r#"{"type":"error","error":{"type":"x","message":"y"} }"#;
        assert_eq!(refusal(StatusCode::BAD_REQUEST, &HeaderMap::new(), whole.as_bytes()), whole);
    }

    #[test]
    fn an_exception_in_a_stream_is_anthropics_error_event() {
        for (name, kind) in [
            ("throttlingException", "rate_limit_error"),
            ("validationException", "invalid_request_error"),
            ("serviceUnavailableException", "overloaded_error"),
            ("internalServerException", "api_error"),
            ("modelTimeoutException", "timeout_error"),
            ("modelStreamErrorException", "api_error"),
            ("InternalFailure", "api_error"),
        ] {
            let mut out = Vec::new();
            event(name, "a \"b\"\n", &mut out);
            let out = String::from_utf8(out).unwrap();
            let data = out.strip_prefix("event: error\ndata: ").unwrap().strip_suffix("\n\n").unwrap();
            let expected = json!({ "type": "error", "error": { "type": kind, "message": "a \"b\"\n" } });
            assert_eq!(serde_json::from_str::<Value>(data).unwrap(), expected);
        }
    }
}
