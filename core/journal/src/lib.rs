//! What a request leaves behind before its answer is whole, for a gateway that is killed.
//!
//! Two kinds of files stand in one folder, mapped into memory, so that writing to them is no system call and outlives the
//! process. The log has what has ended, one entry behind the other, until the store has it. The
//! cells have what is under way: each request its own, written when it goes upstream and freed when it has ended.
//! The next process reads both.
//!
//! What is written here is bytes; what they are is for the caller to know. A power cut may take what the system had not
//! written to the disk yet.

mod cells;
mod entry;
mod failed;
mod file;
mod folder;
mod log;
mod sizes;

use std::path::{Path, PathBuf};

use cells::Cells;
use log::Log;

pub use cells::Running;
pub use failed::JournalError;
pub use folder::Left;
pub use log::Logged;
pub use sizes::Sizes;

/// The journal of one gateway.
#[derive(Debug)]
pub struct Journal {
    log: Log,
    cells: Cells,
}

impl Journal {
    /// What the process before has left in a folder, which is made where it is missing. The caller holds the folder by a
    /// lock. `gateway` names whose journal it is.
    ///
    /// Nothing of it is deleted before [`Left::is_kept`] is called.
    ///
    /// # Errors
    ///
    /// When a file can't be read, was written by a newer version, or is another gateway's.
    pub fn left(folder: &Path, gateway: u64) -> Result<Left, JournalError> {
        folder::read(folder, gateway)
    }

    /// Opens the journal of such a folder; its files have numbers beyond `last`, those of [`Left::last_number`].
    ///
    /// # Errors
    ///
    /// When a file can't be made.
    pub fn open(folder: &Path, gateway: u64, last: u64, sizes: Sizes) -> Result<Self, JournalError> {
        let made = |prefix: &'static str| file::Files::new(folder.to_owned(), prefix, gateway, last);
        Ok(Self {
            log: Log::open(made(folder::LOG), sizes)?,
            cells: Cells::open(made(folder::CELLS), sizes)?,
        })
    }

    /// Writes what has ended to the log. It stays there until [`Journal::is_kept`].
    ///
    /// # Errors
    ///
    /// When there is no room: the store has not taken what is there for long, or the disk is full.
    pub fn ended(&self, bytes: &[u8]) -> Result<Logged, JournalError> {
        self.log.append(bytes)
    }

    /// Whether so many bytes more can be logged: asked before a request begins, so that it can be refused instead of lost.
    #[must_use]
    pub fn has_room(&self, bytes: usize) -> bool {
        self.log.has_room(bytes)
    }

    /// Whether [`Journal::prepare`] has something to do.
    #[must_use]
    pub fn is_short(&self) -> bool {
        self.log.is_short()
    }

    /// Makes the file beforehand that is written to next: for a thread that may wait for the disk. No room there is told by
    /// [`Journal::has_room`], until this finds some.
    pub fn prepare(&self) {
        self.log.prepare();
    }

    /// The store has what was logged.
    pub fn is_kept(&self, logged: Logged) {
        self.log.is_kept(logged);
    }

    /// Writes what begins, or is told anew, into cells. It stays there until [`Journal::is_over`].
    ///
    /// # Errors
    ///
    /// When there is no room: too many run at once, or the disk is full.
    pub fn runs(&self, bytes: &[u8]) -> Result<Running, JournalError> {
        self.cells.take(bytes)
    }

    /// What was running is logged, or told anew in other cells.
    pub fn is_over(&self, running: Running) {
        self.cells.give(running);
    }
}

/// Where a store's folder has its journal.
#[must_use]
pub fn folder_of(store: &Path) -> PathBuf {
    store.join("journal")
}

#[cfg(test)]
mod tests;
