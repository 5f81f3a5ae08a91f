//! TOML, with the text of its numbers.

use std::ops::Range;

use sluice_api::settings::Problem;
use toml_edit::{ImDocument, Item, TableLike};

use super::{File, Node, Value, line, starts};

/// Reads a text.
pub(super) fn read(file: File<'_>, text: &str) -> Result<Node, Problem> {
    let starts = starts(text);
    let document = ImDocument::parse(text).map_err(|error| {
        let at = error.span().map_or(1, |span| line(&starts, span.start));
        file.wrong(at, "", format!("this is no TOML: {}", error.message().trim()))
    })?;
    let reader = Reader { text, starts };
    Ok(Node { line: 1, value: reader.table(document.as_table(), 1) })
}

struct Reader<'a> {
    text: &'a str,
    starts: Vec<usize>,
}

impl Reader<'_> {
    /// A table; `around` is the line of what it stands in, which a table that is only implied has as its own.
    fn table(&self, table: &dyn TableLike, around: usize) -> Value {
        let members = table.iter().map(|(key, item)| {
            let line = self.line(item.span()).unwrap_or(around);
            (key.to_owned(), Node { line, value: self.item(item, line) })
        });
        Value::Table(members.collect())
    }

    fn item(&self, item: &Item, line: usize) -> Value {
        match item {
            Item::None => Value::Other("nothing"),
            Item::Table(table) => self.table(table, line),
            Item::ArrayOfTables(tables) => {
                let each = tables.iter().map(|table| {
                    let line = self.line(table.span()).unwrap_or(line);
                    Node { line, value: self.table(table, line) }
                });
                Value::List(each.collect())
            }
            Item::Value(value) => self.value(value, line),
        }
    }

    fn value(&self, value: &toml_edit::Value, line: usize) -> Value {
        match value {
            toml_edit::Value::String(text) => Value::Text(text.value().clone()),
            toml_edit::Value::Integer(_) | toml_edit::Value::Float(_) => Value::Number(
                value.span().and_then(|span| self.text.get(span)).unwrap_or_default().to_owned(),
            ),
            toml_edit::Value::Boolean(_) => Value::Other("true or false"),
            // A date without quotes.
            toml_edit::Value::Datetime(date) => Value::Text(date.value().to_string()),
            toml_edit::Value::Array(list) => {
                let each = list.iter().map(|value| {
                    let line = self.line(value.span()).unwrap_or(line);
                    Node { line, value: self.value(value, line) }
                });
                Value::List(each.collect())
            }
            toml_edit::Value::InlineTable(table) => self.table(table, line),
        }
    }

    fn line(&self, span: Option<Range<usize>>) -> Option<usize> {
        span.map(|span| line(&self.starts, span.start))
    }
}
