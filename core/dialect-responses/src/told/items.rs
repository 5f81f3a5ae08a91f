//! The items of an answer, one after another, and the events that tell of them.

use std::sync::Arc;

use sluice_neutral::answer::{Block, Called, Citation, Logprob, Piece};
use sluice_neutral::dialect::Reply;
use sluice_neutral::order::Plain;
use sluice_neutral::seal::Seal;

use super::open::{Call, Kind, Part, annotation, logprobs};
use crate::json::Object;
use crate::own::Asked;
use crate::seals;

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
}

#[derive(Debug)]
enum Open {
    Message(Message),
    Thought(Thought),
    Call(Call),
    Image { id: String, format: String, data: String },
}

/// A message: texts that follow one another stand in one.
#[derive(Debug)]
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
        Self { letters, reply, streams, sequence: 0, output, count: 0, open: None, refused: false }
    }

    /// Items that are whole.
    pub(super) fn output(&self) -> &[u8] {
        &self.output
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

    fn asked(&self) -> Option<&Asked> {
        self.reply.own()
    }

    fn opened(&mut self, block: Block<'_>, out: &mut Vec<u8>) {
        let refuses = block == Block::Refusal;
        if matches!(block, Block::Text | Block::Refusal) {
            self.refused |= refuses;
            return self.part(refuses, out);
        }
        self.close(out);
        self.open = Some(match block {
            Block::Call(Called { id, name, plain }) => {
                let kind = Kind::of(&Called { id: id.clone(), name: name.clone(), plain }, self.asked());
                Open::Call(Call {
                    kind,
                    id: String::new(),
                    call_id: id.into_owned(),
                    name: name.into_owned(),
                    input: String::new(),
                    begun: false,
                    late: None,
                })
            }
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
            self.open = Some(Open::Message(Message {
                id,
                parts: Vec::new(),
                count: 0,
                part: None,
                citations: Vec::new(),
            }));
        }
        let (count, place) = (self.count, self.place());
        let Some(mut event) = self.event("response.content_part.added", out) else {
            return self.set_part(refuses);
        };
        place.write(count, &mut event);
        Part { refuses, ..Part::default() }.write(&mut event.object("part"));
        drop(event);
        self.set_part(refuses);
    }

    fn set_part(&mut self, refuses: bool) {
        if let Some(Open::Message(message)) = &mut self.open {
            message.part = Some(Part { refuses, ..Part::default() });
        }
    }

    /// Where the open part or item stands.
    fn place(&self) -> Place {
        match &self.open {
            Some(Open::Message(message)) => {
                Place { id: message.id.clone(), inner: Some(("content_index", message.count)) }
            }
            Some(Open::Thought(thought)) => {
                Place { id: thought.id.clone(), inner: Some(("summary_index", 0)) }
            }
            Some(Open::Call(call)) => Place { id: call.id.clone(), inner: None },
            _ => Place::default(),
        }
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
        if !self.output.is_empty() {
            self.output.push(b',');
        }
        self.output.extend(item);
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
        self.delta(kind, |event| event.text("delta", text), out);
    }

    fn delta(&mut self, kind: &str, fill: impl FnOnce(&mut Object<'_>), out: &mut Vec<u8>) {
        if !self.streams {
            return;
        }
        let (count, place) = (self.count, self.place());
        if let Some(mut event) = self.event(kind, out) {
            place.write(count, &mut event);
            fill(&mut event);
            if kind.starts_with("response.output_text.d") {
                event.raw("logprobs", "[]");
            }
        }
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
                let id = thought.id.clone();
                let redacted = thought.redacted;
                self.open = Some(Open::Thought(thought));
                if !redacted {
                    self.summary("response.reasoning_summary_part.added", &id, "", out);
                }
            }
            open => self.open = open,
        }
    }

    fn summary(&mut self, kind: &str, id: &str, text: &str, out: &mut Vec<u8>) {
        let count = self.count;
        if let Some(mut event) = self.event(kind, out) {
            Place { id: id.to_owned(), inner: Some(("summary_index", 0)) }.write(count, &mut event);
            summary_text(&mut event.object("part"), text);
        }
    }

    /// What only the model's maker can read: of thoughts at their end, of a call in an item before it.
    fn seal(&mut self, seal: &Seal<'_>, out: &mut Vec<u8>) {
        match &mut self.open {
            Some(Open::Thought(thought)) => thought.seal = Some(seals::written(seal, thought.redacted)),
            Some(Open::Call(call)) => {
                let sealed = seals::written(seal, false);
                if call.begun {
                    call.late = Some(sealed);
                } else {
                    self.sealed(&sealed, out);
                }
            }
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

    fn cited(&mut self, citation: Citation<'_>) {
        if let Some(Open::Message(message)) = &mut self.open {
            message.citations.push(Citation {
                url: citation.url.into_owned().into(),
                title: citation.title.map(|title| title.into_owned().into()),
                span: citation.span,
            });
        }
    }

    fn likely(&mut self, told: &[Logprob<'_>], out: &mut Vec<u8>) {
        let Some(Open::Message(Message { part: Some(part), .. })) = &mut self.open else { return };
        let mut list = Vec::new();
        logprobs(told, &mut crate::json::List::new(&mut list));
        let inner = list.strip_prefix(b"[").and_then(|list| list.strip_suffix(b"]")).unwrap_or_default();
        if !part.logprobs.is_empty() {
            part.logprobs.push(b',');
        }
        part.logprobs.extend(inner);
        let (count, place) = (self.count, self.place());
        if let Some(mut event) = self.event("response.output_text.delta", out) {
            place.write(count, &mut event);
            event.text("delta", "");
            event.raw("logprobs", &list);
        }
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
        let place = self.place();
        let Some(Open::Message(message)) = &mut self.open else { return };
        let Some(mut part) = message.part.take() else { return };
        let citations = std::mem::take(&mut message.citations);
        for (index, citation) in (0_u64..).zip(&citations) {
            self.annotated((index, citation), &place, &mut part, out);
        }
        let count = self.count;
        let kind = if part.refuses { "response.refusal.done" } else { "response.output_text.done" };
        if let Some(mut event) = self.event(kind, out) {
            place.write(count, &mut event);
            event.text(if part.refuses { "refusal" } else { "text" }, &part.text);
            if !part.refuses {
                event.raw("logprobs", [b"[", part.logprobs.as_slice(), b"]"].concat());
            }
        }
        if let Some(mut event) = self.event("response.content_part.done", out) {
            place.write(count, &mut event);
            part.write(&mut event.object("part"));
        }
        if let Some(Open::Message(message)) = &mut self.open {
            if message.count > 0 {
                message.parts.push(b',');
            }
            part.write(&mut Object::new(&mut message.parts));
            message.count += 1;
        }
    }

    fn annotated(
        &mut self,
        (index, citation): (u64, &Citation<'_>),
        place: &Place,
        part: &mut Part,
        out: &mut Vec<u8>,
    ) {
        let mut written = Vec::new();
        annotation(citation, &part.text, &mut Object::new(&mut written));
        let count = self.count;
        if let Some(mut event) = self.event("response.output_text.annotation.added", out) {
            place.write(count, &mut event);
            event.number("annotation_index", index);
            event.raw("annotation", &written);
        }
        if index > 0 {
            part.annotations.push(b',');
        }
        part.annotations.extend(written);
    }

    /// Closes what is open.
    pub(super) fn close(&mut self, out: &mut Vec<u8>) {
        self.part_done(out);
        match self.open.take() {
            Some(Open::Message(told)) => {
                self.done(out, |item| message(item, &told.id, "completed", &told.parts));
            }
            Some(Open::Thought(thought)) => self.thought(thought, out),
            Some(Open::Call(call)) => {
                self.open = Some(Open::Call(call));
                self.begun(out);
                if let Some(Open::Call(call)) = self.open.take() {
                    self.called(&call, out);
                }
            }
            Some(Open::Image { id, format, data }) => {
                self.added(out, |item| image(item, &id, "in_progress", None));
                self.done(out, |item| image(item, &id, "completed", Some((&format, &data))));
            }
            None => {}
        }
    }

    fn thought(&mut self, thought: Thought, out: &mut Vec<u8>) {
        // What tells nothing, and is to be brought back to nobody, is no item.
        if thought.text.is_empty() && thought.seal.is_none() {
            return;
        }
        if !thought.begun {
            self.added(out, |item| reasoning(item, &thought.id, "", None));
        } else if !thought.text.is_empty() {
            let count = self.count;
            let place = Place { id: thought.id.clone(), inner: Some(("summary_index", 0)) };
            if let Some(mut event) = self.event("response.reasoning_summary_text.done", out) {
                place.write(count, &mut event);
                event.text("text", &thought.text);
            }
            self.summary("response.reasoning_summary_part.done", &thought.id, &thought.text, out);
        }
        self.done(out, |item| reasoning(item, &thought.id, &thought.text, thought.seal.as_deref()));
    }

    fn called(&mut self, call: &Call, out: &mut Vec<u8>) {
        let count = self.count;
        let told = match call.kind {
            Kind::Function => Some(("response.function_call_arguments.done", "arguments")),
            Kind::Custom => Some(("response.custom_tool_call_input.done", "input")),
            Kind::Search => None,
        };
        if let Some((kind, member)) = told
            && let Some(mut event) = self.event(kind, out)
        {
            Place { id: call.id.clone(), inner: None }.write(count, &mut event);
            event.text(member, &call.input);
        }
        let reply = Arc::clone(&self.reply);
        self.done(out, |item| call.write(&call.input, call.status(), reply.own(), item));
        if let Some(late) = &call.late {
            self.sealed(late, out);
        }
    }
}

/// Where something stands: the item's id, and the part's place in it.
#[derive(Debug, Default)]
struct Place {
    id: String,
    inner: Option<(&'static str, u64)>,
}

impl Place {
    fn write(&self, output_index: u64, event: &mut Object<'_>) {
        event.text("item_id", &self.id);
        event.number("output_index", output_index);
        if let Some((name, index)) = self.inner {
            event.number(name, index);
        }
    }
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
        summary_text(&mut summary.object(), text);
    }
    drop(summary);
    item.some("encrypted_content", seal);
}

fn summary_text(part: &mut Object<'_>, text: &str) {
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
