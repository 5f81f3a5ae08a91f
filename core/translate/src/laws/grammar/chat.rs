//! The grammar of Chat's streams: the role first and once, one call behind another, the reason, the usage, `[DONE]`.

use serde_json::{Value, json};
use sluice_wire::sse::Scanner;

use super::{Block, End, Heard, text};

/// How far a stream has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum At {
    #[default]
    Before,
    Inside,
    Finished,
    Used,
    Over,
}

/// What a delta may have, and the kinds of blocks that are made of it.
const TEXTS: [(&str, &str); 3] =
    [("content", "text"), ("reasoning_content", "thinking"), ("refusal", "refusal")];

/// Reasons that a client knows.
const REASONS: [&str; 5] = ["stop", "length", "tool_calls", "content_filter", "function_call"];

/// Checks what has come of a stream.
pub(super) fn checked(stream: &[u8]) -> Heard {
    let mut reading = Reading::default();
    let mut scanner = Scanner::default();
    scanner.feed(stream, &mut |event| {
        assert_eq!(event.name, b"", "no event has a name");
        assert_ne!(reading.at, At::Over, "something comes behind the end");
        reading.event(event.data);
    });
    assert!(!scanner.is_open(), "an event is not whole");
    let Reading { at, heard, .. } = reading;
    assert_eq!(at == At::Over, heard.end != End::Open, "{heard:?}");
    heard
}

#[derive(Default)]
struct Reading {
    at: At,
    heard: Heard,
    reason: String,
    calls: u64,
    /// What is the same in every chunk.
    head: Option<[Value; 4]>,
}

impl Reading {
    fn event(&mut self, data: &[u8]) {
        if data == b"[DONE]" {
            assert!(matches!(self.at, At::Finished | At::Used), "it stands {:?}", self.at);
            self.heard.end = End::Whole(std::mem::take(&mut self.reason));
            self.at = At::Over;
            return;
        }
        let data = super::json(data);
        if data.get("error").is_some() {
            let message = text(&data, "/error/message");
            assert!(!message.is_empty() && !text(&data, "/error/type").is_empty(), "{data}");
            assert!(data["error"].get("code").is_some() && data["error"].get("param").is_some(), "{data}");
            self.heard.end = End::Failed(message.to_owned());
            self.at = At::Over;
            return;
        }
        let head = ["id", "object", "created", "model"].map(|name| data[name].clone());
        assert!(head[1] == "chat.completion.chunk" && head[2].is_i64() && head[0].is_string(), "{data}");
        assert_eq!(self.head.get_or_insert_with(|| head.clone()), &head, "{data}");
        let choices = data["choices"].as_array().map(Vec::as_slice).unwrap_or_default();
        match choices {
            [choice] => self.choice(choice, &data),
            [] => {
                assert!(self.at == At::Finished && data["usage"]["total_tokens"].is_u64(), "{data}");
                self.at = At::Used;
            }
            _ => assert_eq!(choices.len(), 1, "{data}"),
        }
    }

    fn choice(&mut self, choice: &Value, data: &Value) {
        assert!(choice["index"] == 0 && data["usage"].is_null(), "{data}");
        let Some(delta) = choice["delta"].as_object() else {
            return assert!(choice["delta"].is_object(), "{data}");
        };
        if self.at == At::Before {
            assert_eq!((&delta["role"], &delta["content"]), (&json!("assistant"), &json!("")), "{data}");
            self.at = At::Inside;
            return;
        }
        assert_eq!(self.at, At::Inside, "{data}");
        for (name, value) in delta {
            match (name.as_str(), TEXTS.iter().find(|(known, _)| known == name)) {
                (_, Some((_, kind))) => self.add(kind, value.as_str().unwrap_or_default()),
                ("tool_calls", _) => self.call(value),
                ("images" | "annotations" | "reasoning_details", _) => {
                    assert!(value.as_array().is_some_and(|all| !all.is_empty()), "{data}");
                }
                _ => assert_eq!(name, "", "{data}"),
            }
        }
        if let Some(reason) = choice["finish_reason"].as_str() {
            assert!(REASONS.contains(&reason) && delta.is_empty(), "{data}");
            reason.clone_into(&mut self.reason);
            self.at = At::Finished;
        } else {
            assert!(choice["finish_reason"].is_null() && !delta.is_empty(), "{data}");
        }
    }

    fn add(&mut self, kind: &str, more: &str) {
        match self.heard.blocks.last_mut() {
            Some(block) if block.kind == kind => block.text.push_str(more),
            _ if more.is_empty() => {}
            _ => {
                let (kind, text) = (kind.to_owned(), more.to_owned());
                self.heard.blocks.push(Block { kind, text, ..Block::default() });
            }
        }
    }

    fn call(&mut self, calls: &Value) {
        let [call] = calls.as_array().map(Vec::as_slice).unwrap_or_default() else {
            return assert_eq!(calls.as_array().map(Vec::len), Some(1), "one call in a chunk");
        };
        let inner = call.get("function").or_else(|| call.get("custom")).unwrap_or(&Value::Null);
        let more = inner.get("arguments").or_else(|| inner.get("input")).and_then(Value::as_str);
        if call["index"] == json!(self.calls) {
            self.calls += 1;
            let (id, name) = (text(call, "/id"), text(inner, "/name"));
            assert!(!id.is_empty() && inner["name"].is_string() && call["type"].is_string(), "{call}");
            let (kind, called) = ("call".to_owned(), (id.to_owned(), name.to_owned()));
            self.heard.blocks.push(Block { kind, called, text: more.unwrap_or_default().to_owned() });
            return;
        }
        assert!(self.calls > 0 && call["index"] == json!(self.calls - 1), "calls are mixed: {call}");
        assert!(
            call.get("id").is_none() && call.get("type").is_none() && inner.get("name").is_none(),
            "{call}"
        );
        let block = self.heard.blocks.last_mut().filter(|block| block.kind == "call");
        assert!(block.is_some() && more.is_some(), "{call}");
        if let (Some(block), Some(more)) = (block, more) {
            block.text.push_str(more);
        }
    }
}
