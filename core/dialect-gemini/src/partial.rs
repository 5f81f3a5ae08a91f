//! Arguments that come piece by piece: each says where in them it belongs.

use sluice_neutral::at::At;
use sluice_neutral::json::{Raw, quoted};

use crate::casing;

/// The deepest place, and the most elements of a list: far above what a tool takes.
const DEEPEST: usize = 64;
const LONGEST: usize = 4_096;
/// Most places in all, so that a few bytes don't take much memory.
const PLACES_MAX: usize = 65_536;

/// Arguments put together from pieces.
#[derive(Debug, Default)]
pub(crate) struct Partial {
    all: Node,
    places: usize,
}

#[derive(Debug, Default)]
enum Node {
    #[default]
    Nothing,
    Plain(String),
    Text(String),
    Object(Vec<(String, Node)>),
    List(Vec<Node>),
}

enum Step<'a> {
    Name(&'a str),
    Index(usize),
}

impl Step<'_> {
    /// How many places it may make.
    const fn places(&self) -> usize {
        match self {
            Self::Name(_) => 1,
            Self::Index(index) => *index + 1,
        }
    }
}

impl Partial {
    /// Takes a list of pieces; one that can't be read is nothing.
    pub(crate) fn add(&mut self, pieces: Raw<'_>) -> Option<()> {
        for piece in casing::list(pieces, At::ROOT).ok()? {
            let piece = casing::fields(piece, At::ROOT).ok()?;
            let path = piece.text("jsonPath", At::ROOT).ok()??;
            let steps = steps(&path)?;
            self.places += steps.iter().map(Step::places).sum::<usize>();
            if self.places > PLACES_MAX {
                return None;
            }
            let node = self.all.at(&steps)?;
            if let Ok(Some(text)) = piece.text("stringValue", At::ROOT) {
                match node {
                    Node::Text(told) => told.push_str(&text),
                    other => *other = Node::Text(text.into_owned()),
                }
            } else if let Some(value) = piece.get("numberValue").or_else(|| piece.get("boolValue")) {
                *node = Node::Plain(value.get().to_owned());
            } else {
                *node = Node::Plain("null".to_owned());
            }
        }
        Some(())
    }

    /// The arguments, as JSON.
    pub(crate) fn written(&self) -> String {
        let mut out = String::new();
        self.all.write(&mut out);
        if matches!(self.all, Node::Nothing) { "{}".to_owned() } else { out }
    }
}

impl Node {
    fn at(&mut self, steps: &[Step<'_>]) -> Option<&mut Self> {
        let mut node = self;
        for step in steps {
            node = match step {
                Step::Name(name) => node.named(name)?,
                Step::Index(index) => node.indexed(*index)?,
            };
        }
        Some(node)
    }

    fn named(&mut self, name: &str) -> Option<&mut Self> {
        if !matches!(self, Self::Object(_)) {
            *self = Self::Object(Vec::new());
        }
        let Self::Object(members) = self else { return None };
        let index = members.iter().position(|(known, _)| known == name).unwrap_or_else(|| {
            members.push((name.to_owned(), Self::Nothing));
            members.len() - 1
        });
        members.get_mut(index).map(|(_, node)| node)
    }

    fn indexed(&mut self, index: usize) -> Option<&mut Self> {
        if !matches!(self, Self::List(_)) {
            *self = Self::List(Vec::new());
        }
        let Self::List(items) = self else { return None };
        while items.len() <= index {
            items.push(Self::Nothing);
        }
        items.get_mut(index)
    }

    fn write(&self, out: &mut String) {
        match self {
            Self::Nothing => out.push_str("null"),
            Self::Plain(json) => out.push_str(json),
            Self::Text(text) => out.push_str(&quoted(text)),
            Self::Object(members) => {
                out.push('{');
                for (index, (name, node)) in members.iter().enumerate() {
                    out.push_str(if index == 0 { "" } else { "," });
                    out.push_str(&quoted(name));
                    out.push(':');
                    node.write(out);
                }
                out.push('}');
            }
            Self::List(items) => {
                out.push('[');
                for (index, node) in items.iter().enumerate() {
                    out.push_str(if index == 0 { "" } else { "," });
                    node.write(out);
                }
                out.push(']');
            }
        }
    }
}

/// The steps of a path as `$.city.names[0]['in it']`.
fn steps(path: &str) -> Option<Vec<Step<'_>>> {
    let mut rest = path.strip_prefix('$').unwrap_or(path);
    let mut steps = Vec::new();
    while !rest.is_empty() && steps.len() < DEEPEST {
        if let Some(bracket) = rest.strip_prefix('[') {
            let (step, after) = bracket.split_once(']')?;
            let name = step.trim_matches(['\'', '"']);
            steps.push(match step.parse() {
                Ok(index) if index < LONGEST => Step::Index(index),
                Ok(_) => return None,
                Err(_) => Step::Name(name),
            });
            rest = after;
            continue;
        }
        let name = rest.strip_prefix('.').unwrap_or(rest);
        let end = name.find(['.', '[']).unwrap_or(name.len());
        let (step, after) = name.split_at_checked(end)?;
        if !step.is_empty() {
            steps.push(Step::Name(step));
        }
        rest = after;
    }
    rest.is_empty().then_some(steps)
}

#[cfg(test)]
mod tests {
    use super::Partial;

    #[test]
    fn pieces_are_put_where_they_belong() {
        let mut partial = Partial::default();
        assert_eq!(partial.written(), "{}");
        for pieces in [
            r#"[{"jsonPath":"$.city","stringValue":"Ber","willContinue":true}]"#,
            r#"[{"jsonPath":"$.city","stringValue":"lin \"x\""},{"json_path":"$.days","number_value":3.50}]"#,
            r#"[{"jsonPath":"$.at[1].on","boolValue":true},{"jsonPath":"$['a b']","nullValue":"NULL_VALUE"}]"#,
        ] {
            partial.add(serde_json::from_str(pieces).unwrap()).unwrap();
        }
        assert_eq!(
            partial.written(),
            r#"{"city":"Berlin \"x\"","days":3.50,"at":[null,{"on":true}],"a b":null}"#
        );
        for odd in [
            "[1]",
            r#"[{"jsonPath":"$.a[99999999]","numberValue":1}]"#,
            r#"[{"jsonPath":"$[","boolValue":true}]"#,
        ] {
            assert!(partial.add(serde_json::from_str(odd).unwrap()).is_none(), "{odd}");
        }
    }
}
