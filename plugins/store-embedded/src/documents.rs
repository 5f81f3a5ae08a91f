//! Documents by kind and id, in SQLite.

use std::fs::{self, File, TryLockError};
use std::path::Path;

use parking_lot::Mutex;
use rusqlite::{Connection, params};
use sluice_api::store::StoreError;

/// The database file in the store's folder.
const DATABASE: &str = "sluice.db";

/// The file whose lock keeps a second process out.
const LOCK: &str = "lock";

/// An open database, held by this process alone.
#[derive(Debug)]
pub(crate) struct Documents {
    connection: Mutex<Connection>,
    _lock: File,
}

impl Documents {
    /// Opens the database of a folder, which is made where it is missing.
    pub(crate) fn open(folder: &Path) -> Result<Self, StoreError> {
        let at = |error: &dyn std::fmt::Display| StoreError(format!("{}: {error}", folder.display()));
        make_private(folder).map_err(|error| at(&error))?;
        let lock = File::create(folder.join(LOCK)).map_err(|error| at(&error))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(at(&"it is already in use by another process")),
            Err(TryLockError::Error(error)) => return Err(at(&error)),
        }
        let connection = Connection::open(folder.join(DATABASE)).map_err(|error| at(&error))?;
        connection
            .execute_batch(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
                 CREATE TABLE IF NOT EXISTS documents (
                   kind TEXT NOT NULL, id TEXT NOT NULL, document TEXT NOT NULL, PRIMARY KEY (kind, id)
                 ) WITHOUT ROWID;",
            )
            .map_err(|error| at(&error))?;
        Ok(Self { connection: Mutex::new(connection), _lock: lock })
    }

    pub(crate) fn put(&self, kind: &str, id: &str, document: &str) -> Result<(), StoreError> {
        let insert = "INSERT INTO documents (kind, id, document) VALUES (?1, ?2, ?3)
             ON CONFLICT (kind, id) DO UPDATE SET document = excluded.document";
        self.connection.lock().execute(insert, params![kind, id, document]).map_err(failed)?;
        Ok(())
    }

    pub(crate) fn delete(&self, kind: &str, id: &str) -> Result<bool, StoreError> {
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

    /// Writes something, as a full disk can still be read.
    pub(crate) fn probe(&self) -> Result<(), StoreError> {
        self.put("probe", "ready", "")
    }
}

/// Keys and tokens live here: nobody else on the machine needs to look.
fn make_private(folder: &Path) -> std::io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(folder)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}

fn failed(error: rusqlite::Error) -> StoreError {
    StoreError(error.to_string())
}
