//! Azure OpenAI: deployments in place of models, and two forms of path.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::{HeaderMap, HeaderName};
use serde::Deserialize;
use sluice_api::dialect::{Api, Family, Operation};
use sluice_api::error::Error;
use sluice_api::plugin::async_trait;
use sluice_api::provider::{
    Call, CallCx, Endpoint, Failure, ModelPlace, Offer, Prepared, Provider, ProviderInfo, query_without,
};
use sluice_api::register;
use sluice_api::settings::{Problem, Secret, Section};
use sluice_wire::request::encode;
use utoipa::ToSchema;

use crate::classify;
use crate::plain::{path, request, spoken};

const API_KEY: HeaderName = HeaderName::from_static("api-key");

/// Settings of `azure-openai`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AzureSettings {
    /// Name of the resource: its URL is https://RESOURCE.openai.azure.com. Either this or `base_url`.
    resource: Option<String>,
    /// Base URL of the resource.
    base_url: Option<String>,
    /// A date, like "2024-10-21", asks by deployment paths; unset, or "v1" or "preview", by the v1 paths.
    api_version: Option<String>,
    /// API key, sent as api-key.
    api_key: Secret,
    /// Model asked for → deployment. Where it is not empty, only these models are served.
    #[serde(default)]
    deployments: BTreeMap<String, String>,
}

/// An account.
#[derive(Debug)]
struct Azure {
    info: ProviderInfo,
    endpoint: Endpoint,
    own: HeaderMap,
    /// Asked by deployment paths; else by v1 paths.
    dated: bool,
    api_version: Option<String>,
    deployments: BTreeMap<String, String>,
}

pub(crate) fn build(section: &Section<'_>) -> Result<Arc<dyn Provider>, Vec<Problem>> {
    let settings: AzureSettings = section.read()?;
    let base_url = match (&settings.resource, settings.base_url) {
        (None, Some(base_url)) => base_url,
        (Some(resource), None) => {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
            if resource.is_empty() || !resource.bytes().all(plain) {
                let message = "a resource's name has letters, digits and dashes";
                return Err(section.wrong_value("resource", resource, message));
            }
            format!("https://{resource}.openai.azure.com")
        }
        (Some(_), Some(_)) => {
            return Err(section.wrong("resource", "give `resource` or `base_url`, one of them"));
        }
        (None, None) => return Err(section.wrong("resource", "give the `resource` or its `base_url`")),
    };
    let versions = ["/v1", "/openai"];
    let endpoint = section.endpoint("base_url", &base_url, &versions)?;
    let dated = settings.api_version.as_deref().is_some_and(|version| !matches!(version, "v1" | "preview"));
    let api_version = settings.api_version.filter(|version| version != "v1");
    let mut own = HeaderMap::new();
    own.insert(API_KEY, section.credential("api_key", "", &settings.api_key)?);
    let info = ProviderInfo::new("azure-openai", section.name, &[Family::Openai]);
    Ok(Arc::new(Azure { info, endpoint, own, dated, api_version, deployments: settings.deployments }))
}

#[async_trait]
impl Provider for Azure {
    fn info(&self) -> &ProviderInfo {
        &self.info
    }

    fn offer(&self, operation: Operation, model: &str) -> Option<Offer> {
        if !self.deployments.is_empty() && !self.deployments.values().any(|deployment| deployment == model) {
            return None;
        }
        let apis: &[Api] = match operation {
            Operation::Compact | Operation::CountTokens => return None,
            _ => spoken(operation)?,
        };
        // The path names the deployment, but for Responses; a body's model is then ignored, so it may stand in both.
        let model_in =
            if self.dated && operation != Operation::Generate { ModelPlace::Path } else { ModelPlace::Body };
        Some(Offer::new(apis, model_in))
    }

    fn models(&self) -> Vec<String> {
        self.deployments.keys().cloned().collect()
    }

    fn serves_only_those(&self) -> bool {
        !self.deployments.is_empty()
    }

    fn upstream_model(&self, asked: &str) -> Option<&str> {
        self.deployments.get(asked).map(String::as_str)
    }

    fn stands_for(&self, upstream: &str) -> Option<&str> {
        let mut models = self.deployments.iter().filter(|(_, deployment)| *deployment == upstream);
        models.next().map(|(model, _)| model.as_str())
    }

    async fn prepare(&self, _cx: &CallCx<'_>, call: Call) -> Result<Prepared, Error> {
        let operation = path(&call)?;
        let path = match (self.dated, call.api) {
            (true, Api::OpenaiResponses) => format!("/openai{operation}"),
            (true, _) => format!("/openai/deployments/{}{operation}", encode::segment(&call.model)),
            (false, _) => format!("/openai/v1{operation}"),
        };
        let rest = query_without(call.query.as_deref(), "api-version");
        let query = match &self.api_version {
            None => rest,
            Some(version) if rest.is_empty() => format!("api-version={}", encode::segment(version)),
            Some(version) => format!("api-version={}&{rest}", encode::segment(version)),
        };
        let uri = self.endpoint.uri(&path, Some(&query))?;
        Ok(request(uri, call, &self.own).into())
    }

    fn classify(&self, failure: &Failure<'_>) -> Error {
        classify::classify(failure)
    }
}

register! {
    dyn Provider: "azure-openai",
    summary: "Azure OpenAI: deployments of a resource",
    settings: AzureSettings,
    build: |_, section| build(section),
}
