//! Images, documents and sounds of a client's request.

use std::borrow::Cow;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use sluice_api::error::Error;
use sluice_neutral::at::At;
use sluice_neutral::json::{self, Raw};
use sluice_neutral::loss::Losses;
use sluice_neutral::request::{Content, Media, Source, Text};

use crate::taking::Taking;

/// Base64 with or without padding.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Texts that are not called so.
const TEXTS: [&str; 5] = [
    "application/json",
    "application/xml",
    "application/javascript",
    "application/x-javascript",
    "application/x-python",
];

/// Endings of addresses, and what is there.
const ENDINGS: [(&str, &str); 12] = [
    (".png", "image/png"),
    (".jpg", "image/jpeg"),
    (".jpeg", "image/jpeg"),
    (".webp", "image/webp"),
    (".gif", "image/gif"),
    (".heic", "image/heic"),
    (".pdf", "application/pdf"),
    (".wav", "audio/wav"),
    (".mp3", "audio/mpeg"),
    (".mp4", "video/mp4"),
    (".webm", "video/webm"),
    (".txt", "text/plain"),
];

/// Where a part with bytes stands in the table, and in the request.
#[derive(Clone, Copy)]
pub(crate) struct Spot {
    /// Of `inlineData`.
    pub(crate) inline: &'static str,
    /// Of `fileData`.
    pub(crate) file: &'static str,
    /// The part.
    pub(crate) at: At,
}

/// Bytes that are here.
pub(crate) fn inline<'a>(value: Raw<'a>, spot: Spot, losses: &mut Losses) -> Result<Media<'a>, Error> {
    let at = spot.at.inside("inlineData");
    let mut told = Taking::of(value, spot.inline, at)?;
    let media_type = told.have_text("mimeType")?.unwrap_or_default();
    let data = told.have_text("data")?.ok_or_else(|| json::missing(at.then("data")))?;
    let name = told.have_text("displayName")?;
    told.rest(losses)?;
    Ok(Media { source: Source::Inline(standard(data)), media_type, name, detail: None, context: None })
}

/// Bytes that are elsewhere.
pub(crate) fn file<'a>(value: Raw<'a>, spot: Spot, losses: &mut Losses) -> Result<Media<'a>, Error> {
    let at = spot.at.inside("fileData");
    let mut told = Taking::of(value, spot.file, at)?;
    let uri = told.have_text("fileUri")?.ok_or_else(|| json::missing(at.then("fileUri")))?;
    let media_type = told.have_text("mimeType")?;
    let name = told.have_text("displayName")?;
    told.rest(losses)?;
    if !is_public(&uri) {
        return Err(losses.refusal(at.then("fileUri"), "a file that Google alone can read"));
    }
    let media_type = media_type.unwrap_or_else(|| of_ending(&uri).into());
    Ok(Media { source: Source::Url(uri), media_type, name, detail: None, context: None })
}

/// What it is, by its media type.
pub(crate) fn content<'a>(media: Media<'a>, at: At, losses: &Losses) -> Result<Content<'a>, Error> {
    let kind = media.media_type.to_ascii_lowercase();
    let is_text = kind.starts_with("text/") || TEXTS.contains(&&*kind);
    match (kind.split('/').next(), &media.source) {
        (Some("image"), _) => Ok(Content::Image(media)),
        (Some("audio"), _) => Ok(Content::Audio(media)),
        (Some("video"), _) => Err(losses.refusal(at, "video")),
        (_, Source::Inline(data)) if is_text => {
            let bytes = LENIENT.decode(data.as_bytes()).ok();
            let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
            let text =
                text.ok_or_else(|| json::wrong(at.then("inlineData.data"), "it is no text in base64"))?;
            Ok(Content::Document(Media { source: Source::Plain(text.into()), ..media }))
        }
        _ if is_text || kind == "application/pdf" => Ok(Content::Document(media)),
        _ if kind.is_empty() => Err(json::missing(at.then("mimeType"))),
        _ => Err(losses.refusal(at, "a file of this media type")),
    }
}

/// How closely an image is looked at.
pub(crate) fn detail(level: &str) -> Option<&'static str> {
    match level {
        "MEDIA_RESOLUTION_LOW" => Some("low"),
        "MEDIA_RESOLUTION_HIGH" => Some("high"),
        "MEDIA_RESOLUTION_ULTRA_HIGH" => Some("original"),
        _ => None,
    }
}

/// The media type that an address ends in; empty where that tells none.
pub(crate) fn of_ending(uri: &str) -> &'static str {
    let path = uri.split(['?', '#']).next().unwrap_or(uri).to_ascii_lowercase();
    ENDINGS.iter().find(|(ending, _)| path.ends_with(ending)).map_or("", |(_, kind)| *kind)
}

/// Whether anybody can read an address: files at Google and its videos are read by Gemini alone.
pub(crate) fn is_public(uri: &str) -> bool {
    uri.starts_with("https://") && !is_googles(uri) || uri.starts_with("http://")
}

/// Whether Gemini reads what is there from Google itself.
pub(crate) fn is_googles(uri: &str) -> bool {
    let Some(rest) = uri.strip_prefix("https://") else { return uri.starts_with("gs://") };
    let host = rest.split(['/', '?', '#']).next().unwrap_or(rest).trim_start_matches("www.");
    matches!(host, "generativelanguage.googleapis.com" | "youtube.com" | "youtu.be" | "m.youtube.com")
}

/// Base64 in the alphabet and with the padding that every other API takes.
fn standard(data: Text<'_>) -> Text<'_> {
    let is_odd = data.bytes().any(|byte| matches!(byte, b'-' | b'_' | b'\n' | b'\r'));
    if !is_odd && data.len().is_multiple_of(4) {
        return data;
    }
    let letters = data.chars().filter(|letter| !letter.is_ascii_whitespace() && *letter != '=');
    let mut text: String = letters
        .map(|letter| match letter {
            '-' => '+',
            '_' => '/',
            other => other,
        })
        .collect();
    while !text.len().is_multiple_of(4) {
        text.push('=');
    }
    Cow::Owned(text)
}

#[cfg(test)]
mod tests {
    use super::{is_googles, is_public, of_ending, standard};

    #[test]
    fn base64_is_told_in_the_standard_alphabet() {
        for (given, told) in [("AAEC", "AAEC"), ("-_8", "+/8="), ("AA E\nC", "AAEC"), ("AA==", "AA==")] {
            assert_eq!(standard(given.into()), told);
        }
    }

    #[test]
    fn what_google_alone_reads_is_no_public_address() {
        for (uri, public, googles) in [
            ("https://example.com/a.png?x=1", true, false),
            ("https://generativelanguage.googleapis.com/v1beta/files/x", false, true),
            ("https://www.youtube.com/watch?v=1", false, true),
            ("gs://bucket/a.png", false, true),
            ("files/x", false, false),
            ("http://example.com/a.png", true, false),
        ] {
            assert_eq!((is_public(uri), is_googles(uri)), (public, googles), "{uri}");
        }
        assert_eq!((of_ending("https://e.com/A.PNG?x"), of_ending("https://e.com/")), ("image/png", ""));
    }
}
