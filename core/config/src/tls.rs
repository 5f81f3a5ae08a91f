//! Certificates and keys, read from their files with the configuration, so that a reload takes renewed ones and refuses
//! broken ones: the gateway's own before its clients, and before upstreams.

use std::hash::{Hash, Hasher};
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, Error, RootCertStore, ServerConfig};
use sha2::{Digest, Sha256};

/// Why TLS can't be spoken.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct TlsError {
    /// Which setting is to blame: `cert`, `key`, `ca`, `client_cert` or `client_key`.
    pub setting: &'static str,
    message: String,
}

/// Reads a certificate chain and its key, both PEM, and sees that they belong together; HTTP/2 and HTTP/1.1 are offered.
///
/// # Errors
///
/// When either can't be read or used.
pub(super) fn load(cert: &Path, key: &Path) -> Result<ServerConfig, TlsError> {
    let chain = certificates("cert", cert)?;
    let private = private_key("key", key)?;
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, private))
        .map_err(|error| unusable(["cert", "key"], cert, key, &error))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

/// Whom a gateway trusts before upstreams beside the system's authorities, and what it shows of itself. Two are equal
/// when all their certificates and keys are.
#[derive(Clone, Default)]
pub struct Identity {
    authorities: Vec<CertificateDer<'static>>,
    own: Option<Own>,
    digest: [u8; 32],
}

/// A certificate that is shown to those who ask for one.
#[derive(Clone)]
struct Own {
    chain: Vec<CertificateDer<'static>>,
    key: Arc<PrivateKeyDer<'static>>,
}

impl Identity {
    /// Reads the authorities, and a certificate chain with its key, all PEM.
    ///
    /// # Errors
    ///
    /// When one of them can't be read or used, or when certificate and key don't belong together.
    pub fn load(ca: Option<&Path>, own: Option<(&Path, &Path)>) -> Result<Self, TlsError> {
        let mut identity = Self::default();
        if let Some(ca) = ca {
            identity.authorities = certificates("ca", ca)?;
            let mut store = RootCertStore::empty();
            for authority in &identity.authorities {
                store.add(authority.clone()).map_err(|error| TlsError {
                    setting: "ca",
                    message: format!("a certificate in {} can't be an authority: {error}", ca.display()),
                })?;
            }
        }
        if let Some((cert, key)) = own {
            let chain = certificates("client_cert", cert)?;
            let private = Arc::new(private_key("client_key", key)?);
            identity.own = Some(Own { chain, key: private });
            identity
                .client_config(RootCertStore::empty())
                .map_err(|error| unusable(["client_cert", "client_key"], cert, key, &error))?;
        }
        identity.digest = identity.digest();
        Ok(identity)
    }

    /// TLS towards upstreams, trusting these roots and its own authorities.
    ///
    /// # Errors
    ///
    /// When certificate and key don't belong together.
    pub fn client_config(&self, mut roots: RootCertStore) -> Result<ClientConfig, Error> {
        roots.add_parsable_certificates(self.authorities.iter().cloned());
        let builder = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots);
        match &self.own {
            Some(own) => builder.with_client_auth_cert(own.chain.clone(), own.key.clone_key()),
            None => Ok(builder.with_no_client_auth()),
        }
    }

    /// Whether authorities beside the system's are trusted.
    #[must_use]
    pub fn has_authorities(&self) -> bool {
        !self.authorities.is_empty()
    }

    fn digest(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        let chain = self.own.iter().flat_map(|own| &own.chain);
        for (kind, der) in self.authorities.iter().map(|der| (0, der)).chain(chain.map(|der| (1, der))) {
            hash.update([kind]);
            hash.update((der.len() as u64).to_le_bytes());
            hash.update(der);
        }
        if let Some(own) = &self.own {
            hash.update(own.key.secret_der());
        }
        hash.finalize().into()
    }
}

impl PartialEq for Identity {
    fn eq(&self, other: &Self) -> bool {
        self.digest == other.digest
    }
}

impl Eq for Identity {}

impl Hash for Identity {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.digest.hash(state);
    }
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Identity({} authorities, own: {})", self.authorities.len(), self.own.is_some())
    }
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

fn certificates(setting: &'static str, path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let chain = CertificateDer::pem_file_iter(path)
        .and_then(|each| each.collect::<Result<Vec<_>, _>>())
        .map_err(|error| unreadable(setting, path, "certificate", &error))?;
    if chain.is_empty() {
        return Err(unreadable(setting, path, "certificate", &pem::Error::NoItemsFound));
    }
    Ok(chain)
}

fn private_key(setting: &'static str, path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    PrivateKeyDer::from_pem_file(path).map_err(|error| unreadable(setting, path, "private key", &error))
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

/// `settings` are those of the certificate and of its key.
fn unusable(settings: [&'static str; 2], cert: &Path, key: &Path, error: &Error) -> TlsError {
    let (cert, key) = (cert.display(), key.display());
    let [of_cert, of_key] = settings;
    let (setting, message) = match error {
        Error::InconsistentKeys(_) => {
            (of_key, format!("the key {key} does not belong to the certificate {cert}"))
        }
        Error::InvalidCertificate(why) => (of_cert, format!("the certificate {cert} can't be used: {why:?}")),
        other => (of_key, format!("the key {key} can't be used: {other}")),
    };
    TlsError { setting, message }
}
