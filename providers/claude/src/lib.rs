//! Accounts that speak the Claude Messages API: Anthropic's own, compatible endpoints, and claude-code-router.

mod classify;
mod credential;
mod settings;

use std::sync::Arc;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue, Method, Request};
use sluice_api::dialect::{Api, Family, Operation};
use sluice_api::error::{Error, Kind};
use sluice_api::plugin::async_trait;
use sluice_api::provider::{
    Call, CallCx, Discovery, Endpoint, Failure, ModelPlace, Offer, Prepared, Provider, ProviderInfo, Renewal,
};
use sluice_api::register;
use sluice_api::settings::{Problem, Section};

use credential::Credential;
use settings::{ClaudeOfficialSettings, ClaudeRouterSettings, ClaudeSettings};

const VERSION: HeaderName = HeaderName::from_static("anthropic-version");

/// What the real API requires; assumed where a client does not say it.
const DEFAULT_VERSION: HeaderValue = HeaderValue::from_static("2023-06-01");

/// An account.
#[derive(Debug)]
struct Claude {
    info: ProviderInfo,
    endpoint: Endpoint,
    credential: Credential,
}

fn official(section: &Section<'_>) -> Result<Arc<dyn Provider>, Vec<Problem>> {
    let settings: ClaudeOfficialSettings = section.read()?;
    let credential = Credential::either(section, settings.api_key.as_ref(), settings.oauth);
    build("claude-official", section, &settings.base_url, credential)
}

fn console(section: &Section<'_>) -> Result<Arc<dyn Provider>, Vec<Problem>> {
    let settings: ClaudeSettings = section.read()?;
    build("claude-console", section, &settings.base_url, Credential::key(section, &settings.api_key))
}

fn router(section: &Section<'_>) -> Result<Arc<dyn Provider>, Vec<Problem>> {
    let settings: ClaudeRouterSettings = section.read()?;
    build(classify::ROUTER, section, &settings.base_url, Credential::key_twice(section, &settings.api_key))
}

fn build(
    kind: &'static str,
    section: &Section<'_>,
    base_url: &str,
    credential: Result<Credential, Vec<Problem>>,
) -> Result<Arc<dyn Provider>, Vec<Problem>> {
    let endpoint = section.endpoint("base_url", base_url, &["/v1"]);
    match (endpoint, credential) {
        (Ok(endpoint), Ok(credential)) => {
            let info = ProviderInfo::new(kind, section.name, &[Family::Claude]);
            Ok(Arc::new(Claude { info, endpoint, credential }))
        }
        (endpoint, credential) => {
            Err([endpoint.err(), credential.err()].into_iter().flatten().flatten().collect())
        }
    }
}

#[async_trait]
impl Provider for Claude {
    fn info(&self) -> &ProviderInfo {
        &self.info
    }

    fn offer(&self, operation: Operation, _model: &str) -> Option<Offer> {
        let offered = matches!(operation, Operation::Generate | Operation::CountTokens);
        offered.then_some(Offer::new(&[Api::Anthropic], ModelPlace::Body))
    }

    fn discovery(&self) -> Discovery {
        if self.info.kind == classify::ROUTER { Discovery::Unasked } else { Discovery::WhereTold }
    }

    async fn prepare_list(&self, cx: &CallCx<'_>) -> Result<Request<Bytes>, Error> {
        let mut request = Request::new(Bytes::new());
        *request.uri_mut() = self.endpoint.uri("/v1/models", Some("limit=1000"))?;
        request.headers_mut().insert(VERSION, DEFAULT_VERSION);
        self.credential.put(cx, request.headers_mut()).await?;
        Ok(request)
    }

    async fn prepare(&self, cx: &CallCx<'_>, call: Call) -> Result<Prepared, Error> {
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
        self.credential.put(cx, &mut headers).await?;
        *request.headers_mut() = headers;
        Ok(request.into())
    }

    fn renewal(&self) -> Option<&dyn Renewal> {
        self.credential.renewal()
    }

    fn classify(&self, failure: &Failure<'_>) -> Error {
        classify::classify(self.info.kind, failure)
    }
}

register! {
    dyn Provider: "claude-official",
    summary: "Anthropic's own API",
    settings: ClaudeOfficialSettings,
    build: |_, section| official(section),
}

register! {
    dyn Provider: "claude-console",
    summary: "Anthropic's API, or any endpoint compatible with it",
    settings: ClaudeSettings,
    build: |_, section| console(section),
}

register! {
    dyn Provider: "ccr",
    summary: "A claude-code-router instance",
    settings: ClaudeRouterSettings,
    build: |_, section| router(section),
}

#[cfg(test)]
mod tests;
