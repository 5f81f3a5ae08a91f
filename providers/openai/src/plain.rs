//! OpenAI itself, and what is compatible with it.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request};
use serde::Deserialize;
use sluice_api::dialect::{Api, Family, Operation};
use sluice_api::error::{Error, Kind};
use sluice_api::plugin::async_trait;
use sluice_api::provider::{
    Call, CallCx, Discovery, Endpoint, Failure, ModelPlace, Offer, Prepared, Provider, ProviderInfo,
    query_without,
};
use sluice_api::register;
use sluice_api::settings::{Problem, Secret, Section};
use utoipa::ToSchema;

use crate::classify;

/// Settings of `openai`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct OpenaiSettings {
    /// Base URL, with or without a trailing /v1, default https://api.openai.com; one with another version in its path,
    /// like /v4, is taken as it is.
    #[serde(default = "openai")]
    base_url: String,
    /// API key, sent as a bearer.
    api_key: Secret,
    /// Sent as openai-organization.
    organization: Option<String>,
    /// Sent as openai-project.
    project: Option<String>,
}

/// Settings of `openai-responses`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ResponsesSettings {
    /// Base URL, with or without a trailing /v1; one with another version in its path, like /v4, is taken as it is.
    base_url: String,
    /// API key, sent as a bearer.
    api_key: Secret,
}

/// Settings of `openai-compatible`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CompatibleSettings {
    /// Base URL, with or without a trailing /v1; one with another version in its path, like /v4, is taken as it is.
    base_url: String,
    /// API key, sent as a bearer; servers of one's own may need none.
    api_key: Option<Secret>,
}

fn openai() -> String {
    "https://api.openai.com".to_owned()
}

/// An account.
#[derive(Debug)]
pub(crate) struct Openai {
    info: ProviderInfo,
    endpoint: Endpoint,
    /// What stands before each path.
    version: &'static str,
    /// Set on every request.
    own: HeaderMap,
    speaks: Speaks,
    /// Where its requests are processed, if by its host.
    geo: Option<&'static str>,
}

/// OpenAI's regional hosts, and where they process what they are sent, which costs more there.
const REGIONAL: [(&str, &str); 2] = [("eu.api.openai.com", "eu"), ("us.api.openai.com", "us")];

/// What the hosts of Vertex AI's regional endpoints end with, which charge more; its global one has no region before it.
const VERTEX: &str = "-aiplatform.googleapis.com";

/// Which of OpenAI's APIs an endpoint has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Speaks {
    All,
    Responses,
    AllButResponses,
}

pub(crate) fn build_openai(section: &Section<'_>) -> Result<Arc<dyn Provider>, Vec<Problem>> {
    let settings: OpenaiSettings = section.read()?;
    let mut own = HeaderMap::new();
    own.insert(AUTHORIZATION, section.credential("api_key", "Bearer ", &settings.api_key)?);
    for (key, name, value) in [
        ("organization", "openai-organization", &settings.organization),
        ("project", "openai-project", &settings.project),
    ] {
        if let Some(value) = value {
            let value = HeaderValue::from_str(value)
                .map_err(|_| section.wrong(key, "no HTTP header can carry it"))?;
            own.insert(HeaderName::from_static(name), value);
        }
    }
    build("openai", section, &settings.base_url, own, Speaks::All)
}

pub(crate) fn build_responses(section: &Section<'_>) -> Result<Arc<dyn Provider>, Vec<Problem>> {
    let settings: ResponsesSettings = section.read()?;
    let mut own = HeaderMap::new();
    own.insert(AUTHORIZATION, section.credential("api_key", "Bearer ", &settings.api_key)?);
    build("openai-responses", section, &settings.base_url, own, Speaks::Responses)
}

pub(crate) fn build_compatible(section: &Section<'_>) -> Result<Arc<dyn Provider>, Vec<Problem>> {
    let settings: CompatibleSettings = section.read()?;
    let mut own = HeaderMap::new();
    if let Some(api_key) = &settings.api_key {
        own.insert(AUTHORIZATION, section.credential("api_key", "Bearer ", api_key)?);
    }
    build("openai-compatible", section, &settings.base_url, own, Speaks::AllButResponses)
}

fn build(
    kind: &'static str,
    section: &Section<'_>,
    base_url: &str,
    own: HeaderMap,
    speaks: Speaks,
) -> Result<Arc<dyn Provider>, Vec<Problem>> {
    let endpoint = section.endpoint("base_url", base_url, &["/v1"])?;
    let version = if names_version(base_url) { "" } else { "/v1" };
    let info = ProviderInfo::new(kind, section.name, &[Family::Openai]);
    Ok(Arc::new(Openai { info, endpoint, version, own, speaks, geo: geo(base_url) }))
}

fn geo(base_url: &str) -> Option<&'static str> {
    let (_, rest) = base_url.trim().split_once("://")?;
    let host = rest.split(['/', ':', '?']).next()?;
    let known = REGIONAL.iter().find_map(|(known, geo)| host.eq_ignore_ascii_case(known).then_some(*geo));
    known.or_else(|| host.to_ascii_lowercase().ends_with(VERTEX).then_some("regional"))
}

/// Whether a base URL has a version of its own in its path, as some vendors' do (`/api/paas/v4`, `/v1beta/openai`), so
/// that `/v1` has no place after it.
fn names_version(base_url: &str) -> bool {
    let (_, path) =
        base_url.trim().split_once("://").and_then(|(_, rest)| rest.split_once('/')).unwrap_or_default();
    let mut versions = path.split('/').filter(|part| {
        part.strip_prefix('v').is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_digit()))
    });
    versions.next_back().is_some_and(|version| version != "v1")
}

/// What an endpoint that has all of OpenAI's APIs speaks.
pub(crate) fn spoken(operation: Operation) -> Option<&'static [Api]> {
    match operation {
        // Best first: Responses alone gives out what a model remembers of its thinking, for its next turn.
        Operation::Generate => Some(&[Api::OpenaiResponses, Api::OpenaiChat]),
        Operation::CountTokens | Operation::Compact => Some(&[Api::OpenaiResponses]),
        Operation::Embed => Some(&[Api::OpenaiEmbeddings]),
        Operation::Images => Some(&[Api::OpenaiImages]),
        Operation::BatchEmbed => None,
    }
}

/// The path of a call, after the version.
pub(crate) fn path(call: &Call) -> Result<&'static str, Error> {
    Ok(match (call.api, call.operation) {
        (Api::OpenaiChat, Operation::Generate) => "/chat/completions",
        (Api::OpenaiResponses, Operation::Generate) => "/responses",
        (Api::OpenaiResponses, Operation::Compact) => "/responses/compact",
        (Api::OpenaiResponses, Operation::CountTokens) => "/responses/input_tokens",
        (Api::OpenaiEmbeddings, _) => "/embeddings",
        (Api::OpenaiImages, _) => "/images/generations",
        _ => return Err(Error::new(Kind::Internal, "this operation is not offered")),
    })
}

/// A POST with the client's headers and the account's own over them.
pub(crate) fn request(uri: http::Uri, call: Call, own: &HeaderMap) -> Request<Bytes> {
    let mut request = Request::new(call.body);
    *request.method_mut() = Method::POST;
    *request.uri_mut() = uri;
    let mut headers = call.headers;
    headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static("application/json"));
    for (name, value) in own {
        headers.insert(name.clone(), value.clone());
    }
    *request.headers_mut() = headers;
    request
}

#[async_trait]
impl Provider for Openai {
    fn geo(&self) -> Option<&str> {
        self.geo
    }

    fn info(&self) -> &ProviderInfo {
        &self.info
    }

    fn offer(&self, operation: Operation, _model: &str) -> Option<Offer> {
        let apis = match (self.speaks, operation) {
            (Speaks::All, _) => spoken(operation)?,
            (Speaks::Responses, Operation::Generate | Operation::CountTokens | Operation::Compact) => {
                &[Api::OpenaiResponses]
            }
            (Speaks::AllButResponses, Operation::Generate) => &[Api::OpenaiChat],
            (Speaks::AllButResponses, Operation::Embed | Operation::Images) => spoken(operation)?,
            _ => return None,
        };
        Some(Offer::new(apis, ModelPlace::Body))
    }

    fn discovery(&self) -> Discovery {
        if self.speaks == Speaks::AllButResponses { Discovery::Unasked } else { Discovery::WhereTold }
    }

    async fn prepare_list(&self, _cx: &CallCx<'_>) -> Result<Request<Bytes>, Error> {
        let mut request = Request::new(Bytes::new());
        *request.uri_mut() = self.endpoint.uri(&format!("{}/models", self.version), None)?;
        *request.headers_mut() = self.own.clone();
        Ok(request)
    }

    async fn prepare(&self, _cx: &CallCx<'_>, call: Call) -> Result<Prepared, Error> {
        // Azure's clients name an API version, which means nothing here.
        let query = call.query.as_deref().map(|query| query_without(Some(query), "api-version"));
        let uri = self.endpoint.uri(&format!("{}{}", self.version, path(&call)?), query.as_deref())?;
        Ok(request(uri, call, &self.own).into())
    }

    fn classify(&self, failure: &Failure<'_>) -> Error {
        classify::classify(failure)
    }
}

register! {
    dyn Provider: "openai",
    summary: "OpenAI: Chat Completions, Responses, Embeddings, Images",
    settings: OpenaiSettings,
    build: |_, section| build_openai(section),
}

register! {
    dyn Provider: "openai-responses",
    summary: "Any endpoint that speaks the Responses API",
    settings: ResponsesSettings,
    build: |_, section| build_responses(section),
}

register! {
    dyn Provider: "openai-compatible",
    summary: "Any endpoint that speaks Chat Completions: Ollama, vLLM, DeepSeek, Groq, …",
    settings: CompatibleSettings,
    build: |_, section| build_compatible(section),
}

#[cfg(test)]
mod tests {
    use super::geo;

    #[test]
    fn a_regional_host_says_where_requests_are_processed() {
        for (base_url, place) in [
            ("https://eu.api.openai.com", Some("eu")),
            ("https://US.api.openai.com:443/v1", Some("us")),
            ("https://api.openai.com/v1", None),
            ("http://proxy/eu.api.openai.com", None),
            ("https://eu.api.openai.com.example", None),
            ("https://us-east5-aiplatform.googleapis.com/v1/projects/p", Some("regional")),
            ("https://aiplatform.googleapis.com/v1/projects/p", None),
        ] {
            assert_eq!(geo(base_url), place, "{base_url}");
        }
    }
}
