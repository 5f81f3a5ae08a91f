//! The answer on its way to the client: the poll chain from upstream, watched by the meter.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::header::HeaderName;
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use http_body::{Body as _, Frame, SizeHint};
use sluice_api::provider::{Body, is_page};
use sluice_api::{Api, Error, Form, Kind};
use sluice_wire::hide::UsageChunk;
use sluice_wire::meter::{End, Meter, Seen, StreamError};
use sluice_wire::render::{self, Style};
use sluice_wire::tail;
use tokio::time::{Instant, Sleep};

use crate::settle::Settlement;

/// Header that carries the request's id, on every answer.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Most that is held before the first event of an answer is whole; then the answer has begun all the same.
const HELD_MAX: u64 = 1024 * 1024;
/// Anthropic's name for it, on Claude routes.
const CLAUDE_REQUEST_ID: HeaderName = HeaderName::from_static("request-id");

/// An upstream's body, metered, with frames that were read before the head was handed on.
pub(crate) struct Source {
    body: Body,
    meter: Meter,
    filter: Option<UsageChunk>,
    ready: VecDeque<Bytes>,
    form: Form,
    api: Api,
    idle: Duration,
    /// Bytes still to come, where upstream told the length.
    left: Option<u64>,
    ended: bool,
}

/// An answer that has begun.
pub(crate) struct Answered {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) source: Source,
}

impl Source {
    pub(crate) fn new(
        body: Body,
        meter: Meter,
        filter: Option<UsageChunk>,
        form: Form,
        api: Api,
        idle: Duration,
    ) -> Self {
        let left = body.size_hint().exact();
        Self { body, meter, filter, ready: VecDeque::new(), form, api, idle, left, ended: false }
    }

    /// Reads until the first event (pings aside) or the first byte of a body is there.
    ///
    /// # Errors
    ///
    /// When the body breaks off, or ends empty, before that.
    pub(crate) async fn begin(&mut self) -> Result<(), Error> {
        while !self.meter.seen().started && self.meter.seen().bytes < HELD_MAX {
            let frame = std::future::poll_fn(|cx| Pin::new(&mut self.body).poll_frame(cx)).await;
            match frame {
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        self.take(data);
                    }
                }
                Some(Err(error)) => return Err(error),
                None => {
                    self.finish(End::Clean);
                    if self.form.is_stream() && !self.meter.seen().started {
                        return Err(Error::new(
                            Kind::Upstream,
                            "the upstream ended its stream without an event",
                        ));
                    }
                    break;
                }
            }
        }
        Ok(())
    }

    /// Whether it begins as a page for people does, where JSON or events were due.
    pub(crate) fn is_page(&self) -> bool {
        self.ready.iter().find(|data| !data.trim_ascii().is_empty()).is_some_and(|data| is_page(data))
    }

    /// The error that the stream begins with, if it does.
    pub(crate) fn first_error(&self) -> Option<&StreamError> {
        self.meter.seen().error.as_ref().filter(|error| error.first)
    }

    /// Whether what the client gets may be shorter than what upstream announced.
    pub(crate) fn changes_length(&self) -> bool {
        self.filter.is_some() || self.form.is_stream()
    }

    fn take(&mut self, data: Bytes) {
        self.watch(&data);
        match &mut self.filter {
            None => self.ready.push_back(data),
            Some(filter) => filter.feed(data, &mut self.ready),
        }
    }

    fn watch(&mut self, data: &Bytes) {
        self.meter.feed(data);
        if let Some(left) = &mut self.left {
            *left = left.saturating_sub(data.len() as u64);
        }
    }

    fn finish(&mut self, end: End) {
        self.ended = true;
        self.meter.finish(end);
        if let Some(filter) = &mut self.filter {
            filter.finish(&mut self.ready);
        }
    }

    /// Whether the answer is whole: its own dialect says so, or it has the length that upstream told.
    fn is_whole(&self) -> bool {
        self.meter.seen().ended || (self.form == Form::Whole && self.left == Some(0))
    }

    fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Error>>> {
        loop {
            if let Some(data) = self.ready.pop_front() {
                return Poll::Ready(Some(Ok(data)));
            }
            if self.ended {
                return Poll::Ready(None);
            }
            match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                Some(Ok(frame)) => {
                    let Ok(data) = frame.into_data() else { continue };
                    if self.filter.is_none() {
                        self.watch(&data);
                        return Poll::Ready(Some(Ok(data)));
                    }
                    self.take(data);
                }
                Some(Err(error)) => {
                    self.finish(End::Cut);
                    return Poll::Ready(Some(Err(error)));
                }
                None => self.finish(End::Clean),
            }
        }
    }
}

/// The body of an answer to a client. Settles the request when it ends, however it ends.
pub struct Relay(State);

enum State {
    Fixed(Option<Bytes>),
    Stream(Box<Stream>),
}

struct Stream {
    source: Source,
    settlement: Settlement,
    /// Armed while upstream is silent.
    timer: Option<Pin<Box<Sleep>>>,
    last: Instant,
    done: bool,
}

impl Relay {
    /// A body that is known already.
    #[must_use]
    pub fn fixed(body: Bytes) -> Self {
        Self(State::Fixed((!body.is_empty()).then_some(body)))
    }

    /// A refusal before any key was known.
    pub(crate) fn refusal(style: Style, error: &Error, request_id: &str) -> Response<Self> {
        refusal_response(style, error, request_id)
    }

    /// A refusal or failure of a request that has a settlement, which ends here.
    pub(crate) fn refused(style: Style, error: &Error, mut settlement: Settlement) -> Response<Self> {
        let request_id = settlement.request_id();
        let mut response = match &error.facts().answer {
            Some(answer) if answer.status.as_u16() >= 400 => {
                let mut response = Response::new(Self::fixed(answer.body.clone()));
                *response.status_mut() = answer.status;
                let mut headers = answer.headers.clone();
                sluice_wire::headers::relayed_down(&mut headers);
                headers.remove(http::header::CONTENT_LENGTH);
                if let Some(wait) = error.facts().retry_after {
                    render::retell_wait(&mut headers, answer.status, wait);
                }
                if !headers.contains_key(http::header::CONTENT_TYPE) {
                    headers.insert(http::header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
                }
                *response.headers_mut() = headers;
                response
            }
            _ => refusal_response(style, error, &request_id),
        };
        identify(response.headers_mut(), settlement.api() == Api::Anthropic, &request_id);
        settlement.reveal(response.headers_mut());
        settlement.refused(response.status(), error);
        response
    }

    pub(crate) fn stream(answered: Answered, settlement: Settlement, request_id: &str) -> Response<Self> {
        let Answered { status, mut headers, source } = answered;
        identify(&mut headers, settlement.api() == Api::Anthropic, request_id);
        settlement.reveal(&mut headers);
        let stream = Stream { source, settlement, timer: None, last: Instant::now(), done: false };
        let mut response = Response::new(Self(State::Stream(Box::new(stream))));
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        response
    }
}

fn refusal_response(style: Style, error: &Error, request_id: &str) -> Response<Relay> {
    let rendered = render::refusal(style, error, request_id);
    let mut response = Response::new(Relay::fixed(rendered.body));
    *response.status_mut() = rendered.status;
    *response.headers_mut() = rendered.headers;
    identify(response.headers_mut(), matches!(style, Style::Anthropic), request_id);
    response
}

/// Puts the request's id into an answer's headers; on Claude routes under Anthropic's name too.
pub fn identify(headers: &mut HeaderMap, claude: bool, request_id: &str) {
    let Ok(id) = HeaderValue::from_str(request_id) else { return };
    if claude && !headers.contains_key(&CLAUDE_REQUEST_ID) {
        headers.insert(CLAUDE_REQUEST_ID, id.clone());
    }
    headers.insert(REQUEST_ID, id);
}

impl Stream {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Error>>> {
        if self.done {
            return Poll::Ready(None);
        }
        match self.source.poll_data(cx) {
            Poll::Ready(Some(Ok(data))) => {
                self.last = Instant::now();
                if self.is_complete() {
                    self.done = self.source.left == Some(0);
                    self.source.meter.finish(End::Clean);
                    self.settlement.completed(self.source.meter.seen());
                }
                Poll::Ready(Some(Ok(data)))
            }
            Poll::Ready(None) => self.end(None),
            Poll::Ready(Some(Err(error))) => self.end(Some(error)),
            Poll::Pending => self.poll_idle(cx),
        }
    }

    /// A body with a length is not polled past its last byte: it is complete when that is there.
    fn is_complete(&self) -> bool {
        self.source.form == Form::Whole && self.source.ready.is_empty() && self.source.left == Some(0)
    }

    fn poll_idle(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Error>>> {
        let idle = self.source.idle;
        loop {
            let due = self.last + idle;
            let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(due)));
            ready!(timer.as_mut().poll(cx));
            // Armed once and moved only when it rings: most frames never touch it.
            if due > Instant::now() {
                timer.as_mut().reset(due);
                continue;
            }
            let message = format!("the upstream sent nothing for {} s", idle.as_secs_f32());
            self.source.finish(End::Cut);
            return self.end(Some(Error::new(Kind::UpstreamTimeout, message)));
        }
    }

    fn end(&mut self, failure: Option<Error>) -> Poll<Option<Result<Bytes, Error>>> {
        self.done = true;
        let failure = match failure {
            None if self.source.form == Form::Whole || self.source.is_whole() => None,
            None => Some(Error::new(Kind::Upstream, "the upstream ended its stream before it was complete")),
            // What came after the terminal event is nothing that the client waits for.
            Some(_) if self.source.form.is_stream() && self.source.is_whole() => None,
            Some(error) => Some(error),
        };
        let seen = self.source.meter.seen();
        let Some(error) = failure else {
            self.settlement.completed(seen);
            return Poll::Ready(None);
        };
        let last = if seen.error.is_some() {
            // The upstream has told the client already.
            Some(Bytes::new())
        } else {
            tail::tail(self.source.api, self.source.form, &error, seen, &self.settlement.request_id())
        };
        self.settlement.broken(seen, &error);
        match last {
            Some(tail) if tail.is_empty() => Poll::Ready(None),
            Some(tail) => Poll::Ready(Some(Ok(tail))),
            None => Poll::Ready(Some(Err(error))),
        }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.source.meter.finish(End::Cut);
        let seen: &Seen = self.source.meter.seen();
        self.settlement.abandoned(seen, self.source.is_whole());
    }
}

impl http_body::Body for Relay {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        match &mut self.0 {
            State::Fixed(body) => Poll::Ready(body.take().map(|body| Ok(Frame::data(body)))),
            State::Stream(stream) => stream.poll(cx).map(|next| next.map(|data| data.map(Frame::data))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            State::Fixed(body) => body.is_none(),
            State::Stream(stream) => stream.done,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            State::Fixed(body) => SizeHint::with_exact(body.as_ref().map_or(0, |body| body.len() as u64)),
            State::Stream(_) => SizeHint::default(),
        }
    }
}

impl std::fmt::Debug for Relay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Relay(…)")
    }
}
