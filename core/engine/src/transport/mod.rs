//! The ways upstream: connections polled by the request itself for plain HTTP, reqwest for TLS and proxies.

mod direct;
mod pool;
mod through;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::uri::Scheme;
use http::{Request, Response};
use parking_lot::Mutex;
use sluice_api::provider::{Body, Transport};
use sluice_api::{Error, Secret};

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

/// Marks a request whose sender sees to stale connections itself, and so spares a copy of each: an error that is
/// [`unanswered`](sluice_api::error::Facts::unanswered) asks for the request again, with `fresh` this time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Once {
    /// Not on a kept connection.
    pub(crate) fresh: bool,
}

/// What all transports share: one pool of plain connections, and one client for each way of going through TLS, so
/// that a reload keeps its connections.
#[derive(Default)]
pub(crate) struct Transports {
    pool: Arc<pool::Pool>,
    ways: Mutex<HashMap<Way, Arc<dyn Transport>>>,
}

/// What makes two accounts go different ways.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Way {
    proxy: Option<Secret>,
    connect_timeout: Duration,
}

impl Transports {
    /// The transport of an account. With a proxy everything goes through it, and if it fails there is no direct try.
    pub(crate) fn for_account(&self, account: &AccountConfig) -> Result<Arc<dyn Transport>, TransportError> {
        let way = Way { proxy: account.proxy.clone(), connect_timeout: account.timeouts.connect };
        let mut ways = self.ways.lock();
        if let Some(known) = ways.get(&way) {
            return Ok(Arc::clone(known));
        }
        let through = Through::new(way.proxy.as_ref(), way.connect_timeout)
            .map_err(|reason| TransportError { account: account.name.clone(), reason })?;
        let direct =
            way.proxy.is_none().then(|| Direct::new(Arc::clone(&self.pool), account.timeouts.connect));
        let transport: Arc<dyn Transport> = Arc::new(ByScheme { direct, through });
        ways.insert(way, Arc::clone(&transport));
        Ok(transport)
    }

    /// Drops connections that have been idle for too long or that the upstream has closed, and ways that no account
    /// goes any more.
    pub(crate) fn sweep(&self) {
        self.pool.sweep();
        self.ways.lock().retain(|_, transport| Arc::strong_count(transport) > 1);
    }
}

impl std::fmt::Debug for Transports {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Transports")
    }
}

/// Plain HTTP directly where there is no proxy, everything else through reqwest.
struct ByScheme {
    direct: Option<Direct>,
    through: Through,
}

#[async_trait]
impl Transport for ByScheme {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Body>, Error> {
        match &self.direct {
            Some(direct) if request.uri().scheme() == Some(&Scheme::HTTP) => direct.send(request).await,
            _ => self.through.send(request).await,
        }
    }
}
