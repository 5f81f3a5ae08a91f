//! What is under way: each request in cells of its own, until it has ended.

use parking_lot::Mutex;

use crate::entry;
use crate::failed::JournalError;
use crate::file::{Files, HEAD, InUse};
use crate::sizes::Sizes;

/// Bytes of a cell. What is longer takes some together, one behind the other.
const CELL: usize = 512;

/// What a request has in cells, by where they begin and how many they are.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "what is never over stays in the journal"]
pub struct Running {
    file: usize,
    cell: usize,
    cells: usize,
}

#[derive(Debug)]
pub(crate) struct Cells {
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    files: Files,
    sizes: Sizes,
    all: Vec<Filled>,
    /// Where a free cell is looked for first.
    first: usize,
}

#[derive(Debug)]
struct Filled {
    file: InUse,
    /// Which cells are taken.
    taken: Vec<bool>,
    /// Cells that are free.
    free: usize,
    /// Where the next free one is looked for.
    next: usize,
}

impl Filled {
    fn new(file: InUse, length: usize) -> Self {
        let count = (length - HEAD) / CELL;
        Self { file, taken: vec![false; count], free: count, next: 0 }
    }

    /// Finds free cells that stand together.
    fn find(&self, cells: usize) -> Option<usize> {
        if self.free < cells {
            return None;
        }
        let fits =
            |at: &usize| self.taken.get(*at..at + cells).is_some_and(|some| some.iter().all(|taken| !taken));
        (self.next..self.taken.len()).chain(0..self.next).find(fits)
    }

    fn mark(&mut self, at: usize, cells: usize, taken: bool) {
        if let Some(some) = self.taken.get_mut(at..at + cells) {
            some.fill(taken);
        }
        if taken {
            self.free -= cells;
            self.next = at + cells;
        } else {
            self.free += cells;
            self.next = at;
        }
    }

    fn place(&mut self, at: usize, cells: usize) -> &mut [u8] {
        let from = HEAD + at * CELL;
        self.file.mapped.bytes_mut().get_mut(from..from + cells * CELL).unwrap_or_default()
    }
}

impl Cells {
    pub(crate) fn open(mut files: Files, sizes: Sizes) -> Result<Self, JournalError> {
        let first = Filled::new(files.make(sizes.file)?, sizes.file);
        Ok(Self { inner: Mutex::new(Inner { files, sizes, all: vec![first], first: 0 }) })
    }

    pub(crate) fn take(&self, bytes: &[u8]) -> Result<Running, JournalError> {
        let cells = entry::takes(bytes.len()).div_ceil(CELL);
        let mut inner = self.inner.lock();
        let (file, cell) = inner.find(cells)?;
        let Some(filled) = inner.all.get_mut(file) else {
            return Err(JournalError::Full("a file of it is gone"));
        };
        filled.mark(cell, cells, true);
        let seed = filled.file.seed;
        entry::write(filled.place(cell, cells), bytes, seed);
        inner.first = file;
        Ok(Running { file, cell, cells })
    }

    pub(crate) fn give(&self, Running { file, cell, cells }: Running) {
        let mut inner = self.inner.lock();
        let Some(filled) = inner.all.get_mut(file) else { return };
        // No length is no entry. The cells behind the first have none that could be read.
        if let Some(length) = filled.place(cell, cells).first_chunk_mut::<4>() {
            *length = [0; 4];
        }
        filled.mark(cell, cells, false);
        inner.first = inner.first.min(file);
    }
}

impl Inner {
    /// Finds free cells that stand together, and makes a file more where there are none.
    fn find(&mut self, cells: usize) -> Result<(usize, usize), JournalError> {
        let from_first = (self.first..self.all.len()).chain(0..self.first);
        for file in from_first {
            if let Some(cell) = self.all.get(file).and_then(|filled| filled.find(cells)) {
                return Ok((file, cell));
            }
        }
        if cells * CELL > self.sizes.file - HEAD {
            return Err(JournalError::Full("what is told of one request is larger than a file of it"));
        }
        if self.all.len() >= self.sizes.cell_files {
            return Err(JournalError::Full("too many requests run at once"));
        }
        let file = self.files.make(self.sizes.file)?;
        self.all.push(Filled::new(file, self.sizes.file));
        Ok((self.all.len() - 1, 0))
    }
}

/// What is in the cells of a file.
pub(crate) fn read(bytes: &[u8], seed: u64) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    let mut rest = bytes.get(HEAD..).unwrap_or_default();
    while rest.len() >= CELL {
        let cells = match entry::read(rest, seed) {
            Some(entry) => {
                found.push(entry.to_vec());
                entry::takes(entry.len()).div_ceil(CELL)
            }
            None => 1,
        };
        rest = rest.get(cells * CELL..).unwrap_or_default();
    }
    found
}
