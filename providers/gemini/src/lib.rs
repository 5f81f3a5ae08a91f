//! Accounts that speak the Gemini API.

mod classify;
mod settings;

use std::sync::Arc;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue, Method, Request};
use sluice_api::dialect::{Api, Family, Form, Operation};
use sluice_api::error::{Error, Kind};
use sluice_api::plugin::async_trait;
use sluice_api::provider::{
    Call, CallCx, Discovery, Endpoint, Failure, ModelPlace, Offer, Prepared, Provider, ProviderInfo, Renewal,
    query_without,
};
use sluice_api::register;
use sluice_api::settings::{Problem, Section};
use sluice_wire::request::encode;

use settings::{Credential, GeminiSettings};

/// Versions that a base URL may end in.
const VERSIONS: [&str; 2] = ["/v1beta", "/v1"];

/// Google's system parameters that shape an answer: its framing, which is the client's own, and which fields are in it.
/// With a mask over the usage nobody would know what a request cost, and in another format nobody could read it; so the
/// whole answer is asked for. Source: cloud.google.com/apis/docs/system-parameters.
const SHAPING: [&str; 6] = ["alt", "$alt", "fields", "$fields", "callback", "$callback"];

/// The same mask as a header.
const FIELD_MASK: HeaderName = HeaderName::from_static("x-goog-fieldmask");

/// An account.
#[derive(Debug)]
struct Gemini {
    info: ProviderInfo,
    endpoint: Endpoint,
    credential: Credential,
}

fn build(section: &Section<'_>) -> Result<Arc<dyn Provider>, Vec<Problem>> {
    let settings: GeminiSettings = section.read()?;
    let endpoint = section.endpoint("base_url", &settings.base_url, &VERSIONS);
    let credential = Credential::either(section, settings.api_key.as_ref(), settings.oauth);
    match (endpoint, credential) {
        (Ok(endpoint), Ok(credential)) => {
            let account = section.name.to_owned();
            let info = ProviderInfo::new("gemini", account, &[Family::Gemini]);
            Ok(Arc::new(Gemini { info, endpoint, credential }))
        }
        (endpoint, credential) => {
            Err([endpoint.err(), credential.err()].into_iter().flatten().flatten().collect())
        }
    }
}

#[async_trait]
impl Provider for Gemini {
    fn info(&self) -> &ProviderInfo {
        &self.info
    }

    fn offer(&self, operation: Operation, _model: &str) -> Option<Offer> {
        let offered = matches!(
            operation,
            Operation::Generate | Operation::CountTokens | Operation::Embed | Operation::BatchEmbed
        );
        offered.then_some(Offer::new(&[Api::Gemini], ModelPlace::Path))
    }

    fn discovery(&self) -> Discovery {
        Discovery::WhereTold
    }

    async fn prepare_list(&self, cx: &CallCx<'_>) -> Result<Request<Bytes>, Error> {
        let mut request = Request::new(Bytes::new());
        *request.uri_mut() = self.endpoint.uri("/v1beta/models", Some("pageSize=1000"))?;
        self.credential.put(cx, request.headers_mut()).await?;
        Ok(request)
    }

    async fn prepare(&self, cx: &CallCx<'_>, call: Call) -> Result<Prepared, Error> {
        let verb = match (call.operation, call.form.is_stream()) {
            (Operation::Generate, true) => "streamGenerateContent",
            (Operation::Generate, false) => "generateContent",
            (Operation::CountTokens, _) => "countTokens",
            (Operation::Embed, _) => "embedContent",
            (Operation::BatchEmbed, _) => "batchEmbedContents",
            _ => return Err(Error::new(Kind::Internal, "this operation is not offered")),
        };
        let model = call.model.strip_prefix("models/").unwrap_or(&call.model);
        let path = format!("/v1beta/{}/{}:{verb}", call.collection, encode::segment(model));
        let mut query = SHAPING
            .iter()
            .fold(call.query.unwrap_or_default(), |query, name| query_without(Some(&query), name));
        if call.form == Form::Sse {
            query = if query.is_empty() { "alt=sse".to_owned() } else { format!("alt=sse&{query}") };
        }
        let mut request = Request::new(call.body);
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.endpoint.uri(&path, Some(&query))?;
        let mut headers = call.headers;
        headers.remove(FIELD_MASK);
        headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static("application/json"));
        self.credential.put(cx, &mut headers).await?;
        *request.headers_mut() = headers;
        Ok(request.into())
    }

    fn renewal(&self) -> Option<&dyn Renewal> {
        self.credential.renewal()
    }

    fn classify(&self, failure: &Failure<'_>) -> Error {
        classify::classify(failure)
    }
}

register! {
    dyn Provider: "gemini",
    summary: "The Gemini API",
    settings: GeminiSettings,
    build: |_, section| build(section),
}

#[cfg(test)]
mod tests;
