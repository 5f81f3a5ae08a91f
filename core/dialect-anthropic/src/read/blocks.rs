//! The content of turns, block by block.

use std::borrow::Cow;
use std::fmt::Write as _;

use sluice_api::dialect::Api;
use sluice_api::error::Error;
use sluice_neutral::json;
use sluice_neutral::loss::Losses;
use sluice_neutral::request::{Call, Content, Input, Outcome, Part, Text, Thinking};
use sluice_neutral::seal::Seal;

use super::heard::Heard;
use super::media;
use super::object::Object;
use crate::fields::INNER;

/// Reads a block of a turn, and adds what it is to the turn's parts.
pub(super) fn read<'a>(
    mut block: Object<'a>,
    (heard, parts): (&mut Heard<'a>, &mut Vec<Part<'a>>),
    losses: &mut Losses,
) -> Result<(), Error> {
    let at = block.at();
    let kind = block.needed("type")?;
    if !losses.has(block.placed(), &kind)? {
        return Ok(());
    }
    let cache = block.mark()?;
    let content = match &*kind {
        "text" | "image" | "document" | "search_result" => {
            return media::read(&kind, block, cache, (parts, losses));
        }
        "thinking" => thinking(&mut block)?,
        "redacted_thinking" => {
            let seal = Some(Seal::read(Api::Anthropic, block.needed("data")?));
            Content::Thinking(Thinking { text: Cow::Borrowed(""), seal, redacted: true })
        }
        "tool_use" => Content::Call(call(&mut block, parts, losses)?),
        "tool_result" => Content::Outcome(outcome(&mut block, heard, losses)?),
        "server_tool_use" => {
            heard.served.called(&mut block)?;
            caller(&mut block, losses)?;
            return block.rest(losses);
        }
        // Results of tools that Anthropic has run.
        _ => Content::Text(heard.served.said(&mut block, losses)?),
    };
    let by_program = caller(&mut block, losses)?;
    block.rest(losses)?;
    let content = match content {
        Content::Call(call) if by_program => {
            losses.name(at);
            Content::Text(heard.served.programs.called(&call))
        }
        Content::Outcome(outcome) => match heard.served.programs.said(outcome) {
            Ok((text, others)) => {
                losses.name(at);
                parts.push(Part { cache, ..Part::text(text, at) });
                parts.extend(others);
                return Ok(());
            }
            Err(outcome) => Content::Outcome(outcome),
        },
        content => content,
    };
    parts.push(Part { cache, ..Part::new(content, at) });
    Ok(())
}

fn thinking<'a>(block: &mut Object<'a>) -> Result<Content<'a>, Error> {
    let text = block.needed("thinking")?;
    let signature = block.text("signature")?.filter(|signature| !signature.is_empty());
    let seal = signature.map(|signature| Seal::read(Api::Anthropic, signature));
    Ok(Content::Thinking(Thinking { text, seal, redacted: false }))
}

/// A call. What Gemini wants back with one stands before it, as thoughts without words.
fn call<'a>(block: &mut Object<'a>, parts: &mut Vec<Part<'a>>, losses: &Losses) -> Result<Call<'a>, Error> {
    let is_before = parts.last().is_some_and(|part| match &part.content {
        Content::Thinking(Thinking { text, seal: Some(seal), redacted: false }) => {
            text.is_empty() && seal.origin == Api::Gemini && losses.target() == Api::Gemini
        }
        _ => false,
    });
    let seal = match parts.pop_if(|_| is_before).map(|part| part.content) {
        Some(Content::Thinking(thinking)) => thinking.seal,
        _ => None,
    };
    let input = block.must("input")?.get();
    if !input.starts_with('{') {
        return Err(json::wrong(block.at().then("input"), "it must be an object"));
    }
    let id = block.needed("id")?;
    Ok(Call { id, name: block.needed("name")?, input: Input::Json(Cow::Borrowed(input)), seal })
}

/// Who called a tool; whether that was a program that Anthropic has run, which no other dialect knows.
fn caller(block: &mut Object<'_>, losses: &mut Losses) -> Result<bool, Error> {
    let Some(value) = block.get("caller") else { return Ok(false) };
    let mut caller = Object::of(value, "messages.content.caller", block.inside("caller"), losses)?;
    let is_program = caller.text("type")?.is_some_and(|kind| kind != "direct");
    caller.rest(losses)?;
    Ok(is_program && losses.target() != Api::Anthropic)
}

fn outcome<'a>(
    block: &mut Object<'a>,
    heard: &mut Heard<'a>,
    losses: &mut Losses,
) -> Result<Outcome<'a>, Error> {
    let at = block.inside("content");
    let id = block.needed("tool_use_id")?;
    let failed = block.parsed("is_error")?.unwrap_or_default();
    let mut parts = Vec::new();
    match block.get("content") {
        None => {}
        Some(value) if value.get().starts_with('"') => parts.push(Part::text(json::text(value, at)?, at)),
        Some(value) => {
            for (members, at) in Object::all(value, at, |_| at)? {
                inner(Object::new(members, INNER, at, losses), (heard, &mut parts), losses)?;
            }
        }
    }
    Ok(Outcome { id, name: Text::default(), parts, failed })
}

/// A block of what a tool said.
fn inner<'a>(
    mut block: Object<'a>,
    (heard, parts): (&mut Heard<'a>, &mut Vec<Part<'a>>),
    losses: &mut Losses,
) -> Result<(), Error> {
    let at = block.at();
    let kind = block.needed("type")?;
    if !losses.has(block.placed(), &kind)? {
        return Ok(());
    }
    let cache = block.mark()?;
    let text = match &*kind {
        "tool_reference" => {
            let name = block.needed("tool_name")?;
            heard.found.push(name.clone());
            name
        }
        "browser_state" => {
            losses.name(at);
            let mut text = String::new();
            for name in ["tabs", "state_changes"] {
                if let Some(value) = block.get(name) {
                    let comma = if text.is_empty() { "{" } else { "," };
                    // Writing into a string does not fail.
                    let _ = write!(text, "{comma}\"{name}\":{}", value.get());
                }
            }
            text.push('}');
            Cow::Owned(text)
        }
        _ => return media::read(&kind, block, cache, (parts, losses)),
    };
    block.rest(losses)?;
    parts.push(Part { cache, ..Part::text(text, at) });
    Ok(())
}
