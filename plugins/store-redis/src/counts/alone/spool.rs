//! What was used while the servers were out of reach, in files that outlive the process, until they are told.

use std::fs::{DirBuilder, File, TryLockError};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sluice_api::store::{StoreError, Used};

use super::spent::Entry;

/// Where these files are in the store's folder.
const FOLDER: &str = "alone";

/// How their names end.
const ENDING: &str = "spent";

/// The file whose lock says that a process writes there.
const LOCK: &str = "lock";

/// A line of them.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Line {
    /// A request that no server knows has used this.
    Spent(Vec<Entry>),
    /// A request that is known there has ended: which gateway's it is, its name, what it has taken, and what it has used.
    Ended { gateway: String, name: String, tail: String, counts: bool, tokens: u64, cost: u64 },
}

impl Line {
    /// That a request has ended which a server knows.
    pub(super) fn ended(gateway: &str, name: &str, (tail, used): (String, Used)) -> Self {
        let Used { counts, tokens, cost, .. } = used;
        Self::Ended { gateway: gateway.to_owned(), name: name.to_owned(), tail, counts, tokens, cost }
    }
}

/// The files of a process.
#[derive(Debug, Default)]
pub(super) struct Spool {
    folder: Option<PathBuf>,
    /// What is written now.
    current: Option<(String, Option<File>)>,
    /// The lock of the folder, for as long as the process lives.
    held: Option<File>,
    /// Whether it was said that it can't be written.
    failed: bool,
}

/// What a process before has left: each file by its name, with its lines.
pub(super) type Left = Vec<(String, Vec<Line>)>;

impl Spool {
    /// One in the folder of a store; none where there is no folder.
    pub(super) fn new(folder: Option<&Path>) -> Self {
        Self { folder: folder.map(|folder| folder.join(FOLDER)), ..Self::default() }
    }

    /// What a process before has left; nothing where it still lives.
    pub(super) fn left(&mut self) -> Result<Left, StoreError> {
        let Some(folder) = self.folder.clone().filter(|folder| folder.exists()) else {
            return Ok(Left::new());
        };
        let failed = |error: std::io::Error| StoreError(format!("{}: {error}", folder.display()));
        if !self.hold(&folder).map_err(failed)? {
            return Ok(Left::new());
        }
        let mut left = Left::new();
        for file in std::fs::read_dir(&folder).map_err(failed)? {
            let path = file.map_err(failed)?.path();
            if path.extension().is_some_and(|ending| ending == ENDING)
                && let Some(name) = path.file_stem().and_then(|name| name.to_str())
            {
                let text = std::fs::read(&path).map_err(failed)?;
                // The last line is no whole one where the process was killed as it wrote it.
                let lines =
                    text.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok());
                left.push((name.to_owned(), lines.collect()));
            }
        }
        Ok(left)
    }

    /// Writes a line to the file that is written now. What can't be written is in memory alone.
    pub(super) fn write(&mut self, line: &Line) {
        if let Err(error) = self.try_write(line)
            && !std::mem::replace(&mut self.failed, true)
        {
            tracing::error!(%error, "what is used while the store is out of reach can't be written beside it: it is not counted in limits if this process is killed before the store is back");
        }
    }

    fn try_write(&mut self, line: &Line) -> std::io::Result<()> {
        if self.current.is_none() {
            let name = format!("{:016x}", getrandom::u64().unwrap_or_default());
            // By its name it is told, also where it can't be made.
            self.current = Some((name.clone(), None));
            self.current = Some((name.clone(), self.open(&name)?));
        }
        let Some((_, Some(file))) = &mut self.current else { return Ok(()) };
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        file.write_all(&text)
    }

    fn open(&mut self, name: &str) -> std::io::Result<Option<File>> {
        let Some(folder) = self.folder.clone() else { return Ok(None) };
        let mut made = DirBuilder::new();
        made.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut made, 0o700);
        made.create(&folder)?;
        if !self.hold(&folder)? {
            return Err(std::io::Error::other("another process writes there"));
        }
        private(&folder.join(format!("{name}.{ENDING}"))).map(Some)
    }

    /// Keeps other processes out; whether that is so.
    fn hold(&mut self, folder: &Path) -> std::io::Result<bool> {
        if self.held.is_some() {
            return Ok(true);
        }
        let lock = private(&folder.join(LOCK))?;
        match lock.try_lock() {
            Ok(()) => self.held = Some(lock),
            Err(TryLockError::WouldBlock) => return Ok(false),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        Ok(true)
    }

    /// What is written from now on is another file's; the name of the one before.
    pub(super) fn next(&mut self) -> Option<String> {
        self.current.take().map(|(name, _)| name)
    }

    /// What a file has is told.
    pub(super) fn done(&self, name: &str) {
        if let Some(folder) = &self.folder
            && let Err(error) = std::fs::remove_file(folder.join(format!("{name}.{ENDING}")))
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(%error, "what was used while the store was out of reach is told, and its file can't be deleted");
        }
    }
}

/// A file that only its user reads and writes, made where it is missing.
fn private(path: &Path) -> std::io::Result<File> {
    let mut options = File::options();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
