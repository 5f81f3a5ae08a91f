//! Blocks of a stream: upstreams may mix them, Anthropic opens and closes them one after another.

use std::collections::VecDeque;

use serde_json::{Value, json};
use sluice_api::error::{Error, Kind};
use sluice_wire::sse;

/// Most that is held of blocks whose turn has not come: far above what a model says at once.
const HELD_MAX: usize = 8 * 1024 * 1024;

/// A piece of a block.
#[derive(Debug)]
pub(crate) enum Piece {
    Text(String),
    Thinking(String),
    Signature(String),
    Redacted(String),
    Call { id: String, name: String },
    Arguments(String),
}

/// What a block is, as Anthropic tells them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sort {
    Text,
    Thinking,
    Redacted,
    Call,
}

impl Piece {
    fn sort(&self) -> Sort {
        match self {
            Self::Text(_) => Sort::Text,
            Self::Thinking(_) | Self::Signature(_) => Sort::Thinking,
            Self::Redacted(_) => Sort::Redacted,
            Self::Call { .. } | Self::Arguments(_) => Sort::Call,
        }
    }

    fn length(&self) -> usize {
        match self {
            Self::Text(text) | Self::Thinking(text) | Self::Signature(text) => text.len(),
            Self::Redacted(text) | Self::Arguments(text) => text.len(),
            Self::Call { id, name } => id.len() + name.len(),
        }
    }

    /// The block that begins with this piece. A redacted one is whole there.
    fn opening(&self) -> Option<Value> {
        Some(match self {
            Self::Text(_) => json!({ "type": "text", "text": "" }),
            Self::Thinking(_) | Self::Signature(_) => {
                json!({ "type": "thinking", "thinking": "", "signature": "" })
            }
            Self::Redacted(data) => json!({ "type": "redacted_thinking", "data": data }),
            Self::Call { id, name } => json!({ "type": "tool_use", "id": id, "name": name, "input": {} }),
            // Arguments of no call.
            Self::Arguments(_) => return None,
        })
    }

    fn delta(&self) -> Option<Value> {
        Some(match self {
            Self::Text(text) => json!({ "type": "text_delta", "text": text }),
            Self::Thinking(thinking) => json!({ "type": "thinking_delta", "thinking": thinking }),
            Self::Signature(signature) => json!({ "type": "signature_delta", "signature": signature }),
            Self::Arguments(part) => json!({ "type": "input_json_delta", "partial_json": part }),
            Self::Redacted(_) | Self::Call { .. } => return None,
        })
    }
}

/// The blocks of one answer: the first is written as it comes, the others wait for it.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    waiting: VecDeque<Block>,
    /// What the block that is open at the client's is.
    open: Option<Sort>,
    /// Anthropic's index of the next block.
    next: u64,
    held: usize,
    called: bool,
}

#[derive(Debug)]
struct Block {
    /// The upstream's index.
    index: u64,
    pieces: Vec<Piece>,
    stopped: bool,
}

impl Blocks {
    /// Whether a tool was called.
    pub(super) fn called(&self) -> bool {
        self.called
    }

    /// Takes a piece of a block.
    pub(super) fn add(&mut self, index: u64, piece: Piece, out: &mut Vec<u8>) -> Result<(), Error> {
        if self.waiting.is_empty() {
            self.waiting.push_back(Block { index, pieces: Vec::new(), stopped: false });
        }
        if self.waiting.front().is_some_and(|first| first.index == index) {
            self.write(&piece, out);
            return Ok(());
        }
        self.held += piece.length();
        if self.held > HELD_MAX {
            return Err(Error::new(Kind::Upstream, "the upstream mixes longer blocks than can be held"));
        }
        match self.waiting.iter_mut().find(|block| block.index == index) {
            Some(block) => block.pieces.push(piece),
            None => self.waiting.push_back(Block { index, pieces: vec![piece], stopped: false }),
        }
        Ok(())
    }

    /// A block has ended; those that waited for it go on.
    pub(super) fn stop(&mut self, index: u64, out: &mut Vec<u8>) {
        if let Some(block) = self.waiting.iter_mut().find(|block| block.index == index) {
            block.stopped = true;
        }
        while self.waiting.front().is_some_and(|block| block.stopped) {
            self.waiting.pop_front();
            self.close(out);
            let pieces = self.waiting.front_mut().map(|block| std::mem::take(&mut block.pieces));
            for piece in pieces.unwrap_or_default() {
                self.held = self.held.saturating_sub(piece.length());
                self.write(&piece, out);
            }
        }
    }

    /// Every block has ended.
    pub(super) fn stop_all(&mut self, out: &mut Vec<u8>) {
        while let Some(index) = self.waiting.front().map(|block| block.index) {
            self.stop(index, out);
        }
    }

    fn write(&mut self, piece: &Piece, out: &mut Vec<u8>) {
        let begins =
            matches!(piece, Piece::Call { .. } | Piece::Redacted(_)) || self.open != Some(piece.sort());
        if begins {
            let Some(opening) = piece.opening() else { return };
            self.close(out);
            self.open = Some(piece.sort());
            self.called |= piece.sort() == Sort::Call;
            let start =
                json!({ "type": "content_block_start", "index": self.next, "content_block": opening });
            emit("content_block_start", &start, out);
        }
        if let Some(delta) = piece.delta() {
            let delta = json!({ "type": "content_block_delta", "index": self.next, "delta": delta });
            emit("content_block_delta", &delta, out);
        }
    }

    fn close(&mut self, out: &mut Vec<u8>) {
        if self.open.take().is_some() {
            emit("content_block_stop", &json!({ "type": "content_block_stop", "index": self.next }), out);
            self.next += 1;
        }
    }
}

/// Writes an event.
pub(super) fn emit(name: &str, data: &Value, out: &mut Vec<u8>) {
    sse::write(name, data.to_string().as_bytes(), out);
}
