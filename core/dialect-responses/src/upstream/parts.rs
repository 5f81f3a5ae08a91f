//! Parts, written into a message or a result.

use std::borrow::Cow;

use sluice_api::error::Error;
use sluice_neutral::loss::Losses;
use sluice_neutral::request::{Content, Lifetime, Media, Part, Source};

use crate::media;
use sluice_neutral::json::write::{List, Object};

/// What parts stand in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A message.
    Message,
    /// The result of a call.
    Outcome,
}

/// Text.
pub(super) fn text(content: &mut List<'_>, text: &str) {
    let mut part = content.object();
    part.text("type", "input_text");
    part.text("text", text);
}

/// A part.
pub(super) fn write(
    content: &mut List<'_>,
    part: &Part<'_>,
    (kind, mark): (Kind, Option<Lifetime>),
    losses: &mut Losses,
) -> Result<(), Error> {
    match &part.content {
        Content::Text(text) | Content::Refusal(text) => plain(content, text, mark),
        Content::Image(media) => image(content, media, mark),
        Content::Document(media) => document(content, media, mark),
        Content::Audio(media) if kind == Kind::Message => sound(content, media, part, losses)?,
        Content::Audio(_) => return Err(losses.refusal(part.at, "a sound in the result of a tool")),
        // Only the model thinks and calls; what stands elsewhere says nothing.
        Content::Thinking(_) | Content::Call(_) | Content::Outcome(_) => losses.name(part.at),
    }
    Ok(())
}

fn plain(content: &mut List<'_>, text: &str, mark: Option<Lifetime>) {
    let mut part = content.object();
    part.text("type", "input_text");
    part.text("text", text);
    marked(&mut part, mark);
}

fn image(content: &mut List<'_>, media: &Media<'_>, mark: Option<Lifetime>) {
    let mut part = content.object();
    part.text("type", "input_image");
    part.text("image_url", &address(media, "image/png"));
    part.text("detail", media.detail.as_deref().unwrap_or("auto"));
    marked(&mut part, mark);
}

/// Where it is, or it itself.
fn address<'m>(media: &'m Media<'_>, usual: &str) -> Cow<'m, str> {
    let kind = if media.media_type.is_empty() { usual } else { &media.media_type };
    match &media.source {
        Source::Url(url) => Cow::Borrowed(&**url),
        Source::Inline(data) => Cow::Owned(["data:", kind, ";base64,", data].concat()),
        Source::Plain(text) => Cow::Borrowed(&**text),
    }
}

/// A file; one of plain text is text. What is told about it stands before it, and the title of a text too.
fn document(content: &mut List<'_>, media: &Media<'_>, mark: Option<Lifetime>) {
    if let Some(context) = media.context.as_deref().filter(|context| !context.is_empty()) {
        text(content, context);
    }
    if let Source::Plain(told) = &media.source {
        if let Some(name) = &media.name {
            text(content, &format!("# {name}"));
        }
        return plain(content, told, mark);
    }
    let mut part = content.object();
    part.text("type", "input_file");
    if let Source::Url(url) = &media.source {
        part.text("file_url", url);
    } else {
        part.text("filename", &media::named(media.name.as_deref(), &media.media_type));
        part.text("file_data", &address(media, "application/pdf"));
    }
    part.some("detail", media.detail.as_deref().filter(|detail| matches!(*detail, "low" | "high")));
    marked(&mut part, mark);
}

fn sound(
    content: &mut List<'_>,
    media: &Media<'_>,
    told: &Part<'_>,
    losses: &mut Losses,
) -> Result<(), Error> {
    let Source::Inline(data) = &media.source else {
        return Err(losses.refusal(told.at, "a sound that is not sent along"));
    };
    let format = match &*media.media_type {
        "audio/wav" | "audio/x-wav" | "audio/wave" => "wav",
        "audio/mpeg" | "audio/mp3" => "mp3",
        _ => return Err(losses.refusal(told.at, "a sound that is neither WAV nor MP3")),
    };
    let mut part = content.object();
    part.text("type", "input_audio");
    let mut sound = part.object("input_audio");
    sound.text("data", data);
    sound.text("format", format);
    Ok(())
}

fn marked(part: &mut Object<'_>, mark: Option<Lifetime>) {
    let Some(lifetime) = mark else { return };
    let mut mark = part.object("prompt_cache_breakpoint");
    mark.text("mode", "explicit");
    mark.text("ttl", if lifetime == Lifetime::Long { "12h" } else { "30m" });
}
