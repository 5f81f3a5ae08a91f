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

/// Bytes of the strings of these names, the first of each.
pub(super) fn text_length(data: &[u8], names: &[&[u8]]) -> u64 {
    let mut length = 0;
    for name in names {
        let Some(mut rest) = after(data, name).and_then(|value| value.strip_prefix(b"\"")) else { continue };
        while let Some(end) = memchr2(b'"', b'\\', rest) {
            length += end as u64;
            if rest.get(end) != Some(&b'\\') {
                break;
            }
            length += 1;
            rest = rest.get(end + 2..).unwrap_or_default();
        }
    }
    length
}

#[cfg(test)]
mod tests {
    use super::{number, string, text_length};

    #[test]
    fn a_value_is_found_by_its_name_and_not_by_the_same_letters_in_a_text() {
        let data = br#"{"text":"\"code\" and \"n\"", "code" : "c", "n": 17,"x":"n"}"#;
        assert_eq!(string(data, b"\"code\""), Some(&b"c"[..]));
        assert_eq!(number(data, b"\"n\""), Some(17));
        assert_eq!(text_length(data, &[b"\"x\"", b"\"code\"", b"\"none\""]), 2);
        assert_eq!(string(br#"{"code":null}"#, b"\"code\""), None);
    }
}
