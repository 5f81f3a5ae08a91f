//! Where a request comes from: the peer of its connection, or who a trusted proxy says it is.

pub mod hosts;

use std::net::{IpAddr, SocketAddr};

use http::HeaderMap;
use ipnet::IpNet;

/// The header in which proxies list whom a request came through: each adds its own peer behind the others.
const FORWARDED_FOR: &str = "x-forwarded-for";

/// A client's address.
///
/// The server puts it into the extensions of every request before any handler sees that, so that it is there for
/// records, logs and audit lines: `request.extensions().get::<ClientAddress>()`. IPv4 is told as IPv4, also on a
/// listener of IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClientAddress(pub IpAddr);

impl ClientAddress {
    /// Who asks: the peer, or, where that is a trusted proxy, the last address in `x-forwarded-for` that is no trusted
    /// proxy's. What stands before that is the client's own word and is not looked at.
    #[must_use]
    pub fn of(peer: IpAddr, headers: &HeaderMap, trusted: &TrustedProxies) -> Self {
        let mut client = peer.to_canonical();
        if trusted.contain(client) {
            let lines = headers.get_all(FORWARDED_FOR).iter();
            let told: Vec<&str> =
                lines.flat_map(|line| line.to_str().unwrap_or_default().split(',')).collect();
            for hop in told.into_iter().rev() {
                // What is no address, like `unknown`, hides whoever stands behind it.
                let Some(address) = address(hop) else { break };
                client = address;
                if !trusted.contain(client) {
                    break;
                }
            }
        }
        Self(client)
    }
}

/// An address as proxies write it: with a port too, and IPv6 in brackets then.
fn address(hop: &str) -> Option<IpAddr> {
    let hop = hop.trim();
    let alone = hop.strip_prefix('[').and_then(|hop| hop.strip_suffix(']')).unwrap_or(hop);
    let parsed =
        alone.parse::<IpAddr>().or_else(|_| hop.parse::<SocketAddr>().map(|with_port| with_port.ip()));
    parsed.ok().map(|address| address.to_canonical())
}

/// Networks whose members say truly for whom they ask.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    /// A network, like `10.0.0.0/8`, or one address alone.
    #[must_use]
    pub fn network(text: &str) -> Option<IpNet> {
        text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
    }

    /// Whether an address is in one of them.
    #[must_use]
    pub fn contain(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }
}

impl FromIterator<IpNet> for TrustedProxies {
    fn from_iter<I: IntoIterator<Item = IpNet>>(networks: I) -> Self {
        Self(networks.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::{ClientAddress, TrustedProxies};
    use http::{HeaderMap, HeaderValue};

    fn check(peer: &str, forwarded: &[&'static str], client: &str) {
        let trusted: TrustedProxies = ["10.0.0.0/8", "127.0.0.1", "fd00::/8"]
            .into_iter()
            .map(|text| TrustedProxies::network(text).unwrap())
            .collect();
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append("x-forwarded-for", HeaderValue::from_static(line));
        }
        let found = ClientAddress::of(peer.parse().unwrap(), &headers, &trusted);
        assert_eq!(found.0, client.parse::<std::net::IpAddr>().unwrap(), "{peer} {forwarded:?}");
    }

    #[test]
    fn only_a_trusted_proxy_says_for_whom_it_asks() {
        check("192.0.2.1", &[], "192.0.2.1");
        check("192.0.2.1", &["198.51.100.7"], "192.0.2.1");
        check("10.1.2.3", &["198.51.100.7"], "198.51.100.7");
        check("::ffff:10.1.2.3", &["198.51.100.7"], "198.51.100.7");
        check("fd00::1", &["2001:db8::7"], "2001:db8::7");
        check("10.1.2.3", &[], "10.1.2.3");
    }

    #[test]
    fn what_a_client_itself_wrote_before_its_proxy_is_not_believed() {
        check("127.0.0.1", &["203.0.113.9, 198.51.100.7"], "198.51.100.7");
        check("127.0.0.1", &["203.0.113.9", "198.51.100.7, 10.9.9.9"], "198.51.100.7");
        check("127.0.0.1", &["203.0.113.9, unknown, 10.9.9.9"], "10.9.9.9");
        check("127.0.0.1", &["10.1.1.1,10.9.9.9"], "10.1.1.1");
        check("127.0.0.1", &[""], "127.0.0.1");
    }

    #[test]
    fn an_address_may_have_a_port_and_brackets() {
        check("127.0.0.1", &["198.51.100.7:4711"], "198.51.100.7");
        check("127.0.0.1", &["[2001:db8::7]:4711"], "2001:db8::7");
        check("127.0.0.1", &["[2001:db8::7]"], "2001:db8::7");
        check("127.0.0.1", &["::ffff:198.51.100.7"], "198.51.100.7");
    }

    #[test]
    fn a_network_is_read_with_and_without_its_length() {
        for (text, known) in [("10.0.0.0/8", true), ("::1", true), ("10.0.0.0/33", false), ("proxy", false)] {
            assert_eq!(TrustedProxies::network(text).is_some(), known, "{text}");
        }
    }
}
