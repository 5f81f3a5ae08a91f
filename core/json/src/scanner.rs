//! The walk over a document: one value after another, iteratively, with a bit for each level.

use std::ops::Range;

use crate::plain::{has_controls, quote_or_escape};

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

/// Walks a document.
pub(super) struct Scanner<'a> {
    document: &'a [u8],
    pub(super) at: usize,
    /// Whether it has control characters, which most have none of: strings are looked through for them then.
    controls: bool,
}

/// What a nested container is waiting for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    Value,
    FirstValueOrEnd,
    NameOfFirst,
    CommaOrEnd,
}

impl<'a> Scanner<'a> {
    /// Walks a document from here on.
    pub(super) fn new(document: &'a [u8], at: usize) -> Self {
        Self { document, at, controls: has_controls(document.get(at..).unwrap_or_default()) }
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.document.get(self.at).copied()
    }

    pub(super) fn wrong(&self, what: &'static str) -> Malformed {
        Malformed { at: self.at, what }
    }

    pub(super) fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    pub(super) fn object(&mut self, member: &mut impl FnMut(Member)) -> Result<Top, Malformed> {
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
    pub(super) fn value(&mut self) -> Result<(), Malformed> {
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
        let mut from = 0;
        loop {
            let rest = text.get(from..).unwrap_or_default();
            let found = quote_or_escape(rest);
            let plain = found.map_or(rest, |found| rest.get(..found).unwrap_or_default());
            if self.controls
                && let Some(control) = plain.iter().position(|byte| *byte < b' ')
            {
                self.at += from + control;
                return Err(self.wrong("a control character in a string must be escaped"));
            }
            match rest.get(plain.len()..).unwrap_or_default() {
                [b'"', ..] => {
                    self.at += from + plain.len() + 1;
                    return Ok(());
                }
                [b'\\', b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', ..] => {
                    from += plain.len() + 2;
                }
                [b'\\', b'u', a, b, c, d, ..]
                    if [a, b, c, d].iter().all(|digit| digit.is_ascii_hexdigit()) =>
                {
                    from += plain.len() + 6;
                }
                [b'\\', ..] => {
                    self.at += from + plain.len();
                    return Err(self.wrong("an escape in a string is wrong"));
                }
                _ => break,
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
