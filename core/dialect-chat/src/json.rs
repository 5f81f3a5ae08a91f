//! JSON written piece by piece into one buffer, commas where they are due.

use sluice_neutral::json::write;

/// A document in the making.
#[derive(Debug, Default)]
pub(crate) struct Json(Vec<u8>);

impl Json {
    /// An empty document with room for so many bytes.
    pub(crate) fn with_room(bytes: usize) -> Self {
        Self(Vec::with_capacity(bytes))
    }

    /// A document behind what is there already.
    pub(crate) const fn on(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// An object that begins as another one does, which is not closed.
    pub(crate) fn begun(&mut self, head: &str, inside: impl FnOnce(&mut Self)) {
        self.0.extend_from_slice(head.as_bytes());
        inside(self);
        self.0.push(b'}');
    }

    /// The document.
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// An object of what is written in between.
    pub(crate) fn object(&mut self, inside: impl FnOnce(&mut Self)) {
        self.comma();
        self.0.push(b'{');
        inside(self);
        self.0.push(b'}');
    }

    /// An array of what is written in between.
    pub(crate) fn array(&mut self, inside: impl FnOnce(&mut Self)) {
        self.comma();
        self.0.push(b'[');
        inside(self);
        self.0.push(b']');
    }

    /// A member's name; its value is to follow.
    pub(crate) fn key(&mut self, name: &str) -> &mut Self {
        self.text(name);
        self.0.push(b':');
        self
    }

    /// A string.
    pub(crate) fn text(&mut self, text: &str) {
        self.texts(&[text]);
    }

    /// A string of several pieces.
    pub(crate) fn texts(&mut self, pieces: &[&str]) {
        self.comma();
        self.0.push(b'"');
        pieces.iter().for_each(|piece| write::escaped(&mut self.0, piece));
        self.0.push(b'"');
    }

    /// JSON as it is written.
    pub(crate) fn raw(&mut self, json: &str) {
        self.comma();
        self.0.extend_from_slice(json.as_bytes());
    }

    /// A number.
    pub(crate) fn number(&mut self, number: u64) {
        self.raw(&number.to_string());
    }

    /// After a value and before the next one.
    fn comma(&mut self) {
        if !matches!(self.0.last(), None | Some(b'{' | b'[' | b':')) {
            self.0.push(b',');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Json;
    use proptest::prelude::{any, proptest};

    #[test]
    fn each_letter_that_json_does_not_take_is_escaped() {
        let all: String = (0..=0x7f_u8).map(char::from).collect();
        let mut json = Json::default();
        json.text(&all);
        assert_eq!(serde_json::from_slice::<String>(&json.into_bytes()).unwrap(), all);
    }

    proptest! {
        #[test]
        fn any_text_is_written_so_that_it_reads_back(first in any::<String>(), second in any::<String>()) {
            let mut json = Json::default();
            json.object(|json| {
                json.key(&first).texts(&[&second, &first]);
                json.key("n").number(7);
                json.key("l").array(|json| {
                    json.text(&first);
                    json.object(|_| {});
                    json.raw("null");
                });
            });
            let read: serde_json::Value = serde_json::from_slice(&json.into_bytes()).unwrap();
            let mut object = serde_json::Map::new();
            object.insert(first.clone(), format!("{second}{first}").into());
            object.insert("n".to_owned(), 7.into());
            object.insert("l".to_owned(), serde_json::json!([first, {}, null]));
            // Of two members of one name the last one counts, as here.
            assert_eq!(read, serde_json::Value::Object(object));
        }
    }
}
