//! A certificate for the run's servers, the authority that signed it, and TLS with both.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use rustls::crypto::aws_lc_rs::{Ticketer, default_provider};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig};

use crate::Result;
use crate::scratch::Scratch;

/// The name that it is for, beside the address 127.0.0.1.
pub(crate) const NAME: &str = "localhost";

/// What HTTP/1.1 is called when TLS begins.
pub(crate) const HTTP1: &str = "http/1.1";

/// What HTTP/2 is called when TLS begins.
pub(crate) const HTTP2: &str = "h2";

/// PEM files.
#[derive(Clone, Debug)]
pub(crate) struct Certificate {
    /// The certificate.
    pub(crate) cert: PathBuf,
    /// Its private key.
    pub(crate) key: PathBuf,
    /// The certificate of the authority.
    pub(crate) authority: PathBuf,
}

impl Certificate {
    /// Makes one.
    pub(crate) fn make(scratch: &Scratch) -> Result<Self> {
        let (authority, authority_key) = (scratch.path("authority.pem"), scratch.path("authority.key"));
        openssl(&["-subj", "/CN=authority"], &authority, &authority_key, &[])?;
        let names = format!("subjectAltName=IP:127.0.0.1,DNS:{NAME}");
        let leaf = ["-subj", "/CN=localhost", "-addext", &names, "-addext", "basicConstraints=CA:FALSE"];
        let signer = [Path::new("-CA"), &authority, Path::new("-CAkey"), &authority_key];
        let (cert, key) = (scratch.path("cert.pem"), scratch.path("key.pem"));
        openssl(&leaf, &cert, &key, &signer)?;
        Ok(Self { cert, key, authority })
    }

    /// How a client speaks TLS that trusts the authority alone.
    pub(crate) fn client(&self) -> Result<Arc<ClientConfig>> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(&self.authority)?)?;
        let builder = ClientConfig::builder_with_provider(default_provider().into());
        let builder = builder.with_safe_default_protocol_versions()?.with_root_certificates(roots);
        let mut config = builder.with_no_client_auth();
        config.alpn_protocols = vec![HTTP1.into()];
        Ok(config.into())
    }
}

/// How a server speaks TLS; sessions are resumed by tickets, as vendors' servers do it.
pub(crate) fn server(cert: &Path, key: &Path, protocol: &str) -> Result<Arc<ServerConfig>> {
    let chain = CertificateDer::pem_file_iter(cert)?.collect::<std::result::Result<_, _>>()?;
    let builder = ServerConfig::builder_with_provider(default_provider().into());
    let builder = builder.with_safe_default_protocol_versions()?.with_no_client_auth();
    let mut config = builder.with_single_cert(chain, PrivateKeyDer::from_pem_file(key)?)?;
    config.alpn_protocols = vec![protocol.into()];
    config.ticketer = Ticketer::new()?;
    Ok(config.into())
}

fn openssl(subject: &[&str], cert: &Path, key: &Path, signer: &[&Path]) -> Result<()> {
    let mut command = Command::new("openssl");
    command.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]);
    command.args(["-days", "2"]).args(subject).args(signer);
    let made = command.arg("-keyout").arg(key).arg("-out").arg(cert).output();
    match made {
        Ok(made) if made.status.success() => Ok(()),
        Ok(made) => {
            Err(format!("openssl made no certificate: {}", String::from_utf8_lossy(&made.stderr)).into())
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            Err("openssl is missing: apt-get install openssl".into())
        }
        Err(error) => Err(format!("can't run openssl: {error}").into()),
    }
}
