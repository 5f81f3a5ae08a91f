//! The database's file: held by one process, of a version that is known, and not damaged.

use std::fs::{DirBuilder, File, TryLockError};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use parking_lot::{Mutex, MutexGuard};
use rusqlite::{Connection, Error, ErrorCode, TransactionBehavior};
use sluice_api::store::StoreError;

/// The database file in the store's folder.
pub(crate) const DATABASE: &str = "sluice.db";

/// What SQLite has written and not yet moved into it.
const WRITTEN_AHEAD: &str = "sluice.db-wal";

/// What SQLite may have left beside it.
const FILES: [&str; 2] = [WRITTEN_AHEAD, "sluice.db-shm"];

/// The file whose lock keeps a second process out.
const LOCK: &str = "lock";

/// Mode of a file that only its user reads and writes.
#[cfg(unix)]
const PRIVATE: u32 = 0o600;

/// What makes each version of the database of the one before. The first had no number.
const VERSIONS: [&str; 3] =
    [include_str!("schema.sql"), include_str!("bills.sql"), include_str!("counted.sql")];

/// What was there before there were versions.
const BEFORE: &str = "
    CREATE TABLE IF NOT EXISTS documents (
      kind TEXT NOT NULL, id TEXT NOT NULL, document TEXT NOT NULL, PRIMARY KEY (kind, id)
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS remembered (
      kind TEXT NOT NULL, id TEXT NOT NULL, value TEXT NOT NULL, until INTEGER NOT NULL,
      PRIMARY KEY (kind, id)
    ) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS remembered_until ON remembered (until);";

/// A database that this process alone has open.
#[derive(Debug)]
pub(crate) struct Database {
    path: PathBuf,
    /// Who writes: SQLite lets one write at a time, and others wait there by sleeping.
    writes: Mutex<()>,
    _lock: File,
}

impl Database {
    /// Opens the database of a folder, which is made where it is missing.
    pub(crate) fn open(folder: &Path) -> Result<Self, StoreError> {
        let at = |error: &dyn std::fmt::Display| StoreError(format!("{}: {error}", folder.display()));
        private_folder(folder).map_err(|error| at(&error))?;
        let lock = private_file(&folder.join(LOCK)).map_err(|error| at(&error))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(at(&"it is already in use by another process")),
            Err(TryLockError::Error(error)) => return Err(at(&error)),
        }
        for name in FILES {
            private_file_if_there(&folder.join(name)).map_err(|error| at(&error))?;
        }
        let path = folder.join(DATABASE);
        let length = |name| std::fs::metadata(folder.join(name)).map_or(0, |file| file.len());
        if let Some(how) = is_cut_off(&path, length(DATABASE), length(WRITTEN_AHEAD)) {
            return Err(StoreError(format!("{} {how}: {DAMAGED}", path.display())));
        }
        // Made before SQLite does, which gives its other files the mode of this one.
        private_file(&path).map_err(|error| at(&error))?;
        let database = Self { path, writes: Mutex::new(()), _lock: lock };
        database.migrate()?;
        Ok(database)
    }

    /// One more connection, whose commits wait for the disk.
    pub(crate) fn connect(&self) -> Result<Connection, StoreError> {
        let connect = || {
            let connection = Connection::open(&self.path)?;
            connection.execute_batch("PRAGMA synchronous = FULL")?;
            Ok(connection)
        };
        connect().map_err(|error| self.says(&error))
    }

    /// Waits until nobody of this process writes. Taken before any connection that others read from.
    pub(crate) fn writes(&self) -> MutexGuard<'_, ()> {
        self.writes.lock()
    }

    /// Brings the tables to the version that is known here, all or nothing; of a newer one, nothing is touched.
    fn migrate(&self) -> Result<(), StoreError> {
        let mut connection = self.connect()?;
        let known = i64::try_from(VERSIONS.len()).unwrap_or(i64::MAX);
        let version = connection.query_row("PRAGMA user_version", [], |row| row.get::<_, i64>(0));
        let version = version.map_err(|error| self.says(&error))?;
        if version > known {
            let path = self.path.display();
            return Err(StoreError(format!(
                "{path} was made by a newer Sluice (its version is {version}, this one knows {known}) and was left as \
                 it is: run that Sluice again, or give [store] another path"
            )));
        }
        let mut bring = || {
            connection.execute_batch("PRAGMA journal_mode = WAL")?;
            if version == known {
                return Ok(());
            }
            let all = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            all.execute_batch(BEFORE)?;
            for step in VERSIONS.iter().skip(usize::try_from(version).unwrap_or_default()) {
                all.execute_batch(step)?;
            }
            all.pragma_update(None, "user_version", known)?;
            all.commit()
        };
        bring().map_err(|error| self.says(&error))
    }

    /// What went wrong with the file, and what can be done about it.
    fn says(&self, error: &Error) -> StoreError {
        let path = self.path.display();
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
                StoreError(format!("{path} can't be read ({error}): {DAMAGED}"))
            }
            _ => StoreError(format!("{path}: {error}")),
        }
    }
}

/// How it shows that a database was cut off, where SQLite would not see it.
fn is_cut_off(path: &Path, length: u64, written_ahead: u64) -> Option<&'static str> {
    if length == 0 {
        // SQLite would take it for a new one, and throw away what was written ahead.
        return (written_ahead > 0).then_some("is empty, though something was still to come into it");
    }
    let mut head = [0; 18];
    File::open(path).and_then(|mut file| file.read_exact(&mut head)).ok()?;
    let [.., high, low] = head;
    let page = match u64::from(u16::from_be_bytes([high, low])) {
        1 => 65_536,
        page => page,
    };
    // Where something was written ahead, a process may have ended while it moved that here, and the next one does it.
    let whole =
        !head.starts_with(b"SQLite format 3") || written_ahead > 0 || length.checked_rem(page) == Some(0);
    (!whole).then_some("ends in the middle of a page")
}

/// What to do with a database that can't be read.
const DAMAGED: &str = "it is damaged, and was left as it is. Put back a copy of the whole folder, save what \
                       `sqlite3 sluice.db .recover` finds, or move the folder away to begin with an empty one";

/// Makes the folder for this user alone; one that is there keeps its mode, as it may be meant for others too.
fn private_folder(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Opens a file, made where it is missing, that only this user can read: the admin token is in the database.
fn private_file(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, PRIVATE);
    let file = options.open(path)?;
    #[cfg(unix)]
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(PRIVATE))?;
    Ok(file)
}

/// Takes a file that is there away from others.
fn private_file_if_there(path: &Path) -> io::Result<()> {
    match path.try_exists()? {
        true => private_file(path).map(drop),
        false => Ok(()),
    }
}
