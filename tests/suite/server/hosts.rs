//! Names that a gateway is called by: no page in a browser reaches it by one of its own.

use sluice_tests::client::raw;
use sluice_tests::curl::curl;
use sluice_tests::gateway::{Gateway, KEY, TOKEN, key};

/// The status of a GET that carries these lines of `host`.
fn get(gateway: &Gateway, path: &str, hosts: &[&str]) -> (u16, String) {
    let hosts: String = hosts.iter().map(|host| format!("host: {host}\r\n")).collect();
    let own = format!("x-api-key: {KEY}\r\nauthorization: Bearer {TOKEN}\r\n");
    let request = format!("GET {path} HTTP/1.1\r\n{hosts}{own}connection: close\r\n\r\n");
    let answer = raw(&gateway.address, request.as_bytes()).unwrap().whole();
    (answer.status, answer.text())
}

/// Routes of every kind.
const PATHS: [&str; 7] =
    ["/healthz", "/readyz", "/metrics", "/openapi.json", "/v1/me", "/admin/v1/config", "/"];

#[test]
fn on_a_loopback_address_a_name_of_somebody_elses_is_refused_on_every_route() {
    let simulated = "[[accounts]]\nname = \"s\"\nprovider = \"simulated\"\n";
    let config = simulated.to_owned() + &key("");
    let gateway = Gateway::start(&config);
    let port = gateway.address.rsplit(':').next().unwrap();
    for path in PATHS {
        let evil = format!("evil.example:{port}");
        let (status, text) = get(&gateway, path, &[&evil]);
        assert!(status == 403 && text.contains("server.hosts"), "{path}: {status} {text}");
        for host in [format!("localhost:{port}"), format!("127.0.0.1:{port}"), "[::1]".to_owned()] {
            assert_eq!(get(&gateway, path, &[&host]).0, 200, "{path} {host}");
        }
        let two = |name: &str| {
            let resolve = format!("{name}:{port}:127.0.0.1");
            let url = format!("http://{name}:{port}{path}");
            let bearer = format!("authorization: Bearer {TOKEN}");
            let key = format!("x-api-key: {KEY}");
            let own = ["--http2-prior-knowledge", "--resolve", &resolve, "-H", &bearer, "-H", &key, &url];
            curl(&own, None).status
        };
        assert_eq!((two("evil.example"), two("localhost")), (403, 200), "{path} over HTTP/2");
    }
    gateway.rewrite(&("server.hosts = [\"gateway.example\"]\n".to_owned() + &config));
    assert_eq!(gateway.admin("POST", "/reload", "").status, 200);
    assert_eq!(get(&gateway, "/v1/me", &["gateway.example"]).0, 200);
    assert_eq!(get(&gateway, "/v1/me", &["evil.example"]).0, 403);
}

#[test]
fn on_another_address_every_name_is_answered_unless_some_are_configured() {
    let everywhere = "server.listen = \"0.0.0.0:0\"\n".to_owned();
    let gateway = Gateway::start(&(everywhere.clone() + &key("")));
    assert_eq!(get(&gateway, "/v1/me", &["gateway.example"]).0, 200);
    let gateway = Gateway::start(&(everywhere + "server.hosts = [\"gateway.example\"]\n" + &key("")));
    assert_eq!(get(&gateway, "/v1/me", &["gateway.example"]).0, 200);
    assert_eq!(get(&gateway, "/v1/me", &["other.example"]).0, 403);
}

#[test]
fn a_request_of_http_1_1_without_a_host_or_with_two_is_refused() {
    let gateway = Gateway::start(&key(""));
    for hosts in [&[][..], &["localhost", "localhost"], &["localhost", "evil.example"], &["a b"], &[""]] {
        for path in ["/v1/me", "/healthz", "/admin/v1/config"] {
            let (status, text) = get(&gateway, path, hosts);
            assert!(status == 400 && text.contains("host"), "{path} {hosts:?}: {status} {text}");
        }
    }
    let old = b"GET /healthz HTTP/1.0\r\n\r\n";
    assert_eq!(raw(&gateway.address, old).unwrap().whole().status, 200);
}
