//! Images and files as data URLs, and back.

use std::borrow::Cow;

use sluice_neutral::request::{Source, Text};

/// Kinds of files by how their names end.
const ENDINGS: [(&str, &str); 9] = [
    ("pdf", "application/pdf"),
    ("txt", "text/plain"),
    ("csv", "text/csv"),
    ("json", "application/json"),
    ("png", "image/png"),
    ("jpg", "image/jpeg"),
    ("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ("pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
];

/// What stands at an address, or in it, and its media type.
pub(crate) fn addressed(url: Text<'_>) -> (Source<'_>, Text<'_>) {
    match split(url) {
        Ok((media_type, data)) => (Source::Inline(data), media_type),
        Err(url) => (Source::Url(url), Cow::Borrowed("")),
    }
}

/// A file that is here: a data URL, or base64 alone.
pub(crate) fn held<'a>(data: Text<'a>, name: Option<&str>) -> (Source<'a>, Text<'a>) {
    match split(data) {
        Ok((media_type, data)) => (Source::Inline(data), media_type),
        Err(data) => {
            let ending = name.and_then(|name| name.rsplit_once('.')).map_or("pdf", |(_, ending)| ending);
            let known = ENDINGS.iter().find(|(known, _)| ending.eq_ignore_ascii_case(known));
            (Source::Inline(data), Cow::Borrowed(known.map_or("application/pdf", |(_, kind)| *kind)))
        }
    }
}

/// A file's name, with an ending by which its kind is known.
pub(crate) fn named<'a>(name: Option<&'a str>, media_type: &str) -> Cow<'a, str> {
    let known = ENDINGS.iter().find(|(_, kind)| *kind == media_type).map_or("pdf", |(ending, _)| *ending);
    match name.filter(|name| !name.is_empty()) {
        Some(name) if name.contains('.') => Cow::Borrowed(name),
        Some(name) => Cow::Owned(format!("{name}.{known}")),
        None => Cow::Owned(format!("document.{known}")),
    }
}

/// The media type and the base64 of a data URL.
fn split(url: Text<'_>) -> Result<(Text<'_>, Text<'_>), Text<'_>> {
    let found = |url: &str| -> Option<(usize, usize)> {
        let rest = url.strip_prefix("data:")?;
        let comma = rest.find(',')?;
        let head = rest.get(..comma)?.strip_suffix(";base64")?;
        // What else is told of it (a charset, a name) is not its kind.
        let kind = head.split(';').next().unwrap_or_default();
        Some((5 + kind.len(), 5 + comma + 1))
    };
    let Some((kind, data)) = found(&url) else { return Err(url) };
    match url {
        Cow::Borrowed(url) => match (url.get(5..kind), url.get(data..)) {
            (Some(kind), Some(data)) => Ok((Cow::Borrowed(kind), Cow::Borrowed(data))),
            _ => Err(Cow::Borrowed(url)),
        },
        Cow::Owned(mut url) => {
            let media_type = url.get(5..kind).unwrap_or_default().to_owned();
            url.drain(..data);
            Ok((Cow::Owned(media_type), Cow::Owned(url)))
        }
    }
}
