//! A record that the store can't write: it is set aside, and keeps no other waiting, nor the gateway from starting.

use std::sync::Arc;

use serde_json::Value;
use sluice_tests::client::send;
use sluice_tests::gateway::{Gateway, KEY, TOKEN, key};
use sluice_tests::place::Folder;

use super::away::Locked;
use super::{execute, records};

/// Asks under an id of its own.
fn ask(gateway: &Gateway, id: &str) {
    let body = br#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"a"}]}"#;
    let bearer = format!("Bearer {KEY}");
    let headers = [("authorization", bearer.as_str()), ("x-request-id", id)];
    let answer = send(&gateway.address, "POST", "/v1/messages", &headers, body);
    assert_eq!((answer.status, answer.complete), (200, true), "{}", answer.text());
}

/// The ids of the requests whose records are listed, in the order of their beginnings.
fn listed(gateway: &Gateway) -> Vec<String> {
    let id = |record: &Value| record["request_id"].as_str().unwrap().to_owned();
    records(gateway).iter().rev().map(id).collect()
}

/// The records that were set aside.
fn aside(folder: &Folder) -> Vec<Value> {
    let text = std::fs::read_to_string(folder.0.join("data/set-aside.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn counted(gateway: &Gateway) -> String {
    let metrics = send(&gateway.address, "GET", "/metrics", &[], b"").text();
    let line = metrics.lines().find_map(|line| line.strip_prefix("sluice_records_set_aside_total "));
    line.unwrap().to_owned()
}

#[test]
fn a_record_that_the_store_can_not_write_is_set_aside_and_the_rest_goes_on() {
    let config = format!("[[accounts]]\nname = \"s\"\nprovider = \"simulated\"\n{}", key(""));
    let folder = Arc::new(Folder::new());
    let gateway = Gateway::start_in(Arc::clone(&folder), &config);
    ask(&gateway, "first");
    execute(
        &folder,
        "CREATE TRIGGER refuses BEFORE INSERT ON requests WHEN NEW.request_id LIKE 'refused-%' \
         BEGIN SELECT RAISE(ABORT, 'not this one'); END;",
    );
    for id in ["second", "refused-1", "third"] {
        ask(&gateway, id);
    }
    assert_eq!(listed(&gateway), ["first", "second", "third"]);
    assert_eq!(counted(&gateway), "1");
    let [one] = &aside(&folder)[..] else { panic!("{:?}", aside(&folder)) };
    assert_eq!((&one["request_id"], &one["outcome"]), (&"refused-1".into(), &"completed".into()));
    gateway.until("it is said", |gateway| gateway.log().contains("were set aside in a file"));
    assert!(gateway.log().contains("not this one"), "{}", gateway.log());
    assert_eq!(gateway.admin("GET", "/usage", "").json()["data"][0]["requests"], 3);

    // The journal of a process that was killed has such a one.
    let locked = Locked::new(&folder.0.join("data/sluice.db"));
    for id in ["fourth", "refused-2", "fifth"] {
        ask(&gateway, id);
    }
    gateway.signal("KILL");
    drop(gateway);
    drop(locked);
    let gateway = Gateway::start_in(Arc::clone(&folder), &config);
    assert_eq!(listed(&gateway), ["first", "second", "third", "fourth", "fifth"]);
    assert_eq!(counted(&gateway), "1", "of this process");
    let ids: Vec<Value> = aside(&folder).iter().map(|record| record["request_id"].clone()).collect();
    assert_eq!(ids, ["refused-1", "refused-2"]);
    ask(&gateway, "sixth");
    assert_eq!(listed(&gateway).len(), 6);
    assert!(!gateway.log().contains(TOKEN));
}
