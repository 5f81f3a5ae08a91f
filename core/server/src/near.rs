//! What does not exist: unknown paths, with the right one named where it is near, and wrong methods.

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::{HeaderName, Request};
use sluice_api::error::{Error, Kind};
use sluice_config::address::ClientAddress;
use sluice_ledger::{Realm, RefusedCredentials};
use sluice_line::inbound::{Asking, request_id};
use sluice_wire::refusal::render::Style;

use crate::App;
use crate::catalogue::{Asks, CLIENT_ROUTES, ClientDoc};
use crate::methods::{fits, listed};

/// Header that tells a client of Anthropic's API.
pub(crate) const ANTHROPIC: HeaderName = HeaderName::from_static("anthropic-version");

/// Dialects of paths that are no route, by prefix.
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

/// Bytes of a path up to which a near one is looked for: longer than any route, and the likeness of two texts costs the
/// product of their lengths, which anybody could have us pay.
const NEAR_MAX: usize = 100;

/// What may be missing before a path.
const BASES: [&str; 5] = ["", "/v1", "/v1beta", "/azure", "/azure/openai"];

/// A refusal of a request that has no route's context.
pub(crate) fn refuse<B>(style: Style, error: &Error, request: &Request<B>) -> Response {
    refuse_with(style, error, &request_id(request.headers()))
}

/// A refusal with a known request id.
pub(crate) fn refuse_with(style: Style, error: &Error, request_id: &str) -> Response {
    sluice_line::refused::refused(style, error, request_id).map(Body::from)
}

/// Who asks for something of the gateway's own.
pub(crate) struct Visitor<'a> {
    pub(crate) asking: &'a Asking<'a>,
    /// What is asked for.
    pub(crate) path: &'a str,
    /// Where it comes from.
    pub(crate) client: Option<&'a ClientAddress>,
}

/// A refusal of who asks for something of the gateway's own; credentials that are none are noted.
pub(crate) fn refuse_asking(app: &App, style: Style, error: &Error, visitor: &Visitor<'_>) -> Response {
    let Visitor { asking, path, client } = *visitor;
    if error.kind() == Kind::Unauthenticated {
        let (request_id, client) = (&asking.request_id, client.map(|client| client.0));
        app.gateway.records().refused(&RefusedCredentials {
            realm: Realm::Client,
            request_id,
            asked: path,
            client,
        });
    }
    refuse_with(style, error, &asking.request_id)
}

/// No such path.
pub(crate) async fn unknown(State(app): State<App>, request: Request<Body>) -> Response {
    let path = request.uri().path();
    let message = match nearest(path) {
        Some(right) => format!("there is no `{path}` here: the path is `{right}`"),
        None if path.len() <= NEAR_MAX => format!("there is no `{path}` here: /docs lists what there is"),
        None => "there is no such path here: /docs lists what there is".to_owned(),
    };
    refuse_counted(&app, &Error::new(Kind::NoRoute, message), &request)
}

/// The path exists, but not for this method.
pub(crate) async fn wrong_method(app: App, request: Request<Body>) -> Response {
    let (path, method) = (request.uri().path(), request.method());
    let allow = client_methods(path).or_else(|| app.operators.methods(path).map(str::to_owned));
    let error = match allow {
        Some(allow) => {
            let message = format!("`{path}` does not take {method}: it takes {allow}");
            Error::new(Kind::MethodNotAllowed, message).allow(allow)
        }
        // Swagger UI and the document, whose methods only axum knows; it sets `allow` where there is none.
        None => Error::new(Kind::MethodNotAllowed, format!("`{path}` does not take {method}")),
    };
    refuse_counted(&app, &error, &request)
}

fn refuse_counted(app: &App, error: &Error, request: &Request<Body>) -> Response {
    app.gateway.records().measures().count_refusal(error.kind().name());
    let anthropic = request.headers().contains_key(&ANTHROPIC);
    refuse(style_of(request.uri().path(), anthropic), error, request)
}

/// The dialect that a client of a path reads: the route's; else by prefix, then by Anthropic's header, then OpenAI's.
pub(crate) fn style_of(path: &str, anthropic: bool) -> Style {
    if let Some(api) = routes_of(path).find_map(|route| route.api) {
        return api.into();
    }
    let path = path.trim_start_matches('/');
    if let Some((_, style)) = BY_PREFIX.iter().find(|(prefix, _)| path.starts_with(prefix)) {
        return *style;
    }
    if anthropic { Style::Anthropic } else { Style::Openai }
}

/// The methods of a client route, as `allow` lists them.
pub(crate) fn client_methods(path: &str) -> Option<String> {
    // An upgrade is no way to use a route.
    let routes = || routes_of(path).filter(|route| route.asks != Asks::WebSocket);
    // `{model}` takes `m:generateContent` too, but a verb makes it a route of its own.
    let of_verb = routes().any(|route| route.names_verb());
    listed(routes().filter(|route| !of_verb || route.names_verb()).map(|route| route.method))
}

/// Whether a path ends in a verb of Gemini's, where those are offered.
pub(crate) fn has_verb(path: &str) -> bool {
    routes_of(path).any(ClientDoc::names_verb)
}

fn routes_of(path: &str) -> impl Iterator<Item = &'static ClientDoc> {
    // Some clients encode the colon before a verb.
    let path = path.replace("%3A", ":").replace("%3a", ":");
    CLIENT_ROUTES.iter().filter(move |route| fits(route.path, &path))
}

/// The client route that a path nearly is.
fn nearest(path: &str) -> Option<String> {
    if path.len() > NEAR_MAX {
        return None;
    }
    let tidy = tidy(path);
    let routes = CLIENT_ROUTES.iter().map(|doc| doc.path);
    let is_route = |path: &String| routes.clone().any(|route| route != "/" && fits(route, path));
    if let Some(right) = variants(&tidy).find(is_route) {
        return Some(right);
    }
    routes
        .map(|route| (strsim::normalized_damerau_levenshtein(&tidy, route), route))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, route)| route.to_owned())
}

/// A path as it is, with what base URLs leave out before it, and without what they have too much: a version of another
/// API, a prefix of another gateway.
fn variants(path: &str) -> impl Iterator<Item = String> {
    let starts = path.match_indices('/').take(3).map(|(at, _)| path.get(at..).unwrap_or_default());
    starts.flat_map(|rest| BASES.iter().map(move |base| format!("{base}{rest}")))
}

/// A path without spaces around it, doubled slashes, doubled segments and a slash at the end.
fn tidy(path: &str) -> String {
    let path = path.replace("%20", " ");
    let mut parts: Vec<&str> =
        path.trim().split('/').filter(|part| !matches!(*part, "" | "." | "..")).collect();
    parts.dedup();
    format!("/{}", parts.join("/"))
}

#[cfg(test)]
mod tests {
    use sluice_wire::refusal::render::Style;

    use super::{NEAR_MAX, client_methods, nearest, style_of};
    use crate::catalogue::CLIENT_ROUTES;

    #[test]
    fn a_path_that_nearly_fits_gets_the_right_one_named() {
        for (path, right) in [
            ("/v1/v1/messages", Some("/v1/messages")),
            ("//v1/messages", Some("/v1/messages")),
            ("/v1/messages/", Some("/v1/messages")),
            ("/v1/message", Some("/v1/messages")),
            ("/v1/chat/completion", Some("/v1/chat/completions")),
            ("/v1beta//models/g:generateContent", Some("/v1beta/models/g:generateContent")),
            ("/embeddings", Some("/v1/embeddings")),
            ("/models/x", Some("/v1/models/x")),
            ("/messages", Some("/v1/messages")),
            ("/v1/v1beta/models/g:generateContent", Some("/v1beta/models/g:generateContent")),
            ("/v1alpha/models/g:generateContent", Some("/v1/models/g:generateContent")),
            ("/openai/deployments/d/chat/completions", Some("/azure/openai/deployments/d/chat/completions")),
            ("/azure/deployments/d/embeddings", Some("/azure/openai/deployments/d/embeddings")),
            ("/v1beta/openai/chat/completions", Some("/v1/chat/completions")),
            ("/anthropic/v1/messages", Some("/v1/messages")),
            ("/api/v1/responses", Some("/v1/responses")),
            ("/v1/messages%20", Some("/v1/messages")),
            ("/v1/../v1/messages", Some("/v1/messages")),
            ("/favicon.ico", None),
            ("/wp-admin/setup.php", None),
            ("/models/a/b", Some("/v1/models/a/b")),
        ] {
            assert_eq!(nearest(path).as_deref(), right, "{path}");
        }
    }

    #[test]
    fn near_paths_are_looked_for_up_to_a_bound() {
        let padded = |length: usize| format!("{}v1/messages", "/".repeat(length - "v1/messages".len()));
        assert_eq!(nearest(&padded(NEAR_MAX)).as_deref(), Some("/v1/messages"));
        assert_eq!(nearest(&padded(NEAR_MAX + 1)), None);
    }

    #[test]
    fn every_route_is_short_enough_to_be_found_near() {
        assert!(CLIENT_ROUTES.iter().all(|route| route.path.len() < NEAR_MAX));
    }

    #[test]
    fn a_wrong_method_is_told_the_true_ones() {
        for (path, methods) in [
            ("/v1/messages", Some("POST")),
            ("/v1/responses", Some("POST")),
            ("/v1/models", Some("GET, HEAD")),
            ("/v1/models/m", Some("GET, HEAD")),
            ("/v1/models/a/b", Some("GET, HEAD")),
            ("/v1beta/models/a/b:countTokens", Some("POST")),
            ("/v1/models/", None),
            ("/v1/models/a//b", None),
            ("/v1/models/m:generateContent", Some("POST")),
            ("/v1beta/models/m%3AcountTokens", Some("POST")),
            ("/claude/v1/models/m:generateContent", Some("GET, HEAD")),
            ("/", Some("GET, HEAD")),
            ("/healthz", None),
        ] {
            assert_eq!(client_methods(path).as_deref(), methods, "{path}");
        }
    }

    #[test]
    fn a_refusal_reads_as_the_route_does() {
        for (path, anthropic, style) in [
            ("/v1/messages", false, Style::Anthropic),
            ("/v1/chat/completions", true, Style::Openai),
            ("/v1/models/m:generateContent", true, Style::Gemini),
            ("/v1/models/m%3agenerateContent", false, Style::Gemini),
            ("/v1/models/m", false, Style::Openai),
            ("/v1/models/m", true, Style::Anthropic),
            ("/claude/v1/me", false, Style::Anthropic),
            ("/gemini/v1/models/m", false, Style::Gemini),
            ("/v1beta/nowhere", true, Style::Gemini),
            ("/nowhere", true, Style::Anthropic),
            ("/nowhere", false, Style::Openai),
        ] {
            assert_eq!(style_of(path, anthropic), style, "{path}");
        }
    }
}
