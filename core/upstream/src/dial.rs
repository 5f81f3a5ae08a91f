//! New connections: TCP, TLS where it is asked for, and which HTTP is spoken on them.

use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::uri::Authority;
use hyper_util::rt::TokioIo;
use sluice_api::{Error, Kind};
use sluice_config::HttpVersion;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;
use tokio_util::either::Either;

use super::address;
use super::names::Names;
use super::pool::Connection;
use super::proxy::Proxy;
use super::reading::Io;
use super::secure::{HTTP_2, Offer, Secure};
use super::watched::Watched;
use crate::timer::in_time;

/// Most that is held of what was read and not parsed yet, and so the longest head of an answer: vendors behind content
/// networks send some kilobytes.
pub(super) const BUFFER_MAX: usize = 64 * 1024;

/// How long a connection may be silent before the other machine is asked whether it is still there.
const ALIVE_EVERY: Duration = Duration::from_secs(60);

/// How long the other machine may leave unacknowledged what was sent.
#[cfg(target_os = "linux")]
const UNACKNOWLEDGED_MAX: Duration = Duration::from_secs(120);

/// How connections are made.
#[derive(Clone)]
pub(super) struct Dial {
    pub(super) timeout: Duration,
    /// TLS, or plain.
    pub(super) secure: Option<Arc<Secure>>,
    pub(super) names: Arc<Names>,
    /// What they go through.
    pub(super) proxy: Option<Arc<Proxy>>,
}

/// A stream to a server: its own, or a proxy's that leads there.
type Reached = Either<TcpStream, Box<dyn Io>>;

/// A new connection, by what is spoken on it.
pub(super) enum Dialled {
    Http1(Connection),
    Http2(Box<dyn Io>),
}

impl Dial {
    /// Connects to an authority, until `due`.
    ///
    /// # Errors
    ///
    /// When there is no connection; the sentence says what is in the way.
    pub(super) async fn dial(
        &self,
        authority: &Authority,
        http: HttpVersion,
        due: Instant,
    ) -> Result<Dialled, Error> {
        let Some(secure) = &self.secure else {
            let stream = self.connect(authority, 80, due).await?;
            return match http {
                HttpVersion::Two => Ok(Dialled::Http2(Box::new(stream))),
                HttpVersion::Auto | HttpVersion::One => http1(stream).await,
            };
        };
        let offer = if http == HttpVersion::Two { Offer::Http2 } else { Offer::Http1 };
        let stream = self.connect(authority, 443, due).await?;
        let host = address::bare(authority.host());
        let shaken = match self.in_time("the upstream", due, secure.handshake(host, stream, offer)).await? {
            // It speaks HTTP/2 alone: then that is spoken to it.
            Err(failed) if failed.is_other_protocol() && http == HttpVersion::Auto => {
                let stream = self.connect(authority, 443, due).await?;
                self.in_time("the upstream", due, secure.handshake(host, stream, Offer::Http2)).await?
            }
            shaken => shaken,
        };
        let stream = shaken.map_err(|failed| failed.explained(host))?;
        if stream.get_ref().1.alpn_protocol() == Some(HTTP_2) {
            return Ok(Dialled::Http2(Box::new(stream)));
        }
        http1(stream).await
    }

    /// The proxy that each request is told to, as none that is not secure needs a connection of its own through it.
    pub(super) fn passes_on(&self) -> Option<&Proxy> {
        self.proxy.as_deref().filter(|proxy| proxy.passes_on() && self.secure.is_none())
    }

    async fn connect(&self, authority: &Authority, port: u16, due: Instant) -> Result<Reached, Error> {
        let port = authority.port_u16().unwrap_or(port);
        match &self.proxy {
            None => {
                self.reach("the upstream", address::bare(authority.host()), port, due).await.map(Either::Left)
            }
            // Boxed, as most connections need no proxy.
            Some(proxy) => {
                Box::pin(self.through(proxy, authority.host(), port, due)).await.map(Either::Right)
            }
        }
    }

    async fn through(
        &self,
        proxy: &Proxy,
        host: &str,
        port: u16,
        due: Instant,
    ) -> Result<Box<dyn Io>, Error> {
        let (at, its_port) = proxy.address();
        let stream = self.reach("the proxy", at, its_port, due).await?;
        let stream: Box<dyn Io> = match proxy.secure() {
            None => Box::new(stream),
            Some(secure) => {
                let shaken = self.in_time("the proxy", due, secure.handshake(at, stream, Offer::Http1));
                Box::new(shaken.await?.map_err(|failed| failed.explained(at))?)
            }
        };
        if self.passes_on().is_some() {
            return Ok(stream);
        }
        let connecting = async {
            let known = match proxy.wants_addresses() {
                true => address::of(address::bare(host), port, &self.names)
                    .await
                    .map_err(|error| failed("the upstream", &error))?,
                false => Vec::new(),
            };
            let to = known.first().map_or_else(|| format!("{host}:{port}"), ToString::to_string);
            proxy.connect(stream, &to).await
        };
        in_time(due, pin!(connecting)).await.unwrap_or_else(|| {
            let message = format!(
                "the proxy has made no connection to the upstream in {} s",
                self.timeout.as_secs_f32()
            );
            Err(Error::new(Kind::UpstreamTimeout, message))
        })
    }

    /// Connects to the upstream, or to the proxy before it.
    async fn reach(&self, whom: &str, host: &str, port: u16, due: Instant) -> Result<TcpStream, Error> {
        let timed_out = |what: &str| {
            let message = format!("{what} in {} s", self.timeout.as_secs_f32());
            Error::new(Kind::UpstreamTimeout, message)
        };
        let Some(found) = in_time(due, pin!(address::of(host, port, &self.names))).await else {
            return Err(timed_out(&format!("the name {host} could not be looked up")));
        };
        let connecting = address::race(found.map_err(|error| failed(whom, &error))?);
        let Some(connected) = in_time(due, pin!(connecting)).await else {
            return Err(timed_out(&format!("{whom} did not accept a connection")));
        };
        let stream = connected.map_err(|error| not_connected(whom, &error))?;
        prepare(&stream).map_err(|error| failed(whom, &error))?;
        Ok(stream)
    }

    async fn in_time<T>(
        &self,
        whom: &str,
        due: Instant,
        handshake: impl Future<Output = T>,
    ) -> Result<T, Error> {
        in_time(due, pin!(handshake)).await.ok_or_else(|| {
            let message = format!(
                "{whom} accepted a connection, but no TLS handshake came about in {} s",
                self.timeout.as_secs_f32()
            );
            Error::new(Kind::UpstreamTimeout, message)
        })
    }
}

impl std::fmt::Debug for Dial {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let scheme = if self.secure.is_some() { "https" } else { "http" };
        write!(f, "Dial({scheme}, {:?})", self.timeout)
    }
}

async fn http1(stream: impl Io + 'static) -> Result<Dialled, Error> {
    let (stream, read) = Watched::new(stream);
    let (sender, driver) = hyper::client::conn::http1::Builder::new()
        .max_buf_size(BUFFER_MAX)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|error| failed("the upstream", &error))?;
    Ok(Dialled::Http1(Connection::new(sender, driver, read)))
}

/// An upstream whose machine has vanished is noticed, and so is one that takes nothing of what is sent.
fn prepare(stream: &TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let socket = SockRef::from(stream);
    let keepalive = TcpKeepalive::new().with_time(ALIVE_EVERY).with_interval(ALIVE_EVERY / 4);
    socket.set_tcp_keepalive(&keepalive)?;
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(UNACKNOWLEDGED_MAX))?;
    Ok(())
}

fn not_connected(whom: &str, reason: &std::io::Error) -> Error {
    if !address::is_own(reason) {
        return failed(whom, reason);
    }
    let message = format!(
        "this machine can open no connection to {whom}: {reason}; where it has too many open, raise the limit of \
         open files or widen the range of local ports"
    );
    Error::new(Kind::Internal, message)
}

fn failed(whom: &str, reason: &dyn std::fmt::Display) -> Error {
    Error::new(Kind::Upstream, format!("the connection to {whom} failed: {reason}"))
}
