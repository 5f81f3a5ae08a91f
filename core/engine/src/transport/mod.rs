//! The ways upstream: connections polled by the request itself for plain HTTP, reqwest for TLS and proxies.

mod direct;
mod pool;
mod through;

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use http::uri::Scheme;
use http::{Request, Response};
use sluice_api::Error;
use sluice_api::provider::{Body, Transport};

use crate::config::AccountConfig;
use direct::Direct;
use through::Through;

/// A transport that could not be set up.
#[derive(Debug, thiserror::Error)]
#[error("the way upstream of account {account} can't be set up: {reason}")]
pub struct TransportError {
    pub(crate) account: String,
    pub(crate) reason: String,
}

/// What all transports share: one pool of plain connections.
#[derive(Debug, Default)]
pub(crate) struct Transports {
    pool: Arc<pool::Pool>,
}

impl Transports {
    /// The transport of an account. With a proxy everything goes through it, and if it fails there is no direct try.
    pub(crate) fn for_account(&self, account: &AccountConfig) -> Result<Arc<dyn Transport>, TransportError> {
        let through = Through::new(account)?;
        if account.proxy.is_some() {
            return Ok(Arc::new(through));
        }
        let direct = Direct::new(Arc::clone(&self.pool), account.timeouts.connect);
        Ok(Arc::new(ByScheme { direct, through }))
    }

    /// Drops connections that have been idle for too long or that the upstream has closed.
    pub(crate) fn sweep(&self) {
        self.pool.sweep();
    }
}

/// Plain HTTP directly, TLS through reqwest.
struct ByScheme {
    direct: Direct,
    through: Through,
}

#[async_trait]
impl Transport for ByScheme {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Body>, Error> {
        if request.uri().scheme() == Some(&Scheme::HTTP) {
            return self.direct.send(request).await;
        }
        self.through.send(request).await
    }
}
