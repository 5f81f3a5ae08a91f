//! Images and documents, as far as Anthropic takes them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sluice_api::error::Error;
use sluice_neutral::json::quoted;
use sluice_neutral::loss::Losses;
use sluice_neutral::request::{Content, Media, Part, Source};

use sluice_neutral::json::write::Object;

/// Media types of images that Anthropic takes.
const IMAGES: [&str; 4] = ["image/jpeg", "image/png", "image/gif", "image/webp"];

/// Whether all of these can be said.
///
/// # Errors
///
/// When one can't.
pub(super) fn check(parts: &[Part<'_>], losses: &Losses) -> Result<(), Error> {
    for part in parts {
        match &part.content {
            Content::Audio(_) => return Err(losses.refusal(part.at, "sound")),
            Content::Image(media) => {
                let known = !matches!(media.source, Source::Inline(_)) || image(media).is_some();
                if !known {
                    let what = format!("an image of type {}", quoted(&media.media_type));
                    return Err(losses.refusal(part.at, &what));
                }
            }
            Content::Document(media) if document(media).is_none() => {
                let what = format!("a document of type {}", quoted(&media.media_type));
                return Err(losses.refusal(part.at, &what));
            }
            _ => {}
        }
    }
    Ok(())
}

fn image(media: &Media<'_>) -> Option<&'static str> {
    let told = media.media_type.to_ascii_lowercase();
    let told = if told == "image/jpg" { "image/jpeg" } else { &told };
    IMAGES.into_iter().find(|known| *known == told)
}

/// How a document is told; nothing where it can't be.
fn document(media: &Media<'_>) -> Option<Kind> {
    let told = media.media_type.to_ascii_lowercase();
    let told = told.split(';').next().unwrap_or_default().trim();
    match &media.source {
        Source::Plain(_) => Some(Kind::Plain),
        Source::Url(_) => Some(Kind::Url),
        Source::Inline(_) if told == "application/pdf" || told.is_empty() => Some(Kind::Pdf),
        Source::Inline(data) if told.starts_with("text/") || told == "application/json" => {
            decoded(data).map(Kind::Decoded)
        }
        Source::Inline(_) => None,
    }
}

fn decoded(data: &str) -> Option<String> {
    String::from_utf8(STANDARD.decode(data).ok()?).ok()
}

/// How a document is told.
enum Kind {
    Pdf,
    Url,
    Plain,
    /// Text that came in base64.
    Decoded(String),
}

/// Writes an image.
pub(super) fn write_image(media: &Media<'_>, block: &mut Object<'_>) {
    block.with("type", "image");
    let mut source = block.object("source");
    match &media.source {
        Source::Url(url) => source.with("type", "url").with("url", url),
        Source::Inline(data) | Source::Plain(data) => source
            .with("type", "base64")
            .with("media_type", image(media).unwrap_or("image/png"))
            .with("data", data),
    };
}

/// Writes a document.
pub(super) fn write_document(media: &Media<'_>, block: &mut Object<'_>) {
    block.with("type", "document");
    let mut source = block.object("source");
    let data = match &media.source {
        Source::Inline(data) | Source::Plain(data) | Source::Url(data) => data,
    };
    match document(media) {
        Some(Kind::Url) => source.with("type", "url").with("url", data),
        Some(Kind::Plain) => source.with("type", "text").with("media_type", "text/plain").with("data", data),
        Some(Kind::Decoded(text)) => {
            source.with("type", "text").with("media_type", "text/plain").with("data", &text)
        }
        _ => source.with("type", "base64").with("media_type", "application/pdf").with("data", data),
    };
    drop(source);
    if let Some(name) = &media.name {
        block.with("title", name);
    }
    if let Some(context) = &media.context {
        block.with("context", context);
    }
}
