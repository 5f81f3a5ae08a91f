//! What holds for every text of a configuration, right or wrong, in every format: for the tests, and for a fuzzer in
//! `fuzz/`.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a law that does not hold is a panic"
)]

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::Timestamp;
use serde_json::Value as Json;
use sluice_reading::{Loaded, load};

use crate::check::check;
use crate::describe::describe;
use crate::read::Read;
use crate::warn::warnings;

/// Every table, and a plugin of every kind with its secrets.
pub(crate) const TOML: &str = concat!(
    include_str!("../../../sluice.example.toml"),
    r#"
[[accounts]]
name = "secretive"
provider = "test-secretive"
base_url = "https://u:p@host/path?key=p"
credential = { env = "NAME" }
nested = { region = "r", signer = { with = "p", id = "i" } }
several = ["p", { file = "/run/p" }]
by_name = { a = "p" }
tokens = 5

[limits.test-limiter]
webhook = "p"
depth = 3
"#
);

/// What is put into texts: what has a meaning in some format, and what has one here.
pub(crate) const WORDS: [&str; 40] = [
    "",
    "[",
    "]",
    "{",
    "}",
    "[[",
    "]]",
    "\"",
    "'",
    "\"\"\"",
    "=",
    " = ",
    ":",
    ": ",
    ",",
    "\n",
    "\r\n",
    "\n- ",
    "#",
    "&a",
    "*a",
    "<<: ",
    "!",
    "null",
    "~",
    "true",
    "-1",
    "0",
    "1e400",
    "18446744073709551616",
    "nan",
    "\\u0000",
    "\u{feff}",
    "://u:p@h?p",
    "2030-01-01",
    "name",
    "env",
    "keys",
    "accounts",
    "[[accounts]]\n",
];

/// A text is told of, and what is described of it reads back, in the format that its file's name ends in.
pub(crate) fn holds(end: &str, text: &str) {
    if let Some(loaded) = look(end, text) {
        reads_back(&loaded);
    }
}

/// The same of any bytes in a format that the first of them chooses: as they are, and as changes of an example.
pub fn configuration(bytes: &[u8]) {
    let (first, rest) = bytes.split_first().unwrap_or((&0, &[]));
    let (end, example) = match first % 3 {
        0 => ("toml", TOML.to_owned()),
        1 => ("yaml", json()),
        _ => ("json", json()),
    };
    holds(end, &String::from_utf8_lossy(rest));
    let mut letters: Vec<char> = example.chars().collect();
    for change in rest.chunks_exact(4).take(8) {
        let at = usize::from(u16::from_be_bytes([change[0], change[1]])) % (letters.len() + 1);
        let gone = usize::from(change[2] % 12).min(letters.len() - at);
        letters.splice(at..at + gone, WORDS[usize::from(change[3]) % WORDS.len()].chars());
    }
    holds(end, &letters.into_iter().collect::<String>());
}

/// Reads a text as whoever starts a gateway with it does, and looks at all that can be told of it.
pub(crate) fn look(end: &str, text: &str) -> Option<Loaded> {
    let file = File::new(end, text);
    let lines = text.lines().count() + 1;
    let told = |problems: &[sluice_api::settings::Problem]| {
        for problem in problems {
            assert!(problem.line.is_none_or(|line| (1..=lines).contains(&line)), "{problem}\n{text}");
            assert!(!problem.message.is_empty());
        }
    };
    let loaded = match load(std::slice::from_ref(&file.0)) {
        Ok(loaded) => loaded,
        Err(problems) => {
            assert!(!problems.is_empty(), "{text}");
            told(&problems);
            return None;
        }
    };
    let checked = check(&loaded);
    told(&warnings(&loaded, checked.as_ref().ok(), Timestamp::UNIX_EPOCH));
    if let Err(problems) = checked {
        assert!(!problems.is_empty(), "{text}");
        told(&problems);
    }
    assert!(!Read::of(&loaded).to_string().is_empty());
    Some(loaded)
}

/// What is described of a configuration says the same once more: nothing is lost, and no mask is masked in another way.
pub(crate) fn reads_back(loaded: &Loaded) {
    let first = said(&describe(loaded));
    let file = File::new("json", &first.to_string());
    let again = load(std::slice::from_ref(&file.0)).expect("what is described can be read");
    assert_eq!(said(&describe(&again)), first);
}

/// What is described, as a configuration would say it.
pub(crate) fn said(described: &Json) -> Json {
    match described {
        Json::Object(leaf) if leaf.len() == 2 && leaf.get("from").is_some_and(Json::is_string) => {
            match &leaf["value"] {
                // The last digits of a fraction are lost where JSON is read.
                Json::Number(number) if number.is_f64() => {
                    format!("{:.9e}", number.as_f64().unwrap_or_default()).into()
                }
                value => value.clone(),
            }
        }
        Json::Object(inner) => inner.iter().map(|(key, value)| (key.clone(), said(value))).collect(),
        Json::Array(list) => list.iter().map(said).collect(),
        other => panic!("a value without its place: {other}"),
    }
}

/// The example in JSON.
pub(crate) fn json() -> String {
    let example = File::new("toml", TOML);
    let loaded = load(std::slice::from_ref(&example.0)).expect("the example can be read");
    serde_json::to_string_pretty(loaded.values()).expect("values are JSON")
}

/// A file of some format, there for as long as it is looked at.
struct File(PathBuf);

impl File {
    fn new(end: &str, text: &str) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("sluice-properties-{}-{count}.{end}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, text).expect("the folder for what is passing can be written to");
        Self(path)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}
