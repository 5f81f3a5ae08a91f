//! Accounts that speak the Gemini API.

use std::sync::Arc;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue, Method, Request};
use serde::Deserialize;
use sluice_api::endpoint::without;
use sluice_api::provider::{Call, CallCx, Failure, ModelPlace, Offer, Provider, ProviderInfo};
use sluice_api::{
    Api, Endpoint, Error, Family, Fault, Form, Kind, Operation, Problem, Scope, Secret, Section,
};
use sluice_api::{async_trait, register};
use sluice_wire::encode;
use sluice_wire::refusal::Refusal;
use utoipa::ToSchema;

const API_KEY: HeaderName = HeaderName::from_static("x-goog-api-key");

/// Versions that a base URL may end in.
const VERSIONS: [&str; 2] = ["/v1beta", "/v1"];

/// Reasons and statuses in a 400 that say that the account is at fault: its key, its region, its billing.
const ACCOUNT_REASONS: [&str; 3] = ["API_KEY_INVALID", "API_KEY_EXPIRED", "FAILED_PRECONDITION"];

/// Settings of `gemini`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct GeminiSettings {
    /// Base URL, with or without a version; default https://generativelanguage.googleapis.com.
    #[serde(default = "google")]
    base_url: String,
    /// API key, sent as x-goog-api-key.
    api_key: Secret,
}

fn google() -> String {
    "https://generativelanguage.googleapis.com".to_owned()
}

/// An account.
#[derive(Debug)]
struct Gemini {
    info: ProviderInfo,
    endpoint: Endpoint,
    api_key: HeaderValue,
}

impl Gemini {
    fn build(section: &Section<'_>) -> Result<Arc<dyn Provider>, Vec<Problem>> {
        let settings: GeminiSettings = section.read()?;
        let endpoint =
            Endpoint::parse(&settings.base_url, &VERSIONS).map_err(|why| section.wrong("base_url", why))?;
        let api_key = section.credential("api_key", "", &settings.api_key)?;
        let info =
            ProviderInfo { kind: "gemini", account: section.name.to_owned(), families: &[Family::Gemini] };
        Ok(Arc::new(Self { info, endpoint, api_key }))
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
        offered.then_some(Offer { apis: &[Api::Gemini], model_in: ModelPlace::Path })
    }

    async fn prepare(&self, _cx: &CallCx<'_>, call: Call) -> Result<Request<Bytes>, Error> {
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
        // `alt` decides the framing of streams; it is the client's own, as the framing is.
        let query = match call.form {
            Form::Sse => {
                let rest = without(call.query.as_deref(), "alt");
                if rest.is_empty() { "alt=sse".to_owned() } else { format!("alt=sse&{rest}") }
            }
            Form::Whole | Form::JsonArray => call.query.unwrap_or_default(),
        };
        let mut request = Request::new(call.body);
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.endpoint.uri(&path, Some(&query))?;
        let mut headers = call.headers;
        headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static("application/json"));
        headers.insert(API_KEY, self.api_key.clone());
        *request.headers_mut() = headers;
        Ok(request)
    }

    fn classify(&self, failure: &Failure<'_>) -> Error {
        let error = failure.by_convention();
        if failure.status.as_u16() != 400 {
            return error;
        }
        let refusal = Refusal::read(failure.body);
        let says = |reason: &str| refusal.is(reason) || refusal.reasons.iter().any(|told| told == reason);
        if ACCOUNT_REASONS.iter().any(|reason| says(reason)) {
            return error.blame(Fault::Account, Scope::Account).elsewhere(true);
        }
        error
    }
}

register! {
    dyn Provider: "gemini",
    summary: "The Gemini API",
    settings: GeminiSettings,
    build: Gemini::build,
}

#[cfg(test)]
mod tests {
    use super::Gemini;
    use http::{HeaderMap, StatusCode};
    use sluice_api::provider::Failure;
    use sluice_api::testing::{call, context, with_section};
    use sluice_api::{Api, Fault, Form, Operation};

    #[tokio::test]
    async fn a_request_names_the_model_in_its_path_and_nowhere_else() {
        let base = "https://generativelanguage.googleapis.com/v1beta/models";
        for (operation, form, model, uri) in [
            (
                Operation::Generate,
                Form::Whole,
                "gemini-3.8-flash",
                format!("{base}/gemini-3.8-flash:generateContent"),
            ),
            (Operation::Generate, Form::Sse, "models/g", format!("{base}/g:streamGenerateContent?alt=sse")),
            (Operation::Generate, Form::JsonArray, "g", format!("{base}/g:streamGenerateContent")),
            (Operation::BatchEmbed, Form::Whole, "a/b?c", format!("{base}/a%2Fb%3Fc:batchEmbedContents")),
        ] {
            let provider = with_section("api_key = \"k\"", Gemini::build).unwrap();
            let request =
                provider.prepare(&context(), call(Api::Gemini, operation, form, model)).await.unwrap();
            assert_eq!(request.uri().to_string(), uri);
            assert_eq!(request.headers()["x-goog-api-key"], "k");
        }
    }

    #[test]
    fn a_wrong_key_is_the_accounts_fault_though_it_comes_as_a_400() {
        let provider = with_section("api_key = \"k\"", Gemini::build).unwrap();
        for (body, fault) in [
            (
                r#"{"error":{"status":"INVALID_ARGUMENT","details":[{"reason":"API_KEY_INVALID"}]}}"#,
                Fault::Account,
            ),
            (r#"{"error":{"status":"FAILED_PRECONDITION"}}"#, Fault::Account),
            (r#"{"error":{"message":"Unknown name \"API_KEY_INVALID\""}}"#, Fault::Client),
        ] {
            let failure = Failure {
                status: StatusCode::BAD_REQUEST,
                headers: &HeaderMap::new(),
                body: body.as_bytes(),
            };
            assert_eq!(provider.classify(&failure).facts().fault, fault);
        }
    }
}
