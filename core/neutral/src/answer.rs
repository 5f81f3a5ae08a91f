//! An answer, and the events of a stream, whichever dialect they came in.

mod whose;

use std::borrow::Cow;

use http::StatusCode;
use sluice_api::cost::Usage;

use crate::request::Text;
use crate::seal::Seal;

/// A piece of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Block<'a> {
    /// Text.
    Text,
    /// That the model refuses, in its words.
    Refusal,
    /// What it thinks, as far as that is shown.
    Thinking,
    /// What it thinks and does not show. It has a seal and no text.
    Redacted,
    /// A call of a tool; its text is the arguments.
    Call(Called<'a>),
    /// An image, its text the bytes in base64.
    Image {
        /// Its media type.
        media_type: Text<'a>,
    },
}

/// A call of a tool by the model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Called<'a> {
    /// Its id; never empty.
    pub id: Text<'a>,
    /// The tool, as the client knows it.
    pub name: Text<'a>,
    /// Whether it is called with text of no form instead of JSON.
    pub plain: bool,
}

/// What an answer begins with.
#[derive(Clone, Debug, Default)]
pub struct Started<'a> {
    /// Its id upstream.
    pub id: Option<Text<'a>>,
    /// The model, as the upstream names it.
    pub model: Option<Text<'a>>,
    /// Usage as far as it is known.
    pub usage: Option<Usage>,
}

/// How an answer ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct End<'a> {
    /// Why.
    pub reason: Reason,
    /// The stop sequence that it met, where it is told.
    pub stop_sequence: Option<Text<'a>>,
}

/// Why an answer ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reason {
    /// The model was done.
    #[default]
    Done,
    /// It met a stop sequence.
    Stopped,
    /// It came to the most output tokens; a call may have been cut off.
    Length,
    /// It calls tools.
    Calls,
    /// It was kept from answering, by itself or by a filter.
    Refused,
    /// There was no more room for prompt and answer.
    ContextFull,
    /// It is to be asked to go on.
    Paused,
}

/// Where what is said comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Citation<'a> {
    /// The address.
    pub url: Text<'a>,
    /// Its title.
    pub title: Option<Text<'a>>,
    /// From which to which byte of the block's text it is about, where that is told.
    pub span: Option<(usize, usize)>,
}

/// How likely a token was.
#[derive(Clone, Debug, PartialEq)]
pub struct Logprob<'a> {
    /// The token.
    pub token: Text<'a>,
    /// The natural logarithm of its probability.
    pub logprob: f64,
    /// Other tokens that might have stood there.
    pub others: Vec<(Text<'a>, f64)>,
}

/// More of a block.
#[derive(Clone, Debug, PartialEq)]
pub enum Piece<'a> {
    /// Text, thoughts, arguments, or base64, by what the block is.
    Text(Text<'a>),
    /// What only the model's maker can read of it; of a call too.
    Seal(Seal<'a>),
    /// Where the text comes from.
    Citation(Citation<'a>),
    /// How likely its tokens were.
    Logprobs(Vec<Logprob<'a>>),
}

/// What happens to the one block that is open.
#[derive(Clone, Debug)]
pub enum Plain<'a> {
    /// A block begins.
    Opened(Block<'a>),
    /// It goes on.
    Added(Piece<'a>),
    /// It is whole.
    Closed,
}

/// What a stream tells. Blocks may be mixed, as upstreams do; [`Ordered`](crate::order::Ordered) puts them in order.
#[derive(Clone, Debug)]
pub enum Event<'a> {
    /// The answer begins; told once, before all else but failures.
    Started(Started<'a>),
    /// A block begins; no two have the same index.
    Opened(u64, Block<'a>),
    /// A block goes on.
    Added(u64, Piece<'a>),
    /// A block is whole.
    Closed(u64),
    /// What was used so far; what is told later replaces it.
    Used(Usage),
    /// The model is done; usage may come after it.
    Ended(End<'a>),
    /// The upstream told that it failed.
    Failed(Failure<'a>),
    /// Nothing comes any more that counts.
    Whole,
}

/// A refusal or failure of an upstream's, as it told it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure<'a> {
    /// The status it came with, or that it stands for.
    pub status: StatusCode,
    /// What it is about.
    pub class: Class,
    /// In the upstream's words.
    pub message: Text<'a>,
    /// The field that is wrong, where it is told.
    pub param: Option<Text<'a>>,
}

/// What a failure is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// A mistake of the client's.
    BadRequest,
    /// The prompt is too long for the model.
    TooLong,
    /// What was asked may not be.
    Policy,
    /// The credentials are wrong.
    Unauthenticated,
    /// Money or quota is used up.
    Quota,
    /// Not for these credentials.
    Forbidden,
    /// There is no such thing.
    NotFound,
    /// The body is too large.
    TooLarge,
    /// Too many requests or tokens, for a while.
    RateLimited,
    /// It was not answered in time.
    Timeout,
    /// Too much is asked of the provider by all.
    Overloaded,
    /// Anything else that is the provider's fault.
    Server,
}

impl Class {
    /// What a status says where nothing else does.
    #[must_use]
    pub fn of(status: StatusCode) -> Self {
        match status.as_u16() {
            401 => Self::Unauthenticated,
            402 => Self::Quota,
            403 => Self::Forbidden,
            404 => Self::NotFound,
            408 | 504 => Self::Timeout,
            413 => Self::TooLarge,
            429 => Self::RateLimited,
            503 | 529 => Self::Overloaded,
            400..500 => Self::BadRequest,
            _ => Self::Server,
        }
    }
}

/// A block, whole.
#[derive(Clone, Debug, PartialEq)]
pub struct Said<'a> {
    /// What it is.
    pub block: Block<'a>,
    /// Its text, thoughts, arguments (JSON as it is written, never empty) or base64.
    pub text: Text<'a>,
    /// What only its maker can read.
    pub seal: Option<Seal<'a>>,
    /// Where it comes from.
    pub citations: Vec<Citation<'a>>,
    /// How likely its tokens were.
    pub logprobs: Vec<Logprob<'a>>,
}

impl<'a> Said<'a> {
    /// A block of nothing but text.
    #[must_use]
    pub fn new(block: Block<'a>, text: impl Into<Text<'a>>) -> Self {
        Self { block, text: text.into(), seal: None, citations: Vec::new(), logprobs: Vec::new() }
    }
}

/// An answer, whole.
#[derive(Clone, Debug, Default)]
pub struct Answer<'a> {
    /// Its id and its model.
    pub started: Started<'a>,
    /// What it says.
    pub said: Vec<Said<'a>>,
    /// How it ended.
    pub end: End<'a>,
    /// What it used; nothing where the upstream did not tell.
    pub usage: Option<Usage>,
}

impl<'a> Answer<'a> {
    /// The events that a stream of it would have.
    pub fn events(self, tell: &mut dyn FnMut(Event<'a>)) {
        tell(Event::Started(self.started));
        for (index, said) in (0..).zip(self.said) {
            tell(Event::Opened(index, said.block));
            if let Some(seal) = said.seal {
                tell(Event::Added(index, Piece::Seal(seal)));
            }
            if !said.text.is_empty() {
                tell(Event::Added(index, Piece::Text(said.text)));
            }
            if !said.logprobs.is_empty() {
                tell(Event::Added(index, Piece::Logprobs(said.logprobs)));
            }
            said.citations.into_iter().for_each(|one| tell(Event::Added(index, Piece::Citation(one))));
            tell(Event::Closed(index));
        }
        if let Some(usage) = self.usage {
            tell(Event::Used(usage));
        }
        tell(Event::Ended(self.end));
        tell(Event::Whole);
    }

    /// Whether it calls a tool.
    #[must_use]
    pub fn calls(&self) -> bool {
        self.said.iter().any(|said| matches!(said.block, Block::Call(_)))
    }
}

/// Opens and closes blocks for dialects whose streams do not: a kind that follows another closes it.
#[derive(Debug, Default)]
pub struct Flow {
    next: u64,
    open: Option<(u64, Block<'static>)>,
}

impl Flow {
    /// More of a text, a refusal, or thoughts: of the block that is open, where it is of that kind.
    pub fn add<'a>(&mut self, block: Block<'static>, piece: Piece<'a>, tell: &mut dyn FnMut(Event<'a>)) {
        let index = match &self.open {
            Some((index, open)) if *open == block => *index,
            _ => {
                self.close(tell);
                let index = self.take();
                tell(Event::Opened(index, block.clone()));
                self.open = Some((index, block));
                index
            }
        };
        tell(Event::Added(index, piece));
    }

    /// An index for a block that the caller opens and closes himself; the one that is open is closed.
    pub fn begin<'a>(&mut self, tell: &mut dyn FnMut(Event<'a>)) -> u64 {
        self.close(tell);
        self.take()
    }

    /// Closes what is open.
    pub fn close<'a>(&mut self, tell: &mut dyn FnMut(Event<'a>)) {
        if let Some((index, _)) = self.open.take() {
            tell(Event::Closed(index));
        }
    }

    fn take(&mut self) -> u64 {
        let index = self.next;
        self.next += 1;
        index
    }
}

/// Text that lives by itself.
#[must_use]
pub fn owned(text: Text<'_>) -> Text<'static> {
    Cow::Owned(text.into_owned())
}
