//! What a reload leaves of an account: new credentials have done nothing yet, and what runs is counted on.

use std::sync::mpsc::channel;

use sluice_tests::client::{begin, send};
use sluice_tests::dialects::dialect;
use sluice_tests::fleet::{Fleet, sample};
use sluice_tests::gateway::{Gateway, KEY, SECRET, account, key};
use sluice_tests::upstream::{Step, Upstream, chunk, end, stream_head, whole};

/// Takes another configuration into force.
fn reload(gateway: &Gateway, config: &str) {
    gateway.rewrite(config);
    let reloaded = gateway.admin("POST", "/reload", "");
    assert_eq!(reloaded.status, 200, "{}", reloaded.text());
}

#[test]
fn new_credentials_end_every_mark_of_the_old_ones_and_the_same_ones_none() {
    let dialect = dialect("openai-chat");
    let no_money = r#"{"error":{"type":"insufficient_quota","code":"insufficient_quota","message":"m"}}"#;
    for (status, body) in [(429, no_money), (429, "{}"), (402, "{}"), (503, "{}")] {
        let fleet = Fleet::start(sample);
        let config = fleet.account("a", "openai", "") + &key("");
        let gateway = Gateway::start(&config);
        fleet.tell("a", move |_| whole(status, "", body));
        let _ = gateway.post(dialect.paths[0], dialect.request);
        fleet.heal("a");
        let asked = || gateway.post(dialect.paths[0], dialect.request).status;
        assert_eq!(asked(), 503, "{status} {body}");
        reload(&gateway, &format!("server.reveal_route = true\n{config}"));
        assert_eq!(asked(), 503, "{status} {body}: they are the same");
        reload(&gateway, &config.replace(SECRET, "planted-upstream-secret-of-today"));
        let view = gateway.admin("GET", "/accounts/a", "").json();
        assert_eq!(
            (&view["state"], view["models"].as_array().unwrap().len()),
            (&"ready".into(), 0),
            "{view}"
        );
        assert_eq!(asked(), 200, "{status} {body}");
    }
}

#[test]
fn a_secret_that_its_file_has_replaced_is_a_new_one() {
    let dialect = dialect("openai-chat");
    let fleet = Fleet::start(sample);
    let path = std::env::temp_dir().join(format!("sluice-replaced-{}", std::process::id()));
    std::fs::write(&path, "planted-one").unwrap();
    let from_file = format!("{{ file = {path:?} }}");
    let config = fleet.account("a", "openai", "").replace(&format!("{SECRET:?}"), &from_file) + &key("");
    let gateway = Gateway::start(&config);
    fleet.tell("a", |_| whole(402, "", "{}"));
    let _ = gateway.post(dialect.paths[0], dialect.request);
    fleet.heal("a");
    let asked = || gateway.post(dialect.paths[0], dialect.request).status;
    reload(&gateway, &config);
    assert_eq!(asked(), 503);
    std::fs::write(&path, "planted-two").unwrap();
    reload(&gateway, &config);
    std::fs::remove_file(&path).unwrap();
    assert_eq!(asked(), 200);
}

#[test]
fn an_account_that_leaves_and_comes_back_counts_what_has_been_running_all_the_while() {
    let (go, gate) = channel();
    let gate = std::sync::Mutex::new(Some(gate));
    let upstream = Upstream::start(move |_| {
        let Some(wait) = gate.lock().unwrap().take() else { return whole(200, "", "{}") };
        vec![
            stream_head("text/event-stream"),
            chunk(b"event: content_block_start\ndata: {}\n\n"),
            Step::Wait(wait),
            chunk(b"event: message_stop\ndata: {}\n\n"),
            end(),
        ]
    });
    let without = account("b", "claude-console", &upstream.address, "models = [\"other\"]") + &key("");
    let with = account("a", "claude-console", &upstream.address, "concurrency = 1") + &without;
    let gateway = Gateway::start(&with);
    let body = br#"{"model":"m","stream":true}"#;
    let mut running = begin(&gateway.address, "POST", "/v1/messages", &[("x-api-key", KEY)], body);
    assert!(running.piece().unwrap().is_some());
    let asked =
        || send(&gateway.address, "POST", "/v1/messages", &[("x-api-key", KEY)], br#"{"model":"m"}"#).status;
    reload(&gateway, &without);
    assert_eq!(asked(), 404, "it is gone");
    reload(&gateway, &with);
    assert_eq!((gateway.in_flight(), asked()), (1, 503), "its one place is taken");
    go.send(()).unwrap();
    assert!(running.whole().text().contains("message_stop"));
    gateway.until("its place is free", |gateway| gateway.in_flight() == 0);
    assert_eq!(asked(), 200);
}
