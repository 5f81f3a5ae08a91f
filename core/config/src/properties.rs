//! The laws of a configuration's text, held with texts at random.

use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::describe::describe;
use crate::laws::{TOML, WORDS, holds, json, look, reads_back, said};

const YAML: &str = "server: &at\n  listen: 127.0.0.1:0\n  hosts: [a, 'b']\nadmin: *at\nstore:\n  kind: test-store\n  url:\n  \
                    - redis://:p@h\naccounts:\n- name: a\n  provider: test-secretive\n  tokens: 0x5\n  model_map: {a: b}\n\
                    keys:\n- name: k\n  key: s\n  models: [claude-*, '!x']\n  expires: 2030-01-01T00:00:00Z\n  queue:\n    \
                    size: 1\n    wait: 1s\n";

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
