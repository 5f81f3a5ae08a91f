//! A stream for a client, written in Anthropic's grammar: one start, blocks one after another without a gap in their
//! indexes, one reason with the whole usage, one end.

use std::sync::Arc;

use sluice_api::cost::Usage;
use sluice_api::dialect::Api;
use sluice_neutral::answer::Plain;
use sluice_neutral::answer::{Block, Called, Citation, End, Failure, Piece, Started, owned};
use sluice_neutral::dialect::{Reply, Writer};

use crate::kept::Kept;
use crate::{answer, failure, usage};
use sluice_neutral::json::write::Object;

/// Writes one stream.
pub(crate) struct Stream {
    reply: Arc<Reply>,
    /// The index of the next block, or of the one that is open.
    next: u64,
    open: Option<Open>,
    /// What was found by a search, where the client wants that.
    found: Vec<Citation<'static>>,
}

/// The block that is open. It is written with the first of what it holds: a client must never see one that stays empty.
struct Open {
    block: Block<'static>,
    written: bool,
    seal: Option<String>,
    /// The text of a call that takes text of no form.
    plain: String,
}

impl Stream {
    pub(crate) fn new(reply: Arc<Reply>) -> Self {
        Self { reply, next: 0, open: None, found: Vec::new() }
    }

    fn opened(&mut self, block: Block<'_>) {
        let block = match block {
            Block::Text => Block::Text,
            Block::Refusal => Block::Refusal,
            Block::Thinking => Block::Thinking,
            Block::Redacted => Block::Redacted,
            Block::Call(Called { id, name, plain }) => {
                Block::Call(Called { id: owned(id), name: owned(name), plain })
            }
            Block::Image { media_type } => Block::Image { media_type: owned(media_type) },
        };
        self.open = Some(Open { block, written: false, seal: None, plain: String::new() });
    }

    fn added(&mut self, piece: Piece<'_>, out: &mut Vec<u8>) {
        let Some(open) = &mut self.open else { return };
        match piece {
            Piece::Text(text) if text.is_empty() => {}
            Piece::Text(text) => match &open.block {
                Block::Call(Called { plain: true, .. }) => open.plain.push_str(&text),
                Block::Redacted | Block::Image { .. } => {}
                block => {
                    let (kind, member) = match block {
                        Block::Thinking => ("thinking_delta", "thinking"),
                        Block::Call(_) => ("input_json_delta", "partial_json"),
                        _ => ("text_delta", "text"),
                    };
                    self.begin(out);
                    self.delta(kind, member, &text, out);
                }
            },
            Piece::Seal(seal) => open.seal = Some(seal.written(Api::Anthropic).into_owned()),
            Piece::Citation(Citation { url, title, span }) => {
                if self.reply.own::<Kept>().is_some() {
                    self.found.push(Citation { url: owned(url), title: title.map(owned), span });
                }
            }
            Piece::Logprobs(_) => {}
        }
    }

    /// Writes that the open block begins, where that is not written yet.
    fn begin(&mut self, out: &mut Vec<u8>) {
        let Some(open) = &mut self.open else { return };
        if std::mem::replace(&mut open.written, true) {
            return;
        }
        if let Block::Call(called) = &open.block {
            let (id, name) = (called.id.clone(), called.name.clone());
            // What comes back with a call stands before it, as thoughts without words.
            if let Some(seal) = open.seal.take() {
                self.thought(&seal, out);
            }
            self.begins(out, |block| {
                block.with("type", "tool_use").with("id", &id).with("name", &name).raw("input", "{}");
            });
        } else if open.block == Block::Thinking {
            self.begins(out, |block| {
                block.with("type", "thinking").with("thinking", "").with("signature", "");
            });
        } else {
            self.begins(out, |block| {
                block.with("type", "text").with("text", "");
            });
        }
    }

    fn closed(&mut self, out: &mut Vec<u8>) {
        let Some(open) = &mut self.open else { return };
        let seal = open.seal.take();
        match &open.block {
            Block::Redacted => {
                if let Some(data) = seal {
                    self.begins(out, |block| {
                        block.with("type", "redacted_thinking").with("data", &data);
                    });
                    self.stop(out);
                }
            }
            Block::Thinking => {
                if open.written || seal.is_some() {
                    self.begin(out);
                    self.delta("signature_delta", "signature", seal.as_deref().unwrap_or_default(), out);
                    self.stop(out);
                }
            }
            Block::Image { .. } => {
                self.begin(out);
                self.delta("text_delta", "text", "[image]", out);
                self.stop(out);
            }
            Block::Call(called) => {
                if called.plain {
                    let mut input = Vec::new();
                    Object::new(&mut input).with("input", &open.plain);
                    open.seal = seal;
                    self.begin(out);
                    self.delta("input_json_delta", "partial_json", &String::from_utf8_lossy(&input), out);
                    self.stop(out);
                    return;
                }
                if open.written {
                    self.stop(out);
                    self.sealed(seal, out);
                } else {
                    open.seal = seal;
                    self.begin(out);
                    self.stop(out);
                }
            }
            Block::Text | Block::Refusal => {
                if open.written {
                    self.stop(out);
                }
                self.sealed(seal, out);
            }
        }
        self.open = None;
    }

    /// What came too late to stand before its block stands behind it.
    fn sealed(&mut self, seal: Option<String>, out: &mut Vec<u8>) {
        if let Some(seal) = seal {
            self.thought(&seal, out);
        }
    }

    /// Thoughts without words.
    fn thought(&mut self, seal: &str, out: &mut Vec<u8>) {
        self.begins(out, |block| {
            block.with("type", "thinking").with("thinking", "").with("signature", "");
        });
        self.delta("signature_delta", "signature", seal, out);
        self.stop(out);
    }

    fn begins(&self, out: &mut Vec<u8>, write: impl FnOnce(&mut Object<'_>)) {
        event("content_block_start", out, |data| {
            data.number("index", self.next);
            write(&mut data.object("content_block"));
        });
    }

    fn delta(&self, kind: &str, member: &str, text: &str, out: &mut Vec<u8>) {
        event("content_block_delta", out, |data| {
            data.number("index", self.next);
            data.object("delta").with("type", kind).with(member, text);
        });
    }

    fn stop(&mut self, out: &mut Vec<u8>) {
        event("content_block_stop", out, |data| {
            data.number("index", self.next);
        });
        self.next += 1;
    }

    /// What was found, as Claude Code reads it.
    fn searched(&mut self, out: &mut Vec<u8>) {
        let reply = Arc::clone(&self.reply);
        let found = std::mem::take(&mut self.found);
        let found: Vec<&Citation<'_>> = found.iter().collect();
        let Some(kept) = reply.own::<Kept>().filter(|_| !found.is_empty()) else { return };
        answer::searched(kept, &reply, &found, |block| {
            event("content_block_start", out, |data| {
                data.number("index", self.next);
                data.member("content_block").extend_from_slice(&block);
            });
            self.stop(out);
        });
    }
}

/// Writes an event.
fn event(name: &str, out: &mut Vec<u8>, write: impl FnOnce(&mut Object<'_>)) {
    out.extend_from_slice(b"event: ");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\ndata: ");
    let mut data = Object::new(out);
    data.with("type", name);
    write(&mut data);
    drop(data);
    out.extend_from_slice(b"\n\n");
}

impl Writer for Stream {
    fn start(&mut self, started: &Started<'_>, out: &mut Vec<u8>) {
        event("message_start", out, |data| {
            let mut message = data.object("message");
            answer::head(started, &self.reply, &mut message);
            message.members(r#""content":[],"stop_reason":null,"stop_sequence":null"#);
            usage::write(&started.usage.unwrap_or_default(), message.object("usage"));
        });
    }

    fn block(&mut self, block: Plain<'_>, out: &mut Vec<u8>) {
        match block {
            Plain::Opened(block) => self.opened(block),
            Plain::Added(piece) => self.added(piece, out),
            Plain::Closed => self.closed(out),
        }
    }

    fn end(&mut self, end: &End<'_>, used: &Usage, out: &mut Vec<u8>) {
        self.searched(out);
        event("message_delta", out, |data| {
            answer::stop(end, &mut data.object("delta"));
            usage::write(used, data.object("usage"));
        });
        event("message_stop", out, |_| {});
    }

    fn fail(&mut self, failure: &Failure<'_>, request_id: &str, out: &mut Vec<u8>) {
        out.extend_from_slice(b"event: error\ndata: ");
        out.extend_from_slice(&failure::write(failure, request_id));
        out.extend_from_slice(b"\n\n");
    }

    fn keep_alive(&self) -> &'static [u8] {
        b"event: ping\ndata: {\"type\": \"ping\"}\n\n"
    }
}

#[cfg(test)]
mod tests;
