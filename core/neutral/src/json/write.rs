//! JSON written straight into a body, without a tree of it.

use std::io::Write as _;

/// An object that is being written; it is closed when it goes.
///
/// Names of members are written as they are: they are the dialect's own.
#[derive(Debug)]
pub struct Object<'o> {
    out: &'o mut Vec<u8>,
    any: bool,
    end: &'static [u8],
}

impl<'o> Object<'o> {
    /// Begins one.
    #[must_use]
    pub fn new(out: &'o mut Vec<u8>) -> Self {
        Self::ending(out, b"}")
    }

    /// One that stands in something which ends with it.
    #[must_use]
    pub fn ending(out: &'o mut Vec<u8>, end: &'static [u8]) -> Self {
        out.push(b'{');
        Self { out, any: false, end }
    }

    /// Members that are JSON already.
    pub fn members(&mut self, members: &str) {
        if self.any {
            self.out.push(b',');
        }
        self.any = true;
        self.out.extend(members.as_bytes());
    }

    /// A member of this name, its value to be written by the caller.
    pub fn member(&mut self, name: &str) -> &mut Vec<u8> {
        if self.any {
            self.out.push(b',');
        }
        self.any = true;
        self.out.push(b'"');
        self.out.extend(name.as_bytes());
        self.out.extend(b"\":");
        self.out
    }

    /// A string.
    pub fn text(&mut self, name: &str, text: &str) {
        string(self.member(name), text);
    }

    /// A string, and the same object again: for what is a line of short texts.
    pub fn with(&mut self, name: &str, text: &str) -> &mut Self {
        self.text(name, text);
        self
    }

    /// A string, where there is one.
    pub fn some(&mut self, name: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.text(name, text);
        }
    }

    /// A value that is JSON already.
    pub fn raw(&mut self, name: &str, json: impl AsRef<[u8]>) {
        self.member(name).extend(json.as_ref());
    }

    /// A whole number.
    pub fn number(&mut self, name: &str, number: u64) {
        // Writing into a vector does not fail.
        let _ = write!(self.member(name), "{number}");
    }

    /// True or false.
    pub fn flag(&mut self, name: &str, flag: bool) {
        self.raw(name, if flag { "true" } else { "false" });
    }

    /// An object within.
    pub fn object(&mut self, name: &str) -> Object<'_> {
        Object::new(self.member(name))
    }

    /// An array within.
    pub fn list(&mut self, name: &str) -> List<'_> {
        List::new(self.member(name))
    }
}

impl Drop for Object<'_> {
    fn drop(&mut self) {
        self.out.extend(self.end);
    }
}

/// An array that is being written; it is closed when it goes.
#[derive(Debug)]
pub struct List<'o> {
    out: &'o mut Vec<u8>,
    any: bool,
}

impl<'o> List<'o> {
    /// Begins one.
    #[must_use]
    pub fn new(out: &'o mut Vec<u8>) -> Self {
        out.push(b'[');
        Self { out, any: false }
    }

    /// Whether nothing stands in it yet.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        !self.any
    }

    /// An element, to be written by the caller.
    pub fn element(&mut self) -> &mut Vec<u8> {
        if self.any {
            self.out.push(b',');
        }
        self.any = true;
        self.out
    }

    /// A string.
    pub fn text(&mut self, text: &str) {
        string(self.element(), text);
    }

    /// An object.
    pub fn object(&mut self) -> Object<'_> {
        Object::new(self.element())
    }
}

impl Drop for List<'_> {
    fn drop(&mut self) {
        self.out.push(b']');
    }
}

/// A string, quoted.
pub fn string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    escaped(out, text);
    out.push(b'"');
}

/// A text as it stands between quotes.
pub fn escaped(out: &mut Vec<u8>, text: &str) {
    let mut rest = text.as_bytes();
    loop {
        let (plain, special) = rest.split_at(plain(rest));
        out.extend_from_slice(plain);
        let Some((byte, after)) = special.split_first() else { return };
        match byte {
            b'"' => out.extend(br#"\""#),
            b'\\' => out.extend(br"\\"),
            b'\n' => out.extend(br"\n"),
            b'\r' => out.extend(br"\r"),
            b'\t' => out.extend(br"\t"),
            8 => out.extend(br"\b"),
            12 => out.extend(br"\f"),
            byte => {
                // Writing into a vector does not fail.
                let _ = write!(out, "\\u{byte:04x}");
            }
        }
        rest = after;
    }
}

/// How many bytes come before one that is escaped, looked through by words.
fn plain(bytes: &[u8]) -> usize {
    let words = bytes.chunks_exact(8).map(|word| u64::from_le_bytes(word.try_into().unwrap_or_default()));
    let sure = words.take_while(|word| !has_escaped(*word)).count() * 8;
    let rest = bytes.get(sure..).unwrap_or_default();
    let is_escaped = |byte: &u8| *byte < b' ' || *byte == b'"' || *byte == b'\\';
    sure + rest.iter().position(is_escaped).unwrap_or(rest.len())
}

/// Whether a byte of a word is escaped: below a space, a quote, or a backslash.
const fn has_escaped(word: u64) -> bool {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    // The highest bit of a byte is set where it borrows, which one below a space does, and zero where one is taken of it.
    let below = word.wrapping_sub(ONES * 0x20) & !word;
    let (quote, slash) = (word ^ (ONES * 0x22), word ^ (ONES * 0x5c));
    let quoted = quote.wrapping_sub(ONES) & !quote;
    let slashed = slash.wrapping_sub(ONES) & !slash;
    (below | quoted | slashed) & HIGH != 0
}

/// JSON in one line: breaks stand between its tokens alone.
#[must_use]
pub fn line(json: &str) -> String {
    json.replace(['\n', '\r'], " ")
}

#[cfg(test)]
mod tests {
    use super::{Object, line, string};

    #[test]
    fn a_string_is_written_as_serde_json_writes_it_wherever_something_is_escaped() {
        for byte in 0..=0x7f_u8 {
            for before in 0..18 {
                let text = format!(
                    "{}{}é\u{1f600}\u{7f}rest",
                    "é".repeat(before / 2) + &"a".repeat(before % 2),
                    char::from(byte)
                );
                let mut out = Vec::new();
                string(&mut out, &text);
                assert_eq!(String::from_utf8(out).unwrap(), serde_json::to_string(&text).unwrap());
            }
        }
    }

    #[test]
    fn what_is_written_is_closed_when_it_goes() {
        let mut out = Vec::new();
        let mut object = Object::ending(&mut out, b"}\n\n");
        object.text("a", "\"\n");
        object.some("none", None);
        object.with("w", "1").with("x", "2");
        object.object("b").number("n", 7);
        let mut list = object.list("c");
        assert!(list.is_empty());
        list.text("x");
        assert!(!list.is_empty());
        list.object().flag("f", true);
        drop(list);
        object.members(r#""d":1.50,"e":null"#);
        object.raw("g", line("{\n\"h\":\r1}"));
        drop(object);
        let text = String::from_utf8(out).unwrap();
        let written = r#"{"a":"\"\n","w":"1","x":"2","b":{"n":7},"c":["x",{"f":true}],"d":1.50,"e":null,"g":{ "h": 1}}"#;
        assert_eq!(text, format!("{written}\n\n"));
    }
}
