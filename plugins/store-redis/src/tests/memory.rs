//! What a server keeps takes no more memory than the README says.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use redis::Value;
use sluice_api::limiter::{Bucket, Take, Window};
use sluice_api::store::{Remembered, Used};

use super::event::PATIENCE;
use super::faults::{TOTAL, gateway, key, link, slot, taken, tokens};
use super::server::Server;
use crate::documents::Documents;
use crate::values::Values;

/// What one of each takes at most, in bytes, as the README has it.
const TABLE: [(&str, u64); 8] = [
    ("a session", 280),
    ("a reference", 320),
    ("a key that was made at run time", 800),
    ("a count of a day, week or month, or in total", 160),
    ("a window that rolls: of 1,000 requests", 32_000),
    ("a window that rolls: of tokens or money, in slices", 6_000),
    ("a lease of a request with five limits", 1_100),
    ("a place in a line", 700),
];

/// How much a server needs for one of its keys.
fn usage(server: &Server, key: &str) -> u64 {
    match server.tell(&["MEMORY", "USAGE", key, "SAMPLES", "0"]) {
        Value::Int(bytes) => bytes.unsigned_abs(),
        other => panic!("{key}: {other:?}"),
    }
}

/// How much it needs for all keys that are called so.
fn usage_of_all(server: &Server, pattern: &str) -> u64 {
    let Value::Array(keys) = server.tell(&["KEYS", pattern]) else { panic!("no keys") };
    assert!(!keys.is_empty(), "{pattern}");
    let usage = |key: &Value| usage(server, &redis::from_redis_value::<String>(key.clone()).unwrap());
    keys.iter().map(usage).sum()
}

fn within(what: &str, bytes: u64) {
    let (_, most) = TABLE.into_iter().find(|(name, _)| *name == what).unwrap();
    assert!((most / 3..=most).contains(&bytes), "{what} takes {bytes} bytes, where {most} are told");
}

#[test]
fn the_readme_has_what_is_measured_here() {
    let readme = include_str!("../../README.md");
    for (what, most) in TABLE {
        let digits = most.to_string();
        let written = match digits.split_at_checked(digits.len().saturating_sub(3)) {
            Some((thousands, rest)) if !thousands.is_empty() => format!("{thousands},{rest}"),
            _ => digits,
        };
        let row = format!("| {what} | {written} |");
        assert!(readme.contains(&row), "{row}");
    }
}

#[tokio::test]
async fn values_and_documents_take_what_is_told() {
    let server = Server::start();
    let link = link(&server.url(), PATIENCE);
    let (values, documents) = (Values::of(link.clone()), Documents::of(link));
    let until = Timestamp::now() + SignedDuration::from_hours(24);
    let maker = r#"{"by":[{"key":"key_019ac8a4f7d87f21b5a4a0f5b8b3c1d2","account":"claude-console-a"}],"until":"2026-12-29T10:00:00.123456789Z"}"#;
    let session = r#"{"account":"claude-console-a","until":"2026-11-29T11:00:00.123456789Z"}"#;
    let name = format!("msg_{:x<64}", "");
    for (kind, id, value) in [("session", &*"a".repeat(32), session), ("reference", &*name, maker)] {
        values.remember(kind, &[Remembered::new(id.to_owned(), value.to_owned(), until)]).await.unwrap();
        within(&format!("a {kind}"), usage_of_all(&server, &format!("*:value:*{kind}*")));
    }
    let made = r#"{"id":"key_019ac8a4f7d87f21b5a4a0f5b8b3c1d2","hash":"sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08","created":"2026-11-29T10:00:00.123456789Z","name":"a-key-of-a-team","group":"research","user":"build-bot","tags":["one","two"],"models":["claude-*","!claude-opus-*"],"concurrency":8,"queue":{"size":16,"wait":"20s"},"limits":[{"per":"1m","requests":60,"tokens":200000},{"per":"5h","cost":"5"},{"per":"day","cost":"20"},{"per":"total","cost":"1000"}],"mode":"soft"}"#;
    for number in 0..1_000 {
        documents.put("key", &format!("key_{number:032x}"), made).await.unwrap();
    }
    within("a key that was made at run time", usage(&server, "{sluice}:documents:key") / 1_000);
}

#[tokio::test]
async fn counts_leases_and_places_take_what_is_told() {
    let server = Server::start();
    let one = gateway(&server.url(), "one").await;
    let hour = Window::Rolling(Duration::from_secs(3_600));
    let requests =
        Take::within(Bucket::new("rate", key()).part("requests/3600000ms".into()), hour, 1, 10_000);
    for number in 0..1_000 {
        let _runs = taken(&one, number, std::slice::from_ref(&requests)).await;
    }
    within("a window that rolls: of 1,000 requests", usage_of_all(&server, "*:requests/3600000ms:*"));
    server.tell(&["FLUSHALL"]);
    // The clock of the server can't be told here: so many slices as one of an hour has pass in a fifth of a second.
    let short = Window::Rolling(Duration::from_millis(200));
    let until = Timestamp::now() + SignedDuration::from_millis(400);
    let mut number = 2_000;
    while Timestamp::now() < until {
        number += 1;
        let lease = taken(&one, number, &[tokens(short, 500_000_000, u64::MAX / 4)]).await;
        one.settle(&lease, Used::new(500_000_000, 0), Timestamp::now());
        one.settled().await;
    }
    let slices = server.tell(&["LLEN", "{sluice}:count:key/key:rate:tokens:200000us:moments"]);
    let Value::Int(slices @ 20..) = slices else { panic!("{slices:?}") };
    let list = usage(&server, "{sluice}:count:key/key:rate:tokens:200000us:moments");
    within("a window that rolls: of tokens or money, in slices", list * 128 / slices.unsigned_abs());
    server.tell(&["FLUSHALL"]);
    let calendar = Window::Calendar { from: Timestamp::now(), to: until + SignedDuration::from_hours(24) };
    let takes = [
        slot(1),
        tokens(TOTAL, 500_000_000, u64::MAX / 4),
        tokens(calendar, 500_000_000, u64::MAX / 4),
        tokens(hour, 500_000_000, u64::MAX / 4),
        requests,
    ];
    let _runs = taken(&one, 3_000, &takes).await;
    let place = super::faults::waits(&one, 3_001, &takes).await;
    within("a count of a day, week or month, or in total", usage_of_all(&server, "*:tokens:total"));
    let place_keys =
        ["{sluice}:waiters", "{sluice}:line:key", "{sluice}:wanted"].map(|key| usage(&server, key));
    within("a place in a line", place_keys.iter().sum());
    one.leave(place);
    one.settled().await;
    within("a lease of a request with five limits", usage(&server, "{sluice}:leases:one"));
}
