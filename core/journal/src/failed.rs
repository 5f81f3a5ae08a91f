//! Why a journal can't be used.

use std::path::PathBuf;

/// A journal that could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// A file or folder that could not be read or made.
    #[error("{}: {error}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// A file that a newer version of Sluice has written.
    #[error(
        "{} was written by a newer version of Sluice (format {format}; this one knows {known}): start that version once, \
         so that it takes up what is there, or move the file away to leave its requests out of the records",
        path.display()
    )]
    Newer {
        /// Which.
        path: PathBuf,
        /// Its format.
        format: u32,
        /// The newest that is known here.
        known: u32,
    },
    /// A file that another gateway has written.
    #[error(
        "{} is the journal of another gateway: move it back to the folder that it came from, or away to leave its \
         requests out of the records",
        path.display()
    )]
    Another {
        /// Which.
        path: PathBuf,
    },
    /// There is no room for more.
    #[error("the journal is full: {0}")]
    Full(&'static str),
}
