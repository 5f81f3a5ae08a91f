//! Ids grow, records wait in order for a store that is away, and there is an end to how many.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use sluice_api::dialect::{Api, Operation};
use sluice_api::limiter::{Bucket, Take};
use sluice_api::plugin::async_trait;
use sluice_api::record::{Holder, Page, Record, RecordQuery, RecordStore, SumQuery, SumRow, Unwritable};
use sluice_api::store::{
    Asked, Lease, Level, Line, Lined, Place, Remembered, Store, StoreError, Taken, Turn, Used,
};
use sluice_journal::{Journal, Sizes};
use sluice_memory::RecordsInMemory;

use super::{Book, Traces, WAITING_MAX};

/// Records in memory, which takes none while it is away.
#[derive(Debug, Default)]
struct Fickle {
    records: RecordsInMemory,
    away: AtomicBool,
}

#[async_trait]
impl RecordStore for Fickle {
    async fn keep_days_of(&self, zone: &TimeZone) -> Result<(), StoreError> {
        self.records.keep_days_of(zone).await
    }

    async fn append(&self, records: Vec<Arc<Record>>) -> Result<Vec<Unwritable>, StoreError> {
        if self.away.load(Ordering::SeqCst) {
            return Err(StoreError("it is away".to_owned()));
        }
        self.records.append(records).await
    }

    async fn last_id(&self) -> Result<u64, StoreError> {
        self.records.last_id().await
    }

    async fn record(&self, id: u64) -> Result<Option<Record>, StoreError> {
        self.records.record(id).await
    }

    async fn page(&self, query: &RecordQuery) -> Result<Page, StoreError> {
        self.records.page(query).await
    }

    async fn sums(&self, query: &SumQuery) -> Result<Vec<SumRow>, StoreError> {
        self.records.sums(query).await
    }

    async fn oldest(&self, before: Timestamp, most: usize) -> Result<Vec<Record>, StoreError> {
        self.records.oldest(before, most).await
    }

    async fn delete(&self, ids: Vec<u64>) -> Result<usize, StoreError> {
        self.records.delete(ids).await
    }

    async fn expire(&self, before: Timestamp, most: usize) -> Result<usize, StoreError> {
        self.records.expire(before, most).await
    }
}

#[async_trait]
impl Store for Fickle {
    fn records(&self) -> &dyn RecordStore {
        self
    }

    async fn take_all(&self, asked: Asked) -> Result<Taken, StoreError> {
        Ok(Taken::All(asked.leases))
    }

    fn settle(&self, _lease: Lease, _used: Used, _now: Timestamp) {}

    fn land(&self, _lease: &mut Lease, _used: Used, _now: Timestamp) {}

    async fn line_up(&self, _line: Line, _slots: Vec<Take>) -> Result<Lined, StoreError> {
        Ok(Lined::Free)
    }

    fn turn(&self, _place: &Place) -> Turn {
        Box::pin(std::future::ready(()))
    }

    fn leave(&self, _place: Place) {}

    async fn waiting(&self, keys: Vec<Arc<str>>) -> Result<Vec<u64>, StoreError> {
        Ok(vec![0; keys.len()])
    }

    async fn levels(&self, takes: Vec<Take>, _now: Timestamp) -> Result<Vec<Level>, StoreError> {
        Ok(vec![Level::default(); takes.len()])
    }

    async fn held(&self, _bucket: &Bucket) -> Result<u64, StoreError> {
        Ok(0)
    }

    async fn put(&self, _kind: &str, _id: &str, _document: &str) -> Result<(), StoreError> {
        Ok(())
    }

    async fn delete(&self, _kind: &str, _id: &str) -> Result<bool, StoreError> {
        Ok(false)
    }

    async fn list(&self, _kind: &str) -> Result<Vec<(String, String)>, StoreError> {
        Ok(Vec::new())
    }

    async fn remember(&self, _kind: &str, _values: Vec<Remembered>) -> Result<(), StoreError> {
        Ok(())
    }

    async fn recall(&self, _kind: &str, _id: &str) -> Result<Option<String>, StoreError> {
        Ok(None)
    }

    async fn forget(&self, _now: Timestamp, _most: usize) -> Result<usize, StoreError> {
        Ok(0)
    }

    async fn ready(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

fn record(id: u64) -> Record {
    let (time, holder) = (Timestamp::UNIX_EPOCH, Holder::default());
    let mut record = Record::new(time, format!("r{id}").into(), holder, Api::Anthropic, Operation::Generate);
    record.id = id;
    record
}

fn wait(book: &Book, ids: impl Iterator<Item = u64>) {
    end(book, ids.map(record).collect());
}

fn end(book: &Book, records: Vec<Record>) {
    let traces = records.iter().map(|record| {
        let mut traces = Traces::default();
        book.ended(&mut traces, record);
        traces
    });
    let traces = traces.collect();
    book.wait(records.into_iter().map(Arc::new).collect(), traces);
}

#[test]
fn ids_grow_also_where_the_clock_stands_still_or_goes_back() {
    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    let book = Book::new(None, 7);
    let first = book.next_id(at("2026-11-28T12:00:00Z"));
    assert_eq!(first, Record::id_at(at("2026-11-28T12:00:00Z")));
    assert_eq!(book.next_id(at("2026-11-28T12:00:00Z")), first + 1);
    assert_eq!(book.next_id(at("2026-11-28T11:00:00Z")), first + 2);
    assert_eq!(book.next_id(at("2026-11-28T13:00:00Z")), Record::id_at(at("2026-11-28T13:00:00Z")));
    assert_eq!(Book::new(None, u64::MAX - 9).next_id(at("2026-11-28T12:00:00Z")), u64::MAX - 8);
}

#[tokio::test]
async fn what_a_store_does_not_take_waits_in_order_and_is_taken_once() {
    let (book, store) = (Book::new(None, 0), Fickle::default());
    wait(&book, 1..=10_000);
    store.away.store(true, Ordering::SeqCst);
    assert!(book.bring(&store).await.is_err());
    wait(&book, 10_001..=10_010);
    assert!(book.bring(&store).await.is_err());
    assert_eq!(book.waiting(), 10_010);
    let order: Vec<u64> = book.waiting.lock().iter().map(|waiting| waiting.record.id).collect();
    assert!(order.is_sorted(), "as they ended");
    store.away.store(false, Ordering::SeqCst);
    book.bring(&store).await.unwrap();
    assert_eq!(book.waiting(), 0);
    assert_eq!(store.records.page(&RecordQuery::newest(20_000)).await.unwrap().records.len(), 10_010);
}

#[tokio::test]
async fn where_too_much_waits_requests_are_refused_until_the_store_takes_some() {
    let (book, store) = (Book::new(None, 0), Fickle::default());
    wait(&book, 1..WAITING_MAX as u64);
    assert!(book.has_room().is_ok());
    wait(&book, std::iter::once(WAITING_MAX as u64));
    let refused = book.has_room().unwrap_err();
    assert_eq!(refused.kind().name(), "store_unavailable");
    // Who is refused comes again, and must not fill the memory; what went upstream has cost something.
    wait(&book, 60_000..70_000);
    assert_eq!(book.waiting(), WAITING_MAX);
    let mut sent = record(99_999);
    sent.attempts = 1;
    end(&book, vec![sent]);
    assert_eq!(book.waiting(), WAITING_MAX + 1);
    book.bring(&store).await.unwrap();
    assert!(book.has_room().is_ok());
}

#[tokio::test]
async fn what_is_logged_is_brought_to_the_store_also_where_the_room_ends_meanwhile() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::open(folder.path(), 7, 0, Sizes::default()).unwrap();
    let (book, store) = (Book::new(Some(journal), 0), Fickle::default());
    let logged =
        || Journal::left(folder.path(), 7).unwrap().ended().map(|file| file.unwrap().len()).sum::<usize>();
    let (refused, mut traces) = (record(1), Traces::default());
    book.ended(&mut traces, &refused);
    assert_eq!(logged(), 1);
    wait(&book, 2..=WAITING_MAX as u64 + 1);
    assert!(book.has_room().is_err());
    book.wait(vec![Arc::new(refused)], vec![traces]);
    wait(&book, 70_000..70_001);
    assert_eq!(book.waiting(), WAITING_MAX + 1, "who is refused while there is none is left out");
    book.bring(&store).await.unwrap();
    assert_eq!(logged(), 0, "nothing is left for a later start");
    let kept = store.records.page(&RecordQuery::newest(WAITING_MAX * 2)).await.unwrap().records;
    assert_eq!(kept.len(), WAITING_MAX + 1);
}
