//! Accounts that speak the Claude Messages API: Anthropic's own, compatible endpoints, and claude-code-router.

mod classify;
mod settings;

use std::sync::Arc;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, Method, Request};
use sluice_api::provider::{Call, CallCx, Failure, ModelPlace, Offer, Provider, ProviderInfo};
use sluice_api::{Api, Endpoint, Error, Family, Kind, Operation, Problem, Section, async_trait, register};

use settings::{ClaudeRouterSettings, ClaudeSettings};

const API_KEY: HeaderName = HeaderName::from_static("x-api-key");
const VERSION: HeaderName = HeaderName::from_static("anthropic-version");

/// What the real API requires; assumed where a client does not say it.
const DEFAULT_VERSION: HeaderValue = HeaderValue::from_static("2023-06-01");

/// An account.
#[derive(Debug)]
struct Claude {
    info: ProviderInfo,
    endpoint: Endpoint,
    api_key: HeaderValue,
    bearer: Option<HeaderValue>,
}

impl Claude {
    fn build(kind: &'static str, section: &Section<'_>) -> Result<Arc<dyn Provider>, Vec<Problem>> {
        let (base_url, secret) = if kind == "ccr" {
            let settings: ClaudeRouterSettings = section.read()?;
            (settings.base_url, settings.api_key)
        } else {
            let settings: ClaudeSettings = section.read()?;
            (settings.base_url, settings.api_key)
        };
        let endpoint = Endpoint::parse(&base_url, &["/v1"]).map_err(|why| section.wrong("base_url", why))?;
        let api_key = section.credential("api_key", "", &secret)?;
        let bearer =
            if kind == "ccr" { Some(section.credential("api_key", "Bearer ", &secret)?) } else { None };
        let info = ProviderInfo { kind, account: section.name.to_owned(), families: &[Family::Claude] };
        Ok(Arc::new(Self { info, endpoint, api_key, bearer }))
    }
}

#[async_trait]
impl Provider for Claude {
    fn info(&self) -> &ProviderInfo {
        &self.info
    }

    fn offer(&self, operation: Operation, _model: &str) -> Option<Offer> {
        let offered = matches!(operation, Operation::Generate | Operation::CountTokens);
        offered.then_some(Offer { apis: &[Api::Anthropic], model_in: ModelPlace::Body })
    }

    async fn prepare(&self, _cx: &CallCx<'_>, call: Call) -> Result<Request<Bytes>, Error> {
        let path = match call.operation {
            Operation::CountTokens => "/v1/messages/count_tokens",
            Operation::Generate => "/v1/messages",
            _ => return Err(Error::new(Kind::Internal, "this operation is not offered")),
        };
        let mut request = Request::new(call.body);
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.endpoint.uri(path, call.query.as_deref())?;
        let mut headers = call.headers;
        headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static("application/json"));
        headers.entry(VERSION).or_insert(DEFAULT_VERSION);
        headers.insert(API_KEY, self.api_key.clone());
        if let Some(bearer) = &self.bearer {
            headers.insert(AUTHORIZATION, bearer.clone());
        }
        *request.headers_mut() = headers;
        Ok(request)
    }

    fn classify(&self, failure: &Failure<'_>) -> Error {
        classify::classify(failure)
    }
}

register! {
    dyn Provider: "claude-official",
    summary: "Anthropic's own API",
    settings: ClaudeSettings,
    build: |section| Claude::build("claude-official", section),
}

register! {
    dyn Provider: "claude-console",
    summary: "Anthropic's API, or any endpoint compatible with it",
    settings: ClaudeSettings,
    build: |section| Claude::build("claude-console", section),
}

register! {
    dyn Provider: "ccr",
    summary: "A claude-code-router instance",
    settings: ClaudeRouterSettings,
    build: |section| Claude::build("ccr", section),
}

#[cfg(test)]
mod tests;
