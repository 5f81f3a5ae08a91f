//! A store of nothing but these records.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use sluice_api::limiter::{Bucket, Take};
use sluice_api::plugin::{Timestamp, async_trait};
use sluice_api::record::RecordStore;
use sluice_api::store::{
    Asked, Lease, Level, Line, Lined, Place, Remembered, Store, StoreError, Taken, Turn, Used,
};
use sluice_conformance::Stores;

use crate::link::Link;
use crate::records::Records;
use crate::tests::server::Server;

/// Stores on one server, each under a name of its own.
pub(super) struct OnServer {
    server: Server,
    number: AtomicUsize,
}

impl OnServer {
    pub(super) fn new() -> Self {
        Self { server: Server::start(), number: AtomicUsize::new(0) }
    }

    fn open(&self, number: usize) -> Arc<dyn Store> {
        let link = Link::new(&format!("store-{number}"), &self.server.url());
        Arc::new(StandIn(Records::new(Arc::new(link), 1_000_000)))
    }
}

#[async_trait]
impl Stores for OnServer {
    async fn fresh(&self) -> Arc<dyn Store> {
        self.open(self.number.fetch_add(1, Ordering::Relaxed) + 1)
    }

    async fn again(&self, store: Arc<dyn Store>) -> Arc<dyn Store> {
        drop(store);
        self.open(self.number.load(Ordering::Relaxed))
    }
}

#[derive(Debug)]
struct StandIn(Records);

fn none<T>() -> Result<T, StoreError> {
    Err(StoreError("it has records alone".to_owned()))
}

#[async_trait]
impl Store for StandIn {
    fn records(&self) -> &dyn RecordStore {
        &self.0
    }

    async fn take_all(&self, _asked: Asked) -> Result<Taken, StoreError> {
        none()
    }

    fn settle(&self, _lease: Lease, _used: Used, _now: Timestamp) {}

    fn land(&self, _lease: &mut Lease, _used: Used, _now: Timestamp) {}

    async fn line_up(&self, _line: Line, _slots: Vec<Take>) -> Result<Lined, StoreError> {
        none()
    }

    fn turn(&self, _place: &Place) -> Turn {
        Box::pin(std::future::pending())
    }

    fn leave(&self, _place: Place) {}

    async fn waiting(&self, _keys: Vec<Arc<str>>) -> Result<Vec<u64>, StoreError> {
        none()
    }

    async fn levels(&self, _takes: Vec<Take>, _now: Timestamp) -> Result<Vec<Level>, StoreError> {
        none()
    }

    async fn held(&self, _bucket: &Bucket) -> Result<u64, StoreError> {
        none()
    }

    async fn put(&self, _kind: &str, _id: &str, _document: &str) -> Result<(), StoreError> {
        none()
    }

    async fn delete(&self, _kind: &str, _id: &str) -> Result<bool, StoreError> {
        none()
    }

    async fn list(&self, _kind: &str) -> Result<Vec<(String, String)>, StoreError> {
        none()
    }

    async fn remember(&self, _kind: &str, _values: Vec<Remembered>) -> Result<(), StoreError> {
        none()
    }

    async fn recall(&self, _kind: &str, _id: &str) -> Result<Option<String>, StoreError> {
        none()
    }

    async fn forget(&self, _now: Timestamp, _most: usize) -> Result<usize, StoreError> {
        none()
    }

    async fn ready(&self) -> Result<(), StoreError> {
        none()
    }
}
