//! One request's way into another dialect, and its answer's way back.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::StatusCode;
use sluice_api::dialect::{Api, Form, Operation};
use sluice_api::error::{Error, Kind};
use sluice_neutral::answer::{Class, Failure};
use sluice_neutral::dialect::{Asked, Dialect, Own, Reply, Sent, Upstream};
use sluice_neutral::loss::Losses;
use sluice_neutral::order;

use crate::embeddings::Embeddings;
use crate::gathered::{Gathered, Gathering};
use crate::stream::Stream;
use crate::translated::Translated;

/// A client's request, and where it goes.
#[derive(Clone, Copy, Debug)]
pub struct Asking<'a> {
    /// The client's dialect.
    pub client: Api,
    /// Its body.
    pub body: &'a [u8],
    /// The upstream's dialect.
    pub speaks: Api,
    /// Where it goes.
    pub upstream: Upstream<'a>,
}

/// How a request was translated, by which its answer comes back.
pub struct Translation {
    client: &'static dyn Dialect,
    upstream: &'static dyn Dialect,
    operation: Operation,
    sent: Arc<Sent>,
    own: Own,
    embeddings: Option<Embeddings>,
}

/// What an answer to a client is told to be.
#[derive(Clone, Debug)]
pub struct Head {
    /// Its id, where the upstream's dialect has another kind of them.
    pub id: String,
    /// The model that the client asked for.
    pub model: String,
    /// When it is made, in seconds of Unix time.
    pub created: i64,
    /// The id of the request.
    pub request_id: Arc<str>,
}

/// A refusal in the client's dialect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Its status.
    pub status: StatusCode,
    /// Its body.
    pub body: Bytes,
}

/// Who reads and writes a dialect.
pub(crate) fn dialect(api: Api) -> Result<&'static dyn Dialect, Error> {
    match api {
        Api::Anthropic => Ok(&sluice_dialect_anthropic::Anthropic),
        // Embeddings have refusals of the same form, and nothing else in common.
        Api::OpenaiChat | Api::OpenaiEmbeddings => Ok(&sluice_dialect_chat::Chat),
        Api::OpenaiResponses => Ok(&sluice_dialect_responses::Responses),
        Api::Gemini => Ok(&sluice_dialect_gemini::Gemini),
        Api::OpenaiImages => Err(Error::new(Kind::Internal, format!("{} is not translated", api.title()))),
    }
}

impl Translation {
    /// Translates a request.
    ///
    /// # Errors
    ///
    /// When a field is wrong or has no counterpart; the error names it, in the client's dialect.
    pub fn of(asking: &Asking<'_>) -> Result<(Translated, Self), Error> {
        let (client, upstream) = (dialect(asking.client)?, dialect(asking.speaks)?);
        let operation = asking.upstream.operation;
        let mut losses = Losses::toward(asking.speaks);
        if matches!(operation, Operation::Embed | Operation::BatchEmbed) {
            let asked = (asking.client, operation);
            let (body, how) = Embeddings::of(asked, asking.body, asking.upstream.model, &mut losses)?;
            let translated = Translated { body: body.into(), dropped: losses.named() };
            let embeddings = Some(how);
            let sent = Arc::default();
            return Ok((translated, Self { client, upstream, operation, sent, own: None, embeddings }));
        }
        let (mut request, own) = client.read(&Asked { body: asking.body, operation }, &mut losses)?;
        request.fit();
        let (body, sent) = upstream.write(&request, &asking.upstream, &mut losses)?;
        let translated = Translated { body: body.into(), dropped: losses.named() };
        let sent = Arc::new(sent);
        Ok((translated, Self { client, upstream, operation, sent, own, embeddings: None }))
    }

    /// What the upstream is asked for.
    #[must_use]
    pub fn operation(&self) -> Operation {
        self.embeddings.as_ref().map_or(self.operation, Embeddings::operation)
    }

    /// Translates a whole answer: one document, a count, or all of the stream that the client asked for.
    ///
    /// # Errors
    ///
    /// When it is no answer of the upstream's dialect.
    pub fn whole(&self, body: &[u8], head: &Head, form: Form) -> Result<Bytes, Error> {
        if let Some(embeddings) = &self.embeddings {
            return Ok(embeddings.answer(body, &head.model)?.into());
        }
        if self.operation == Operation::CountTokens {
            let tokens = self.upstream.counted(body).ok_or_else(unreadable)?;
            return Ok(self.client.count(tokens).into());
        }
        let answer = order::settled(self.upstream.answer(body, &self.sent)?, &self.sent);
        if form.is_stream() {
            return self.stream(head, form).whole(|tell| answer.events(tell));
        }
        Ok(self.client.tell(&answer, &self.reply(head)).into())
    }

    /// Translates a stream of server-sent events, for a client that asked for this form.
    #[must_use]
    pub fn stream(&self, head: &Head, form: Form) -> Stream {
        let writer = self.client.tells(&Arc::new(self.reply(head)));
        Stream::new(self.upstream, writer, &self.sent, (&head.request_id, form))
    }

    /// Translates a stream that came whole, for a client that asked for one document.
    ///
    /// # Errors
    ///
    /// When it is no answer, or none that is whole.
    pub fn gathered(&self, events: &[u8], head: &Head) -> Result<Bytes, Error> {
        let gathering = Gathering::default();
        let writer = Box::new(gathering.clone());
        let mut stream = Stream::new(self.upstream, writer, &self.sent, (&head.request_id, Form::Sse));
        stream.feed(events);
        let _ = stream.finish();
        let Gathered { answer, failed } = gathering.take();
        match (stream.failure(), failed) {
            (Some(error), _) => Err(error),
            (None, Some(message)) => Err(Error::new(Kind::Upstream, message)),
            (None, None) if stream.is_whole() => Ok(self.client.tell(&answer, &self.reply(head)).into()),
            (None, None) => {
                let message = "the upstream ended its answer before it was complete: send the request again";
                Err(Error::new(Kind::Upstream, message))
            }
        }
    }

    /// Translates a refusal, or the error that a stream begins with. What was asked of the gateway's account stays its own
    /// matter; where an upstream's words name a field, it is the upstream's.
    #[must_use]
    pub fn refused(&self, status: StatusCode, body: &[u8], request_id: &str) -> Refused {
        let mut failure = self.upstream.failure(status, body).without_names();
        failure.status = told(self.client.api(), &failure);
        let body = self.client.refuse(&failure, request_id);
        Refused { status: failure.status, body: body.into() }
    }

    fn reply(&self, head: &Head) -> Reply {
        let Head { id, model, created, .. } = head;
        Reply { id: id.clone(), model: model.clone(), created: *created, own: self.own.clone() }
    }
}

/// The status by which a dialect's clients know a failure.
fn told(client: Api, failure: &Failure<'_>) -> StatusCode {
    match (failure.class, client) {
        // Anthropic's own, which its clients know and no others do.
        (Class::Overloaded, Api::Anthropic) => StatusCode::from_u16(529).unwrap_or(failure.status),
        (Class::Overloaded, _) => StatusCode::SERVICE_UNAVAILABLE,
        // It will be as long the next time.
        (Class::TooLong, _) if failure.status.is_server_error() => StatusCode::BAD_REQUEST,
        (_, Api::Anthropic) => failure.status,
        _ if failure.status.as_u16() == 529 => StatusCode::SERVICE_UNAVAILABLE,
        _ => failure.status,
    }
}

fn unreadable() -> Error {
    Error::new(Kind::Upstream, "the upstream's count of tokens can't be read")
}

impl fmt::Debug for Translation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Translation({} -> {})", self.client.api(), self.upstream.api())
    }
}
