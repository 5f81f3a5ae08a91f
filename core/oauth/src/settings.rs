//! What an account with OAuth is configured with, and what is wrong with that.

use http::Uri;
use http::uri::Scheme;
use serde::Deserialize;
use utoipa::ToSchema;

use super::exchange::Endpoint;
use super::tokens::Tokens;
use jiff::Timestamp;
use sluice_api::settings::{Problem, Secret, Section};

/// OAuth 2 bearer tokens with refresh: `oauth = { … }` of an account.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[schema(as = OauthSettings)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The bearer token to begin with; may be left out where a refresh token is there.
    pub access_token: Option<Secret>,
    /// What new bearer tokens are asked for with. Where the token endpoint replaces it, the new one is kept in the
    /// store and wins over this one, until this one is changed.
    pub refresh_token: Option<Secret>,
    /// URL of the token endpoint; needed with a refresh token.
    pub token_url: Option<String>,
    /// Who asks there; left out where the endpoint wants no name.
    pub client_id: Option<String>,
    /// How that is proved; left out for public clients.
    pub client_secret: Option<Secret>,
    /// When `access_token` ends, as RFC 3339; unset: it is used until it is refused.
    #[schema(format = DateTime)]
    pub expires_at: Option<String>,
}

/// Settings in which no mistake was found.
pub(super) struct Checked {
    /// The tokens to begin with.
    pub(super) tokens: Tokens,
    /// Where they are refreshed; `None` where they can't be.
    pub(super) endpoint: Option<Endpoint>,
}

impl Settings {
    /// Every mistake, or what they come to. The section is the account's; the settings stand in it as `oauth`.
    pub(super) fn check(self, section: &Section<'_>) -> Result<Checked, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut wrong = |key: &str, message: &str| problems.extend(section.wrong(key, message));
        if self.access_token.is_none() && self.refresh_token.is_none() {
            wrong("oauth", "give an `access_token`, or a `refresh_token` with its `token_url`");
        }
        if self.refresh_token.is_some() && self.token_url.is_none() {
            wrong("oauth.token_url", "a refresh token needs the URL of its token endpoint");
        }
        if self.refresh_token.is_none() {
            for (key, there) in [
                ("oauth.token_url", self.token_url.is_some()),
                ("oauth.client_id", self.client_id.is_some()),
                ("oauth.client_secret", self.client_secret.is_some()),
            ] {
                if there {
                    wrong(key, "it is of no use without a `refresh_token`");
                }
            }
        }
        if self.client_secret.is_some() && self.client_id.is_none() {
            wrong("oauth.client_secret", "it proves who a `client_id` is, and there is none");
        }
        if self.expires_at.is_some() && self.access_token.is_none() {
            wrong("oauth.expires_at", "it says when the `access_token` ends, and there is none");
        }
        let url = self.token_url.as_deref().map(url).transpose();
        if let Err(why) = &url {
            wrong("oauth.token_url", why);
        }
        let expires_at = self.expires_at.as_deref().map(str::parse::<Timestamp>).transpose();
        if expires_at.is_err() {
            // What was found may be a token in the wrong place.
            wrong("oauth.expires_at", "it is no point in time like 2027-01-31T12:00:00Z");
        }
        let tokens =
            Tokens::configured(self.access_token, self.refresh_token, expires_at.unwrap_or_default());
        if tokens.is_none() {
            wrong("oauth.access_token", "it has characters that no HTTP header can carry");
        }
        match (tokens, url) {
            (Some(tokens), Ok(url)) if problems.is_empty() => {
                let (client_id, client_secret) = (self.client_id, self.client_secret);
                Ok(Checked { tokens, endpoint: url.map(|url| Endpoint { url, client_id, client_secret }) })
            }
            _ => Err(problems),
        }
    }
}

/// The URL of a token endpoint. A sentence about it never repeats it, as it may hold a password.
fn url(text: &str) -> Result<Uri, &'static str> {
    let uri: Uri = text.trim().parse().map_err(|_| "it is not a URL like https://host/path")?;
    match uri.scheme() {
        Some(scheme) if *scheme == Scheme::HTTP || *scheme == Scheme::HTTPS => {}
        Some(_) => return Err("its scheme must be http or https"),
        None => return Err("it has no scheme: write https:// before the host"),
    }
    match uri.authority() {
        Some(authority) if authority.as_str().contains('@') => {
            Err("it has a user or password in it: use `client_id` and `client_secret`")
        }
        Some(authority) if authority.host().is_empty() => Err("it has no host"),
        Some(_) => Ok(uri),
        None => Err("it has no host"),
    }
}
