//! The pieces of a message's content, read.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sluice_api::error::Error;
use sluice_neutral::at::At;
use sluice_neutral::json::{self, Members, Raw};
use sluice_neutral::loss::Losses;
use sluice_neutral::request::{Content, Lifetime, Media, Part, Source, Text};

use super::object::Object;

/// A message's content: a string, or pieces of any kind.
pub(crate) fn content<'a>(value: Raw<'a>, at: At, losses: &mut Losses) -> Result<Vec<Part<'a>>, Error> {
    let place = at.then("content");
    if value.get().starts_with('"') {
        return Ok(vec![Part::text(json::text(value, place)?, place)]);
    }
    if !value.get().starts_with('[') {
        return Err(json::wrong(place, "it must be a string or an array"));
    }
    let pieces: Vec<Members<'a>> = json::parse(value, place)?;
    let mut parts = Vec::with_capacity(pieces.len());
    for (index, piece) in pieces.into_iter().enumerate() {
        let piece = Object::new(piece, "messages.content", at.within("content", index));
        parts.extend(part(piece, losses)?);
    }
    Ok(parts)
}

fn part<'a>(mut piece: Object<'a>, losses: &mut Losses) -> Result<Option<Part<'a>>, Error> {
    let kind = piece.needed("type", losses)?;
    let at = piece.at();
    if !losses.has(piece.place(at.then("type")), &kind)? {
        return Ok(None);
    }
    let content = match &*kind {
        "image_url" => Content::Image(image(&mut piece, losses)?),
        "input_audio" => Content::Audio(audio(&mut piece, losses)?),
        "file" => Content::Document(file(&mut piece, losses)?),
        "refusal" => Content::Refusal(piece.needed("refusal", losses)?),
        _ => Content::Text(piece.needed("text", losses)?),
    };
    let cache = mark(&mut piece, losses)?;
    piece.rest(losses)?;
    Ok(Some(Part { content, cache, at }))
}

/// That the prompt is to be cached up to here: in OpenAI's words, or in those that others have from Anthropic.
pub(crate) fn mark(piece: &mut Object<'_>, losses: &Losses) -> Result<Option<Lifetime>, Error> {
    let at = piece.at();
    for (name, long) in [("prompt_cache_breakpoint", "12h"), ("cache_control", "1h")] {
        if let Some(value) = piece.get(name, losses) {
            let ttl = Members::of(value, at.then(name))?.text("ttl", at.then(name))?;
            let is_long = ttl.is_some_and(|ttl| ttl == long);
            return Ok(Some(if is_long { Lifetime::Long } else { Lifetime::Short }));
        }
    }
    Ok(None)
}

fn image<'a>(piece: &mut Object<'a>, losses: &mut Losses) -> Result<Media<'a>, Error> {
    let at = piece.at().inside("image_url");
    let Some(value) = piece.get("image_url", losses) else {
        return Err(json::missing(piece.at().then("image_url")));
    };
    // Some clients write the address alone.
    if value.get().starts_with('"') {
        return source(json::text(value, at)?, at);
    }
    let mut image = Object::of(value, "messages.content.image_url", at)?;
    let mut media = source(image.needed("url", losses)?, at.then("url"))?;
    media.detail = image.text("detail", losses)?;
    image.rest(losses)?;
    Ok(media)
}

fn source(url: Text<'_>, at: At) -> Result<Media<'_>, Error> {
    if url.starts_with("http://") || url.starts_with("https://") {
        return Ok(media(Source::Url(url), Cow::Borrowed("")));
    }
    let wrong = "it must be an http or https address, or base64 in a data URL";
    let (media_type, data) = data_url(url).ok_or_else(|| json::wrong(at, wrong))?;
    Ok(media(Source::Inline(data), media_type))
}

const fn media<'a>(source: Source<'a>, media_type: Text<'a>) -> Media<'a> {
    Media { source, media_type, name: None, detail: None, context: None }
}

fn audio<'a>(piece: &mut Object<'a>, losses: &mut Losses) -> Result<Media<'a>, Error> {
    let at = piece.at().inside("input_audio");
    let Some(value) = piece.get("input_audio", losses) else {
        return Err(json::missing(piece.at().then("input_audio")));
    };
    let mut audio = Object::of(value, "messages.content.input_audio", at)?;
    let data = audio.needed("data", losses)?;
    let format = audio.needed("format", losses)?;
    audio.rest(losses)?;
    let media_type = match &*format {
        "wav" => Cow::Borrowed("audio/wav"),
        "mp3" => Cow::Borrowed("audio/mpeg"),
        other => Cow::Owned(format!("audio/{other}")),
    };
    Ok(media(Source::Inline(data), media_type))
}

fn file<'a>(piece: &mut Object<'a>, losses: &mut Losses) -> Result<Media<'a>, Error> {
    let at = piece.at().inside("file");
    let Some(value) = piece.get("file", losses) else {
        return Err(json::missing(piece.at().then("file")));
    };
    let mut file = Object::of(value, "messages.content.file", at)?;
    let name = file.text("filename", losses)?;
    let data = file.text("file_data", losses)?;
    // Names the id of a file that is elsewhere before it says that there is no data.
    file.rest(losses)?;
    let data = data.ok_or_else(|| json::missing(at.then("file_data")))?;
    let mut media = document(data, name.as_deref(), at)?;
    media.name = name;
    Ok(media)
}

/// A document; one of text is text from here on, as which every dialect has it.
fn document<'a>(data: Text<'a>, name: Option<&str>, at: At) -> Result<Media<'a>, Error> {
    let (media_type, data) = if data.starts_with("data:") {
        let wrong = "it must be base64 in a data URL";
        data_url(data).ok_or_else(|| json::wrong(at.then("file_data"), wrong))?
    } else {
        let is_text = name.is_some_and(|name| name.ends_with(".txt") || name.ends_with(".md"));
        (Cow::Borrowed(if is_text { "text/plain" } else { "application/pdf" }), data)
    };
    if !media_type.starts_with("text/") {
        return Ok(media(Source::Inline(data), media_type));
    }
    let plain = STANDARD.decode(&*data).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let plain = plain.ok_or_else(|| json::wrong(at.then("file_data"), "it is no text in base64"))?;
    Ok(media(Source::Plain(Cow::Owned(plain)), media_type))
}

/// The media type and the base64 of a data URL.
fn data_url(url: Text<'_>) -> Option<(Text<'_>, Text<'_>)> {
    let comma = url.find(',')?;
    let (head, data) = match url {
        Cow::Borrowed(url) => {
            let (head, data) = url.split_at_checked(comma)?;
            (Cow::Borrowed(head), Cow::Borrowed(data.strip_prefix(',')?))
        }
        Cow::Owned(mut url) => {
            let head: String = url.drain(..=comma).collect();
            (Cow::Owned(head.trim_end_matches(',').to_owned()), Cow::Owned(url))
        }
    };
    let inner = head.strip_prefix("data:")?.strip_suffix(";base64")?;
    let media_type = inner.split(';').next().unwrap_or_default().to_ascii_lowercase();
    Some((Cow::Owned(media_type), data))
}
