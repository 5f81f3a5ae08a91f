//! Whether the model must call a tool.

use std::borrow::Cow;

use sluice_api::error::Error;
use sluice_neutral::at::At;
use sluice_neutral::json::{self, Members, Raw};
use sluice_neutral::loss::Losses;
use sluice_neutral::request::{Choice, Request, Text, Told};

use super::object::Object;
use crate::fields::CHOICE;
use crate::own::flat;

/// Reads it.
pub(super) fn read<'a>(raw: Raw<'a>, request: &mut Request<'a>, losses: &mut Losses) -> Result<(), Error> {
    let at = At::field("tool_choice");
    let choice = if raw.get().starts_with('"') {
        let word = json::text(raw, at)?;
        match &*word {
            "auto" => Choice::Auto,
            "none" => Choice::Never,
            "required" => Choice::Any,
            _ => return Err(json::wrong(at, "it must be auto, none, required, or a tool")),
        }
    } else {
        let Some(choice) = of_tool(raw, request, losses)? else { return Ok(()) };
        choice
    };
    request.choice = Some(Told::new(choice, at));
    Ok(())
}

fn of_tool<'a>(
    raw: Raw<'a>,
    request: &mut Request<'a>,
    losses: &mut Losses,
) -> Result<Option<Choice<'a>>, Error> {
    let mut choice = Object::of(raw, CHOICE, At::object("tool_choice"), losses)?;
    let Some(kind) = choice.kind("function", losses)? else { return Ok(None) };
    let chosen = if kind == "allowed_tools" {
        let must = choice.text("mode")?.is_some_and(|mode| mode == "required");
        let mut names = Vec::new();
        let mut searches = false;
        for (index, raw) in choice.items("tools")?.into_iter().enumerate() {
            let at = At::item("tool_choice.tools", index);
            let tool = Members::of(raw, at)?;
            match tool.text("name", at)? {
                Some(name) => names.extend(known(name, tool.text("namespace", at)?, request)),
                None => searches |= tool.text("type", at)?.is_some_and(|kind| kind.starts_with("web_search")),
            }
        }
        // What is not allowed is not offered.
        if !searches {
            request.search = None;
        }
        Choice::Some { names, must }
    } else {
        let (name, space) = (choice.needed("name")?, choice.text("namespace")?);
        Choice::One(known(name.clone(), space, request).into_iter().next().unwrap_or(name))
    };
    choice.finish(losses)?;
    Ok(Some(chosen))
}

/// The names of the tools that a choice means: one that stands in a namespace may be called by its name there, or by the
/// namespace's.
fn known<'a>(name: Text<'a>, space: Option<Text<'a>>, request: &Request<'a>) -> Vec<Text<'a>> {
    if let Some(space) = space {
        return vec![Cow::Owned(flat(Some(&space), &name))];
    }
    if request.tools.iter().any(|tool| tool.name == name) {
        return vec![name];
    }
    let (inner, outer) = (format!("__{name}"), format!("{name}__"));
    let found =
        request.tools.iter().filter(|tool| tool.name.ends_with(&inner) || tool.name.starts_with(&outer));
    let found: Vec<Text<'a>> = found.map(|tool| tool.name.clone()).collect();
    if found.is_empty() { vec![name] } else { found }
}
