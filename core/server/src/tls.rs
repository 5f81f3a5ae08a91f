//! TLS for clients, where a certificate is configured.

use std::io;
use std::path::Path;
use std::sync::Arc;

use sluice_engine::config::load_tls;
use tokio_rustls::TlsAcceptor;

/// Reads a certificate chain and its key, both PEM; HTTP/2 and HTTP/1.1 are offered.
pub(crate) fn acceptor(cert: &Path, key: &Path) -> io::Result<TlsAcceptor> {
    let mut config =
        load_tls(cert, key).map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}
