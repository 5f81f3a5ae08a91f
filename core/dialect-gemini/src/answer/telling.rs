//! Tells what an upstream answers, chunk by chunk; a whole answer is one chunk.

use std::sync::Arc;

use http::StatusCode;
use sluice_api::dialect::Api;
use sluice_api::error::Error;
use sluice_neutral::answer::{Block, Called, Citation, Class, End, Event, Failure, Piece, Reason, Started};
use sluice_neutral::dialect::Sent;
use sluice_neutral::request::Text;
use sluice_neutral::seal::{self, Seal};
use sluice_usage::Gemini;

use crate::answer::chunk::{Candidate, Chunk, chunks, unreadable};
use crate::answer::part::{Call, Held, read};
use crate::answer::{cited, usage};
use crate::finish::{self, Finish};
use crate::partial::Partial;
use crate::refusal;

/// What is open.
#[derive(Debug)]
enum Open {
    /// Text, of so many bytes by now.
    Text(u64, usize),
    /// Thoughts.
    Thoughts(u64),
    /// A call; its arguments have come, but perhaps not its signature.
    Call(u64),
}

impl Open {
    const fn index(&self) -> u64 {
        match self {
            Self::Text(index, _) | Self::Thoughts(index) | Self::Call(index) => *index,
        }
    }
}

/// How far an answer has come.
#[derive(Debug)]
pub(crate) struct Telling {
    sent: Arc<Sent>,
    next: u64,
    open: Option<Open>,
    /// The answer's own part of ids that are made.
    mark: Option<String>,
    /// A call whose arguments come in pieces.
    pieces: Option<Partial>,
    usage: Option<Gemini>,
    finish: Option<Finish>,
    /// What an odd end was said to be.
    message: Option<String>,
    /// Whether anything was said beside thoughts.
    said: bool,
}

impl Telling {
    /// Nothing has come yet.
    pub(crate) const fn new(sent: Arc<Sent>) -> Self {
        Self {
            sent,
            next: 0,
            open: None,
            mark: None,
            pieces: None,
            usage: None,
            finish: None,
            message: None,
            said: false,
        }
    }

    /// Takes a chunk, or a list of them.
    pub(crate) fn take<'a>(&mut self, data: &'a [u8], tell: &mut dyn FnMut(Event<'a>)) -> Result<(), Error> {
        for chunk in chunks(data)? {
            if let Some(error) = chunk.error {
                tell(Event::Failed(refusal::of_error(StatusCode::OK, error)));
                continue;
            }
            self.chunk(chunk, data, tell)?;
        }
        Ok(())
    }

    fn chunk<'a>(
        &mut self,
        chunk: Chunk<'a>,
        data: &[u8],
        tell: &mut dyn FnMut(Event<'a>),
    ) -> Result<(), Error> {
        let told = chunk.usage.map(usage::read);
        if let Some(told) = told {
            match &mut self.usage {
                Some(usage) => usage.update(told),
                None => self.usage = Some(told),
            }
        }
        if self.mark.is_none() {
            self.mark = Some(mark(chunk.id.as_deref(), data));
            let usage = self.usage.as_ref().map(Gemini::usage);
            tell(Event::Started(Started { id: chunk.id, model: chunk.model, usage }));
        }
        if let Some(candidate) = chunk.candidate {
            self.candidate(candidate, tell)?;
        } else if chunk.blocked.is_some() {
            self.finish = Some(Finish::End(Reason::Refused));
        }
        Ok(())
    }

    fn candidate<'a>(
        &mut self,
        candidate: Candidate<'a>,
        tell: &mut dyn FnMut(Event<'a>),
    ) -> Result<(), Error> {
        for part in &candidate.parts {
            let (held, signature) = read(part);
            let signature = signature.map(|text| self.seal(text));
            match held {
                Held::Text(text) => self.text(text, tell),
                Held::Thought(text) => {
                    let index = self.thoughts(tell);
                    tell(Event::Added(index, Piece::Text(text)));
                }
                Held::Call(call) => {
                    self.call(call, signature, tell)?;
                    continue;
                }
                Held::Image { media_type, data } => self.image(media_type, data, tell),
                Held::Nothing => {}
            }
            if let Some(seal) = signature {
                self.signed(seal, tell);
            }
        }
        self.beside(&candidate, tell);
        if let Some(finish) = candidate.finish.as_deref().and_then(finish::read) {
            self.finish = Some(finish);
            let message = candidate.message.as_deref().or(candidate.finish.as_deref());
            self.message = message.map(str::to_owned);
        }
        Ok(())
    }

    /// What is told about the text that is open.
    fn beside<'a>(&self, candidate: &Candidate<'a>, tell: &mut dyn FnMut(Event<'a>)) {
        let Some(Open::Text(index, length)) = self.open else { return };
        let likely = candidate.logprobs.map(cited::likely).unwrap_or_default();
        if !likely.is_empty() {
            tell(Event::Added(index, Piece::Logprobs(likely)));
        }
        let found = candidate.grounding.map(cited::grounded).unwrap_or_default();
        let quoted = candidate.citations.map(cited::quoted).unwrap_or_default();
        for Citation { url, title, span } in found.into_iter().chain(quoted) {
            let span = span.filter(|(_, end)| *end <= length);
            tell(Event::Added(index, Piece::Citation(Citation { url, title, span })));
        }
    }

    fn seal<'a>(&self, payload: Text<'a>) -> Seal<'a> {
        Seal { origin: Api::Gemini, account: Some(seal::account(&self.sent.account)), payload }
    }

    /// What comes behind something belongs to it; a text has no place for it in other dialects, nor does Gemini miss it
    /// there.
    fn signed<'a>(&mut self, seal: Seal<'a>, tell: &mut dyn FnMut(Event<'a>)) {
        let index = match self.open {
            Some(Open::Thoughts(index) | Open::Call(index)) => index,
            Some(Open::Text(..)) => return,
            None if self.said => return,
            None => self.thoughts(tell),
        };
        tell(Event::Added(index, Piece::Seal(seal)));
    }

    fn text<'a>(&mut self, text: Text<'a>, tell: &mut dyn FnMut(Event<'a>)) {
        self.said = true;
        if !matches!(self.open, Some(Open::Text(..))) {
            let index = self.begin(Block::Text, tell);
            self.open = Some(Open::Text(index, 0));
        }
        if let Some(Open::Text(index, length)) = &mut self.open {
            *length += text.len();
            tell(Event::Added(*index, Piece::Text(text)));
        }
    }

    fn thoughts<'a>(&mut self, tell: &mut dyn FnMut(Event<'a>)) -> u64 {
        if let Some(Open::Thoughts(index)) = self.open {
            return index;
        }
        let index = self.begin(Block::Thinking, tell);
        self.open = Some(Open::Thoughts(index));
        index
    }

    fn image<'a>(&mut self, media_type: Text<'a>, data: Text<'a>, tell: &mut dyn FnMut(Event<'a>)) {
        self.said = true;
        let index = self.begin(Block::Image { media_type }, tell);
        tell(Event::Added(index, Piece::Text(data)));
        tell(Event::Closed(index));
    }

    fn call<'a>(
        &mut self,
        call: Call<'a>,
        seal: Option<Seal<'a>>,
        tell: &mut dyn FnMut(Event<'a>),
    ) -> Result<(), Error> {
        let more = self.pieces.is_some() && (call.name.is_empty() || call.pieces.is_some());
        if !more {
            if call.name.is_empty() {
                return Ok(());
            }
            self.said = true;
            let index = self.next;
            let made = || format!("call_{}_{index}", self.mark.as_deref().unwrap_or_default()).into();
            let id = call.id.unwrap_or_else(made);
            let index = self.begin(Block::Call(Called { id, name: call.name, plain: false }), tell);
            self.open = Some(Open::Call(index));
        }
        let Some(Open::Call(index)) = self.open else { return Ok(()) };
        if let Some(seal) = seal {
            tell(Event::Added(index, Piece::Seal(seal)));
        }
        if let Some(pieces) = call.pieces {
            self.pieces.get_or_insert_default().add(pieces).ok_or_else(unreadable)?;
        } else if let (Some(args), None) = (call.args, &self.pieces) {
            tell(Event::Added(index, Piece::Text(args)));
        }
        if call.goes_on {
            self.pieces.get_or_insert_default();
        } else {
            self.put_together(index, tell);
        }
        Ok(())
    }

    /// The arguments that came in pieces.
    fn put_together<'a>(&mut self, index: u64, tell: &mut dyn FnMut(Event<'a>)) {
        if let Some(pieces) = self.pieces.take() {
            tell(Event::Added(index, Piece::Text(pieces.written().into())));
        }
    }

    fn begin<'a>(&mut self, block: Block<'a>, tell: &mut dyn FnMut(Event<'a>)) -> u64 {
        self.close(tell);
        let index = self.next;
        self.next += 1;
        tell(Event::Opened(index, block));
        index
    }

    fn close<'a>(&mut self, tell: &mut dyn FnMut(Event<'a>)) {
        if let Some(open) = self.open.take() {
            self.put_together(open.index(), tell);
            tell(Event::Closed(open.index()));
        }
    }

    /// Nothing more comes. Google tells no end of its own: the last reason holds, as some tell one with each chunk.
    pub(crate) fn end<'a>(&mut self, tell: &mut dyn FnMut(Event<'a>)) {
        let Some(finish) = self.finish.take() else { return };
        let cut = self.pieces.is_some();
        self.close(tell);
        if let Some(usage) = &self.usage {
            tell(Event::Used(usage.usage()));
        }
        let reason = match finish {
            Finish::End(Reason::Done) if cut => Reason::Length,
            Finish::End(reason) => reason,
            Finish::Odd if self.said => Reason::Done,
            Finish::Odd => {
                let why = self.message.take().unwrap_or_default();
                let message = format!("the model gave no answer: {why}").into();
                let status = StatusCode::BAD_GATEWAY;
                tell(Event::Failed(Failure { status, class: Class::Server, message, param: None }));
                return;
            }
        };
        tell(Event::Ended(End { reason, stop_sequence: None }));
        tell(Event::Whole);
    }
}

/// What of an answer's id may stand in the ids of its calls; where it has none, a number of how it began.
fn mark(id: Option<&str>, data: &[u8]) -> String {
    let letters = id.unwrap_or_default().chars().filter(|letter| letter.is_ascii_alphanumeric());
    let mark: String = letters.take(32).collect();
    if mark.is_empty() {
        let number = data.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
        });
        return format!("{number:016x}");
    }
    mark
}
