//! What a gateway asks of its store, each part by the module that keeps it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sluice_api::limiter::{Bucket, Take};
use sluice_api::plugin::{Timestamp, async_trait};
use sluice_api::record::RecordStore;
use sluice_api::settings::{Problem, Section};
use sluice_api::store::{
    Asked, Lease, Level, Line, Lined, Owner, Place, Process, Remembered, Seed, ServedAlone, Store,
    StoreError, Taken, Turn, Used,
};

use crate::claims::Claims;
use crate::counts::{Counts, Outage, Time};
use crate::documents::Documents;
use crate::link::Link;
use crate::opening;
use crate::records::Records;
use crate::settings::{Reach, RedisSettings};
use crate::values::Values;

/// The store of many gateways.
#[derive(Debug)]
pub(crate) struct Redis {
    folder: PathBuf,
    link: Arc<Link>,
    counts: Counts,
    documents: Documents,
    values: Values,
    claims: Claims,
    records: Records,
}

impl Redis {
    pub(crate) fn build(section: &Section<'_>) -> Result<Arc<dyn Store>, Vec<Problem>> {
        Ok(Arc::new(Self::at(RedisSettings::read(section)?)))
    }

    pub(crate) fn at(reach: Reach) -> Self {
        Self::with(reach, Time::Servers)
    }

    /// One whose windows go by this time.
    pub(crate) fn with(reach: Reach, time: Time) -> Self {
        let link = Arc::new(reach.link());
        let outage = Outage { admits: reach.admits, folder: Some(reach.path.clone()) };
        Self {
            counts: Counts::with(Arc::clone(&link), (name(), time), outage),
            documents: Documents::of(Arc::clone(&link)),
            values: Values::of(Arc::clone(&link)),
            claims: Claims::of(Arc::clone(&link)),
            records: Records::new(Arc::clone(&link), reach.records),
            folder: reach.path,
            link,
        }
    }
}

/// What a process is called among all gateways, by chance.
fn name() -> String {
    let number = getrandom::u64().unwrap_or_else(|_| u64::from(std::process::id()));
    format!("{number:016x}")
}

#[async_trait]
impl Store for Redis {
    async fn open(&self) -> Result<(), StoreError> {
        opening::open(&self.link).await?;
        self.counts.open().await
    }

    fn folder(&self) -> Option<&Path> {
        Some(&self.folder)
    }

    fn is_shared(&self) -> bool {
        true
    }

    fn serves_alone(&self) -> Option<ServedAlone> {
        self.counts.served_alone()
    }

    async fn process(&self) -> Result<Process, StoreError> {
        self.records.process().await
    }

    fn records(&self) -> &dyn RecordStore {
        &self.records
    }

    async fn take_all(&self, asked: Asked) -> Result<Taken, StoreError> {
        self.counts.take_all(asked).await
    }

    fn settle(&self, lease: Lease, used: Used, now: Timestamp) {
        self.counts.settle(&lease, used, now);
    }

    fn land(&self, lease: &mut Lease, used: Used, now: Timestamp) {
        self.counts.land(lease, used, now);
    }

    async fn line_up(&self, line: Line, slots: Vec<Take>) -> Result<Lined, StoreError> {
        self.counts.line_up(line, slots).await
    }

    fn turn(&self, place: &Place) -> Turn {
        self.counts.turn(place)
    }

    fn leave(&self, place: Place) {
        self.counts.leave(place);
    }

    async fn waiting(&self, keys: Vec<Arc<str>>) -> Result<Vec<u64>, StoreError> {
        self.counts.waiting(keys).await
    }

    async fn levels(&self, takes: Vec<Take>, now: Timestamp) -> Result<Vec<Level>, StoreError> {
        self.counts.levels(&takes, now).await
    }

    async fn forgotten(&self, takes: Vec<Take>) -> Result<Vec<Take>, StoreError> {
        self.counts.forgotten(takes).await
    }

    async fn seed(&self, seeds: Vec<Seed>, now: Timestamp) -> Result<(), StoreError> {
        self.counts.seed(seeds, now).await
    }

    async fn drop_counts(&self, takes: Vec<Take>) -> Result<(), StoreError> {
        self.counts.drop_counts(&takes).await
    }

    async fn held(&self, bucket: &Bucket) -> Result<u64, StoreError> {
        self.counts.held(bucket).await
    }

    async fn put(&self, kind: &str, id: &str, document: &str) -> Result<(), StoreError> {
        self.documents.put(kind, id, document).await
    }

    async fn close(&self) {
        self.counts.close().await;
    }

    async fn delete(&self, kind: &str, id: &str) -> Result<bool, StoreError> {
        self.documents.delete(kind, id).await
    }

    async fn list(&self, kind: &str) -> Result<Vec<(String, String)>, StoreError> {
        self.documents.list(kind).await
    }

    async fn revision(&self, kind: &str) -> Result<Option<u64>, StoreError> {
        self.documents.revision(kind).await.map(Some)
    }

    async fn claim(&self, name: &str, by: Owner, length: Duration) -> Result<bool, StoreError> {
        // Each gateway tries for one every few seconds, so that it is known to live.
        let ((), claimed) = tokio::join!(self.records.is_here(), self.claims.claim(name, by, length));
        claimed
    }

    async fn release(&self, name: &str, by: Owner) {
        self.claims.release(name, by).await;
    }

    async fn write_claimed(
        &self,
        (name, by): (&str, Owner),
        place: (&str, &str),
        document: Option<&str>,
    ) -> Result<Option<bool>, StoreError> {
        self.documents.write_claimed((self.claims.key(name), by), place, document).await
    }

    async fn remember(&self, kind: &str, values: Vec<Remembered>) -> Result<(), StoreError> {
        self.values.remember(kind, &values).await
    }

    async fn recall(&self, kind: &str, id: &str) -> Result<Option<String>, StoreError> {
        if self.counts.are_alone() {
            // A request waits for this, and others have waited already.
            return Err(StoreError("it is out of reach".to_owned()));
        }
        self.values.recall(kind, id).await
    }

    async fn recall_all(&self, kind: &str, ids: Vec<String>) -> Result<Vec<Option<String>>, StoreError> {
        self.values.recall_all(kind, &ids).await
    }

    /// The servers forget by themselves.
    async fn forget(&self, _now: Timestamp, _most: usize) -> Result<usize, StoreError> {
        Ok(0)
    }

    async fn ready(&self) -> Result<(), StoreError> {
        opening::ready(&self.link).await
    }
}

#[cfg(test)]
impl Redis {
    /// Ends when what was to be told so far is.
    pub(crate) async fn settled(&self) {
        self.counts.settled().await;
    }
}
