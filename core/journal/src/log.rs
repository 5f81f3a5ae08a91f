//! What has ended, one entry behind the other, until the store has it.

use parking_lot::Mutex;

use crate::entry;
use crate::failed::JournalError;
use crate::file::{Files, HEAD, InUse};
use crate::sizes::Sizes;

/// Files without entries that are there for use, beside the one that is written to: the next one is there at once.
const SPARE: usize = 1;

/// An entry of the log, by the file that has it. Files are used again when all of theirs are kept, in any order.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "what is never kept stays in the journal"]
pub struct Logged(u64);

#[derive(Debug)]
pub(crate) struct Log {
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    files: Files,
    sizes: Sizes,
    current: Written,
    /// Those behind it that have entries which the store has not.
    waiting: Vec<Written>,
    /// Those that have none.
    spare: Vec<InUse>,
    /// Whether the disk had no room for one more when it was made last.
    disk_full: bool,
}

/// A file, and what is in it.
#[derive(Debug)]
struct Written {
    file: InUse,
    /// Where the next entry goes.
    end: usize,
    /// Entries that the store has not.
    entries: usize,
}

impl Written {
    const fn new(file: InUse) -> Self {
        Self { file, end: HEAD, entries: 0 }
    }
}

impl Log {
    pub(crate) fn open(mut files: Files, sizes: Sizes) -> Result<Self, JournalError> {
        let current = Written::new(files.make(sizes.file)?);
        Ok(Self {
            inner: Mutex::new(Inner {
                files,
                sizes,
                current,
                waiting: Vec::new(),
                spare: Vec::new(),
                disk_full: false,
            }),
        })
    }

    pub(crate) fn append(&self, bytes: &[u8]) -> Result<Logged, JournalError> {
        let mut inner = self.inner.lock();
        let takes = entry::takes(bytes.len());
        if takes > inner.sizes.file - HEAD {
            return Err(JournalError::Full("one entry is larger than a file of it"));
        }
        if inner.current.end + takes > inner.sizes.file {
            inner.turn()?;
        }
        let current = &mut inner.current;
        let (number, seed, end) = (current.file.number, current.file.seed, current.end);
        if let Some(place) = current.file.mapped.bytes_mut().get_mut(end..end + takes) {
            entry::write(place, bytes, seed);
        }
        current.end += takes;
        current.entries += 1;
        Ok(Logged(number))
    }

    pub(crate) fn has_room(&self, bytes: usize) -> bool {
        let inner = self.inner.lock();
        let whole = inner.sizes.file - HEAD;
        let takes = entry::takes(bytes);
        let here = inner.sizes.file - inner.current.end;
        if takes <= here {
            return true;
        }
        // What is asked for may need files that are not made yet; whether the disk has room for them was seen last.
        let needed = (takes - here).div_ceil(whole);
        let used = inner.waiting.len() + 1;
        used + needed <= inner.sizes.log_files && (needed <= inner.spare.len() || !inner.disk_full)
    }

    /// Whether the next file should be made beforehand.
    pub(crate) fn is_short(&self) -> bool {
        self.inner.lock().is_short()
    }

    /// Makes the next file beforehand, where it should be: nobody waits for the disk meanwhile.
    pub(crate) fn prepare(&self) {
        let next = {
            let mut inner = self.inner.lock();
            if !inner.is_short() {
                return;
            }
            let size = inner.sizes.file;
            inner.files.next(size)
        };
        let made = next.make();
        let mut inner = self.inner.lock();
        inner.disk_full = made.is_err();
        inner.spare.extend(made);
    }

    pub(crate) fn is_kept(&self, Logged(number): Logged) {
        let mut inner = self.inner.lock();
        if inner.current.file.number == number {
            inner.current.entries = inner.current.entries.saturating_sub(1);
            if inner.current.entries == 0 {
                inner.begin_anew();
            }
            return;
        }
        let Some(at) = inner.waiting.iter().position(|written| written.file.number == number) else { return };
        let Some(written) = inner.waiting.get_mut(at) else { return };
        written.entries = written.entries.saturating_sub(1);
        if written.entries == 0 {
            let Written { mut file, .. } = inner.waiting.swap_remove(at);
            inner.files.again(&mut file);
            if inner.spare.len() < SPARE {
                inner.spare.push(file);
            } else {
                file.delete();
            }
        }
    }
}

impl Inner {
    /// Whether there is no file that could be written to next, and there may be one.
    fn is_short(&self) -> bool {
        self.spare.len() < SPARE && self.waiting.len() + 1 + self.spare.len() < self.sizes.log_files
    }

    /// Forgets what is in the file that is written to, all of which is kept: nobody is to find it much later.
    fn begin_anew(&mut self) {
        self.files.again(&mut self.current.file);
        self.current.end = HEAD;
    }

    /// Goes on in another file.
    fn turn(&mut self) -> Result<(), JournalError> {
        if self.waiting.len() + 1 >= self.sizes.log_files {
            return Err(JournalError::Full("the store has taken nothing of it for too long"));
        }
        let mut next = match self.spare.pop() {
            Some(file) => file,
            None => {
                let made = self.files.make(self.sizes.file);
                self.disk_full = made.is_err();
                made?
            }
        };
        // Numbered when it is begun, so that numbers are in the order of use.
        self.files.again(&mut next);
        // It has entries: one without is begun anew when the last of them is kept.
        self.waiting.push(std::mem::replace(&mut self.current, Written::new(next)));
        Ok(())
    }
}

/// The entries of a file. Behind bytes that are none, others are looked for: one that is damaged takes none along.
pub(crate) fn read(bytes: &[u8], seed: u64) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    let mut rest = bytes.get(HEAD..).unwrap_or_default();
    while !rest.is_empty() {
        let takes = match entry::read(rest, seed) {
            Some(entry) => {
                found.push(entry.to_vec());
                entry::takes(entry.len())
            }
            None => entry::takes(0),
        };
        rest = rest.get(takes..).unwrap_or_default();
    }
    found
}
