//! JSON, with the text of its numbers and every key that it has.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use sluice_api::settings::Problem;

use super::{File, Node, Value, line, starts};

/// Reads a text.
pub(super) fn read(file: File<'_>, text: &str) -> Result<Node, Problem> {
    let text = text.trim_start_matches('\u{feff}');
    let raw: &RawValue = serde_json::from_str(text)
        .map_err(|error| file.wrong(error.line(), "", format!("this is no JSON: {error}")))?;
    let reader = Reader { file, start: text.as_ptr() as usize, starts: starts(text) };
    reader.node(raw, "")
}

struct Reader<'a> {
    file: File<'a>,
    /// Where the text begins: raw values are parts of it.
    start: usize,
    starts: Vec<usize>,
}

impl Reader<'_> {
    fn node(&self, raw: &RawValue, path: &str) -> Result<Node, Problem> {
        let text = raw.get();
        let line = line(&self.starts, text.as_ptr() as usize - self.start);
        let broken =
            |error: serde_json::Error| self.file.wrong(line, path, format!("this is no JSON: {error}"));
        let value = match text.bytes().next() {
            Some(b'{') => {
                let Members(members) = serde_json::from_str(text).map_err(broken)?;
                self.table(members, path)?
            }
            Some(b'[') => {
                let list: Vec<&RawValue> = serde_json::from_str(text).map_err(broken)?;
                Value::List(list.into_iter().map(|raw| self.node(raw, path)).collect::<Result<_, _>>()?)
            }
            Some(b'"') => Value::Text(serde_json::from_str(text).map_err(broken)?),
            Some(b't' | b'f') => Value::Other("true or false"),
            Some(b'n') => Value::Other("null"),
            _ => Value::Number(text.to_owned()),
        };
        Ok(Node { line, value })
    }

    fn table(&self, members: Vec<(String, &RawValue)>, path: &str) -> Result<Value, Problem> {
        let mut seen = std::collections::HashSet::with_capacity(members.len());
        let mut table = Vec::with_capacity(members.len());
        for (key, raw) in members {
            let within = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            let node = self.node(raw, &within)?;
            if !seen.insert(key.clone()) {
                let message = format!("`{key}` stands here twice: keep one of them");
                return Err(self.file.wrong(node.line, &within, message));
            }
            table.push((key, node));
        }
        Ok(Value::Table(table))
    }
}

/// All members of an object; a map would keep the last of those with the same key.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(Every)
    }
}

struct Every;

impl<'de> Visitor<'de> for Every {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Members(members))
    }
}
