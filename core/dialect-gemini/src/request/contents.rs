//! The conversation of a client's request.

use sluice_api::error::Error;
use sluice_neutral::json::{self, Raw};
use sluice_neutral::loss::{At, Losses, Place};
use sluice_neutral::request::{Content, Part, Role, Turn};

use crate::casing;
use crate::fields::FIELDS;
use crate::request::calls::Calls;
use crate::request::parts::Parts;
use crate::taking::Taking;

/// Reads the turns. A turn of which nothing is left is none.
pub(crate) fn turns<'a>(
    value: Raw<'a>,
    detail: Option<&'static str>,
    losses: &mut Losses,
) -> Result<Vec<Turn<'a>>, Error> {
    let mut calls = Calls::default();
    let contents = casing::list(value, At::field("contents"))?;
    let mut turns = Vec::with_capacity(contents.len());
    for (index, content) in contents.into_iter().enumerate() {
        let at = At::item("contents", index);
        let mut told = Taking::of(content, "contents", at)?;
        let role = role(&mut told, at, losses)?;
        if role == Role::Assistant {
            calls.turn();
        }
        let parts = told.take("parts", losses);
        told.rest(losses)?;
        let mut read = Parts { read: Vec::new(), calls: &mut calls, detail };
        let list = parts.map(|parts| casing::list(parts, at.then("parts"))).transpose()?.unwrap_or_default();
        for (index, part) in list.into_iter().enumerate() {
            read.read(part, at.within("parts", index), losses)?;
        }
        if !read.read.is_empty() {
            turns.push(Turn { role, name: None, parts: read.read, at });
        }
    }
    Ok(turns)
}

fn role(told: &mut Taking<'_>, at: At, losses: &mut Losses) -> Result<Role, Error> {
    let Some(role) = told.text("role", losses)? else { return Ok(Role::User) };
    losses.has(Place::new(FIELDS, "contents", at.then("role")), &role)?;
    Ok(if role == "model" { Role::Assistant } else { Role::User })
}

/// Reads what the model is told before all turns: a turn, its parts alone, or a string.
pub(crate) fn system<'a>(value: Raw<'a>, losses: &mut Losses) -> Result<Vec<Part<'a>>, Error> {
    let at = At::object("systemInstruction");
    if value.get().starts_with('"') {
        return Ok(vec![Part::text(json::text(value, at)?, at)]);
    }
    let mut parts = Some(value);
    if value.get().starts_with('{') && casing::fields(value, at)?.get("text").is_none() {
        let mut told = Taking::of(value, "systemInstruction", at)?;
        parts = told.take("parts", losses);
        told.rest(losses)?;
    }
    let mut calls = Calls::default();
    let mut read = Parts { read: Vec::new(), calls: &mut calls, detail: None };
    let at = at.then("parts");
    for part in parts.map(|parts| casing::list(parts, at)).transpose()?.unwrap_or_default() {
        read.read(part, at, losses)?;
    }
    match read.read.iter().find(|part| !matches!(part.content, Content::Text(_))) {
        Some(part) => Err(losses.refusal(part.at, "anything but text in the system instruction")),
        None => Ok(read.read),
    }
}
