//! reqwest as a transport: TLS, HTTP/2 by ALPN, and proxies.

use std::sync::OnceLock;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::BodyExt;
use sluice_api::provider::Body;
use sluice_api::{Error, Kind, Secret};

use super::Stale;

/// Idle connections kept for one upstream: above any concurrency that is expected, or each request costs a new one.
const IDLE_MAX: usize = 4096;

/// How long an idle connection is kept.
const IDLE_FOR: Duration = Duration::from_secs(90);

/// A reqwest client, made when it is first needed: the system's certificates take a megabyte.
#[derive(Debug)]
pub(super) struct Through {
    proxy: Option<reqwest::Proxy>,
    connect_timeout: Duration,
    client: OnceLock<reqwest::Client>,
}

impl Through {
    /// # Errors
    ///
    /// When the proxy's address can't be used; the reason never repeats it, as it may hold a password.
    pub(super) fn new(proxy: Option<&Secret>, connect_timeout: Duration) -> Result<Self, String> {
        let proxy = match proxy {
            Some(address) => {
                Some(reqwest::Proxy::all(address.expose()).map_err(|error| error.without_url().to_string())?)
            }
            None => None,
        };
        Ok(Self { proxy, connect_timeout, client: OnceLock::new() })
    }

    pub(super) async fn send(&self, request: Request<Bytes>, stale: Stale) -> Result<Response<Body>, Error> {
        let request = reqwest::Request::try_from(request).map_err(|error| failed(&error))?;
        let client = self.client()?;
        let again = if stale == Stale::Again { request.try_clone() } else { None };
        let response = match client.execute(request).await {
            Ok(response) => response,
            // It went stale in the pool: that is no attempt. reqwest does not say whether a connection was fresh, and
            // can't be told to take one; so a request that kills its connection is sent twice, as a failover would
            // send it, and no more.
            Err(error) if is_unanswered(&error) => match (stale, again) {
                (Stale::Told, _) => return Err(failed(&error).unanswered()),
                (Stale::Again, Some(again)) => client.execute(again).await.map_err(|error| failed(&error))?,
                _ => return Err(failed(&error)),
            },
            Err(error) => return Err(failed(&error)),
        };
        let response: Response<reqwest::Body> = response.into();
        Ok(response.map(|body| body.map_err(|error| failed(&error)).boxed_unsync()))
    }

    fn client(&self) -> Result<&reqwest::Client, Error> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let mut builder = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .tcp_nodelay(true)
            .pool_max_idle_per_host(IDLE_MAX)
            .pool_idle_timeout(IDLE_FOR)
            .connect_timeout(self.connect_timeout);
        if let Some(proxy) = &self.proxy {
            builder = builder.proxy(proxy.clone());
        }
        let client = builder.build().map_err(|error| {
            Error::new(Kind::Internal, format!("the way upstream can't be set up: {}", innermost(&error)))
        })?;
        Ok(self.client.get_or_init(|| client))
    }
}

/// Whether a connection that was there closed before a byte of an answer had come.
fn is_unanswered(error: &reqwest::Error) -> bool {
    if error.is_connect() || error.is_timeout() {
        return false;
    }
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(one) = cause {
        // A server that closes without saying so in TLS is told as an end of file.
        let ended = one
            .downcast_ref::<std::io::Error>()
            .is_some_and(|error| error.kind() == std::io::ErrorKind::UnexpectedEof);
        if ended || one.downcast_ref::<hyper::Error>().is_some_and(super::direct::is_stale) {
            return true;
        }
        cause = one.source();
    }
    false
}

fn failed(error: &reqwest::Error) -> Error {
    let kind = if error.is_timeout() { Kind::UpstreamTimeout } else { Kind::Upstream };
    let what =
        if error.is_connect() { "the connection to the upstream failed" } else { "the upstream broke off" };
    Error::new(kind, format!("{what}: {}", innermost(error)))
}

/// The innermost cause is the one that says something; the URL stays out of it.
fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}
