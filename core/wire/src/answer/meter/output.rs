//! The output items of a Responses stream, as far as it has told them: one that breaks off ends with them.

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::members;

/// Bytes of them that are kept; of a longer output none are, as half of it would pass for all.
const KEPT_MAX: usize = 64 * 1024;

/// What was told of an output.
#[derive(Clone, Debug, Default)]
pub struct Output {
    items: Vec<Item>,
    kept: usize,
}

#[derive(Clone, Debug)]
struct Item {
    index: u64,
    json: Box<RawValue>,
    /// The texts that have come since.
    parts: Vec<Part>,
    done: bool,
}

/// A text of an item, as JSON writes it.
#[derive(Clone, Debug)]
struct Part {
    index: u64,
    text: Vec<u8>,
}

/// `response.output_item.added` and `.done`.
#[derive(Deserialize)]
struct ItemEvent {
    output_index: u64,
    item: Box<RawValue>,
}

impl Output {
    /// An item has begun.
    pub(super) fn begins(&mut self, data: &[u8]) {
        self.keep(data, false);
    }

    /// An item is whole.
    pub(super) fn is_done(&mut self, data: &[u8]) {
        self.keep(data, true);
    }

    /// A piece of a text: of the item and the part of it that it names, else of the item that is last, and its first.
    pub(super) fn goes_on(&mut self, data: &[u8], text: &[u8]) {
        if !self.has_room(text.len()) {
            return;
        }
        let found = match members::number(data, b"\"output_index\"") {
            Some(index) => self.items.iter_mut().find(|item| item.index == index),
            None => self.items.last_mut(),
        };
        if let Some(item) = found.filter(|item| !item.done) {
            item.goes_on(members::number(data, b"\"content_index\"").unwrap_or_default(), text);
        }
    }

    /// The items; `None` where there were too many bytes of them.
    #[must_use]
    pub fn items(&self) -> Option<Vec<Value>> {
        (self.kept <= KEPT_MAX).then(|| self.items.iter().filter_map(Item::value).collect())
    }

    fn keep(&mut self, data: &[u8], done: bool) {
        if !self.has_room(data.len()) {
            return;
        }
        let Ok(event) = serde_json::from_slice::<ItemEvent>(data) else { return };
        self.items.retain(|item| item.index != event.output_index);
        self.items.push(Item { index: event.output_index, json: event.item, parts: Vec::new(), done });
        self.items.sort_by_key(|item| item.index);
    }

    fn has_room(&mut self, more: usize) -> bool {
        self.kept = self.kept.saturating_add(more);
        if self.kept > KEPT_MAX {
            self.items = Vec::new();
        }
        self.kept <= KEPT_MAX
    }
}

impl Item {
    fn value(&self) -> Option<Value> {
        let mut value: Value = serde_json::from_str(self.json.get()).ok()?;
        if self.done {
            return Some(value);
        }
        let item = value.as_object_mut()?;
        item.insert("status".to_owned(), json!("incomplete"));
        let parts: Vec<Value> = self.parts.iter().filter_map(Part::value).collect();
        if !parts.is_empty() {
            item.insert("content".to_owned(), Value::Array(parts));
        }
        Some(value)
    }

    fn goes_on(&mut self, index: u64, text: &[u8]) {
        let at = self.parts.partition_point(|part| part.index < index);
        match self.parts.get_mut(at).filter(|part| part.index == index) {
            Some(part) => part.text.extend_from_slice(text),
            None => self.parts.insert(at, Part { index, text: text.to_vec() }),
        }
    }
}

impl Part {
    fn value(&self) -> Option<Value> {
        let quoted = [b"\"", &*self.text, b"\""].concat();
        let text = serde_json::from_slice::<String>(&quoted).ok().filter(|text| !text.is_empty())?;
        Some(json!({ "type": "output_text", "text": text, "annotations": [] }))
    }
}

#[cfg(test)]
mod tests {
    use super::{KEPT_MAX, Output};
    use serde_json::{Value, json};

    fn event(index: u64, item: &Value) -> Vec<u8> {
        json!({ "type": "response.output_item.added", "output_index": index, "item": item })
            .to_string()
            .into()
    }

    #[test]
    fn items_are_told_as_far_as_they_have_come() {
        let mut output = Output::default();
        assert_eq!(output.items(), Some(vec![]));
        let call = json!({ "id": "fc_1", "type": "function_call", "arguments": "{}", "status": "completed" });
        output.begins(&event(0, &json!({ "id": "fc_1", "type": "function_call", "arguments": "" })));
        output.is_done(&event(0, &call));
        output.begins(&event(1, &json!({ "id": "msg_1", "type": "message", "content": [] })));
        output.goes_on(b"{}", br#"H\u00e9"#);
        output.goes_on(br#"{"output_index":1,"content_index":0}"#, br#"l\"lo"#);
        let message = json!({
            "id": "msg_1", "type": "message", "status": "incomplete",
            "content": [{ "type": "output_text", "text": "H\u{e9}l\"lo", "annotations": [] }],
        });
        assert_eq!(output.items(), Some(vec![call, message]));
    }

    #[test]
    fn a_piece_of_text_belongs_to_the_item_and_the_part_that_it_names() {
        let mut output = Output::default();
        for (index, id) in [(0, "msg_1"), (2, "msg_3"), (1, "msg_2")] {
            output.begins(&event(index, &json!({ "id": id, "type": "message", "content": [] })));
        }
        for (index, part, text) in
            [(0, 0, "a"), (2, 1, "z"), (1, 0, "m"), (0, 0, "b"), (2, 0, "x"), (2, 0, "y"), (7, 0, "lost")]
        {
            let delta = json!({ "output_index": index, "content_index": part, "delta": text }).to_string();
            output.goes_on(delta.as_bytes(), text.as_bytes());
        }
        let texts = |item: &Value| -> Vec<String> {
            let parts = item["content"].as_array().unwrap().iter();
            parts.map(|part| part["text"].as_str().unwrap().to_owned()).collect()
        };
        let items: Vec<Vec<String>> = output.items().unwrap().iter().map(texts).collect();
        assert_eq!(items, [vec!["ab"], vec!["m"], vec!["xy", "z"]]);
    }

    #[test]
    fn of_an_output_that_is_too_long_nothing_is_kept() {
        let mut output = Output::default();
        output.begins(&event(0, &json!({ "id": "msg_1", "type": "message", "content": [] })));
        for _ in 0..=KEPT_MAX / 1000 {
            output.goes_on(b"{}", &[b'x'; 1000]);
        }
        output.begins(&event(1, &json!({ "id": "msg_2" })));
        assert_eq!(output.items(), None);
    }
}
