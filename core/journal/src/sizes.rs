//! How much a journal may hold.

/// How large its files are, and how many there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// Bytes of one file of either kind; made when they are needed, and used again.
    pub file: usize,
    /// Files of the log that there may be at most: what waits for a store that is away.
    pub log_files: usize,
    /// Files of cells that there may be at most: what runs at once.
    pub cell_files: usize,
}

impl Default for Sizes {
    /// 64 MB of records, about 200,000 of them; and 64 MB of what runs, about 130,000 requests.
    fn default() -> Self {
        Self { file: 512 * 1024, log_files: 128, cell_files: 128 }
    }
}
