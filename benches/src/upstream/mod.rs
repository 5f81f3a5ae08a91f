//! The upstream: answers that are ready in memory, over HTTP/1.1 with and without TLS and over HTTP/2, at a fraction of
//! what a proxy costs.

mod answers;
mod http1;
mod http2;

use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_rustls::TlsAcceptor;

use self::answers::Answers;
use crate::Result;
use crate::certificate::{self, HTTP1, HTTP2};
use crate::way::Wire;

/// Connections that may wait to be accepted, as nginx is told too: thousands of streams open at once.
const BACKLOG: u32 = 4096;

/// Where it listens.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Addresses {
    plain: SocketAddr,
    tls: SocketAddr,
    http2: SocketAddr,
}

impl Addresses {
    /// Where this is spoken.
    pub(crate) fn of(&self, wire: Wire) -> SocketAddr {
        match wire {
            Wire::Plain => self.plain,
            Wire::Tls => self.tls,
            Wire::Http2 => self.http2,
        }
    }

    /// Reads them from the upstream's first line.
    pub(crate) fn read(line: &str) -> Result<Self> {
        let addresses: Vec<SocketAddr> =
            line.split_whitespace().map(str::parse).collect::<std::result::Result<_, _>>()?;
        let &[plain, tls, http2] = addresses.as_slice() else {
            return Err("the upstream did not start".into());
        };
        Ok(Self { plain, tls, http2 })
    }

    fn line(&self) -> String {
        format!("{} {} {}", self.plain, self.tls, self.http2)
    }
}

/// Serves on free ports, which the first line of standard output tells.
pub(crate) async fn serve(cert: &Path, key: &Path) -> Result<()> {
    let (plain, tls, http2) = (listen()?, listen()?, listen()?);
    let addresses =
        Addresses { plain: plain.local_addr()?, tls: tls.local_addr()?, http2: http2.local_addr()? };
    println!("{}", addresses.line());
    let answers = &Arc::new(Answers::new());
    let acceptor = |protocol| Result::Ok(TlsAcceptor::from(certificate::server(cert, key, protocol)?));
    let (over_tls, over_http2) = (acceptor(HTTP1)?, acceptor(HTTP2)?);
    tokio::try_join!(
        accept(plain, |stream| {
            let answers = Arc::clone(answers);
            async move { http1::converse(stream, &answers).await }
        }),
        accept(tls, |stream| {
            let (answers, accepting) = (Arc::clone(answers), over_tls.accept(stream));
            async move { http1::converse(accepting.await?, &answers).await }
        }),
        accept(http2, |stream| {
            let (answers, accepting) = (Arc::clone(answers), over_http2.accept(stream));
            async move { http2::converse(accepting.await?, &answers).await }
        }),
    )?;
    Ok(())
}

fn listen() -> Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    socket.bind((Ipv4Addr::LOCALHOST, 0).into())?;
    Ok(socket.listen(BACKLOG)?)
}

/// Accepts connections for ever.
async fn accept<C>(listener: TcpListener, converse: impl Fn(TcpStream) -> C) -> Result<()>
where
    C: Future<Output = Result<()>> + Send + 'static,
{
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let conversation = converse(stream);
        tokio::spawn(async move {
            if let Err(error) = conversation.await {
                eprintln!("upstream: {error}");
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_they_are_told() {
        let line = "127.0.0.1:1 127.0.0.1:2 127.0.0.1:3";
        let read = Addresses::read(line).unwrap();
        assert_eq!(read.line(), line);
        assert_eq!(
            [Wire::Plain, Wire::Tls, Wire::Http2].map(|wire| read.of(wire).port()),
            [1, 2, 3],
            "each by its own wire"
        );
        for wrong in ["", "127.0.0.1:1", "127.0.0.1:1 x y", "upstream: it broke"] {
            assert!(Addresses::read(wrong).is_err(), "{wrong}");
        }
    }
}
