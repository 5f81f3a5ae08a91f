//! Headers for what a browser may open: nothing is guessed of an answer, framed, run, or told where one came from.

use axum::response::Response;
use http::header::{CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS};
use http::{HeaderName, HeaderValue};

/// What an answer may do in a browser: nothing, as it is no page. A page says itself what it needs.
const POLICY: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");

/// What else holds for each.
const HEADERS: [(HeaderName, HeaderValue); 3] = [
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
];

/// Sets them. Not on the answers of client APIs: those are read by programs, and pass as they come.
pub(crate) async fn guard(mut answer: Response) -> Response {
    let headers = answer.headers_mut();
    headers.extend(HEADERS);
    headers.entry(CONTENT_SECURITY_POLICY).or_insert(POLICY);
    answer
}
