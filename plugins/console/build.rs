//! Packs the files of `web` into the binary: compressed, and named by a hash of all of them.
//!
//! The pages themselves run as they stand in `web`; nothing is translated or bundled here.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

/// What stands in pages for the hash.
const BUILD: &str = "{{build}}";

/// Endings of files that browsers are given, with their types; whatever else stands in `web` is for people.
const TYPES: [(&str, &str); 4] = [
    ("html", "text/html; charset=utf-8"),
    ("js", "text/javascript; charset=utf-8"),
    ("css", "text/css; charset=utf-8"),
    ("svg", "image/svg+xml"),
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let web = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("web");
    let out = PathBuf::from(std::env::var_os("OUT_DIR").ok_or("Cargo says where to")?);
    println!("cargo::rerun-if-changed={}", web.display());
    println!("cargo::rerun-if-changed=build.rs");
    let mut files = Vec::new();
    find(&web, &web, &mut files)?;
    files.sort();
    let mut all = Sha256::new();
    for (name, kind, text) in &files {
        all.update(format!("{name} {kind} {}\n", text.len()));
        all.update(text);
    }
    let build = hexadecimal(&all.finalize());
    let mut table = format!(
        "/// A hash of every file.\npub(crate) const BUILD: &str = {build:?};\n\n/// Every file.\npub(crate) static FILES: &[File] = &[\n"
    );
    for (number, (name, kind, text)) in files.iter().enumerate() {
        let text = match std::str::from_utf8(text) {
            Ok(page) if name.ends_with(".html") => page.replace(BUILD, &build).into_bytes(),
            _ => text.clone(),
        };
        let (plain, packed) = (out.join(format!("{number}")), out.join(format!("{number}.gz")));
        std::fs::write(&plain, &text)?;
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(&text)?;
        std::fs::write(&packed, encoder.finish()?)?;
        let hash = hexadecimal(&Sha256::digest(&text));
        let (tag, packed_tag) = (format!("\"{hash}\""), format!("\"{hash}-gzip\""));
        writeln!(
            table,
            "    File {{ name: {name:?}, kind: {kind:?}, tag: {tag:?}, packed_tag: {packed_tag:?}, plain: include_bytes!({plain:?}), packed: include_bytes!({packed:?}) }},"
        )?;
    }
    table.push_str("];\n");
    std::fs::write(out.join("files.rs"), table)?;
    Ok(())
}

type Files = Vec<(String, &'static str, Vec<u8>)>;

fn find(top: &Path, folder: &Path, files: &mut Files) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            find(top, &path, files)?;
            continue;
        }
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        let kind = TYPES.iter().find(|(known, _)| *known == ending).map(|(_, kind)| *kind);
        if let (Some(kind), Ok(name)) = (kind, path.strip_prefix(top)) {
            files.push((name.to_string_lossy().replace('\\', "/"), kind, std::fs::read(&path)?));
        }
    }
    Ok(())
}

/// The first half of a hash: none of these files is meant to deceive another.
fn hexadecimal(hash: &[u8]) -> String {
    hash.iter().take(16).fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
