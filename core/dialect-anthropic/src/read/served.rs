//! Tools that Anthropic has run in an earlier turn: each call and its result, flattened to one text.

use sluice_api::error::Error;
use sluice_neutral::json::{Raw, Tree};
use sluice_neutral::loss::Losses;
use sluice_neutral::request::Text;

use super::object::Object;

/// Calls that wait for their results.
#[derive(Default)]
pub(super) struct Served<'a>(Vec<(Text<'a>, Text<'a>, Raw<'a>)>);

impl<'a> Served<'a> {
    /// A tool is called.
    pub(super) fn called(&mut self, block: &mut Object<'a>) -> Result<(), Error> {
        let id = block.needed("id")?;
        self.0.push((id, block.needed("name")?, block.must("input")?));
        Ok(())
    }

    /// A tool has said something: what it was asked, and what it said.
    pub(super) fn said(&mut self, block: &mut Object<'a>, losses: &mut Losses) -> Result<Text<'a>, Error> {
        let at = block.at();
        losses.name(at);
        let id = block.needed("tool_use_id")?;
        let mut said = Tree::of(block.must("content")?, at.then("content"))?;
        readable(&mut said);
        let called = self.0.iter().position(|(called, ..)| *called == id);
        let asked = called.map(|index| self.0.swap_remove(index));
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
