//! Durable, and for one process alone.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sluice_api::plugin::Timestamp;
use sluice_api::store::{Remembered, Store};

use super::Embedded;
use super::database::Database;
use super::documents::Documents;

/// A folder of this test's own, removed at its end.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        Self(std::env::temp_dir().join(format!("sluice-store-{name}-{}", std::process::id())))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn documents(folder: &Folder) -> Documents {
    Documents::of(Arc::new(Database::open(&folder.0).unwrap())).unwrap()
}

#[tokio::test]
async fn documents_survive_and_a_second_process_is_kept_out() {
    let folder = Folder::new("documents");
    let store = Embedded::at(folder.0.clone());
    store.open().await.unwrap();
    store.put("key", "b", "1").await.unwrap();
    store.put("key", "a", "2").await.unwrap();
    store.put("key", "b", "3").await.unwrap();
    let refused = Embedded::at(folder.0.clone()).open().await.unwrap_err();
    assert!(refused.to_string().contains("already in use"), "{refused}");
    drop(store);

    let store = Embedded::at(folder.0.clone());
    store.open().await.unwrap();
    assert_eq!(store.list("key").await.unwrap(), [("a".into(), "2".into()), ("b".into(), "3".into())]);
    assert!(store.delete("key", "a").await.unwrap());
    assert!(!store.delete("key", "a").await.unwrap());
    assert_eq!(store.list("other").await.unwrap(), []);
    store.ready().await.unwrap();
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_else_can_read_what_is_kept() {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let folder = Folder::new("modes");
    let inner = folder.0.join("made/here");
    let keep = async || {
        let store = Embedded::at(inner.clone());
        store.open().await.unwrap();
        store.put("admin", "token", "planted").await.unwrap();
        let files: Vec<PathBuf> =
            std::fs::read_dir(&inner).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert!(files.len() >= 3, "{files:?}");
        for file in &files {
            assert_eq!(mode(file), 0o600, "{}", file.display());
        }
        files
    };
    let files = keep().await;
    assert_eq!((mode(&inner), mode(&folder.0.join("made"))), (0o700, 0o700));

    // A store of before, open to others: its folder stays as its owner has it, its files do not.
    for file in &files {
        if file.exists() {
            std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o644)).unwrap();
        }
    }
    std::fs::set_permissions(&inner, std::fs::Permissions::from_mode(0o755)).unwrap();
    keep().await;
    assert_eq!(mode(&inner), 0o755);
}

#[tokio::test]
async fn many_who_ask_whether_it_is_ready_cost_one_write() {
    let folder = Folder::new("ready");
    let store = Embedded::at(folder.0.clone());
    store.open().await.unwrap();
    let broken = rusqlite::Connection::open(folder.0.join("sluice.db")).unwrap();
    let begun = Instant::now();
    store.ready().await.unwrap();
    // From here on a probe would fail: that none does shows that there was none.
    broken.execute_batch("DROP TABLE documents").unwrap();
    for _ in 0..100 {
        let answer = store.ready().await;
        assert!(answer.is_ok() || begun.elapsed() >= Duration::from_secs(1), "{answer:?}");
    }
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap()
}

/// So many values that are kept until a time, with names of their own.
fn values(name: &str, number: usize, until: i64) -> Vec<Remembered> {
    let of = |number| Remembered::new(format!("{name}-{number}"), "v".to_owned(), at(until));
    (0..number).map(of).collect()
}

#[test]
fn what_is_over_is_deleted_as_fast_as_anything_is_made() {
    let folder = Folder::new("forget");
    let documents = documents(&folder);
    // Each second many are made that live for ten, and twice as many are deleted at most.
    for second in 0..40 {
        documents.remember("k", &values(&second.to_string(), 3_000, second + 10)).unwrap();
        let forgotten = documents.forget(at(second), 6_000).unwrap();
        assert_eq!(forgotten, if second > 10 { 3_000 } else { 0 }, "in second {second}");
    }
    assert_eq!(documents.recall("k", "28-0").unwrap(), None);
    assert!(documents.recall("k", "29-2999").unwrap().is_some());
    // What one call leaves, the next one takes; each does no more than it was told.
    assert_eq!(documents.forget(at(1_000), 20_500).unwrap(), 20_500);
    assert_eq!(documents.forget(at(1_000), 20_500).unwrap(), 33_000 - 20_500);
    assert_eq!(documents.forget(at(1_000), 20_500).unwrap(), 0);
}

#[test]
fn what_is_kept_for_a_time_is_bounded_and_what_ends_first_goes_first() {
    let folder = Folder::new("bounded");
    let open = || {
        let mut documents = documents(&folder);
        documents.remembered_max = 100;
        documents
    };
    let documents = open();
    documents.remember("k", &values("late", 60, 900)).unwrap();
    documents.remember("k", &values("early", 60, 800)).unwrap();
    // Once more is not one more.
    documents.remember("k", &values("late", 60, 900)).unwrap();
    assert_eq!(documents.forget(at(0), 1_000).unwrap(), 20);
    drop(documents);
    let documents = open();
    assert_eq!(documents.forget(at(0), 1_000).unwrap(), 0, "a start counts what is there");
    documents.remember("k", &values("other", 10, 850)).unwrap();
    assert_eq!(documents.forget(at(0), 1_000).unwrap(), 10);
    let kept = |name: &str, number: usize| {
        (0..number).filter(|at| documents.recall("k", &format!("{name}-{at}")).unwrap().is_some()).count()
    };
    assert_eq!((kept("late", 60), kept("early", 60), kept("other", 10)), (60, 30, 10));
}

#[tokio::test]
async fn an_older_database_is_brought_to_this_version_with_all_that_is_in_it() {
    let folder = Folder::new("older");
    std::fs::create_dir_all(&folder.0).unwrap();
    let path = folder.0.join("sluice.db");
    let before = rusqlite::Connection::open(&path).unwrap();
    before
        .execute_batch(
            "PRAGMA journal_mode = WAL;
             CREATE TABLE documents (kind TEXT NOT NULL, id TEXT NOT NULL, document TEXT NOT NULL,
               PRIMARY KEY (kind, id)) WITHOUT ROWID;
             CREATE TABLE remembered (kind TEXT NOT NULL, id TEXT NOT NULL, value TEXT NOT NULL,
               until INTEGER NOT NULL, PRIMARY KEY (kind, id)) WITHOUT ROWID;
             CREATE INDEX remembered_until ON remembered (until);
             INSERT INTO documents VALUES ('key', 'a', '1');
             INSERT INTO remembered VALUES ('reference', 'r', 'account', 9);",
        )
        .unwrap();
    drop(before);
    for _ in 0..2 {
        let store = Embedded::at(folder.0.clone());
        store.open().await.unwrap();
        assert_eq!(store.list("key").await.unwrap(), [("a".into(), "1".into())]);
        assert_eq!(store.recall("reference", "r").await.unwrap(), Some("account".to_owned()));
        let record = sluice_conformance::usual(1, at(1_795_000_000));
        store.records().append(vec![Arc::new(record.clone())]).await.unwrap();
        assert_eq!(store.records().record(record.id).await.unwrap(), Some(record));
    }
}

#[tokio::test]
async fn what_can_not_be_read_is_left_as_it_is() {
    let folder = Folder::new("unreadable");
    let path = folder.0.join("sluice.db");
    let open = async || {
        let store = Embedded::at(folder.0.clone());
        store.open().await.map(|()| store)
    };
    let store = open().await.unwrap();
    let records = (0..2_000).map(|number| Arc::new(sluice_conformance::usual(number, at(1_795_000_000))));
    store.records().append(records.collect()).await.unwrap();
    drop(store);
    let whole = std::fs::read(&path).unwrap();
    let newer = {
        let connection = rusqlite::Connection::open(&path).unwrap();
        connection.pragma_update(None, "user_version", 99).unwrap();
        drop(connection);
        std::fs::read(&path).unwrap()
    };
    let mut scratched = whole.clone();
    scratched[..4_096].fill(b'x');
    for (what, bytes, ahead, says) in [
        ("newer", &newer[..], &b""[..], "run that Sluice again"),
        ("cut off", &whole[..whole.len() / 2], b"", "move the folder away"),
        ("cut off in a page", &whole[..whole.len() - 100], b"", "move the folder away"),
        ("cut off in the head", &whole[..50], b"", "move the folder away"),
        ("scratched", &scratched, b"", "move the folder away"),
        ("no database", b"key = 1\n", b"", "move the folder away"),
        ("empty beside what was to come into it", b"", b"ahead", "move the folder away"),
    ] {
        std::fs::write(&path, bytes).unwrap();
        std::fs::write(folder.0.join("sluice.db-wal"), ahead).unwrap();
        let error = open().await.err().map(|error| error.to_string()).unwrap_or_default();
        assert!(error.contains(says) && error.contains("sluice.db"), "{what}: {error}");
        assert!(std::fs::read(&path).unwrap() == bytes, "{what}: it was changed");
        assert_eq!(std::fs::read(folder.0.join("sluice.db-wal")).unwrap_or_default(), ahead, "{what}");
    }
    std::fs::write(&path, &whole).unwrap();
    std::fs::remove_file(folder.0.join("sluice.db-wal")).unwrap_or_default();
    assert_eq!(
        open().await.unwrap().records().last_id().await.unwrap(),
        sluice_conformance::usual(1_999, at(1_795_000_000)).id
    );
}
