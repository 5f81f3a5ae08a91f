//! How large a crate, a file and a list of parameters may grow, so that each is still one thing.

use std::collections::BTreeSet;
use std::process::Command;

use sluice_tests::gateway::workspace;

use super::source::Source;
use super::{crates, planted};

/// Lines of a crate, without tests.
const CRATE_MAX: usize = 4_500;

/// Lines of a file, tests or not.
const FILE_MAX: usize = 465;

/// Parameters of a function, beside `self`: where it needs more, they are a struct.
const PARAMETERS_MAX: usize = 4;

/// Names at the root of a crate: below a dozen, its list of modules says what it is.
const FACE_MAX: usize = 11;

#[test]
fn every_crate_shows_few_names() {
    for (name, folder) in crates() {
        let source = Source::read(&folder);
        let face = source.face();
        assert!(
            face.len() <= FACE_MAX,
            "{name} shows {} names at its root: which of them belong together in a module? {face:?}",
            face.len()
        );
    }
}

#[test]
fn a_name_that_is_planted_at_the_root_is_counted() {
    const ROOT: &str = "
        mod inner;
        pub(crate) mod within;
        pub mod outer;
        #[cfg(test)] pub mod tests;
        #[cfg(any(test, fuzzing))] pub mod laws;
        use std::sync::Arc;
        pub(crate) use inner::Third;
        pub use inner::{self, First, Second as Other};
        pub use outer::Handed;
        struct Own;
        pub struct Shown;
        pub fn serve() {}
        macro_rules! own { () => {} }
        #[macro_export] macro_rules! register { () => {} }";
    let folder = planted(&[
        ("lib.rs", ROOT),
        ("inner.rs", "pub struct First; pub struct Second; pub(crate) struct Third;"),
        ("within.rs", "#[macro_export] macro_rules! told { () => {} }"),
        ("outer.rs", "pub struct Handed; pub struct Stays;"),
    ]);
    let source = Source::read(&folder.0);
    let shown = ["First", "Handed", "Other", "Shown", "inner", "outer", "register", "serve", "told"];
    assert_eq!(source.face(), BTreeSet::from(shown));
}

#[test]
fn every_crate_can_be_kept_in_mind() {
    for (name, folder) in crates() {
        let lines: usize = Source::read(&folder).files.iter().map(|file| file.lines).sum();
        assert!(
            lines <= CRATE_MAX,
            "{name} has {lines} lines without tests: which part of it is a room of its own?"
        );
    }
}

#[test]
fn every_file_is_one_thing() {
    let output = Command::new("git").args(["ls-files", "*.rs"]).current_dir(workspace()).output().unwrap();
    for file in String::from_utf8_lossy(&output.stdout).lines() {
        let lines = std::fs::read_to_string(workspace().join(file)).unwrap().lines().count();
        assert!(lines <= FILE_MAX, "{file} has {lines} lines: which part of it is a file of its own?");
    }
}

#[test]
fn every_function_has_few_parameters() {
    for (name, folder) in crates() {
        for (file, function) in Source::read(&folder).functions() {
            assert!(
                function.parameters <= PARAMETERS_MAX,
                "fn {} of {name}/src/{} has {} parameters: make them a struct",
                function.name,
                file.display(),
                function.parameters
            );
        }
    }
}
