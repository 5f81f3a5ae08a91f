//! The conversation of a client's request.

use std::borrow::Cow;
use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use sluice_api::error::Error;
use sluice_neutral::at::At;
use sluice_neutral::json::{self, Members, Raw};
use sluice_neutral::loss::Losses;
use sluice_neutral::request::{Content, Part, Role, Turn};

use crate::casing;
use crate::request::calls::Calls;
use crate::request::parts::Parts;
use crate::taking::Taking;

/// A turn, its parts read with it: conversations are long, and what is within them is looked at no more often than needed.
#[derive(Default)]
struct Spoken<'a> {
    parts: Option<Vec<Members<'a>>>,
    others: Members<'a>,
}

impl<'de: 'a, 'a> Deserialize<'de> for Spoken<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Spoken<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a turn")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Spoken<'de>, M::Error> {
                let (mut parts, mut others) = (None, Vec::new());
                while let Some(Name(name)) = map.next_key()? {
                    if name == "parts" {
                        parts = Some(map.next_value()?);
                    } else {
                        others.push((name, map.next_value()?));
                    }
                }
                Ok(Spoken { parts, others: others.into_iter().collect() })
            }
        }
        deserializer.deserialize_map(Reader)
    }
}

#[derive(Deserialize)]
#[serde(transparent)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

/// The same with each step looked at for itself: one element where a list is due, and where it is wrong, where.
fn step_by_step(value: Raw<'_>) -> Result<Vec<Spoken<'_>>, Error> {
    let contents = casing::list(value, At::field("contents"))?.into_iter().enumerate();
    let spoken = contents.map(|(index, content)| {
        let at = At::item("contents", index);
        let others = casing::fields(content, at)?;
        let list = others.get("parts").map(|parts| casing::list(parts, at.then("parts"))).transpose()?;
        let parts = list.unwrap_or_default().into_iter().enumerate();
        let parts = parts.map(|(index, part)| casing::fields(part, at.within("parts", index)));
        Ok(Spoken { parts: Some(parts.collect::<Result<_, Error>>()?), others })
    });
    spoken.collect()
}

/// Reads the turns. A turn of which nothing is left is none. What the model says at a stretch is one: chats of Google's SDKs
/// keep each chunk of a stream as a turn of its own, of which the last may carry what belongs to the first.
pub(crate) fn turns<'a>(
    value: Raw<'a>,
    detail: Option<&'static str>,
    losses: &mut Losses,
) -> Result<Vec<Turn<'a>>, Error> {
    let mut calls = Calls::default();
    let contents = match serde_json::from_str::<Vec<Spoken<'a>>>(value.get()) {
        Ok(contents) => contents,
        Err(_) => step_by_step(value)?,
    };
    let mut turns: Vec<Turn<'a>> = Vec::with_capacity(contents.len());
    for (index, spoken) in contents.into_iter().enumerate() {
        let at = At::item("contents", index);
        let mut told = Taking::new(spoken.others.renamed(casing::camel), "contents", at);
        let role = role(&mut told, at, losses)?;
        let goes_on = |last: &mut Turn<'_>| role == Role::Assistant && last.role == role;
        let before = turns.pop_if(goes_on);
        if role == Role::Assistant && before.is_none() {
            calls.turn();
        }
        told.have("parts");
        told.rest(losses)?;
        let parts = spoken.parts.unwrap_or_default();
        let goes_on = before.is_some();
        let (at_first, earlier) = before.map_or((at, Vec::new()), |turn| (turn.at, turn.parts));
        let mut read = Parts { read: earlier, calls: &mut calls, detail, goes_on };
        read.read.reserve(parts.len());
        for (index, part) in parts.into_iter().enumerate() {
            read.read(part.renamed(casing::camel), at.within("parts", index), losses)?;
        }
        if !read.read.is_empty() {
            turns.push(Turn { role, name: None, parts: read.read, at: at_first });
        }
    }
    Ok(turns)
}

fn role(told: &mut Taking<'_>, at: At, losses: &mut Losses) -> Result<Role, Error> {
    match told.have_text("role")?.as_deref() {
        Some("model") => Ok(Role::Assistant),
        None | Some("user" | "function") => Ok(Role::User),
        Some(other) => Err(losses.refusal(at.then("role"), &format!("the role `{other}`"))),
    }
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
    let mut read = Parts { read: Vec::new(), calls: &mut calls, detail: None, goes_on: false };
    let at = at.then("parts");
    for part in parts.map(|parts| casing::list(parts, at)).transpose()?.unwrap_or_default() {
        read.read(casing::fields(part, at)?, at, losses)?;
    }
    match read.read.iter().find(|part| !matches!(part.content, Content::Text(_))) {
        Some(part) => Err(losses.refusal(part.at, "anything but text in the system instruction")),
        None => Ok(read.read),
    }
}
