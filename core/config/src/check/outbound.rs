//! An account's way upstream: the headers that it sets, and the proxy that it goes through.

use std::collections::BTreeMap;

use http::header::{self, HeaderName};
use http::{HeaderMap, HeaderValue};
use sluice_api::settings::Secret;
use url::Url;

/// Headers that an account can't set: those of a connection, and those that follow from the request as it is sent.
const NOT_SET: [HeaderName; 14] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    HeaderName::from_static("proxy-connection"),
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::HOST,
    header::CONTENT_LENGTH,
    header::CONTENT_ENCODING,
    header::ACCEPT_ENCODING,
    header::EXPECT,
];

/// Schemes that a proxy may have.
const PROXY_SCHEMES: [&str; 4] = ["http", "https", "socks5", "socks5h"];

/// What a proxy is asked to look like.
const PROXY_FORM: &str = "http://HOST:PORT, https://…, socks5://… or socks5h://…, with USER:PASSWORD@ before the host where it \
                          asks for them";

/// The headers as they are sent, or what is wrong with each: its name, and a sentence that never repeats its value.
pub(super) fn headers(written: &BTreeMap<String, Secret>) -> Result<HeaderMap, Vec<(&str, String)>> {
    let mut headers = HeaderMap::new();
    let mut wrong = Vec::new();
    for (name, value) in written {
        let Ok(parsed) = name.parse::<HeaderName>() else {
            wrong.push((name.as_str(), "this is no header's name".to_owned()));
            continue;
        };
        if NOT_SET.contains(&parsed) {
            wrong.push((
                name,
                "Sluice sets this header itself, as the connection and the body need it".to_owned(),
            ));
            continue;
        }
        let Ok(mut value) = HeaderValue::from_str(value.expose()) else {
            wrong.push((name, "its value has characters that no HTTP header can carry".to_owned()));
            continue;
        };
        value.set_sensitive(true);
        if headers.insert(parsed, value).is_some() {
            wrong.push((name, "this header stands there twice: case makes no difference".to_owned()));
        }
    }
    if wrong.is_empty() { Ok(headers) } else { Err(wrong) }
}

/// Checks a proxy's URL; the sentence never repeats it, as it may hold a password.
pub(super) fn proxy(written: &Secret) -> Result<(), String> {
    let url = Url::parse(written.expose())
        .map_err(|error| format!("the proxy's URL can't be read: {error}; write {PROXY_FORM}"))?;
    let wrong = |what: &str| Err(format!("the proxy's URL {what}; write {PROXY_FORM}"));
    if !PROXY_SCHEMES.contains(&url.scheme()) {
        return wrong("has a scheme that no proxy is spoken to by");
    }
    if url.host_str().is_none_or(str::is_empty) {
        return wrong("has no host");
    }
    if url.port() == Some(0) {
        return wrong("has port 0");
    }
    if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
        return wrong("goes on after the port");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use sluice_api::settings::Secret;

    use super::{headers, proxy};

    #[test]
    fn a_proxy_is_a_url_of_four_schemes_and_its_password_is_never_repeated() {
        for (url, says) in [
            ("http://127.0.0.1:3128", None),
            ("https://u:planted@proxy.example", None),
            ("socks5h://u:planted@[::1]:1080", None),
            ("socks5://host:1080/", None),
            ("127.0.0.1:3128", Some("can't be read")),
            ("http://u:planted@host:port", Some("invalid port number")),
            ("http://u:planted@host:99999", Some("invalid port number")),
            ("http://u:planted@:3128", Some("empty host")),
            ("socks5://:1080", Some("empty host")),
            ("http://u:planted@host:0", Some("port 0")),
            ("ftp://u:planted@host", Some("has a scheme")),
            ("socks4://u:planted@host", Some("has a scheme")),
            ("http://u:planted@host/path?query", Some("goes on")),
        ] {
            let told = proxy(&Secret::new(url)).err();
            match (&told, says) {
                (None, None) => {}
                (Some(message), Some(says)) => {
                    assert!(message.contains(says) && !message.contains("planted"), "{url}: {message}");
                }
                _ => panic!("{url}: {told:?}"),
            }
        }
    }

    #[test]
    fn headers_of_the_connection_and_the_body_are_not_set() {
        for (name, value, right) in [
            ("x-team", "a", true),
            ("authorization", "Bearer planted", true),
            ("Host", "planted", false),
            ("content-length", "1", false),
            ("Transfer-Encoding", "chunked", false),
            ("connection", "close", false),
            ("proxy-authorization", "planted", false),
            ("no name", "planted", false),
            ("x-team", "planted\\n", false),
        ] {
            let written = BTreeMap::from([(name.to_owned(), Secret::new(value.replace("\\n", "\n\u{7f}")))]);
            let set = headers(&written);
            assert_eq!(set.is_ok(), right, "{name}");
            assert!(!format!("{set:?}").contains("planted"), "{set:?}");
        }
        let twice = BTreeMap::from([("X-A", "1"), ("x-a", "2")].map(|(n, v)| (n.to_owned(), Secret::new(v))));
        assert!(headers(&twice).is_err());
    }
}
