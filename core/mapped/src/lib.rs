//! A file whose bytes are memory: what is written there is the file's at once, without a system call, and stays when the
//! process is killed. The one place with unsafe code.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;

use memmap2::MmapMut;

/// A file of a fixed length, mapped whole and shared with the file system.
///
/// All of its blocks are there before it is mapped, so that a disk which fills up later takes nothing from it. Nobody else
/// may make the file shorter while it is mapped: the system ends a process that touches what is no longer there. So it
/// belongs into a folder that one process holds by a lock.
#[derive(Debug)]
pub struct Mapped {
    bytes: MmapMut,
    file: File,
}

impl Mapped {
    /// Makes a file of zeros, for this user alone, and maps it. One that is there is replaced.
    ///
    /// # Errors
    ///
    /// When the disk has no room for all of it, which then is not left there in part; or when it can't be made.
    pub fn create(path: &Path, length: usize) -> io::Result<Self> {
        let made = zeros(path, length).and_then(map);
        if made.is_err() {
            // What was made of it is no use to anybody, and takes room.
            let _ = std::fs::remove_file(path);
        }
        made
    }

    /// Maps a file as long as it is.
    ///
    /// # Errors
    ///
    /// When it is not there, is empty, or can't be mapped.
    pub fn open(path: &Path) -> io::Result<Self> {
        map(File::options().read(true).write(true).open(path)?)
    }

    /// Its bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Its bytes, to be written.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.bytes
    }

    /// Waits until what was written is on the disk.
    ///
    /// # Errors
    ///
    /// When it could not be brought there.
    pub fn flush(&self) -> io::Result<()> {
        self.bytes.flush()?;
        self.file.sync_data()
    }
}

fn zeros(path: &Path, length: usize) -> io::Result<File> {
    let mut options = File::options();
    options.read(true).write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    // Written, not only set to this length: then every block is its own, and none has to be found while it is mapped.
    let piece = [0_u8; 64 * 1024];
    let mut left = length;
    while left > 0 {
        let some = piece.get(..left.min(piece.len())).unwrap_or(&piece);
        file.write_all(some)?;
        left -= some.len();
    }
    Ok(file)
}

#[expect(
    unsafe_code,
    reason = "a mapped file is memory that others could change, which the language can't see"
)]
fn map(file: File) -> io::Result<Mapped> {
    if file.metadata()?.len() == 0 {
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the file is empty"));
    }
    // SAFETY: the bytes are plain numbers, of which every value is valid; nobody else writes to the file while its folder
    // is held by this process's lock, and nobody makes it shorter, as the type's documentation asks for.
    let bytes = unsafe { MmapMut::map_mut(&file)? };
    Ok(Mapped { bytes, file })
}

#[cfg(test)]
mod tests {
    use super::Mapped;

    #[test]
    fn what_is_written_is_the_files_and_found_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mapped");
        let mut mapped = Mapped::create(&path, 100_000).unwrap();
        assert!(mapped.bytes().len() == 100_000 && mapped.bytes().iter().all(|byte| *byte == 0));
        mapped.bytes_mut()[99_999] = 7;
        assert_eq!(std::fs::read(&path).unwrap()[99_999], 7, "before anything is flushed or closed");
        mapped.flush().unwrap();
        drop(mapped);
        assert_eq!(Mapped::open(&path).unwrap().bytes()[99_999], 7);
    }

    #[test]
    fn what_can_not_be_mapped_is_an_error_and_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("empty");
        std::fs::write(&path, b"").unwrap();
        assert!(Mapped::open(&path).is_err());
        assert!(Mapped::open(&folder.path().join("missing")).is_err());
        assert!(Mapped::create(&folder.path().join("no/folder"), 1).is_err());
    }
}
