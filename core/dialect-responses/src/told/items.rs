//! The items of an answer, one after another, and the events that tell of them.

use std::sync::Arc;

use sluice_neutral::answer::Plain;
use sluice_neutral::answer::{Block, Citation, Logprob, Piece, owned};
use sluice_neutral::dialect::Reply;
use sluice_neutral::seal::Seal;

use super::open::{Call, Kind, Part, annotation, logprobs};
use crate::seals::{self, Of};
use sluice_neutral::json::write::{List, Object};

/// Items, and the one that is open.
#[derive(Debug)]
pub(super) struct Items {
    letters: String,
    reply: Arc<Reply>,
    streams: bool,
    sequence: u64,
    /// Items that are whole, as JSON: what stands between an array's brackets.
    output: Vec<u8>,
    count: u64,
    open: Option<Open>,
    refused: bool,
    /// That the answer ends before it is whole.
    is_cut: bool,
}

#[derive(Debug)]
enum Open {
    Message(Message),
    Thought(Thought),
    Call(Call),
    Image { id: String, format: String, data: String },
}

/// A message: texts that follow one another stand in one.
#[derive(Debug, Default)]
struct Message {
    id: String,
    /// Parts that are whole, as JSON.
    parts: Vec<u8>,
    count: u64,
    part: Option<Part>,
    citations: Vec<Citation<'static>>,
}

/// What the model thinks.
#[derive(Debug)]
struct Thought {
    id: String,
    text: String,
    seal: Option<String>,
    redacted: bool,
    begun: bool,
}

impl Items {
    /// None yet.
    pub(super) fn new(letters: String, reply: Arc<Reply>, streams: bool) -> Self {
        let output = Vec::new();
        Self {
            letters,
            reply,
            streams,
            sequence: 0,
            output,
            count: 0,
            open: None,
            refused: false,
            is_cut: false,
        }
    }

    /// Items that are whole.
    pub(super) fn output(&self) -> &[u8] {
        &self.output
    }

    /// The answer ends before it is whole, and so does what is open.
    pub(super) fn cut(&mut self, out: &mut Vec<u8>) {
        self.is_cut = true;
        self.close(out);
    }

    /// Whether the model has said that it refuses.
    pub(super) const fn has_refused(&self) -> bool {
        self.refused
    }

    /// An event, for its members to be written; it is closed when it goes. Nothing where none are told.
    pub(super) fn event<'o>(&mut self, kind: &str, out: &'o mut Vec<u8>) -> Option<Object<'o>> {
        if !self.streams {
            return None;
        }
        for piece in ["event: ", kind, "\ndata: "] {
            out.extend(piece.as_bytes());
        }
        let mut event = Object::ending(out, b"}\n\n");
        event.text("type", kind);
        event.number("sequence_number", self.sequence);
        self.sequence += 1;
        Some(event)
    }

    /// A block begins, goes on, or is whole.
    pub(super) fn block(&mut self, block: Plain<'_>, out: &mut Vec<u8>) {
        match block {
            Plain::Opened(block) => self.opened(block, out),
            Plain::Added(Piece::Text(text)) => self.text(&text, out),
            Plain::Added(Piece::Seal(seal)) => self.seal(&seal, out),
            Plain::Added(Piece::Citation(citation)) => self.cited(citation),
            Plain::Added(Piece::Logprobs(told)) => self.likely(&told, out),
            Plain::Closed => self.closed(out),
        }
    }

    fn id(&self, prefix: &str) -> String {
        format!("{prefix}_{}{:04x}", self.letters, self.count)
    }

    fn opened(&mut self, block: Block<'_>, out: &mut Vec<u8>) {
        let refuses = block == Block::Refusal;
        if matches!(block, Block::Text | Block::Refusal) {
            self.refused |= refuses;
            return self.part(refuses, out);
        }
        self.close(out);
        self.open = Some(match block {
            Block::Call(called) => Open::Call(Call::of(called, self.reply.own())),
            Block::Image { media_type } => {
                let format = media_type.rsplit('/').next().unwrap_or_default().to_owned();
                Open::Image { id: self.id("ig"), format, data: String::new() }
            }
            block => Open::Thought(Thought {
                id: self.id("rs"),
                text: String::new(),
                seal: None,
                redacted: block == Block::Redacted,
                begun: false,
            }),
        });
    }

    /// A part of a message begins; the message too, where none is open.
    fn part(&mut self, refuses: bool, out: &mut Vec<u8>) {
        if !matches!(self.open, Some(Open::Message(_))) {
            self.close(out);
            let id = self.id("msg");
            self.added(out, |item| message(item, &id, "in_progress", b""));
            self.open = Some(Open::Message(Message { id, ..Message::default() }));
        }
        let part = Part { refuses, ..Part::default() };
        self.tell("response.content_part.added", out, |event| part.write(&mut event.object("part")));
        if let Some(Open::Message(message)) = &mut self.open {
            message.part = Some(part);
        }
    }

    /// Tells of the part or item that is open.
    fn tell(&mut self, kind: &str, out: &mut Vec<u8>, fill: impl FnOnce(&mut Object<'_>)) {
        let count = self.count;
        // What is open is put aside, so that the event can be numbered.
        let open = self.open.take();
        if let Some(mut event) = self.event(kind, out) {
            let (id, inner) = match &open {
                Some(Open::Message(message)) => (&*message.id, Some(("content_index", message.count))),
                Some(Open::Thought(thought)) => (&*thought.id, Some(("summary_index", 0))),
                Some(Open::Call(call)) => (&*call.id, None),
                _ => ("", None),
            };
            event.text("item_id", id);
            event.number("output_index", count);
            if let Some((name, index)) = inner {
                event.number(name, index);
            }
            fill(&mut event);
        }
        self.open = open;
    }

    /// An item is told to begin.
    fn added(&mut self, out: &mut Vec<u8>, fill: impl FnOnce(&mut Object<'_>)) {
        let count = self.count;
        if let Some(mut event) = self.event("response.output_item.added", out) {
            event.number("output_index", count);
            fill(&mut event.object("item"));
        }
    }

    /// An item is whole.
    fn done(&mut self, out: &mut Vec<u8>, fill: impl FnOnce(&mut Object<'_>)) {
        let mut item = Vec::new();
        fill(&mut Object::new(&mut item));
        let count = self.count;
        if let Some(mut event) = self.event("response.output_item.done", out) {
            event.number("output_index", count);
            event.raw("item", &item);
        }
        joined(&mut self.output, &item);
        self.count += 1;
    }

    /// More of the text, the thoughts, the arguments or the bytes.
    fn text(&mut self, text: &str, out: &mut Vec<u8>) {
        if text.is_empty() {
            return;
        }
        self.begun(out);
        let kind = match &mut self.open {
            Some(Open::Message(Message { part: Some(part), .. })) => {
                part.text.push_str(text);
                if part.refuses { "response.refusal.delta" } else { "response.output_text.delta" }
            }
            Some(Open::Thought(thought)) => {
                thought.text.push_str(text);
                "response.reasoning_summary_text.delta"
            }
            Some(Open::Call(call)) => {
                call.input.push_str(text);
                match call.kind {
                    Kind::Function => "response.function_call_arguments.delta",
                    Kind::Custom => "response.custom_tool_call_input.delta",
                    Kind::Search => return,
                }
            }
            Some(Open::Image { data, .. }) => return data.push_str(text),
            _ => return,
        };
        self.tell(kind, out, |event| {
            event.text("delta", text);
            if kind == "response.output_text.delta" {
                event.raw("logprobs", "[]");
            }
        });
    }

    /// Tells that a call or thoughts begin, once it is known what stands before them.
    fn begun(&mut self, out: &mut Vec<u8>) {
        match self.open.take() {
            Some(Open::Call(mut call)) if !call.begun => {
                call.begun = true;
                call.id = self.id(call.kind.prefix());
                let reply = Arc::clone(&self.reply);
                self.added(out, |item| call.write("", "in_progress", reply.own(), item));
                self.open = Some(Open::Call(call));
            }
            Some(Open::Thought(mut thought)) if !thought.begun => {
                thought.begun = true;
                self.added(out, |item| reasoning(item, &thought.id, "", None));
                self.open = Some(Open::Thought(thought));
                self.tell("response.reasoning_summary_part.added", out, |event| {
                    summary(&mut event.object("part"), "");
                });
            }
            open => self.open = open,
        }
    }

    /// What only the model's maker can read: of thoughts at their end, of a call in an item before it.
    fn seal(&mut self, seal: &Seal<'_>, out: &mut Vec<u8>) {
        match &mut self.open {
            Some(Open::Thought(thought)) => {
                let of = if thought.redacted { Of::Hidden } else { Of::Thoughts };
                thought.seal = Some(seals::written(seal, of));
            }
            Some(Open::Call(call)) if call.begun => call.late = Some(seals::written(seal, Of::Last)),
            Some(Open::Call(_)) => self.sealed(&seals::written(seal, Of::Next), out),
            // A text is the same without it.
            _ => {}
        }
    }

    /// An item that holds nothing but what is sealed.
    fn sealed(&mut self, sealed: &str, out: &mut Vec<u8>) {
        let id = self.id("rs");
        self.added(out, |item| reasoning(item, &id, "", None));
        self.done(out, |item| reasoning(item, &id, "", Some(sealed)));
    }

    fn cited(&mut self, Citation { url, title, span }: Citation<'_>) {
        if let Some(Open::Message(message)) = &mut self.open {
            message.citations.push(Citation { url: owned(url), title: title.map(owned), span });
        }
    }

    fn likely(&mut self, told: &[Logprob<'_>], out: &mut Vec<u8>) {
        let Some(Open::Message(Message { part: Some(part), .. })) = &mut self.open else { return };
        let mut list = Vec::new();
        logprobs(told, &mut List::new(&mut list));
        let inner = list.strip_prefix(b"[").and_then(|list| list.strip_suffix(b"]")).unwrap_or_default();
        joined(&mut part.logprobs, inner);
        self.tell("response.output_text.delta", out, |event| {
            event.text("delta", "");
            event.raw("logprobs", &list);
        });
    }

    /// A block is whole. Of a text, its part is: more may follow in the same message.
    fn closed(&mut self, out: &mut Vec<u8>) {
        if matches!(self.open, Some(Open::Message(_))) {
            self.part_done(out);
        } else {
            self.close(out);
        }
    }

    fn part_done(&mut self, out: &mut Vec<u8>) {
        let Some(Open::Message(message)) = &mut self.open else { return };
        let Some(mut part) = message.part.take() else { return };
        for (index, citation) in (0_u64..).zip(std::mem::take(&mut message.citations)) {
            let mut written = Vec::new();
            annotation(&citation, &part.text, &mut Object::new(&mut written));
            self.tell("response.output_text.annotation.added", out, |event| {
                event.number("annotation_index", index);
                event.raw("annotation", &written);
            });
            joined(&mut part.annotations, &written);
        }
        let kind = if part.refuses { "response.refusal.done" } else { "response.output_text.done" };
        self.tell(kind, out, |event| part.tell(event));
        self.tell("response.content_part.done", out, |event| part.write(&mut event.object("part")));
        if let Some(Open::Message(message)) = &mut self.open {
            let mut written = Vec::new();
            part.write(&mut Object::new(&mut written));
            joined(&mut message.parts, &written);
            message.count += 1;
        }
    }

    /// Closes what is open.
    pub(super) fn close(&mut self, out: &mut Vec<u8>) {
        self.part_done(out);
        if matches!(self.open, Some(Open::Call(_))) {
            self.begun(out);
            self.call_done(out);
        } else if matches!(&self.open, Some(Open::Thought(thought)) if thought.begun) {
            self.thoughts_done(out);
        }
        let reply = Arc::clone(&self.reply);
        match self.open.take() {
            Some(Open::Message(told)) => {
                let status = if self.is_cut { "incomplete" } else { "completed" };
                self.done(out, |item| message(item, &told.id, status, &told.parts));
            }
            // What tells nothing, and is to be brought back to nobody, is no item.
            Some(Open::Thought(thought)) if thought.begun || thought.seal.is_some() => {
                if !thought.begun {
                    self.added(out, |item| reasoning(item, &thought.id, "", None));
                }
                self.done(out, |item| reasoning(item, &thought.id, &thought.text, thought.seal.as_deref()));
            }
            Some(Open::Call(call)) => {
                self.done(out, |item| call.write(&call.input, call.status(), reply.own(), item));
                if let Some(late) = &call.late {
                    self.sealed(late, out);
                }
            }
            Some(Open::Image { id, format, data }) => {
                self.added(out, |item| image(item, &id, "in_progress", None));
                self.done(out, |item| image(item, &id, "completed", Some((&format, &data))));
            }
            Some(Open::Thought(_)) | None => {}
        }
    }

    fn thoughts_done(&mut self, out: &mut Vec<u8>) {
        let Some(Open::Thought(thought)) = &self.open else { return };
        let text = thought.text.clone();
        self.tell("response.reasoning_summary_text.done", out, |event| event.text("text", &text));
        self.tell("response.reasoning_summary_part.done", out, |event| {
            summary(&mut event.object("part"), &text);
        });
    }

    fn call_done(&mut self, out: &mut Vec<u8>) {
        let Some(Open::Call(call)) = &self.open else { return };
        let (kind, member) = match call.kind {
            Kind::Function => ("response.function_call_arguments.done", "arguments"),
            Kind::Custom => ("response.custom_tool_call_input.done", "input"),
            Kind::Search => return,
        };
        let input = call.input.clone();
        self.tell(kind, out, |event| event.text(member, &input));
    }
}

/// One more of those that stand between an array's brackets.
fn joined(list: &mut Vec<u8>, one: &[u8]) {
    if !list.is_empty() {
        list.push(b',');
    }
    list.extend(one);
}

fn message(item: &mut Object<'_>, id: &str, status: &str, parts: &[u8]) {
    item.text("id", id);
    item.text("type", "message");
    item.text("status", status);
    item.text("role", "assistant");
    item.raw("content", [b"[", parts, b"]"].concat());
}

fn reasoning(item: &mut Object<'_>, id: &str, text: &str, seal: Option<&str>) {
    item.text("id", id);
    item.text("type", "reasoning");
    let mut summary = item.list("summary");
    if !text.is_empty() {
        self::summary(&mut summary.object(), text);
    }
    drop(summary);
    item.some("encrypted_content", seal);
}

fn summary(part: &mut Object<'_>, text: &str) {
    part.text("type", "summary_text");
    part.text("text", text);
}

fn image(item: &mut Object<'_>, id: &str, status: &str, made: Option<(&str, &str)>) {
    item.text("id", id);
    item.text("type", "image_generation_call");
    item.text("status", status);
    match made {
        Some((format, data)) => {
            item.text("output_format", format);
            item.text("result", data);
        }
        None => item.raw("result", "null"),
    }
}
