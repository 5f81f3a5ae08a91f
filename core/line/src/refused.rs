//! A refusal as a whole answer, and the request's id on every answer.

use bytes::Bytes;
use http::header::HeaderName;
use http::{HeaderMap, HeaderValue, Response};
use sluice_api::error::Error;
use sluice_wire::refusal::render::{self, Style};

/// Header that carries the request's id, on every answer.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Anthropic's name for it, on Claude routes.
const CLAUDE_REQUEST_ID: HeaderName = HeaderName::from_static("request-id");

/// A refusal in a client's dialect.
#[must_use]
pub fn refused(style: Style, error: &Error, request_id: &str) -> Response<Bytes> {
    let rendered = render::refusal(style, error, request_id);
    let mut response = Response::new(rendered.body);
    *response.status_mut() = rendered.status;
    *response.headers_mut() = rendered.headers;
    identify(response.headers_mut(), matches!(style, Style::Anthropic), request_id);
    response
}

/// Puts the request's id into an answer's headers; on Claude routes under Anthropic's name too.
pub fn identify(headers: &mut HeaderMap, claude: bool, request_id: &str) {
    let Ok(id) = HeaderValue::from_str(request_id) else { return };
    if claude && !headers.contains_key(&CLAUDE_REQUEST_ID) {
        headers.insert(CLAUDE_REQUEST_ID, id.clone());
    }
    headers.insert(REQUEST_ID, id);
}
