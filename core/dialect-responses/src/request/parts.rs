//! Parts of messages and of results.

use std::borrow::Cow;

use sluice_api::error::Error;
use sluice_neutral::at::At;
use sluice_neutral::json::{self, Members, Raw};
use sluice_neutral::loss::Losses;
use sluice_neutral::request::{Content, Lifetime, Media, Part, Source, Text};

use super::object::{self, Object};
use crate::fields::{CONTENT, MARK, OUTPUT, OUTPUT_MARK, Section};
use crate::media;

/// A list of parts: of a message or of a result, by its section.
pub(super) fn of<'a>(
    raw: Raw<'a>,
    (list, section): (&'static str, Section),
    at: At,
    (kept, losses): (Lifetime, &mut Losses),
) -> Result<Vec<Part<'a>>, Error> {
    let mut parts = Vec::new();
    let place = |index| at.within(list, index);
    for (index, members) in object::each(raw, at.then(list), place)?.into_iter().enumerate() {
        let at = place(index);
        let mut part = Object::with(members, section, at, losses);
        let Some(kind) = part.kind("input_text", losses)? else { continue };
        let content = content(&mut part, &kind)?;
        let cache = match part.get("prompt_cache_breakpoint") {
            Some(raw) => Some(mark(raw, list, at, (kept, losses))?),
            None => None,
        };
        part.finish(losses)?;
        parts.extend(content.map(|content| Part { content, cache, at }));
    }
    Ok(parts)
}

/// Parts of a message.
pub(super) const MESSAGE: (&str, Section) = ("content", CONTENT);

/// Parts of a result.
pub(super) const RESULT: (&str, Section) = ("output", OUTPUT);

fn content<'a>(part: &mut Object<'a>, kind: &str) -> Result<Option<Content<'a>>, Error> {
    let at = part.at;
    Ok(Some(match kind {
        "input_image" => {
            let detail = part.text("detail")?;
            // Without an address there is a file, which its row refuses.
            let Some(url) = part.text("image_url")? else { return missing(part, "image_url") };
            let (source, media_type) = addressed(url, at.then("image_url"))?;
            Content::Image(Media { source, media_type, name: None, detail, context: None })
        }
        "input_file" => {
            let (detail, name) = (part.text("detail")?, part.text("filename")?);
            let (source, media_type) = match (part.text("file_data")?, part.text("file_url")?) {
                (Some(data), _) => media::held(data, name.as_deref()),
                (None, Some(url)) => addressed(url, at.then("file_url"))?,
                (None, None) => return missing(part, "file_data"),
            };
            Content::Document(Media { source, media_type, name, detail, context: None })
        }
        "input_audio" => {
            let Some(raw) = part.get("input_audio") else {
                return Err(json::missing(at.then("input_audio")));
            };
            Content::Audio(sound(raw, at.inside("input_audio"))?)
        }
        "refusal" => Content::Refusal(part.needed("refusal")?),
        _ => Content::Text(part.needed("text")?),
    }))
}

/// What stands at an address, or in it. What is no address nobody could get.
fn addressed(url: Text<'_>, at: At) -> Result<(Source<'_>, Text<'_>), Error> {
    match media::addressed(url) {
        (Source::Url(url), _) if !url.starts_with("http://") && !url.starts_with("https://") => {
            Err(json::wrong(at, "it must be an http or https address, or base64 in a data URL"))
        }
        found => Ok(found),
    }
}

/// A part without what it is about: a file of OpenAI's, which is refused by its row, or a mistake.
fn missing<'a>(part: &Object<'a>, name: &'static str) -> Result<Option<Content<'a>>, Error> {
    if part.members.label("file_id").is_some() { Ok(None) } else { Err(json::missing(part.at.then(name))) }
}

fn sound(raw: Raw<'_>, at: At) -> Result<Media<'_>, Error> {
    let members = Members::of(raw, at)?;
    let format = members.needed("format", at)?;
    let media_type: Text<'_> = match &*format {
        "wav" => Cow::Borrowed("audio/wav"),
        "mp3" => Cow::Borrowed("audio/mpeg"),
        other => Cow::Owned(format!("audio/{other}")),
    };
    let source = Source::Inline(members.needed("data", at)?);
    Ok(Media { source, media_type, name: None, detail: None, context: None })
}

/// How long a mark holds.
fn mark(
    raw: Raw<'_>,
    list: &str,
    at: At,
    (kept, losses): (Lifetime, &mut Losses),
) -> Result<Lifetime, Error> {
    let section = if list == "output" { OUTPUT_MARK } else { MARK };
    let mut mark = Object::of(raw, section, at.inside("prompt_cache_breakpoint"), losses)?;
    let lifetime = match mark.text("ttl")? {
        Some(ttl) => lifetime(&ttl),
        None => kept,
    };
    mark.finish(losses)?;
    Ok(lifetime)
}

/// How long a time in OpenAI's words is.
pub(super) fn lifetime(ttl: &str) -> Lifetime {
    if matches!(ttl, "12h" | "24h") { Lifetime::Long } else { Lifetime::Short }
}
