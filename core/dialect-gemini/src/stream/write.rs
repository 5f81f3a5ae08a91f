//! A stream for a client: each chunk is an event of one line, and has a candidate with a part and a role. Clients forget a
//! turn of which one chunk lacks any of these.

use std::sync::Arc;

use sluice_api::cost::Usage;
use sluice_api::dialect::Api;
use sluice_neutral::answer::Plain;
use sluice_neutral::answer::{Block, Called, End, Failure, Piece, Started, owned};
use sluice_neutral::dialect::{Reply, Writer};

use crate::answer::cited;
use crate::answer::saying::{Saying, about, is_hidden};
use crate::pen::Pen;
use crate::refusal;

/// Writes a stream.
pub(crate) struct Stream {
    reply: Arc<Reply>,
    saying: Saying,
    open: Open,
}

/// The block that is open. Calls and images are told whole.
enum Open {
    Nothing,
    Text,
    Thoughts,
    Hidden,
    Call(Called<'static>, String),
    Image(String, String),
}

impl Stream {
    /// Nothing was written yet.
    pub(crate) fn new(reply: &Arc<Reply>) -> Self {
        Self { reply: Arc::clone(reply), saying: Saying::new(reply), open: Open::Nothing }
    }

    /// Writes a chunk: its parts, and what else its candidate has.
    fn chunk(
        &mut self,
        out: &mut Vec<u8>,
        used: Option<&Usage>,
        parts: impl FnOnce(&mut Saying, &mut Pen<'_>),
        beside: impl FnOnce(&Saying, &mut Pen<'_>),
    ) {
        out.extend_from_slice(b"data: ");
        let mut pen = Pen::line(out);
        pen.open(b'{')
            .key("candidates")
            .open(b'[')
            .open(b'{')
            .key("content")
            .open(b'{')
            .key("parts")
            .open(b'[');
        self.saying.next();
        parts(&mut self.saying, &mut pen);
        pen.close(b']').field("role", "model").close(b'}');
        beside(&self.saying, &mut pen);
        pen.close(b'}').close(b']');
        about(&self.reply, used, &mut pen);
        pen.close(b'}');
        out.extend_from_slice(b"\r\n\r\n");
    }

    /// A chunk that goes on.
    fn part(&mut self, out: &mut Vec<u8>, part: impl FnOnce(&mut Saying, &mut Pen<'_>)) {
        self.chunk(out, None, part, |_, pen| {
            pen.member("index", "0");
        });
    }

    fn piece(&mut self, piece: Piece<'_>, out: &mut Vec<u8>) {
        match (piece, &mut self.open) {
            (Piece::Text(text), _) if text.is_empty() => {}
            (Piece::Text(text), Open::Text) => self.part(out, |saying, pen| saying.text(&text, pen)),
            (Piece::Text(text), Open::Thoughts) => {
                if self.saying.shows_thoughts() {
                    self.part(out, |saying, pen| saying.thought(&text, pen));
                }
            }
            (Piece::Text(text), Open::Call(_, held) | Open::Image(_, held)) => held.push_str(&text),
            (Piece::Seal(seal), Open::Call(..)) => {
                self.saying.remember_first(seal.written(Api::Gemini).into_owned());
            }
            (Piece::Seal(seal), Open::Hidden) if is_hidden(&seal) => {
                self.part(out, |saying, pen| saying.hidden(&seal, pen));
            }
            (Piece::Seal(seal), _) => self.saying.remember(&seal),
            (Piece::Citation(citation), _) => self.saying.cite(citation),
            (Piece::Logprobs(all), _) if !all.is_empty() => {
                self.chunk(
                    out,
                    None,
                    |saying, pen| saying.text("", pen),
                    |_, pen| {
                        pen.member("index", "0");
                        cited::write_likely(&all, pen);
                    },
                );
            }
            (Piece::Text(_) | Piece::Logprobs(_), _) => {}
        }
    }

    fn closed(&mut self, out: &mut Vec<u8>) {
        match std::mem::replace(&mut self.open, Open::Nothing) {
            Open::Call(called, args) if self.saying.takes(&called, &args) => {
                self.part(out, |saying, pen| saying.call(&called, &args, pen));
            }
            Open::Image(media_type, data) if !data.is_empty() => {
                self.part(out, |saying, pen| saying.image(&media_type, &data, pen));
            }
            _ => {}
        }
    }
}

impl Writer for Stream {
    /// Google's streams begin with what is said.
    fn start(&mut self, _started: &Started<'_>, _out: &mut Vec<u8>) {}

    fn block(&mut self, block: Plain<'_>, out: &mut Vec<u8>) {
        match block {
            Plain::Opened(block) => {
                self.open = match block {
                    Block::Text | Block::Refusal => Open::Text,
                    Block::Thinking => Open::Thoughts,
                    Block::Redacted => Open::Hidden,
                    Block::Call(Called { id, name, plain }) => {
                        Open::Call(Called { id: owned(id), name: owned(name), plain }, String::new())
                    }
                    Block::Image { media_type } => Open::Image(media_type.into_owned(), String::new()),
                };
            }
            Plain::Added(piece) => self.piece(piece, out),
            Plain::Closed => self.closed(out),
        }
    }

    fn end(&mut self, end: &End<'_>, usage: &Usage, out: &mut Vec<u8>) {
        let reason = end.reason;
        self.chunk(out, Some(usage), Saying::last, |saying, pen| saying.ended(reason, pen));
    }

    fn fail(&mut self, failure: &Failure<'_>, request_id: &str, out: &mut Vec<u8>) {
        out.extend_from_slice(b"data: ");
        refusal::write(failure, request_id, &mut Pen::line(out));
        out.extend_from_slice(b"\r\n\r\n");
    }

    /// An empty line: a chunk without a part would cost the turn, and a comment the stream.
    fn keep_alive(&self) -> &'static [u8] {
        b"\r\n\r\n"
    }
}
