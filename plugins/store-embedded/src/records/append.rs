//! Who writes records: over a connection of its own, a batch in one step.

use std::borrow::Borrow;
use std::collections::{BTreeSet, HashSet};

use jiff::tz::TimeZone;
use rusqlite::{Connection, TransactionBehavior};
use sluice_api::record::{Record, Sums};

use super::labels::Numbers;
use super::marks::Marks;
use super::row::{INSERT, insert};
use super::time::{Days, Unit, second_of};
use super::totals::{Batch, Place, Recent};

/// Prepared statements that are kept.
const PREPARED: usize = 32;

/// Batches after which what was written ahead is moved into the database's own file, and records after which it is:
/// about 4 MB.
const MOVED_AFTER_BATCHES: usize = 64;
const MOVED_AFTER_RECORDS: usize = 5_000;

/// Who writes records, and what it remembers of what it wrote.
#[derive(Debug)]
pub(super) struct Writer {
    pub(super) connection: Connection,
    pub(super) marks: Marks,
    pub(super) days: Days,
    labels: Numbers,
    recent: Recent,
    batches: usize,
    records: usize,
}

impl Writer {
    pub(super) fn new(connection: Connection) -> rusqlite::Result<Self> {
        connection.set_prepared_statement_cache_capacity(PREPARED);
        // Done after a batch, not within it, as others wait to write meanwhile.
        connection.execute_batch("PRAGMA wal_autocheckpoint = 0")?;
        // In KiB: the ends of tables, which is what it writes.
        connection.execute_batch("PRAGMA cache_size = -512")?;
        let marks = Marks::read(&connection)?;
        let days = Days(TimeZone::get(&marks.zone).unwrap_or(TimeZone::UTC));
        let (labels, recent) = (Numbers::default(), Recent::default());
        Ok(Self { connection, marks, days, labels, recent, batches: 0, records: 0 })
    }

    /// Writes a batch, all or nothing; the units whose sums it changed.
    pub(super) fn append(
        &mut self,
        records: &[impl Borrow<Record>],
    ) -> rusqlite::Result<BTreeSet<(Unit, i64)>> {
        match self.write(records) {
            Ok((rows, marks)) => {
                let changed = rows.iter().map(|(place, _)| (place.unit, place.start)).collect();
                self.recent.note(rows);
                self.marks = marks;
                self.wrote(records.len());
                Ok(changed)
            }
            // What it made is not there.
            Err(error) => {
                self.forget();
                Err(error)
            }
        }
    }

    fn write(&mut self, records: &[impl Borrow<Record>]) -> rusqlite::Result<(Vec<(Place, Sums)>, Marks)> {
        let all = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut marks = self.marks.clone();
        let mut batch = Batch::default();
        let (mut day, mut unused) = ((0, 0), HashSet::new());
        {
            let mut row = all.prepare_cached(INSERT)?;
            for record in records.iter().map(Borrow::borrow) {
                let id = i64::try_from(record.id)
                    .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
                let (label, is_new) = self.labels.of(record, &all)?;
                if is_new {
                    unused.insert(label);
                }
                if !insert(&mut row, record, id, label)? {
                    continue;
                }
                unused.remove(&label);
                marks.note(record, id);
                let second = second_of(record.time);
                if !(day.0..day.1).contains(&second) {
                    day = self.days.around(second);
                }
                batch.add(record, label, day.0, &self.days);
            }
        }
        // Made for records that were there already, under another label.
        for label in &unused {
            all.execute("DELETE FROM labels WHERE id = ?1", [label])?;
        }
        if !unused.is_empty() {
            self.labels.forget();
        }
        let rows = self.recent.write(batch, &self.days, &all)?;
        marks.write(&self.marks, &all)?;
        all.commit()?;
        Ok((rows, marks))
    }

    /// Counts what was written ahead.
    pub(super) fn wrote(&mut self, records: usize) {
        self.batches += 1;
        self.records += records;
    }

    /// Moves what was written ahead into the database's own file, where it is much. What is left of it is moved another
    /// time.
    pub(super) fn settle(&mut self) {
        if self.batches >= MOVED_AFTER_BATCHES || self.records >= MOVED_AFTER_RECORDS {
            (self.batches, self.records) = (0, 0);
            let _ = self.connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
        }
    }

    /// Forgets what is in memory of rows, which are no longer as they were.
    pub(super) fn forget(&mut self) {
        self.labels.forget();
        self.recent.forget();
    }
}
