//! Converse's stream as Anthropic's events, in their grammar: one start, blocks one after another, usage at the end.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};
use sluice_api::{Error, Kind};

use super::Heading;
use super::blocks::{Blocks, Piece, emit};
use super::usage::{Tier, Usage, stop_reason};
use crate::bodies::{Flow, Writer};
use crate::errors;
use crate::frames::Message;

/// Writes one answer.
#[derive(Debug)]
pub(crate) struct Stream {
    heading: Heading,
    started: bool,
    blocks: Blocks,
    /// Why the model stopped; held until the usage is there, which comes after it.
    stopped: Option<String>,
}

impl Stream {
    pub(crate) fn new(heading: Heading) -> Self {
        Self { heading, started: false, blocks: Blocks::default(), stopped: None }
    }

    fn start(&mut self, out: &mut Vec<u8>) {
        if std::mem::replace(&mut self.started, true) {
            return;
        }
        // Converse tells the usage at the end alone.
        emit(
            "message_start",
            &json!({ "type": "message_start", "message": {
                "id": self.heading.id, "type": "message", "role": "assistant", "model": self.heading.model,
                "content": [], "stop_reason": null, "stop_sequence": null,
                "usage": { "input_tokens": 0, "output_tokens": 0 },
            }}),
            out,
        );
    }

    fn event(&mut self, name: &str, payload: &Bytes, out: &mut Vec<u8>) -> Result<(), Error> {
        match name {
            "messageStart" => self.start(out),
            "contentBlockStart" => {
                let told: BlockStart = parse(name, payload)?;
                if let Some(call) = told.start.tool_use {
                    self.start(out);
                    let piece = Piece::Call { id: call.tool_use_id, name: call.name };
                    self.blocks.add(told.content_block_index, piece, out)?;
                }
            }
            "contentBlockDelta" => {
                let told: BlockDelta = parse(name, payload)?;
                if let Some(piece) = told.delta.piece() {
                    self.start(out);
                    self.blocks.add(told.content_block_index, piece, out)?;
                }
            }
            "contentBlockStop" => {
                let told: BlockStop = parse(name, payload)?;
                self.blocks.stop(told.content_block_index, out);
            }
            "messageStop" => {
                let told: MessageStop = parse(name, payload)?;
                self.start(out);
                self.blocks.stop_all(out);
                self.stopped = Some(told.stop_reason);
            }
            "metadata" => {
                let told: Metadata = parse(name, payload)?;
                self.finish(&told.usage.told(told.service_tier.as_ref()), out);
            }
            // A kind of event that is not known yet.
            _ => {}
        }
        Ok(())
    }

    fn finish(&mut self, usage: &Value, out: &mut Vec<u8>) {
        let Some(told) = self.stopped.take() else { return };
        let reason = stop_reason(&told, self.blocks.called());
        emit(
            "message_delta",
            &json!({ "type": "message_delta", "delta": { "stop_reason": reason, "stop_sequence": null }, "usage": usage }),
            out,
        );
        emit("message_stop", &json!({ "type": "message_stop" }), out);
    }
}

impl Writer for Stream {
    fn take(&mut self, message: Message, out: &mut Vec<u8>) -> Result<Flow, Error> {
        match message {
            Message::Exception { name, message } => {
                errors::event(&name, &message, out);
                Ok(Flow::Over)
            }
            Message::Event { name, payload } => {
                self.event(&name, &payload, out)?;
                Ok(Flow::On)
            }
        }
    }
}

fn parse<'a, T: Deserialize<'a>>(name: &str, payload: &'a [u8]) -> Result<T, Error> {
    let unreadable =
        |error| Error::new(Kind::Upstream, format!("Converse's `{name}` can't be read: {error}"));
    serde_json::from_slice(payload).map_err(unreadable)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BlockStart {
    content_block_index: u64,
    start: Start,
}

/// Gaps: images, and results of system tools, which Anthropic has no block for.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Start {
    tool_use: Option<ToolUse>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ToolUse {
    tool_use_id: String,
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BlockDelta {
    content_block_index: u64,
    delta: Delta,
}

/// One of these is there. Gaps: those of [`Start`], and citations, which have other forms than Anthropic's.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Delta {
    text: Option<String>,
    tool_use: Option<Arguments>,
    reasoning_content: Option<Reasoning>,
}

#[derive(Deserialize)]
struct Arguments {
    #[serde(default)]
    input: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reasoning {
    text: Option<String>,
    signature: Option<String>,
    redacted_content: Option<String>,
}

impl Delta {
    fn piece(self) -> Option<Piece> {
        if let Some(text) = self.text {
            return Some(Piece::Text(text));
        }
        if let Some(arguments) = self.tool_use {
            return Some(Piece::Arguments(arguments.input));
        }
        let reasoning = self.reasoning_content?;
        let text = reasoning.text.map(Piece::Thinking);
        let signature = || reasoning.signature.map(Piece::Signature);
        text.or_else(signature).or_else(|| reasoning.redacted_content.map(Piece::Redacted))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BlockStop {
    content_block_index: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MessageStop {
    stop_reason: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    #[serde(default)]
    usage: Usage,
    service_tier: Option<Tier>,
}
