//! What is read from: the records as they were at one moment.

use rusqlite::{Connection, Row};
use sluice_api::record::Record;

use super::beside::Noted;
use super::labels::Known;
use super::marks::Marks;
use super::past::Past;
use super::row::{self, LABEL};
use super::time::Days;

/// A moment of the database, and what is known of it.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) connection: &'a Connection,
    pub(super) known: &'a Known,
    pub(super) noted: &'a Noted,
    pub(super) marks: &'a Marks,
    pub(super) days: &'a Days,
    pub(super) past: &'a Past,
    /// How much had changed when the moment began.
    pub(super) changes: u64,
}

impl Source<'_> {
    /// The record of a row.
    pub(super) fn record(&self, row: &Row<'_>) -> rusqlite::Result<Record> {
        let mut record = row::read(row, &*self.known.get(row.get(LABEL)?, self.connection)?)?;
        self.noted.fill(&mut record, row, self.connection)?;
        Ok(record)
    }
}
