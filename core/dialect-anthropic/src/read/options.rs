//! What the model is told first, how much it thinks, and the form of its answer.

use sluice_api::dialect::Api;
use sluice_api::error::Error;
use sluice_neutral::at::At;
use sluice_neutral::effort::Effort;
use sluice_neutral::json::{self, Raw};
use sluice_neutral::loss::{Losses, Place};
use sluice_neutral::request::{Format, Part, Request, Text, Told};

use super::object::Object;
use crate::fields::FIELDS;

/// What Claude Code puts before its system prompt: whom Anthropic is to bill. It differs between conversations.
const BILLING: &str = "x-anthropic-billing-header:";

/// Reads `system`.
pub(super) fn system<'a>(
    value: Raw<'a>,
    request: &mut Request<'a>,
    losses: &mut Losses,
) -> Result<(), Error> {
    let at = At::field("system");
    if value.get().starts_with('"') {
        request.system.push(Part::text(json::text(value, at)?, at));
        return Ok(());
    }
    for (members, at) in Object::all(value, at, |index| At::item("system", index))? {
        request.system.extend(told(Object::new(members, "system", at, losses), losses)?);
    }
    Ok(())
}

/// A text of the system's; nothing where it is only for Anthropic.
pub(super) fn told<'a>(mut block: Object<'a>, losses: &mut Losses) -> Result<Option<Part<'a>>, Error> {
    let at = block.at();
    let kind = block.needed("type")?;
    if !losses.has(block.placed(), &kind)? {
        return Ok(None);
    }
    let text = block.needed("text")?;
    let cache = block.mark()?;
    block.rest(losses)?;
    if text.starts_with(BILLING) && losses.target() != Api::Anthropic {
        return Ok(None);
    }
    Ok(Some(Part { cache, ..Part::text(text, at) }))
}

/// Reads `thinking`.
pub(super) fn thinking<'a>(
    top: &mut Object<'a>,
    request: &mut Request<'a>,
    losses: &mut Losses,
) -> Result<(), Error> {
    let Some(value) = top.get("thinking") else { return Ok(()) };
    let at = At::field("thinking");
    let mut thinking = Object::of(value, "thinking", At::object("thinking"), losses)?;
    let kind = thinking.needed("type")?;
    if !losses.has(thinking.placed(), &kind)? {
        return Ok(());
    }
    let reasoning = &mut request.reasoning;
    match &*kind {
        "enabled" => {
            let tokens = thinking.parsed("budget_tokens")?;
            let at = At::field("thinking.budget_tokens");
            reasoning.budget = Some(Told::new(tokens.ok_or_else(|| json::missing(at))?, at));
        }
        "disabled" => reasoning.effort = Some(Told::new(Effort::None, at)),
        "between_tools" => {
            reasoning.adaptive = true;
            reasoning.shown = Some(Told::new(false, at));
        }
        _ => reasoning.adaptive = true,
    }
    // Thoughts are shown unless that is forbidden; other dialects have to be asked for them.
    if losses.target() != Api::Anthropic && matches!(&*kind, "enabled" | "adaptive") {
        reasoning.shown = Some(Told::new(true, at));
    }
    if let Some(display) = thinking.text("display")? {
        reasoning.shown = Some(Told::new(display != "omitted", At::field("thinking.display")));
    }
    // Every next turn must bring back what Anthropic's models remember.
    reasoning.carried = *kind != *"disabled";
    thinking.rest(losses)
}

/// Reads `output_config`; an effort that a later message has told goes before its own.
pub(super) fn output<'a>(
    top: &mut Object<'a>,
    later: Option<Told<Effort>>,
    request: &mut Request<'a>,
    losses: &mut Losses,
) -> Result<(), Error> {
    let mut level = None;
    if let Some(value) = top.get("output_config") {
        let mut config = Object::of(value, "output_config", At::object("output_config"), losses)?;
        let at = At::field("output_config.effort");
        level = config.text("effort")?.map(|name| effort(&name, at)).transpose()?;
        if let Some(value) = config.get("format") {
            request.format = Some(format(value, At::object("output_config.format"), losses)?);
        }
        config.rest(losses)?;
    }
    if let (Some(value), None) = (top.get("output_format"), &request.format) {
        request.format = Some(format(value, At::object("output_format"), losses)?);
    }
    // What is not to think at all has no level.
    if request.reasoning.effort.is_none() {
        request.reasoning.effort = later.or(level);
    }
    Ok(())
}

/// A level by its name.
pub(super) fn effort(name: &str, at: At) -> Result<Told<Effort>, Error> {
    let level = Effort::of(name).filter(|level| *level > Effort::Minimal);
    let level = level.ok_or_else(|| json::wrong(at, "it is low, medium, high, xhigh or max"))?;
    Ok(Told::new(level, at))
}

fn format<'a>(value: Raw<'a>, at: At, losses: &mut Losses) -> Result<Told<Format<'a>>, Error> {
    const PLACE: &str = "output_config.format";
    let mut format = Object::of(value, PLACE, at, losses)?;
    let kind = format.needed("type")?;
    losses.has(Place::new(FIELDS, PLACE, at), &kind)?;
    let schema = Text::Borrowed(json::object(format.must("schema")?, at.then("schema"))?);
    format.rest(losses)?;
    // Anthropic's answers always fit.
    let strict = Some(true);
    Ok(Told::new(Format::Schema { name: None, description: None, schema, strict }, at))
}
