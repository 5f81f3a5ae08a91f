//! A provider that answers by itself, in every dialect: for first steps, demonstrations and tests.

mod ask;
mod body;
mod claude;
mod gemini;
mod openai;
mod responses;
mod settings;

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri};
use serde_json::{Value, json};
use sluice_api::dialect::{Api, Family, Form, Operation};
use sluice_api::error::Error;
use sluice_api::plugin::async_trait;
use sluice_api::provider::{Body, Call, CallCx, ModelPlace, Offer, Prepared, Provider, ProviderInfo};
use sluice_api::register;
use sluice_api::settings::{Problem, Section};

use ask::{Ask, Reply};
use settings::{Fail, SimulatedSettings};

/// Models that it lists; it serves any name.
const MODELS: [&str; 8] = [
    "claude-opus-5-5",
    "claude-sonnet-5-5",
    "gemini-3.8-flash",
    "gemini-embedding-001",
    "gpt-5.5",
    "gpt-5.4-mini",
    "gpt-image-1",
    "text-embedding-3-small",
];

/// An account that needs no upstream.
#[derive(Debug)]
struct Simulated {
    info: ProviderInfo,
    settings: SimulatedSettings,
}

/// What `prepare` hands to `send` beside the body.
#[derive(Debug)]
struct Carried {
    api: Api,
    operation: Operation,
    form: Form,
    model: Arc<str>,
}

impl Simulated {
    fn build(section: &Section<'_>) -> Result<Arc<dyn Provider>, Vec<Problem>> {
        let settings: SimulatedSettings = section.read()?;
        let info = ProviderInfo::new("simulated", section.name, &Family::ALL);
        Ok(Arc::new(Self { info, settings }))
    }

    fn answer(&self, wanted: &Carried, body: &[u8]) -> Result<Response<Body>, Error> {
        if let Some(Fail::Status(status)) = self.settings.fail {
            return Ok(refusal(wanted.api, status, "the simulated account was told to fail"));
        }
        let request: Value = match serde_json::from_slice(body) {
            Ok(request) => request,
            Err(error) => return Ok(refusal(wanted.api, StatusCode::BAD_REQUEST, &error.to_string())),
        };
        let ask = match Ask::read(wanted.api, wanted.operation, &wanted.model, &request) {
            Ok(ask) => ask,
            Err(what) => return Ok(refusal(wanted.api, StatusCode::BAD_REQUEST, &what)),
        };
        let reply = Reply::to(&ask, &self.settings);
        let pieces = match wanted.api {
            Api::Anthropic => claude::answer(wanted, &ask, &reply),
            Api::OpenaiChat => openai::chat(wanted, &ask, &reply),
            Api::OpenaiEmbeddings => openai::embeddings(&ask, &request),
            Api::OpenaiImages => openai::images(&request),
            Api::OpenaiResponses => responses::answer(wanted, &ask, &reply),
            Api::Gemini => gemini::answer(wanted, &ask, &reply, &request),
        };
        let cut = matches!(self.settings.fail, Some(Fail::Cut));
        let kind = if wanted.form == Form::Sse { "text/event-stream" } else { "application/json" };
        let mut response = Response::new(body::paced(pieces, self.settings.delay.0, cut));
        response.headers_mut().insert(http::header::CONTENT_TYPE, HeaderValue::from_static(kind));
        Ok(response)
    }
}

#[async_trait]
impl Provider for Simulated {
    fn info(&self) -> &ProviderInfo {
        &self.info
    }

    fn offer(&self, operation: Operation, _model: &str) -> Option<Offer> {
        let apis: &[Api] = match operation {
            Operation::Generate => &[Api::Anthropic, Api::OpenaiChat, Api::OpenaiResponses, Api::Gemini],
            Operation::CountTokens => &[Api::Anthropic, Api::OpenaiResponses, Api::Gemini],
            Operation::Compact => &[Api::OpenaiResponses],
            Operation::Embed => &[Api::OpenaiEmbeddings, Api::Gemini],
            Operation::BatchEmbed => &[Api::Gemini],
            Operation::Images => &[Api::OpenaiImages],
        };
        Some(Offer::new(apis, ModelPlace::Body))
    }

    fn models(&self) -> Vec<String> {
        MODELS.map(str::to_owned).to_vec()
    }

    async fn prepare(&self, _cx: &CallCx<'_>, call: Call) -> Result<Prepared, Error> {
        let mut request = Request::new(call.body);
        *request.method_mut() = Method::POST;
        *request.uri_mut() = Uri::from_static("http://simulated.invalid/");
        *request.headers_mut() = call.headers;
        let wanted = Carried { api: call.api, operation: call.operation, form: call.form, model: call.model };
        Ok(Prepared::carrying(request, wanted))
    }

    async fn send(&self, _cx: &CallCx<'_>, prepared: Prepared) -> Result<Response<Body>, Error> {
        let (request, wanted) = prepared.into_parts::<Carried>()?;
        self.answer(&wanted, request.body())
    }
}

/// A refusal in the dialect's own words.
fn refusal(api: Api, status: StatusCode, message: &str) -> Response<Body> {
    let code = status.as_u16();
    let anthropic = match code {
        400 | 413 | 422 => "invalid_request_error",
        401 => "authentication_error",
        402 => "billing_error",
        403 => "permission_error",
        404 => "not_found_error",
        429 => "rate_limit_error",
        529 => "overloaded_error",
        _ => "api_error",
    };
    let google = match code {
        400 => "INVALID_ARGUMENT",
        401 => "UNAUTHENTICATED",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        429 => "RESOURCE_EXHAUSTED",
        503 => "UNAVAILABLE",
        _ => "INTERNAL",
    };
    let openai = match code {
        429 => "rate_limit_error",
        500.. => "server_error",
        _ => "invalid_request_error",
    };
    let body = match api {
        Api::Anthropic => json!({ "type": "error", "error": { "type": anthropic, "message": message } }),
        Api::Gemini => json!({ "error": { "code": code, "message": message, "status": google } }),
        _ => json!({ "error": { "message": message, "type": openai, "param": null, "code": null } }),
    };
    let mut headers = HeaderMap::new();
    headers.insert(http::header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let mut response = Response::new(body::whole(Bytes::from(body.to_string())));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

register! {
    dyn Provider: "simulated",
    summary: "Answers by itself, in every dialect, with streams, tools and usage; needs no upstream",
    settings: SimulatedSettings,
    build: |_, section| Simulated::build(section),
}

#[cfg(test)]
mod tests;
