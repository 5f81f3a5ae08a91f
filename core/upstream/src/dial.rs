//! New connections: TCP, TLS where it is asked for, and which HTTP is spoken on them.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::uri::Authority;
use hyper_util::rt::TokioIo;
use sluice_api::error::{Error, Kind};
use sluice_config::settings::HttpVersion;
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
            Some(proxy) => Box::pin(async {
                let to = self.told(proxy, authority.host(), port, due).await?;
                self.through(proxy, &to, due).await
            })
            .await
            .map(Either::Right),
        }
    }

    /// What a proxy is told to connect to: a name, or a name's addresses, each until one is reached.
    async fn told(&self, proxy: &Proxy, host: &str, port: u16, due: Instant) -> Result<Vec<String>, Error> {
        if !proxy.wants_addresses() {
            return Ok(vec![format!("{host}:{port}")]);
        }
        let found = self.look_up("the upstream", address::bare(host), port, due).await?;
        Ok(found.iter().map(ToString::to_string).collect())
    }

    /// Connects through a proxy to the first that it reaches, each over a connection of its own to the proxy, which is
    /// of no use any more where it was refused something. Where it reaches none, the first one's reason is told.
    async fn through(&self, proxy: &Proxy, to: &[String], due: Instant) -> Result<Box<dyn Io>, Error> {
        let mut refused = None;
        for to in to {
            let stream = match self.to_proxy(proxy, due).await {
                Ok(stream) => stream,
                Err(error) => return Err(refused.unwrap_or(error)),
            };
            if self.passes_on().is_some() {
                return Ok(stream);
            }
            match in_time(due, proxy.connect(stream, to).as_mut()).await {
                Some(Ok(stream)) => return Ok(stream),
                Some(Err(error)) => refused = refused.or(Some(error)),
                None => {
                    let late = || self.timed_out("the proxy has made no connection to the upstream");
                    return Err(refused.unwrap_or_else(late));
                }
            }
        }
        Err(refused.unwrap_or_else(|| failed("the upstream", &"the name has no address")))
    }

    /// Connects to a proxy itself.
    async fn to_proxy(&self, proxy: &Proxy, due: Instant) -> Result<Box<dyn Io>, Error> {
        let (at, port) = proxy.address();
        let stream = self.reach("the proxy", at, port, due).await?;
        let Some(secure) = proxy.secure() else { return Ok(Box::new(stream)) };
        let shaken = self.in_time("the proxy", due, secure.handshake(at, stream, Offer::Http1)).await?;
        Ok(Box::new(shaken.map_err(|failed| failed.explained(at))?))
    }

    async fn look_up(
        &self,
        whom: &str,
        host: &str,
        port: u16,
        due: Instant,
    ) -> Result<Vec<SocketAddr>, Error> {
        let found = in_time(due, pin!(address::of(host, port, &self.names))).await;
        let timed_out = || self.timed_out(&format!("the name {host} could not be looked up"));
        found.ok_or_else(timed_out)?.map_err(|error| failed(whom, &error))
    }

    /// Connects to the upstream, or to the proxy before it.
    async fn reach(&self, whom: &str, host: &str, port: u16, due: Instant) -> Result<TcpStream, Error> {
        let connecting = address::race(self.look_up(whom, host, port, due).await?);
        let Some(connected) = in_time(due, pin!(connecting)).await else {
            return Err(self.timed_out(&format!("{whom} did not accept a connection")));
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
        let message = || format!("{whom} accepted a connection, but no TLS handshake came about");
        in_time(due, pin!(handshake)).await.ok_or_else(|| self.timed_out(&message()))
    }

    fn timed_out(&self, what: &str) -> Error {
        Error::new(Kind::UpstreamTimeout, format!("{what} in {} s", self.timeout.as_secs_f32()))
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    use sluice_api::error::Error;
    use sluice_api::settings::Secret;
    use sluice_config::tls::Identity;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;
    use tokio::sync::mpsc;

    use super::{Dial, Io};
    use crate::proxy::Proxy;
    use crate::secure::Secure;
    use crate::tasks::Tasks;

    /// What a request of SOCKS5 and its answer hold before the port, by their kind of address.
    const IPV4: u8 = 1;
    const IPV6: u8 = 4;
    const NOT_SUPPORTED: u8 = 8;

    /// Takes one connection at a time, tells which kind of address it is asked for on it, and connects to those of
    /// IPv4 alone.
    async fn ipv4_alone(listener: TcpListener, tells: mpsc::UnboundedSender<u8>) {
        while let Ok((mut stream, _)) = listener.accept().await {
            stream.read_exact(&mut [0; 3]).await.unwrap();
            stream.write_all(&[5, 0]).await.unwrap();
            let mut asked = [0; 4];
            stream.read_exact(&mut asked).await.unwrap();
            let length = if asked[3] == IPV4 { 4 } else { 16 };
            stream.read_exact(&mut vec![0; length + 2]).await.unwrap();
            let says = if asked[3] == IPV4 { 0 } else { NOT_SUPPORTED };
            // Before the answer: whoever has that finds all that was asked.
            let _ = tells.send(asked[3]);
            stream.write_all(&[5, says, 0, IPV4, 0, 0, 0, 0, 0, 0]).await.unwrap();
        }
    }

    /// Connects to these through such a proxy; which kinds of address it was asked for.
    async fn through(to: &[&str]) -> (Result<Box<dyn Io>, Error>, Vec<u8>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Secret::new(format!("socks5://{}", listener.local_addr().unwrap()));
        let (tells, mut told) = mpsc::unbounded_channel();
        Tasks::default().spawn(ipv4_alone(listener, tells));
        let secure = Arc::new(Secure::new(Arc::new(Identity::default()), Arc::default()));
        let proxy = Arc::new(Proxy::new(&url, secure).unwrap());
        let timeout = Duration::from_secs(20);
        let dial = Dial { timeout, secure: None, names: Arc::default(), proxy: Some(Arc::clone(&proxy)) };
        let to: Vec<String> = to.iter().map(ToString::to_string).collect();
        let connected = dial.through(&proxy, &to, Instant::now() + timeout).await;
        let mut asked = Vec::new();
        while let Ok(kind) = told.try_recv() {
            asked.push(kind);
        }
        (connected, asked)
    }

    #[tokio::test]
    async fn a_proxy_that_refuses_an_address_is_asked_for_the_next_over_a_fresh_connection() {
        let (connected, asked) = through(&["[::1]:80", "[::2]:80", "127.0.0.1:80", "127.0.0.2:80"]).await;
        assert_eq!(asked, [IPV6, IPV6, IPV4]);
        assert!(connected.is_ok());
    }

    #[tokio::test]
    async fn a_proxy_that_refuses_every_address_has_its_reason_told() {
        let (connected, asked) = through(&["[::1]:80", "[::2]:80"]).await;
        assert_eq!(asked, [IPV6, IPV6]);
        let told = connected.err().unwrap().to_string();
        assert!(told.contains("the proxy has made no connection to the upstream"), "{told}");
    }
}
