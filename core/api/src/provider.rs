//! The upstream side: what an account can be asked, how a request is built, what a failure means.

mod call;
mod endpoint;
mod renewal;
mod vault;

use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use jiff::Timestamp;

use crate::dialect::{Api, Family, Operation};
use crate::error::{Condition, Error, Fault, Kind, Scope, wait};

pub use call::{Body, Call, CallCx, Prepared, Transport};
pub use endpoint::{Endpoint, query_without};
pub use renewal::Renewal;
pub use vault::{Replacement, Vault};

/// One upstream account of some kind.
///
/// One value is built for each `[[accounts]]` entry. Everything here is about that account alone;
/// pools, limits and scheduling are the engine's.
#[async_trait]
pub trait Provider: fmt::Debug + Send + Sync + 'static {
    /// The kind, and the pools an account of it is in unless configured otherwise.
    fn info(&self) -> &ProviderInfo;

    /// What it speaks natively for this operation and model (as the upstream names it), or `None` when it can't
    /// serve it at all. Called when a request is routed, and remembered until the configuration changes: it must not vary.
    fn offer(&self, operation: Operation, model: &str) -> Option<Offer>;

    /// The models that it knows by name, as clients may ask for them; for `GET /v1/models`.
    fn models(&self) -> Vec<String> {
        Vec::new()
    }

    /// Whether its upstream has a list of models that can be read, and is where the configuration does not say.
    fn discovery(&self) -> Discovery {
        Discovery::Never
    }

    /// Builds the request for that list. Sends nothing; called in the background alone, every ten minutes or so. What comes
    /// is read in the shape of OpenAI's, Anthropic's or Google's list.
    ///
    /// # Errors
    ///
    /// When credentials can't be had.
    async fn prepare_list(&self, _cx: &CallCx<'_>) -> Result<Request<Bytes>, Error> {
        Err(Error::new(Kind::Internal, "this provider's upstream has no list of models"))
    }

    /// Whether [`Provider::models`] is all that it serves, so that a glob that matches none of them is a mistake.
    fn serves_only_those(&self) -> bool {
        false
    }

    /// The model that an upstream's own name for it stands for, where that is no model's name (Azure's deployments): what it
    /// is priced as.
    fn stands_for(&self, _upstream: &str) -> Option<&str> {
        None
    }

    /// The place where an account's requests are processed, as in `eu`, where its upstream charges by it and its answers do
    /// not tell.
    fn geo(&self) -> Option<&str> {
        None
    }

    /// The model to ask upstream for, where the account's own settings rename it (Azure's deployments) and its
    /// `model_map` does not; `None` keeps the name.
    fn upstream_model(&self, _asked: &str) -> Option<&str> {
        None
    }

    /// Builds and signs a request, and says what [`Provider::send`] is to know of it beside. Sends nothing; called once for
    /// each attempt, and again where its connection had gone stale or its credentials were renewed.
    ///
    /// # Errors
    ///
    /// When the request can't be built, or credentials can't be had.
    async fn prepare(&self, cx: &CallCx<'_>, call: Call) -> Result<Prepared, Error>;

    /// Sends a request that [`Provider::prepare`] or [`Provider::prepare_list`] has built, with the account's own headers
    /// over it. Overridden only where the upstream is not plain HTTP.
    ///
    /// # Errors
    ///
    /// When no response head came back.
    async fn send(&self, cx: &CallCx<'_>, prepared: Prepared) -> Result<Response<Body>, Error> {
        cx.transport.send(prepared.request).await
    }

    /// What renews the credentials that [`Provider::prepare`] puts into requests, where they end: the gateway sees to it
    /// that this happens beside the requests that still use them.
    fn renewal(&self) -> Option<&dyn Renewal> {
        None
    }

    /// Gets new credentials after the upstream has refused those of a request with 401. `true` says that they are new
    /// and that the same account is worth one more try. Called at most once for each attempt, with the context that its
    /// request was prepared with.
    ///
    /// # Errors
    ///
    /// When new credentials can't be had; the account is then unauthorized, with the reason.
    async fn renew(&self, cx: &CallCx<'_>) -> Result<bool, Error> {
        match self.renewal() {
            Some(renewal) => renewal.renew(cx).await,
            None => Ok(false),
        }
    }

    /// What a refusal of the upstream means: whose fault, how far it reaches, whether another account may do better.
    /// Called once for each answer that is not 2xx, and for an error in a stream, wherever it comes.
    fn classify(&self, failure: &Failure<'_>) -> Error {
        failure.by_convention()
    }
}

/// Whether an upstream's own list of models is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Discovery {
    /// There is none.
    Never,
    /// Where the configuration says so.
    WhereTold,
    /// Unless the configuration says otherwise, or names the models itself.
    Unasked,
}

/// What kind of account it is.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ProviderInfo {
    /// The plugin's kind.
    pub kind: &'static str,
    /// The operator's name for the account.
    pub account: String,
    /// Families whose default pools it joins.
    pub families: &'static [Family],
}

impl ProviderInfo {
    /// An account of this kind, by the operator's name for it.
    #[must_use]
    pub fn new(kind: &'static str, account: impl Into<String>, families: &'static [Family]) -> Self {
        Self { kind, account: account.into(), families }
    }
}

/// What an account speaks natively, best first.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Offer {
    /// The client APIs whose requests it takes as they are.
    pub apis: &'static [Api],
    /// Where the model's name stands in its requests.
    pub model_in: ModelPlace,
}

impl Offer {
    /// These APIs, with the model's name there.
    #[must_use]
    pub const fn new(apis: &'static [Api], model_in: ModelPlace) -> Self {
        Self { apis, model_in }
    }
}

/// Where the model's name stands in a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModelPlace {
    /// In the body.
    Body,
    /// In the path, so that the body needs none.
    Path,
}

/// How an upstream told of a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToldBy {
    /// By an answer that is not 2xx.
    Answer,
    /// By an error in a stream, wherever it came.
    Event,
}

/// A refusal: an answer that is not 2xx, or an error in a stream.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Failure<'a> {
    /// How it was told.
    pub told: ToldBy,
    /// The status; for an error event the one that it stands for.
    pub status: StatusCode,
    /// The response's headers.
    pub headers: &'a HeaderMap,
    /// The body (bounded), or the event's data.
    pub body: &'a [u8],
    /// When it came, to turn points in time into spans.
    pub now: Timestamp,
}

impl<'a> Failure<'a> {
    /// An answer that is not 2xx, with its body (bounded), and when it came.
    #[must_use]
    pub const fn answer(status: StatusCode, headers: &'a HeaderMap, body: &'a [u8], now: Timestamp) -> Self {
        Self { told: ToldBy::Answer, status, headers, body, now }
    }

    /// An error in a stream, with its data, the status that it stands for, and when it came.
    #[must_use]
    pub const fn event(status: StatusCode, headers: &'a HeaderMap, data: &'a [u8], now: Timestamp) -> Self {
        Self { told: ToldBy::Event, status, headers, body: data, now }
    }
}

impl Failure<'_> {
    /// What HTTP's conventions say.
    #[must_use]
    pub fn by_convention(&self) -> Error {
        let status = self.status;
        let error = Error::new(Kind::Upstream, format!("the upstream answered {status}"));
        let of = |error: Error, fault, scope, condition| {
            error.blame(fault, scope).elsewhere(true).condition(Some(condition))
        };
        let error = match status.as_u16() {
            400 if is_page(self.body) && self.says("SSL certificate") => {
                let message = "the upstream wants a client certificate, or refuses the one that it was shown: set \
                               client_cert and client_key";
                of(
                    Error::new(Kind::Upstream, message),
                    Fault::Account,
                    Scope::Account,
                    Condition::Unauthorized,
                )
            }
            400 if is_page(self.body) && self.says("sent to HTTPS port") => {
                let message = "the upstream speaks TLS on this port: write https in the base URL";
                of(Error::new(Kind::Upstream, message), Fault::Account, Scope::Account, Condition::Failing)
            }
            // Something that stands before the API does not know it: it says nothing of the credentials.
            401..=404 if is_page(self.body) => of(error, Fault::Provider, Scope::Account, Condition::Failing),
            401 | 403 => of(error, Fault::Account, Scope::Account, Condition::Unauthorized),
            402 => of(error, Fault::Account, Scope::Account, Condition::QuotaExceeded),
            429 => of(error, Fault::Account, Scope::Model, Condition::RateLimited),
            503 => of(error, Fault::Provider, Scope::Account, Condition::Overloaded),
            // Not registered, but what Anthropic and its compatible endpoints answer.
            529 => of(error, Fault::Provider, Scope::Model, Condition::Overloaded),
            408 | 424 => of(error, Fault::Provider, Scope::Account, Condition::Failing),
            code if code >= 500 => of(error, Fault::Provider, Scope::Account, Condition::Failing),
            // A redirect is never followed: it is a wrong base URL. 407 is the account's proxy speaking.
            code if code < 400 || code == 407 => {
                of(error, Fault::Account, Scope::Account, Condition::Failing)
            }
            _ => error.blame(Fault::Client, Scope::Request).elsewhere(false).condition(None),
        };
        if error.facts().condition.is_some() {
            error.recovers(wait::retry_after(self.headers, self.now))
        } else {
            error
        }
    }
}

impl Failure<'_> {
    /// Whether the body has these words, as nginx writes them in its pages.
    fn says(&self, words: &str) -> bool {
        self.body.windows(words.len()).any(|some| some == words.as_bytes())
    }
}

/// Whether a body is a page for people, HTML or XML, where an API answers in JSON or events: neither ever begins so.
#[must_use]
pub fn is_page(body: &[u8]) -> bool {
    body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body).trim_ascii_start().starts_with(b"<")
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, StatusCode};
    use jiff::Timestamp;

    use super::{Failure, Prepared, is_page};
    use crate::error::{Condition, Error, Fault, Kind};

    fn by_convention(status: StatusCode, body: &str) -> Error {
        let (headers, body, now) = (&HeaderMap::new(), body.as_bytes(), Timestamp::UNIX_EPOCH);
        Failure::answer(status, headers, body, now).by_convention()
    }

    #[test]
    fn what_is_handed_from_preparing_to_sending_comes_out_as_it_went_in() {
        let request = || http::Request::new(bytes::Bytes::from_static(b"{}"));
        let (sent, carried) = Prepared::carrying(request(), 7_u8).into_parts::<u8>().unwrap();
        assert_eq!((&sent.body()[..], carried), (&b"{}"[..], 7));
        for other in [Prepared::carrying(request(), "7"), request().into()] {
            assert_eq!(other.into_parts::<u8>().unwrap_err().kind(), Kind::Internal);
        }
    }

    #[test]
    fn a_page_about_tls_is_the_accounts_own_fault() {
        for (page, condition) in [
            (
                "<html>\r\n<head><title>400 No required SSL certificate was sent</title></head>",
                Some(Condition::Unauthorized),
            ),
            (
                "<html><head><title>400 The SSL certificate error</title></head>",
                Some(Condition::Unauthorized),
            ),
            (
                "<html><head><title>400 The plain HTTP request was sent to HTTPS port</title></head>",
                Some(Condition::Failing),
            ),
            ("<html><head><title>400 Request Header Or Cookie Too Large</title></head>", None),
            ("{\"error\":{\"message\":\"no SSL certificate\"}}", None),
        ] {
            let error = by_convention(StatusCode::BAD_REQUEST, page);
            assert_eq!(error.facts().condition, condition, "{page}");
            assert_eq!(error.facts().elsewhere, condition.is_some(), "{page}");
        }
    }

    #[test]
    fn a_page_begins_with_a_tag_and_says_nothing_of_credentials() {
        for (body, page) in [
            ("<!doctype html><p>x", true),
            ("\u{feff}\r\n <html>", true),
            ("<?xml version=\"1.0\"?>", true),
            ("{\"error\":\"<html>\"}", false),
            ("data: <p>\n\n", false),
            ("", false),
        ] {
            assert_eq!(is_page(body.as_bytes()), page, "{body}");
            for (status, says) in [
                (StatusCode::UNAUTHORIZED, Condition::Unauthorized),
                (StatusCode::PAYMENT_REQUIRED, Condition::QuotaExceeded),
                (StatusCode::FORBIDDEN, Condition::Unauthorized),
            ] {
                let error = by_convention(status, body);
                let told = (error.facts().fault, error.facts().condition, error.facts().elsewhere);
                let meant = match page {
                    true => (Fault::Provider, Some(Condition::Failing), true),
                    false => (Fault::Account, Some(says), true),
                };
                assert_eq!(told, meant, "{status} {body}");
            }
        }
    }
}
