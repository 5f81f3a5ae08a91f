//! Records in Redis: each once in a sorted set by its id, and their sums by quarter-hours, which go over to those of days.

mod answer;
mod append;
mod expire;
mod marks;
mod page;
mod rows;
mod source;
mod sums;
mod words;

use std::sync::{Arc, OnceLock};

use jiff::tz::TimeZone;
use sluice_api::plugin::{Timestamp, async_trait};
use sluice_api::record::{Page, Record, RecordQuery, RecordStore, SumQuery, SumRow, Unwritable};
use sluice_api::store::{Process, StoreError};

use crate::link::Link;
use append::Bounds;
use marks::Marks;
use source::{Order, Source, reads};

/// Gateways that may share a store. A number is given again once so many others were given since its process has said that
/// it lives.
const PROCESSES: u32 = 1_024;

/// The records of a store.
#[derive(Debug)]
pub(crate) struct Records {
    source: Source,
    most: u64,
    process: OnceLock<u32>,
}

impl Records {
    /// Those behind a link: so many at most, beyond which the oldest go before their time.
    pub(crate) fn new(link: Arc<Link>, most: u64) -> Self {
        Self { source: Source::new(link), most: most.max(1), process: OnceLock::new() }
    }

    /// Which of the processes that share them this one is.
    pub(crate) async fn process(&self) -> Result<Process, StoreError> {
        let number = match self.process.get() {
            Some(number) => *number,
            None => {
                let by_chance = getrandom::u32().unwrap_or_default();
                let claimed = append::claim(&self.source, PROCESSES, by_chance, None).await?;
                *self.process.get_or_init(|| claimed)
            }
        };
        Ok(Process::new(number, PROCESSES))
    }

    /// Says that this process lives, where it has a number; best every few seconds. Where that fails it is said another
    /// time.
    pub(crate) async fn is_here(&self) {
        if let Some(own) = self.process.get() {
            let _ = append::claim(&self.source, PROCESSES, 0, Some(*own)).await;
        }
    }
}

#[async_trait]
impl RecordStore for Records {
    async fn keep_days_of(&self, zone: &TimeZone) -> Result<(), StoreError> {
        self.source.keep_days_of(zone).await
    }

    async fn append(&self, records: Vec<Arc<Record>>) -> Result<Vec<Unwritable>, StoreError> {
        let bounds = Bounds { most: self.most, process: self.process.get().copied() };
        append::append(&self.source, &records, bounds).await
    }

    async fn last_id(&self) -> Result<u64, StoreError> {
        Ok(Marks::read(&self.source.link).await?.last)
    }

    async fn record(&self, id: u64) -> Result<Option<Record>, StoreError> {
        let behind = id.checked_add(1);
        let members = self.source.members(Order::OldestFirst, (id, behind), 1).await?;
        Ok(self.source.records(&reads(&members)?).await?.pop())
    }

    async fn page(&self, query: &RecordQuery) -> Result<Page, StoreError> {
        page::page(&self.source, query).await
    }

    async fn sums(&self, query: &SumQuery) -> Result<Vec<SumRow>, StoreError> {
        sums::sums(&self.source, query).await
    }

    async fn oldest(&self, before: Timestamp, most: usize) -> Result<Vec<Record>, StoreError> {
        expire::oldest(&self.source, before, most).await
    }

    async fn delete(&self, ids: Vec<u64>) -> Result<usize, StoreError> {
        expire::delete(&self.source, ids).await
    }

    async fn expire(&self, before: Timestamp, most: usize) -> Result<usize, StoreError> {
        expire::expire(&self.source, before, most).await
    }
}

#[cfg(test)]
mod tests;
