//! The models that a key may ask for, in the three shapes that clients read.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, Uri};
use serde_json::{Value, json};
use sluice_api::{Api, Error, Kind};
use sluice_engine::{Asking, catalogue};
use sluice_wire::render::Style;

use crate::App;
use crate::near::refuse_with;

/// Models on a page of Anthropic's list, unless asked otherwise, and at most.
const CLAUDE_PAGE: (usize, usize) = (20, 1000);
/// The same for Google's.
const GEMINI_PAGE: (usize, usize) = (50, 1000);

/// When a model was made is not known here; SDKs want a time all the same.
const UNKNOWN_TIME: &str = "1970-01-01T00:00:00Z";

/// Every chat, embedding and image API.
const ANY: [Api; 6] = Api::ALL;
const OPENAI: [Api; 4] = [Api::OpenaiChat, Api::OpenaiResponses, Api::OpenaiEmbeddings, Api::OpenaiImages];

/// `GET /v1/models`: Anthropic's shape, Google's or OpenAI's, by what the request carries.
pub(crate) async fn list(state: State<App>, uri: Uri, headers: HeaderMap) -> Response {
    answer(&state, &uri, &headers, None, shape_of(&uri, &headers))
}

/// `GET /v1/models/{id}`.
pub(crate) async fn one(state: State<App>, Path(id): Path<String>, uri: Uri, headers: HeaderMap) -> Response {
    let shape = shape_of(&uri, &headers);
    answer(&state, &uri, &headers, Some(&id), shape)
}

/// `GET /v1beta/models`.
pub(crate) async fn list_gemini(state: State<App>, uri: Uri, headers: HeaderMap) -> Response {
    answer(&state, &uri, &headers, None, Style::Gemini)
}

/// `GET /v1beta/models/{model}`.
pub(crate) async fn one_gemini(
    state: State<App>,
    Path(id): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    answer(&state, &uri, &headers, Some(&id), Style::Gemini)
}

/// Azure's list, which is OpenAI's.
pub(crate) async fn list_openai(state: State<App>, uri: Uri, headers: HeaderMap) -> Response {
    answer(&state, &uri, &headers, None, Style::Openai)
}

fn shape_of(uri: &Uri, headers: &HeaderMap) -> Style {
    if headers.contains_key("anthropic-version") {
        return Style::Anthropic;
    }
    let key_in_query = uri.query().unwrap_or_default().split('&').any(|pair| pair.starts_with("key="));
    if headers.contains_key("x-goog-api-key") || key_in_query { Style::Gemini } else { Style::Openai }
}

fn answer(app: &App, uri: &Uri, headers: &HeaderMap, one: Option<&str>, shape: Style) -> Response {
    let asking = Asking::of(headers, uri.query());
    let refuse = |error: &Error| refuse_with(shape, error, &asking.request_id);
    let snapshot = app.gateway.snapshot();
    let key = match asking.authenticate(&snapshot, app.gateway.now()) {
        Ok(key) => key,
        Err(error) => return refuse(&error),
    };
    // Each shape lists all that the key may ask for: any API can be asked for what its route sends to a pool.
    let apis: &[Api] = match shape {
        Style::Anthropic => &[Api::Anthropic],
        Style::Gemini => &[Api::Gemini],
        Style::Openai => &OPENAI,
    };
    let mut names = catalogue::of_key(&snapshot, &key, apis);
    if names.is_empty() {
        names = catalogue::of_key(&snapshot, &key, &ANY);
    }
    let body = match one {
        None => match page(shape, &names, asking.query.as_deref()) {
            Ok(body) => body,
            Err(error) => return refuse(&error),
        },
        Some(id) => {
            let id = id.strip_prefix("models/").unwrap_or(id);
            if !names.iter().any(|name| name == id) {
                let message =
                    format!("there is no model `{id}` that this key may ask for; GET /v1/models lists them");
                return refuse(&Error::new(Kind::ModelNotFound, message));
            }
            entry(shape, id)
        }
    };
    let mut response = Json(body).into_response();
    sluice_engine::identify(response.headers_mut(), matches!(shape, Style::Anthropic), &asking.request_id);
    response
}

fn entry(shape: Style, id: &str) -> Value {
    match shape {
        Style::Anthropic => {
            json!({ "type": "model", "id": id, "display_name": id, "created_at": UNKNOWN_TIME })
        }
        Style::Gemini => json!({
            "name": format!("models/{id}"),
            "baseModelId": id,
            "version": "",
            "displayName": id,
            "supportedGenerationMethods": ["generateContent", "streamGenerateContent", "countTokens", "embedContent"],
        }),
        Style::Openai => json!({ "id": id, "object": "model", "created": 0, "owned_by": "sluice" }),
    }
}

fn page(shape: Style, names: &[String], query: Option<&str>) -> Result<Value, Error> {
    let entries = |names: &[String]| names.iter().map(|name| entry(shape, name)).collect::<Vec<_>>();
    match shape {
        Style::Openai => {
            let codex: Vec<Value> =
                names.iter().map(|name| json!({ "slug": name, "display_name": name })).collect();
            Ok(json!({ "object": "list", "data": entries(names), "models": codex }))
        }
        Style::Gemini => {
            let size = number(query, "pageSize", GEMINI_PAGE)?;
            let start = match argument(query, "pageToken") {
                None => 0,
                Some(token) => token.parse::<usize>().map_err(|_| {
                    Error::bad_request(Some("pageToken"), "`pageToken` is not one of this list's")
                })?,
            };
            let rest = names.get(start..).unwrap_or_default();
            let shown = rest.get(..size.min(rest.len())).unwrap_or_default();
            let mut body = json!({ "models": entries(shown) });
            if rest.len() > shown.len()
                && let Some(object) = body.as_object_mut()
            {
                object.insert("nextPageToken".to_owned(), json!((start + shown.len()).to_string()));
            }
            Ok(body)
        }
        Style::Anthropic => {
            let limit = number(query, "limit", CLAUDE_PAGE)?;
            let after = argument(query, "after_id").and_then(|id| names.iter().position(|name| *name == id));
            let before =
                argument(query, "before_id").and_then(|id| names.iter().position(|name| *name == id));
            let (shown, more) = match before {
                Some(end) => {
                    let start = end.saturating_sub(limit);
                    (names.get(start..end), start > 0)
                }
                None => {
                    let start = after.map_or(0, |at| at + 1);
                    let end = names.len().min(start.saturating_add(limit));
                    (names.get(start..end), end < names.len())
                }
            };
            let shown = shown.unwrap_or_default();
            Ok(json!({
                "data": entries(shown),
                "has_more": more,
                "first_id": shown.first(),
                "last_id": shown.last(),
            }))
        }
    }
}

fn argument(query: Option<&str>, name: &str) -> Option<String> {
    let pairs = query?.split('&').filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.into_iter().find(|(found, _)| *found == name)?;
    Some(percent_encoding::percent_decode_str(value).decode_utf8_lossy().into_owned())
}

fn number(query: Option<&str>, name: &str, (default, max): (usize, usize)) -> Result<usize, Error> {
    match argument(query, name) {
        None => Ok(default),
        Some(text) => match text.parse::<usize>() {
            Ok(0) if name == "pageSize" => Ok(default),
            Ok(number) if (1..=max).contains(&number) => Ok(number),
            _ => Err(Error::bad_request(Some(name), format!("`{name}` is a number from 1 to {max}"))),
        },
    }
}
