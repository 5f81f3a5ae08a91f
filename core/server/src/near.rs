//! What does not exist: unknown paths, with the right one named where it is near, and wrong methods.

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, Request};
use sluice_api::{Error, Kind};
use sluice_engine::request_id;
use sluice_wire::render::{self, Style};

use crate::App;
use crate::catalogue::CLIENT_ROUTES;

/// A refusal of a request that has no route's context.
pub(crate) fn refuse<B>(style: Style, error: &Error, request: &Request<B>) -> Response {
    refuse_with(style, error, &request_id(request.headers()))
}

/// A refusal with a known request id.
pub(crate) fn refuse_with(style: Style, error: &Error, request_id: &str) -> Response {
    let rendered = render::refusal(style, error, request_id);
    let mut response = Response::new(Body::from(rendered.body));
    *response.status_mut() = rendered.status;
    *response.headers_mut() = rendered.headers;
    sluice_engine::identify(response.headers_mut(), matches!(style, Style::Anthropic), request_id);
    response
}

/// No such path.
pub(crate) async fn unknown(State(app): State<App>, request: Request<Body>) -> Response {
    let path = request.uri().path();
    let error = match nearest(path) {
        Some(right) => Error::new(Kind::NoRoute, format!("there is no `{path}` here: the path is `{right}`")),
        None => Error::new(Kind::NoRoute, format!("there is no `{path}` here: /docs lists what there is")),
    };
    app.gateway.records().measures().count_refusal(error.kind().name());
    refuse(style_of(path, request.headers()), &error, &request)
}

/// The path exists, but not for this method.
pub(crate) async fn method_not_allowed(request: Request<Body>) -> Response {
    let path = request.uri().path();
    let methods: Vec<&str> =
        CLIENT_ROUTES.iter().filter(|doc| fits(doc.path, path)).map(|doc| doc.method).collect();
    let allow = if methods.is_empty() { "GET, POST".to_owned() } else { methods.join(", ") };
    let message = format!("`{path}` does not take {}: it takes {allow}", request.method());
    refuse(
        style_of(path, request.headers()),
        &Error::new(Kind::MethodNotAllowed, message).allow(allow),
        &request,
    )
}

/// The dialect that a client of an unknown path probably reads: by prefix, then by Anthropic's header, then OpenAI's.
pub(crate) fn style_of(path: &str, headers: &HeaderMap) -> Style {
    let path = path.trim_start_matches('/');
    const BY_PREFIX: [(&str, Style); 9] = [
        ("claude", Style::Anthropic),
        ("api/claude", Style::Anthropic),
        ("v1/messages", Style::Anthropic),
        ("api/v1/messages", Style::Anthropic),
        ("gemini", Style::Gemini),
        ("v1beta", Style::Gemini),
        ("v1/tunedModels", Style::Gemini),
        ("openai", Style::Openai),
        ("azure", Style::Openai),
    ];
    if let Some((_, style)) = BY_PREFIX.iter().find(|(prefix, _)| path.starts_with(prefix)) {
        return *style;
    }
    if headers.contains_key("anthropic-version") { Style::Anthropic } else { Style::Openai }
}

/// The client route that a path nearly is.
fn nearest(path: &str) -> Option<String> {
    let tidy = tidy(path);
    let routes = CLIENT_ROUTES.iter().map(|doc| doc.path);
    if let Some(right) = routes.clone().find(|route| fits(route, &tidy)) {
        return Some(if right.contains('{') { tidy } else { right.to_owned() });
    }
    routes
        .map(|route| (strsim::normalized_damerau_levenshtein(&tidy, route), route))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, route)| route.to_owned())
}

/// A path without doubled slashes, doubled segments and a slash at the end.
fn tidy(path: &str) -> String {
    let mut parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    parts.dedup();
    format!("/{}", parts.join("/"))
}

/// Whether a path is one of a route with `{parameters}`.
fn fits(route: &str, path: &str) -> bool {
    let (mut wanted, mut found) = (route.split('/'), path.split('/'));
    loop {
        match (wanted.next(), found.next()) {
            (None, None) => return true,
            (Some(wanted), Some(found)) if part_fits(wanted, found) => {}
            _ => return false,
        }
    }
}

fn part_fits(wanted: &str, found: &str) -> bool {
    match wanted.split_once('}') {
        None => wanted == found,
        Some((_, after)) => found.len() > after.len() && found.ends_with(after),
    }
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_path_that_nearly_fits_gets_the_right_one_named() {
        for (path, right) in [
            ("/v1/v1/messages", Some("/v1/messages")),
            ("//v1/messages", Some("/v1/messages")),
            ("/v1/messages/", Some("/v1/messages")),
            ("/v1/message", Some("/v1/messages")),
            ("/v1/chat/completion", Some("/v1/chat/completions")),
            ("/v1beta//models/g:generateContent", Some("/v1beta/models/g:generateContent")),
            ("/favicon.ico", None),
        ] {
            assert_eq!(nearest(path).as_deref(), right, "{path}");
        }
    }
}
