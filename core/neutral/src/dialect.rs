//! What each dialect's own crate does.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use http::StatusCode;
use sluice_api::cost::Usage;
use sluice_api::dialect::{Api, Form, Operation};
use sluice_api::error::Error;

use crate::answer::{Answer, End, Event, Failure, Plain, Started};
use crate::fields::Field;
use crate::loss::Losses;
use crate::names::Names;
use crate::request::Request;

/// A dialect: read where its clients ask and its upstreams answer, and written the other way.
///
/// Nothing here panics, whatever the bytes are. What a client sends is refused as its mistake ([`Error::bad_request`] with
/// the field); what an upstream sends as the upstream's (`Kind::Upstream`).
pub trait Dialect: fmt::Debug + Sync {
    /// Which it is.
    fn api(&self) -> Api;

    /// What becomes of each of its fields.
    fn fields(&self) -> &'static [Field];

    /// Reads a client's request, for an answer or for a count of its tokens.
    ///
    /// # Errors
    ///
    /// When it is wrong, or asks for what the other dialect has nothing for; the error names the field.
    fn read<'a>(&self, asked: &Asked<'a>, losses: &mut Losses) -> Result<(Request<'a>, Own), Error>;

    /// Writes a request for an upstream: a whole body.
    ///
    /// # Errors
    ///
    /// When the upstream or its model can't be asked for something; the error names the client's field.
    fn write(
        &self,
        request: &Request<'_>,
        upstream: &Upstream<'_>,
        losses: &mut Losses,
    ) -> Result<(Vec<u8>, Sent), Error>;

    /// Reads an upstream's whole answer.
    ///
    /// # Errors
    ///
    /// When it is none.
    fn answer<'a>(&self, body: &'a [u8], sent: &Sent) -> Result<Answer<'a>, Error>;

    /// Reads an upstream's stream.
    fn stream(&self, sent: &Arc<Sent>) -> Box<dyn Reader>;

    /// Reads an upstream's refusal, from an answer that is not 2xx or an error of a stream's.
    fn failure<'a>(&self, status: StatusCode, body: &'a [u8]) -> Failure<'a>;

    /// Reads an upstream's count of tokens; nothing where its dialect has none, or the body is none.
    fn counted(&self, body: &[u8]) -> Option<u64>;

    /// Writes a whole answer for a client.
    fn tell(&self, answer: &Answer<'_>, reply: &Reply) -> Vec<u8>;

    /// Writes a stream for a client.
    fn tells(&self, reply: &Arc<Reply>) -> Box<dyn Writer>;

    /// Writes a refusal for a client, with the request's id in its place: a whole body.
    fn refuse(&self, failure: &Failure<'_>, request_id: &str) -> Vec<u8>;

    /// Writes a count of tokens for a client.
    fn count(&self, tokens: u64) -> Vec<u8>;
}

/// A client's request as it came.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Its body.
    pub body: &'a [u8],
    /// What is asked: an answer, or a count.
    pub operation: Operation,
}

/// What a dialect must know of a request to write its answer, and nobody else.
pub type Own = Option<Arc<dyn Any + Send + Sync>>;

/// Where a request goes.
#[derive(Clone, Copy, Debug)]
pub struct Upstream<'a> {
    /// The model, as the upstream names it.
    pub model: &'a str,
    /// The kind of the account's provider, as `openai-compatible`.
    pub provider: &'a str,
    /// The account's name.
    pub account: &'a str,
    /// What is asked: an answer, or a count.
    pub operation: Operation,
    /// How the answer is to be framed.
    pub form: Form,
    /// The most output tokens that the model has, where a price list knows.
    pub max_output: Option<u64>,
    /// Whether usage is asked for in streams, where a dialect leaves that to who asks.
    pub include_usage: bool,
}

/// What of a request that was sent is needed to read its answer.
#[derive(Clone, Debug, Default)]
pub struct Sent {
    /// Tools that go upstream under other names.
    pub names: Names,
    /// Tools that take text of no form, where the upstream's dialect has only such with arguments: they are sent as tools
    /// of one string, `input`. By the names that the client knows.
    pub wrapped: Vec<String>,
    /// Stop sequences that the account is not asked for: the answer is cut where one of them comes.
    pub stops: Vec<String>,
    /// The account's name.
    pub account: String,
}

/// What an answer to a client is told to be.
#[derive(Clone, Debug)]
pub struct Reply {
    /// Its id, where the upstream told none, or another dialect's: without the prefix that a dialect may want.
    pub id: String,
    /// The model that the client asked for.
    pub model: String,
    /// When it was made, in seconds of Unix time.
    pub created: i64,
    /// What the client's dialect has kept of the request.
    pub own: Own,
}

impl Reply {
    /// What the client's dialect has kept of the request.
    #[must_use]
    pub fn own<T: Any>(&self) -> Option<&T> {
        self.own.as_deref()?.downcast_ref()
    }
}

/// Reads a stream. It keeps to this: `Started` first and once; an index is opened once, before what is added to it, and
/// closed once; every `Opened` is `Closed` before `Ended`; after `Ended` there is only usage, failure and the end.
pub trait Reader: Send {
    /// Takes one event: its name (empty where it has none, or where the stream is an array) and its data.
    ///
    /// # Errors
    ///
    /// When it can't be read; the stream can't go on then.
    fn event(&mut self, name: &str, data: &[u8], tell: &mut dyn FnMut(Event<'_>)) -> Result<(), Error>;

    /// The body has ended in order. Tells what was held, and how the answer ended where the dialect leaves that to the end
    /// of the body; if nothing told that it ended, nothing is told, and the answer is taken for cut off.
    fn end(&mut self, tell: &mut dyn FnMut(Event<'_>));
}

/// Writes a stream: what it is told is in order (one block is open at a time, a call's name is the client's own, the usage
/// is there at the end), and each call writes whole events.
pub trait Writer: Send {
    /// The answer begins.
    fn start(&mut self, started: &Started<'_>, out: &mut Vec<u8>);

    /// A block begins, goes on, or is whole.
    fn block(&mut self, block: Plain<'_>, out: &mut Vec<u8>);

    /// The answer is whole. Nothing is written after it.
    fn end(&mut self, end: &End<'_>, usage: &Usage, out: &mut Vec<u8>);

    /// The answer fails in its midst (or before its start). Nothing is written after it.
    fn fail(&mut self, failure: &Failure<'_>, request_id: &str, out: &mut Vec<u8>);

    /// What keeps a silent connection alive, between two events.
    fn keep_alive(&self) -> &'static [u8];
}
