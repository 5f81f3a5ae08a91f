//! The files, as `build.rs` has packed them.

/// A file of `web`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct File {
    /// Its path below `web`.
    pub(crate) name: &'static str,
    /// Its media type.
    pub(crate) kind: &'static str,
    /// What tells it from another version of it, as `ETag` has it.
    pub(crate) tag: &'static str,
    /// The same of its packed form.
    pub(crate) packed_tag: &'static str,
    /// Its bytes.
    pub(crate) plain: &'static [u8],
    /// The same, by gzip.
    pub(crate) packed: &'static [u8],
}

include!(concat!(env!("OUT_DIR"), "/files.rs"));

/// The file of this name.
pub(crate) fn file(name: &str) -> Option<&'static File> {
    FILES.iter().find(|file| file.name == name)
}
