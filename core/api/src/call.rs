//! One attempt at an upstream: what is asked, and what a provider may use for it.

use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use jiff::Timestamp;

use crate::dialect::{Api, Form, Operation};
use crate::error::Error;
use crate::vault::Vault;

/// A response body as the transport hands it on: frames as they come.
pub type Body = UnsyncBoxBody<Bytes, Error>;

/// One attempt, before it is built: the client's request with the model's name spliced and credentials removed.
#[derive(Clone, Debug)]
pub struct Call {
    /// The dialect of body and answer.
    pub api: Api,
    /// What is asked.
    pub operation: Operation,
    /// How the client wants the answer framed.
    pub form: Form,
    /// The model to ask for, as the upstream names it.
    pub model: String,
    /// The model that the account was asked for, before its `model_map` and its own names: what it is where `model` does
    /// not say it, as an ARN.
    pub asked: String,
    /// Gemini's collection in the path: `models` or `tunedModels`.
    pub collection: &'static str,
    /// The client's query string without any key.
    pub query: Option<String>,
    /// The client's headers, less what is never relayed.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

/// What a provider may use while it prepares and sends.
#[derive(Clone, Copy)]
pub struct CallCx<'a> {
    /// Sends over the account's own proxy, if it has one.
    pub transport: &'a dyn Transport,
    /// Keeps secrets that change, like refreshed tokens.
    pub vault: &'a dyn Vault,
    /// The time of the attempt.
    pub now: Timestamp,
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
