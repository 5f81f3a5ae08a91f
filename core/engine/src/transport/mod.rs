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

/// What all transports share: one pool of plain connections, and one client for each way of going through TLS, so
/// that a reload keeps its connections.
#[derive(Default)]
pub(crate) struct Transports {
    pool: Arc<pool::Pool>,
    ways: Mutex<HashMap<Which, Arc<Way>>>,
}

/// What makes two accounts go different ways.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Which {
    proxy: Option<Secret>,
    connect_timeout: Duration,
}

impl Transports {
    /// The transport of an account. With a proxy everything goes through it, and if it fails there is no direct try.
    pub(crate) fn for_account(&self, account: &AccountConfig) -> Result<Arc<Way>, TransportError> {
        let which = Which { proxy: account.proxy.clone(), connect_timeout: account.timeouts.connect };
        let mut ways = self.ways.lock();
        if let Some(known) = ways.get(&which) {
            return Ok(Arc::clone(known));
        }
        let through = Through::new(which.proxy.as_ref(), which.connect_timeout)
            .map_err(|reason| TransportError { account: account.name.clone(), reason })?;
        let direct =
            which.proxy.is_none().then(|| Direct::new(Arc::clone(&self.pool), account.timeouts.connect));
        let way = Arc::new(Way { direct, through });
        ways.insert(which, Arc::clone(&way));
        Ok(way)
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

/// A way upstream: plain HTTP directly where there is no proxy, everything else through reqwest.
#[derive(Debug)]
pub(crate) struct Way {
    direct: Option<Direct>,
    through: Through,
}

/// What becomes of a request whose kept connection turns out to be stale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stale {
    /// It is sent once more, from a copy.
    Again,
    /// Its sender is told, by an error that is [`unanswered`](sluice_api::error::Facts::unanswered), and sends it
    /// again: that spares a copy of each request.
    Told,
    /// It can't: this is the second time, and no kept connection is used.
    Fresh,
}

/// A way upstream for a sender that sees to stale connections itself.
#[derive(Debug)]
pub(crate) struct Once<'a> {
    pub(crate) way: &'a Way,
    pub(crate) stale: Stale,
}

impl Way {
    async fn send(&self, request: Request<Bytes>, stale: Stale) -> Result<Response<Body>, Error> {
        match &self.direct {
            Some(direct) if request.uri().scheme() == Some(&Scheme::HTTP) => {
                direct.send(request, stale).await
            }
            _ => self.through.send(request, stale).await,
        }
    }
}

#[async_trait]
impl Transport for Way {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Body>, Error> {
        self.send(request, Stale::Again).await
    }
}

#[async_trait]
impl Transport for Once<'_> {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Body>, Error> {
        self.way.send(request, self.stale).await
    }
}
