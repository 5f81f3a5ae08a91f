//! A provider of its own: it greets, in Chat Completions.

use std::sync::Arc;

use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use serde::Deserialize;
use sluice_api::dialect::{Api, Family, Operation};
use sluice_api::error::Error;
use sluice_api::plugin::{Bytes, async_trait};
use sluice_api::provider::{Body, Call, CallCx, ModelPlace, Offer, Prepared, Provider, ProviderInfo};
use sluice_api::register;
use utoipa::ToSchema;

/// Settings of `acme`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AcmeSettings {
    /// What it says.
    greeting: String,
}

#[derive(Debug)]
struct Acme {
    info: ProviderInfo,
    greeting: String,
}

#[async_trait]
impl Provider for Acme {
    fn info(&self) -> &ProviderInfo {
        &self.info
    }

    fn offer(&self, operation: Operation, _model: &str) -> Option<Offer> {
        let apis: &[Api] = &[Api::OpenaiChat];
        (operation == Operation::Generate).then_some(Offer::new(apis, ModelPlace::Body))
    }

    async fn prepare(&self, _cx: &CallCx<'_>, call: Call) -> Result<Prepared, Error> {
        Ok(Request::new(call.body).into())
    }

    async fn send(&self, _cx: &CallCx<'_>, _prepared: Prepared) -> Result<Response<Body>, Error> {
        let body = format!(
            "{{\"id\":\"a\",\"object\":\"chat.completion\",\"choices\":[{{\"index\":0,\"finish_reason\":\"stop\",\"message\":{{\"role\":\"assistant\",\"content\":\"{}\"}}}}]}}",
            self.greeting
        );
        Ok(Response::new(Full::new(Bytes::from(body)).map_err(|never| match never {}).boxed_unsync()))
    }
}

register! {
    dyn Provider: "acme",
    summary: "Acme's greetings",
    settings: AcmeSettings,
    build: |_, section| {
        let settings: AcmeSettings = section.read()?;
        let info = ProviderInfo::new("acme", section.name, &[Family::Openai]);
        Ok(Arc::new(Acme { info, greeting: settings.greeting }))
    },
}
