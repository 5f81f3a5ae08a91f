//! The files of a journal: what each begins with, and how they are made and used again.

use std::path::{Path, PathBuf};
use std::sync::atomic::{Ordering, compiler_fence};

use sluice_mapped::Mapped;

use crate::failed::JournalError;

/// What every file begins with.
pub(crate) const MAGIC: [u8; 8] = *b"sluice-j";

/// The format of what is written here.
pub(crate) const FORMAT: u32 = 1;

/// Bytes of the head: magic, format (4), length of the file (4), whose it is (8), and the number of this use of it (8).
pub(crate) const HEAD: usize = 32;

/// The head of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) format: u32,
    /// Bytes of the whole file.
    pub(crate) length: u32,
    pub(crate) gateway: u64,
    /// Which use of a file this is, of all files that this gateway ever used.
    pub(crate) number: u64,
}

impl Head {
    /// What the entries of this use of the file are tied by: nobody who sends what is in one knows it.
    pub(crate) const fn seed(self) -> u64 {
        self.gateway ^ self.number.rotate_left(32)
    }

    /// Writes it; the magic last, so that a head is whole where that is there.
    pub(crate) fn write(self, into: &mut [u8]) {
        let mut head = [0; HEAD];
        let parts: [&[u8]; 5] = [
            &MAGIC,
            &self.format.to_le_bytes(),
            &self.length.to_le_bytes(),
            &self.gateway.to_le_bytes(),
            &self.number.to_le_bytes(),
        ];
        let mut at = 0;
        for part in parts {
            if let Some(place) = head.get_mut(at..at + part.len()) {
                place.copy_from_slice(part);
            }
            at += part.len();
        }
        // A process may be killed between any two of these: without the magic nothing else is looked at.
        let Some((magic, rest)) = into.split_at_mut_checked(MAGIC.len()) else { return };
        magic.fill(0);
        compiler_fence(Ordering::SeqCst);
        if let (Some(place), Some(head)) = (rest.get_mut(..HEAD - MAGIC.len()), head.get(MAGIC.len()..)) {
            place.copy_from_slice(head);
        }
        compiler_fence(Ordering::SeqCst);
        magic.copy_from_slice(&MAGIC);
    }

    /// Reads it; `None` where none was written.
    pub(crate) fn read(from: &[u8]) -> Option<Self> {
        let (magic, rest) = from.split_first_chunk::<8>()?;
        let (format, rest) = rest.split_first_chunk::<4>()?;
        let (length, rest) = rest.split_first_chunk::<4>()?;
        let (gateway, rest) = rest.split_first_chunk::<8>()?;
        let (number, _) = rest.split_first_chunk::<8>()?;
        (*magic == MAGIC).then(|| Self {
            format: u32::from_le_bytes(*format),
            length: u32::from_le_bytes(*length),
            gateway: u64::from_le_bytes(*gateway),
            number: u64::from_le_bytes(*number),
        })
    }
}

/// A mapped file in use.
#[derive(Debug)]
pub(crate) struct InUse {
    pub(crate) mapped: Mapped,
    pub(crate) number: u64,
    /// What its entries are tied by.
    pub(crate) seed: u64,
    path: PathBuf,
}

impl InUse {
    /// Deletes it; what can't be deleted has nothing in it that is valid.
    pub(crate) fn delete(self) {
        if let Err(error) = std::fs::remove_file(&self.path) {
            tracing::debug!(path = %self.path.display(), %error, "a file of the journal that is empty could not be deleted");
        }
    }
}

/// A file that is to be made.
#[derive(Debug)]
pub(crate) struct Unmade {
    path: PathBuf,
    head: Head,
}

impl Unmade {
    pub(crate) fn make(self) -> Result<InUse, JournalError> {
        let Self { path, head } = self;
        let length = usize::try_from(head.length).unwrap_or(usize::MAX);
        match Mapped::create(&path, length) {
            Ok(mut mapped) => {
                head.write(mapped.bytes_mut());
                Ok(InUse { mapped, number: head.number, seed: head.seed(), path })
            }
            Err(error) => Err(JournalError::Io { path, error }),
        }
    }
}

/// Makes files of one kind, each under a number of its own.
#[derive(Debug)]
pub(crate) struct Files {
    folder: PathBuf,
    prefix: &'static str,
    gateway: u64,
    last: u64,
}

impl Files {
    pub(crate) fn new(folder: PathBuf, prefix: &'static str, gateway: u64, last: u64) -> Self {
        Self { folder, prefix, gateway, last }
    }

    /// Makes a file more.
    pub(crate) fn make(&mut self, length: usize) -> Result<InUse, JournalError> {
        self.next(length).make()
    }

    /// The next one, which is not made yet.
    pub(crate) fn next(&mut self, length: usize) -> Unmade {
        self.last += 1;
        Unmade { path: path(&self.folder, self.prefix, self.last), head: self.begin(self.last, length) }
    }

    /// Takes one that has nothing of use any more into use again, under a new number: nothing in it is valid then.
    pub(crate) fn again(&mut self, file: &mut InUse) {
        self.last += 1;
        file.number = self.last;
        let length = file.mapped.bytes().len();
        let head = self.begin(file.number, length);
        file.seed = head.seed();
        head.write(file.mapped.bytes_mut());
    }

    fn begin(&self, number: u64, length: usize) -> Head {
        let length = u32::try_from(length).unwrap_or(u32::MAX);
        Head { format: FORMAT, length, gateway: self.gateway, number }
    }
}

/// Where the file is that was made with this number.
fn path(folder: &Path, prefix: &str, number: u64) -> PathBuf {
    folder.join(format!("{prefix}{number:016x}"))
}
