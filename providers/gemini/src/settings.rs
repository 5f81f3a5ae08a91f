//! What an account is configured with, and proves itself with.

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;
use sluice_api::error::Error;
use sluice_api::provider::{CallCx, Renewal};
use sluice_api::settings::{Problem, Secret, Section};
use sluice_oauth::{self as oauth, Bearer};
use utoipa::ToSchema;

const API_KEY: HeaderName = HeaderName::from_static("x-goog-api-key");

/// Settings of `gemini`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GeminiSettings {
    /// Base URL, with or without a version; default https://generativelanguage.googleapis.com.
    #[serde(default = "google")]
    pub(crate) base_url: String,
    /// API key, sent as x-goog-api-key. Either this or `oauth`.
    pub(crate) api_key: Option<Secret>,
    /// OAuth 2 tokens, sent as a bearer and refreshed before they end. Either this or `api_key`.
    pub(crate) oauth: Option<oauth::Settings>,
}

fn google() -> String {
    "https://generativelanguage.googleapis.com".to_owned()
}

/// A credential, as it goes into a request.
#[derive(Debug)]
pub(crate) enum Credential {
    /// An API key.
    Key(HeaderValue),
    /// A bearer token that is renewed.
    Oauth(Box<Bearer>),
}

impl Credential {
    /// Exactly one of both.
    pub(crate) fn either(
        section: &Section<'_>,
        api_key: Option<&Secret>,
        oauth: Option<oauth::Settings>,
    ) -> Result<Self, Vec<Problem>> {
        match (api_key, oauth) {
            (Some(secret), None) => Ok(Self::Key(section.credential("api_key", "", secret)?)),
            (None, Some(settings)) => Ok(Self::Oauth(Box::new(Bearer::new(section, settings)?))),
            (Some(_), Some(_)) => Err(section.wrong("oauth", "give `api_key` or `oauth`, one of them")),
            (None, None) => Err(section.wrong("api_key", "give an `api_key`, or `oauth`")),
        }
    }

    /// Puts it into the headers of a request.
    pub(crate) async fn put(&self, cx: &CallCx<'_>, headers: &mut HeaderMap) -> Result<(), Error> {
        match self {
            Self::Key(api_key) => headers.insert(API_KEY, api_key.clone()),
            Self::Oauth(bearer) => headers.insert(AUTHORIZATION, bearer.authorization(cx).await?),
        };
        Ok(())
    }

    /// What renews it.
    pub(crate) fn renewal(&self) -> Option<&dyn Renewal> {
        match self {
            Self::Key(_) => None,
            Self::Oauth(bearer) => Some(&**bearer),
        }
    }
}
