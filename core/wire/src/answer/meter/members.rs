//! Looks into an event's bytes for a value by its name, without parsing the event.

use memchr::memchr;
use serde_json::value::RawValue;

use sluice_json::plain::string_length;

/// The members of all objects in some data, in one pass: the name with its quotes, and all that follows its colon. Data
/// that is cut off ends them.
struct Members<'a>(&'a [u8]);

impl<'a> Iterator for Members<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            // Seldom more than some bytes away, so that nothing quicker than looking at each pays.
            let from = self.0.get(self.0.iter().position(|byte| *byte == b'"')?..)?;
            let length = quoted(from)?;
            let (text, rest) = from.split_at_checked(length)?;
            self.0 = rest;
            // What is no name is a value.
            if let Some(value) = rest.trim_ascii_start().strip_prefix(b":") {
                self.0 = value.trim_ascii_start();
                return Some((text, self.0));
            }
        }
    }
}

/// Bytes of a string with its quotes, if it has its second one.
fn quoted(data: &[u8]) -> Option<usize> {
    let (length, ended) = string_length(data.get(1..)?, &mut false);
    ended.then_some(length + 1)
}

/// What follows a name and its colon; the name is given with its quotes.
pub(super) fn after<'a>(data: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    Members(data).find(|(found, _)| *found == name).map(|(_, value)| value)
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
    after(data, name).and_then(inner)
}

/// The string that a value is, as it is written, without its quotes; of one that is cut off nothing.
pub(super) fn inner(value: &[u8]) -> Option<&[u8]> {
    value.starts_with(b"\"").then(|| value.get(1..quoted(value)? - 1)).flatten()
}

/// The first value of each of these names, and all that follows it, in one pass.
pub(super) fn firsts<'a, const N: usize>(data: &'a [u8], names: &[&[u8]; N]) -> [Option<&'a [u8]>; N] {
    let mut found = [None; N];
    for (name, value) in Members(data) {
        if let Some((_, first)) = names.iter().zip(&mut found).find(|(wanted, _)| **wanted == name) {
            first.get_or_insert(value);
        }
    }
    found
}

/// Bytes of the string that a value is, as it is written; none of anything else.
pub(super) fn length(value: Option<&[u8]>) -> u64 {
    value.and_then(inner).map_or(0, <[u8]>::len) as u64
}

/// Bytes of the strings of these names, as they are written, the first of each.
pub(super) fn text_length<const COUNT: usize>(data: &[u8], names: &[&[u8]; COUNT]) -> u64 {
    firsts(data, names).map(length).iter().sum()
}

/// Bytes of the objects of these names, as they are written, all of each; of one that is cut off nothing.
pub(super) fn objects_length(data: &[u8], names: &[&[u8]]) -> u64 {
    let calls = Members(data).filter(|(name, value)| names.contains(name) && value.starts_with(b"{"));
    let length = |value: &[u8]| {
        let object = serde_json::Deserializer::from_slice(value).into_iter::<&RawValue>().next();
        object.and_then(Result::ok).map_or(0, |object| object.get().len() as u64)
    };
    calls.map(|(_, value)| length(value)).sum()
}

/// Whether one of these names has a string that is not empty. The data may be cut off.
pub(super) fn has_text(data: &[u8], names: &[&[u8]]) -> bool {
    let text = |value: &[u8]| matches!(value, [b'"', first, ..] if *first != b'"');
    Members(data).any(|(name, value)| names.contains(&name) && text(value))
}

#[cfg(test)]
mod tests {
    use super::{has_text, number, objects_length, string, text_length, written};

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
    fn objects_are_counted_as_they_are_written_each_of_them() {
        let of = |data: &str| objects_length(data.as_bytes(), &[b"\"call\"", b"\"code\""]);
        assert_eq!(of(r#"[{"call": {"a":"}"} },{"call":{}},{"code":{"x":1}}]"#), 9 + 2 + 7);
        assert_eq!(of(r#"[{"call":{"a":"cut"#), 0);
        assert_eq!(of(r#"["\"call\":{}"]"#), 0);
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
