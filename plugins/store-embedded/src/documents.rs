//! Documents by kind and id, in SQLite.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use parking_lot::Mutex;
use rusqlite::{Connection, OptionalExtension as _, params};
use sluice_api::plugin::Timestamp;
use sluice_api::store::{Remembered, StoreError};

use crate::database::Database;

/// How long a commit waits for the disk: FULL for its own pages, NORMAL not at all.
const SYNCHRONOUS: &str = "synchronous";

/// Values that are deleted in one step: small ones keep others waiting for less.
const FORGOTTEN_AT_ONCE: usize = 1_000;

/// Values that are kept for a time, all kinds together: about 200 bytes each on disk and 1 KB at most, so 2 GB at the
/// very worst. Beyond it those whose time is over first go before it is.
const REMEMBERED_MAX: usize = 2_000_000;

/// The documents of an open database.
#[derive(Debug)]
pub(crate) struct Documents {
    connection: Mutex<Connection>,
    /// Values that are kept for a time.
    remembered: AtomicUsize,
    pub(crate) remembered_max: usize,
    /// Something was written that a power cut would undo.
    behind: AtomicBool,
    database: Arc<Database>,
}

impl Documents {
    /// Those of a database.
    pub(crate) fn of(database: Arc<Database>) -> Result<Self, StoreError> {
        let connection = database.connect()?;
        let count = "SELECT COUNT(*) FROM remembered";
        let remembered = connection.query_row(count, [], |row| row.get::<_, i64>(0));
        let remembered = remembered.map_err(failed)?;
        Ok(Self {
            connection: Mutex::new(connection),
            remembered: AtomicUsize::new(usize::try_from(remembered).unwrap_or_default()),
            remembered_max: REMEMBERED_MAX,
            behind: AtomicBool::new(false),
            database,
        })
    }

    pub(crate) fn put(&self, kind: &str, id: &str, document: &str) -> Result<(), StoreError> {
        let _writes = self.database.writes();
        put(&self.connection.lock(), kind, id, document).map_err(failed)
    }

    /// The same, and the disk is not waited for.
    pub(crate) fn put_soon(&self, kind: &str, id: &str, document: &str) -> Result<(), StoreError> {
        let _writes = self.database.writes();
        let connection = self.connection.lock();
        connection.pragma_update(None, SYNCHRONOUS, "NORMAL").map_err(failed)?;
        let written = put(&connection, kind, id, document);
        // Set within the lock: a flush before it would not have this.
        self.behind.store(true, Ordering::Relaxed);
        connection.pragma_update(None, SYNCHRONOUS, "FULL").map_err(failed)?;
        written.map_err(failed)
    }

    /// Whether there is something that a power cut would undo.
    pub(crate) fn is_behind(&self) -> bool {
        self.behind.load(Ordering::Relaxed)
    }

    /// Waits for the disk: what one write waits for is all that was written before it.
    pub(crate) fn flush(&self) -> Result<(), StoreError> {
        let _writes = self.database.writes();
        let connection = self.connection.lock();
        put(&connection, "probe", "flush", "").map_err(failed)?;
        self.behind.store(false, Ordering::Relaxed);
        Ok(())
    }

    pub(crate) fn delete(&self, kind: &str, id: &str) -> Result<bool, StoreError> {
        let _writes = self.database.writes();
        let delete = "DELETE FROM documents WHERE kind = ?1 AND id = ?2";
        Ok(self.connection.lock().execute(delete, params![kind, id]).map_err(failed)? > 0)
    }

    pub(crate) fn list(&self, kind: &str) -> Result<Vec<(String, String)>, StoreError> {
        let connection = self.connection.lock();
        let select = "SELECT id, document FROM documents WHERE kind = ?1 ORDER BY id";
        let mut statement = connection.prepare(select).map_err(failed)?;
        let rows =
            statement.query_map(params![kind], |row| Ok((row.get(0)?, row.get(1)?))).map_err(failed)?;
        rows.collect::<Result<_, _>>().map_err(failed)
    }

    /// Keeps values for a time, all of them or none.
    pub(crate) fn remember(&self, kind: &str, values: &[Remembered]) -> Result<(), StoreError> {
        let _writes = self.database.writes();
        let mut connection = self.connection.lock();
        let all = connection.transaction().map_err(failed)?;
        let insert = "INSERT OR IGNORE INTO remembered (kind, id, value, until) VALUES (?1, ?2, ?3, ?4)";
        let update = "UPDATE remembered SET value = ?3, until = ?4 WHERE kind = ?1 AND id = ?2";
        let mut new = 0;
        {
            let mut insert = all.prepare_cached(insert).map_err(failed)?;
            let mut update = all.prepare_cached(update).map_err(failed)?;
            for value in values {
                let row = params![kind, value.id, value.value, value.until.as_second()];
                match insert.execute(row).map_err(failed)? {
                    0 => drop(update.execute(row).map_err(failed)?),
                    inserted => new += inserted,
                }
            }
        }
        all.commit().map_err(failed)?;
        self.remembered.fetch_add(new, Ordering::Relaxed);
        Ok(())
    }

    pub(crate) fn recall(&self, kind: &str, id: &str) -> Result<Option<String>, StoreError> {
        let select = "SELECT value FROM remembered WHERE kind = ?1 AND id = ?2";
        let connection = self.connection.lock();
        connection.query_row(select, params![kind, id], |row| row.get(0)).optional().map_err(failed)
    }

    /// Deletes values whose time is over, and those that end first where there are too many; how many it were.
    pub(crate) fn forget(&self, now: Timestamp, most: usize) -> Result<usize, StoreError> {
        let delete = "DELETE FROM remembered WHERE (kind, id) IN
             (SELECT kind, id FROM remembered WHERE until < ?1 ORDER BY until LIMIT ?2)";
        let mut forgotten = 0;
        while forgotten < most {
            let surplus = self.remembered.load(Ordering::Relaxed).saturating_sub(self.remembered_max);
            let (before, step) = match surplus {
                0 => (now.as_second(), FORGOTTEN_AT_ONCE),
                surplus => (i64::MAX, surplus.min(FORGOTTEN_AT_ONCE)),
            };
            let step = step.min(most - forgotten);
            let limit = i64::try_from(step).unwrap_or(i64::MAX);
            let _writes = self.database.writes();
            let deleted = self.connection.lock().execute(delete, params![before, limit]).map_err(failed)?;
            self.remembered.fetch_sub(deleted, Ordering::Relaxed);
            forgotten += deleted;
            if deleted < step {
                break;
            }
        }
        Ok(forgotten)
    }

    /// Writes something, as a full disk can still be read.
    pub(crate) fn probe(&self) -> Result<(), StoreError> {
        self.put("probe", "ready", "")
    }
}

fn put(connection: &Connection, kind: &str, id: &str, document: &str) -> rusqlite::Result<()> {
    let insert = "INSERT INTO documents (kind, id, document) VALUES (?1, ?2, ?3)
             ON CONFLICT (kind, id) DO UPDATE SET document = excluded.document";
    connection.prepare_cached(insert)?.execute(params![kind, id, document])?;
    Ok(())
}

pub(crate) fn failed(error: rusqlite::Error) -> StoreError {
    StoreError(error.to_string())
}
