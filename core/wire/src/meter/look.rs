//! Looks into an event's bytes for a value by its name, without parsing the event.

use memchr::{memchr, memchr2, memmem};

/// What follows a name and its colon; the name is given with its quotes.
pub(super) fn after<'a>(data: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let mut rest = data;
    loop {
        let at = memmem::find(rest, name)?;
        rest = rest.get(at + name.len()..)?;
        // The same letters may stand in a text: only a name has a colon after it.
        if let Some(value) = rest.trim_ascii_start().strip_prefix(b":") {
            return Some(value.trim_ascii_start());
        }
    }
}

/// A short string by its name; `None` where it is something else.
pub(super) fn string<'a>(data: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let rest = after(data, name)?.strip_prefix(b"\"")?;
    rest.get(..memchr(b'"', rest)?)
}

/// A whole number by its name.
pub(super) fn number(data: &[u8], name: &[u8]) -> Option<u64> {
    let rest = after(data, name)?;
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    std::str::from_utf8(rest.get(..digits)?).ok()?.parse().ok()
}

/// A string by its name as it is written, without its quotes; of one that is cut off nothing.
pub(super) fn written<'a>(data: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let text = after(data, name)?.strip_prefix(b"\"")?;
    let mut at = 0;
    loop {
        at += memchr2(b'"', b'\\', text.get(at..)?)?;
        if text.get(at) == Some(&b'"') {
            return text.get(..at);
        }
        at += 2;
    }
}

/// Bytes of the strings of these names, as they are written, the first of each.
pub(super) fn text_length(data: &[u8], names: &[&[u8]]) -> u64 {
    names.iter().filter_map(|name| written(data, name)).map(|text| text.len() as u64).sum()
}

/// Whether one of these names has a string that is not empty. The data may be cut off.
pub(super) fn has_text(data: &[u8], names: &[&[u8]]) -> bool {
    names.iter().any(|name| {
        let mut rest = data;
        while let Some(value) = after(rest, name) {
            if matches!(value, [b'"', first, ..] if *first != b'"') {
                return true;
            }
            rest = value;
        }
        false
    })
}

#[cfg(test)]
mod tests {
    use super::{has_text, number, string, text_length, written};

    #[test]
    fn a_value_is_found_by_its_name_and_not_by_the_same_letters_in_a_text() {
        let data = br#"{"text":"\"code\" and \"n\"", "code" : "c", "n": 17,"x":"n"}"#;
        assert_eq!(string(data, b"\"code\""), Some(&b"c"[..]));
        assert_eq!(number(data, b"\"n\""), Some(17));
        assert_eq!(text_length(data, &[b"\"x\"", b"\"code\"", b"\"none\""]), 2);
        assert_eq!(string(br#"{"code":null}"#, b"\"code\""), None);
    }

    #[test]
    fn a_text_is_as_it_is_written_up_to_its_own_quote() {
        let of = |data| written(data, b"\"t\"");
        assert_eq!(of(br#"{"t":"a\"b\\","u":"c"}"#), Some(&br#"a\"b\\"#[..]));
        assert_eq!(of(br#"{"t":""}"#), Some(&b""[..]));
        assert_eq!(of(br#"{"t":"cut \"#), None);
    }

    #[test]
    fn a_text_anywhere_is_found_and_an_empty_one_is_none() {
        let of = |data: &str| has_text(data.as_bytes(), &[b"\"text\"", b"\"content\""]);
        assert!(of(r#"[{"type":"text","text":""},{"type":"text","text":"a long one that is cu"#));
        assert!(of(r#"[{"message":{"content":"a"}}]"#));
        assert!(!of(r#"[{"type":"text","text":""},{"content":null}]"#));
        assert!(!of("[]"));
    }
}
