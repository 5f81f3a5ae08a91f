//! The text of a string that was read.

use std::borrow::Cow;

use memchr::memchr;

/// The text of a JSON string, given with its quotes. Lone surrogates become U+FFFD.
#[must_use]
pub fn unescape(quoted: &[u8]) -> String {
    let inner = quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default();
    if !inner.contains(&b'\\') {
        return String::from_utf8_lossy(inner).into_owned();
    }
    let text = |quoted: &[u8]| serde_json::from_slice(quoted).ok();
    let lossy = || String::from_utf8_lossy(inner).into_owned();
    text(quoted).or_else(|| text(&without_halves(quoted))).unwrap_or_else(lossy)
}

/// A JSON string with an escaped U+FFFD for each surrogate that stands alone.
fn without_halves(quoted: &[u8]) -> Vec<u8> {
    let unit = |escape: &[u8]| {
        let digits = std::str::from_utf8(escape.strip_prefix(b"\\u")?.get(..4)?).ok()?;
        u16::from_str_radix(digits, 16).ok()
    };
    let mut whole = Vec::with_capacity(quoted.len());
    let mut rest = quoted;
    while let Some(at) = memchr(b'\\', rest) {
        let (plain, escape) = rest.split_at(at);
        let (length, is_half) = match unit(escape) {
            None => (2, false),
            Some(0xD800..=0xDBFF) if matches!(escape.get(6..).and_then(unit), Some(0xDC00..=0xDFFF)) => {
                (12, false)
            }
            Some(unit) => (6, matches!(unit, 0xD800..=0xDFFF)),
        };
        let (escape, more) = escape.split_at(length.min(escape.len()));
        whole.extend_from_slice(plain);
        whole.extend_from_slice(if is_half { b"\\uFFFD" } else { escape });
        rest = more;
    }
    whole.extend_from_slice(rest);
    whole
}

/// The same, borrowed where nothing is escaped.
#[must_use]
pub fn unescaped(quoted: &[u8]) -> Cow<'_, str> {
    let inner = quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default();
    match std::str::from_utf8(inner) {
        Ok(plain) if !inner.contains(&b'\\') => Cow::Borrowed(plain),
        _ => Cow::Owned(unescape(quoted)),
    }
}

#[cfg(test)]
mod tests {
    use super::{unescape, unescaped};

    #[test]
    fn half_a_surrogate_is_the_replacement_character_and_the_rest_is_as_it_was_written() {
        for (quoted, text) in [
            (r#""a\ud800""#, "a\u{fffd}"),
            (r#""\udc00\u0062\ud83d\ude00""#, "\u{fffd}b\u{1f600}"),
            (r#""\ud83d\ud83d\uDE00\n""#, "\u{fffd}\u{1f600}\n"),
            (r#""\\ud800\ud800x""#, "\\ud800\u{fffd}x"),
            (r#""\ud800\\udc00""#, "\u{fffd}\\udc00"),
        ] {
            assert_eq!(unescape(quoted.as_bytes()), text, "{quoted}");
            assert_eq!(unescaped(quoted.as_bytes()), text, "{quoted}");
        }
    }
}
