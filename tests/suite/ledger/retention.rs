//! What is kept no longer: it goes to the archive first, and the sums of its days stay.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use serde_json::Value;
use sluice_tests::gateway::{Gateway, key};
use sluice_tests::place::{Folder, files_below};

use super::away::ask;
use super::{execute, piped, records};

/// Makes everything in the database three days older.
const OLDER: &str = "
    UPDATE requests SET id = id - (3 * 86400000 << 20), time = time - 3 * 86400000000000;
    UPDATE quarter_sums SET start = start - 3 * 86400;
    UPDATE hour_sums SET start = start - 3 * 86400;
    UPDATE day_sums SET start = start - 3 * 86400;
    UPDATE marks SET value = value - (3 * 86400000 << 20) WHERE name = 'last_id';
    UPDATE marks SET value = value - 3 * 86400000000000 WHERE name = 'latest';";

/// What is in the files of an archive, by another reader of theirs.
fn archived(folder: &Path) -> Vec<Value> {
    let program = "import gzip, json, sys\n\
                   for path in json.load(sys.stdin):\n    sys.stdout.write(gzip.open(path, 'rt').read())\n";
    let files = files_below(folder);
    assert!(files.iter().all(|file| file.to_string_lossy().ends_with(".jsonl.gz")), "{files:?}");
    let lines = piped(program, &serde_json::to_string(&files).unwrap());
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn by_id(records: Vec<Value>) -> BTreeMap<String, Value> {
    let count = records.len();
    let by_id: BTreeMap<String, Value> =
        records.into_iter().map(|record| (record["id"].as_str().unwrap().to_owned(), record)).collect();
    assert_eq!(by_id.len(), count, "each is there once");
    by_id
}

#[test]
fn old_records_leave_for_the_archive_and_the_sums_of_their_days_stay() {
    let folder = Arc::new(Folder::new());
    let archive = folder.0.join("archive");
    let kept = |days: u32| {
        let account = "[[accounts]]\nname = \"s\"\nprovider = \"simulated\"\n";
        format!("[stats]\nretention_days = {days}\narchive = {archive:?}\n{account}{}", key(""))
    };
    let gateway = Gateway::start_in(Arc::clone(&folder), &kept(30));
    for _ in 0..12 {
        assert_eq!(ask(&gateway), 200);
    }
    gateway.signal("TERM");
    assert!(gateway.wait().0.success());
    execute(&folder, OLDER);

    let gateway = Gateway::start_in(Arc::clone(&folder), &kept(30));
    assert_eq!(ask(&gateway), 200, "one of today");
    let mut old = records(&gateway).split_off(1);
    assert_eq!(old.len(), 12);
    old.reverse();
    // What leaves is all that was kept of it.
    let detail = |record: &Value| {
        gateway.admin("GET", &format!("/requests/{}", record["id"].as_str().unwrap()), "").json()
    };
    let details: Vec<Value> = old.iter().map(detail).collect();
    let day = old[0]["time"].as_str().unwrap()[..10].to_owned();
    let usage = |gateway: &Gateway| {
        let query = format!("/usage?bucket=day&group_by=key,model,account&from={day}T00:00:00Z");
        gateway.admin("GET", &query, "").json()
    };
    let told = usage(&gateway);
    assert!(told["data"].as_array().unwrap().len() >= 2, "{told}");
    gateway.signal("TERM");
    assert!(gateway.wait().0.success());
    assert!(!archive.exists(), "nothing has left yet");

    let gateway = Gateway::start_in(Arc::clone(&folder), &kept(1));
    gateway.until("the old ones have left", |gateway| records(gateway).len() == 1);
    assert_eq!(by_id(archived(&archive)), by_id(details));
    assert_eq!(usage(&gateway), told);
    // Sums of quarter-hours go with them.
    let count = "import sqlite3, sys\n\
                 database = sqlite3.connect(sys.stdin.read(), timeout=20)\n\
                 print(database.execute('SELECT count(DISTINCT start / 86400) FROM quarter_sums').fetchone()[0])\n";
    let path = folder.0.join("data/sluice.db").display().to_string();
    gateway.until("their quarter-hours have gone", |_| piped(count, &path).trim() == "1");
    assert_eq!(usage(&gateway), told);
    assert_eq!(archived(&archive).len(), 12);
}
