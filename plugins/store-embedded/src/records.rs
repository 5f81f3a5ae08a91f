//! Records in SQLite: appended over one connection, read over others.

mod append;
mod beside;
mod cover;
mod expire;
mod hours;
mod labels;
mod marks;
mod page;
mod past;
mod row;
mod source;
mod sums;
mod time;
mod totals;

use std::borrow::Borrow;
use std::sync::{Arc, OnceLock};

use jiff::tz::TimeZone;
use parking_lot::Mutex;
use rusqlite::{Connection, OptionalExtension as _};
use sluice_api::plugin::{Timestamp, async_trait};
use sluice_api::record::{Page, Record, RecordQuery, RecordStore, SumQuery, SumRow, Unwritable};
use sluice_api::store::StoreError;
use tokio::sync::Semaphore;

use crate::blocking;
use crate::database::Database;
use crate::documents::failed;
use append::{Appended, Writer};
use beside::Noted;
use labels::Known;
use marks::Marks;
use past::Past;
use row::COLUMNS;
use source::Source;
use time::{Days, nanoseconds};

/// Those who read at a time: each has a connection, with up to 2 MB of pages.
const READERS: usize = 4;

/// How long SQLite waits for another program that writes. What could not be written is written later.
const WAITED: std::time::Duration = std::time::Duration::from_secs(1);

/// The records of a store, once it is open.
#[derive(Debug)]
pub(crate) struct Records {
    ledger: OnceLock<Arc<Ledger>>,
    readers: Semaphore,
}

impl Default for Records {
    fn default() -> Self {
        Self { ledger: OnceLock::new(), readers: Semaphore::new(READERS) }
    }
}

/// Those of an open database.
#[derive(Debug)]
pub(crate) struct Ledger {
    database: Arc<Database>,
    writer: Mutex<Writer>,
    /// Connections that nobody reads over now.
    idle: Mutex<Vec<Connection>>,
    known: Known,
    noted: Noted,
    past: Past,
    /// Held while a change of it is committed, and while a reader's moment begins.
    days: Mutex<Days>,
}

impl Ledger {
    /// Those of a database.
    pub(crate) fn of(database: Arc<Database>) -> Result<Self, StoreError> {
        let connection = database.connect()?;
        connection.busy_timeout(WAITED).map_err(failed)?;
        let writer = Writer::new(connection).map_err(failed)?;
        let days = Mutex::new(writer.days.clone());
        let (idle, known, past) = (Mutex::default(), Known::default(), Past::default());
        let noted = Noted::default();
        Ok(Self { database, writer: Mutex::new(writer), idle, known, noted, past, days })
    }

    fn append(&self, records: &[impl Borrow<Record>]) -> Result<Vec<Unwritable>, StoreError> {
        let mut done = Appended::default();
        let mut writer = {
            let mut writer = self.writer.lock();
            let _writes = self.database.writes();
            let result = writer.append(records, &mut done);
            self.past.changed(done.changed);
            result.map_err(failed)?;
            writer
        };
        writer.settle();
        Ok(done.unwritable)
    }

    fn expire(&self, before: Timestamp, most: usize) -> Result<usize, StoreError> {
        let mut deleted = 0;
        while deleted < most {
            match self.step(|writer| writer.expire(before, most - deleted))? {
                0 => break,
                step => deleted += step,
            }
        }
        Ok(deleted)
    }

    fn delete(&self, ids: &[u64]) -> Result<usize, StoreError> {
        self.step(|writer| writer.delete(ids))
    }

    /// One step of deleting: others may write before the next one.
    fn step(&self, delete: impl FnOnce(&mut Writer) -> rusqlite::Result<usize>) -> Result<usize, StoreError> {
        let mut writer = self.writer.lock();
        let deleted = {
            let _writes = self.database.writes();
            delete(&mut writer).map_err(failed)?
        };
        writer.settle();
        Ok(deleted)
    }

    fn keep_days_of(&self, zone: &TimeZone) -> Result<(), StoreError> {
        let mut writer = self.writer.lock();
        let _writes = self.database.writes();
        let mut days = self.days.lock();
        writer.keep_days_of(zone).map_err(failed)?;
        *days = writer.days.clone();
        self.past.clear();
        Ok(())
    }

    /// Reads from one moment of the database.
    fn read<T>(&self, work: impl FnOnce(&Source<'_>) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        let idle = self.idle.lock().pop();
        let mut connection = match idle {
            Some(connection) => connection,
            None => self.database.connect()?,
        };
        let result = self.read_over(&mut connection, work).map_err(failed);
        self.idle.lock().push(connection);
        result
    }

    fn read_over<T>(
        &self,
        connection: &mut Connection,
        work: impl FnOnce(&Source<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        let days = self.days.lock();
        let changes = self.past.changes();
        let moment = connection.transaction()?;
        // SQLite's moment begins with the first read.
        let marks = Marks::read(&moment)?;
        let now = days.clone();
        drop(days);
        let (known, noted, past) = (&self.known, &self.noted, &self.past);
        work(&Source { connection: &moment, known, noted, marks: &marks, days: &now, past, changes })
    }
}

impl Records {
    /// Says where they are.
    pub(crate) fn open(&self, ledger: Ledger) -> Result<(), StoreError> {
        self.ledger.set(Arc::new(ledger)).map_err(|_| StoreError("it is open already".to_owned()))
    }

    /// Does something with them on a thread that may block.
    async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Ledger) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let ledger = self.ledger.get().map(Arc::clone);
        let ledger = ledger.ok_or_else(|| StoreError("it is not open".to_owned()))?;
        blocking(move || work(&ledger)).await
    }

    /// Reads on a thread that may block, when there is a connection.
    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Source<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let _place = self.readers.acquire().await.map_err(|error| StoreError(error.to_string()))?;
        self.with(move |ledger| ledger.read(work)).await
    }
}

#[async_trait]
impl RecordStore for Records {
    async fn keep_days_of(&self, zone: &TimeZone) -> Result<(), StoreError> {
        let zone = zone.clone();
        self.with(move |ledger| ledger.keep_days_of(&zone)).await
    }

    async fn append(&self, records: Vec<Arc<Record>>) -> Result<Vec<Unwritable>, StoreError> {
        self.with(move |ledger| ledger.append(&records)).await
    }

    async fn last_id(&self) -> Result<u64, StoreError> {
        self.read(|source| Ok(u64::try_from(source.marks.last_id).unwrap_or_default())).await
    }

    async fn record(&self, id: u64) -> Result<Option<Record>, StoreError> {
        let Ok(id) = i64::try_from(id) else { return Ok(None) };
        self.read(move |source| {
            let mut read =
                source.connection.prepare_cached(&format!("SELECT {COLUMNS} FROM requests WHERE id = ?1"))?;
            read.query_row([id], |row| source.record(row)).optional()
        })
        .await
    }

    async fn page(&self, query: &RecordQuery) -> Result<Page, StoreError> {
        let query = query.clone();
        self.read(move |source| page::page(&query, source)).await
    }

    async fn sums(&self, query: &SumQuery) -> Result<Vec<SumRow>, StoreError> {
        let query = query.clone();
        self.read(move |source| sums::sums(&query, source)).await
    }

    async fn oldest(&self, before: Timestamp, most: usize) -> Result<Vec<Record>, StoreError> {
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        self.read(move |source| {
            let read =
                format!("SELECT {COLUMNS} FROM requests WHERE id < ?1 AND time < ?2 ORDER BY id LIMIT ?3");
            let mut read = source.connection.prepare_cached(&read)?;
            let last = (source.marks.behind_ids(before), nanoseconds(before), most);
            let rows = read.query_map(last, |row| source.record(row))?;
            rows.collect()
        })
        .await
    }

    async fn delete(&self, ids: Vec<u64>) -> Result<usize, StoreError> {
        self.with(move |ledger| ledger.delete(&ids)).await
    }

    async fn expire(&self, before: Timestamp, most: usize) -> Result<usize, StoreError> {
        self.with(move |ledger| ledger.expire(before, most)).await
    }
}

#[cfg(test)]
mod tests;
