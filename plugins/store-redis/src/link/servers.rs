//! Where the servers are, and how each is logged in to.

use std::fmt;
use std::time::Duration;

use redis::io::tcp::{TcpSettings, socket2};
use redis::{Client, ConnectionAddr, ConnectionInfo, IntoConnectionInfo, ProtocolVersion, TlsCertificates};

/// After how long a silence the kernel asks whether the other side is there, and how often it does until it gives up.
const KEEPALIVE: Duration = Duration::from_secs(10);
const KEEPALIVE_EVERY: Duration = Duration::from_secs(5);
const KEEPALIVE_TIMES: u32 = 3;

/// How long what was sent may stay without the kernel's acknowledgement.
const UNACKNOWLEDGED: Duration = Duration::from_secs(15);

/// A host, and a port of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl Place {
    /// What a node says of another one, as `host:port`; one without a host is where that node is.
    pub(super) fn told(text: &str, by: &Self) -> Option<Self> {
        let (host, port) = text.rsplit_once(':')?;
        Some(Self { host: by.host_or(host), port: port.parse().ok()? })
    }

    /// A host as a node tells it: its own where it says none.
    pub(super) fn host_or(&self, host: &str) -> String {
        if host.is_empty() || host == "?" { self.host.clone() } else { host.to_owned() }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port } = self;
        if host.contains(':') { write!(f, "[{host}]:{port}") } else { write!(f, "{host}:{port}") }
    }
}

/// The servers that the settings name: one, or some of a cluster.
#[derive(Clone)]
pub(crate) struct Servers(Vec<ConnectionInfo>);

impl Servers {
    /// Those of these URLs, trusting these certificates in place of the system's.
    ///
    /// # Errors
    ///
    /// Which of the URLs is wrong, and why, in words without the URL.
    pub(crate) fn new(urls: &[&str], ca: Option<&[u8]>) -> Result<Self, (usize, String)> {
        let one = |(at, url): (usize, &&str)| parse(url, ca).map_err(|why| (at, why));
        let servers: Vec<_> = urls.iter().enumerate().map(one).collect::<Result<_, _>>()?;
        if servers.iter().any(is_encrypted) {
            // The crate takes the process's own, and panics at the first connection where there is none. One that is
            // installed already is as good.
            let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        }
        Ok(Self(servers))
    }

    /// Whether any is reached over TLS.
    pub(crate) fn are_encrypted(&self) -> bool {
        self.0.iter().any(is_encrypted)
    }

    /// Whether some are reached over TLS and others are not.
    pub(crate) fn are_mixed(&self) -> bool {
        self.are_encrypted() && !self.0.iter().all(is_encrypted)
    }

    /// The numbers of the databases that they name.
    pub(crate) fn databases(&self) -> impl Iterator<Item = i64> {
        self.0.iter().map(|server| server.redis_settings().db())
    }

    /// Where they are.
    pub(super) fn places(&self) -> impl Iterator<Item = Place> {
        self.0.iter().filter_map(place)
    }

    /// What connects to a place: a node that is not named is logged in to as the first one is.
    pub(super) fn client(&self, at: &Place) -> redis::RedisResult<Client> {
        let named = self.0.iter().find(|server| place(server).as_ref() == Some(at));
        let Some(server) = named.or(self.0.first()) else {
            return Err((redis::ErrorKind::InvalidClientConfig, "there is no server").into());
        };
        let mut addr = server.addr().clone();
        match &mut addr {
            ConnectionAddr::Tcp(host, port) | ConnectionAddr::TcpTls { host, port, .. } => {
                host.clone_from(&at.host);
                *port = at.port;
            }
            _ => {}
        }
        Client::open(server.clone().set_addr(addr))
    }
}

impl fmt::Debug for Servers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let places: Vec<_> = self.places().map(|place| place.to_string()).collect();
        f.write_str(&places.join(", "))
    }
}

fn place(server: &ConnectionInfo) -> Option<Place> {
    match server.addr() {
        ConnectionAddr::Tcp(host, port) | ConnectionAddr::TcpTls { host, port, .. } => {
            Some(Place { host: host.clone(), port: *port })
        }
        _ => None,
    }
}

fn is_encrypted(server: &ConnectionInfo) -> bool {
    matches!(server.addr(), ConnectionAddr::TcpTls { .. })
}

/// What a URL says, with what no URL can say.
fn parse(url: &str, ca: Option<&[u8]>) -> Result<ConnectionInfo, String> {
    let told = |error: redis::RedisError| error.to_string();
    let mut server = url.into_connection_info().map_err(told)?;
    if let (Some(ca), ConnectionAddr::TcpTls { .. }) = (ca, server.addr()) {
        let certificates = TlsCertificates { client_tls: None, root_cert: Some(ca.to_vec()) };
        server = Client::build_with_tls(server, certificates).map_err(told)?.get_connection_info().clone();
    }
    let keepalive = socket2::TcpKeepalive::new()
        .with_time(KEEPALIVE)
        .with_interval(KEEPALIVE_EVERY)
        .with_retries(KEEPALIVE_TIMES);
    let tcp =
        TcpSettings::default().set_nodelay(true).set_keepalive(keepalive).set_user_timeout(UNACKNOWLEDGED);
    // Without it a dead connection is noticed only by the next command, which is lost.
    let redis = server.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
    Ok(server.set_tcp_settings(tcp).set_redis_settings(redis))
}

#[cfg(test)]
mod tests {
    use super::{Place, Servers};

    #[test]
    fn nodes_are_told_by_others_with_and_without_a_host() {
        let by = Place { host: "a".to_owned(), port: 1 };
        for (text, host, port) in
            [("b:2", "b", 2), (":2", "a", 2), ("?:2", "a", 2), ("::1:6379", "::1", 6379), ("b.c:2", "b.c", 2)]
        {
            assert_eq!(Place::told(text, &by), Some(Place { host: host.to_owned(), port }), "{text}");
        }
        for text in ["", "b", "b:", "b:x", "b:70000"] {
            assert_eq!(Place::told(text, &by), None, "{text}");
        }
    }

    #[test]
    fn a_node_is_logged_in_to_as_its_url_says_or_else_the_first() {
        let servers = Servers::new(&["redis://u:one@a:1/", "redis://:two@b:2/"], None).unwrap();
        for (host, port, password) in [("a", 1, "one"), ("b", 2, "two"), ("c", 3, "one"), ("a", 2, "one")] {
            let client = servers.client(&Place { host: host.to_owned(), port }).unwrap();
            let info = client.get_connection_info();
            assert_eq!(info.redis_settings().password(), Some(password));
            assert_eq!(info.addr().to_string(), format!("{host}:{port}"));
        }
        assert!(!format!("{servers:?}").contains("one"));
    }
}
