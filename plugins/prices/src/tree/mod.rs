//! A price file as tables, lists and the texts of its numbers, each with its line.

mod json;
mod toml;

use sluice_api::settings::Problem;

/// A value, and the line that it begins on, from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) line: usize,
    pub(crate) value: Value,
}

/// What a value is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    /// Keys with values, in the file's order; no key twice.
    Table(Vec<(String, Node)>),
    List(Vec<Node>),
    Text(String),
    /// A number, as its text.
    Number(String),
    /// Anything else, by its name.
    Other(&'static str),
}

impl Value {
    /// What it is, for sentences; texts and numbers as they are written.
    pub(crate) fn told(&self) -> String {
        match self {
            Self::Table(_) => "a table".to_owned(),
            Self::List(_) => "a list".to_owned(),
            Self::Text(text) => format!("{text:?}"),
            Self::Number(text) => text.clone(),
            Self::Other(name) => (*name).to_owned(),
        }
    }
}

/// A file, by its name for sentences.
#[derive(Clone, Copy, Debug)]
pub(crate) struct File<'a>(pub(crate) &'a str);

impl File<'_> {
    /// Reads a text: JSON where it begins like an object or a list of them, else TOML, whose tables begin with a bracket and
    /// a name.
    pub(crate) fn tree(self, text: &str) -> Result<Node, Problem> {
        let start = text.trim_start_matches('\u{feff}').trim_start();
        let list = start.strip_prefix('[').is_some_and(|rest| rest.trim_start().starts_with(['{', ']']));
        if list || start.starts_with('{') { json::read(self, text) } else { toml::read(self, text) }
    }

    /// A problem at a line of it.
    pub(crate) fn wrong(self, line: usize, path: &str, message: impl Into<String>) -> Problem {
        let mut problem = Problem::at(self.0, path, message);
        problem.line = Some(line);
        problem
    }

    /// A problem with a value that should be something else.
    pub(crate) fn other(self, node: &Node, path: &str, wanted: &str) -> Problem {
        self.wrong(node.line, path, format!("this must be {wanted}")).found(node.value.told())
    }
}

/// The line of an offset, from 1, where each of `starts` is where a line begins.
fn line(starts: &[usize], offset: usize) -> usize {
    starts.partition_point(|start| *start <= offset).max(1)
}

fn starts(text: &str) -> Vec<usize> {
    std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect()
}

#[cfg(test)]
mod tests {
    use super::{File, Node, Value};

    fn read(text: &str) -> Result<Node, (usize, String)> {
        File("f").tree(text).map_err(|problem| (problem.line.unwrap_or_default(), problem.message))
    }

    fn member<'a>(node: &'a Node, key: &str) -> &'a Node {
        let Value::Table(members) = &node.value else { panic!("{node:?}") };
        &members.iter().find(|(name, _)| name == key).unwrap().1
    }

    #[test]
    fn numbers_keep_their_text_and_values_their_line() {
        for text in [
            "\n[a]\nb = 1.60000000000000010e-06\nc = [1, \"x\", true]\n",
            "{\n\"a\":{\n\"b\": 1.60000000000000010e-06,\n\"c\": [1, \"\\u0078\", true]}}",
        ] {
            let tree = read(text).unwrap();
            let table = member(&tree, "a");
            assert_eq!(member(table, "b").value, Value::Number("1.60000000000000010e-06".to_owned()));
            assert_eq!((member(table, "b").line, member(table, "c").line), (3, 4), "{text}");
            let Value::List(list) = &member(table, "c").value else { panic!("{table:?}") };
            let told: Vec<String> = list.iter().map(|node| node.value.told()).collect();
            assert_eq!(told, ["1", "\"x\"", "true or false"]);
        }
    }

    #[test]
    fn a_key_twice_is_refused_where_the_second_stands() {
        let (line, message) = read("{\"m\": 1,\n\"n\": 1,\n\"m\": 2}").unwrap_err();
        assert_eq!((line, message.as_str()), (3, "`m` stands here twice: keep one of them"));
        let (line, message) = read("[models.m]\n[models.m]\n").unwrap_err();
        assert_eq!(line, 2);
        assert!(message.contains("uplicate"), "{message}");
    }

    #[test]
    fn what_is_neither_json_nor_toml_is_refused_with_its_line() {
        assert_eq!(read("{\"m\": 1,\n\"n\": }").unwrap_err().0, 2);
        assert_eq!(read("a = 1\nb = \n").unwrap_err().0, 2);
    }
}
