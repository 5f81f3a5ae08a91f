//! Events of Gemini's as the elements of a JSON array, for clients who ask for a stream without `alt=sse`.

use memchr::memmem;

/// What a stream's events become as an array.
#[derive(Debug, Default)]
pub(crate) struct Elements {
    begun: bool,
}

impl Elements {
    /// Turns whole events into elements. What is no event, and keeps a connection alive, stays as it is: it is white space.
    pub(crate) fn put(&mut self, mut events: &[u8], out: &mut Vec<u8>) {
        while let Some(end) = memmem::find(events, b"\r\n\r\n") {
            let (event, rest) = events.split_at(end);
            match event.strip_prefix(b"data: ") {
                Some(element) => {
                    out.extend_from_slice(if std::mem::replace(&mut self.begun, true) {
                        b",\r\n"
                    } else {
                        b"["
                    });
                    out.extend_from_slice(element);
                }
                None if self.begun => out.extend_from_slice(b"\r\n"),
                None => {}
            }
            events = rest.get(4..).unwrap_or_default();
        }
    }

    /// The array is whole.
    pub(crate) fn end(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(if std::mem::replace(&mut self.begun, true) { b"]" } else { b"[]" });
    }
}

#[cfg(test)]
mod tests {
    use super::Elements;

    #[test]
    fn events_become_elements_of_one_array() {
        let (mut elements, mut out) = (Elements::default(), Vec::new());
        elements.put(b"\r\n\r\n", &mut out);
        elements.put(b"data: {\"a\":1}\r\n\r\ndata: {\"a\":2}\r\n\r\n", &mut out);
        elements.put(b"\r\n\r\n", &mut out);
        elements.put(b"data: {\"a\":3}\r\n\r\n", &mut out);
        elements.end(&mut out);
        assert!(out.starts_with(b"["), "{out:?}");
        let read: serde_json::Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(read, serde_json::json!([{"a":1},{"a":2},{"a":3}]));
        let (mut none, mut out) = (Elements::default(), Vec::new());
        none.end(&mut out);
        assert_eq!(out, b"[]");
    }
}
