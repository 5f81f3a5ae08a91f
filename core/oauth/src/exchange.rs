//! One refresh: the request to the token endpoint, and what its answer means (RFC 6749, sections 5 and 6).

use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, USER_AGENT};
use http::{HeaderValue, Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde_json::Value;

use super::tokens::{Grant, Tokens};
use sluice_api::error::{Condition, Error, Fault, Kind, Scope, wait};
use sluice_api::provider::{Body, CallCx};
use sluice_api::settings::Secret;

/// Most that is read of an answer; tokens are a few kilobytes at most.
const ANSWER_MAX: usize = 64 * 1024;

/// What asks for new credentials.
const RENEW: &str = "give the account new credentials";

/// What asks for another configuration.
const CHECK: &str = "check the account's oauth settings";

/// The refusals of RFC 6749, section 5.2, and what an operator does about each. Whatever else an endpoint answers says
/// nothing of credentials: it may only be away. No other word of an answer is ever repeated: it may hold a token.
const REFUSALS: [(&str, &str); 6] = [
    ("invalid_grant", RENEW),
    ("invalid_client", RENEW),
    ("unauthorized_client", RENEW),
    ("invalid_request", CHECK),
    ("unsupported_grant_type", CHECK),
    ("invalid_scope", CHECK),
];

/// Where tokens are refreshed, and as whom.
#[derive(Debug)]
pub(super) struct Endpoint {
    pub(super) url: Uri,
    pub(super) client_id: Option<String>,
    pub(super) client_secret: Option<Secret>,
}

/// An answer that gives tokens.
#[derive(Deserialize)]
struct Granted {
    access_token: String,
    token_type: Option<String>,
    expires_in: Option<Value>,
    refresh_token: Option<String>,
}

impl Endpoint {
    /// Exchanges a refresh token for new tokens, by the account's own way upstream.
    ///
    /// # Errors
    ///
    /// When the endpoint is out of reach, refuses, or answers something else.
    pub(super) async fn refresh(&self, cx: &CallCx<'_>, tokens: &Tokens) -> Result<Tokens, Error> {
        let Some(refresh_token) = tokens.refresh() else {
            return Err(ended());
        };
        let answer = cx.transport.send(self.request(refresh_token)).await;
        let (head, body) = answer.map_err(|error| failing(error.kind(), &error))?.into_parts();
        let body = whole(body).await?;
        let granted = if head.status.is_success() { read(&body, cx, tokens) } else { None };
        granted.ok_or_else(|| {
            let error = refused(head.status, &body);
            error.recovers(wait::retry_after(&head.headers, cx.now))
        })
    }

    fn request(&self, refresh_token: &Secret) -> Request<Bytes> {
        let mut form = "grant_type=refresh_token".to_owned();
        let fields = [
            ("refresh_token", Some(refresh_token.expose())),
            ("client_id", self.client_id.as_deref()),
            ("client_secret", self.client_secret.as_ref().map(Secret::expose)),
        ];
        for (name, value) in fields {
            if let Some(value) = value {
                form.push_str(&format!("&{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC)));
            }
        }
        let mut request = Request::new(Bytes::from(form));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.url.clone();
        let headers = request.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(USER_AGENT, HeaderValue::from_static("sluice"));
        request
    }
}

/// The tokens of an answer; `None` where it holds no bearer token.
fn read(body: &[u8], cx: &CallCx<'_>, before: &Tokens) -> Option<Tokens> {
    let granted: Granted = serde_json::from_slice(body).ok()?;
    let of_bearer = granted.token_type.is_none_or(|kind| kind.eq_ignore_ascii_case("bearer"));
    if granted.access_token.is_empty() || !of_bearer {
        return None;
    }
    // Some endpoints write the number as text; what is no time to live is not told one.
    let seconds = granted.expires_in.and_then(|life| life.as_f64().or_else(|| life.as_str()?.parse().ok()));
    let lifetime = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let grant = Grant {
        access: Secret::new(granted.access_token),
        refresh: granted.refresh_token.filter(|token| !token.is_empty()).map(Secret::new),
        lifetime: lifetime.filter(|life| !life.is_zero()),
    };
    Tokens::granted(grant, cx.now, before)
}

async fn whole(body: Body) -> Result<Bytes, Error> {
    match Limited::new(body, ANSWER_MAX).collect().await {
        Ok(read) => Ok(read.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => {
            Err(failing(Kind::Upstream, &"its answer is too long for one that holds tokens"))
        }
        Err(error) => Err(failing(Kind::Upstream, &error)),
    }
}

/// What an answer means that gives no tokens.
fn refused(status: StatusCode, body: &[u8]) -> Error {
    let answer = serde_json::from_slice::<Value>(body).ok();
    let named = answer.as_ref().and_then(|answer| answer.get("error")?.as_str());
    let code = status.as_u16();
    if let Some((name, advice)) = REFUSALS.iter().find(|(known, _)| named == Some(*known)) {
        return unauthorized(&format!(
            "the token endpoint refused the refresh token ({code}, {name}): {advice}"
        ));
    }
    if code == 429 {
        let message = format!("the token endpoint has had too many requests ({code})");
        return blamed(message, Condition::RateLimited);
    }
    if status.is_success() && named.is_none() && answer.is_some() {
        return unauthorized(&format!("the token endpoint's answer holds no bearer token: {CHECK}"));
    }
    let hint = if code < 400 { "; if it goes on, check the account's token_url" } else { "" };
    failing(Kind::Upstream, &format_args!("it answered {code} without tokens{hint}"))
}

/// The access token has ended for good.
pub(super) fn ended() -> Error {
    unauthorized(&format!("the access token has ended and there is no refresh token: {RENEW}"))
}

/// The account has to be looked at.
fn unauthorized(reason: &str) -> Error {
    blamed(reason.to_owned(), Condition::Unauthorized)
}

fn blamed(reason: String, condition: Condition) -> Error {
    let error = Error::new(Kind::Upstream, reason).blame(Fault::Account, Scope::Account);
    error.elsewhere(true).condition(Some(condition))
}

/// The endpoint may be well again by itself.
fn failing(kind: Kind, reason: &dyn std::fmt::Display) -> Error {
    let kind = if kind == Kind::UpstreamTimeout { kind } else { Kind::Upstream };
    Error::new(kind, format!("the token endpoint failed: {reason}")).elsewhere(true)
}
