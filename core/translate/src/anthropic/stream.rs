//! A stream in Anthropic's grammar: one start, blocks one after another, reason and usage at the end.

use serde_json::{Value, json};
use sluice_api::error::Error;

use super::blocks::{Blocks, Piece, emit};
use crate::translated::Heading;

/// Writes one answer.
#[derive(Debug)]
pub(crate) struct Stream {
    heading: Heading,
    started: bool,
    blocks: Blocks,
}

impl Stream {
    pub(crate) fn new(heading: Heading) -> Self {
        Self { heading, started: false, blocks: Blocks::default() }
    }

    /// Whether a tool was called.
    pub(crate) fn called(&self) -> bool {
        self.blocks.called()
    }

    /// The answer begins; nothing where it has begun. Its usage is told at the end alone.
    pub(crate) fn start(&mut self, out: &mut Vec<u8>) {
        if std::mem::replace(&mut self.started, true) {
            return;
        }
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

    /// A piece of the block that upstream gives this index.
    ///
    /// # Errors
    ///
    /// When more would have to be held than is.
    pub(crate) fn add(&mut self, index: u64, piece: Piece, out: &mut Vec<u8>) -> Result<(), Error> {
        self.start(out);
        self.blocks.add(index, piece, out)
    }

    /// A block has ended.
    pub(crate) fn stop(&mut self, index: u64, out: &mut Vec<u8>) {
        self.blocks.stop(index, out);
    }

    /// Every block has ended.
    pub(crate) fn stop_all(&mut self, out: &mut Vec<u8>) {
        self.start(out);
        self.blocks.stop_all(out);
    }

    /// The answer is whole; its blocks have ended.
    pub(crate) fn finish(&self, stop_reason: &str, usage: &Value, out: &mut Vec<u8>) {
        emit(
            "message_delta",
            &json!({
                "type": "message_delta", "delta": { "stop_reason": stop_reason, "stop_sequence": null }, "usage": usage,
            }),
            out,
        );
        emit("message_stop", &json!({ "type": "message_stop" }), out);
    }
}
