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

/// What a certificate is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It is right.
    Usual,
    /// For another name.
    OtherName,
    /// It was valid once.
    Expired,
    /// It will be valid.
    NotYet,
    /// Nobody signed it but itself.
    SelfSigned,
}

impl Certificate {
    /// Makes one in a folder, whose name is the authority's.
    #[must_use]
    pub fn make(folder: &Path) -> Self {
        let authority = folder.join("authority.pem");
        let name = format!("/CN={}", folder.file_name().unwrap().display());
        openssl(&["-subj", &name], &authority, &folder.join("authority.key"), &[]);
        Self::signed(folder, authority, Kind::Usual)
    }

    /// Another one of the same authority, made in another folder.
    #[must_use]
    pub fn another(&self, folder: &Path, kind: Kind) -> Self {
        Self::signed(folder, self.authority.clone(), kind)
    }

    fn signed(folder: &Path, authority: PathBuf, kind: Kind) -> Self {
        let (cert, key) = (folder.join("cert.pem"), folder.join("key.pem"));
        let authority_key = authority.with_extension("key");
        let signer = [Path::new("-CA"), &authority, Path::new("-CAkey"), &authority_key];
        let hosts: String = lone_hosts().map(|host| format!(",IP:{host}")).collect();
        let name = match kind {
            Kind::OtherName => "subjectAltName=DNS:elsewhere.example".to_owned(),
            _ => format!("subjectAltName=IP:127.0.0.1,IP:::1,DNS:localhost{hosts}"),
        };
        let leaf =
            ["-subj", "/CN=one of the suite", "-addext", &name, "-addext", "basicConstraints=CA:FALSE"];
        match kind {
            // As openssl makes them where nothing is said: an authority, and a server too.
            Kind::SelfSigned => openssl(&leaf[..4], &cert, &key, &[]),
            Kind::Expired => dated(&cert, &key, &authority, ["20200101000000Z", "20200102000000Z"]),
            Kind::NotYet => dated(&cert, &key, &authority, ["20990101000000Z", "20990102000000Z"]),
            _ => openssl(&leaf, &cert, &key, &signer),
        }
        Self { cert, key, authority }
    }

    /// The one that every upstream of the suite has, put into a folder.
    #[must_use]
    pub fn of_the_suite(folder: &Path) -> Self {
        let [cert, key, authority] = ["cert.pem", "key.pem", "authority.pem"].map(|name| folder.join(name));
        for (path, bytes) in [&cert, &key, &authority].into_iter().zip(suite()) {
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

/// The suite's certificate, its key and its authority, made once.
fn suite() -> &'static [Vec<u8>; 3] {
    static MADE: OnceLock<[Vec<u8>; 3]> = OnceLock::new();
    MADE.get_or_init(|| {
        let folder = Folder::new();
        let one = Certificate::make(&folder.0);
        [&one.cert, &one.key, &one.authority].map(|path| std::fs::read(path).unwrap())
    })
}

/// How a client speaks TLS that trusts the suite's authority, and the one protocol that it offers.
#[must_use]
pub fn client_of_the_suite(protocol: &str) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(&suite()[2]).unwrap()).unwrap();
    let builder = ClientConfig::builder_with_provider(default_provider().into());
    let builder = builder.with_safe_default_protocol_versions().unwrap().with_root_certificates(roots);
    let mut config = builder.with_no_client_auth();
    config.alpn_protocols = vec![protocol.into()];
    config.into()
}

/// The certificate that a server shows, PEM.
#[must_use]
pub fn shown(address: &str) -> String {
    let mut command = Command::new("openssl");
    command.args(["s_client", "-connect", address]).stdin(Stdio::null()).stderr(Stdio::null());
    let told = String::from_utf8(command.output().unwrap().stdout).unwrap();
    let (begin, end) = ("-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----\n");
    let at = told.find(begin).unwrap_or_else(|| panic!("no certificate: {told}"));
    let length = told[at..].find(end).unwrap() + end.len();
    told[at..at + length].to_owned()
}

fn openssl(subject: &[&str], cert: &Path, key: &Path, signer: &[&Path]) {
    let curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"];
    let mut command = Command::new("openssl");
    command.args(["req", "-x509"]).args(curve).args(subject).args(signer);
    run(command.arg("-keyout").arg(key).arg("-out").arg(cert));
}

/// A certificate of a given time, for which `openssl req` has no option; PEM files.
fn dated(cert: &Path, key: &Path, authority: &Path, [from, to]: [&str; 2]) {
    let folder = cert.parent().unwrap();
    let at = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let index = at("index.txt", "");
    let settings = format!(
        "[ca]\ndefault_ca = d\n[d]\ndatabase = {}\nnew_certs_dir = {}\nrand_serial = yes\ndefault_md = sha256\n\
         policy = p\n[p]\ncommonName = supplied\n",
        index.display(),
        folder.display()
    );
    let settings = at("ca.conf", &settings);
    let extensions =
        at("extensions", "subjectAltName = IP:127.0.0.1, DNS:localhost\nbasicConstraints = CA:FALSE\n");
    let request = folder.join("request.pem");
    let curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=localhost"];
    run(Command::new("openssl")
        .args(["req", "-new"])
        .args(curve)
        .arg("-keyout")
        .arg(key)
        .arg("-out")
        .arg(&request));
    let mut command = Command::new("openssl");
    command.args(["ca", "-batch", "-notext", "-startdate", from, "-enddate", to]);
    for (option, path) in [
        ("-config", settings.as_path()),
        ("-extfile", &extensions),
        ("-in", &request),
        ("-out", cert),
        ("-cert", authority),
        ("-keyfile", &authority.with_extension("key")),
    ] {
        command.arg(option).arg(path);
    }
    run(&mut command);
}

fn run(command: &mut Command) {
    let made = command.output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

/// A front of TLS before a plain address, for HTTP/1.1 where nothing else is said.
pub struct Front {
    /// Where it listens.
    pub address: String,
    child: Child,
}

impl Front {
    /// Starts one.
    #[must_use]
    pub fn start(certificate: &Certificate, plain: &str) -> Self {
        Self::with(certificate, plain, &[])
    }

    /// Starts one that asks for certificates of a `--client-ca`, speaks `--old` versions or `--1.2` alone, or `--h2`.
    #[must_use]
    pub fn with(certificate: &Certificate, plain: &str, more: &[&str]) -> Self {
        let mut command = Command::new("python3");
        command
            .arg(workspace().join("tests/clients/tls_front.py"))
            .args([&certificate.cert, &certificate.key]);
        let mut child = command.arg(plain).args(more).stdout(Stdio::piped()).spawn().unwrap();
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
