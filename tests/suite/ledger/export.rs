//! An export that nobody reads any more: its reader's connection and what it read of the store are free at once.

use std::sync::Arc;

use sluice_tests::client::begin;
use sluice_tests::gateway::{Gateway, TOKEN, account, key};
use sluice_tests::place::Folder;
use sluice_tests::upstream::{Request, Upstream, whole};

use super::execute;

/// How often the records are doubled: 8 become 65,536, some 60 MB as JSON.
const DOUBLED: usize = 13;

/// Readers that leave.
const READERS: usize = 8;

/// As many records again, each before all that there are.
const DOUBLE: &str = "CREATE TEMP TABLE again AS SELECT * FROM requests;\n\
                      UPDATE again SET id = id - (SELECT max(id) - min(id) + 1 FROM requests);\n\
                      INSERT INTO requests SELECT * FROM again;\n\
                      DROP TABLE again;\n";

/// What the process holds of memory, in megabytes.
fn resident(gateway: &Gateway) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", gateway.process())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1_024
}

#[test]
fn readers_of_an_export_that_leave_in_the_middle_free_all_that_they_had() {
    let answer = r#"{"content":[],"usage":{"input_tokens":1,"output_tokens":1}}"#;
    let upstream = Upstream::start(move |_: &Request| whole(200, "", answer));
    let config = account("a", "claude-console", &upstream.address, "") + &key("");
    let folder = Arc::new(Folder::new());
    let gateway = Gateway::start_in(Arc::clone(&folder), &config);
    for _ in 0..8 {
        let body = r#"{"model":"m","max_tokens":1,"messages":[]}"#;
        assert_eq!(gateway.post("/v1/messages", body).status, 200);
    }
    gateway.signal("TERM");
    let _ = gateway.wait();
    execute(&folder, &DOUBLE.repeat(DOUBLED));

    let gateway = Gateway::start_in(folder, &config);
    let bearer = format!("Bearer {TOKEN}");
    let export = || begin(&gateway.address, "GET", "/admin/v1/export", &[("authorization", &bearer)], b"");
    // The first one makes what all have in common.
    drop(export());
    gateway.until("nobody is connected", |gateway| gateway.connections() == 0);
    let held = resident(&gateway);
    let mut readers: Vec<_> = (0..READERS).map(|_| export()).collect();
    for reader in &mut readers {
        assert_eq!(reader.status, 200);
        assert!(reader.piece().unwrap().is_some_and(|piece| piece.starts_with(b"{")));
    }
    // None of them has read on, and so nothing more is read for them.
    assert!(resident(&gateway) < held + 40, "{} MB, and {held} before", resident(&gateway));
    drop(readers);
    gateway.until("their connections are closed", |gateway| gateway.connections() == 0);
    assert_eq!(gateway.admin("GET", "/export", "").text().lines().count(), 8 << DOUBLED, "who stays has all");
}
