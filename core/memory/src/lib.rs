//! Records in memory, looked through whole at each question: what every other store is held against in tests.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use sluice_api::record::{
    Dimension, Filter, Page, Record, RecordQuery, RecordStore, SumQuery, SumRow, Sums, Unwritable,
};
use sluice_api::store::StoreError;

/// Records by their ids. Nothing outlives it; sums are those of the records it has.
#[derive(Debug, Default)]
pub struct RecordsInMemory(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    records: BTreeMap<u64, Record>,
    last: u64,
}

impl RecordsInMemory {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl RecordStore for RecordsInMemory {
    async fn keep_days_of(&self, _zone: &TimeZone) -> Result<(), StoreError> {
        Ok(())
    }

    async fn append(&self, records: Vec<Arc<Record>>) -> Result<Vec<Unwritable>, StoreError> {
        let kept = &mut *self.kept();
        for record in records {
            kept.last = record.id.max(kept.last);
            kept.records.entry(record.id).or_insert_with(|| Record::clone(&record));
        }
        Ok(Vec::new())
    }

    async fn last_id(&self) -> Result<u64, StoreError> {
        Ok(self.kept().last)
    }

    async fn record(&self, id: u64) -> Result<Option<Record>, StoreError> {
        Ok(self.kept().records.get(&id).cloned())
    }

    async fn page(&self, query: &RecordQuery) -> Result<Page, StoreError> {
        let kept = &self.kept().records;
        let older = kept.range(..query.before.unwrap_or(u64::MAX)).rev().map(|(_, record)| record);
        let mut records: Vec<Record> = older
            .filter(|record| query.from.is_none_or(|from| from <= record.time))
            .filter(|record| query.to.is_none_or(|to| record.time < to))
            .filter(|record| query.filter.passes(record))
            .take(query.limit.saturating_add(1))
            .cloned()
            .collect();
        let more = records.len() > query.limit;
        records.truncate(query.limit);
        let next = records.last().map(|record| record.id).filter(|_| more);
        Ok(Page::new(records, next))
    }

    async fn sums(&self, query: &SumQuery) -> Result<Vec<SumRow>, StoreError> {
        let mut rows: BTreeMap<(usize, Vec<Option<String>>), Sums> = BTreeMap::new();
        let mut filter = Filter::default();
        filter.dimensions.clone_from(&query.filter);
        for record in self.kept().records.values().filter(|record| filter.passes(record)) {
            for (at, span) in query.spans.iter().enumerate() {
                if span.from <= record.time && record.time < span.to {
                    for names in Dimension::combinations(&query.group_by, record) {
                        *rows.entry((at, names)).or_default() += Sums::of(record);
                    }
                }
            }
        }
        Ok(rows.into_iter().map(|((span, names), sums)| SumRow::new(span, names, sums)).collect())
    }

    async fn oldest(&self, before: Timestamp, most: usize) -> Result<Vec<Record>, StoreError> {
        let kept = &self.kept().records;
        Ok(kept.values().filter(|record| record.time < before).take(most).cloned().collect())
    }

    async fn delete(&self, ids: Vec<u64>) -> Result<usize, StoreError> {
        let kept = &mut self.kept().records;
        Ok(ids.iter().filter(|id| kept.remove(id).is_some()).count())
    }

    async fn expire(&self, before: Timestamp, most: usize) -> Result<usize, StoreError> {
        let gone = self.oldest(before, most).await?;
        let kept = &mut self.kept().records;
        gone.iter().for_each(|record| drop(kept.remove(&record.id)));
        Ok(gone.len())
    }
}
