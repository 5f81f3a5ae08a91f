//! Proxies: reqwest as a transport, over HTTP/1.1.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::uri::Authority;
use http::{Request, Response};
use http_body_util::BodyExt;
use sluice_api::provider::Body;
use sluice_api::{Error, Kind, Secret};

use super::broken::broken;
use super::pool::IDLE_FOR;
use super::secure::{Offer, Secure, When, sentence};
use super::sent::{STALE_WITHIN, Stale};

/// Idle connections kept for one upstream: above any concurrency that is expected, or each request costs a new one.
const IDLE_MAX: usize = 4096;

/// A way through a proxy. reqwest's clients are made when they are first needed.
pub(super) struct Through {
    proxy: reqwest::Proxy,
    connect_timeout: Duration,
    secure: Arc<Secure>,
    client: OnceLock<reqwest::Client>,
    /// Keeps no connection: for a request whose kept one was stale, as the next one that is kept may be stale too.
    fresh: OnceLock<reqwest::Client>,
}

impl Through {
    /// # Errors
    ///
    /// When the proxy's address can't be used; the reason never repeats it, as it may hold a password.
    pub(super) fn new(
        proxy: &Secret,
        connect_timeout: Duration,
        secure: Arc<Secure>,
    ) -> Result<Self, String> {
        let proxy = reqwest::Proxy::all(proxy.expose()).map_err(|error| error.without_url().to_string())?;
        Ok(Self { proxy, connect_timeout, secure, client: OnceLock::new(), fresh: OnceLock::new() })
    }

    pub(super) async fn send(&self, request: Request<Bytes>, stale: Stale) -> Result<Response<Body>, Error> {
        let Some(authority) = request.uri().authority().cloned() else {
            return Err(Error::new(Kind::Internal, "a provider made a request without an authority"));
        };
        let told = |error: &reqwest::Error| failed(error, &authority);
        let request = reqwest::Request::try_from(request).map_err(|error| told(&error))?;
        let client = if stale == Stale::Fresh { self.fresh().await? } else { self.client().await? };
        let again = if stale == Stale::Again { request.try_clone() } else { None };
        let began = Instant::now();
        let response = match client.execute(request).await {
            Ok(response) => response,
            // It went stale in the pool: that is no attempt. reqwest does not say whether a connection was fresh; so a
            // request that kills its connection is sent twice, as a failover would send it, and no more.
            Err(error) if is_unanswered(&error) && began.elapsed() < STALE_WITHIN => match (stale, again) {
                (Stale::Told, _) => return Err(told(&error).unanswered()),
                (Stale::Again, Some(again)) => {
                    self.fresh().await?.execute(again).await.map_err(|error| told(&error))?
                }
                _ => return Err(told(&error)),
            },
            Err(error) => return Err(told(&error)),
        };
        let response: Response<reqwest::Body> = response.into();
        Ok(response.map(|body| body.map_err(move |error| failed(&error, &authority)).boxed_unsync()))
    }

    async fn client(&self) -> Result<&reqwest::Client, Error> {
        self.made(&self.client, IDLE_MAX).await
    }

    async fn fresh(&self) -> Result<&reqwest::Client, Error> {
        self.made(&self.fresh, 0).await
    }

    async fn made<'a>(
        &self,
        place: &'a OnceLock<reqwest::Client>,
        idle: usize,
    ) -> Result<&'a reqwest::Client, Error> {
        if let Some(client) = place.get() {
            return Ok(client);
        }
        let tls = rustls::ClientConfig::clone(&*self.secure.config(Offer::Http1).await?);
        let builder = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .tcp_nodelay(true)
            .http1_only()
            .tls_backend_preconfigured(tls)
            .pool_max_idle_per_host(idle)
            .pool_idle_timeout(IDLE_FOR)
            .connect_timeout(self.connect_timeout)
            .proxy(self.proxy.clone());
        let client = builder.build().map_err(|error| {
            let why = innermost(&error);
            Error::new(Kind::Internal, format!("the way through the proxy can't be set up: {why}"))
        })?;
        Ok(place.get_or_init(|| client))
    }
}

impl std::fmt::Debug for Through {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Through")
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
        if ended || one.downcast_ref::<hyper::Error>().is_some_and(super::direct::is_closed) {
            return true;
        }
        cause = one.source();
    }
    false
}

fn failed(error: &reqwest::Error, authority: &Authority) -> Error {
    use std::error::Error as _;
    if error.is_timeout() {
        return Error::new(
            Kind::UpstreamTimeout,
            "the proxy or the upstream behind it did not answer in time",
        );
    }
    if !error.is_connect() {
        // Itself it would repeat the URL.
        return match error.source() {
            Some(cause) => broken(cause, authority),
            None => Error::new(Kind::Upstream, "the upstream broke off"),
        };
    }
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(one) = cause {
        if let Some(sentence) = sentence(one, authority.host(), When::Handshake) {
            return Error::new(Kind::Upstream, sentence);
        }
        cause = one.source();
    }
    Error::new(Kind::Upstream, format!("the connection to the upstream failed: {}", innermost(error)))
}

/// The innermost cause is the one that says something; the URL stays out of it.
fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}
