//! A client's request, read.

mod choice;
mod echo;
mod items;
mod object;
mod options;
mod parts;
mod tools;

use std::sync::Arc;

use sluice_api::error::Error;
use sluice_neutral::at::At;
use sluice_neutral::dialect::{Asked, Own};
use sluice_neutral::json::{self, Members, Raw};
use sluice_neutral::loss::Losses;
use sluice_neutral::request::{Part, Request, Role};

use crate::fields::TOP;
use items::Conversation;
use object::Object;
use tools::Toolbox;

/// Reads a request.
pub(crate) fn read<'a>(asked: &Asked<'a>, losses: &mut Losses) -> Result<(Request<'a>, Own), Error> {
    let members = Members::body(asked.body)?;
    let mut kept = crate::own::Asked { echo: echo::of(&members), ..Default::default() };
    let mut top = Object::with(members, TOP, At::ROOT, losses);
    let mut request = Request::default();
    for taken in ["model", "stream"] {
        top.get(taken);
    }
    let mut tools = Toolbox::default();
    for (index, raw) in top.items("tools")?.into_iter().enumerate() {
        tools.add(raw, tools::Shelf::Given, At::item("tools", index), losses)?;
    }
    let kept_for = options::read(&mut top, &mut request, losses)?;
    let instructions = top.get("instructions");
    let input = top.get("input");
    let mut conversation = Conversation::new(&mut request, &mut tools, kept_for);
    if let Some(raw) = instructions {
        heard(raw, ("instructions", Role::System), &mut conversation, losses)?;
    }
    let input = input.ok_or_else(|| json::missing(At::field("input")))?;
    heard(input, ("input", Role::User), &mut conversation, losses)?;
    conversation.finish()?;
    kept.searches = tools.searches;
    kept.namespaces = std::mem::take(&mut tools.namespaces);
    tools.settle(&mut request);
    options::most_searches(&mut top, &mut request, losses)?;
    if let Some(choice) = top.get("tool_choice") {
        choice::read(choice, &mut request, losses)?;
    }
    top.finish(losses)?;
    Ok((request, Some(Arc::new(kept))))
}

/// Instructions or the input: a text, or items.
fn heard<'a>(
    raw: Raw<'a>,
    (list, role): (&'static str, Role),
    conversation: &mut Conversation<'a, '_>,
    losses: &mut Losses,
) -> Result<(), Error> {
    let (whole, place) = (At::field(list), |index| At::item(list, index));
    if !raw.get().starts_with('[') {
        conversation.told(role, Part::text(json::text(raw, whole)?, whole));
        return Ok(());
    }
    let mut items = object::each(raw, whole, place)?.into_iter().enumerate();
    items.try_for_each(|(index, item)| conversation.add(item, place(index), losses))
}
