//! The models that a key may ask for, in the three shapes that clients read.

use std::future::{Ready, ready};

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, Request};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use sluice_api::dialect::{Api, Operation};
use sluice_api::error::{Error, Kind};
use sluice_config::key::Key;
use sluice_fleet::choosing::Criteria;
use sluice_line::inbound::Asking;
use sluice_line::snapshot::Snapshot;
use sluice_wire::refusal::render::Style;

use crate::App;
use crate::clients::{Answering, VERBS, named};
use crate::near::{self, ANTHROPIC, Visitor, refuse_asking};
use crate::signin;

/// Models on a page of Anthropic's list, unless asked otherwise, and at most; more is refused, as there.
const CLAUDE_PAGE: (usize, usize) = (20, 1000);
/// The same for Google's, which gives as many as it may when more are asked for.
const GEMINI_PAGE: (usize, usize) = (50, 1000);

/// When a model was made is not known here; SDKs want a time all the same.
const UNKNOWN_TIME: &str = "1970-01-01T00:00:00Z";

/// Headers of a key, in the contract's order, and the shape that clients read which put it there. `?key=`, which
/// Google's do, comes after them.
const KEY_HEADERS: [(HeaderName, Style); 4] = [
    (HeaderName::from_static("x-api-key"), Style::Openai),
    (HeaderName::from_static("x-goog-api-key"), Style::Gemini),
    (HeaderName::from_static("api-key"), Style::Openai),
    (AUTHORIZATION, Style::Openai),
];

/// `GET …/models`, in a shape, or in the one that the request asks for.
pub(crate) fn list(
    shape: Option<Style>,
) -> impl Fn(State<App>, Request<Body>) -> Ready<Response> + Clone + Send + Sync + 'static {
    move |State(app), request| ready(answer(&app, &request, shape, None))
}

/// `GET …/models/{id}`.
pub(crate) fn one(
    shape: Option<Style>,
) -> impl Fn(State<App>, Request<Body>) -> Answering + Clone + Send + Sync + 'static {
    move |State(app), request| {
        Box::pin(async move {
            let path = request.uri().path();
            if near::has_verb(path) {
                return near::wrong_method(app, request).await;
            }
            let (_, id) = named(path);
            let id = percent_decode_str(id).decode_utf8_lossy().into_owned();
            answer(&app, &request, shape, Some(&id))
        })
    }
}

fn answer(app: &App, request: &Request<Body>, shape: Option<Style>, one: Option<&str>) -> Response {
    let (uri, headers) = (request.uri(), request.headers());
    let snapshot = app.gateway.snapshot();
    let now = app.gateway.now();
    let is_known = |headers: &HeaderMap, query: Option<&str>| {
        Asking::of(headers, query).authenticate(&snapshot, now).is_ok()
    };
    let shape = shape
        .or_else(|| shape_of(uri.query(), headers, is_known))
        .unwrap_or_else(|| near::style_of(uri.path(), false));
    let asking = Asking::of(headers, uri.query());
    let body = signin::holder(app, headers, &asking).and_then(|key| {
        let listing = Listing::new(&snapshot, &key, shape);
        one.map_or_else(|| listing.page(asking.query.as_deref()), |id| listing.one(id))
    });
    let body = match body {
        Ok(body) => body,
        Err(error) => {
            let visitor = Visitor { asking: &asking, path: uri.path(), client: request.extensions().get() };
            return refuse_asking(app, shape, &error, &visitor);
        }
    };
    let mut response = Json(body).into_response();
    sluice_line::refused::identify(response.headers_mut(), shape == Style::Anthropic, &asking.request_id);
    response
}

/// Anthropic's shape for who sends its version, Google's where the key came as its clients send it, else OpenAI's.
///
/// The key is the one that counts: the first that is known. Where none is, the first that was sent tells how the
/// refusal reads; where none was sent, nothing does.
fn shape_of(
    query: Option<&str>,
    headers: &HeaderMap,
    is_known: impl Fn(&HeaderMap, Option<&str>) -> bool,
) -> Option<Style> {
    if headers.contains_key(&ANTHROPIC) {
        return Some(Style::Anthropic);
    }
    let mut first = None;
    for (name, shape) in &KEY_HEADERS {
        let mut alone = HeaderMap::new();
        headers.get_all(name).iter().for_each(|value| {
            alone.append(name, value.clone());
        });
        if alone.is_empty() {
            continue;
        }
        if is_known(&alone, None) {
            return Some(*shape);
        }
        first.get_or_insert(*shape);
    }
    let in_query = argument(query, "key").map(|_| Style::Gemini);
    if in_query.is_some() && is_known(&HeaderMap::new(), query) {
        return in_query;
    }
    first.or(in_query)
}

/// What a key may ask for through the APIs whose clients read a shape.
struct Listing<'a> {
    snapshot: &'a Snapshot,
    key: &'a Key,
    shape: Style,
    names: Vec<String>,
}

impl<'a> Listing<'a> {
    fn new(snapshot: &'a Snapshot, key: &'a Key, shape: Style) -> Self {
        let apis: &[Api] = match shape {
            Style::Anthropic => &[Api::Anthropic],
            Style::Gemini => &[Api::Gemini],
            Style::Openai => {
                &[Api::OpenaiChat, Api::OpenaiResponses, Api::OpenaiEmbeddings, Api::OpenaiImages]
            }
        };
        Self { snapshot, key, shape, names: snapshot.catalogue().of_key(key, apis) }
    }

    fn one(&self, id: &str) -> Result<Value, Error> {
        let id = id.strip_prefix("models/").unwrap_or(id);
        if self.names.iter().any(|name| name == id) {
            return Ok(self.entry(id));
        }
        let message =
            format!("there is no model `{id}` that this key may ask for; GET /v1/models lists them");
        Err(Error::new(Kind::ModelNotFound, message))
    }

    fn entry(&self, id: &str) -> Value {
        match self.shape {
            Style::Anthropic => {
                json!({ "type": "model", "id": id, "display_name": id, "created_at": UNKNOWN_TIME })
            }
            Style::Gemini => {
                let served =
                    VERBS.iter().filter(|(_, operation, _)| self.serves(Api::Gemini, *operation, id));
                let verbs: Vec<&str> = served.map(|(verb, ..)| *verb).collect();
                json!({
                    "name": format!("models/{id}"),
                    "baseModelId": id,
                    "version": "",
                    "displayName": id,
                    "supportedGenerationMethods": verbs,
                })
            }
            Style::Openai => json!({ "id": id, "object": "model", "created": 0, "owned_by": "sluice" }),
        }
    }

    fn serves(&self, api: Api, operation: Operation, id: &str) -> bool {
        self.snapshot.roster.serves(self.key, Criteria::of(api, operation, id))
    }

    fn entries(&self, names: &[String]) -> Vec<Value> {
        names.iter().map(|name| self.entry(name)).collect()
    }

    fn page(&self, query: Option<&str>) -> Result<Value, Error> {
        match self.shape {
            Style::Openai => Ok(json!({
                "object": "list", "data": self.entries(&self.names), "models": self.for_codex(),
            })),
            Style::Gemini => self.gemini_page(query),
            Style::Anthropic => self.anthropic_page(query),
        }
    }

    /// Codex's own list, of what it can ask for: it speaks Responses alone.
    ///
    /// Which reasoning efforts a model has is known to nobody here, and Codex reads no entry without the field. Its
    /// context window is not known either, and may be left out.
    fn for_codex(&self) -> Vec<Value> {
        let names = self.names.iter();
        let served = names.filter(|name| self.serves(Api::OpenaiResponses, Operation::Generate, name));
        let entry = |name| json!({ "slug": name, "display_name": name, "supported_reasoning_levels": [] });
        served.map(entry).collect()
    }

    fn gemini_page(&self, query: Option<&str>) -> Result<Value, Error> {
        let size = match number(query, "pageSize")? {
            None | Some(0) => GEMINI_PAGE.0,
            Some(size) => size.min(GEMINI_PAGE.1),
        };
        let start = match argument(query, "pageToken") {
            None => 0,
            Some(token) => token.parse().map_err(|_| {
                Error::bad_request(Some("pageToken"), "`pageToken` is not one of this list's")
            })?,
        };
        let rest = self.names.get(start..).unwrap_or_default();
        let shown = rest.get(..size.min(rest.len())).unwrap_or_default();
        let mut body = json!({ "models": self.entries(shown) });
        if rest.len() > shown.len()
            && let Some(object) = body.as_object_mut()
        {
            object.insert("nextPageToken".to_owned(), json!((start + shown.len()).to_string()));
        }
        Ok(body)
    }

    fn anthropic_page(&self, query: Option<&str>) -> Result<Value, Error> {
        let (usual, most) = CLAUDE_PAGE;
        let limit = number(query, "limit")?.unwrap_or(usual);
        if !(1..=most).contains(&limit) {
            return Err(Error::bad_request(Some("limit"), format!("`limit` is a number from 1 to {most}")));
        }
        let names = &self.names;
        let at = |id: String| names.iter().position(|name| *name == id);
        let (shown, more) = match argument(query, "before_id").and_then(at) {
            Some(end) => {
                let start = end.saturating_sub(limit);
                (names.get(start..end), start > 0)
            }
            None => {
                let start = argument(query, "after_id").and_then(at).map_or(0, |at| at + 1);
                let end = names.len().min(start.saturating_add(limit));
                (names.get(start..end), end < names.len())
            }
        };
        let shown = shown.unwrap_or_default();
        Ok(json!({
            "data": self.entries(shown),
            "has_more": more,
            "first_id": shown.first(),
            "last_id": shown.last(),
        }))
    }
}

fn argument(query: Option<&str>, name: &str) -> Option<String> {
    let mut pairs = query?.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let (_, value) = pairs.find(|(found, _)| percent_decode_str(found).eq(name.bytes()))?;
    Some(percent_decode_str(value).decode_utf8_lossy().into_owned())
}

fn number(query: Option<&str>, name: &str) -> Result<Option<usize>, Error> {
    let wrong = |_| Error::bad_request(Some(name), format!("`{name}` is a whole number"));
    argument(query, name).map(|text| text.parse().map_err(wrong)).transpose()
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderName, HeaderValue};
    use sluice_wire::refusal::render::Style;

    use super::{argument, shape_of};

    /// The shape for these headers and this query, where a key is known when it says so.
    fn check(headers: &[(&'static str, &'static str)], query: Option<&str>, shape: Option<Style>) {
        let map: HeaderMap = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect();
        let is_known = |headers: &HeaderMap, query: Option<&str>| {
            headers.values().any(|value| value == "known")
                || argument(query, "key").as_deref() == Some("known")
        };
        assert_eq!(shape_of(query, &map, is_known), shape, "{headers:?} {query:?}");
    }

    #[test]
    fn the_place_of_the_known_key_decides_the_shape() {
        const ANTHROPIC: Option<Style> = Some(Style::Anthropic);
        const GEMINI: Option<Style> = Some(Style::Gemini);
        const OPENAI: Option<Style> = Some(Style::Openai);
        check(&[], None, None);
        check(&[("authorization", "known")], None, OPENAI);
        check(&[("x-api-key", "known")], None, OPENAI);
        check(&[("x-goog-api-key", "known")], None, GEMINI);
        check(&[], Some("key=known"), GEMINI);
        check(&[], Some("pageSize=1&k%65y=%6bnown"), GEMINI);
        check(&[("x-goog-api-key", "known"), ("anthropic-version", "1")], None, ANTHROPIC);
        // Another one comes first, or only another one is known.
        check(&[("x-api-key", "known"), ("x-goog-api-key", "known")], Some("key=known"), OPENAI);
        check(&[("x-goog-api-key", "other"), ("authorization", "known")], None, OPENAI);
        check(&[("authorization", "known")], Some("key=other"), OPENAI);
        check(&[("authorization", "other")], Some("key=known"), GEMINI);
        // None is known: the refusal reads as the first one sent lets expect.
        check(&[("x-goog-api-key", "other")], None, GEMINI);
        check(&[("authorization", "other")], Some("key=other"), OPENAI);
        check(&[], Some("key=other"), GEMINI);
        check(&[], Some("keys=known"), None);
    }
}
