//! A store that can't be written to for a while: requests are served, and none is lost.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use sluice_tests::gateway::{Gateway, key};
use sluice_tests::place::Folder;

use super::records;

/// Another program that has the database locked, until it is dropped.
pub(super) struct Locked(Child);

impl Locked {
    pub(super) fn new(database: &Path) -> Self {
        let program = "import sqlite3, sys\n\
                       database = sqlite3.connect(sys.argv[1], isolation_level=None)\n\
                       database.execute('BEGIN IMMEDIATE')\n\
                       print('locked', flush=True)\n\
                       sys.stdin.read()\n";
        let Some(python) = std::env::var_os("SLUICE_TEST_PYTHON") else {
            panic!("SLUICE_TEST_PYTHON is not set: .ci/run makes the environment");
        };
        let mut command = Command::new(python);
        command.args(["-c", program]).arg(database).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "locked\n");
        Self(child)
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

/// One request; its status.
pub(super) fn ask(gateway: &Gateway) -> u16 {
    let body = r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"a"}]}"#;
    gateway.post("/v1/messages", body).status
}

#[test]
fn while_the_database_is_locked_requests_are_served_and_recorded_when_it_is_free() {
    let config = format!("[[accounts]]\nname = \"s\"\nprovider = \"simulated\"\n{}", key(""));
    let folder = Arc::new(Folder::new());
    let database = folder.0.join("data/sluice.db");
    let gateway = Gateway::start_in(Arc::clone(&folder), &config);
    assert_eq!(ask(&gateway), 200);
    gateway.until("the first is kept", |gateway| records(gateway).len() == 1);
    let locked = Locked::new(&database);
    for _ in 0..5 {
        assert_eq!(ask(&gateway), 200);
    }
    for path in ["/requests", "/usage"] {
        let refused = gateway.admin("GET", path, "");
        assert_eq!(
            (refused.status, &refused.json()["error"]["code"]),
            (503, &"store_unavailable".into()),
            "{path}"
        );
    }
    gateway.until("it is said", |gateway| gateway.log().contains("the store takes no records"));
    drop(locked);
    gateway.until("all are there", |gateway| {
        gateway.admin("GET", "/requests", "").status == 200 && records(gateway).len() == 6
    });

    // Killed while it is locked, what waited is in the journal.
    let locked = Locked::new(&database);
    for _ in 0..3 {
        assert_eq!(ask(&gateway), 200);
    }
    gateway.signal("KILL");
    drop(gateway);
    drop(locked);
    let gateway = Gateway::start_in(folder, &config);
    assert_eq!(records(&gateway).len(), 9);
    assert_eq!(gateway.admin("GET", "/usage", "").json()["data"][0]["requests"], 9);
}
