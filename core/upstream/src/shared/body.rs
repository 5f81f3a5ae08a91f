//! An answer's body as a stream of a shared connection.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use h2::RecvStream;
use http::uri::Authority;
use http_body::{Frame, SizeHint};
use sluice_api::error::{Error, Kind};

use super::connection::Place;
use super::failure::failure;
use super::upload::Beside;
use crate::tasks::Tasks;

/// How long the end of an answer is waited for whose last byte is there: a stream that is dropped before it is reset,
/// and servers end connections that are reset too often.
const END_WITHIN: Duration = Duration::from_secs(1);

/// A body that gives its stream's place back at its end.
pub(super) struct Streamed(Option<Parts>);

/// What a body comes by.
pub(super) struct Coming {
    pub(super) stream: RecvStream,
    /// The request's body, where it is not up yet.
    pub(super) upload: Option<Beside>,
    pub(super) place: Place,
    pub(super) authority: Authority,
}

struct Parts {
    coming: Coming,
    /// Bytes of the window that the last frame took; given back when the next one is asked for, and so never for a
    /// client that reads nothing.
    taken: usize,
    /// Bytes still to come, where upstream told the length.
    left: Option<u64>,
    /// All data is there; what may follow are trailers.
    ended: bool,
}

impl Streamed {
    /// `left` is the length that the head has told.
    pub(super) fn new(coming: Coming, left: Option<u64>) -> Self {
        Self(Some(Parts { coming, taken: 0, left, ended: false }))
    }
}

impl Parts {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Error>>> {
        let taken = std::mem::take(&mut self.taken);
        if taken > 0 {
            let _ = self.coming.stream.flow_control().release_capacity(taken);
        }
        match self.coming.stream.poll_data(cx) {
            // The end, in a frame of its own: what says so comes next.
            Poll::Ready(Some(Ok(data))) if data.is_empty() => self.poll(cx),
            Poll::Ready(Some(Ok(data))) => {
                self.taken = data.len();
                if let Some(left) = &mut self.left {
                    *left = left.saturating_sub(data.len() as u64);
                }
                Poll::Ready(Some(Ok(data)))
            }
            // A server that has answered whole may say that it wants no more of the request (RFC 9113, section 8.1).
            Poll::Ready(Some(Err(error)))
                if error.reason() == Some(h2::Reason::NO_ERROR) && self.left == Some(0) =>
            {
                (self.ended, self.coming.upload) = (true, None);
                Poll::Ready(None)
            }
            Poll::Ready(Some(Err(error))) => {
                Poll::Ready(Some(Err(failure(&error, &self.coming.place, &self.coming.authority))))
            }
            Poll::Ready(None) if self.left.is_some_and(|left| left > 0) => {
                let message = "the upstream ended its answer before it was whole";
                Poll::Ready(Some(Err(Error::new(Kind::Upstream, message))))
            }
            Poll::Ready(None) => {
                self.ended = true;
                Poll::Ready(None)
            }
            Poll::Pending => Poll::Pending,
        }
    }

    fn has_ended(&self) -> bool {
        (self.ended || self.coming.stream.is_end_stream()) && self.is_up()
    }

    /// Whether nothing of the request's body is on its way any more.
    fn is_up(&self) -> bool {
        self.coming.upload.as_ref().is_none_or(Beside::is_done)
    }
}

impl http_body::Body for Streamed {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let Some(parts) = &mut self.0 else { return Poll::Ready(None) };
        let polled = parts.poll(cx);
        match polled {
            Poll::Ready(Some(Ok(data))) => Poll::Ready(Some(Ok(Frame::data(data)))),
            Poll::Ready(Some(Err(error))) => {
                parts.coming.place.ended();
                self.0 = None;
                Poll::Ready(Some(Err(error)))
            }
            Poll::Ready(None) => {
                if parts.has_ended() {
                    parts.coming.place.ended();
                    self.0 = None;
                }
                Poll::Ready(None)
            }
            Poll::Pending => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.0.as_ref().is_none_or(|parts| parts.coming.stream.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Some(Parts { left: Some(left), .. }) => SizeHint::with_exact(*left),
            _ => SizeHint::default(),
        }
    }
}

impl Drop for Streamed {
    /// An answer that is whole is read to its end, which may come in a frame of its own; all else is cancelled.
    fn drop(&mut self) {
        let Some(mut parts) = self.0.take() else { return };
        if parts.has_ended() {
            return parts.coming.place.ended();
        }
        if parts.left != Some(0) || !parts.is_up() {
            return;
        }
        let mut nobody = Context::from_waker(Waker::noop());
        if parts.poll(&mut nobody).is_ready() {
            return parts.coming.place.ended();
        }
        // A process that ends has no runtime any more.
        if tokio::runtime::Handle::try_current().is_ok() {
            Tasks::upkeep(async move {
                let end = std::future::poll_fn(|cx| parts.poll(cx));
                if tokio::time::timeout(END_WITHIN, end).await.is_ok() {
                    parts.coming.place.ended();
                }
            });
        }
    }
}
