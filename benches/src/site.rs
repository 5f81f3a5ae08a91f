//! Where a server is, and how it is spoken to.

use std::net::SocketAddr;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::Result;
use crate::certificate::NAME;

/// Bytes either way.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// A server that clients connect to.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// How TLS is spoken, where it is.
    pub(crate) tls: Option<Arc<ClientConfig>>,
}

impl Site {
    /// Connects.
    pub(crate) async fn connect(&self) -> Result<Box<dyn Stream>> {
        let address = self.address;
        let stream = TcpStream::connect(address)
            .await
            .map_err(|error| format!("can't connect to {address}: {error}"))?;
        stream.set_nodelay(true)?;
        let Some(config) = &self.tls else { return Ok(Box::new(stream)) };
        let connector = TlsConnector::from(Arc::clone(config));
        let stream = connector
            .connect(ServerName::try_from(NAME)?, stream)
            .await
            .map_err(|error| format!("no TLS with {address}: {error}"))?;
        Ok(Box::new(stream))
    }
}
