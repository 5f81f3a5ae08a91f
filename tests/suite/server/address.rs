//! Where requests come from.

use sluice_tests::client::send;
use sluice_tests::gateway::{Gateway, KEY, account, key};
use sluice_tests::upstream::{Upstream, whole};

#[test]
fn a_record_and_its_log_line_tell_the_clients_address_by_trusted_proxies_alone() {
    let upstream = Upstream::start(|_| whole(200, "", "{}"));
    let config = account("a", "claude-console", &upstream.address, "") + &key("");
    let gateway = Gateway::start(&config);
    let ask = || {
        let headers = [("x-api-key", KEY), ("x-forwarded-for", "203.0.113.9, 198.51.100.7")];
        let body = br#"{"model":"m","max_tokens":1,"messages":[]}"#;
        assert_eq!(send(&gateway.address, "POST", "/v1/messages", &headers, body).status, 200);
        assert_eq!(upstream.last().header("x-forwarded-for"), None);
    };
    ask();
    assert_eq!(gateway.record()["client"], "127.0.0.1");
    gateway.rewrite(&("server.trusted_proxies = [\"127.0.0.0/8\"]\n".to_owned() + &config));
    assert_eq!(gateway.admin("POST", "/reload", "").status, 200);
    ask();
    assert_eq!(gateway.record()["client"], "198.51.100.7");
    gateway.until("the log line", |gateway| gateway.log().contains("client=198.51.100.7"));
}
