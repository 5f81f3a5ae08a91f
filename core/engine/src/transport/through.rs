//! reqwest as a transport: TLS, HTTP/2 by ALPN, and proxies.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::BodyExt;
use sluice_api::provider::Body;
use sluice_api::{Error, Kind};

use super::TransportError;
use crate::config::AccountConfig;

/// Idle connections kept for one upstream: above any concurrency that is expected, or each request costs a new one.
const IDLE_MAX: usize = 4096;

/// How long an idle connection is kept.
const IDLE_FOR: Duration = Duration::from_secs(90);

/// A reqwest client.
#[derive(Debug)]
pub(super) struct Through(reqwest::Client);

impl Through {
    pub(super) fn new(account: &AccountConfig) -> Result<Self, TransportError> {
        let failed = |error: reqwest::Error| TransportError {
            account: account.name.clone(),
            // A proxy's address may hold its password.
            reason: error.without_url().to_string(),
        };
        let mut client = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .tcp_nodelay(true)
            .pool_max_idle_per_host(IDLE_MAX)
            .pool_idle_timeout(IDLE_FOR)
            .connect_timeout(account.timeouts.connect);
        if let Some(proxy) = &account.proxy {
            client = client.proxy(reqwest::Proxy::all(proxy.expose()).map_err(failed)?);
        }
        Ok(Self(client.build().map_err(failed)?))
    }

    pub(super) async fn send(&self, request: Request<Bytes>) -> Result<Response<Body>, Error> {
        let request = reqwest::Request::try_from(request).map_err(|error| failed(&error))?;
        let response = self.0.execute(request).await.map_err(|error| failed(&error))?;
        let response: Response<reqwest::Body> = response.into();
        Ok(response.map(|body| body.map_err(|error| failed(&error)).boxed_unsync()))
    }
}

fn failed(error: &reqwest::Error) -> Error {
    let kind = if error.is_timeout() { Kind::UpstreamTimeout } else { Kind::Upstream };
    // The innermost cause is the one that says something; the URL stays out of it.
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    let what =
        if error.is_connect() { "the connection to the upstream failed" } else { "the upstream broke off" };
    Error::new(kind, format!("{what}: {cause}"))
}

#[sluice_api::async_trait]
impl sluice_api::provider::Transport for Through {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Body>, Error> {
        Self::send(self, request).await
    }
}
