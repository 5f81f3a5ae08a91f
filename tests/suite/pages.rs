//! What a browser may do with what the gateway's operators open in it, and who can reach that.

use sluice_tests::client::send;
use sluice_tests::gateway::{Gateway, KEY, key};

#[test]
fn whatever_operators_open_is_neither_guessed_at_nor_framed_nor_run() {
    let gateway = Gateway::start(&key(""));
    for (path, status, policy) in [
        ("/docs/", 200, "script-src 'self';"),
        ("/docs/swagger-ui-bundle.js", 200, "script-src 'self';"),
        ("/openapi.json", 200, "default-src 'none'; frame-ancestors 'none'"),
        ("/metrics", 200, "default-src 'none'; frame-ancestors 'none'"),
        ("/healthz", 200, "default-src 'none'; frame-ancestors 'none'"),
        ("/readyz", 503, "default-src 'none'; frame-ancestors 'none'"),
        ("/", 200, "default-src 'none'; frame-ancestors 'none'"),
        ("/admin/v1/keys", 401, "default-src 'none'; frame-ancestors 'none'"),
        ("/admin/nowhere", 401, "default-src 'none'; frame-ancestors 'none'"),
    ] {
        let answer = send(&gateway.address, "GET", path, &[], b"");
        assert_eq!(answer.status, status, "{path}");
        let all = |name: &str| answer.headers.iter().filter(|(found, _)| found == name).count();
        let is = |name: &str, value: &str| {
            assert_eq!((answer.header(name), all(name)), (Some(value), 1), "{name} of {path}");
        };
        is("x-content-type-options", "nosniff");
        is("x-frame-options", "DENY");
        is("referrer-policy", "no-referrer");
        assert_eq!(all("content-security-policy"), 1, "{path}");
        let found = answer.header("content-security-policy").unwrap();
        assert!(found.contains(policy) && found.contains("frame-ancestors 'none'"), "{path}: {found}");
        assert!(!found.contains("script-src 'self' ") && !found.contains('*'), "{path}: {found}");
    }
    // What programs read stays as it is.
    let models = send(&gateway.address, "GET", "/v1/models", &[("x-api-key", KEY)], b"");
    assert_eq!((models.status, models.header("content-security-policy")), (200, None));
}

#[test]
fn a_start_that_lets_other_machines_at_what_operators_use_says_so() {
    for (config, warns) in [
        ("server.listen = \"127.0.0.1:0\"\n", false),
        ("server.listen = \"0.0.0.0:0\"\n", true),
        ("server.listen = \"0.0.0.0:0\"\nadmin.listen = \"127.0.0.1:0\"\n", false),
        ("server.listen = \"127.0.0.1:0\"\nadmin.listen = \"0.0.0.0:0\"\n", true),
    ] {
        let gateway = Gateway::start(config);
        gateway.signal("TERM");
        let (_, log) = gateway.wait();
        assert_eq!(log.contains("can be reached from other machines"), warns, "{config}{log}");
    }
}
