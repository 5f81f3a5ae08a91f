//! Lines of a YAML or JSON text.

use saphyr_parser::{Event, Parser, StrInput};

use super::node::{DEPTH_MAX, Inner, Node, Table};

/// What stands at a place: a line, the text of a scalar, what is in it.
struct Value {
    text: Option<String>,
    node: Node,
}

/// The lines of a text, or nothing where it can't be read or is no table.
pub(super) fn read(text: &str) -> Option<Table> {
    let mut events = Events(Parser::new_from_str(text));
    loop {
        match events.next()? {
            (Event::StreamStart | Event::DocumentStart(_), _) => {}
            (event, line) => {
                let Inner::Table(table) = events.value(event, line, DEPTH_MAX)?.node.inner else {
                    return None;
                };
                return Some(table);
            }
        }
    }
}

struct Events<'a>(Parser<'a, StrInput<'a>>);

impl<'a> Events<'a> {
    fn next(&mut self) -> Option<(Event<'a>, usize)> {
        let (event, span) = self.0.next()?.ok()?;
        Some((event, span.start.line()))
    }

    /// What begins with an event. Nothing where the text breaks off or is nested too deep.
    fn value(&mut self, event: Event<'a>, line: usize, depth: usize) -> Option<Value> {
        let depth = depth.checked_sub(1)?;
        let (text, inner) = match event {
            Event::Scalar(text, ..) => (Some(text.into_owned()), Inner::Plain),
            Event::SequenceStart(..) => (None, Inner::List(self.list(depth)?)),
            Event::MappingStart(..) => (None, Inner::Table(self.table(depth)?)),
            _ => (None, Inner::Plain),
        };
        Some(Value { text, node: Node { line, inner } })
    }

    fn list(&mut self, depth: usize) -> Option<Vec<(Option<String>, Node)>> {
        let mut list = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Some(list),
                (Event::MappingStart(..), line) => {
                    let (table, name) = self.named_table(depth.checked_sub(1)?)?;
                    list.push((name, Node { line, inner: Inner::Table(table) }));
                }
                (event, line) => list.push((None, self.value(event, line, depth)?.node)),
            }
        }
    }

    fn table(&mut self, depth: usize) -> Option<Table> {
        Some(self.named_table(depth)?.0)
    }

    /// The keys of a table, each at its own line, and the text of the one that is called `name`.
    fn named_table(&mut self, depth: usize) -> Option<(Table, Option<String>)> {
        let mut table = Table::new();
        let mut name = None;
        loop {
            let (event, line) = self.next()?;
            if matches!(event, Event::MappingEnd) {
                return Some((table, name));
            }
            let key = self.value(event, line, depth)?.text;
            let (event, at) = self.next()?;
            let value = self.value(event, at, depth)?;
            let Some(key) = key else { continue };
            if key == "name" {
                name = value.text;
            }
            table.insert(key, Node { line, ..value.node });
        }
    }
}
