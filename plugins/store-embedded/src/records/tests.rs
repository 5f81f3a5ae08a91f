//! What every store must do, done by this one; and what a database on a disk has beside that.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use std::time::Duration;

use sluice_api::cost::Money;
use sluice_api::plugin::{Timestamp, async_trait};
use sluice_api::record::{
    Cost, Dimension, Page, Record, RecordQuery, RecordStore as _, Span, SumQuery, SumRow,
};
use sluice_api::store::Store;
use sluice_conformance::Stores;
use sluice_memory::RecordsInMemory;

use super::Ledger;
use crate::Embedded;
use crate::database::{DATABASE, Database};
use crate::tests::Folder;

/// Stores in folders of one that is removed at the end.
struct InFolders {
    folder: Folder,
    number: AtomicUsize,
}

impl InFolders {
    fn new() -> Self {
        let folder = Folder::new(&format!("conformance-{:?}", std::thread::current().id()));
        Self { folder, number: AtomicUsize::new(0) }
    }

    async fn open(folder: PathBuf) -> Arc<dyn Store> {
        let store = Embedded::at(folder);
        store.open().await.unwrap();
        Arc::new(store)
    }
}

#[async_trait]
impl Stores for InFolders {
    async fn fresh(&self) -> Arc<dyn Store> {
        let number = self.number.fetch_add(1, Ordering::Relaxed);
        Self::open(self.folder.0.join(number.to_string())).await
    }

    async fn again(&self, store: Arc<dyn Store>) -> Arc<dyn Store> {
        let folder = store.folder().unwrap().to_owned();
        drop(store);
        Self::open(folder).await
    }
}

sluice_conformance::every_test!(InFolders::new());
sluice_conformance::every_test_of_told_time!(InFolders::new());

pub(super) fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// So many records, one after another at equal distances from a time on.
fn usual(from: Timestamp, number: u64, apart: Duration) -> Vec<Record> {
    (0..number).map(|at| sluice_conformance::usual(at, from + apart * u32::try_from(at).unwrap())).collect()
}

pub(super) fn ledger(folder: &Folder) -> Ledger {
    Ledger::of(Arc::new(Database::open(&folder.0).unwrap())).unwrap()
}

fn all() -> SumQuery {
    let mut all = SumQuery::over(vec![Span::new(Timestamp::MIN, Timestamp::MAX)]);
    all.group_by = vec![Dimension::Key, Dimension::Model];
    all
}

fn sums(ledger: &Ledger) -> Vec<SumRow> {
    ledger.read(|source| super::sums::sums(&all(), source)).unwrap()
}

async fn expected(records: &[Record]) -> Vec<SumRow> {
    let model = RecordsInMemory::default();
    model.append(records.iter().cloned().map(Arc::new).collect()).await.unwrap();
    model.sums(&all()).await.unwrap()
}

#[tokio::test]
async fn what_could_not_be_written_is_not_there_and_can_be_written_later() {
    let folder = Folder::new("unwritable");
    let ledger = ledger(&folder);
    let records = usual(time("2026-11-28T09:59:00Z"), 900, Duration::from_secs(1));
    let (first, second) = records.split_at(300);
    ledger.append(first).unwrap();
    let first_sums = sums(&ledger);

    // Someone else writes, and does not end.
    let other = rusqlite::Connection::open(folder.0.join(DATABASE)).unwrap();
    ledger.writer.lock().connection.busy_timeout(Duration::ZERO).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let locked = ledger.append(second).unwrap_err();
    assert!(locked.to_string().contains("locked"), "{locked}");
    assert_eq!(sums(&ledger), first_sums);
    other.execute_batch("ROLLBACK").unwrap();

    // No room is left.
    let pages = "PRAGMA page_count";
    let most = |pages: i64| {
        let writer = ledger.writer.lock();
        writer.connection.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(())).unwrap();
    };
    let there = ledger.writer.lock().connection.query_row(pages, [], |row| row.get::<_, i64>(0)).unwrap();
    most(there + 2);
    let full = ledger.append(second).unwrap_err();
    assert!(full.to_string().contains("full"), "{full}");
    assert_eq!(sums(&ledger), first_sums);
    let newest = RecordQuery::newest(1);
    let page = ledger.read(|source| super::page::page(&newest, source)).unwrap();
    assert_eq!(page.records, first[299..]);

    most(1 << 30);
    ledger.append(second).unwrap();
    // What came through is not added once more.
    ledger.append(&records).unwrap();
    assert_eq!(sums(&ledger), expected(&records).await);
}

#[tokio::test]
async fn a_record_that_can_not_be_written_keeps_no_other_from_it() {
    let folder = Folder::new("refused");
    let ledger = ledger(&folder);
    let mut records = usual(time("2026-11-28T10:00:00Z"), 20, Duration::from_secs(1));
    // SQLite has no whole numbers that large.
    let bad = [3, 4, 19].map(|at: usize| {
        records[at].id = u64::MAX - u64::try_from(at).unwrap();
        records[at].id
    });
    let unwritable = ledger.append(&records).unwrap();
    assert_eq!(unwritable.iter().map(|one| one.id).collect::<Vec<_>>(), bad);
    assert!(unwritable.iter().all(|one| !one.why.is_empty()));
    records.retain(|record| !bad.contains(&record.id));
    assert_eq!(sums(&ledger), expected(&records).await);
    // Those that are there can be appended again.
    assert_eq!(ledger.append(&records).unwrap(), []);
    assert_eq!(sums(&ledger), expected(&records).await);
}

#[test]
fn readers_do_not_wait_for_who_writes() {
    let folder = Folder::new("readers");
    let ledger = ledger(&folder);
    ledger.append(&usual(time("2026-11-28T10:00:00Z"), 10, Duration::from_secs(1))).unwrap();
    let writer = ledger.writer.lock();
    let _writes = ledger.database.writes();
    writer
        .connection
        .execute_batch("BEGIN IMMEDIATE; DELETE FROM requests; DELETE FROM quarter_sums")
        .unwrap();
    let page = ledger.read(|source| super::page::page(&RecordQuery::newest(100), source)).unwrap();
    assert_eq!(page.records.len(), 10);
    assert!(!sums(&ledger).is_empty());
}

#[test]
fn a_record_takes_little_room_and_leaves_it_to_others() {
    let folder = Folder::new("room");
    let ledger = ledger(&folder);
    let pages = || {
        ledger.read(|source| source.connection.query_row("PRAGMA page_count", [], |row| row.get::<_, u32>(0)))
    };
    let mut taken = Vec::new();
    let day = |number: u32| time("2026-11-01T00:00:00Z") + Duration::from_secs(86_400) * number;
    for number in 0..4 {
        let mut records = usual(day(number), 8_000, Duration::from_secs(5));
        // Of a span that was measured, no more is kept than is shown.
        records.iter_mut().for_each(|record| record.duration += Duration::from_nanos(1));
        for batch in records.chunks(1_000) {
            ledger.append(batch).unwrap();
        }
        taken.push(pages().unwrap());
        while ledger.expire(day(number + 1), 3_000).unwrap() > 0 {}
    }
    let each = taken[0] * 4_096 / 8_000;
    assert!(each <= 400, "a record takes {each} bytes");
    let days = (taken[3] - taken[0]) * 4_096 / 3;
    assert!(days <= 300 * 60, "{taken:?}: each day leaves {days} bytes, and its sums have 300 labels");
}

#[test]
fn what_few_records_have_is_found_without_looking_at_all() {
    let folder = Folder::new("sparse");
    let ledger = ledger(&folder);
    let begin = time("2026-11-01T00:00:00Z");
    let mut rare = sluice_conformance::usual(7, begin);
    (rare.model, rare.status) = ("rare".into(), 503);
    ledger.append(std::slice::from_ref(&rare)).unwrap();
    for batch in usual(begin + Duration::from_secs(10), 24_000, Duration::from_secs(30)).chunks(4_000) {
        ledger.append(batch).unwrap();
    }
    let page = |query: &RecordQuery| ledger.read(|source| super::page::page(query, source)).unwrap();
    let mut by_model = RecordQuery::newest(10);
    by_model.filter.also(Dimension::Model, "rare".to_owned());
    assert_eq!(page(&by_model), Page::new(vec![rare.clone()], None));
    // No sums tell of statuses: so much is looked through, and the rest another time.
    let mut by_status = RecordQuery::newest(10);
    by_status.filter.statuses = vec![503];
    let first = page(&by_status);
    assert!(first.records.is_empty() && first.next.is_some(), "{first:?}");
    let mut last = first;
    while let Some(next) = last.next {
        by_status.before = Some(next);
        last = page(&by_status);
    }
    assert_eq!(last, Page::new(vec![rare], None));
}

#[test]
fn other_tools_read_what_the_admin_api_says() {
    let folder = Folder::new("views");
    let ledger = ledger(&folder);
    let mut record = sluice_conformance::usual(3, time("2026-11-28T10:00:00.123456789Z"));
    record.cost = Cost::new(Some(Money::from_units(-14_180_000)), Some(Money::from_units(i128::MAX)));
    record.first_byte = Some(Duration::from_micros(1_500));
    ledger.append(std::slice::from_ref(&record)).unwrap();
    let connection = rusqlite::Connection::open(folder.0.join(DATABASE)).unwrap();
    let shown = serde_json::to_value(&record).unwrap();
    let read = "SELECT time, request_id, key, model, cost, list_cost, ttfb_ms, input_tokens FROM records";
    connection
        .query_row(read, [], |row| {
            assert_eq!(row.get::<_, String>(0)?, "2026-11-28T10:00:00.123456Z");
            for (at, name) in [(1, "request_id"), (2, "key"), (3, "model"), (4, "cost"), (5, "list_cost")] {
                assert_eq!(Some(&*row.get::<_, String>(at)?), shown[name].as_str(), "{name}");
            }
            assert_eq!(Some(row.get::<_, f64>(6)?), shown["ttfb_ms"].as_f64());
            assert_eq!(Some(row.get::<_, i64>(7)?), shown["input_tokens"].as_i64());
            Ok(())
        })
        .unwrap();
    for view in ["usage_by_day", "usage_by_quarter"] {
        let read = format!("SELECT cost, list_cost FROM {view}");
        let costs = connection.query_row(&read, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        let (cost, list_cost): (String, String) = costs;
        assert_eq!(cost.parse(), Ok(Money::from_units(-14_180_000)), "{view}");
        assert_eq!(list_cost.parse(), Ok(Money::from_units(i128::MAX)), "{view}");
    }
    // What the page about the tables shows can be asked.
    let page = include_str!("../../README.md");
    let queries: Vec<&str> =
        page.split("```sql\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(queries.len() >= 3);
    for query in queries {
        let mut query = connection.prepare(query).unwrap();
        query.query([]).unwrap().next().unwrap();
    }
}
