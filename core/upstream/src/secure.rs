//! TLS towards upstreams: whom it trusts, what it offers to speak, and what its failures mean.

use std::io;
use std::sync::{Arc, OnceLock};

use rustls::client::Resumption;
use rustls::pki_types::ServerName;
use rustls::{AlertDescription, CertificateError, ClientConfig, PeerIncompatible, RootCertStore};
use sluice_api::error::{Error, Kind};
use sluice_config::tls::Identity;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::OnceCell;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::ample::{Ample, Pieces};
use super::sessions::Sessions;
use crate::tasks::Tasks;

/// The name of HTTP/1.1 in ALPN.
const HTTP_1: &[u8] = b"http/1.1";
/// The name of HTTP/2 in ALPN.
pub(super) const HTTP_2: &[u8] = b"h2";

/// The system's certificate authorities, read when they are first needed: they take a megabyte.
#[derive(Default)]
pub(super) struct Roots(OnceLock<RootCertStore>);

impl Roots {
    fn get(&self) -> RootCertStore {
        let read = || {
            let found = rustls_native_certs::load_native_certs();
            for error in &found.errors {
                tracing::warn!(%error, "some of the system's certificate authorities can't be read");
            }
            let mut roots = RootCertStore::empty();
            roots.add_parsable_certificates(found.certs);
            roots
        };
        self.0.get_or_init(read).clone()
    }
}

/// What is offered by ALPN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Offer {
    /// HTTP/1.1 alone.
    Http1,
    /// HTTP/2, and HTTP/1.1 for servers that don't speak it.
    Http2,
}

/// TLS as one identity. Its sessions are resumed, whichever account asks.
pub(super) struct Secure {
    identity: Arc<Identity>,
    roots: Arc<Roots>,
    config: OnceCell<[Arc<ClientConfig>; 2]>,
}

impl Secure {
    pub(super) fn new(identity: Arc<Identity>, roots: Arc<Roots>) -> Self {
        Self { identity, roots, config: OnceCell::new() }
    }

    /// The configuration that makes an offer. Whoever needs it first has the authorities read, which are files.
    ///
    /// # Errors
    ///
    /// When no authority is known.
    pub(super) async fn config(self: &Arc<Self>, offer: Offer) -> Result<Arc<ClientConfig>, Error> {
        let make = || {
            let secure = Arc::clone(self);
            Tasks::aside(move || secure.make())
        };
        let [first, second] = self.config.get_or_try_init(make).await?;
        Ok(Arc::clone(match offer {
            Offer::Http1 => first,
            Offer::Http2 => second,
        }))
    }

    fn make(&self) -> Result<[Arc<ClientConfig>; 2], Error> {
        let roots = self.roots.get();
        if roots.is_empty() && !self.identity.has_authorities() {
            let message = "no certificate authority is known to this system: install its ca-certificates, or name a \
                           file of them in upstream.ca";
            return Err(Error::new(Kind::Upstream, message));
        }
        let mut config = self.identity.client_config(roots).map_err(|error| {
            Error::new(Kind::Internal, format!("TLS towards upstreams can't be set up: {error}"))
        })?;
        config.alpn_protocols = vec![HTTP_1.to_vec()];
        config.resumption = Resumption::store(Arc::new(Sessions::default()));
        let mut second = config.clone();
        second.alpn_protocols = vec![HTTP_2.to_vec(), HTTP_1.to_vec()];
        Ok([Arc::new(config), Arc::new(second)])
    }

    /// Makes a connection secure.
    ///
    /// # Errors
    ///
    /// When the handshake fails.
    pub(super) async fn handshake<S: AsyncRead + AsyncWrite + Unpin>(
        self: &Arc<Self>,
        host: &str,
        stream: S,
        offer: Offer,
    ) -> Result<TlsStream<Ample<S>>, Failed> {
        let config = self.config(offer).await.map_err(Failed::Here)?;
        let name = ServerName::try_from(host.to_owned()).map_err(|_| {
            Failed::Here(Error::new(Kind::Upstream, format!("{host} is no name that a certificate can have")))
        })?;
        TlsConnector::from(config)
            .connect(name, Ample::new(stream, Pieces::default()))
            .await
            .map_err(Failed::There)
    }
}

/// Why there is no secure connection.
#[derive(Debug)]
pub(super) enum Failed {
    /// It could not be tried.
    Here(Error),
    /// The other side, or its certificate.
    There(io::Error),
}

impl Failed {
    /// Whether the server speaks none of what was offered.
    pub(super) fn is_other_protocol(&self) -> bool {
        match self {
            Self::There(error) => tls(error).is_some_and(|error| {
                matches!(error, rustls::Error::AlertReceived(AlertDescription::NoApplicationProtocol))
            }),
            Self::Here(_) => false,
        }
    }

    /// The error as an operator reads it.
    pub(super) fn explained(self, host: &str) -> Error {
        match self {
            Self::Here(error) => error,
            Self::There(error) => Error::new(Kind::Upstream, explain(&error, host)),
        }
    }
}

/// What TLS says in an error of a stream.
pub(super) fn tls(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref()
}

/// When TLS fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    Handshake,
    /// The handshake is done, as this side sees it: what a server thinks of a client's certificate it says later.
    InUse,
}

/// A failure of TLS as a sentence that says what to do; `None` where the error is none of TLS.
pub(super) fn sentence(error: &(dyn std::error::Error + 'static), host: &str, when: When) -> Option<String> {
    let error = error.downcast_ref::<rustls::Error>().or_else(|| tls(error.downcast_ref()?))?;
    let because = match error {
        rustls::Error::InvalidCertificate(why) => return Some(certificate(why, host)),
        rustls::Error::InvalidMessage(_) if when == When::Handshake => {
            "it does not speak TLS on this port: is the base URL's http or https right?".to_owned()
        }
        rustls::Error::PeerIncompatible(
            PeerIncompatible::ServerDoesNotSupportTls12Or13
            | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig,
        )
        | rustls::Error::AlertReceived(AlertDescription::ProtocolVersion) => {
            "it speaks no TLS that is still safe: version 1.2 or 1.3 is needed".to_owned()
        }
        rustls::Error::AlertReceived(AlertDescription::NoApplicationProtocol) => {
            "it speaks neither HTTP/1.1 nor HTTP/2 over TLS, or not the one that the setting `http` asks for"
                .to_owned()
        }
        rustls::Error::AlertReceived(
            AlertDescription::CertificateRequired
            | AlertDescription::BadCertificate
            | AlertDescription::UnknownCA
            | AlertDescription::CertificateUnknown
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateRevoked
            | AlertDescription::AccessDenied,
        ) => format!(
            "it refuses the gateway's own certificate, or wants one: set client_cert and client_key ({error})"
        ),
        // TLS 1.2 has no word of its own for a certificate that is missing.
        rustls::Error::AlertReceived(AlertDescription::HandshakeFailure) => format!(
            "it accepts nothing of what was offered ({error}); where it wants a certificate of the gateway, set \
             client_cert and client_key"
        ),
        rustls::Error::AlertReceived(AlertDescription::UnrecognisedName) => {
            "it does not know this name".to_owned()
        }
        other => other.to_string(),
    };
    Some(match when {
        When::Handshake => format!("the TLS handshake with {host} failed: {because}"),
        When::InUse => format!("TLS with {host} failed: {because}"),
    })
}

fn explain(error: &io::Error, host: &str) -> String {
    sentence(error, host, When::Handshake).unwrap_or_else(|| {
        if error.kind() == io::ErrorKind::UnexpectedEof {
            return format!("{host} closed the connection in the middle of the TLS handshake: does it speak TLS on this port?");
        }
        format!("the TLS handshake with {host} failed: {error}")
    })
}

fn certificate(why: &CertificateError, host: &str) -> String {
    let because = match why {
        CertificateError::UnknownIssuer => {
            "is signed by an authority that is not trusted here: where it is a private one, name its certificate in \
             `ca` (of [upstream] or of the account)"
                .to_owned()
        }
        CertificateError::Other(_) if why.to_string().contains("CaUsedAsEndEntity") => {
            "is signed by nobody but itself: let an authority sign one for it, and name that one in `ca` (of [upstream] \
             or of the account)"
                .to_owned()
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => format!("has expired ({why})"),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            format!("is not valid yet ({why}): is this machine's clock right?")
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            format!("is for another name ({why})")
        }
        CertificateError::BadSignature | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
            "is signed by another authority of the same name than the one that is trusted here: is `ca` the right file?"
                .to_owned()
        }
        CertificateError::Revoked => "was revoked".to_owned(),
        other => format!("can't be trusted: {other}"),
    };
    format!("the certificate of {host} {because}")
}
