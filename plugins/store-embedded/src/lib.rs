//! The embedded store: documents and records in a SQLite database, slots counted in memory.

mod database;
mod documents;
mod readiness;
mod records;
mod settings;
mod slots;

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use sluice_api::limiter::Bucket;
use sluice_api::plugin::{Timestamp, async_trait};
use sluice_api::record::RecordStore;
use sluice_api::register;
use sluice_api::settings::{Problem, Section};
use sluice_api::store::{Lease, Remembered, Store, StoreError, Taken};

use database::Database;
use documents::Documents;
use readiness::Readiness;
use records::{Ledger, Records};
use settings::EmbeddedSettings;
use slots::Slots;

/// The store of one gateway.
#[derive(Debug)]
struct Embedded {
    folder: PathBuf,
    documents: OnceLock<Arc<Documents>>,
    readiness: Readiness,
    slots: Slots,
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
            slots: Slots::default(),
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

    async fn take_all(&self, lease: Lease) -> Result<Taken, StoreError> {
        Ok(self.slots.take_all(lease))
    }

    fn give(&self, lease: Lease) {
        self.slots.give(&lease);
    }

    async fn held(&self, bucket: &Bucket) -> Result<u64, StoreError> {
        Ok(self.slots.held(bucket))
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

    async fn forget(&self, now: Timestamp, most: usize) -> Result<usize, StoreError> {
        self.with(move |documents| documents.forget(now, most)).await
    }

    async fn ready(&self) -> Result<(), StoreError> {
        self.readiness.ask(Instant::now, self.with(Documents::probe)).await
    }
}

register! {
    dyn Store: "embedded",
    summary: "One gateway's own: a SQLite database in a folder, counters in memory",
    settings: EmbeddedSettings,
    build: |_, section| Embedded::build(section),
}

#[cfg(test)]
mod tests;
