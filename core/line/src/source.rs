//! An upstream's answer as it comes: what it is, metered, and what of it passes.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, StatusCode};
use http_body::{Body as _, Frame};
use http_body_util::{BodyExt as _, Full};
use sluice_api::cost::Usage;
use sluice_api::dialect::{Api, Form, Operation};
use sluice_api::error::{Error, Kind};
use sluice_api::provider::{Body, is_page};
use sluice_translate::{Head, Translation};
use sluice_wire::answer::framing::{Begins, Opening};
use sluice_wire::answer::meter::{End, Meter, Seen, StreamError};

use crate::stages::Stages;

/// Most that is held before the first event of an answer is whole; then the answer has begun all the same.
const HELD_MAX: u64 = 1024 * 1024;

/// Bytes of a stream that are handed on together, where so many have come already: each piece costs its client's
/// connection more than its bytes do. Nothing waits for it.
const JOINED_MAX: usize = 8 * 1024;

/// How an answer is to be read.
pub(crate) struct Expected {
    /// The client's dialect.
    pub(crate) api: Api,
    /// The upstream's.
    pub(crate) speaks: Api,
    pub(crate) operation: Operation,
    /// How it was asked for.
    pub(crate) asked: Form,
    /// How the client asked for it.
    pub(crate) form: Form,
    /// How its label says that it is framed.
    pub(crate) labelled: Form,
    /// Usage was asked for that the client did not want.
    pub(crate) hides_usage: bool,
    /// What is written to a cache was asked to be kept for the longer time.
    pub(crate) caches_long: bool,
    pub(crate) idle: Duration,
    /// About how many tokens were sent.
    pub(crate) sent: u64,
    /// How it becomes the client's, and what it is told to be then, where their dialects differ.
    pub(crate) translated: Option<(Arc<Translation>, Head)>,
}

impl Expected {
    /// Whether the beginning of the body is looked at: labels of streams are often wrong.
    pub(crate) fn looks(&self) -> bool {
        self.asked.is_stream() || self.labelled.is_stream() || self.translated.is_some()
    }

    /// How the answer is framed, and whether it is a document in a stream's place.
    pub(crate) fn framing(&self, begins: Begins) -> (Form, bool) {
        let array = self.asked == Form::JsonArray || (self.speaks == Api::Gemini && begins == Begins::Array);
        match begins {
            Begins::Events => (Form::Sse, false),
            Begins::Object | Begins::Array if array => (Form::JsonArray, false),
            Begins::Object | Begins::Array => (Form::Whole, self.asked.is_stream()),
            Begins::Otherwise => (self.labelled, false),
        }
    }

    fn meter(&self, (form, stands_in): (Form, bool)) -> Meter {
        let meter = match stands_in {
            true => Meter::stand_in(self.speaks, self.operation),
            false => Meter::new(self.speaks, self.operation, form),
        };
        // What is to be turned is read whole before anything of it is told.
        let meter = if self.translated.is_some() { meter.where_a_whole_may_be_an_error() } else { meter };
        meter.caching_long(self.caches_long)
    }
}

/// An upstream's body, metered, with frames that were read before the head was handed on.
pub(crate) struct Source {
    body: Body,
    stages: Stages,
    /// What may be handed on at once.
    ready: VecDeque<Bytes>,
    pub(crate) form: Form,
    pub(crate) api: Api,
    /// How long upstream may be silent.
    pub(crate) idle: Duration,
    /// Bytes still to come, where upstream told the length.
    left: Option<u64>,
    ended: bool,
    /// How it broke off, once what came before has been handed on.
    failed: Option<Error>,
}

/// An answer that has begun.
pub(crate) struct Answered {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// Kept in one place, as what has it is moved from one hand to the next.
    pub(crate) source: Box<Source>,
}

impl Source {
    /// What comes once its framing is known; `left` is the length that upstream told.
    pub(crate) fn new(
        body: Body,
        left: Option<u64>,
        expected: &Expected,
        framing: (Form, bool),
    ) -> Box<Self> {
        let (Expected { api, idle, .. }, form) = (expected, framing.0);
        let stages = Stages::new(expected.meter(framing), expected.hides_usage && form == Form::Sse);
        let ready = VecDeque::new();
        Box::new(Self { body, stages, ready, form, api: *api, idle: *idle, left, ended: false, failed: None })
    }

    /// Takes what was read to see what it is, for the client to have piece by piece, and waits for its first event.
    ///
    /// # Errors
    ///
    /// When the body breaks off, or ends empty, before that.
    pub(crate) async fn begins(&mut self, (first, ended): Opened, expected: &Expected) -> Result<(), Error> {
        if let Some((translation, head)) = &expected.translated {
            self.stages.translates(translation.stream(head, expected.form), expected.sent);
        }
        first.into_iter().for_each(|data| self.take(data));
        if ended {
            self.finish(End::Clean);
        }
        self.first_event(expected.asked.is_stream()).await?;
        // Nobody was told anything yet: another account may have its turn.
        match self.stages.fails_unsaid() && self.first_error().is_none() {
            true => Err(self.failed.take().unwrap_or_else(failed_unsaid)),
            false => Ok(()),
        }
    }

    /// The next piece of its body.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        next(&mut self.body).await
    }

    /// All that has come and was not handed on.
    pub(crate) fn taken(&mut self) -> Vec<u8> {
        self.ready.drain(..).flatten().collect()
    }

    /// It is a document of the client's dialect, whole.
    pub(crate) fn is_now(&mut self, told: Bytes) {
        self.ready = VecDeque::from([told]);
        (self.form, self.left) = (Form::Whole, Some(0));
    }

    /// A body that is known already.
    pub(crate) fn whole(body: Bytes, api: Api, operation: Operation) -> Box<Self> {
        let left = Some(body.len() as u64);
        let body = Full::new(body).map_err(|never| match never {}).boxed_unsync();
        let stages = Stages::new(Meter::new(api, operation, Form::Whole), false);
        let idle = Duration::ZERO;
        Box::new(Self {
            body,
            stages,
            ready: VecDeque::new(),
            form: Form::Whole,
            api,
            idle,
            left,
            ended: false,
            failed: None,
        })
    }

    /// Waits until the answer has begun; one that is no stream and was not to be one may be empty.
    async fn first_event(&mut self, asked_stream: bool) -> Result<(), Error> {
        while !self.ended && !self.seen().started && self.seen().bytes < HELD_MAX {
            match next(&mut self.body).await? {
                Some(data) => self.take(data),
                None => self.finish(End::Clean),
            }
        }
        // Of a body without a length nothing says that it was to be empty.
        let waited_for = self.form.is_stream() || asked_stream || self.left.is_none();
        if self.ended && !self.seen().started && waited_for {
            let message = "the upstream ended its answer before it had begun: send the request again";
            return Err(Error::new(Kind::Upstream, message));
        }
        Ok(())
    }

    /// Whether it begins as a page for people does, where JSON or events were due.
    pub(crate) fn is_page(&self) -> bool {
        self.ready.iter().find(|data| !data.trim_ascii().is_empty()).is_some_and(|data| is_page(data))
    }

    /// Whether nothing but space has come of what is not handed on yet.
    pub(crate) fn is_empty(&self) -> bool {
        self.ready.iter().all(|data| data.trim_ascii().is_empty())
    }

    /// The error that the stream begins with, if it does; of a translated one, that it ends with before it has said anything.
    pub(crate) fn first_error(&self) -> Option<&StreamError> {
        self.seen().error.as_ref().filter(|error| error.first || self.stages.fails_unsaid())
    }

    /// Whether the client gets as many bytes as upstream announced. A length beside a chunked body announces nothing.
    pub(crate) fn keeps_length(&self) -> bool {
        self.form == Form::Whole && self.left.is_some()
    }

    /// What was used, were the answer to end here.
    pub(crate) fn used(&self) -> Option<Usage> {
        self.stages.used()
    }

    /// What was metered.
    pub(crate) fn seen(&self) -> &Seen {
        self.stages.seen()
    }

    pub(crate) fn take(&mut self, data: Bytes) {
        if let Some(left) = &mut self.left {
            *left = left.saturating_sub(data.len() as u64);
        }
        let failed = self.stages.pass(data, &mut self.ready);
        if self.stages.has_stopped() {
            // Its body goes with this answer's, and the upstream stops.
            self.finish(End::Cut);
        }
        if let Some(error) = failed.or_else(|| self.stages.has_failed().then(failed_unsaid)) {
            self.finish(End::Cut);
            self.failed = Some(error);
        }
    }

    /// The failure of an answer that is translated, as its client is told it; nothing where the answer is the upstream's
    /// own.
    pub(crate) fn fails(&mut self, error: &Error) -> Option<Bytes> {
        self.stages.translated().map(|stream| stream.fail(error))
    }

    /// Whether it is turned into another dialect, piece by piece.
    pub(crate) fn is_translated(&self) -> bool {
        self.stages.is_told().is_some()
    }

    /// What keeps a silent client of a translated stream.
    pub(crate) fn keep_alive(&mut self) -> &'static [u8] {
        self.stages.translated().map_or(b"", |stream| stream.keep_alive())
    }

    /// Nothing more comes, or is waited for.
    pub(crate) fn finish(&mut self, end: End) {
        self.ended = true;
        self.stages.finish(end, &mut self.ready);
    }

    /// Whether all of the length that upstream told has been handed on. A body with a length is not polled past its last
    /// byte: it is complete when that is there.
    pub(crate) fn is_spent(&self) -> bool {
        self.form == Form::Whole && self.ready.is_empty() && self.left == Some(0)
    }

    /// Whether the answer is whole: its own dialect says so, or it has the length that upstream told.
    pub(crate) fn is_whole(&self) -> bool {
        match self.stages.is_told() {
            Some(told) => told,
            None => self.seen().ended || (self.form == Form::Whole && self.left == Some(0)),
        }
    }

    /// Whether it may end here, where its body has. A body that has no length may have ended with its connection, as one
    /// does that is cut: then only the document in it tells that it is whole.
    pub(crate) fn may_end(&self) -> bool {
        self.is_whole() || (self.form == Form::Whole && !self.seen().unfinished)
    }

    /// What comes next for the client; of a stream, all that is there already, up to a bound.
    pub(crate) fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Error>>> {
        if self.form.is_stream() {
            // Into `ready`, where it is found again also when one of the polls panics.
            let mut length: usize = self.ready.iter().map(Bytes::len).sum();
            while length < JOINED_MAX && !self.ended {
                let before = self.ready.len();
                if self.poll_body(cx).is_pending() {
                    break;
                }
                length += self.ready.iter().skip(before).map(Bytes::len).sum::<usize>();
            }
        } else {
            while self.ready.is_empty() && !self.ended {
                ready!(self.poll_body(cx));
            }
        }
        match self.take_ready() {
            Some(data) => Poll::Ready(Some(Ok(data))),
            None if self.ended => Poll::Ready(self.failed.take().map(Err)),
            None => Poll::Pending,
        }
    }

    /// What may be handed on at once: of a stream, up to a bound, in one piece.
    pub(crate) fn take_ready(&mut self) -> Option<Bytes> {
        let first = self.ready.pop_front()?;
        if self.ready.is_empty() || !self.form.is_stream() || first.len() >= JOINED_MAX {
            return Some(first);
        }
        let mut joined = BytesMut::with_capacity(JOINED_MAX);
        joined.extend_from_slice(&first);
        while joined.len() < JOINED_MAX
            && let Some(next) = self.ready.pop_front()
        {
            joined.extend_from_slice(&next);
        }
        Some(joined.freeze())
    }

    /// Takes one more frame, or the end.
    fn poll_body(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
            Some(Ok(frame)) => {
                if let Some(data) = piece(frame) {
                    self.take(data);
                }
            }
            Some(Err(error)) => {
                self.finish(End::Cut);
                // Told behind what came before it, and behind what a stage had held back.
                self.failed = Some(broken_off(error));
            }
            None => self.finish(End::Clean),
        }
        Poll::Ready(())
    }
}

/// What was read of a body to see what it is, and whether that is all.
pub(crate) type Opened = (VecDeque<Bytes>, bool);

/// Reads until it shows what the body is, or until it ends; what was read is put into `first`.
pub(crate) async fn look(body: &mut Body, first: &mut VecDeque<Bytes>) -> Result<(Begins, bool), Error> {
    let (mut opening, mut held) = (Opening::default(), 0);
    while held < HELD_MAX {
        let Some(data) = next(body).await? else { return Ok((Begins::Otherwise, true)) };
        let begins = opening.feed(&data);
        held += data.len() as u64;
        first.push_back(data);
        if let Some(begins) = begins {
            return Ok((begins, false));
        }
    }
    Ok((Begins::Otherwise, false))
}

/// What a frame brings. One without a byte would go on over HTTP/2 as a frame of its own, of which clients bear few.
fn piece(frame: Frame<Bytes>) -> Option<Bytes> {
    frame.into_data().ok().filter(|data| !data.is_empty())
}

/// The next piece of a body.
async fn next(body: &mut Body) -> Result<Option<Bytes>, Error> {
    loop {
        match std::future::poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await {
            Some(Ok(frame)) => {
                if let Some(data) = piece(frame) {
                    return Ok(Some(data));
                }
            }
            Some(Err(error)) => return Err(broken_off(error)),
            None => return Ok(None),
        }
    }
}

/// The upstream told that it failed, in a way that its client's dialect has been told already.
fn failed_unsaid() -> Error {
    Error::new(Kind::Upstream, "the upstream failed in its answer: send the request again")
}

/// What clients are told of an answer that broke off; its cause is for operators.
fn broken_off(cause: Error) -> Error {
    let what = match cause.kind() {
        Kind::UpstreamTimeout => "the upstream was silent for too long in the middle of its answer",
        _ => "the upstream broke off before its answer was whole",
    };
    cause.reworded(format!("{what}: send the request again"))
}
