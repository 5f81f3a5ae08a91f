//! A request, whichever dialect it came in.

pub mod room;

use std::borrow::Cow;

use crate::at::At;
use crate::effort::Effort;
use crate::json::Raw;
use crate::seal::Seal;

/// Text of a request, borrowed from its body where nothing in it is escaped.
pub type Text<'a> = Cow<'a, str>;

/// Something that was asked for, and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told<T> {
    /// What it is.
    pub value: T,
    /// Where the client wrote it.
    pub at: At,
}

impl<T> Told<T> {
    /// Something at its place.
    #[must_use]
    pub const fn new(value: T, at: At) -> Self {
        Self { value, at }
    }
}

/// A request.
#[derive(Clone, Debug, Default)]
pub struct Request<'a> {
    /// What the model is told before all turns: texts alone, with their cache marks.
    pub system: Vec<Part<'a>>,
    /// The conversation, as the client wrote it: roles may follow themselves.
    pub turns: Vec<Turn<'a>>,
    /// Tools that it may call.
    pub tools: Vec<Tool<'a>>,
    /// Whether it must call one.
    pub choice: Option<Told<Choice<'a>>>,
    /// Whether it may call several at once, where that is said.
    pub parallel: Option<Told<bool>>,
    /// The provider's own web search, where it is asked for.
    pub search: Option<Told<Search<'a>>>,
    /// That the provider fetches pages whose addresses are told, where that is asked for.
    pub fetch: Option<Told<Fetch>>,
    /// The form of the answer, where it is not free text.
    pub format: Option<Told<Format<'a>>>,
    /// The most output tokens.
    pub length: Option<Told<Length>>,
    /// How much it thinks, and what is shown of it.
    pub reasoning: Reasoning,
    /// How it is sampled.
    pub sampling: Sampling<'a>,
    /// Where it stops.
    pub stop: Vec<Told<Text<'a>>>,
    /// The service tier, by its name in the client's dialect.
    pub tier: Option<Told<Text<'a>>>,
    /// Who the end user is, opaque.
    pub user: Option<Told<Text<'a>>>,
    /// Labels of the client's own.
    pub labels: Option<Told<Vec<(Text<'a>, Text<'a>)>>>,
    /// How prompts are cached, beside marks on parts.
    pub caching: Caching<'a>,
    /// How long the answer's text is to be: `low`, `medium`, `high`.
    pub verbosity: Option<Told<Text<'a>>>,
}

impl Request<'_> {
    /// Gives back the room that turns have taken for parts which did not come: of a long conversation that is much.
    pub fn fit(&mut self) {
        self.turns.iter_mut().for_each(|turn| turn.parts.shrink_to_fit());
    }
}

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Who wrote the instructions, in the midst of the conversation.
    System,
    /// The user, and the results of tools.
    User,
    /// The model.
    Assistant,
}

/// A turn.
#[derive(Clone, Debug)]
pub struct Turn<'a> {
    /// Whose it is.
    pub role: Role,
    /// The speaker's name, where one is told.
    pub name: Option<Text<'a>>,
    /// What is said, in order.
    pub parts: Vec<Part<'a>>,
    /// Where it stands.
    pub at: At,
}

/// A piece of a turn.
#[derive(Clone, Debug)]
pub struct Part<'a> {
    /// What it is.
    pub content: Content<'a>,
    /// That the prompt is to be cached up to here.
    pub cache: Option<Lifetime>,
    /// Where it stands.
    pub at: At,
}

impl<'a> Part<'a> {
    /// A piece without a cache mark.
    #[must_use]
    pub const fn new(content: Content<'a>, at: At) -> Self {
        Self { content, cache: None, at }
    }

    /// A text.
    #[must_use]
    pub fn text(text: impl Into<Text<'a>>, at: At) -> Self {
        Self::new(Content::Text(text.into()), at)
    }
}

/// How long what is cached is to live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lifetime {
    /// For the provider's shortest time.
    Short,
    /// An hour or more.
    Long,
}

/// What a piece of a turn is.
#[derive(Clone, Debug)]
pub enum Content<'a> {
    /// Text.
    Text(Text<'a>),
    /// An image.
    Image(Media<'a>),
    /// A document.
    Document(Media<'a>),
    /// A sound.
    Audio(Media<'a>),
    /// What the model thought in an earlier turn.
    Thinking(Thinking<'a>),
    /// A call of a tool.
    Call(Call<'a>),
    /// What a tool said.
    Outcome(Outcome<'a>),
    /// That the model refused, in its words.
    Refusal(Text<'a>),
}

/// An image, a document, a sound.
#[derive(Clone, Debug)]
pub struct Media<'a> {
    /// Where its bytes are.
    pub source: Source<'a>,
    /// Its media type, as `image/png`; empty where none is told.
    pub media_type: Text<'a>,
    /// Its name or title.
    pub name: Option<Text<'a>>,
    /// How closely it is looked at: `low`, `high`, `auto`, `original`.
    pub detail: Option<Text<'a>>,
    /// What the model is told about it.
    pub context: Option<Text<'a>>,
}

/// Where the bytes of a medium are.
#[derive(Clone, Debug)]
pub enum Source<'a> {
    /// Here, in base64.
    Inline(Text<'a>),
    /// At an address.
    Url(Text<'a>),
    /// Here, as plain text.
    Plain(Text<'a>),
}

/// What the model thought in an earlier turn.
#[derive(Clone, Debug)]
pub struct Thinking<'a> {
    /// What was shown of it; empty where nothing was.
    pub text: Text<'a>,
    /// What only its maker can read. Without it, no provider takes the rest back.
    pub seal: Option<Seal<'a>>,
    /// That nothing of it was to be shown.
    pub redacted: bool,
}

/// A call of a tool.
#[derive(Clone, Debug)]
pub struct Call<'a> {
    /// Its id, by which its result names it; empty where its dialect has none.
    pub id: Text<'a>,
    /// The tool.
    pub name: Text<'a>,
    /// What it is called with.
    pub input: Input<'a>,
    /// What the model's maker wants back with the call.
    pub seal: Option<Seal<'a>>,
}

/// What a tool is called with.
#[derive(Clone, Debug)]
pub enum Input<'a> {
    /// JSON as it is written; an object, unless the model made a mistake. Empty stands for `{}`.
    Json(Text<'a>),
    /// Text of no form, of a tool that takes such.
    Plain(Text<'a>),
}

/// What a tool said.
#[derive(Clone, Debug)]
pub struct Outcome<'a> {
    /// The id of the call; empty where its dialect goes by names.
    pub id: Text<'a>,
    /// The tool's name; empty where it is not told.
    pub name: Text<'a>,
    /// Texts, images and documents.
    pub parts: Vec<Part<'a>>,
    /// That it failed.
    pub failed: bool,
}

/// A tool of the client's.
#[derive(Clone, Debug)]
pub struct Tool<'a> {
    /// Its name.
    pub name: Text<'a>,
    /// What it is for.
    pub description: Option<Text<'a>>,
    /// What it takes.
    pub takes: Takes<'a>,
    /// That its arguments must fit their schema, where that is said.
    pub strict: Option<bool>,
    /// That it is shown to the model only once it was found by a search.
    pub deferred: bool,
    /// The schema of what it says, as JSON.
    pub says: Option<Raw<'a>>,
    /// That the prompt is to be cached up to here.
    pub cache: Option<Lifetime>,
    /// Where it stands.
    pub at: At,
}

/// What a tool takes.
#[derive(Clone, Debug)]
pub enum Takes<'a> {
    /// Arguments of this JSON Schema (types in lower case), as JSON; nothing where none is told.
    Schema(Option<Text<'a>>),
    /// Text of no form, or of a grammar.
    Plain(Option<Grammar<'a>>),
}

/// The grammar of what a tool takes.
#[derive(Clone, Debug)]
pub struct Grammar<'a> {
    /// `lark` or `regex`.
    pub syntax: Text<'a>,
    /// The grammar.
    pub definition: Text<'a>,
}

/// Whether the model must call a tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice<'a> {
    /// As it likes.
    Auto,
    /// It must not.
    Never,
    /// It must call one.
    Any,
    /// It must call this one.
    One(Text<'a>),
    /// It may call these alone.
    Some {
        /// Their names.
        names: Vec<Text<'a>>,
        /// And must call one.
        must: bool,
    },
}

/// The provider's own web search.
#[derive(Clone, Debug, Default)]
pub struct Search<'a> {
    /// Searches in one request.
    pub most: Option<u64>,
    /// Domains to which it is bound.
    pub allowed: Vec<Text<'a>>,
    /// Domains of which nothing is to be found.
    pub blocked: Vec<Text<'a>>,
    /// Where the user is: city, country, region, timezone, as far as they are told.
    pub near: Vec<(&'static str, Text<'a>)>,
    /// How much is read: `low`, `medium`, `high`.
    pub context: Option<Text<'a>>,
}

/// The provider's own reading of pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fetch {
    /// Pages in one request.
    pub most: Option<u64>,
}

/// The form of an answer.
#[derive(Clone, Debug)]
pub enum Format<'a> {
    /// One JSON object of any kind.
    Object,
    /// JSON of this schema.
    Schema {
        /// Its name, where it has one.
        name: Option<Text<'a>>,
        /// What it is for.
        description: Option<Text<'a>>,
        /// The JSON Schema (types in lower case), as JSON.
        schema: Text<'a>,
        /// That the answer must fit it, where that is said.
        strict: Option<bool>,
    },
}

/// The most output tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Length {
    /// So many.
    pub tokens: u64,
    /// That the model's thinking counts among them.
    pub with_thinking: bool,
}

/// How much a model thinks, and what is shown of it.
#[derive(Clone, Debug, Default)]
pub struct Reasoning {
    /// By a level.
    pub effort: Option<Told<Effort>>,
    /// By tokens.
    pub budget: Option<Told<u64>>,
    /// That it thinks as much as it sees fit.
    pub adaptive: bool,
    /// Whether the thoughts, or a summary of them, are to be shown; nothing where that is left to the dialect's custom.
    pub shown: Option<Told<bool>>,
    /// That what it remembers of them is to be given out, for the next turn.
    pub carried: bool,
}

/// How the output is sampled; numbers as they are written.
#[derive(Clone, Debug, Default)]
pub struct Sampling<'a> {
    /// Temperature.
    pub temperature: Option<Told<Raw<'a>>>,
    /// Nucleus.
    pub top_p: Option<Told<Raw<'a>>>,
    /// So many of the likeliest.
    pub top_k: Option<Told<Raw<'a>>>,
    /// For what is there already.
    pub presence_penalty: Option<Told<Raw<'a>>>,
    /// For what is there often.
    pub frequency_penalty: Option<Told<Raw<'a>>>,
    /// So that it may be repeated.
    pub seed: Option<Told<Raw<'a>>>,
    /// How likely each token was: with so many others beside it.
    pub logprobs: Option<Told<u32>>,
}

/// How prompts are cached, beside marks on parts.
#[derive(Clone, Debug, Default)]
pub struct Caching<'a> {
    /// Requests of one key share a cache.
    pub key: Option<Told<Text<'a>>>,
    /// That the provider marks the end of the prompt by itself.
    pub automatic: Option<Told<Lifetime>>,
    /// That it does not, and caches up to the marks alone.
    pub marked_alone: bool,
}
