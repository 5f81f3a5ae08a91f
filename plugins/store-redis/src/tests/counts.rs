//! What limits count, against the suite that every store is put to.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use parking_lot::Mutex;
use sluice_api::limiter::{Bucket, Take};
use sluice_api::plugin::async_trait;
use sluice_api::record::RecordStore;
use sluice_api::store::{
    Asked, Lease, Level, Line, Lined, Place, Remembered, Store, StoreError, Taken, Turn, Used,
};
use sluice_conformance::{Stores, every_test, every_test_of_told_time};

use super::server::Server;
use crate::counts::{Counts, Time};
use crate::link::{Link, Servers};

/// Far longer than any answer takes, whatever else runs on the machine.
const HANGS: Duration = Duration::from_secs(60);

/// The counts alone.
#[derive(Debug)]
struct Counting(Counts);

fn not_asked() -> StoreError {
    StoreError("these tests don't ask for it".to_owned())
}

#[async_trait]
impl Store for Counting {
    fn records(&self) -> &dyn RecordStore {
        panic!("these tests don't ask for it")
    }

    async fn take_all(&self, asked: Asked) -> Result<Taken, StoreError> {
        self.0.take_all(asked).await
    }

    fn settle(&self, lease: Lease, used: Used, now: Timestamp) {
        self.0.settle(&lease, used, now);
    }

    fn land(&self, lease: &mut Lease, used: Used, now: Timestamp) {
        self.0.land(lease, used, now);
    }

    async fn line_up(&self, line: Line, slots: Vec<Take>) -> Result<Lined, StoreError> {
        self.0.line_up(line, slots).await
    }

    fn turn(&self, place: &Place) -> Turn {
        self.0.turn(place)
    }

    fn leave(&self, place: Place) {
        self.0.leave(place);
    }

    async fn waiting(&self, keys: Vec<Arc<str>>) -> Result<Vec<u64>, StoreError> {
        self.0.waiting(keys).await
    }

    async fn levels(&self, takes: Vec<Take>, now: Timestamp) -> Result<Vec<Level>, StoreError> {
        self.0.levels(&takes, now).await
    }

    async fn held(&self, bucket: &Bucket) -> Result<u64, StoreError> {
        self.0.held(bucket).await
    }

    async fn put(&self, _: &str, _: &str, _: &str) -> Result<(), StoreError> {
        Err(not_asked())
    }

    async fn delete(&self, _: &str, _: &str) -> Result<bool, StoreError> {
        Err(not_asked())
    }

    async fn list(&self, _: &str) -> Result<Vec<(String, String)>, StoreError> {
        Err(not_asked())
    }

    async fn remember(&self, _: &str, _: Vec<Remembered>) -> Result<(), StoreError> {
        Err(not_asked())
    }

    async fn recall(&self, _: &str, _: &str) -> Result<Option<String>, StoreError> {
        Err(not_asked())
    }

    async fn forget(&self, _: Timestamp, _: usize) -> Result<usize, StoreError> {
        Err(not_asked())
    }

    async fn ready(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

/// Stores of a server, each with a prefix of its own.
struct Counters {
    server: Server,
    time: Time,
    next: AtomicU64,
    last: Mutex<Option<Arc<Counting>>>,
}

impl Counters {
    fn new(time: Time) -> Self {
        Self { server: Server::start(), time, next: AtomicU64::new(0), last: Mutex::new(None) }
    }
}

#[async_trait]
impl Stores for Counters {
    async fn fresh(&self) -> Arc<dyn Store> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let servers = Servers::new(&[&self.server.url()], None).unwrap();
        let link = Arc::new(Link::to(&servers, &format!("case-{number}"), HANGS));
        let store = Arc::new(Counting(Counts::new(link, "gateway".to_owned(), self.time)));
        store.0.open().await.unwrap();
        *self.last.lock() = Some(Arc::clone(&store));
        store
    }

    async fn again(&self, store: Arc<dyn Store>) -> Arc<dyn Store> {
        store
    }

    async fn settled(&self, _: &Arc<dyn Store>) {
        let last = self.last.lock().clone();
        if let Some(last) = last {
            last.0.settled().await;
        }
    }
}

every_test! {
    Counters::new(Time::Servers);
    all_is_taken_or_nothing,
    lines_are_served_in_their_order,
    everybody_in_a_line_is_served
}

every_test_of_told_time!(Counters::new(Time::Told));
