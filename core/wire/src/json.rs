//! A validating scanner of JSON: strict, iterative, bounded in depth, and quick over long strings.
//!
//! It builds nothing. It walks a document and tells where the members of the top-level object stand, so that a body
//! can be looked at and spliced without being parsed into a tree and written again.

pub mod capture;
pub mod case;
pub mod count;
pub(crate) mod member;
pub mod object;
pub(crate) mod plain;

use std::borrow::Cow;
use std::ops::Range;

use memchr::memchr;

use crate::json::plain::specials;

/// How deep a document may be nested: deeper than any request, and bounded, as each level costs a bit.
pub const MAX_DEPTH: usize = 512;

/// A mistake in a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// The byte at which it was found.
    pub at: usize,
    /// What was wrong.
    pub what: &'static str,
}

/// A member of an object: its name and its value, as spans of the document. The name's span has its quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The name with its quotes.
    pub name: Range<usize>,
    /// The value.
    pub value: Range<usize>,
}

/// Walks a whole document and calls `member` for each member of its top-level object.
///
/// # Errors
///
/// When the document is not strict JSON, is not UTF-8, or is nested too deep.
pub fn members(document: &[u8], mut member: impl FnMut(Member)) -> Result<Top, Malformed> {
    if let Err(error) = simdutf8::compat::from_utf8(document) {
        return Err(Malformed { at: error.valid_up_to(), what: "it is not UTF-8" });
    }
    let mut scanner = Scanner { document, at: 0 };
    scanner.space();
    let top = if scanner.peek() == Some(b'{') {
        scanner.object(&mut member)?
    } else {
        let start = scanner.at;
        scanner.value()?;
        Top::Other(start)
    };
    scanner.space();
    if scanner.at < document.len() {
        return Err(scanner.wrong("something follows the end of the document"));
    }
    Ok(top)
}

/// Calls `member` for each member of an object that is known to be valid JSON, given by its span.
pub fn members_within(document: &[u8], span: &Range<usize>, mut member: impl FnMut(Member)) {
    let mut scanner = Scanner { document: document.get(..span.end).unwrap_or_default(), at: span.start };
    if scanner.peek() == Some(b'{') {
        // Valid already: what fails here would have failed before.
        let _ = scanner.object(&mut member);
    }
}

/// Calls `element` for each element of an array that is known to be valid JSON, given by its span.
pub fn elements_within(document: &[u8], span: &Range<usize>, mut element: impl FnMut(Range<usize>)) {
    elements_while(document, span, |found| {
        element(found);
        true
    });
}

/// The same, until `element` says that it has seen enough.
pub fn elements_while(document: &[u8], span: &Range<usize>, mut element: impl FnMut(Range<usize>) -> bool) {
    let mut scanner = Scanner { document: document.get(..span.end).unwrap_or_default(), at: span.start };
    if scanner.peek() != Some(b'[') {
        return;
    }
    scanner.at += 1;
    loop {
        scanner.space();
        match scanner.peek() {
            Some(b',') => scanner.at += 1,
            Some(b']') | None => return,
            Some(_) => {
                let start = scanner.at;
                if scanner.value().is_err() || !element(start..scanner.at) {
                    return;
                }
            }
        }
    }
}

/// What a document is at its top.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Top {
    /// An object.
    Object {
        /// The byte after its opening brace.
        start: usize,
        /// Whether it has no members.
        empty: bool,
    },
    /// Something else, which starts at this byte.
    Other(usize),
}

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

struct Scanner<'a> {
    document: &'a [u8],
    at: usize,
}

/// What a nested container is waiting for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    Value,
    FirstValueOrEnd,
    NameOfFirst,
    CommaOrEnd,
}

impl Scanner<'_> {
    fn peek(&self) -> Option<u8> {
        self.document.get(self.at).copied()
    }

    fn wrong(&self, what: &'static str) -> Malformed {
        Malformed { at: self.at, what }
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn object(&mut self, member: &mut impl FnMut(Member)) -> Result<Top, Malformed> {
        self.at += 1;
        let start = self.at;
        self.space();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(Top::Object { start, empty: true });
        }
        loop {
            let name = self.name()?;
            let from = self.at;
            self.value()?;
            member(Member { name, value: from..self.at });
            self.space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    return Ok(Top::Object { start, empty: false });
                }
                _ => return Err(self.wrong("a comma or } is missing")),
            }
        }
    }

    /// A member's name and its colon, with the space around them.
    fn name(&mut self) -> Result<Range<usize>, Malformed> {
        self.space();
        if self.peek() != Some(b'"') {
            return Err(self.wrong("a name in quotes is missing"));
        }
        let start = self.at;
        self.string()?;
        let name = start..self.at;
        self.space();
        if self.peek() != Some(b':') {
            return Err(self.wrong("a colon is missing"));
        }
        self.at += 1;
        self.space();
        Ok(name)
    }

    /// A value of any kind. Containers are walked with a stack of bits, never by recursion.
    fn value(&mut self) -> Result<(), Malformed> {
        let mut open = Stack::default();
        let mut next = Next::Value;
        loop {
            self.space();
            let byte = self.peek();
            match (next, byte) {
                (Next::CommaOrEnd, Some(b',')) => {
                    self.at += 1;
                    if open.top_is_object() {
                        self.name()?;
                    }
                    next = Next::Value;
                    continue;
                }
                (Next::CommaOrEnd | Next::NameOfFirst, Some(b'}')) if open.top_is_object() => {
                    self.at += 1;
                    open.pop();
                }
                (Next::CommaOrEnd | Next::FirstValueOrEnd, Some(b']')) if !open.top_is_object() => {
                    self.at += 1;
                    open.pop();
                }
                (Next::CommaOrEnd, _) => {
                    return Err(self.wrong("a comma or the end of a list or object is missing"));
                }
                (Next::NameOfFirst, _) => {
                    self.name()?;
                    next = Next::Value;
                    continue;
                }
                (_, Some(b'{')) => {
                    self.at += 1;
                    open.push(true).map_err(|what| self.wrong(what))?;
                    next = Next::NameOfFirst;
                    continue;
                }
                (_, Some(b'[')) => {
                    self.at += 1;
                    open.push(false).map_err(|what| self.wrong(what))?;
                    next = Next::FirstValueOrEnd;
                    continue;
                }
                (_, Some(b'"')) => self.string()?,
                (_, Some(b'-' | b'0'..=b'9')) => self.number()?,
                (_, Some(b't')) => self.word(b"true")?,
                (_, Some(b'f')) => self.word(b"false")?,
                (_, Some(b'n')) => self.word(b"null")?,
                (_, Some(_)) => return Err(self.wrong("this can't start a value")),
                (_, None) => return Err(self.wrong("it ends too early")),
            }
            if open.is_empty() {
                return Ok(());
            }
            next = Next::CommaOrEnd;
        }
    }

    fn string(&mut self) -> Result<(), Malformed> {
        self.at += 1;
        let text = self.document.get(self.at..).unwrap_or_default();
        // What stands before was escaped.
        let mut from = 0;
        for place in specials(text).filter_map(|at| Some((at, text.get(at..)?))) {
            match place {
                (at, _) if at < from => {}
                (at, [b'"', ..]) => {
                    self.at += at + 1;
                    return Ok(());
                }
                (at, [b'\\', b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', ..]) => from = at + 2,
                (_, [b'\\', b'u', a, b, c, d, ..])
                    if [a, b, c, d].iter().all(|digit| digit.is_ascii_hexdigit()) => {}
                (at, found) => {
                    self.at += at;
                    let what = match found {
                        [b'\\', ..] => "an escape in a string is wrong",
                        _ => "a control character in a string must be escaped",
                    };
                    return Err(self.wrong(what));
                }
            }
        }
        self.at += text.len();
        Err(self.wrong("a string has no end"))
    }

    fn number(&mut self) -> Result<(), Malformed> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        match self.peek() {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.digits(),
            _ => return Err(self.wrong("a number is wrong")),
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.some_digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.some_digits()?;
        }
        Ok(())
    }

    fn some_digits(&mut self) -> Result<(), Malformed> {
        if !matches!(self.peek(), Some(b'0'..=b'9')) {
            return Err(self.wrong("a number is wrong"));
        }
        self.digits();
        Ok(())
    }

    fn digits(&mut self) {
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
    }

    fn word(&mut self, word: &'static [u8]) -> Result<(), Malformed> {
        if !self.document.get(self.at..).is_some_and(|rest| rest.starts_with(word)) {
            return Err(self.wrong("this can't start a value"));
        }
        self.at += word.len();
        Ok(())
    }
}

/// Which of the open containers are objects: a bit each.
#[derive(Default)]
struct Stack {
    bits: [u64; MAX_DEPTH / 64],
    depth: usize,
}

impl Stack {
    fn push(&mut self, object: bool) -> Result<(), &'static str> {
        let Some(word) = self.bits.get_mut(self.depth / 64) else {
            return Err("it is nested too deep");
        };
        let bit = 1 << (self.depth % 64);
        *word = if object { *word | bit } else { *word & !bit };
        self.depth += 1;
        Ok(())
    }

    fn pop(&mut self) {
        self.depth = self.depth.saturating_sub(1);
    }

    fn is_empty(&self) -> bool {
        self.depth == 0
    }

    fn top_is_object(&self) -> bool {
        let Some(top) = self.depth.checked_sub(1) else { return false };
        self.bits.get(top / 64).is_some_and(|word| word & (1 << (top % 64)) != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_DEPTH, Top, members, unescape, unescaped};

    fn names(document: &str) -> Vec<String> {
        let mut found = Vec::new();
        members(document.as_bytes(), |member| {
            let text = |span: std::ops::Range<usize>| document.get(span).unwrap();
            found.push(format!("{}={}", text(member.name), text(member.value)));
        })
        .unwrap();
        found
    }

    #[test]
    fn members_of_the_top_level_are_told_by_their_spans() {
        assert_eq!(
            names(r#" {"a" : [1,{"a":2}], "b":"x\"y" ,"c":{}, "d": -1.5e+3 } "#),
            [r#""a"=[1,{"a":2}]"#, r#""b"="x\"y""#, r#""c"={}"#, r#""d"=-1.5e+3"#]
        );
        assert_eq!(members(b"{}", |_| ()), Ok(Top::Object { start: 1, empty: true }));
        assert_eq!(members(b" [1]", |_| ()), Ok(Top::Other(1)));
    }

    #[test]
    fn what_is_not_strict_json_is_refused() {
        for wrong in [
            "",
            "{",
            "}",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "[1,]",
            "[1 2]",
            "{a:1}",
            "{\"a\":01}",
            "{\"a\":.5}",
            "{\"a\":1.}",
            "{\"a\":+1}",
            "\"\\x\"",
            "\"\\u12g4\"",
            "\"a\nb\"",
            "nul",
            "{} {}",
            "[}",
            "{]",
            "[[1}",
            "'a'",
        ] {
            assert!(members(wrong.as_bytes(), |_| ()).is_err(), "{wrong}");
        }
        assert!(members(b"{\"a\":\"\xff\"}", |_| ()).is_err());
    }

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

    #[test]
    fn depth_is_bounded_without_recursion() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(members(nested(MAX_DEPTH).as_bytes(), |_| ()).is_ok());
        assert!(members(nested(MAX_DEPTH + 1).as_bytes(), |_| ()).is_err());
        assert!(members("[".repeat(100_000).as_bytes(), |_| ()).is_err());
        assert!(members("{\"a\":".repeat(100_000).as_bytes(), |_| ()).is_err());
    }
}
