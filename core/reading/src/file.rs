//! A file in its format. What is wrong with it is told by line and column, never by its text, which may be a secret.

use std::path::Path;

use figment::providers::{Format, Json, Toml};
use figment::value::{Dict, Map, Value};
use figment::{Metadata, Profile, Provider};
use sluice_api::settings::Problem;

use crate::lines::Lines;
use crate::yaml::Yaml;

/// What figment's TOML makes of a date or time: a table with this one key.
const DATETIME: &str = "$__toml_private_datetime";

/// What was read from one place.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    metadata: Metadata,
    values: Dict,
    lines: Lines,
}

/// What is wrong with a file of a configuration's form as a file, whatever it is about.
#[must_use]
pub fn faults(path: &Path) -> Vec<Problem> {
    Part::file(path).err().unwrap_or_default()
}

/// Where and how a text breaks its format's rules.
struct Fault {
    at: Option<(usize, usize)>,
    message: String,
}

impl Part {
    /// Reads a file; its name's end tells its format.
    pub(crate) fn file(path: &Path) -> Result<Self, Vec<Problem>> {
        let name = path.display().to_string();
        let wrong = |message: String| vec![Problem::at(name.clone(), "", message)];
        let (parse, lines): (Parse, fn(&str) -> Lines) = match path.extension().and_then(|end| end.to_str()) {
            Some("toml") => (toml, Lines::of_toml),
            Some("json") => (json, Lines::of_yaml),
            Some("yaml" | "yml") => (yaml, Lines::of_yaml),
            _ => return Err(wrong("a configuration file ends in .toml, .yaml, .yml or .json".to_owned())),
        };
        let text = std::fs::read_to_string(path)
            .map_err(|error| wrong(format!("the file can't be read: {error}")))?;
        let values = values(&text, parse).map_err(wrong)?;
        Ok(Self { metadata: Metadata::from("file", path), values, lines: lines(&text) })
    }

    /// Reads TOML text; `name` says where it comes from.
    pub(crate) fn text(text: &str, name: &'static str) -> Result<Self, Vec<Problem>> {
        let values = values(text, toml).map_err(|message| vec![Problem::at(name, "", message)])?;
        Ok(Self { metadata: Metadata::named(name), values, lines: Lines::of_toml(text) })
    }

    /// Whether it says nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Where its values stand.
    pub(crate) const fn lines(&self) -> &Lines {
        &self.lines
    }
}

impl Provider for Part {
    fn metadata(&self) -> Metadata {
        self.metadata.clone()
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Ok(Profile::Default.collect(self.values.clone()))
    }
}

/// Reads a text in its format.
type Parse = fn(&str) -> Result<Value, Fault>;

fn values(text: &str, parse: Parse) -> Result<Dict, String> {
    let value = parse(text).map_err(|fault| match fault.at {
        Some((line, column)) => format!("line {line}, column {column}: {}", fault.message),
        None => fault.message,
    })?;
    match dated(value) {
        Value::Dict(_, values) => Ok(values),
        Value::Empty(..) => Ok(Dict::new()),
        _ => Err("a configuration is a table at its top, with keys like `server` and `accounts`".to_owned()),
    }
}

fn toml(text: &str) -> Result<Value, Fault> {
    Toml::from_str(text).map_err(|error| Fault {
        at: error.span().map(|span| place(text, span.start)),
        // Its message alone: the error as a whole shows the line.
        message: error.message().trim().replace('\n', "; "),
    })
}

fn json(text: &str) -> Result<Value, Fault> {
    Json::from_str(text).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        let end = format!(" at line {line} column {column}");
        Fault { at: Some((line, column)), message: error.to_string().replace(&end, "") }
    })
}

fn yaml(text: &str) -> Result<Value, Fault> {
    Yaml::from_str(text).map_err(|error| {
        let whole = error.to_string();
        // The parser tells what it met, which is content, only where it met another type than a key's.
        let message = if whole.contains("invalid type") { "a key must be text".to_owned() } else { whole };
        Fault { at: error.location().map(|location| (location.line(), location.column())), message }
    })
}

/// The line and column of a byte, both from 1.
fn place(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line = before.rsplit('\n').next().unwrap_or_default();
    (before.matches('\n').count() + 1, line.chars().count() + 1)
}

/// Values with TOML's dates and times as text, as other formats write them.
fn dated(value: Value) -> Value {
    match value {
        Value::Dict(tag, mut values) => match values.remove(DATETIME) {
            Some(text) => text,
            None => Value::Dict(tag, values.into_iter().map(|(key, value)| (key, dated(value))).collect()),
        },
        Value::Array(tag, list) => Value::Array(tag, list.into_iter().map(dated).collect()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::{json, toml, values, yaml};

    /// Texts that are wrong in many ways, each with a secret in it, and what is said of them.
    #[test]
    fn a_text_that_is_wrong_is_never_shown() {
        for (text, parse, says) in [
            ("a = 1\nkey = \"planted", toml as fn(&str) -> _, "line 2, column 15: invalid basic string"),
            ("key = planted", toml, "line 1, column 7"),
            ("key = \"x\" planted", toml, "line 1, column 11"),
            ("\n  planted planted", toml, "line 2, column 11"),
            ("key = \"\\planted\"", toml, "line 1"),
            ("a = 1\nb = \"planted\"\na = \"planted\"", toml, "line 3, column 1: duplicate key `a`"),
            ("{\"key\": planted}", json, "line 1, column 9: expected value"),
            ("{\"key\": \"planted}", json, "line 1"),
            ("[\"planted\"]", json, "a configuration is a table"),
            ("\"planted\"", json, "a configuration is a table"),
            ("planted", yaml, "a configuration is a table"),
            ("key: [planted", yaml, "line 2, column 1"),
            ("key: planted: planted", yaml, "line 1, column 13: mapping values are not allowed"),
            ("key: *planted", yaml, "line 1, column 6: unknown anchor"),
            ("[planted, planted]: 1", yaml, "line 1, column 1: a key must be text"),
        ] {
            let message = values(text, parse).unwrap_err();
            assert!(message.starts_with(says) && !message.contains("planted"), "{text}: {message}");
        }
    }

    #[test]
    fn dates_are_text_in_every_format_and_an_empty_file_says_nothing() {
        for (text, parse) in [
            ("e = 2027-01-01T00:00:00Z", toml as fn(&str) -> _),
            ("{\"e\":\"2027-01-01T00:00:00Z\"}", json),
            ("e: 2027-01-01T00:00:00Z", yaml),
        ] {
            assert_eq!(values(text, parse).unwrap()["e"].as_str(), Some("2027-01-01T00:00:00Z"));
        }
        assert!(values("", toml).unwrap().is_empty() && values("", yaml).unwrap().is_empty());
    }
}
