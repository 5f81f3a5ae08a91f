//! Tools that Anthropic has run in an earlier turn: each call and its result, flattened to one text; and the client's tools
//! that a program of Anthropic's has called, whose calls and results are flattened each where it stands.

use sluice_api::error::Error;
use sluice_neutral::json::{Raw, Tree};
use sluice_neutral::loss::Losses;
use sluice_neutral::request::{Call, Content, Input, Outcome, Part, Text};

use super::object::Object;

/// Calls that wait for their results.
#[derive(Default)]
pub(super) struct Served<'a> {
    waiting: Vec<(Text<'a>, Text<'a>, Raw<'a>)>,
    pub(super) programs: Programs<'a>,
}

/// Calls by programs: their ids, and the tools.
#[derive(Default)]
pub(super) struct Programs<'a>(Vec<(Text<'a>, Text<'a>)>);

impl<'a> Programs<'a> {
    /// A program calls a tool of the client's: in words.
    pub(super) fn called(&mut self, call: &Call<'a>) -> Text<'a> {
        self.0.push((call.id.clone(), call.name.clone()));
        let (Input::Json(input) | Input::Plain(input)) = &call.input;
        format!("{} {input}", call.name).into()
    }

    /// What a tool said to a program, in words, and what of it is no text; the outcome itself where the model has called.
    pub(super) fn said(&mut self, outcome: Outcome<'a>) -> Result<(Text<'a>, Vec<Part<'a>>), Outcome<'a>> {
        let Some(index) = self.0.iter().position(|(id, _)| *id == outcome.id) else { return Err(outcome) };
        let (_, name) = self.0.swap_remove(index);
        let mut text = format!("{name}{}:", if outcome.failed { " failed" } else { "" });
        let mut others = Vec::new();
        for part in outcome.parts {
            match part.content {
                Content::Text(told) => {
                    text.push('\n');
                    text.push_str(&told);
                }
                _ => others.push(part),
            }
        }
        Ok((text.into(), others))
    }
}

impl<'a> Served<'a> {
    /// A tool is called.
    pub(super) fn called(&mut self, block: &mut Object<'a>) -> Result<(), Error> {
        let id = block.needed("id")?;
        self.waiting.push((id, block.needed("name")?, block.must("input")?));
        Ok(())
    }

    /// A tool has said something: what it was asked, and what it said.
    pub(super) fn said(&mut self, block: &mut Object<'a>, losses: &mut Losses) -> Result<Text<'a>, Error> {
        let at = block.at();
        losses.name(at);
        let id = block.needed("tool_use_id")?;
        let mut said = Tree::of(block.must("content")?, at.then("content"))?;
        readable(&mut said);
        let called = self.waiting.iter().position(|(called, ..)| *called == id);
        let asked = called.map(|index| self.waiting.swap_remove(index));
        let asked = asked.map(|(_, name, input)| format!("{name} {}:\n", input.get()));
        Ok(format!("{}{said}", asked.unwrap_or_default()).into())
    }
}

/// Leaves out what only Anthropic can read.
fn readable(said: &mut Tree<'_>) {
    match said {
        Tree::List(items) => items.iter_mut().for_each(readable),
        Tree::Object(members) => {
            members.retain(|(name, _)| !name.starts_with("encrypted_"));
            members.iter_mut().for_each(|(_, value)| readable(value));
        }
        Tree::Plain(_) | Tree::Text(_) => {}
    }
}
