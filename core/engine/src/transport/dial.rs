//! New connections: TCP, TLS where it is asked for, and which HTTP is spoken on them.

use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::uri::Authority;
use hyper_util::rt::TokioIo;
use sluice_api::{Error, Kind};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use super::address;
use super::pool::Connection;
use super::secure::{HTTP_2, Offer, Secure};
use super::watched::Watched;
use crate::config::HttpVersion;
use crate::timer::in_time;

/// Most that is held of what was read and not parsed yet, and so the longest head of an answer: vendors behind content
/// networks send some kilobytes.
pub(super) const BUFFER_MAX: usize = 64 * 1024;

/// How connections are made.
#[derive(Clone)]
pub(super) struct Dial {
    pub(super) timeout: Duration,
    /// TLS, or plain.
    pub(super) secure: Option<Arc<Secure>>,
}

/// A stream that a connection is made of.
pub(super) trait Io: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Io for S {}

/// A new connection, by what is spoken on it.
pub(super) enum Dialled {
    Http1(Connection),
    Http2(Box<dyn Io>),
}

impl Dial {
    /// Connects to an authority, within the time for it.
    ///
    /// # Errors
    ///
    /// When there is no connection; the sentence says what is in the way.
    pub(super) async fn dial(&self, authority: &Authority, http: HttpVersion) -> Result<Dialled, Error> {
        let deadline = Instant::now() + self.timeout;
        let Some(secure) = &self.secure else {
            let stream = self.connect(authority, 80, deadline).await?;
            return match http {
                HttpVersion::Two => Ok(Dialled::Http2(Box::new(stream))),
                HttpVersion::Auto | HttpVersion::One => http1(stream).await,
            };
        };
        let offer = if http == HttpVersion::Two { Offer::Http2 } else { Offer::Http1 };
        let stream = self.connect(authority, 443, deadline).await?;
        let host = bare(authority.host());
        let shaken = match self.in_time(deadline, secure.handshake(host, stream, offer)).await? {
            // It speaks HTTP/2 alone: then that is spoken to it.
            Err(failed) if failed.is_other_protocol() && http == HttpVersion::Auto => {
                let stream = self.connect(authority, 443, deadline).await?;
                self.in_time(deadline, secure.handshake(host, stream, Offer::Http2)).await?
            }
            shaken => shaken,
        };
        let stream = shaken.map_err(|failed| failed.explained(host))?;
        if stream.get_ref().1.alpn_protocol() == Some(HTTP_2) {
            return Ok(Dialled::Http2(Box::new(stream)));
        }
        http1(stream).await
    }

    async fn connect(&self, authority: &Authority, port: u16, due: Instant) -> Result<TcpStream, Error> {
        let host = bare(authority.host());
        let connecting = address::connect(host, authority.port_u16().unwrap_or(port));
        let Some(connected) = in_time(due, pin!(connecting)).await else {
            let message =
                format!("the upstream did not accept a connection in {} s", self.timeout.as_secs_f32());
            return Err(Error::new(Kind::UpstreamTimeout, message));
        };
        let stream = connected.map_err(|error| failed(&error))?;
        stream.set_nodelay(true).map_err(|error| failed(&error))?;
        Ok(stream)
    }

    async fn in_time<T>(&self, due: Instant, handshake: impl Future<Output = T>) -> Result<T, Error> {
        in_time(due, pin!(handshake)).await.ok_or_else(|| {
            let message = format!(
                "the upstream accepted a connection, but no TLS handshake came about in {} s",
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

/// A host without the brackets of an IPv6 address.
fn bare(host: &str) -> &str {
    host.trim_start_matches('[').trim_end_matches(']')
}

async fn http1(stream: impl Io + 'static) -> Result<Dialled, Error> {
    let (stream, read) = Watched::new(stream);
    let (sender, driver) = hyper::client::conn::http1::Builder::new()
        .max_buf_size(BUFFER_MAX)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|error| failed(&error))?;
    Ok(Dialled::Http1(Connection::new(sender, driver, read)))
}

fn failed(reason: &dyn std::fmt::Display) -> Error {
    Error::new(Kind::Upstream, format!("the connection to the upstream failed: {reason}"))
}
