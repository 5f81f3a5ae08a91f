//! What an account proves itself with: a key, or a bearer token that is renewed.

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue};
use sluice_api::error::Error;
use sluice_api::provider::{CallCx, Renewal};
use sluice_api::settings::{Problem, Secret, Section};
use sluice_oauth::{self as oauth, Bearer};

const API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// A credential, as it goes into a request.
#[derive(Debug)]
pub(crate) enum Credential {
    /// An API key.
    Key(HeaderValue),
    /// An API key, and the same as a bearer: claude-code-router looks for either.
    KeyTwice {
        /// As `x-api-key`.
        api_key: HeaderValue,
        /// As `authorization`.
        bearer: HeaderValue,
    },
    /// A bearer token that is renewed.
    Oauth(Box<Bearer>),
}

impl Credential {
    pub(crate) fn key(section: &Section<'_>, secret: &Secret) -> Result<Self, Vec<Problem>> {
        Ok(Self::Key(section.credential("api_key", "", secret)?))
    }

    pub(crate) fn key_twice(section: &Section<'_>, secret: &Secret) -> Result<Self, Vec<Problem>> {
        let api_key = section.credential("api_key", "", secret)?;
        Ok(Self::KeyTwice { api_key, bearer: section.credential("api_key", "Bearer ", secret)? })
    }

    /// Exactly one of both.
    pub(crate) fn either(
        section: &Section<'_>,
        api_key: Option<&Secret>,
        oauth: Option<oauth::Settings>,
    ) -> Result<Self, Vec<Problem>> {
        match (api_key, oauth) {
            (Some(secret), None) => Self::key(section, secret),
            (None, Some(settings)) => Ok(Self::Oauth(Box::new(Bearer::new(section, settings)?))),
            (Some(_), Some(_)) => Err(section.wrong("oauth", "give `api_key` or `oauth`, one of them")),
            (None, None) => Err(section.wrong("api_key", "give an `api_key`, or `oauth`")),
        }
    }

    /// Puts it into the headers of a request.
    pub(crate) async fn put(&self, cx: &CallCx<'_>, headers: &mut HeaderMap) -> Result<(), Error> {
        match self {
            Self::Key(api_key) => {
                headers.insert(API_KEY, api_key.clone());
            }
            Self::KeyTwice { api_key, bearer } => {
                headers.insert(API_KEY, api_key.clone());
                headers.insert(AUTHORIZATION, bearer.clone());
            }
            Self::Oauth(bearer) => {
                headers.insert(AUTHORIZATION, bearer.authorization(cx).await?);
            }
        }
        Ok(())
    }

    /// What renews it.
    pub(crate) fn renewal(&self) -> Option<&dyn Renewal> {
        match self {
            Self::Key(_) | Self::KeyTwice { .. } => None,
            Self::Oauth(bearer) => Some(&**bearer),
        }
    }
}
