//! A stream's events put in order: one block after another, calls under the client's own names, usage with the end.

pub mod arguments;
pub mod stops;

use std::collections::VecDeque;
use std::sync::Arc;

use serde::Deserialize;
use sluice_api::cost::Usage;
use sluice_api::error::{Error, Kind};

use crate::answer::{
    Answer, Block, Called, Citation, End, Event, Failure, Logprob, Piece, Plain, Reason, owned,
};
use crate::dialect::{Sent, Writer};
use crate::request::Text;
use crate::seal::Seal;

use arguments::Arguments;
use stops::Looking;

/// Most that is held of blocks whose turn has not come: far above what a model says at once.
const HELD_MAX: usize = 8 * 1024 * 1024;

/// Puts what a stream tells in order for a writer.
pub struct Ordered {
    sent: Arc<Sent>,
    writer: Box<dyn Writer>,
    request_id: Arc<str>,
    waiting: VecDeque<Waiting>,
    held: usize,
    /// A call with text of no form, as long as its arguments have not all come.
    wrapped: Option<String>,
    /// How far the arguments have come of the call that is open.
    arguments: Option<Arguments>,
    /// The text that is open, where stop sequences are looked for in it.
    looking: Option<Looking>,
    told: Told,
    usage: Usage,
    end: Option<End<'static>>,
    progress: Progress,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    Before,
    Begun,
    /// It has met a stop sequence: nothing more is told of it but what it used.
    Stopped,
    Whole,
    Failed,
}

/// A block that another one is written before.
struct Waiting {
    index: u64,
    /// What of it was told while it waited. Nothing waits in the first one.
    held: Vec<Plain<'static>>,
    closed: bool,
}

impl Ordered {
    /// Nothing has come yet.
    #[must_use]
    pub fn new(sent: Arc<Sent>, writer: Box<dyn Writer>, request_id: Arc<str>) -> Self {
        Self {
            sent,
            writer,
            request_id,
            waiting: VecDeque::new(),
            held: 0,
            wrapped: None,
            arguments: None,
            looking: None,
            told: Told::default(),
            usage: Usage::default(),
            end: None,
            progress: Progress::Before,
        }
    }

    /// Takes what a stream tells, and writes what can be told of it.
    ///
    /// # Errors
    ///
    /// When blocks are mixed that are too long to be held.
    pub fn take(&mut self, event: Event<'_>, out: &mut Vec<u8>) -> Result<(), Error> {
        match (event, self.progress) {
            (_, Progress::Whole | Progress::Failed) => {}
            (Event::Used(usage), Progress::Stopped) => self.stop(usage, out),
            (Event::Whole | Event::Failed(_), Progress::Stopped) => self.finish(out),
            (_, Progress::Stopped) => {}
            (Event::Started(started), Progress::Before) => {
                self.progress = Progress::Begun;
                if let Some(usage) = started.usage {
                    self.usage = usage;
                }
                self.writer.start(&started, out);
            }
            (Event::Failed(failure), _) => self.fail(&failure, out),
            (_, Progress::Before) | (Event::Started(_), Progress::Begun) => {}
            (Event::Opened(index, block), Progress::Begun) => self.opened(index, block, out)?,
            (Event::Added(index, piece), Progress::Begun) => self.held_or(index, Plain::Added(piece), out)?,
            (Event::Closed(index), Progress::Begun) => self.closed(index, out),
            (Event::Used(usage), Progress::Begun) => {
                self.usage = usage;
                if self.end.is_some() {
                    self.finish(out);
                }
            }
            (Event::Ended(end), Progress::Begun) => self.ended(end, out),
            (Event::Whole, Progress::Begun) => {
                if self.end.is_some() {
                    self.finish(out);
                }
            }
        }
        Ok(())
    }

    /// Nothing more comes. Whether the answer is whole; else it is for the caller to say how it failed.
    pub fn ends(&mut self, out: &mut Vec<u8>) -> bool {
        if matches!(self.progress, Progress::Begun | Progress::Stopped) && self.end.is_some() {
            self.finish(out);
        }
        self.progress == Progress::Whole
    }

    /// Whether it has met a stop sequence which the account was not asked for: nothing more of it is needed.
    #[must_use]
    pub fn has_stopped(&self) -> bool {
        self.progress == Progress::Stopped
    }

    /// It ends at its stop sequence, with so much used.
    pub fn stop(&mut self, usage: Usage, out: &mut Vec<u8>) {
        self.usage = usage;
        self.finish(out);
    }

    /// The answer fails, unless it is whole or has failed already.
    pub fn fail(&mut self, failure: &Failure<'_>, out: &mut Vec<u8>) {
        if self.has_stopped() {
            self.finish(out);
        }
        if matches!(self.progress, Progress::Before | Progress::Begun) {
            self.progress = Progress::Failed;
            self.writer.fail(failure, &self.request_id, out);
        }
    }

    /// Whether the client has been told the end, of whichever kind.
    #[must_use]
    pub fn is_over(&self) -> bool {
        matches!(self.progress, Progress::Whole | Progress::Failed)
    }

    /// Whether the client has been told that the answer is whole.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.progress == Progress::Whole
    }

    /// Whether the upstream's answer has said anything: a failure before that might as well have come as a refusal.
    #[must_use]
    pub const fn has_said(&self) -> bool {
        self.told.any
    }

    /// What keeps a silent connection alive; nothing before the answer has begun and after it has ended.
    #[must_use]
    pub fn keep_alive(&self) -> &'static [u8] {
        let runs = matches!(self.progress, Progress::Begun | Progress::Stopped);
        if runs { self.writer.keep_alive() } else { b"" }
    }

    fn opened(&mut self, index: u64, block: Block<'_>, out: &mut Vec<u8>) -> Result<(), Error> {
        if self.waiting.iter().any(|waiting| waiting.index == index) {
            return Ok(());
        }
        self.told.note(&block);
        self.waiting.push_back(Waiting { index, held: Vec::new(), closed: false });
        self.held_or(index, Plain::Opened(block), out)
    }

    /// Writes what belongs to the first block; what belongs to another waits.
    fn held_or(&mut self, index: u64, plain: Plain<'_>, out: &mut Vec<u8>) -> Result<(), Error> {
        if self.waiting.front().is_some_and(|first| first.index == index) {
            self.write(plain, out);
            return Ok(());
        }
        // What belongs to no block that is open is nobody's.
        let Some(waiting) = self.waiting.iter_mut().find(|waiting| waiting.index == index) else {
            return Ok(());
        };
        self.held = self.held.saturating_add(plain.length());
        if self.held > HELD_MAX {
            return Err(Error::new(Kind::Upstream, "the upstream mixes longer blocks than can be held"));
        }
        waiting.held.push(plain.owned());
        Ok(())
    }

    fn closed(&mut self, index: u64, out: &mut Vec<u8>) {
        if let Some(waiting) = self.waiting.iter_mut().find(|waiting| waiting.index == index) {
            waiting.closed = true;
        }
        while self.waiting.front().is_some_and(|first| first.closed) {
            self.waiting.pop_front();
            self.write(Plain::Closed, out);
            let held = self.waiting.front_mut().map(|first| std::mem::take(&mut first.held));
            for plain in held.unwrap_or_default() {
                self.held = self.held.saturating_sub(plain.length());
                self.write(plain, out);
            }
        }
    }

    fn ended(&mut self, end: End<'_>, out: &mut Vec<u8>) {
        for waiting in &mut self.waiting {
            waiting.closed = true;
        }
        if let Some(first) = self.waiting.front().map(|first| first.index) {
            self.closed(first, out);
        }
        let stop_sequence = end.stop_sequence.map(owned);
        self.end = Some(End { reason: self.told.reason(end.reason), stop_sequence });
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        let Some(end) = self.end.take() else { return };
        self.progress = Progress::Whole;
        self.writer.end(&end, &self.usage, out);
    }

    /// Writes what happens to the open block, its tool under the client's own name.
    fn write(&mut self, plain: Plain<'_>, out: &mut Vec<u8>) {
        match plain {
            _ if self.has_stopped() => {}
            Plain::Opened(Block::Text) => {
                self.looking = (!self.sent.stops.is_empty()).then(Looking::default);
                self.writer.block(Plain::Opened(Block::Text), out);
            }
            Plain::Added(Piece::Text(text)) if self.looking.is_some() => self.look(&text, out),
            Plain::Opened(Block::Call(Called { id, name, plain })) => {
                self.told.wrote_call = true;
                let sent = Arc::clone(&self.sent);
                let name = sent.names.own(&name);
                let wrapped = !plain && sent.wrapped.iter().any(|known| known == name);
                self.wrapped = wrapped.then(String::new);
                self.arguments = (!plain).then(Arguments::default);
                let called = Called { id, name: name.into(), plain: plain || wrapped };
                self.writer.block(Plain::Opened(Block::Call(called)), out);
            }
            Plain::Added(Piece::Text(text)) if self.arguments.is_some() => {
                if let Some(arguments) = &mut self.arguments {
                    arguments.feed(&text);
                }
                match &mut self.wrapped {
                    Some(wrapped) => wrapped.push_str(&text),
                    None => self.writer.block(Plain::Added(Piece::Text(text)), out),
                }
            }
            Plain::Closed => {
                let held = self.looking.take().map(Looking::rest);
                if let Some(held) = held.filter(|held| !held.is_empty()) {
                    self.writer.block(Plain::Added(Piece::Text(held.into())), out);
                }
                let arguments = self.arguments.take();
                self.told.is_cut |= arguments.as_ref().is_some_and(Arguments::are_cut);
                let text = match self.wrapped.take() {
                    Some(wrapped) => Some(unwrapped(&wrapped).unwrap_or(wrapped).into()),
                    // No client reads arguments that are no JSON.
                    None => arguments.filter(Arguments::are_none).map(|_| Text::from("{}")),
                };
                if let Some(text) = text {
                    self.writer.block(Plain::Added(Piece::Text(text)), out);
                }
                self.writer.block(Plain::Closed, out);
            }
            plain => self.writer.block(plain, out),
        }
    }

    /// Writes what can be told of a text in which stop sequences are looked for, and nothing more behind one.
    fn look(&mut self, text: &str, out: &mut Vec<u8>) {
        let sent = Arc::clone(&self.sent);
        let Some(looking) = &mut self.looking else { return };
        let (told, met) = looking.feed(text, &sent.stops);
        if !told.is_empty() {
            self.writer.block(Plain::Added(Piece::Text(told.into())), out);
        }
        if let Some(stop) = met {
            self.writer.block(Plain::Closed, out);
            self.waiting.clear();
            // A call before it is to be answered, and who asked for it must know.
            self.end = Some(match self.told.wrote_call {
                true => End { reason: Reason::Calls, stop_sequence: None },
                false => End { reason: Reason::Stopped, stop_sequence: Some(stop.to_owned().into()) },
            });
            self.progress = Progress::Stopped;
        }
    }
}

/// What an answer has told, as far as that says why it ended.
#[derive(Debug, Default)]
struct Told {
    any: bool,
    called: bool,
    /// The client was told a call.
    wrote_call: bool,
    refused: bool,
    /// A call whose arguments are not whole.
    is_cut: bool,
}

impl Told {
    fn note(&mut self, block: &Block<'_>) {
        self.any = true;
        self.called |= matches!(block, Block::Call(_));
        self.refused |= *block == Block::Refusal;
    }

    /// Why the answer ended. Upstreams say that they are done where they call tools, or where they were cut in the midst of
    /// a call, which no client must take for a whole one.
    const fn reason(&self, told: Reason) -> Reason {
        match told {
            Reason::Done | Reason::Calls if self.is_cut => Reason::Length,
            Reason::Done if self.called => Reason::Calls,
            Reason::Done if self.refused => Reason::Refused,
            Reason::Calls if !self.called => Reason::Done,
            told => told,
        }
    }
}

/// A whole answer, put as a stream is: calls under the client's own names, with arguments that are never empty, and the
/// true reason of its end.
#[must_use]
pub fn settled<'a>(mut answer: Answer<'a>, sent: &Sent) -> Answer<'a> {
    stops::cut(&mut answer, &sent.stops);
    let mut told = Told::default();
    for said in &mut answer.said {
        told.note(&said.block);
        let Block::Call(called) = &mut said.block else { continue };
        let own = sent.names.own(&called.name).to_owned();
        let wrapped = !called.plain && sent.wrapped.contains(&own);
        called.name = own.into();
        if called.plain {
            continue;
        }
        let mut arguments = Arguments::default();
        arguments.feed(&said.text);
        told.is_cut |= arguments.are_cut();
        if wrapped {
            called.plain = true;
            if let Some(text) = unwrapped(&said.text) {
                said.text = text.into();
            }
        } else if arguments.are_none() {
            said.text = "{}".into();
        }
    }
    answer.end.reason = told.reason(answer.end.reason);
    answer
}

/// The text that a tool of one string was called with.
#[must_use]
pub fn unwrapped(arguments: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Wrapped {
        input: String,
    }
    serde_json::from_str::<Wrapped>(arguments).ok().map(|wrapped| wrapped.input)
}

impl Plain<'_> {
    fn length(&self) -> usize {
        match self {
            Self::Opened(_) | Self::Closed => 64,
            Self::Added(Piece::Text(text)) => text.len(),
            Self::Added(Piece::Seal(seal)) => seal.payload.len(),
            Self::Added(Piece::Citation(_)) => 256,
            Self::Added(Piece::Logprobs(logprobs)) => logprobs.len() * 64,
        }
    }

    fn owned(self) -> Plain<'static> {
        match self {
            Self::Opened(block) => Plain::Opened(block.owned()),
            Self::Closed => Plain::Closed,
            Self::Added(piece) => Plain::Added(match piece {
                Piece::Text(text) => Piece::Text(owned(text)),
                Piece::Seal(Seal { origin, account, payload }) => {
                    Piece::Seal(Seal { origin, account, payload: owned(payload) })
                }
                Piece::Citation(Citation { url, title, span }) => {
                    Piece::Citation(Citation { url: owned(url), title: title.map(owned), span })
                }
                Piece::Logprobs(all) => Piece::Logprobs(all.into_iter().map(Logprob::owned).collect()),
            }),
        }
    }
}

impl Block<'_> {
    fn owned(self) -> Block<'static> {
        match self {
            Self::Text => Block::Text,
            Self::Refusal => Block::Refusal,
            Self::Thinking => Block::Thinking,
            Self::Redacted => Block::Redacted,
            Self::Call(Called { id, name, plain }) => {
                Block::Call(Called { id: owned(id), name: owned(name), plain })
            }
            Self::Image { media_type } => Block::Image { media_type: owned(media_type) },
        }
    }
}

impl Logprob<'_> {
    fn owned(self) -> Logprob<'static> {
        let others: Vec<(Text<'static>, f64)> =
            self.others.into_iter().map(|(token, logprob)| (owned(token), logprob)).collect();
        Logprob { token: owned(self.token), logprob: self.logprob, others }
    }
}

impl std::fmt::Debug for Ordered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ordered").field("progress", &self.progress).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
