//! One attempt at an upstream: what is asked, and what a provider may use for it.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use jiff::Timestamp;

use crate::dialect::{Api, Form, Operation};
use crate::error::{Error, Kind};
use crate::provider::Vault;

/// A response body as the transport hands it on: frames as they come.
pub type Body = UnsyncBoxBody<Bytes, Error>;

/// One attempt, before it is built: the client's request with the model's name spliced and credentials removed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Call {
    /// The dialect of body and answer.
    pub api: Api,
    /// What is asked.
    pub operation: Operation,
    /// How the client wants the answer framed.
    pub form: Form,
    /// The model to ask for, as the upstream names it.
    pub model: Arc<str>,
    /// The model that the account was asked for, before its `model_map` and its own names: what it is where `model` does
    /// not say it, as an ARN.
    pub asked: Arc<str>,
    /// Gemini's collection in the path: `models` or `tunedModels`.
    pub collection: &'static str,
    /// The client's query string without any key.
    pub query: Option<String>,
    /// The client's headers, less what is never relayed.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Call {
    /// A call without query, headers and body, for a model that has one name.
    #[must_use]
    pub fn new(api: Api, operation: Operation, form: Form, model: impl Into<Arc<str>>) -> Self {
        let model = model.into();
        let asked = Arc::clone(&model);
        let (query, headers, body) = (None, HeaderMap::new(), Bytes::new());
        Self { api, operation, form, model, asked, collection: "models", query, headers, body }
    }
}

/// A request that is built, and what its provider's `send` is to know of it that does not stand in it.
#[derive(Debug)]
#[non_exhaustive]
pub struct Prepared {
    /// The request.
    pub request: Request<Bytes>,
    carried: Option<Box<dyn Any + Send>>,
}

impl Prepared {
    /// A request with what is to be known of it; one of which all is said is made of the request alone, by `into()`.
    #[must_use]
    pub fn carrying<T: Any + Send>(request: Request<Bytes>, carried: T) -> Self {
        Self { request, carried: Some(Box::new(carried)) }
    }

    /// The request, and what it carries.
    ///
    /// # Errors
    ///
    /// When it carries no such thing: this provider has not prepared it.
    pub fn into_parts<T: Any + Send>(self) -> Result<(Request<Bytes>, T), Error> {
        match self.carried.map(<Box<dyn Any + Send>>::downcast::<T>) {
            Some(Ok(carried)) => Ok((self.request, *carried)),
            _ => Err(Error::new(Kind::Internal, "the provider was to send what it did not prepare")),
        }
    }
}

impl From<Request<Bytes>> for Prepared {
    fn from(request: Request<Bytes>) -> Self {
        Self { request, carried: None }
    }
}

/// What a provider may use while it prepares and sends.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct CallCx<'a> {
    /// Sends over the account's own proxy, if it has one.
    pub transport: &'a dyn Transport,
    /// Keeps secrets that change, like refreshed tokens.
    pub vault: &'a dyn Vault,
    /// The time of the attempt.
    pub now: Timestamp,
}

impl<'a> CallCx<'a> {
    /// What is used for an attempt at this time.
    #[must_use]
    pub const fn new(transport: &'a dyn Transport, vault: &'a dyn Vault, now: Timestamp) -> Self {
        Self { transport, vault, now }
    }
}

impl fmt::Debug for CallCx<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallCx").field("now", &self.now).finish_non_exhaustive()
    }
}

/// Sends HTTP requests. The engine has the only implementations; tests may have their own.
#[async_trait]
pub trait Transport: Send + Sync {
    /// Sends a request and waits for the response's head. Follows no redirect.
    ///
    /// # Errors
    ///
    /// When the connection can't be made or breaks before the head is there.
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Body>, Error>;
}
