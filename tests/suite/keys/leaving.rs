//! Operators' clients that leave at once: what they asked for is done whole.

use std::sync::Arc;

use serde_json::Value;
use sluice_tests::client::only_send;
use sluice_tests::gateway::{Gateway, TOKEN, account, key};
use sluice_tests::upstream::{Upstream, whole};

use super::status;

/// Keys of each kind of change.
const KEYS: usize = 30;

/// Asks for a change and is gone before it can be done.
fn leave(gateway: &Gateway, method: &str, path: &str, body: &str) {
    let bearer = format!("Bearer {TOKEN}");
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    drop(only_send(&gateway.address, method, &format!("/admin/v1{path}"), &headers, body.as_bytes()));
}

fn made(gateway: &Gateway, name: &str) -> Vec<String> {
    let make = |number| {
        let made = gateway.admin("POST", "/keys", &format!("{{\"name\":\"{name}-{number}\"}}"));
        made.json()["key"].as_str().unwrap().to_owned()
    };
    (0..KEYS).map(make).collect()
}

#[test]
fn a_change_whose_client_leaves_at_once_is_whole_before_and_after_a_restart() {
    let upstream = Upstream::start(|_| whole(200, "", "{}"));
    let config = account("a", "claude-console", &upstream.address, "")
        + &account("b", "claude-console", &upstream.address, "")
        + &key("");
    let gateway = Gateway::start(&config);
    let (deleted, rotated, changed) =
        (made(&gateway, "deleted"), made(&gateway, "rotated"), made(&gateway, "changed"));
    for number in 0..KEYS {
        leave(&gateway, "DELETE", &format!("/keys/deleted-{number}"), "");
        leave(&gateway, "POST", &format!("/keys/rotated-{number}/rotate"), "");
        leave(&gateway, "PATCH", &format!("/keys/changed-{number}"), r#"{"models":["other"]}"#);
        leave(&gateway, "POST", "/keys", &format!("{{\"name\":\"made-{number}\"}}"));
    }
    leave(&gateway, "PATCH", "/accounts/b", r#"{"enabled":false}"#);

    // Each of them has been taken or was never seen, and what was taken is done before what comes now.
    gateway.until("the end of the connections", |gateway| gateway.connections() == 0);
    assert_eq!(gateway.admin("PATCH", "/accounts/a", r#"{"weight":2}"#).status, 200);
    let seen = Seen::of(&gateway, [&deleted, &rotated, &changed]);
    let folder = Arc::clone(&gateway.folder);
    gateway.signal("TERM");
    let (ended, log) = gateway.wait();
    assert!(ended.success(), "{log}");
    let again = Gateway::start_in(folder, &config);
    assert_eq!(Seen::of(&again, [&deleted, &rotated, &changed]), seen, "the store has something else");
}

/// What is in force.
#[derive(Debug, PartialEq)]
struct Seen {
    statuses: Vec<u16>,
    listed: Value,
    enabled: Value,
}

impl Seen {
    fn of(gateway: &Gateway, secrets: [&[String]; 3]) -> Self {
        let statuses = secrets.concat().iter().map(|secret| status(gateway, secret)).collect();
        let mut listed = gateway.admin("GET", "/keys", "").json();
        for key in listed["data"].as_array_mut().unwrap() {
            // When a key was last used is known to the process that saw it, and is no change of it.
            key["last_used"].take();
        }
        Self { statuses, listed, enabled: gateway.admin("GET", "/accounts/b", "").json()["enabled"].clone() }
    }
}

#[test]
fn a_reload_whose_client_leaves_at_once_is_whole() {
    let upstream = Upstream::start(|_| whole(200, "", "{}"));
    let config = account("a", "claude-console", &upstream.address, "") + &key("");
    let gateway = Gateway::start(&config);
    gateway.rewrite(&(config + &account("b", "claude-console", &upstream.address, "")));
    // One that is gone before it is seen asks for nothing.
    gateway.until("a reload", |gateway| {
        leave(gateway, "POST", "/reload", "");
        gateway.admin("GET", "/accounts/b", "").status == 200
    });
}
