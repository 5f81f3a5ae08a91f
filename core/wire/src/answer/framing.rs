//! How a body begins, and so what it is, whatever it is labelled.

/// What a body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begins {
    /// Server-sent events.
    Events,
    /// A JSON object.
    Object,
    /// A JSON array.
    Array,
    /// Something else, or nothing.
    Otherwise,
}

/// Names with which a line of server-sent events begins.
const FIELDS: [&[u8]; 4] = [b"data", b"event", b"id", b"retry"];

/// The longest of them, and what follows it.
const HEAD: usize = 6;

/// Looks at the beginning of one body, cut anywhere. Space and a byte order mark before it tell nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Opening {
    head: [u8; HEAD],
    length: usize,
}

impl Opening {
    /// Takes the next piece; `None` as long as it can't be told.
    pub fn feed(&mut self, piece: &[u8]) -> Option<Begins> {
        for byte in piece {
            let nothing_yet = self.length == 0;
            if nothing_yet && matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | 0xEF | 0xBB | 0xBF) {
                continue;
            }
            if let Some(slot) = self.head.get_mut(self.length) {
                *slot = *byte;
                self.length += 1;
            }
            let told = begins(self.head.get(..self.length).unwrap_or_default());
            if told.is_some() {
                return told;
            }
        }
        None
    }
}

fn begins(head: &[u8]) -> Option<Begins> {
    match head {
        [b':', ..] => return Some(Begins::Events),
        [b'{', ..] => return Some(Begins::Object),
        [b'[', ..] => return Some(Begins::Array),
        _ => {}
    }
    let mut may_come = false;
    for field in FIELDS {
        match head.strip_prefix(field) {
            Some([b':' | b'\r' | b'\n', ..]) => return Some(Begins::Events),
            Some([]) => may_come = true,
            _ => may_come |= field.starts_with(head),
        }
    }
    (!may_come).then_some(Begins::Otherwise)
}

#[cfg(test)]
mod tests {
    use super::Begins::{Array, Events, Object, Otherwise};
    use super::Opening;

    #[test]
    fn a_body_is_what_it_begins_like_wherever_it_is_cut() {
        for (text, begins) in [
            ("data: {}", Some(Events)),
            ("data:{}", Some(Events)),
            ("event: message_start\n", Some(Events)),
            ("id\ndata: 1", Some(Events)),
            ("retry: 1000\n", Some(Events)),
            (": keepalive\n", Some(Events)),
            ("\r\n\n \u{feff}data: 1", Some(Events)),
            ("\n\t {\"data\":1}", Some(Object)),
            ("[{", Some(Array)),
            ("<!doctype html>", Some(Otherwise)),
            ("database", Some(Otherwise)),
            ("events: 1", Some(Otherwise)),
            ("\"data: 1\"", Some(Otherwise)),
            ("null", Some(Otherwise)),
            ("dat", None),
            ("data", None),
            ("\n\n", None),
            ("", None),
        ] {
            for step in 1..=text.len().max(1) {
                let mut opening = Opening::default();
                let found = text.as_bytes().chunks(step).find_map(|piece| opening.feed(piece));
                assert_eq!(found, begins, "{text:?} by {step}");
            }
        }
    }
}
