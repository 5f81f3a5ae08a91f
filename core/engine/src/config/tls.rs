//! TLS for clients: the certificate chain and its key, read from their files.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{Error, ServerConfig};

/// Why TLS can't be served.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct TlsError {
    /// Which setting is to blame: `cert` or `key`.
    pub setting: &'static str,
    message: String,
}

/// Reads a certificate chain and its key, both PEM, and sees that they belong together.
///
/// # Errors
///
/// When either can't be read or used.
pub fn load(cert: &Path, key: &Path) -> Result<ServerConfig, TlsError> {
    let chain = CertificateDer::pem_file_iter(cert)
        .and_then(|each| each.collect::<Result<Vec<_>, _>>())
        .map_err(|error| unreadable("cert", cert, "certificate", &error))?;
    if chain.is_empty() {
        return Err(unreadable("cert", cert, "certificate", &pem::Error::NoItemsFound));
    }
    let private =
        PrivateKeyDer::from_pem_file(key).map_err(|error| unreadable("key", key, "private key", &error))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, private))
        .map_err(|error| unusable(cert, key, &error))
}

fn unreadable(setting: &'static str, path: &Path, what: &str, error: &pem::Error) -> TlsError {
    let path = path.display();
    let message = match error {
        pem::Error::NoItemsFound => format!("the file {path} has no {what} in PEM"),
        pem::Error::Io(error) => format!("the file {path} can't be read: {error}"),
        // What else it says may repeat the file's text.
        _ => format!("the file {path} is not the PEM of a {what}"),
    };
    TlsError { setting, message }
}

fn unusable(cert: &Path, key: &Path, error: &Error) -> TlsError {
    let (cert, key) = (cert.display(), key.display());
    let (setting, message) = match error {
        Error::InconsistentKeys(_) => {
            ("key", format!("the key {key} does not belong to the certificate {cert}"))
        }
        Error::InvalidCertificate(why) => ("cert", format!("the certificate {cert} can't be used: {why:?}")),
        other => ("key", format!("the key {key} can't be used: {other}")),
    };
    TlsError { setting, message }
}
