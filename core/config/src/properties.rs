//! What holds for every text of a configuration, right or wrong, in every format.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::Value as Json;
use sluice_api::Timestamp;

use crate::{Loaded, Read, check, describe, load, warnings};

/// Every table, and a plugin of every kind with its secrets.
const TOML: &str = concat!(
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

const YAML: &str = "server: &at\n  listen: 127.0.0.1:0\n  hosts: [a, 'b']\nadmin: *at\nstore:\n  kind: test-store\n  url:\n  \
                    - redis://:p@h\naccounts:\n- name: a\n  provider: test-secretive\n  tokens: 0x5\n  model_map: {a: b}\n\
                    keys:\n- name: k\n  key: s\n  models: [claude-*, '!x']\n  expires: 2030-01-01T00:00:00Z\n  queue:\n    \
                    size: 1\n    wait: 1s\n";

/// What is put into texts: what has a meaning in some format, and what has one here.
const WORDS: [&str; 40] = [
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

/// A change of a text: where, how many letters are taken out, and what is put in their place.
type Change = (Index, usize, String);

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let word = prop_oneof![3 => select(&WORDS[..]).prop_map(str::to_owned), 1 => "\\PC{0,4}"];
    prop::collection::vec((any::<Index>(), 0usize..12, word), 0..6)
}

fn changed(text: &str, changes: Vec<Change>) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    for (at, gone, word) in changes {
        let at = at.index(letters.len() + 1);
        let end = letters.len().min(at + gone);
        letters.splice(at..end, word.chars());
    }
    letters.into_iter().collect()
}

/// A file of some format, there for as long as it is looked at.
struct File(PathBuf);

impl File {
    fn new(end: &str, text: &str) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("sluice-properties-{}-{count}.{end}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, text).unwrap();
        Self(path)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// What is described, as a configuration would say it.
fn said(described: &Json) -> Json {
    match described {
        Json::Object(leaf) if leaf.len() == 2 && leaf.get("from").is_some_and(Json::is_string) => {
            match &leaf["value"] {
                // The last digits of a fraction are lost where JSON is read.
                Json::Number(number) if number.is_f64() => format!("{:.9e}", number.as_f64().unwrap()).into(),
                value => value.clone(),
            }
        }
        Json::Object(inner) => inner.iter().map(|(key, value)| (key.clone(), said(value))).collect(),
        Json::Array(list) => list.iter().map(said).collect(),
        other => panic!("a value without its place: {other}"),
    }
}

/// Reads a text as whoever starts a gateway with it does, and looks at all that can be told of it.
fn look(end: &str, text: &str) -> Option<Loaded> {
    let file = File::new(end, text);
    let lines = text.lines().count() + 1;
    let told = |problems: &[sluice_api::Problem]| {
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
fn reads_back(loaded: &Loaded) {
    let first = said(&describe(loaded));
    let file = File::new("json", &first.to_string());
    let again = load(std::slice::from_ref(&file.0)).unwrap();
    assert_eq!(said(&describe(&again)), first);
}

fn holds(end: &str, text: &str) {
    if let Some(loaded) = look(end, text) {
        reads_back(&loaded);
    }
}

/// The example in JSON.
fn json() -> String {
    let example = File::new("toml", TOML);
    let loaded = load(std::slice::from_ref(&example.0)).unwrap();
    serde_json::to_string_pretty(loaded.values()).unwrap()
}

proptest! {
    #[test]
    fn an_example_with_mistakes_is_told_of_and_described(of in 0usize..3, changes in changes()) {
        let (end, text) = [("toml", TOML.to_owned()), ("yaml", YAML.to_owned()), ("json", json())][of].clone();
        holds(end, &changed(&text, changes));
    }

    #[test]
    fn any_text_is_told_of_and_described(end in select(&["toml", "yaml", "json"][..]), text in "(\\PC|\n|\t|\r){0,60}") {
        holds(end, &text);
    }

    #[test]
    fn text_of_signs_alone_is_told_of_and_described(
        end in select(&["toml", "yaml", "json"][..]),
        words in prop::collection::vec(select(&WORDS[..]), 0..30),
    ) {
        holds(end, &words.concat());
    }
}

#[test]
fn the_examples_are_read_and_said_again_whole() {
    for (end, text) in [("toml", TOML), ("yaml", YAML), ("json", &json())] {
        let loaded = look(end, text).unwrap();
        let said = said(&describe(&loaded));
        let account = said["accounts"].as_array().unwrap().last().unwrap();
        assert_eq!(
            (&account["provider"], &account["tokens"]),
            (&"test-secretive".into(), &5.into()),
            "{said:#}"
        );
        reads_back(&loaded);
    }
}

#[test]
fn however_deep_a_text_is_nested_it_is_told_of() {
    for (end, before, open, close) in [
        ("toml", "server.hosts = ", "[", "]"),
        ("toml", "server.x = ", "{a = ", "}"),
        ("yaml", "server: ", "[", "]"),
        ("yaml", "server: ", "{a: ", "}"),
        ("json", "{\"server\": ", "[", "]"),
        ("json", "", "{\"server\": ", "}"),
    ] {
        for depth in [1, 30, 100, 127, 128, 200, 5_000] {
            holds(end, &format!("{before}{}{}", open.repeat(depth), close.repeat(depth)));
            holds(end, &format!("{before}{}1{}", open.repeat(depth), close.repeat(depth)));
        }
    }
}
