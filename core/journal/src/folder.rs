//! What a process that has ended left in the folder of its journal.

use std::fs::DirBuilder;
use std::path::{Path, PathBuf};

use crate::failed::JournalError;
use crate::file::{FORMAT, Head, MAGIC};
use crate::{cells, log};

/// What the files of the log begin with, in their names.
pub(crate) const LOG: &str = "ended-";

/// The same of those that have cells.
pub(crate) const CELLS: &str = "running-";

/// What the names of files begin with that are set aside as they are not whole.
const DAMAGED: &str = "damaged-";

/// What a process has left. It stays there until it is said to be kept elsewhere.
#[derive(Debug, Default)]
#[must_use = "what was left is to be kept elsewhere"]
pub struct Left {
    /// Files of the log, in the order in which they were used.
    log: Vec<File>,
    cells: Vec<File>,
    /// The largest number of a file that is there.
    last_number: u64,
}

#[derive(Debug)]
struct File {
    path: PathBuf,
    /// Of this use of it, and what its entries are tied by; `None` where nothing was ever written to it.
    number: Option<(u64, u64)>,
    /// Why it is not whole.
    damaged: Option<&'static str>,
}

/// Looks at the files of a folder.
pub(crate) fn read(folder: &Path, gateway: u64) -> Result<Left, JournalError> {
    let failed = |error| JournalError::Io { path: folder.to_owned(), error };
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(failed)?;
    let mut left = Left::default();
    for item in std::fs::read_dir(folder).map_err(failed)? {
        let item = item.map_err(failed)?;
        let name = item.file_name().to_string_lossy().into_owned();
        let (files, prefix) = match &name {
            name if name.starts_with(LOG) => (&mut left.log, LOG),
            name if name.starts_with(CELLS) => (&mut left.cells, CELLS),
            _ => continue,
        };
        let file = look(item.path(), gateway)?;
        let named = name.strip_prefix(prefix).and_then(|number| u64::from_str_radix(number, 16).ok());
        left.last_number =
            left.last_number.max(file.number.map_or(0, |(number, _)| number)).max(named.unwrap_or(0));
        files.push(file);
    }
    left.log.sort_by_key(|file| file.number);
    left.cells.sort_by_key(|file| file.number);
    Ok(left)
}

/// Looks at the head of a file.
fn look(path: PathBuf, gateway: u64) -> Result<File, JournalError> {
    let bytes = std::fs::read(&path).map_err(|error| JournalError::Io { path: path.clone(), error })?;
    let Some(head) = Head::read(&bytes) else {
        // Made or begun anew, and the process was killed before it had written the head: what stands behind it is of no use.
        let blank = bytes.iter().take(MAGIC.len()).all(|byte| *byte == 0);
        let damaged = (!blank).then_some("its beginning is not that of a journal");
        return Ok(File { path, number: None, damaged });
    };
    if head.format > FORMAT {
        return Err(JournalError::Newer { path, format: head.format, known: FORMAT });
    }
    if head.gateway != gateway {
        return Err(JournalError::Another { path });
    }
    let whole = bytes.len() as u64 >= u64::from(head.length);
    Ok(File {
        path,
        number: Some((head.number, head.seed())),
        damaged: (!whole).then_some("its end is missing"),
    })
}

impl Left {
    /// What had ended, file by file, the newest first, each in the order in which it ended. Of what stands there twice the
    /// later counts.
    ///
    /// # Errors
    ///
    /// When a file can't be read.
    pub fn ended(&self) -> impl Iterator<Item = Result<Vec<Vec<u8>>, JournalError>> {
        self.log.iter().rev().filter_map(|file| file.entries(log::read))
    }

    /// What was running, file by file; some of it may have ended.
    ///
    /// # Errors
    ///
    /// When a file can't be read.
    pub fn running(&self) -> impl Iterator<Item = Result<Vec<Vec<u8>>, JournalError>> {
        self.cells.iter().filter_map(|file| file.entries(cells::read))
    }

    /// The largest number of a file that is there: later ones are beyond it.
    #[must_use]
    pub const fn last_number(&self) -> u64 {
        self.last_number
    }

    /// All that could be read of it is kept elsewhere: its files are deleted. Those that are not whole are set aside under
    /// another name, and all of them where not all was `understood`, for whoever can read what could not be read here.
    pub fn is_kept(self, understood: bool) {
        let aside = (!understood).then_some("some of it is no record that this version knows");
        for File { path, damaged, .. } in self.log.into_iter().chain(self.cells) {
            let done = match damaged.or(aside) {
                None => std::fs::remove_file(&path),
                Some(why) => {
                    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                    let named = (0_u32..).map(|more| match more {
                        0 => format!("{DAMAGED}{name}"),
                        more => format!("{DAMAGED}{name}.{more}"),
                    });
                    let mut free =
                        named.map(|name| path.with_file_name(name)).filter(|aside| !aside.exists());
                    let aside = free.next().unwrap_or_else(|| path.clone());
                    tracing::warn!(
                        path = %aside.display(),
                        "a file of the journal is damaged ({why}): what could be read of it is in the records, and the file is \
                         kept under this name; delete it when nobody needs it"
                    );
                    std::fs::rename(&path, aside)
                }
            };
            if let Err(error) = done {
                tracing::warn!(path = %path.display(), %error, "a file of the journal could not be put away");
            }
        }
    }
}

impl File {
    fn entries(&self, read: fn(&[u8], u64) -> Vec<Vec<u8>>) -> Option<Result<Vec<Vec<u8>>, JournalError>> {
        let (_, seed) = self.number?;
        let bytes = std::fs::read(&self.path);
        Some(match bytes {
            Ok(bytes) => Ok(read(&bytes, seed)),
            Err(error) => Err(JournalError::Io { path: self.path.clone(), error }),
        })
    }
}
