//! The answer on its way to the client, and its end: in order, in its dialect's error, or with its connection.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderValue, Response, StatusCode};
use http_body::{Frame, SizeHint};
use sluice_api::dialect::Api;
use sluice_api::error::{Error, Kind};
use sluice_wire::answer::meter::{End, Seen};
use sluice_wire::refusal::names_account;
use sluice_wire::refusal::render::{self, Style};
use sluice_wire::refusal::tail::{self, Broken, Tail};
use tokio::time::{Instant, Sleep};

use crate::cut;
use crate::refused::{identify, refused};
use crate::settle::Settlement;
use crate::source::{Answered, Source};

/// What was handed on last has so long to leave before its body breaks off, which takes along what has not.
const LEAVES_FOR: Duration = Duration::from_millis(100);

/// How long the client of a translated stream hears nothing before it is told that the connection lives.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// The body of an answer to a client. Settles the request when it ends, however it ends.
pub struct Relay(State);

enum State {
    Fixed(Option<Bytes>),
    Stream(Box<Stream>),
}

struct Stream {
    source: Box<Source>,
    settlement: Settlement,
    /// Armed while upstream is silent.
    timer: Option<Pin<Box<Sleep>>>,
    last: Instant,
    /// When a silent client was last told that the connection lives; where its answer is translated.
    beat: Instant,
    /// Bytes that had come of upstream when it was looked last.
    heard: u64,
    /// What is left to be told: that the body breaks off, once what was handed on has left.
    breaking: Option<Error>,
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
        refused(style, error, request_id).map(Self::fixed)
    }

    /// A refusal or failure of a request that has a settlement, which ends here.
    pub(crate) fn refused(style: Style, error: &Error, mut settlement: Settlement) -> Response<Self> {
        let request_id = settlement.request_id();
        let mut response = match &error.facts().answer {
            Some(answer) if answer.status.as_u16() >= 400 => {
                let mut headers = answer.headers.clone();
                let limited = answer.status == StatusCode::TOO_MANY_REQUESTS && names_account(&answer.body);
                let body = if limited {
                    headers.insert(http::header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
                    render::limited_upstream(style, error.facts().retry_after, &request_id)
                } else {
                    answer.body.clone()
                };
                let mut response = Response::new(Self::fixed(body));
                *response.status_mut() = answer.status;
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
            _ => Self::refusal(style, error, &request_id),
        };
        identify(response.headers_mut(), settlement.api() == Api::Anthropic, &request_id);
        settlement.tells(response.headers_mut());
        settlement.refused(response.status(), error);
        response
    }

    pub(crate) fn stream(answered: Answered, settlement: Settlement, request_id: &str) -> Response<Self> {
        let Answered { status, mut headers, source } = answered;
        identify(&mut headers, settlement.api() == Api::Anthropic, request_id);
        settlement.tells(&mut headers);
        let last = Instant::now();
        let stream = Stream {
            source,
            settlement,
            timer: None,
            last,
            beat: last,
            heard: 0,
            breaking: None,
            done: false,
        };
        let mut response = Response::new(Self(State::Stream(Box::new(stream))));
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        response
    }
}

impl Stream {
    /// Polled where nothing that it panics with goes further: the request ends as the gateway's own failure.
    fn poll_guarded(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Error>>> {
        let polled = catch_unwind(AssertUnwindSafe(|| self.poll(cx)));
        polled.unwrap_or_else(|_| {
            let message = "the gateway failed in the middle of this answer: send the request again";
            let error = Error::new(Kind::Internal, message);
            self.settlement.panicked(self.source.seen());
            if self.source.is_translated() {
                // Who wrote this answer may be who failed.
                self.breaking = Some(error);
                return self.poll_breaking(cx);
            }
            self.ends_in(error, cx)
        })
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Error>>> {
        if self.done {
            return Poll::Ready(None);
        }
        if self.breaking.is_some() {
            return self.poll_breaking(cx);
        }
        if self.settlement.is_cut() {
            self.source.finish(End::Cut);
            return self.end(Some(cut::error()), cx);
        }
        match self.source.poll_data(cx) {
            Poll::Ready(Some(Ok(data))) => {
                self.last = Instant::now();
                (self.beat, self.heard) = (self.last, self.source.seen().bytes);
                if self.source.is_spent() {
                    self.done = true;
                    self.source.finish(End::Clean);
                    self.settlement.completed(self.source.seen());
                } else {
                    self.settlement.passes(&self.source, self.last.into_std());
                }
                Poll::Ready(Some(Ok(data)))
            }
            Poll::Ready(None) => self.end(None, cx),
            Poll::Ready(Some(Err(error))) => self.end(Some(error), cx),
            Poll::Pending => {
                // What comes may be nothing that its client is told yet.
                let heard = self.source.seen().bytes;
                if std::mem::replace(&mut self.heard, heard) != heard {
                    self.last = Instant::now();
                    self.settlement.passes(&self.source, self.last.into_std());
                }
                self.poll_idle(cx)
            }
        }
    }

    fn poll_idle(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Error>>> {
        let idle = self.source.idle;
        let alive = self.source.keep_alive();
        loop {
            let silent = self.last + idle;
            let beat = self.beat + KEEP_ALIVE;
            let due = if alive.is_empty() { silent } else { silent.min(beat) };
            let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(due)));
            if timer.deadline() > due {
                timer.as_mut().reset(due);
            }
            ready!(timer.as_mut().poll(cx));
            let now = Instant::now();
            // Armed once and moved only when it rings: most frames never touch it.
            if due > now {
                timer.as_mut().reset(due);
                continue;
            }
            if silent > now {
                self.beat = now;
                return Poll::Ready(Some(Ok(Bytes::from_static(alive))));
            }
            let message =
                format!("the upstream sent nothing for {} s: send the request again", idle.as_secs_f32());
            self.source.finish(End::Cut);
            return self.end(Some(Error::new(Kind::UpstreamTimeout, message)), cx);
        }
    }

    fn end(&mut self, failure: Option<Error>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Error>>> {
        let failure = match failure {
            None if self.source.may_end() => None,
            None => {
                let message = "the upstream ended its answer before it was complete: send the request again";
                Some(Error::new(Kind::Upstream, message))
            }
            // What came after the terminal event is nothing that the client waits for.
            Some(_) if self.source.form.is_stream() && self.source.is_whole() => None,
            Some(error) => Some(error),
        };
        let seen = self.source.seen();
        let Some(error) = failure else {
            self.done = true;
            self.settlement.completed(seen);
            return Poll::Ready(None);
        };
        if self.settlement.is_cut() {
            self.settlement.cut(seen, &error);
        } else {
            self.settlement.broken(seen, &error);
        }
        self.ends_in(error, cx)
    }

    /// Ends an answer that is not whole as its dialect does.
    fn ends_in(&mut self, error: Error, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Error>>> {
        let text = match self.tail(&error) {
            Tail::Ends(text) => {
                self.done = true;
                text
            }
            Tail::Breaks(text) => {
                self.breaking = Some(error);
                self.timer = Some(Box::pin(tokio::time::sleep(LEAVES_FOR)));
                text
            }
        };
        // What has come and was not handed on yet goes before it.
        let mut told = BytesMut::new();
        while let Some(rest) = self.source.take_ready() {
            told.extend_from_slice(&rest);
        }
        told.extend_from_slice(&text);
        let text = told.freeze();
        match (text.is_empty(), self.done) {
            (true, true) => Poll::Ready(None),
            (true, false) => self.poll_breaking(cx),
            (false, _) => Poll::Ready(Some(Ok(text))),
        }
    }

    /// How the answer's dialect tells that it broke off.
    fn tail(&mut self, error: &Error) -> Tail {
        let Source { api, form, .. } = *self.source;
        match self.source.fails(error) {
            // Two libraries take an ordered end for success.
            Some(text) if api == Api::Gemini => Tail::Breaks(text),
            Some(text) => Tail::Ends(text),
            None => {
                let (seen, request_id) = (self.source.seen(), &self.settlement.request_id());
                tail::tail(&Broken { api, form, seen, request_id }, error)
            }
        }
    }

    fn poll_breaking(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Error>>> {
        if let Some(timer) = &mut self.timer {
            ready!(timer.as_mut().poll(cx));
        }
        self.done = true;
        Poll::Ready(self.breaking.take().map(Err))
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.source.finish(End::Cut);
        let seen: &Seen = self.source.seen();
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
            State::Stream(stream) => {
                stream.poll_guarded(cx).map(|next| next.map(|data| data.map(Frame::data)))
            }
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
