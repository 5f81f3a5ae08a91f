//! Server-sent events: found in chunks that may be cut anywhere, and written.

use memchr::memchr2;

/// The largest event that is looked into; a larger one passes, but unseen.
pub const MAX_EVENT: usize = 16 * 1024 * 1024;

/// U+FEFF in UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// Finds events. It follows the WHATWG grammar: lines end in CR, LF or CRLF; `data:` lines add up; a space after the
/// colon is no part of the value; lines that begin with a colon are comments; a byte order mark before the first line is
/// no part of it.
#[derive(Debug, Default)]
pub struct Scanner {
    line: Vec<u8>,
    name: Vec<u8>,
    data: Vec<u8>,
    has_data: bool,
    /// A line has been taken, so that no byte order mark may come.
    past_first_line: bool,
    after_cr: bool,
    dirty: bool,
    oversized: bool,
    has_lost: bool,
}

/// An event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event<'a> {
    /// Its name; empty where it has none.
    pub name: &'a [u8],
    /// Its data, lines joined by LF.
    pub data: &'a [u8],
    /// Whether one before it was lost, as it was larger than is looked into.
    pub after_lost: bool,
}

impl Scanner {
    /// Takes a chunk and calls `event` for each event that it completes.
    pub fn feed(&mut self, mut chunk: &[u8], event: &mut impl FnMut(Event<'_>)) {
        if let Some(first) = chunk.first()
            && std::mem::take(&mut self.after_cr)
            && *first == b'\n'
        {
            chunk = chunk.get(1..).unwrap_or_default();
        }
        while let Some(end) = memchr2(b'\n', b'\r', chunk) {
            let (line, rest) = chunk.split_at(end);
            if self.line.is_empty() {
                self.take_line(line, event);
            } else {
                self.hold(line);
                let whole = std::mem::take(&mut self.line);
                self.take_line(&whole, event);
                self.line = whole;
                self.line.clear();
            }
            chunk = match rest {
                [b'\r', b'\n', rest @ ..] | [b'\n', rest @ ..] => rest,
                [b'\r'] => {
                    self.after_cr = true;
                    &[]
                }
                [_, rest @ ..] => rest,
                [] => &[],
            };
        }
        if !chunk.is_empty() {
            self.dirty = true;
            self.hold(chunk);
        }
    }

    /// The stream has ended: an event that lacks its last blank line is an event all the same.
    pub fn finish(&mut self, event: &mut impl FnMut(Event<'_>)) {
        let line = std::mem::take(&mut self.line);
        if !line.is_empty() {
            self.take_line(&line, event);
        }
        self.take_line(b"", event);
        self.dirty = false;
    }

    /// Whether bytes of an unfinished event have been fed.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.dirty
    }

    /// Whether an event was larger than is looked into.
    #[must_use]
    pub fn has_lost(&self) -> bool {
        self.has_lost
    }

    fn hold(&mut self, bytes: &[u8]) {
        if self.line.len() + bytes.len() > MAX_EVENT {
            (self.oversized, self.has_lost) = (true, true);
            return;
        }
        self.line.extend_from_slice(bytes);
    }

    fn take_line(&mut self, mut line: &[u8], event: &mut impl FnMut(Event<'_>)) {
        if !std::mem::replace(&mut self.past_first_line, true) {
            line = line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line);
        }
        if line.is_empty() {
            if self.has_data && !self.oversized {
                event(Event { name: &self.name, data: &self.data, after_lost: self.has_lost });
            }
            self.name.clear();
            self.data.clear();
            self.has_data = false;
            self.oversized = false;
            self.dirty = false;
            return;
        }
        self.dirty = true;
        if let Some(value) = field(line, b"data") {
            if self.data.len() + value.len() > MAX_EVENT {
                (self.oversized, self.has_lost) = (true, true);
                return;
            }
            if self.has_data {
                self.data.push(b'\n');
            }
            self.has_data = true;
            self.data.extend_from_slice(value);
        } else if let Some(value) = field(line, b"event") {
            self.name.clear();
            self.name.extend_from_slice(value);
        }
    }
}

/// Writes an event. A line end in its data, which JSON has as white space alone, begins a line of its own; there is none
/// in its name.
pub fn write(name: &str, data: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(b"event: ");
    out.extend_from_slice(name.as_bytes());
    for line in data.split(|byte| matches!(byte, b'\n' | b'\r')) {
        out.extend_from_slice(b"\ndata: ");
        out.extend_from_slice(line);
    }
    out.extend_from_slice(b"\n\n");
}

fn field<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    match line.strip_prefix(name)? {
        [] => Some(&[]),
        [b':', b' ', value @ ..] | [b':', value @ ..] => Some(value),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_EVENT, Scanner, write};

    fn events(pieces: &[&[u8]]) -> Vec<(String, String)> {
        let mut found = Vec::new();
        let mut scanner = Scanner::default();
        let mut take = |event: super::Event<'_>| {
            found.push((
                String::from_utf8_lossy(event.name).into(),
                String::from_utf8_lossy(event.data).into(),
            ));
        };
        for piece in pieces {
            scanner.feed(piece, &mut take);
        }
        scanner.finish(&mut take);
        found
    }

    fn check(stream: &str, expected: &[(&str, &str)]) {
        let expected: Vec<(String, String)> =
            expected.iter().map(|(a, b)| ((*a).into(), (*b).into())).collect();
        assert_eq!(events(&[stream.as_bytes()]), expected, "{stream:?}");
        for at in 0..stream.len() {
            let (one, other) = stream.as_bytes().split_at(at);
            assert_eq!(events(&[one, other]), expected, "{stream:?} cut at {at}");
        }
    }

    #[test]
    fn an_event_cut_anywhere_is_still_one_event() {
        check("event: a\ndata: {\"x\":\"é\"}\n\n", &[("a", "{\"x\":\"é\"}")]);
        check("event:a\r\ndata:1\r\n\r\ndata: 2\r\n\r\n", &[("a", "1"), ("", "2")]);
        check("data: 1\r\rdata: 2\r\r", &[("", "1"), ("", "2")]);
        check("data: 1\ndata: 2\n\n", &[("", "1\n2")]);
        check(": comment\n\ndata: 1\n\n: more\n\n", &[("", "1")]);
        check("data: [DONE]", &[("", "[DONE]")]);
        check("id: 7\nretry: 1\ndata\n\n", &[("", "")]);
        check("event: ping\n\n", &[]);
        check("\u{feff}data: 1\n\n\u{feff}data: 2\n\n", &[("", "1")]);
        check("\u{feff}\ndata: 1\n\n", &[("", "1")]);
    }

    #[test]
    fn an_empty_chunk_between_cr_and_lf_is_nothing() {
        let pieces = [&b"data: 1\r"[..], b"", b"\ndata: 2\n\n"];
        assert_eq!(events(&pieces), events(&[&pieces.concat()]));
    }

    #[test]
    fn what_is_larger_than_is_looked_into_is_known_to_be_lost() {
        for pieces in [[MAX_EVENT - 10, 20], [20, MAX_EVENT - 10]] {
            let (mut scanner, mut found) = (Scanner::default(), 0);
            for piece in pieces {
                assert!(!scanner.has_lost());
                scanner.feed(&[b"data: ", &vec![b'x'; piece][..]].concat(), &mut |_| found += 1);
            }
            assert!(scanner.has_lost());
            scanner.feed(b"\n\ndata: 1\n\n", &mut |_| found += 1);
            assert_eq!((found, scanner.has_lost()), (1, true));
        }
    }

    #[test]
    fn what_is_written_is_found_with_its_line_ends() {
        for (data, found) in [("{}", "{}"), ("", ""), (" {\n\"a\":\r\n1}\r", " {\n\"a\":\n\n1}\n")] {
            let mut out = Vec::new();
            write("a", data.as_bytes(), &mut out);
            write("b", b"2", &mut out);
            let expected = [("a", found), ("b", "2")].map(|(name, data)| (name.to_owned(), data.to_owned()));
            assert_eq!(events(&[&out]), expected, "{data:?}");
        }
    }
}
