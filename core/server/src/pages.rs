//! Pages that plugins bring, and headers for what a browser may open: nothing is guessed of an answer, framed, run, or told
//! where one came from.

use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use http::header::{
    ACCEPT, CONTENT_SECURITY_POLICY, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderName, HeaderValue, Method};
use sluice_api::plugin::pages::{Asked, Listener};

use crate::App;
use crate::operations::hello;

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

/// The page that a request is for, where a plugin has it.
pub(crate) fn found(app: &App, listener: Listener, request: &Request) -> Option<Response> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return None;
    }
    let asked = Asked::new(request.uri().path(), request.headers(), listener);
    let page = app.gateway.snapshot().pages.iter().find_map(|pages| pages.page(&asked))?;
    let mut answer = Response::new(Body::from(page.body));
    *answer.status_mut() = page.status;
    *answer.headers_mut() = page.headers;
    Some(answer)
}

/// `GET /`: a page where a browser asks, and for programs that probe the empty text that they have always had.
pub(crate) async fn front(app: App, listener: Listener, request: Request) -> Response {
    let accept = request.headers().get(ACCEPT).map(HeaderValue::as_bytes).unwrap_or_default();
    let browser = accept.windows(b"text/html".len()).any(|part| part == b"text/html");
    let page = if browser { found(&app, listener, &request) } else { None };
    let mut answer = match page {
        Some(page) => page,
        None => hello().await.into_response(),
    };
    answer.headers_mut().append(VARY, HeaderValue::from_static("accept"));
    answer
}
