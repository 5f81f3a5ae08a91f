//! Lines of a TOML text.

use std::ops::Range;

use toml_edit::{ImDocument, Item, TableLike, Value};

use super::node::{DEPTH_MAX, Inner, Node, Table};

/// The lines of a text, or nothing where it is no TOML.
pub(super) fn read(text: &str) -> Option<Table> {
    let document = ImDocument::parse(text).ok()?;
    Some(Reader { text }.table(document.as_table(), DEPTH_MAX))
}

struct Reader<'a> {
    text: &'a str,
}

impl Reader<'_> {
    fn line(&self, span: Option<Range<usize>>) -> usize {
        let before = span.and_then(|span| self.text.get(..span.start)).unwrap_or_default();
        before.matches('\n').count() + 1
    }

    fn table(&self, table: &dyn TableLike, depth: usize) -> Table {
        let entries = table.iter().map(|(name, item)| {
            let key = table.get_key_value(name).and_then(|(key, _)| key.span());
            let line = self.line(key.or_else(|| item.span()));
            (name.to_owned(), Node { line, inner: self.item(item, depth.saturating_sub(1)) })
        });
        entries.collect()
    }

    fn item(&self, item: &Item, depth: usize) -> Inner {
        if depth == 0 {
            return Inner::Plain;
        }
        if let Some(table) = item.as_table_like() {
            return Inner::Table(self.table(table, depth));
        }
        match item {
            Item::ArrayOfTables(list) => Inner::List(
                list.iter().map(|table| self.element(table.span(), Some(table), None, depth)).collect(),
            ),
            Item::Value(value) => self.value(value, depth),
            _ => Inner::Plain,
        }
    }

    fn value(&self, value: &Value, depth: usize) -> Inner {
        match value {
            Value::Array(list) => Inner::List(
                list.iter()
                    .map(|element| {
                        let table = element.as_inline_table().map(|table| table as &dyn TableLike);
                        self.element(element.span(), table, Some(element), depth)
                    })
                    .collect(),
            ),
            _ => Inner::Plain,
        }
    }

    fn element(
        &self,
        span: Option<Range<usize>>,
        table: Option<&dyn TableLike>,
        value: Option<&Value>,
        depth: usize,
    ) -> (Option<String>, Node) {
        let depth = depth.saturating_sub(1);
        let name = table.and_then(|table| table.get("name")?.as_str().map(ToOwned::to_owned));
        let inner = match (table, value) {
            _ if depth == 0 => Inner::Plain,
            (Some(table), _) => Inner::Table(self.table(table, depth)),
            (None, Some(value)) => self.value(value, depth),
            (None, None) => Inner::Plain,
        };
        (name, Node { line: self.line(span), inner })
    }
}
