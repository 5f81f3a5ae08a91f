//! Tokens counted here, where the accounts that serve a model have no call for it.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::{Value, json};
use sluice_api::dialect::{Api, Operation};
use sluice_api::error::{Error, Kind};
use sluice_config::key::Key;
use sluice_fleet::choosing::Criteria;
use sluice_wire::refusal::Refusal;

use crate::serving::Serving;
use crate::source::{Answered, Source};

/// Says that the count is an estimate.
const ESTIMATE: HeaderName = HeaderName::from_static("x-sluice-estimate");

/// Bytes of a body that are about one token.
pub(crate) const BYTES_PER_TOKEN: u64 = 4;

/// The answer, or an estimate in place of the error that says that tokens can't be counted for a model which is served.
pub(crate) fn or_estimate(
    answered: Result<Answered, Error>,
    serving: Serving<'_>,
    key: &Key,
) -> Result<Answered, Error> {
    let Serving { snapshot, ask, body, .. } = serving;
    let error = match answered {
        Err(error) if ask.route.operation == Operation::CountTokens => error,
        answered => return answered,
    };
    let never = error.kind() == Kind::ModelNotFound && error.facts().answer.is_none();
    let api = ask.route.api;
    let served = || snapshot.roster.serves(key, Criteria::of(api, Operation::Generate, &ask.model));
    if error.facts().missing || (never && served()) {
        Ok(estimate(api, body.len() as u64))
    } else {
        Err(error)
    }
}

/// How upstreams write the path of the call, where they say that there is none.
const PATHS: [&str; 3] = ["/count_tokens", "/input_tokens", ":countTokens"];

/// What says that the account may not, or that the model can't be counted, by status and a part of the sentence.
const CANNOT: [(u16, &str); 4] = [
    (400, "support counting tokens"),
    (400, "support token counting"),
    (403, "CountTokens"),
    (403, "count_tokens"),
];

/// Whether an upstream said of a count that it has no such call, or not for this account or model. A 404 about the
/// model stays one; `models` are its names, as it was asked for and as upstream knows it.
pub(crate) fn is_missing(status: StatusCode, body: &[u8], models: [&str; 2]) -> bool {
    let told = Refusal::read(body);
    match status {
        StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_IMPLEMENTED => true,
        StatusCode::NOT_FOUND => is_about_the_path(&told, models),
        _ => CANNOT.iter().any(|(of, part)| *of == status.as_u16() && told.message.contains(part)),
    }
}

fn is_about_the_path(told: &Refusal, models: [&str; 2]) -> bool {
    if told.is("unknown_url") || PATHS.iter().any(|path| told.message.contains(path)) {
        return true;
    }
    let named = models.iter().any(|model| told.message.contains(model)) || told.message.starts_with("model:");
    !(named || told.is("model_not_found") || told.is("DeploymentNotFound"))
}

fn estimate(api: Api, bytes: u64) -> Answered {
    let tokens = bytes.div_ceil(BYTES_PER_TOKEN);
    let body = Bytes::from(shape(api, tokens).to_string());
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(ESTIMATE, HeaderValue::from_static("true"));
    Answered { status: StatusCode::OK, headers, source: Source::whole(body, api, Operation::CountTokens) }
}

fn shape(api: Api, tokens: u64) -> Value {
    match api {
        Api::Gemini => json!({ "totalTokens": tokens }),
        Api::OpenaiResponses => json!({ "object": "response.input_tokens", "input_tokens": tokens }),
        _ => json!({ "input_tokens": tokens }),
    }
}
