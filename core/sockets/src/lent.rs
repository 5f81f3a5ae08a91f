//! A request's body on loan to its handler: what that leaves of it comes back, and is read off within bounds, so that a
//! client that writes first finds its answer rather than a broken connection.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http::header::EXPECT;
use http_body::Body as HttpBody;
use http_body_util::BodyExt as _;
use hyper::body::{Frame, SizeHint};
use parking_lot::Mutex;
use sluice_upstream::gate::still;
use tokio::time::timeout;

/// Most that is read off before the answer goes out.
const MOST: usize = 1 << 20;

/// How long the rest of a body is waited for before the answer goes out.
const LONGEST: Duration = Duration::from_secs(1);

/// The bodies of a connection of which more was on its way than was read.
#[derive(Debug, Default)]
pub struct Unread(AtomicU32);

impl Unread {
    /// One more.
    pub fn note(&self) {
        self.0.fetch_add(1, Relaxed);
    }

    /// So many.
    pub fn count(&self) -> u32 {
        self.0.load(Relaxed)
    }
}

/// A body, as a handler has it.
pub struct Lent<B: HttpBody> {
    body: Option<B>,
    /// Whether anything was asked of it.
    asked: bool,
    back: Back<B>,
}

/// What came back of a body, and whether anything was asked of it.
type Back<B> = Arc<Mutex<Option<(B, bool)>>>;

/// Where a body comes back to.
pub struct Left<B> {
    back: Back<B>,
    /// Whether the client sends its body only when that is asked for.
    waits: bool,
}

/// Lends a request's body to whoever handles the request.
pub fn lend<B: HttpBody>(request: Request<B>) -> (Request<Lent<B>>, Left<B>) {
    let back = Back::<B>::default();
    let left = Left { back: Arc::clone(&back), waits: request.headers().contains_key(EXPECT) };
    (request.map(|body| Lent { body: Some(body), asked: false, back }), left)
}

impl<B: HttpBody> Drop for Lent<B> {
    fn drop(&mut self) {
        let rest = self.body.take().filter(|body| !body.is_end_stream());
        *self.back.lock() = rest.map(|body| (body, self.asked));
    }
}

impl<B: HttpBody<Data = Bytes> + Unpin> HttpBody for Lent<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        self.asked = true;
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        let (polled, woken) = still(|| Pin::new(&mut *body).poll_frame(cx));
        // The connection is woken to read on, where there is something to be read.
        if woken && !(polled.is_ready() && body.is_end_stream()) {
            cx.waker().wake_by_ref();
        }
        let frame = ready!(polled);
        if !matches!(frame, Some(Ok(_))) {
            // At its end or broken: there is nothing to come back.
            self.body = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), HttpBody::size_hint)
    }
}

impl<B: HttpBody<Data = Bytes> + Unpin> Left<B> {
    /// Reads off what a handler has left; `false` where more was on its way than is read.
    pub async fn read_off(self) -> bool {
        let came_back = self.back.lock().take();
        let Some((mut body, asked)) = came_back else { return true };
        if self.waits && !asked {
            // To read it would ask the client for a body that nobody wants.
            return false;
        }
        let all = async {
            let mut read = 0;
            while let Some(Ok(frame)) = body.frame().await {
                read += frame.data_ref().map_or(0, Bytes::len);
                if read > MOST {
                    return false;
                }
            }
            true
        };
        timeout(LONGEST, all).await.unwrap_or(false)
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::time::Duration;

    use bytes::Bytes;
    use futures_util::{Stream, StreamExt as _, stream};
    use http::Request;
    use http_body_util::combinators::UnsyncBoxBody;
    use http_body_util::{BodyExt as _, Empty, StreamBody};
    use hyper::body::Frame;
    use tokio::time::timeout;

    use super::{MOST, lend};

    type Body = UnsyncBoxBody<Bytes, Infallible>;

    fn body(pieces: impl Stream<Item = Bytes> + Send + 'static) -> Body {
        StreamBody::new(pieces.map(|piece| Ok(Frame::data(piece)))).boxed_unsync()
    }

    fn pieces(count: usize, length: usize) -> Body {
        body(stream::iter((0..count).map(move |_| Bytes::from(vec![0; length]))))
    }

    fn endless() -> Body {
        body(stream::iter([Bytes::from_static(b"x")]).chain(stream::pending()))
    }

    /// Whether all of a body was read off of which a handler has asked for so many pieces.
    async fn check(sent: Body, asked: usize, expects: bool) -> bool {
        let mut request = Request::post("/");
        if expects {
            request = request.header("expect", "100-continue");
        }
        let (request, left) = lend(request.body(sent).unwrap());
        let mut body = request.into_body();
        for _ in 0..asked {
            let _ = body.frame().await;
        }
        drop(body);
        timeout(Duration::from_secs(20), left.read_off()).await.unwrap()
    }

    #[tokio::test]
    async fn what_is_left_is_read_off_within_bounds() {
        assert!(check(Empty::new().boxed_unsync(), 0, false).await);
        assert!(check(pieces(4, 1000), 0, false).await);
        assert!(check(pieces(4, 1000), 2, false).await);
        assert!(check(pieces(4, 1000), 5, false).await);
        assert!(check(pieces(1, MOST), 0, false).await);
        assert!(!check(pieces(2, MOST), 0, false).await);
        assert!(!check(endless(), 0, false).await);
    }

    #[tokio::test]
    async fn a_client_that_waits_to_be_asked_is_not_asked_for_nothing() {
        assert!(!check(pieces(4, 1000), 0, true).await);
        assert!(check(pieces(4, 1000), 1, true).await);
    }
}
