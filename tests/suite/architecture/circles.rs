//! No file takes names from one that takes names from it, by however many others.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use sluice_tests::gateway::Folder;

use super::source::{Arrows, Source};
use super::{crates, planted};

/// The shortest way from a file back to itself, as it is read.
fn circle(source: &Source, arrows: &Arrows) -> Option<String> {
    let mut takes: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (from, to) in arrows.keys() {
        takes.entry(*from).or_default().push(*to);
    }
    let ways = takes.keys().filter_map(|start| way_back(*start, &takes));
    let shortest = ways.min_by_key(Vec::len)?;
    let path = |file: usize| source.files[file].path.display();
    let mut text = path(*shortest.first()?).to_string();
    for step in shortest.windows(2) {
        text += &format!(" takes {} from {}", arrows[&(step[0], step[1])], path(step[1]));
        if Some(&step[1]) != shortest.first() {
            text += ", which";
        }
    }
    Some(text)
}

/// The files on the shortest way from one to itself, which is the first and the last of them.
fn way_back(start: usize, takes: &BTreeMap<usize, Vec<usize>>) -> Option<Vec<usize>> {
    let mut seen = BTreeSet::new();
    let mut ways = VecDeque::from([vec![start]]);
    while let Some(way) = ways.pop_front() {
        for to in takes.get(way.last()?).into_iter().flatten() {
            let way: Vec<usize> = way.iter().copied().chain([*to]).collect();
            if *to == start {
                return Some(way);
            }
            if seen.insert(*to) {
                ways.push_back(way);
            }
        }
    }
    None
}

#[test]
fn no_file_takes_names_from_one_that_takes_its_own() {
    for (name, folder) in crates() {
        let source = Source::read(&folder);
        if let Some(circle) = circle(&source, &source.arrows()) {
            panic!("{name} has a circle of files: {circle}; move what both need to where both can know it");
        }
    }
}

/// What is read of a crate of these files.
fn read(files: &[(&str, &str)]) -> (Source, Folder) {
    let folder = planted(files);
    (Source::read(&folder.0), folder)
}

#[test]
fn a_circle_that_is_planted_is_found() {
    let (source, _folder) = read(&[
        ("lib.rs", "mod first; mod second; mod third; pub use first::First;"),
        ("first.rs", "use crate::second::Second; pub struct First(Second);"),
        ("second.rs", "pub struct Second(super::third::Third);"),
        ("third.rs", "pub struct Third; impl Third { fn all() -> Vec<u8> { vec![crate::First::LENGTH] } }"),
    ]);
    assert_eq!(
        circle(&source, &source.arrows()).unwrap(),
        "first.rs takes Second from second.rs, which takes Third from third.rs, which takes LENGTH from first.rs"
    );
}

/// Arrows of a crate of these files, as `from to`.
fn arrows(files: &[(&str, &str)]) -> BTreeSet<String> {
    let (source, _folder) = read(files);
    let path = |file: usize| source.files[file].path.display().to_string();
    source.arrows().keys().map(|(from, to)| format!("{} {}", path(*from), path(*to))).collect()
}

#[test]
fn names_are_taken_from_the_file_that_defines_them() {
    let defined = [
        ("parts/mod.rs", "mod inner; pub use inner::{Deep, deep};"),
        ("parts/inner.rs", "pub struct Deep; pub fn deep() {}"),
    ];
    let into = |root: &'static str, user: &'static str| {
        arrows(&[&[("lib.rs", root), ("user.rs", user)], defined.as_slice()].concat())
    };
    const ROOT: &str = "mod parts; mod user; pub use parts::Deep; pub use std::sync::Arc;";
    for user in [
        "use crate::parts::Deep;",
        "use crate::Deep;",
        "use super::{Deep as Other};",
        "use crate::parts; fn one() { parts::deep() }",
        "use crate::parts::{self as those}; fn one() { those::deep() }",
        "fn one(_: &[Option<super::Deep>]) {}",
        "fn one() { println!(\"{}\", crate::parts::deep()) }",
        "fn one() { one!(part: crate::parts::deep(), [1]) }",
        "#[cfg(any(test, unix))] use crate::Deep;",
        "#[cfg(not(test))] use crate::Deep;",
        "#[serde(with = \"crate::parts::deep\")] struct One;",
        "#[derive(Debug)] #[schema(value_type = crate::Deep)] struct One;",
        "impl<T: Into<crate::Deep>> From<T> for u8 {}",
        "mod within { use super::super::Deep; }",
        "fn one() { use crate::Deep; }",
    ] {
        assert_eq!(into(ROOT, user), BTreeSet::from(["user.rs parts/inner.rs".to_owned()]), "{user}");
    }
    for user in [
        "",
        "pub use crate::parts::Deep;",
        "pub(crate) use crate::Deep as Handed;",
        "use crate::parts;",
        "use crate::Arc;",
        "pub(in crate::user) struct One;",
        "/// [`crate::Deep`]\nstruct One;",
        "#[cfg(test)] mod tests { use crate::Deep; }",
        "#[cfg(test)] mod tests;",
        "#[cfg(any(test, fuzzing))] mod laws;",
        "#[cfg(all(test, unix))] mod laws;",
        "#[cfg(test)] use crate::Deep;\nimpl One {\n#[cfg(test)] fn one(_: crate::Deep) {}\n}",
        "fn one() { one!(::parts::deep(), part: ::parts::deep()) }",
        "use ::parts::Deep; use elsewhere::{Deep as Other}; fn one() { parts::deep() }",
    ] {
        assert_eq!(into(ROOT, user), BTreeSet::new(), "{user}");
    }
    assert_eq!(
        into(ROOT, "use crate::parts::*;"),
        BTreeSet::from(["user.rs parts/mod.rs".to_owned()]),
        "all of a module"
    );
    assert_eq!(
        into("mod parts; mod user; pub use parts::Deep; struct Whole(Deep);", ""),
        BTreeSet::from(["lib.rs parts/inner.rs".to_owned()]),
        "what is handed on and taken too"
    );
}
