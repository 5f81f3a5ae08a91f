//! What a configuration has and what it should have, in plain words.

use figment::error::Actual;

use crate::settings::may_be_secret;

/// Longest text that is repeated where another type was wanted: a setting's value is short, and a paste is not.
const SHOWN_MAX: usize = 40;

/// What serde calls the things that settings are made of, and what people call them.
const WORDS: [(&str, &str); 21] = [
    ("u8", "a whole number from 0 to 255"),
    ("u16", "a whole number from 0 to 65535"),
    ("u32", "a whole number from 0 to 4294967295"),
    ("u64", "a whole number, 0 or more"),
    ("usize", "a whole number, 0 or more"),
    ("i8", WHOLE),
    ("i16", WHOLE),
    ("i32", WHOLE),
    ("i64", WHOLE),
    ("isize", WHOLE),
    ("f32", "a number"),
    ("f64", "a number"),
    ("bool", TRUTH),
    ("a boolean", TRUTH),
    ("str", TEXT),
    ("string", TEXT),
    ("a borrowed string", TEXT),
    ("a sequence", LIST),
    ("a map", TABLE),
    ("string or map", ONE_OF),
    ("variant identifier", ONE_OF),
];

const WHOLE: &str = "a whole number";
const TRUTH: &str = "true or false";
const TEXT: &str = "a string";
const LIST: &str = "a list";
const TABLE: &str = "a table";
/// What is said of a value that must be one of some names, where these are not known.
pub(crate) const ONE_OF: &str = "the name of one of its kinds";

/// The same for words that are followed by a type's name.
const BEGINNINGS: [(&str, &str); 4] =
    [("struct ", TABLE), ("enum ", ONE_OF), ("tuple ", LIST), ("an array of length ", LIST)];

/// What was expected, as people call it.
pub(crate) fn wanted(expected: &str) -> String {
    let beginning = || BEGINNINGS.iter().find(|(word, _)| expected.starts_with(word));
    let known = WORDS.iter().find(|(word, _)| *word == expected).or_else(beginning);
    known.map_or(expected, |(_, people)| people).to_owned()
}

/// What was found where another type was wanted: its value too, unless it may be a secret in the wrong place.
pub(crate) fn told(found: &Actual, expected: &str, path: &str) -> String {
    let kind = type_of(found);
    // Text may be one of several secrets, or one of a table; `tokens` may be a number of them or a list of secrets.
    let several = matches!(wanted(expected).as_str(), LIST | TABLE);
    let plural = path.trim_end_matches('s');
    let shown = match found {
        Actual::Str(text) => !several && text.chars().count() <= SHOWN_MAX,
        Actual::Bool(_) | Actual::Unsigned(_) | Actual::Signed(_) | Actual::Float(_) => true,
        _ => false,
    };
    if !shown || may_be_secret(path) || may_be_secret(plural) {
        return kind.to_owned();
    }
    format!("{}, {kind}", value_of(found))
}

/// What a value is, without the value.
#[must_use]
pub fn type_of(found: &Actual) -> &'static str {
    match found {
        Actual::Bool(_) => "a boolean",
        Actual::Unsigned(_) | Actual::Signed(_) => WHOLE,
        Actual::Float(_) => "a number with a fraction",
        Actual::Char(_) | Actual::Str(_) => TEXT,
        Actual::Unit | Actual::Option => "nothing",
        Actual::Seq => LIST,
        Actual::Map => TABLE,
        _ => "something else",
    }
}

/// A value as it may stand in a file.
pub(crate) fn value_of(found: &Actual) -> String {
    match found {
        Actual::Bool(truth) => truth.to_string(),
        Actual::Unsigned(number) => number.to_string(),
        Actual::Signed(number) => number.to_string(),
        Actual::Float(number) => number.to_string(),
        Actual::Str(text) => format!("{text:?}"),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::{told, wanted};
    use figment::error::Actual;

    #[test]
    fn no_type_of_a_programming_language_is_named() {
        for (expected, people) in [
            ("u32", "a whole number from 0 to 4294967295"),
            ("a sequence", "a list"),
            ("struct Tls", "a table"),
            ("enum Mode", "the name of one of its kinds"),
            ("a duration with its unit", "a duration with its unit"),
        ] {
            assert_eq!(wanted(expected), people);
        }
    }

    #[test]
    fn text_is_repeated_only_where_it_can_be_no_secret() {
        let long = "x".repeat(41);
        for (text, expected, path, says) in [
            ("many", "u32", "accounts.a.concurrency", "\"many\", a string"),
            ("planted", "u64", "accounts.a.tokens", "a string"),
            ("planted", "u32", "accounts.a.api_key", "a string"),
            ("planted", "a sequence", "accounts.a.several", "a string"),
            ("planted", "struct Signer", "accounts.a.signer", "a string"),
            (&long, "u32", "accounts.a.weight", "a string"),
        ] {
            assert_eq!(told(&Actual::Str(text.to_owned()), expected, path), says, "{path}");
        }
    }
}
