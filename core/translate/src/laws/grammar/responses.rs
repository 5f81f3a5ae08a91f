//! The grammar of Responses' streams, as OpenAI's own accumulators need it: numbers without a gap, ids that stay, parts that
//! begin and end, items that are what their pieces add up to, and all of them again at the end.

use serde_json::{Value, json};
use sluice_wire::sse::Scanner;

use super::{Block, End, Heard, text};

/// Checks what has come of a stream.
pub(super) fn checked(stream: &[u8]) -> Heard {
    let mut reading = Reading::default();
    let mut scanner = Scanner::default();
    scanner.feed(stream, &mut |event| {
        let data = super::json(event.data);
        assert_eq!(event.name, text(&data, "/type").as_bytes(), "an event is named by its type");
        assert_eq!(data["sequence_number"], json!(reading.count), "{data}");
        assert_eq!(reading.heard.end, End::Open, "{data} comes behind the end");
        reading.count += 1;
        reading.event(&data);
    });
    assert!(!scanner.is_open(), "an event is not whole");
    reading.heard
}

/// What has come of a stream.
#[derive(Default)]
struct Reading {
    count: u64,
    /// The response's id.
    id: String,
    /// Items that are whole.
    items: Vec<Value>,
    /// The item that is open.
    open: Option<Value>,
    /// The part of it that is open.
    part: Option<Value>,
    /// Parts of it that are whole.
    parts: Vec<Value>,
    /// What its pieces add up to.
    input: String,
    heard: Heard,
}

impl Reading {
    fn event(&mut self, data: &Value) {
        let kind = text(data, "/type").strip_prefix("response.").unwrap_or_default().to_owned();
        match kind.as_str() {
            "created" => {
                assert_eq!(self.count, 1, "{data}");
                text(data, "/response/id").clone_into(&mut self.id);
                self.lifecycle(data, "in_progress");
                assert_eq!(data["response"]["output"], json!([]), "{data}");
            }
            "in_progress" => {
                assert_eq!(self.count, 2, "{data}");
                self.lifecycle(data, "in_progress");
            }
            "completed" => self.completed(data),
            "failed" => self.failed(data),
            "output_item.added" => self.added(data),
            "output_item.done" => self.done(data),
            _ => self.within(&kind, data),
        }
    }

    fn lifecycle(&self, data: &Value, status: &str) {
        let response = &data["response"];
        assert!(!self.id.is_empty() && response["id"] == self.id.as_str(), "{data}");
        assert_eq!((text(response, "/status"), text(response, "/object")), (status, "response"), "{data}");
        assert!(response["created_at"].is_i64() && !text(response, "/model").is_empty(), "{data}");
        assert!(response["tools"].is_array() && !response["tool_choice"].is_null(), "{data}");
        assert!(response["parallel_tool_calls"].is_boolean() && response.get("usage").is_some(), "{data}");
    }

    fn completed(&mut self, data: &Value) {
        let status = text(data, "/response/status").to_owned();
        self.lifecycle(data, &status);
        assert!(self.open.is_none(), "{data}");
        assert_eq!(data["response"]["output"], json!(self.items), "{data}");
        assert!(
            data["response"]["usage"]["total_tokens"].is_u64() && data["response"]["error"].is_null(),
            "{data}"
        );
        let why = text(data, "/response/incomplete_details/reason");
        assert_eq!(status, if why.is_empty() { "completed" } else { "incomplete" }, "{data}");
        self.heard.end = End::Whole(if why.is_empty() { status } else { why.to_owned() });
    }

    fn failed(&mut self, data: &Value) {
        assert_eq!(data["response"]["status"], "failed", "{data}");
        let message = text(data, "/error/message");
        assert!(!message.is_empty() && !text(data, "/response/error/message").is_empty(), "{data}");
        self.heard.end = End::Failed(message.to_owned());
    }

    fn added(&mut self, data: &Value) {
        assert!(self.open.is_none() && data["output_index"] == json!(self.items.len()), "{data}");
        let item = &data["item"];
        let id = text(item, "/id");
        assert!(!id.is_empty() && self.items.iter().all(|other| other["id"] != id), "{data}");
        let nothing = match text(item, "/type") {
            "message" => &item["content"],
            "reasoning" => &item["summary"],
            "function_call" => &item["arguments"],
            "custom_tool_call" => &item["input"],
            "image_generation_call" => &item["result"],
            kind => return assert_eq!(kind, "", "{data}"),
        };
        assert!([json!([]), json!(""), Value::Null].contains(nothing), "{data}");
        self.open = Some(item.clone());
        self.input.clear();
        self.parts.clear();
    }

    fn done(&mut self, data: &Value) {
        let item = &data["item"];
        let Some(open) = self.open.take() else { return assert!(self.open.is_some(), "{data}") };
        assert!(self.part.is_none() && data["output_index"] == json!(self.items.len()), "{data}");
        for name in ["id", "type", "call_id", "name"] {
            assert_eq!(open.get(name), item.get(name), "{data}");
        }
        let mut block = Block { kind: text(item, "/type").to_owned(), ..Block::default() };
        match text(item, "/type") {
            "message" => {
                assert_eq!(item["content"], json!(self.parts), "{data}");
                for part in &self.parts {
                    let refuses = part["type"] == "refusal";
                    let (kind, at) = if refuses { ("refusal", "/refusal") } else { ("text", "/text") };
                    let (kind, text) = (kind.to_owned(), text(part, at).to_owned());
                    self.heard.blocks.push(Block { kind, text, ..Block::default() });
                }
                return self.items.push(item.clone());
            }
            "reasoning" => {
                assert_eq!(item["summary"], json!(self.parts), "{data}");
                block.kind = "thinking".to_owned();
                block.text = self.parts.iter().map(|part| text(part, "/text")).collect();
            }
            "image_generation_call" => text(item, "/result").clone_into(&mut block.text),
            kind => {
                let member = if kind == "function_call" { "/arguments" } else { "/input" };
                assert_eq!(text(item, member), self.input, "{data}");
                block.kind = "call".to_owned();
                block.called = (text(item, "/call_id").to_owned(), text(item, "/name").to_owned());
                assert!(!block.called.0.is_empty() && item["name"].is_string(), "{data}");
                block.text.clone_from(&self.input);
            }
        }
        self.heard.blocks.push(block);
        self.items.push(item.clone());
    }

    /// What happens within an item.
    fn within(&mut self, kind: &str, data: &Value) {
        let Some(open) = &self.open else { return assert!(self.open.is_some(), "{data}") };
        assert!(data["item_id"] == open["id"] && data["output_index"] == json!(self.items.len()), "{data}");
        let of = text(open, "/type");
        match (of, kind) {
            ("function_call", "function_call_arguments.delta")
            | ("custom_tool_call", "custom_tool_call_input.delta") => {
                assert!(!text(data, "/delta").is_empty(), "{data}");
                self.input.push_str(text(data, "/delta"));
            }
            ("function_call", "function_call_arguments.done") => {
                assert_eq!(text(data, "/arguments"), self.input, "{data}")
            }
            ("custom_tool_call", "custom_tool_call_input.done") => {
                assert_eq!(text(data, "/input"), self.input, "{data}")
            }
            ("message", _) => {
                assert_eq!(data["content_index"], json!(self.parts.len()), "{data}");
                self.in_part(kind, data);
            }
            ("reasoning", _) => {
                assert_eq!(data["summary_index"], json!(self.parts.len()), "{data}");
                self.in_part(kind, data);
            }
            _ => assert_eq!(kind, "", "{data}"),
        }
    }

    /// What happens within a part of an item.
    fn in_part(&mut self, kind: &str, data: &Value) {
        if let "content_part.added" | "reasoning_summary_part.added" = kind {
            assert!(self.part.is_none(), "{data}");
            self.part = Some(data["part"].clone());
            let member = if data["part"]["type"] == "refusal" { "/part/refusal" } else { "/part/text" };
            return assert_eq!(data.pointer(member), Some(&json!("")), "{data}");
        }
        let Some(part) = &mut self.part else { return assert!(self.part.is_some(), "{data}") };
        let member = if part["type"] == "refusal" { "refusal" } else { "text" };
        match (text(part, "/type"), kind) {
            ("output_text", "output_text.delta")
            | ("refusal", "refusal.delta")
            | ("summary_text", "reasoning_summary_text.delta") => {
                let more = format!("{}{}", text(part, &format!("/{member}")), text(data, "/delta"));
                part[member] = json!(more);
                if let Some(likely) = data["logprobs"].as_array()
                    && let Some(all) = part["logprobs"].as_array_mut()
                {
                    all.extend(likely.iter().cloned());
                }
            }
            ("output_text", "output_text.annotation.added") => {
                let all = part["annotations"].as_array_mut();
                assert_eq!(
                    all.as_ref().map(|all| json!(all.len())),
                    Some(data["annotation_index"].clone()),
                    "{data}"
                );
                all.into_iter().for_each(|all| all.push(data["annotation"].clone()));
            }
            ("output_text", "output_text.done")
            | ("refusal", "refusal.done")
            | ("summary_text", "reasoning_summary_text.done") => {
                assert_eq!(data[member], part[member], "{data}")
            }
            (_, "content_part.done" | "reasoning_summary_part.done") => {
                assert_eq!(data["part"], *part, "{data}");
                self.parts.extend(self.part.take());
            }
            _ => assert_eq!(kind, "", "{data}"),
        }
    }
}
