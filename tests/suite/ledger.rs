//! The ledger: what outlives a process that is killed, and what its views say.

mod aside;
mod attempts;
mod away;
mod billed;
mod details;
mod export;
mod full;
mod journal;
mod kills;
mod reconcile;
mod reprice;
mod retention;
mod views;

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::Value;
use sluice_tests::gateway::Gateway;
use sluice_tests::place::Folder;

/// All records, page by page.
fn records(gateway: &Gateway) -> Vec<Value> {
    let mut all = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = gateway.admin("GET", &format!("/requests?limit=1000{cursor}"), "").json();
        all.extend(page["data"].as_array().unwrap().iter().cloned());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return all,
        }
    }
}

/// The gateway's database, changed by another program.
pub(crate) fn execute(folder: &Folder, statements: &str) {
    let program = "import json, sqlite3, sys\n\
                   path, statements = json.load(sys.stdin)\n\
                   database = sqlite3.connect(path, timeout=20)\n\
                   database.executescript(statements)\n\
                   database.commit()\n";
    let path = folder.0.join("data/sluice.db");
    piped(program, &serde_json::json!([path, statements]).to_string());
}

/// Runs a Python program with this on its standard input; what it prints.
fn piped(program: &str, input: &str) -> String {
    let Some(python) = std::env::var_os("SLUICE_TEST_PYTHON") else {
        panic!("SLUICE_TEST_PYTHON is not set: .ci/run makes the environment");
    };
    let mut command = Command::new(python);
    command.args(["-c", program]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}
