//! The output items of a Responses stream, as far as it has told them: one that breaks off ends with them.

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

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
    /// The text that has come since, as JSON writes it.
    text: Vec<u8>,
    done: bool,
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

    /// A part of the text of the item that has begun last.
    pub(super) fn goes_on(&mut self, text: &[u8]) {
        if !self.has_room(text.len()) {
            return;
        }
        if let Some(item) = self.items.last_mut().filter(|item| !item.done) {
            item.text.extend_from_slice(text);
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
        self.items.push(Item { index: event.output_index, json: event.item, text: Vec::new(), done });
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
        let quoted = [b"\"", &*self.text, b"\""].concat();
        if let Ok(text) = serde_json::from_slice::<String>(&quoted)
            && !text.is_empty()
        {
            let part = json!({ "type": "output_text", "text": text, "annotations": [] });
            item.insert("content".to_owned(), json!([part]));
        }
        Some(value)
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
        output.goes_on(br#"H\u00e9"#);
        output.goes_on(br#"l\"lo"#);
        let message = json!({
            "id": "msg_1", "type": "message", "status": "incomplete",
            "content": [{ "type": "output_text", "text": "H\u{e9}l\"lo", "annotations": [] }],
        });
        assert_eq!(output.items(), Some(vec![call, message]));
    }

    #[test]
    fn of_an_output_that_is_too_long_nothing_is_kept() {
        let mut output = Output::default();
        output.begins(&event(0, &json!({ "id": "msg_1", "type": "message", "content": [] })));
        for _ in 0..=KEPT_MAX / 1000 {
            output.goes_on(&[b'x'; 1000]);
        }
        output.begins(&event(1, &json!({ "id": "msg_2" })));
        assert_eq!(output.items(), None);
    }
}
