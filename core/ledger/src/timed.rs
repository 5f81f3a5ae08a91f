//! The store, with the time of each of its operations measured.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use sluice_api::limiter::{Bucket, Take};
use sluice_api::plugin::async_trait;
use sluice_api::record::{Page, Record, RecordQuery, RecordStore, SumQuery, SumRow, Unwritable};
use sluice_api::store::{
    Asked, Lease, Level, Line, Lined, Owner, Place, Process, Remembered, Seed, ServedAlone, Store,
    StoreError, Taken, Turn, Used,
};

use crate::measure::{Histogram, Measures};

/// A store that is timed.
#[derive(Debug)]
pub struct Timed {
    store: Arc<dyn Store>,
    take_all: Arc<Histogram>,
    line_up: Arc<Histogram>,
    waiting: Arc<Histogram>,
    levels: Arc<Histogram>,
    held: Arc<Histogram>,
    put: Arc<Histogram>,
    delete: Arc<Histogram>,
    list: Arc<Histogram>,
    revision: Arc<Histogram>,
    remember: Arc<Histogram>,
    recall: Arc<Histogram>,
    forget: Arc<Histogram>,
    ready: Arc<Histogram>,
    append: Arc<Histogram>,
    page: Arc<Histogram>,
    sums: Arc<Histogram>,
    expire: Arc<Histogram>,
}

impl Timed {
    /// Times this one.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, measures: &Measures) -> Self {
        let of = |operation| measures.store(operation);
        let alone = Arc::clone(&store);
        measures.watch_store(move || alone.serves_alone().unwrap_or_default());
        Self {
            store,
            take_all: of("take_all"),
            line_up: of("line_up"),
            waiting: of("waiting"),
            levels: of("levels"),
            held: of("held"),
            put: of("put"),
            delete: of("delete"),
            list: of("list"),
            revision: of("revision"),
            remember: of("remember"),
            recall: of("recall"),
            forget: of("forget"),
            ready: of("ready"),
            append: of("append"),
            page: of("page"),
            sums: of("sums"),
            expire: of("expire"),
        }
    }
}

async fn timed<T>(times: &Histogram, operation: impl Future<Output = T>) -> T {
    let started = Instant::now();
    let done = operation.await;
    times.record(started.elapsed());
    done
}

#[async_trait]
impl Store for Timed {
    async fn open(&self) -> Result<(), StoreError> {
        self.store.open().await
    }

    fn folder(&self) -> Option<&Path> {
        self.store.folder()
    }

    fn is_shared(&self) -> bool {
        self.store.is_shared()
    }

    fn serves_alone(&self) -> Option<ServedAlone> {
        self.store.serves_alone()
    }

    /// Asked once, at start.
    async fn process(&self) -> Result<Process, StoreError> {
        self.store.process().await
    }

    fn records(&self) -> &dyn RecordStore {
        self
    }

    async fn take_all(&self, asked: Asked) -> Result<Taken, StoreError> {
        timed(&self.take_all, self.store.take_all(asked)).await
    }

    /// Never waits, so there is nothing to time.
    fn settle(&self, lease: Lease, used: Used, now: Timestamp) {
        self.store.settle(lease, used, now);
    }

    /// Never waits, so there is nothing to time.
    fn land(&self, lease: &mut Lease, used: Used, now: Timestamp) {
        self.store.land(lease, used, now);
    }

    async fn line_up(&self, line: Line, slots: Vec<Take>) -> Result<Lined, StoreError> {
        timed(&self.line_up, self.store.line_up(line, slots)).await
    }

    /// Waits for others, so that its times would say nothing of the store.
    fn turn(&self, place: &Place) -> Turn {
        self.store.turn(place)
    }

    /// Never waits, so there is nothing to time.
    fn leave(&self, place: Place) {
        self.store.leave(place);
    }

    async fn waiting(&self, keys: Vec<Arc<str>>) -> Result<Vec<u64>, StoreError> {
        timed(&self.waiting, self.store.waiting(keys)).await
    }

    async fn levels(&self, takes: Vec<Take>, now: Timestamp) -> Result<Vec<Level>, StoreError> {
        timed(&self.levels, self.store.levels(takes, now)).await
    }

    /// Asked when limits change, which is seldom.
    async fn forgotten(&self, takes: Vec<Take>) -> Result<Vec<Take>, StoreError> {
        self.store.forgotten(takes).await
    }

    /// Told when limits change, which is seldom.
    async fn seed(&self, seeds: Vec<Seed>, now: Timestamp) -> Result<(), StoreError> {
        self.store.seed(seeds, now).await
    }

    /// Told when a key is deleted, which is seldom.
    async fn drop_counts(&self, takes: Vec<Take>) -> Result<(), StoreError> {
        self.store.drop_counts(takes).await
    }

    async fn held(&self, bucket: &Bucket) -> Result<u64, StoreError> {
        timed(&self.held, self.store.held(bucket)).await
    }

    async fn put(&self, kind: &str, id: &str, document: &str) -> Result<(), StoreError> {
        timed(&self.put, self.store.put(kind, id, document)).await
    }

    async fn put_soon(&self, kind: &str, id: &str, document: &str) -> Result<(), StoreError> {
        timed(&self.put, self.store.put_soon(kind, id, document)).await
    }

    /// Nearly always nothing is to be done, so that its times would say nothing.
    async fn close(&self) {
        self.store.close().await;
    }

    async fn flush(&self) -> Result<(), StoreError> {
        self.store.flush().await
    }

    async fn delete(&self, kind: &str, id: &str) -> Result<bool, StoreError> {
        timed(&self.delete, self.store.delete(kind, id)).await
    }

    async fn list(&self, kind: &str) -> Result<Vec<(String, String)>, StoreError> {
        timed(&self.list, self.store.list(kind)).await
    }

    async fn revision(&self, kind: &str) -> Result<Option<u64>, StoreError> {
        timed(&self.revision, self.store.revision(kind)).await
    }

    /// Asked when a token is renewed, which is seldom.
    async fn claim(&self, name: &str, by: Owner, length: Duration) -> Result<bool, StoreError> {
        self.store.claim(name, by, length).await
    }

    /// Told when a token is renewed, which is seldom.
    async fn release(&self, name: &str, by: Owner) {
        self.store.release(name, by).await;
    }

    async fn write_claimed(
        &self,
        claim: (&str, Owner),
        place: (&str, &str),
        document: Option<&str>,
    ) -> Result<Option<bool>, StoreError> {
        let of = if document.is_some() { &self.put } else { &self.delete };
        timed(of, self.store.write_claimed(claim, place, document)).await
    }

    async fn remember(&self, kind: &str, values: Vec<Remembered>) -> Result<(), StoreError> {
        timed(&self.remember, self.store.remember(kind, values)).await
    }

    async fn recall(&self, kind: &str, id: &str) -> Result<Option<String>, StoreError> {
        timed(&self.recall, self.store.recall(kind, id)).await
    }

    async fn recall_all(&self, kind: &str, ids: Vec<String>) -> Result<Vec<Option<String>>, StoreError> {
        timed(&self.recall, self.store.recall_all(kind, ids)).await
    }

    async fn forget(&self, now: Timestamp, most: usize) -> Result<usize, StoreError> {
        timed(&self.forget, self.store.forget(now, most)).await
    }

    async fn ready(&self) -> Result<(), StoreError> {
        timed(&self.ready, self.store.ready()).await
    }
}

#[async_trait]
impl RecordStore for Timed {
    async fn keep_days_of(&self, zone: &TimeZone) -> Result<(), StoreError> {
        self.store.records().keep_days_of(zone).await
    }

    async fn append(&self, records: Vec<Arc<Record>>) -> Result<Vec<Unwritable>, StoreError> {
        timed(&self.append, self.store.records().append(records)).await
    }

    async fn last_id(&self) -> Result<u64, StoreError> {
        self.store.records().last_id().await
    }

    async fn record(&self, id: u64) -> Result<Option<Record>, StoreError> {
        timed(&self.page, self.store.records().record(id)).await
    }

    async fn page(&self, query: &RecordQuery) -> Result<Page, StoreError> {
        timed(&self.page, self.store.records().page(query)).await
    }

    async fn sums(&self, query: &SumQuery) -> Result<Vec<SumRow>, StoreError> {
        timed(&self.sums, self.store.records().sums(query)).await
    }

    async fn oldest(&self, before: Timestamp, most: usize) -> Result<Vec<Record>, StoreError> {
        timed(&self.page, self.store.records().oldest(before, most)).await
    }

    async fn delete(&self, ids: Vec<u64>) -> Result<usize, StoreError> {
        timed(&self.expire, self.store.records().delete(ids)).await
    }

    async fn expire(&self, before: Timestamp, most: usize) -> Result<usize, StoreError> {
        timed(&self.expire, self.store.records().expire(before, most)).await
    }
}
