//! The embedded store: documents and records in a SQLite database, what limits count in memory.

mod database;
mod documents;
mod readiness;
mod records;
mod settings;

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use sluice_api::limiter::{Bucket, Take};
use sluice_api::plugin::{Timestamp, async_trait};
use sluice_api::record::RecordStore;
use sluice_api::register;
use sluice_api::settings::{Problem, Section};
use sluice_api::store::{
    Asked, Lease, Level, Line, Lined, Place, Remembered, Seed, Store, StoreError, Taken, Turn, Used,
};
use sluice_buckets::Buckets;

use database::Database;
use documents::Documents;
use readiness::Readiness;
use records::{Ledger, Records};
use settings::EmbeddedSettings;

/// The store of one gateway.
#[derive(Debug)]
struct Embedded {
    folder: PathBuf,
    documents: OnceLock<Arc<Documents>>,
    readiness: Readiness,
    buckets: Buckets,
    records: Records,
}

impl Embedded {
    fn build(section: &Section<'_>) -> Result<Arc<dyn Store>, Vec<Problem>> {
        let settings = EmbeddedSettings::read(section)?;
        Ok(Arc::new(Self::at(settings.path)))
    }

    fn at(folder: PathBuf) -> Self {
        Self {
            folder,
            documents: OnceLock::new(),
            readiness: Readiness::default(),
            buckets: Buckets::default(),
            records: Records::default(),
        }
    }

    /// Does something with the documents on a thread that may block.
    async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Documents) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let documents = self.documents.get().map(Arc::clone);
        let documents = documents.ok_or_else(|| StoreError("it is not open".to_owned()))?;
        blocking(move || work(&documents)).await
    }
}

/// Works on a thread that may block.
#[expect(
    clippy::disallowed_methods,
    reason = "a plugin has no tracker; whoever asks the store is tracked, and waits"
)]
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| StoreError(error.to_string()))?
}

#[async_trait]
impl Store for Embedded {
    async fn open(&self) -> Result<(), StoreError> {
        let folder = self.folder.clone();
        let open = move || {
            let database = Arc::new(Database::open(&folder)?);
            Ok((Documents::of(Arc::clone(&database))?, Ledger::of(database)?))
        };
        let (documents, ledger) = blocking(open).await?;
        self.records.open(ledger)?;
        self.documents.set(Arc::new(documents)).map_err(|_| StoreError("it is open already".to_owned()))
    }

    fn folder(&self) -> Option<&Path> {
        Some(&self.folder)
    }

    fn records(&self) -> &dyn RecordStore {
        &self.records
    }

    async fn take_all(&self, asked: Asked) -> Result<Taken, StoreError> {
        Ok(self.buckets.take_all(asked))
    }

    fn settle(&self, lease: Lease, used: Used, now: Timestamp) {
        self.buckets.settle(&lease, used, now);
    }

    fn land(&self, lease: &mut Lease, used: Used, now: Timestamp) {
        self.buckets.land(lease, used, now);
    }

    async fn line_up(&self, line: Line, slots: Vec<Take>) -> Result<Lined, StoreError> {
        Ok(self.buckets.line_up(line, &slots))
    }

    fn turn(&self, place: &Place) -> Turn {
        self.buckets.turn(place)
    }

    fn leave(&self, place: Place) {
        self.buckets.leave(&place);
    }

    async fn waiting(&self, keys: Vec<Arc<str>>) -> Result<Vec<u64>, StoreError> {
        Ok(self.buckets.waiting(&keys))
    }

    async fn levels(&self, takes: Vec<Take>, now: Timestamp) -> Result<Vec<Level>, StoreError> {
        Ok(self.buckets.levels(&takes, now))
    }

    async fn forgotten(&self, takes: Vec<Take>) -> Result<Vec<Take>, StoreError> {
        Ok(self.buckets.forgotten(takes))
    }

    async fn seed(&self, seeds: Vec<Seed>, _now: Timestamp) -> Result<(), StoreError> {
        self.buckets.seed(seeds);
        Ok(())
    }

    async fn held(&self, bucket: &Bucket) -> Result<u64, StoreError> {
        Ok(self.buckets.held(bucket))
    }

    async fn put(&self, kind: &str, id: &str, document: &str) -> Result<(), StoreError> {
        let (kind, id, document) = (kind.to_owned(), id.to_owned(), document.to_owned());
        self.with(move |documents| documents.put(&kind, &id, &document)).await
    }

    async fn put_soon(&self, kind: &str, id: &str, document: &str) -> Result<(), StoreError> {
        let (kind, id, document) = (kind.to_owned(), id.to_owned(), document.to_owned());
        self.with(move |documents| documents.put_soon(&kind, &id, &document)).await
    }

    async fn flush(&self) -> Result<(), StoreError> {
        match self.documents.get() {
            Some(documents) if documents.is_behind() => self.with(Documents::flush).await,
            _ => Ok(()),
        }
    }

    async fn delete(&self, kind: &str, id: &str) -> Result<bool, StoreError> {
        let (kind, id) = (kind.to_owned(), id.to_owned());
        self.with(move |documents| documents.delete(&kind, &id)).await
    }

    async fn list(&self, kind: &str) -> Result<Vec<(String, String)>, StoreError> {
        let kind = kind.to_owned();
        self.with(move |documents| documents.list(&kind)).await
    }

    async fn remember(&self, kind: &str, values: Vec<Remembered>) -> Result<(), StoreError> {
        let kind = kind.to_owned();
        self.with(move |documents| documents.remember(&kind, &values)).await
    }

    async fn recall(&self, kind: &str, id: &str) -> Result<Option<String>, StoreError> {
        let (kind, id) = (kind.to_owned(), id.to_owned());
        self.with(move |documents| documents.recall(&kind, &id)).await
    }

    async fn recall_all(&self, kind: &str, ids: Vec<String>) -> Result<Vec<Option<String>>, StoreError> {
        let kind = kind.to_owned();
        self.with(move |documents| ids.iter().map(|id| documents.recall(&kind, id)).collect()).await
    }

    async fn forget(&self, now: Timestamp, most: usize) -> Result<usize, StoreError> {
        self.with(move |documents| documents.forget(now, most)).await
    }

    async fn ready(&self) -> Result<(), StoreError> {
        self.readiness.ask(Instant::now, self.with(Documents::probe)).await
    }
}

register! {
    dyn Store: "embedded",
    summary: "One gateway's own: a SQLite database in a folder, what limits count in memory",
    settings: EmbeddedSettings,
    build: |_, section| Embedded::build(section),
}

#[cfg(test)]
mod tests;
