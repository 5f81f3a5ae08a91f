//! Tokens counted here, where the accounts that serve a model have no call for it.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName};
use http::{HeaderMap, HeaderValue, StatusCode};
use http_body_util::{BodyExt as _, Full};
use serde_json::{Value, json};
use sluice_api::{Api, Error, Form, Kind, Operation};
use sluice_wire::meter::Meter;
use sluice_wire::refusal::Refusal;

use crate::ask::Ask;
use crate::catalogue;
use crate::key::Key;
use crate::relay::{Answered, Source};
use crate::snapshot::Snapshot;

/// Says that the count is an estimate.
const ESTIMATE: HeaderName = HeaderName::from_static("x-sluice-estimate");

/// Bytes of a body that are about one token.
pub(crate) const BYTES_PER_TOKEN: u64 = 4;

/// The answer, or an estimate in place of the error that says that tokens can't be counted for a model which is served.
pub(crate) fn or_estimate(
    answered: Result<Answered, Error>,
    snapshot: &Snapshot,
    key: &Key,
    ask: &Ask,
    body: &[u8],
) -> Result<Answered, Error> {
    let error = match answered {
        Err(error) if ask.route.operation == Operation::CountTokens => error,
        answered => return answered,
    };
    let never =
        matches!(error.kind(), Kind::ModelNotFound | Kind::BadRequest) && error.facts().answer.is_none();
    let api = ask.route.api;
    let served = || catalogue::serves(snapshot, key, api, Operation::Generate, &ask.model);
    if is_missing(&error) || (never && served()) { Ok(estimate(api, body.len() as u64)) } else { Err(error) }
}

/// Whether an upstream said that it has no such call. A 404 in an API's own form is about the model.
pub(crate) fn is_missing(error: &Error) -> bool {
    error.facts().answer.as_ref().is_some_and(|answer| match answer.status {
        StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_IMPLEMENTED => true,
        StatusCode::NOT_FOUND => {
            let told = Refusal::read(&answer.body);
            told.kind.is_empty() && told.codes.is_empty() && told.status.is_empty()
        }
        _ => false,
    })
}

fn estimate(api: Api, bytes: u64) -> Answered {
    let tokens = bytes.div_ceil(BYTES_PER_TOKEN);
    let body = Bytes::from(shape(api, tokens).to_string());
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(ESTIMATE, HeaderValue::from_static("true"));
    let body = Full::new(body).map_err(|never| match never {}).boxed_unsync();
    let meter = Meter::new(api, Operation::CountTokens, Form::Whole);
    let source = Source::new(body, meter, None, Form::Whole, api, Duration::from_secs(1));
    Answered { status: StatusCode::OK, headers, source }
}

fn shape(api: Api, tokens: u64) -> Value {
    match api {
        Api::Gemini => json!({ "totalTokens": tokens }),
        Api::OpenaiResponses => json!({ "object": "response.input_tokens", "input_tokens": tokens }),
        _ => json!({ "input_tokens": tokens }),
    }
}
