//! Where records are kept, and how they are asked for.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::columns::Record;
use super::query::{Page, RecordQuery, SumQuery, SumRow};
use crate::store::failed::StoreError;

/// A record that a store can't write as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unwritable {
    /// The record's id.
    pub id: u64,
    /// Why.
    pub why: String,
}

impl Unwritable {
    /// The record of this id, for this reason.
    #[must_use]
    pub const fn new(id: u64, why: String) -> Self {
        Self { id, why }
    }
}

/// Keeps the records of all requests, and sums of them that outlive them.
///
/// Sums are kept by quarter-hours, so that the hours and days of every zone are whole numbers of them, and by the days of
/// one zone; those of days stay where the rest is deleted.
#[async_trait]
pub trait RecordStore: fmt::Debug + Send + Sync {
    /// Says whose days sums are kept by. Called once before the first record, and when the operator changes it: sums of
    /// days are then made anew, as far as quarter-hours are there to make them from.
    ///
    /// # Errors
    ///
    /// When it could not be done.
    async fn keep_days_of(&self, zone: &TimeZone) -> Result<(), StoreError>;

    /// Appends records and adds them to the sums, in one step. One whose id is there already is left as it is, and adds
    /// nothing: so that what may have been appended can be appended again. Durable when it returns. What comes back are
    /// those that it can't write as they are, now or later: the others are there all the same.
    ///
    /// # Errors
    ///
    /// When they could not be written now, whichever they are; some may be there.
    async fn append(&self, records: Vec<Arc<Record>>) -> Result<Vec<Unwritable>, StoreError>;

    /// The largest id of a record that was ever appended, kept or not; 0 before the first.
    ///
    /// # Errors
    ///
    /// When it could not be read.
    async fn last_id(&self) -> Result<u64, StoreError>;

    /// A record by its id.
    ///
    /// # Errors
    ///
    /// When it could not be read.
    async fn record(&self, id: u64) -> Result<Option<Record>, StoreError>;

    /// A page of records, newest first: by their ids, which are in the order of their beginnings. A page may hold fewer
    /// than were asked for, or none, though more follow: so much is looked through at a time.
    ///
    /// # Errors
    ///
    /// When they could not be read.
    async fn page(&self, query: &RecordQuery) -> Result<Page, StoreError>;

    /// Sums of records, by the spans and fields that are asked for. Exact over any span of which the records are kept,
    /// and over whole quarter-hours and days of the zone beyond it, as far as these are kept.
    ///
    /// # Errors
    ///
    /// When they could not be read.
    async fn sums(&self, query: &SumQuery) -> Result<Vec<SumRow>, StoreError>;

    /// The oldest records that began before a time, oldest first: what leaves next.
    ///
    /// # Errors
    ///
    /// When they could not be read.
    async fn oldest(&self, before: Timestamp, most: usize) -> Result<Vec<Record>, StoreError>;

    /// Deletes these records, which may be gone already, and leaves the sums that they are in; how many it were. Others wait
    /// to write meanwhile: a few thousand at most.
    ///
    /// # Errors
    ///
    /// When they could not be deleted; some of them may be gone then.
    async fn delete(&self, ids: Vec<u64>) -> Result<usize, StoreError>;

    /// Deletes the oldest records that began before a time, and then sums of quarter-hours that ended before it, at most
    /// so many together; how many it were.
    ///
    /// # Errors
    ///
    /// When they could not be deleted.
    async fn expire(&self, before: Timestamp, most: usize) -> Result<usize, StoreError>;
}
