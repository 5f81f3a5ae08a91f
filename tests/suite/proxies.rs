//! Account proxies: everything of the account goes through its proxy, and where that fails there is no other way.

use sluice_tests::dialects::{Dialect, dialect};
use sluice_tests::gateway::{Folder, Gateway, account, key};
use sluice_tests::proxy::{Asked, Manner, Proxy};
use sluice_tests::refusal::{NO_ANSWER, Style};
use sluice_tests::tls::{Certificate, Front};
use sluice_tests::upstream::{Upstream, stream, whole};

/// A name that no resolver knows, so that only the proxy can have been asked for it.
const UNRESOLVED: &str = "upstream.invalid";

fn asked(how: &str, to: &str, credentials: Option<&str>) -> Asked {
    Asked { how: how.to_owned(), to: to.to_owned(), credentials: credentials.map(ToOwned::to_owned) }
}

/// An account at a URL that is reached by a proxy.
fn proxied(dialect: &Dialect, url: &str, proxy: &str) -> String {
    let config = account("a", dialect.provider, "ADDRESS", &format!("proxy = \"{proxy}\""));
    config.replace("http://ADDRESS", url) + &key("")
}

fn both(dialect: &'static Dialect) -> Upstream {
    Upstream::start(move |request| match String::from_utf8_lossy(&request.body).contains("\"stream\":true") {
        true => stream("text/event-stream", dialect.stream, 7),
        false => whole(200, "", dialect.answer),
    })
}

/// Relays whole and streamed through a proxy, byte for byte; each by a gateway of its own, so that both connect.
fn check(start: impl Fn() -> Gateway, upstream: &Upstream, dialect: &Dialect) {
    let (path, body) = dialect.stream_request;
    for (path, body, good) in
        [(dialect.paths[0], dialect.request, dialect.answer), (path, body, dialect.stream)]
    {
        let answer = start().post(path, body);
        assert_eq!((answer.status, answer.text().as_str()), (200, good));
        let seen = upstream.last();
        assert_eq!(seen.line, "POST /v1/messages");
        assert_eq!(String::from_utf8_lossy(&seen.body), body);
        assert!(seen.headers.iter().all(|(name, _)| !name.starts_with("proxy-")), "{seen:?}");
    }
}

#[test]
fn an_http_proxy_is_asked_by_the_absolute_form_for_http_and_by_connect_for_https() {
    let dialect = dialect("anthropic");
    let folder = Folder::new();
    let certificate = Certificate::make(&folder.0);
    // `user:pa ss` in base64.
    for (with, credentials) in [("", None), ("user:pa%20ss@", Some("Basic dXNlcjpwYSBzcw=="))] {
        let upstream = both(dialect);
        let proxy = Proxy::http(Manner::Forward(upstream.address.clone()));
        let way = format!("http://{with}{}", proxy.address);
        let plain = format!("http://{UNRESOLVED}:81");
        check(|| Gateway::start(&proxied(dialect, &plain, &way)), &upstream, dialect);
        let both_asked = asked("POST", &format!("{plain}/v1/messages"), credentials);
        assert_eq!(proxy.asked(), [both_asked.clone(), both_asked]);

        let front = Front::start(&certificate, &upstream.address);
        let proxy = Proxy::http(Manner::Forward(front.address.clone()));
        let way = format!("http://{with}{}", proxy.address);
        let config = proxied(dialect, "https://localhost:444", &way);
        check(|| Gateway::trusting(&certificate.authority, &config), &upstream, dialect);
        assert_eq!(proxy.asked()[0], asked("CONNECT", "localhost:444", credentials));
    }
}

#[test]
fn an_http_proxy_may_be_reached_by_tls_itself() {
    let dialect = dialect("anthropic");
    let folder = Folder::new();
    let certificate = Certificate::make(&folder.0);
    // `user:pa ss` in base64.
    let credentials = Some("Basic dXNlcjpwYSBzcw==");
    for (url, how, to) in [
        ("http://upstream.invalid:81", "POST", "http://upstream.invalid:81/v1/messages"),
        ("https://localhost:444", "CONNECT", "localhost:444"),
    ] {
        let upstream = both(dialect);
        let front = Front::start(&certificate, &upstream.address);
        let far = if how == "CONNECT" { &front.address } else { &upstream.address };
        let proxy = Proxy::http(Manner::Forward(far.clone()));
        let before = Front::start(&certificate, &proxy.address);
        let config = proxied(dialect, url, &format!("https://user:pa%20ss@{}", before.address));
        check(|| Gateway::trusting(&certificate.authority, &config), &upstream, dialect);
        assert_eq!(proxy.asked()[0], asked(how, to, credentials));
    }
}

#[test]
fn socks5_resolves_here_and_socks5h_lets_the_proxy_resolve() {
    let dialect = dialect("anthropic");
    for (with, credentials) in [("", None), ("user:p%40ss@", Some("user:p@ss"))] {
        let upstream = both(dialect);
        let proxy = Proxy::socks5(Manner::Forward(upstream.address.clone()));
        let far = format!("socks5h://{with}{}", proxy.address);
        let config = proxied(dialect, &format!("http://{UNRESOLVED}:81"), &far);
        check(|| Gateway::start(&config), &upstream, dialect);
        assert_eq!(proxy.asked()[0], asked("SOCKS5", &format!("{UNRESOLVED}:81"), credentials));

        let proxy = Proxy::socks5(Manner::Forward(upstream.address.clone()));
        let near = format!("socks5://{with}{}", proxy.address);
        check(|| Gateway::start(&proxied(dialect, "http://localhost:81", &near)), &upstream, dialect);
        let first = proxy.asked()[0].clone();
        assert!(["127.0.0.1:81", "[::1]:81"].contains(&first.to.as_str()), "{first:?}");
        assert_eq!(first.credentials.as_deref(), credentials);

        // A name that can't be resolved here never reaches the proxy.
        let config = proxied(dialect, &format!("http://{UNRESOLVED}:81"), &near);
        let before = proxy.asked().len();
        assert_eq!(Gateway::start(&config).post("/v1/messages", dialect.request).status, 502);
        assert_eq!(proxy.asked().len(), before);
    }
}

#[test]
fn socks5h_carries_tls_with_the_upstreams_own_name() {
    let dialect = dialect("anthropic");
    let folder = Folder::new();
    let certificate = Certificate::make(&folder.0);
    let upstream = both(dialect);
    let front = Front::start(&certificate, &upstream.address);
    let proxy = Proxy::socks5(Manner::Forward(front.address.clone()));
    let config = proxied(dialect, "https://localhost:444", &format!("socks5h://{}", proxy.address));
    check(|| Gateway::trusting(&certificate.authority, &config), &upstream, dialect);
    assert_eq!(proxy.asked()[0], asked("SOCKS5", "localhost:444", None));
}

#[test]
fn where_the_proxy_refuses_there_is_no_direct_try() {
    let dialect = dialect("anthropic");
    const UNKNOWN: &[u8] = b"HTTP/1.1 407 Proxy Authentication Required\r\nproxy-authenticate: Basic\r\ncontent-length: 0\r\n\r\n";
    const FORBIDDEN: &[u8] = b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n";
    const NOT_ALLOWED: &[u8] = &[5, 2, 0, 1, 0, 0, 0, 0, 0, 0];
    type Start = fn(Manner) -> Proxy;
    let (http, socks): (Start, Start) = (Proxy::http, Proxy::socks5);
    for (start, way, scheme, answer) in [
        (http, "http", "http", UNKNOWN),
        (http, "http", "http", FORBIDDEN),
        (http, "http", "http", &[]),
        (http, "http", "https", UNKNOWN),
        (http, "http", "https", FORBIDDEN),
        (http, "http", "https", &[]),
        (socks, "socks5", "http", NOT_ALLOWED),
        (socks, "socks5h", "http", NOT_ALLOWED),
        (socks, "socks5h", "https", NOT_ALLOWED),
        (socks, "socks5h", "http", &[]),
    ] {
        let upstream = both(dialect);
        let proxy = start(Manner::Refuse(answer));
        let url = format!("{scheme}://{}", upstream.address);
        let what = format!("{way} for {scheme}, {}", String::from_utf8_lossy(answer));
        let gateway = Gateway::start(&proxied(dialect, &url, &format!("{way}://{}", proxy.address)));
        let refused = gateway.post("/v1/messages", dialect.request);
        NO_ANSWER.check(Style::Anthropic, &refused, &what);
        assert_eq!((upstream.accepted(), proxy.asked().is_empty()), (0, false), "{what}");
        assert_eq!(gateway.record()["attempts"], 1, "{what}");
    }
}

#[test]
fn a_proxy_that_is_not_there_is_not_gone_round_but_another_account_may_serve() {
    let dialect = dialect("anthropic");
    for way in ["http", "socks5", "socks5h"] {
        let upstream = both(dialect);
        let gone = proxied(dialect, &format!("http://{}", upstream.address), &format!("{way}://127.0.0.1:1"));
        let gateway = Gateway::start(&gone);
        NO_ANSWER.check(Style::Anthropic, &gateway.post("/v1/messages", dialect.request), way);
        assert_eq!(upstream.accepted(), 0, "{way}");

        let second = account("b", dialect.provider, &upstream.address, "priority = 99");
        let gateway = Gateway::start(&(second + &gone));
        assert_eq!(gateway.post("/v1/messages", dialect.request).text(), dialect.answer, "{way}");
        let record = gateway.record();
        assert_eq!((record["attempts"].as_u64(), record["account"].as_str()), (Some(2), Some("b")), "{way}");
    }
}
