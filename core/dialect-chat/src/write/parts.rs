//! The content of a message, written.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sluice_api::error::Error;
use sluice_neutral::request::{Content, Lifetime, Media, Part, Source};

use super::target::{self, Target};
use crate::json::Json;

/// A text of a message, and whether the prompt is cached up to it.
pub(crate) type Piece<'a> = (Cow<'a, str>, Option<Lifetime>);

/// The name of a document that has none.
const UNNAMED: &str = "document.pdf";

/// A message's content of texts alone: one string where that says the same, else pieces.
pub(crate) fn texts(pieces: &[Piece<'_>], target: &mut Target<'_>, json: &mut Json) {
    let marks: Vec<_> = pieces.iter().map(|(_, cache)| target.is_marked(*cache)).collect();
    let is_marked = marks.iter().any(Option::is_some);
    match pieces {
        [] => json.text(""),
        [(text, _)] if !is_marked => json.text(text),
        // Who copies OpenAI's dialect does not always know pieces.
        pieces if !target.model.is_openai && !is_marked => {
            let texts: Vec<&str> = pieces.iter().map(|(text, _)| &**text).collect();
            json.text(&texts.join("\n\n"));
        }
        pieces => json.array(|json| {
            for ((text, _), mark) in pieces.iter().zip(marks) {
                piece(text, mark, json);
            }
        }),
    }
}

fn piece(text: &str, mark: Option<Lifetime>, json: &mut Json) {
    json.object(|json| {
        json.key("type").text("text");
        json.key("text").text(text);
        target::mark(mark, json);
    });
}

/// What a user says: texts, images, documents, sounds.
pub(crate) fn content(parts: &[&Part<'_>], target: &mut Target<'_>, json: &mut Json) -> Result<(), Error> {
    let is_text = |part: &&Part<'_>| text_of(&part.content).is_some();
    if parts.iter().all(is_text) {
        let texts_of = parts.iter().filter_map(|part| Some((text_of(&part.content)?, part.cache)));
        texts(&texts_of.collect::<Vec<_>>(), target, json);
        return Ok(());
    }
    let mut done = Ok(());
    json.array(|json| done = parts.iter().try_for_each(|part| one(part, target, json)));
    done
}

fn one(part: &Part<'_>, target: &mut Target<'_>, json: &mut Json) -> Result<(), Error> {
    if let Some(text) = text_of(&part.content) {
        piece(&text, target.is_marked(part.cache), json);
        return Ok(());
    }
    let refused = |what: &str, target: &Target<'_>| Err(target.losses.refusal(part.at, what));
    match &part.content {
        Content::Image(media) => image(media, target.is_marked(part.cache), json),
        Content::Document(media) => {
            let Source::Inline(data) = &media.source else {
                return refused("a document by its address", target);
            };
            if let Some(context) = &media.context {
                piece(context, None, json);
            }
            file(media, data, target.is_marked(part.cache), json);
        }
        Content::Audio(media) => {
            let (Source::Inline(data), Some(format)) = (&media.source, format(&media.media_type)) else {
                return refused("a sound that is not WAV or MP3 in base64", target);
            };
            sound(data, format, target.is_marked(part.cache), json);
        }
        _ => {}
    }
    Ok(())
}

/// What is text in this dialect: texts, and documents of text under their titles.
pub(crate) fn text_of<'a>(content: &'a Content<'_>) -> Option<Cow<'a, str>> {
    let media = match content {
        Content::Text(text) | Content::Refusal(text) => return Some(Cow::Borrowed(text)),
        Content::Document(media) => media,
        _ => return None,
    };
    let text = match &media.source {
        Source::Plain(text) => Cow::Borrowed(&**text),
        Source::Inline(data) if media.media_type.starts_with("text/") => {
            Cow::Owned(String::from_utf8(STANDARD.decode(&**data).ok()?).ok()?)
        }
        _ => return None,
    };
    let headers: Vec<&str> =
        [&media.name, &media.context].into_iter().flatten().map(|told| &**told).collect();
    if headers.is_empty() {
        return Some(text);
    }
    Some(Cow::Owned(format!("{}\n\n{text}", headers.join("\n"))))
}

fn image(media: &Media<'_>, mark: Option<Lifetime>, json: &mut Json) {
    json.object(|json| {
        json.key("type").text("image_url");
        json.key("image_url").object(|json| {
            match &media.source {
                Source::Url(url) => json.key("url").text(url),
                Source::Inline(data) | Source::Plain(data) => {
                    json.key("url").texts(&["data:", &media.media_type, ";base64,", data]);
                }
            }
            if let Some(detail) = &media.detail {
                json.key("detail").text(detail);
            }
        });
        target::mark(mark, json);
    });
}

fn file(media: &Media<'_>, data: &str, mark: Option<Lifetime>, json: &mut Json) {
    let media_type = if media.media_type.is_empty() { "application/pdf" } else { &media.media_type };
    json.object(|json| {
        json.key("type").text("file");
        json.key("file").object(|json| {
            json.key("filename").text(media.name.as_deref().unwrap_or(UNNAMED));
            json.key("file_data").texts(&["data:", media_type, ";base64,", data]);
        });
        target::mark(mark, json);
    });
}

fn sound(data: &str, format: &str, mark: Option<Lifetime>, json: &mut Json) {
    json.object(|json| {
        json.key("type").text("input_audio");
        json.key("input_audio").object(|json| {
            json.key("data").text(data);
            json.key("format").text(format);
        });
        target::mark(mark, json);
    });
}

fn format(media_type: &str) -> Option<&'static str> {
    match media_type {
        "audio/wav" | "audio/x-wav" | "audio/wave" | "audio/vnd.wave" => Some("wav"),
        "audio/mpeg" | "audio/mp3" => Some("mp3"),
        _ => None,
    }
}
