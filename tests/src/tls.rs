//! A certificate authority of a test's own, and an upstream's plain address behind TLS.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::place::workspace;

/// A certificate for 127.0.0.1 and localhost, and the authority that signed it; PEM files.
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
        let names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"];
        let leaf = [&names[..], &["-addext", "basicConstraints=CA:FALSE"]].concat();
        let (cert, key) = (at("cert.pem"), at("key.pem"));
        openssl(&leaf, &cert, &key, &signer);
        Self { cert, key, authority }
    }

    /// The settings of a gateway that is reached by it.
    #[must_use]
    pub fn settings(&self) -> String {
        format!("server.tls = {{ cert = {:?}, key = {:?} }}\n", self.cert, self.key)
    }
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
