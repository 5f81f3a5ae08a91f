//! Who writes records: over a connection of its own, a batch in one step.

use std::borrow::Borrow;
use std::collections::{BTreeSet, HashSet};

use jiff::tz::TimeZone;
use rusqlite::{Connection, ErrorCode, TransactionBehavior};
use sluice_api::record::{Record, Sums, Unwritable};

use super::beside::There;
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

/// What was done of a batch.
#[derive(Debug, Default)]
pub(super) struct Appended {
    /// The units whose sums it changed.
    pub(super) changed: BTreeSet<(Unit, i64)>,
    /// Records that can't be written.
    pub(super) unwritable: Vec<Unwritable>,
}

/// Whether an error is of what was to be written; else it is of the database, which may take the same another time.
fn is_of_a_record(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error_code();
    matches!(error, rusqlite::Error::ToSqlConversionFailure(_))
        || matches!(code, Some(ErrorCode::ConstraintViolation | ErrorCode::TypeMismatch | ErrorCode::TooBig))
}

/// Who writes records, and what it remembers of what it wrote.
#[derive(Debug)]
pub(super) struct Writer {
    pub(super) connection: Connection,
    pub(super) marks: Marks,
    pub(super) days: Days,
    labels: Numbers,
    there: There,
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
        let (labels, there, recent) = (Numbers::default(), There::default(), Recent::default());
        Ok(Self { connection, marks, days, labels, there, recent, batches: 0, records: 0 })
    }

    /// Writes a batch in one step; where a record can't be written, the others in as few steps as it takes to find that
    /// one. What was done is told also where it ends with an error.
    pub(super) fn append(
        &mut self,
        records: &[impl Borrow<Record>],
        done: &mut Appended,
    ) -> rusqlite::Result<()> {
        let error = match self.write(records) {
            Ok((rows, marks)) => {
                done.changed.extend(rows.iter().map(|(place, _)| (place.unit, place.start)));
                self.recent.note(rows);
                self.marks = marks;
                self.wrote(records.len());
                return Ok(());
            }
            Err(error) => error,
        };
        // What it made is not there.
        self.forget();
        if !is_of_a_record(&error) {
            return Err(error);
        }
        if let [one] = records {
            done.unwritable.push(Unwritable::new(one.borrow().id, error.to_string()));
            return Ok(());
        }
        let (first, second) = records.split_at(records.len() / 2);
        self.append(first, done)?;
        self.append(second, done)
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
                let beside = self.there.of(record, &all)?;
                if !insert(&mut row, record, (id, label), &beside)? {
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
        self.there.forget();
        self.recent.forget();
    }
}
