//! Which hosts are answered for: a page in a browser may reach a listener of this machine by any name that its owner
//! points here (DNS rebinding), and would then read what the listener tells this machine's own user.

use http::header::HOST;
use http::uri::Authority;
use http::{Request, Version};
use sluice_api::error::{Error, Kind};

/// Whether a request's host is one that is answered for. A listener that is reached from this machine alone answers
/// to addresses, `localhost` and the configured names; any other to every host, unless names are configured.
///
/// # Errors
///
/// 400 where a request of HTTP/1.1 has no host, two, or one that is none (RFC 9112, section 3.2); 403 for a host that is
/// not answered for.
pub fn check<B>(request: &Request<B>, names: &[String], local: bool) -> Result<(), Error> {
    let mut lines = request.headers().get_all(HOST).iter();
    let line = lines.next();
    if lines.next().is_some() {
        return Err(Error::bad_request(None, "the request has two `host` headers: send one"));
    }
    if line.is_none() && request.version() == Version::HTTP_11 {
        return Err(Error::bad_request(
            None,
            "the request has no `host` header, which HTTP/1.1 asks for: send one",
        ));
    }
    let told = match line.map(|line| Authority::try_from(line.as_bytes())) {
        Some(Ok(told)) if !told.as_str().contains('@') => Some(told),
        // The one way to say that there is none: it names nothing that could be answered for.
        Some(Err(_)) if line.is_some_and(|line| line.is_empty()) && !local => None,
        Some(_) => {
            return Err(Error::bad_request(
                None,
                "the `host` header is no host: send a name or an address, with a port where there is one",
            ));
        }
        None => None,
    };
    if !local && names.is_empty() {
        return Ok(());
    }
    for host in told.iter().chain(request.uri().authority()).map(Authority::host) {
        if !is_answered_for(host, names) {
            let message = format!(
                "this gateway does not answer to the name `{}`: add it to server.hosts, or use localhost or an address",
                host.escape_debug()
            );
            return Err(Error::new(Kind::Forbidden, message));
        }
    }
    Ok(())
}

fn is_answered_for(host: &str, names: &[String]) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    // Nobody can point an address elsewhere, and `localhost` and what ends in it is nobody's to point (RFC 6761).
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    if bare.parse::<std::net::IpAddr>().is_ok() {
        return true;
    }
    let host = host.to_ascii_lowercase();
    host == "localhost"
        || host.ends_with(".localhost")
        || names.iter().any(|name| name == "*" || name.eq_ignore_ascii_case(&host))
}

#[cfg(test)]
mod tests {
    use http::{Request, Version};
    use sluice_api::error::Kind;

    use super::check;

    fn told(version: Version, uri: &str, hosts: &[&str], local: bool) -> Result<(), Kind> {
        let mut request = Request::get(uri).version(version);
        for host in hosts {
            request = request.header("host", *host);
        }
        let names = if local { vec!["sluice.example".to_owned()] } else { Vec::new() };
        check(&request.body(()).unwrap(), &names, local).map_err(|error| error.kind())
    }

    #[test]
    fn a_local_listener_answers_to_addresses_localhost_and_configured_names() {
        for host in [
            "localhost",
            "LOCALHOST:8080",
            "localhost.",
            "a.localhost",
            "127.0.0.1",
            "127.0.0.1:8080",
            "10.0.0.9",
            "[::1]",
            "[::1]:8080",
            "Sluice.example:8080",
        ] {
            assert_eq!(told(Version::HTTP_11, "/", &[host], true), Ok(()), "{host}");
            assert_eq!(told(Version::HTTP_2, &format!("http://{host}/"), &[], true), Ok(()), "{host}");
        }
        for host in
            ["evil.example", "evil.example:8080", "localhost.evil.example", "127.0.0.1.evil.example", "x"]
        {
            assert_eq!(told(Version::HTTP_11, "/", &[host], true), Err(Kind::Forbidden), "{host}");
            let uri = format!("http://{host}/");
            assert_eq!(told(Version::HTTP_2, &uri, &[], true), Err(Kind::Forbidden), "{host}");
            assert_eq!(told(Version::HTTP_2, &uri, &["localhost"], true), Err(Kind::Forbidden), "{host}");
            assert_eq!(told(Version::HTTP_11, "/", &[host], false), Ok(()), "{host}");
        }
        assert_eq!(told(Version::HTTP_10, "/", &[], true), Ok(()));
    }

    #[test]
    fn a_request_of_http_1_1_has_one_host() {
        for (version, hosts, right) in [
            (Version::HTTP_11, &[][..], false),
            (Version::HTTP_11, &["localhost", "localhost"], false),
            (Version::HTTP_11, &["a b"], false),
            (Version::HTTP_11, &["user@localhost"], false),
            (Version::HTTP_11, &[""], true),
            (Version::HTTP_10, &[], true),
            (Version::HTTP_2, &[], true),
            (Version::HTTP_2, &["localhost", "localhost"], false),
        ] {
            let expected = if right { Ok(()) } else { Err(Kind::BadRequest) };
            assert_eq!(told(version, "/", hosts, false), expected, "{version:?} {hosts:?}");
        }
    }
}
