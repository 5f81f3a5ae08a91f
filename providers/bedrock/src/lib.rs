//! Accounts on AWS Bedrock: Claude's models by InvokeModel, any other by Converse, both for clients of the Claude
//! Messages API.
//!
//! A request goes through `names` (with the table in `known`), `invoke` (with `betas`) or `sluice-translate`, and
//! `credentials`; its answer through `asked`, `bodies`, `frames` and `events`. Refusals are worded in `errors` and judged
//! in `classify`.

mod asked;
mod betas;
mod bodies;
mod classify;
mod credentials;
mod errors;
mod events;
mod frames;
mod invoke;
mod known;
#[cfg(any(test, fuzzing))]
pub mod laws;
mod names;
mod settings;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use bytes::Bytes;
use http::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response};
use sluice_api::dialect::{Api, Family, Operation};
use sluice_api::error::{Error, Kind};
use sluice_api::plugin::async_trait;
use sluice_api::provider::{
    Body, Call, CallCx, Failure, ModelPlace, Offer, Prepared, Provider, ProviderInfo,
};
use sluice_api::register;
use sluice_api::settings::{Problem, Section};
use sluice_translate::{Translated, converse};
use sluice_wire::request::encode;

use asked::Asked;
use invoke::For;
use names::Speaks;
use settings::{BedrockSettings, Checked};

/// Anthropic's header; the version stands in the body here.
const ANTHROPIC_VERSION: HeaderName = HeaderName::from_static("anthropic-version");

/// Beginnings of headers that are AWS's own. A client's never decide what an account is or pays.
const AMAZONS: [&str; 2] = ["x-amz", "amz-sdk-"];

/// Those of a client's that are relayed all the same. Not guardrails: they are the account's, and it may set them in
/// its `headers`.
const RELAYED: [&str; 4] = [
    "x-amzn-bedrock-trace",
    "x-amzn-bedrock-performanceconfig-latency",
    "x-amzn-bedrock-service-tier",
    "x-amzn-bedrock-request-metadata",
];

/// An account.
#[derive(Debug)]
struct Bedrock {
    info: ProviderInfo,
    checked: Checked,
}

impl Bedrock {
    fn build(section: &Section<'_>) -> Result<Arc<dyn Provider>, Vec<Problem>> {
        let settings: BedrockSettings = section.read()?;
        let checked = settings.check(section)?;
        let info = ProviderInfo::new("bedrock", section.name, &[Family::Claude]);
        Ok(Arc::new(Self { info, checked }))
    }

    /// The last part of the path, the body, and how the answer is to be read.
    fn translate(&self, call: &Call, model: &str) -> Result<(&'static str, Bytes, Asked), Error> {
        let betas = &self.checked.betas;
        let claude = |purpose| invoke::body(&call.body, &call.headers, betas, purpose);
        let foundation = names::foundation(model).unwrap_or(model);
        let other = |translate: fn(&[u8], &str) -> Result<Translated, Error>| {
            let mut translated = translate(&call.body, foundation)?;
            if !betas.of(&call.headers).is_empty() {
                translated.dropped.push(betas::BETA.to_string());
            }
            Ok::<_, Error>(translated)
        };
        let streams = call.form.is_stream();
        match (call.operation, self.checked.names.speaks_as(model, &call.asked)) {
            (Operation::Generate, Some(Speaks::Claude)) => {
                let verb = if streams { "invoke-with-response-stream" } else { "invoke" };
                Ok((verb, claude(For::Generate)?, Asked::Invoke))
            }
            (Operation::Generate, Some(Speaks::Converse)) => {
                let verb = if streams { "converse-stream" } else { "converse" };
                let translated = other(converse::request)?;
                let asked = Asked::Converse { model: model.to_owned(), dropped: translated.dropped };
                Ok((verb, translated.body, asked))
            }
            (Operation::CountTokens, Some(Speaks::Claude)) => {
                let body = invoke::count(&claude(For::Count)?);
                Ok(("count-tokens", body, Asked::Count { dropped: Vec::new() }))
            }
            (Operation::CountTokens, Some(Speaks::Converse)) => {
                let translated = other(converse::count)?;
                Ok(("count-tokens", translated.body, Asked::Count { dropped: translated.dropped }))
            }
            _ => Err(Error::new(Kind::Internal, "this operation is not offered")),
        }
    }
}

#[async_trait]
impl Provider for Bedrock {
    fn info(&self) -> &ProviderInfo {
        &self.info
    }

    fn offer(&self, operation: Operation, model: &str) -> Option<Offer> {
        self.checked.names.speaks(model)?;
        let offered = match operation {
            Operation::Generate => true,
            Operation::CountTokens => names::foundation(model).is_some(),
            _ => false,
        };
        offered.then_some(Offer::new(&[Api::Anthropic], ModelPlace::Path))
    }

    fn models(&self) -> Vec<String> {
        self.checked.names.listed()
    }

    fn upstream_model(&self, asked: &str) -> Option<&str> {
        self.checked.names.known(asked)
    }

    async fn prepare(&self, _cx: &CallCx<'_>, call: Call) -> Result<Prepared, Error> {
        // `model_map` may say one of Anthropic's names too.
        let model = self.checked.names.id(&call.model);
        let (verb, body, asked) = self.translate(&call, &model)?;
        let named = match call.operation {
            Operation::CountTokens => names::foundation(&model).unwrap_or(&model),
            _ => &model,
        };
        // As boto3 writes it: nothing but letters of names stays as it is.
        let path = format!("/model/{}/{verb}", encode::segment(named).replace(':', "%3A"));
        let mut request = Request::new(body);
        *request.method_mut() = Method::POST;
        // The client's query is Anthropic's (`beta=true`).
        *request.uri_mut() = self.checked.endpoint.uri(&path, None)?;
        *request.headers_mut() = headers(call.headers, call.form.is_stream());
        Ok(Prepared::carrying(request, asked))
    }

    /// Signs and sends. Not signed in `prepare`: the account's own headers are set in between, and one of AWS's that
    /// both a client and the account set would break the signature, and with it the account.
    async fn send(&self, cx: &CallCx<'_>, prepared: Prepared) -> Result<Response<Body>, Error> {
        let (mut request, asked) = prepared.into_parts::<Asked>()?;
        self.checked.credentials.authorize(&mut request, cx.now)?;
        Ok(asked.read(cx.transport.send(request).await?))
    }

    fn classify(&self, failure: &Failure<'_>) -> Error {
        classify::classify(failure)
    }
}

/// The client's headers as Bedrock takes them.
fn headers(mut headers: HeaderMap, streams: bool) -> HeaderMap {
    let amazons = headers.keys().filter(|name| {
        let name = name.as_str();
        AMAZONS.iter().any(|start| name.starts_with(start)) && !RELAYED.contains(&name)
    });
    let gone: Vec<HeaderName> = amazons.cloned().chain([betas::BETA, ANTHROPIC_VERSION]).collect();
    for name in gone {
        headers.remove(name);
    }
    for name in RELAYED {
        // Of two lines, which would be signed as one, the first counts.
        if let Some(value) = headers.remove(name) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    let accept = if streams { frames::EVENT_STREAM } else { "application/json" };
    headers.insert(ACCEPT, HeaderValue::from_static(accept));
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers
}

register! {
    dyn Provider: "bedrock",
    summary: "Claude and any Converse model on AWS Bedrock",
    settings: BedrockSettings,
    build: |_, section| Bedrock::build(section),
}
