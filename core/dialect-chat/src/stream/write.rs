//! A stream for a client, written as the SDKs' accumulators need it: each thing once, one call after another, usage last.

use std::sync::Arc;

use sluice_api::cost::Usage;
use sluice_neutral::answer::Plain;
use sluice_neutral::answer::{Block, Called, Citation, End, Failure, Logprob, Piece, Said, Started, owned};
use sluice_neutral::dialect::{Reply, Writer};
use sluice_neutral::seal::Seal;

use crate::answer::{logprobs, usage, write};
use crate::json::Json;
use crate::kept::Kept;
use crate::refusal;

/// What is being written.
#[derive(Debug)]
pub(crate) struct Writing {
    kept: Kept,
    /// What every chunk begins with: one id, one time, one model.
    head: String,
    reply: Arc<Reply>,
    open: Open,
    /// Calls that were opened.
    calls: u64,
    /// Images that were told.
    images: u64,
    /// Thoughts that were told with what only their maker can read.
    thoughts: u64,
    refuses: bool,
    /// What is cited, and where; that is known once the block is whole.
    cited: Vec<(Citation<'static>, Option<(usize, usize)>)>,
    /// Letters of text before the block that is open.
    letters: usize,
    /// The text of the block that is open, for what is cited of it.
    text: String,
}

/// The block that is open.
#[derive(Debug)]
enum Open {
    /// None, or one of which nothing is written.
    Nothing,
    Text,
    Refusal,
    /// Thoughts, shown or not.
    Thinking(Said<'static>),
    Call,
    /// A call with text of no form, which is told whole: of one in fragments node's library keeps the last alone.
    Plain(Said<'static>),
    /// The old form of a call.
    Function,
    /// An image, which is told whole.
    Image(String, String),
}

impl Writing {
    /// Nothing is written yet.
    pub(crate) fn new(reply: &Arc<Reply>) -> Self {
        Self {
            kept: reply.own::<Kept>().copied().unwrap_or_default(),
            head: String::new(),
            reply: Arc::clone(reply),
            open: Open::Nothing,
            calls: 0,
            images: 0,
            thoughts: 0,
            refuses: false,
            cited: Vec::new(),
            letters: 0,
            text: String::new(),
        }
    }

    /// A chunk with one choice.
    fn chunk(&self, out: &mut Vec<u8>, delta: impl FnOnce(&mut Json)) {
        self.choice(out, &[], None, delta);
    }

    fn choice(
        &self,
        out: &mut Vec<u8>,
        likely: &[Logprob<'_>],
        reason: Option<&str>,
        delta: impl FnOnce(&mut Json),
    ) {
        self.event(out, |json| {
            json.key("choices").array(|json| {
                json.object(|json| {
                    json.key("index").number(0);
                    json.key("delta").object(delta);
                    if !likely.is_empty() {
                        logprobs::write(likely, json.key("logprobs"));
                    }
                    json.key("finish_reason");
                    match reason {
                        Some(reason) => json.text(reason),
                        None => json.raw("null"),
                    }
                });
            });
            // So that a client knows that it is to come.
            if self.kept.include_usage {
                json.key("usage").raw("null");
            }
        });
    }

    fn event(&self, out: &mut Vec<u8>, inside: impl FnOnce(&mut Json)) {
        out.extend_from_slice(b"data: ");
        let mut json = Json::on(std::mem::take(out));
        json.begun(&self.head, inside);
        *out = json.into_bytes();
        out.extend_from_slice(b"\n\n");
    }

    fn opened(&mut self, block: &Block<'_>, out: &mut Vec<u8>) {
        self.open = match block {
            Block::Text => Open::Text,
            Block::Refusal => Open::Refusal,
            Block::Thinking => Open::Thinking(Said::new(Block::Thinking, "")),
            Block::Redacted => Open::Thinking(Said::new(Block::Redacted, "")),
            Block::Image { media_type } => Open::Image(media_type.clone().into_owned(), String::new()),
            Block::Call(called) if self.kept.legacy => {
                self.calls += 1;
                // It knows of one call at a time; the model makes the others once it has the result of this one.
                if self.calls > 1 {
                    self.open = Open::Nothing;
                    return;
                }
                self.chunk(out, |json| {
                    json.key("function_call").object(|json| {
                        json.key("name").text(&called.name);
                        json.key("arguments").text("");
                    });
                });
                Open::Function
            }
            Block::Call(Called { id, name, plain: true }) => {
                let called = Called { id: owned(id.clone()), name: owned(name.clone()), plain: true };
                self.calls += 1;
                Open::Plain(Said::new(Block::Call(called), ""))
            }
            Block::Call(called) => {
                let index = self.calls;
                self.chunk(out, |json| {
                    tool_call(index, json, |json| write::call(called, &Said::new(Block::Text, ""), json));
                });
                self.calls += 1;
                Open::Call
            }
        };
    }

    fn added(&mut self, piece: Piece<'_>, out: &mut Vec<u8>) {
        match piece {
            Piece::Text(text) => self.text(&text, out),
            Piece::Logprobs(likely) if !likely.is_empty() => {
                self.choice(out, &likely, None, |json| json.key("content").text(""));
            }
            Piece::Citation(Citation { url, title, span }) => {
                let citation = Citation { url: owned(url), title: title.map(owned), span };
                self.cited.push((citation, None));
            }
            Piece::Seal(seal) => match &mut self.open {
                Open::Call => self.chunk(out, |json| {
                    tool_call(self.calls.saturating_sub(1), json, |json| {
                        json.key("function").object(|json| json.key("arguments").text(""));
                        write::sealed(&seal, json);
                    });
                }),
                Open::Plain(said) | Open::Thinking(said) => {
                    let Seal { origin, account, payload } = seal;
                    said.seal = Some(Seal { origin, account, payload: owned(payload) });
                }
                _ => {}
            },
            Piece::Logprobs(_) => {}
        }
    }

    fn text(&mut self, text: &str, out: &mut Vec<u8>) {
        // An empty one would say nothing, and some clients count chunks.
        if text.is_empty() {
            return;
        }
        match &mut self.open {
            Open::Nothing => {}
            Open::Text => {
                self.text.push_str(text);
                self.chunk(out, |json| json.key("content").text(text));
            }
            Open::Refusal => {
                self.refuses = true;
                self.chunk(out, |json| json.key("refusal").text(text));
            }
            Open::Thinking(said) => {
                said.text.to_mut().push_str(text);
                if said.block == Block::Thinking {
                    self.chunk(out, |json| json.key("reasoning_content").text(text));
                }
            }
            Open::Image(_, data) => data.push_str(text),
            Open::Function => self.chunk(out, |json| {
                json.key("function_call").object(|json| json.key("arguments").text(text));
            }),
            Open::Plain(said) => said.text.to_mut().push_str(text),
            Open::Call => self.chunk(out, |json| {
                tool_call(self.calls.saturating_sub(1), json, |json| {
                    json.key("function").object(|json| json.key("arguments").text(text));
                });
            }),
        }
    }

    fn closed(&mut self, out: &mut Vec<u8>) {
        match std::mem::replace(&mut self.open, Open::Nothing) {
            Open::Text => {
                let text = std::mem::take(&mut self.text);
                for (citation, place) in self.cited.iter_mut().filter(|(_, place)| place.is_none()) {
                    let (start, end) = write::letters(citation, &text);
                    *place = Some((self.letters + start, self.letters + end));
                }
                self.letters += text.chars().count();
            }
            Open::Thinking(said) => {
                let Some(seal) = write::foreign(&said) else { return };
                self.chunk(out, |json| {
                    json.key("reasoning_details")
                        .array(|json| write::thought(self.thoughts, &said, seal, json));
                });
                self.thoughts += 1;
            }
            Open::Plain(said) => {
                let Block::Call(called) = &said.block else { return };
                self.chunk(out, |json| {
                    tool_call(self.calls.saturating_sub(1), json, |json| write::call(called, &said, json));
                });
            }
            Open::Image(media_type, data) => {
                let index = self.images;
                self.images += 1;
                self.chunk(out, |json| {
                    json.key("images").array(|json| write::picture(index, &media_type, &data, json));
                });
            }
            _ => {}
        }
    }
}

fn tool_call(index: u64, json: &mut Json, inside: impl FnOnce(&mut Json)) {
    json.key("tool_calls").array(|json| {
        json.object(|json| {
            json.key("index").number(index);
            inside(json);
        });
    });
}

impl Writer for Writing {
    fn start(&mut self, started: &Started<'_>, out: &mut Vec<u8>) {
        let mut head = Json::default();
        head.object(|json| {
            json.key("id").text(&write::id(started.id.as_deref(), &self.reply.id));
            json.key("object").text("chat.completion.chunk");
            json.key("created").raw(&self.reply.created.to_string());
            json.key("model").text(&self.reply.model);
        });
        let head = String::from_utf8(head.into_bytes()).unwrap_or_default();
        self.head = head.trim_end_matches('}').to_owned();
        self.chunk(out, |json| {
            json.key("role").text("assistant");
            json.key("content").text("");
        });
    }

    fn block(&mut self, block: Plain<'_>, out: &mut Vec<u8>) {
        match block {
            Plain::Opened(block) => self.opened(&block, out),
            Plain::Added(piece) => self.added(piece, out),
            Plain::Closed => self.closed(out),
        }
    }

    fn end(&mut self, end: &End<'_>, used: &Usage, out: &mut Vec<u8>) {
        // In one chunk: accumulators can't add up lists without indexes.
        if !self.cited.is_empty() {
            self.chunk(out, |json| {
                json.key("annotations").array(|json| {
                    for (citation, place) in &self.cited {
                        write::annotation(citation, place.unwrap_or_default(), json);
                    }
                });
            });
        }
        self.choice(out, &[], Some(write::reason(end.reason, self.refuses, self.kept.legacy)), |_| {});
        if self.kept.include_usage {
            self.event(out, |json| {
                json.key("choices").array(|_| {});
                usage::write(used, json.key("usage"));
            });
        }
        out.extend_from_slice(b"data: [DONE]\n\n");
    }

    fn fail(&mut self, failure: &Failure<'_>, request_id: &str, out: &mut Vec<u8>) {
        out.extend_from_slice(b"data: ");
        out.extend(refusal::write(failure, request_id));
        out.extend_from_slice(b"\n\n");
    }

    fn keep_alive(&self) -> &'static [u8] {
        b": keep-alive\n\n"
    }
}
