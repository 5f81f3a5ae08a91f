//! Texts, images, documents and what searches found.

use std::borrow::Cow;

use sluice_api::error::Error;
use sluice_neutral::at::At;
use sluice_neutral::json::{self, Raw};
use sluice_neutral::loss::{Losses, Place};
use sluice_neutral::request::{Content, Lifetime, Media, Part, Source, Text};

use super::object::Object;
use crate::fields::{FIELDS, INNER, SOURCE};

/// Reads a block of one of these kinds, and adds what it is.
pub(super) fn read<'a>(
    kind: &str,
    mut block: Object<'a>,
    cache: Option<Lifetime>,
    (parts, losses): (&mut Vec<Part<'a>>, &mut Losses),
) -> Result<(), Error> {
    let at = block.at();
    match kind {
        "text" => parts.push(Part::text(block.needed("text")?, at)),
        "search_result" => parts.push(Part::text(found(&mut block, losses)?, at)),
        _ => {
            let media =
                |source, media_type| Media { source, media_type, name: None, detail: None, context: None };
            let mut about = [None, None];
            if kind == "document" {
                about = [block.text("title")?, block.text("context")?];
            }
            let value = block.must("source")?;
            match source(value, block.inside("source"), losses)? {
                Read::One(Source::Plain(_), _) | Read::Many(_) if kind == "image" => {
                    return Err(json::wrong(at.then("source.type"), "an image is base64 or url"));
                }
                Read::One(source, media_type) if kind == "image" => {
                    parts.push(Part::new(Content::Image(media(source, media_type)), at));
                }
                Read::One(source, media_type) => {
                    let [name, context] = about;
                    let media = Media { name, context, ..media(source, media_type) };
                    parts.push(Part::new(Content::Document(media), at));
                }
                Read::Many(inner) => {
                    let lines: Vec<Text<'a>> = about.into_iter().flatten().collect();
                    if !lines.is_empty() {
                        parts.push(Part::text(lines.join("\n"), at));
                    }
                    parts.extend(inner);
                }
            }
            if let Some(value) = block.get("transformations") {
                const PLACE: &str = "messages.content.transformations";
                Object::of(value, PLACE, block.inside("transformations"), losses)?.rest(losses)?;
            }
        }
    }
    if let Some(last) = parts.last_mut().filter(|_| cache.is_some()) {
        last.cache = cache;
    }
    block.rest(losses)
}

/// Where a medium is: one, or a document put together of texts and images.
enum Read<'a> {
    One(Source<'a>, Text<'a>),
    Many(Vec<Part<'a>>),
}

fn source<'a>(value: Raw<'a>, at: At, losses: &mut Losses) -> Result<Read<'a>, Error> {
    let mut source = Object::of(value, SOURCE, at, losses)?;
    let kind = source.needed("type")?;
    losses.has(source.placed(), &kind)?;
    let read = match &*kind {
        "base64" => {
            let media_type = source.needed("media_type")?;
            Read::One(Source::Inline(source.needed("data")?), media_type)
        }
        "url" => Read::One(Source::Url(source.needed("url")?), Text::default()),
        "text" => {
            let media_type = source.text("media_type")?.unwrap_or(Cow::Borrowed("text/plain"));
            Read::One(Source::Plain(source.needed("data")?), media_type)
        }
        _ => {
            let value = source.must("content")?;
            Read::Many(content(value, at, losses)?)
        }
    };
    source.rest(losses)?;
    Ok(read)
}

fn content<'a>(value: Raw<'a>, at: At, losses: &mut Losses) -> Result<Vec<Part<'a>>, Error> {
    if value.get().starts_with('"') {
        return Ok(vec![Part::text(json::text(value, at)?, at)]);
    }
    let mut parts = Vec::new();
    for (members, at) in Object::all(value, at, |_| at)? {
        let mut block = Object::new(members, INNER, at, losses);
        let kind = block.needed("type")?;
        if !matches!(&*kind, "text" | "image") {
            return Err(json::wrong(at, "a document is put together of texts and images"));
        }
        losses.has(Place::new(FIELDS, INNER, at), &kind)?;
        let cache = block.mark()?;
        read(&kind, block, cache, (&mut parts, losses))?;
    }
    Ok(parts)
}

/// What a search found, as text: its title, where it is from, and what it says.
fn found<'a>(block: &mut Object<'a>, losses: &mut Losses) -> Result<Text<'a>, Error> {
    let mut text = format!("{}\n{}", block.needed("title")?, block.needed("source")?);
    let at = block.inside("content");
    for part in content(block.must("content")?, at, losses)? {
        if let Content::Text(said) = part.content {
            text.push_str("\n\n");
            text.push_str(&said);
        }
    }
    Ok(Cow::Owned(text))
}
