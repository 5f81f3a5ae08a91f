//! A certificate authority of a test's own, and an upstream's plain address behind TLS.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, OnceLock};

use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig};

use crate::place::{Folder, lone_hosts, workspace};

/// A certificate for localhost by its name and its addresses, and the authority that signed it; PEM files.
pub struct Certificate {
    /// The certificate.
    pub cert: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// The certificate of the authority.
    pub authority: PathBuf,
}

impl Certificate {
    /// Makes one in a folder.
    #[must_use]
    pub fn make(folder: &Path) -> Self {
        let at = |name: &str| folder.join(name);
        let (authority, authority_key) = (at("authority.pem"), at("authority.key"));
        openssl(&["-subj", "/CN=authority"], &authority, &authority_key, &[]);
        let signer = [Path::new("-CA"), &authority, Path::new("-CAkey"), &authority_key];
        let hosts: String = lone_hosts().map(|host| format!(",IP:{host}")).collect();
        let names = format!("subjectAltName=IP:127.0.0.1,IP:::1,DNS:localhost{hosts}");
        let names = ["-subj", "/CN=localhost", "-addext", &names];
        let leaf = [&names[..], &["-addext", "basicConstraints=CA:FALSE"]].concat();
        let (cert, key) = (at("cert.pem"), at("key.pem"));
        openssl(&leaf, &cert, &key, &signer);
        Self { cert, key, authority }
    }

    /// The one that every upstream of the suite has, put into a folder.
    #[must_use]
    pub fn of_the_suite(folder: &Path) -> Self {
        static MADE: OnceLock<[Vec<u8>; 3]> = OnceLock::new();
        let made = MADE.get_or_init(|| {
            let folder = Folder::new();
            let one = Self::make(&folder.0);
            [&one.cert, &one.key, &one.authority].map(|path| std::fs::read(path).unwrap())
        });
        let [cert, key, authority] = ["cert.pem", "key.pem", "authority.pem"].map(|name| folder.join(name));
        for (path, bytes) in [&cert, &key, &authority].into_iter().zip(made) {
            std::fs::write(path, bytes).unwrap();
        }
        Self { cert, key, authority }
    }

    /// How a server with it speaks TLS, and the protocols that it offers, best first.
    #[must_use]
    pub fn server(&self, protocols: &[&str]) -> Arc<ServerConfig> {
        let chain = CertificateDer::pem_file_iter(&self.cert).unwrap().map(Result::unwrap).collect();
        let key = PrivateKeyDer::from_pem_file(&self.key).unwrap();
        let builder = ServerConfig::builder_with_provider(default_provider().into());
        let builder = builder.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
        let mut config = builder.with_single_cert(chain, key).unwrap();
        config.alpn_protocols = protocols.iter().map(|protocol| (*protocol).into()).collect();
        config.into()
    }

    /// The settings of a gateway that is reached by it.
    #[must_use]
    pub fn settings(&self) -> String {
        format!("server.tls = {{ cert = {:?}, key = {:?} }}\n", self.cert, self.key)
    }
}

/// How a client speaks TLS that trusts this authority, and the one protocol that it offers.
#[must_use]
pub fn client(authority: &Path, protocol: &str) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(authority).unwrap()).unwrap();
    let builder = ClientConfig::builder_with_provider(default_provider().into());
    let builder = builder.with_safe_default_protocol_versions().unwrap().with_root_certificates(roots);
    let mut config = builder.with_no_client_auth();
    config.alpn_protocols = vec![protocol.into()];
    config.into()
}

fn openssl(subject: &[&str], cert: &Path, key: &Path, signer: &[&Path]) {
    let curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"];
    let mut command = Command::new("openssl");
    command.args(["req", "-x509"]).args(curve).args(subject).args(signer);
    let made = command.arg("-keyout").arg(key).arg("-out").arg(cert).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

/// A front of TLS, HTTP/1.1 alone, before a plain address.
pub struct Front {
    /// Where it listens.
    pub address: String,
    child: Child,
}

impl Front {
    /// Starts one.
    #[must_use]
    pub fn start(certificate: &Certificate, plain: &str) -> Self {
        let mut command = Command::new("python3");
        command
            .arg(workspace().join("tests/clients/tls_front.py"))
            .args([&certificate.cert, &certificate.key]);
        let mut child = command.arg(plain).stdout(Stdio::piped()).spawn().unwrap();
        let mut address = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut address).unwrap();
        Self { address: address.trim().to_owned(), child }
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
