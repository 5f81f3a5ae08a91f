//! Price files as files.

use std::io::Read as _;

use sluice_api::settings::{Problem, Section};

/// Bytes that a price file may have: ten times what the largest of the field has.
const LENGTH_MAX: u64 = 64 * 1024 * 1024;

/// Reads one of the `files` of a section.
///
/// # Errors
///
/// Why it can't be read, as a problem with that setting.
pub(crate) fn read(section: &Section<'_>, at: usize, name: &str) -> Result<String, Problem> {
    text(name).map_err(|why| {
        let file =
            section.values.get("files").map_or_else(|| section.file(), |value| section.origin.of(value));
        Problem::at(file, section.at(&format!("files[{at}]")), format!("{name}: {why}"))
    })
}

fn text(name: &str) -> Result<String, String> {
    let unreadable = |error: std::io::Error| format!("the file can't be read: {error}");
    let file = std::fs::File::open(name).map_err(unreadable)?;
    // A pipe would never end, and a folder has nothing to read.
    if !file.metadata().map_err(unreadable)?.is_file() {
        return Err("this is no file".to_owned());
    }
    let mut text = String::new();
    file.take(LENGTH_MAX + 1).read_to_string(&mut text).map_err(unreadable)?;
    if text.len() as u64 > LENGTH_MAX {
        return Err(format!("a price file has at most {LENGTH_MAX} bytes"));
    }
    Ok(text)
}
