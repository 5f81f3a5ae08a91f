//! HTTP/1.1 on connections that the request itself polls.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use bytes::Bytes;
use http::header::{HOST, PROXY_AUTHORIZATION};
use http::uri::Authority;
use http::{HeaderValue, Request, Response, Uri, Version};
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use sluice_api::error::{Connection as Named, Error, Kind};
use sluice_api::provider::Body;
use sluice_config::settings::HttpVersion;

use super::broken::broken;
use super::dial::{Dial, Dialled};
use super::pool::{Connection, Pool};
use super::proxy::Proxy;
use super::sent::{STALE_WITHIN, Sent, Stale};
use crate::gate::still;

/// Sends over connections of HTTP/1.1, plain or TLS.
#[derive(Clone, Debug)]
pub(super) struct Direct {
    pub(super) pool: Arc<Pool>,
    pub(super) dial: Dial,
    pub(super) http: HttpVersion,
}

impl Direct {
    /// Sends a request; gives it back where the server speaks HTTP/2 alone.
    pub(super) async fn send(&self, authority: &Authority, request: Request<Bytes>, stale: Stale) -> Sent {
        let kept = if stale == Stale::Fresh { None } else { self.pool.take(authority) };
        let Some(mut connection) = kept else {
            // Boxed, as most requests find a connection and need not have the size of opening one.
            return Box::pin(self.send_fresh(authority, request)).await;
        };
        let again = (stale == Stale::Again).then(|| copy(&request));
        let (before, began) = (connection.read.bytes(), Instant::now());
        let error = match self.exchange(&mut connection, authority, request).await {
            Ok(response) => return Sent::Answered(Ok(self.answered(authority, connection, response))),
            Err(error) => error,
        };
        // It went stale in the pool: that is no attempt. One that broke as the request came looks the same, so
        // a fresh connection is next, and never another from the pool: a request that kills its connection is
        // sent twice at most. A byte of an answer makes it an attempt, unless the connection had ended before it took
        // the request at all.
        let silent = connection.read.bytes() == before && began.elapsed() < STALE_WITHIN;
        let stale = error.is_canceled() || (is_closed(&error) && silent);
        match again {
            Some(request) if stale => Box::pin(self.send_fresh(authority, request)).await,
            None if stale => Sent::Answered(Err(broken(&error, authority).unanswered())),
            _ => Sent::Answered(Err(failure(&error, connection.named, authority))),
        }
    }

    async fn send_fresh(&self, authority: &Authority, request: Request<Bytes>) -> Sent {
        let mut connection = match self.dial(authority).await {
            Ok(Dialled::Http1(connection)) => connection,
            Ok(Dialled::Http2(_)) => return Sent::SpeaksOther(Some(request)),
            Err(error) => return Sent::Answered(Err(error)),
        };
        let exchanged = self.exchange(&mut connection, authority, request).await;
        let response = exchanged.map_err(|error| failure(&error, connection.named, authority));
        Sent::Answered(response.map(|response| self.answered(authority, connection, response)))
    }

    /// Opens connections ahead, so that the next request finds one.
    pub(super) async fn warm(self, cold: Vec<Authority>) {
        for authority in cold {
            if let Ok(Dialled::Http1(connection)) = self.dial(&authority).await {
                self.pool.put(&authority, connection);
            }
        }
    }

    async fn dial(&self, authority: &Authority) -> Result<Dialled, Error> {
        self.dial.dial(authority, self.offered(), Instant::now() + self.dial.timeout).await
    }

    /// Where HTTP/2 was wanted and the server wants HTTP/1.1, nothing else is offered any more.
    fn offered(&self) -> HttpVersion {
        if self.http == HttpVersion::Two { HttpVersion::One } else { self.http }
    }

    /// Sends a request and drives the connection until the response's head is there.
    async fn exchange(
        &self,
        connection: &mut Connection,
        authority: &Authority,
        mut request: Request<Bytes>,
    ) -> hyper::Result<Response<Incoming>> {
        to_its_form(authority, self.dial.passes_on(), &mut request);
        let mut answer = std::pin::pin!(connection.sender.send_request(request.map(Full::new)));
        std::future::poll_fn(|cx| {
            // The answer comes from the connection and from nowhere else, so only the connection needs to wake us. One
            // that has ended is dropped, which resolves what waits for it.
            connection.driver.drive(cx);
            answer.as_mut().poll(&mut Context::from_waker(Waker::noop()))
        })
        .await
    }

    fn answered(
        &self,
        authority: &Authority,
        connection: Connection,
        response: Response<Incoming>,
    ) -> Response<Body> {
        response.map(|incoming| {
            let (pool, authority) = (Arc::clone(&self.pool), authority.clone());
            let named = connection.named;
            Polled { incoming, connection: Some(connection), named, authority, pool }.boxed_unsync()
        })
    }
}

/// The request as HTTP/1.1 wants it: the path in the request line, the authority in `host`. A proxy that passes it on
/// wants the whole URL, and whom it is for.
fn to_its_form(authority: &Authority, proxy: Option<&Proxy>, request: &mut Request<Bytes>) {
    if let Some(proxy) = proxy {
        if let Some(credentials) = proxy.credentials() {
            request.headers_mut().insert(PROXY_AUTHORIZATION, credentials.clone());
        }
    } else if let Some(path) = std::mem::take(request.uri_mut()).into_parts().path_and_query {
        *request.uri_mut() = Uri::from(path);
    }
    if let Ok(host) = HeaderValue::from_str(authority.as_str()) {
        request.headers_mut().insert(HOST, host);
    }
    *request.version_mut() = Version::HTTP_11;
}

/// A copy for a connection that may turn out stale; the body is shared.
pub(super) fn copy(request: &Request<Bytes>) -> Request<Bytes> {
    let mut copy = Request::new(request.body().clone());
    *copy.method_mut() = request.method().clone();
    *copy.uri_mut() = request.uri().clone();
    *copy.headers_mut() = request.headers().clone();
    copy
}

/// Whether a connection was closed by the other side.
fn is_closed(error: &hyper::Error) -> bool {
    use std::error::Error as _;
    let closed =
        error.source().and_then(|cause| cause.downcast_ref::<std::io::Error>()).is_some_and(|cause| {
            use std::io::ErrorKind::{BrokenPipe, ConnectionReset, UnexpectedEof};
            // A server that closes without saying so in TLS is told as an end of file.
            matches!(cause.kind(), BrokenPipe | ConnectionReset | UnexpectedEof)
        });
    error.is_canceled() || error.is_closed() || error.is_incomplete_message() || closed
}

/// A body that drives the connection it comes from, and gives it back to the pool at its end.
struct Polled {
    incoming: Incoming,
    connection: Option<Connection>,
    named: Named,
    authority: Authority,
    pool: Arc<Pool>,
}

impl Polled {
    fn cut(&self) -> Error {
        let message = "the upstream closed the connection before its answer was whole";
        Error::new(Kind::Upstream, message).connection(self.named)
    }

    fn recycle(&mut self) {
        if let Some(connection) = self.connection.take() {
            self.pool.put(&self.authority, connection);
        }
    }
}

impl http_body::Body for Polled {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let this = &mut *self;
        let mut polled = next_frame(&mut this.incoming, cx);
        if polled.is_pending()
            && let Some(connection) = &mut this.connection
        {
            let closed = connection.driver.drive(cx);
            polled = next_frame(&mut this.incoming, cx);
            if closed && polled.is_pending() {
                return Poll::Ready(Some(Err(this.cut())));
            }
        }
        match polled {
            // A connection that is dropped ends its body in order, so that the length has the last word.
            Poll::Ready(None) if this.incoming.size_hint().lower() > 0 => Poll::Ready(Some(Err(this.cut()))),
            Poll::Ready(None) => {
                this.recycle();
                Poll::Ready(None)
            }
            Poll::Ready(Some(frame)) => {
                Poll::Ready(Some(frame.map_err(|error| failure(&error, this.named, &this.authority))))
            }
            Poll::Pending => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

impl Drop for Polled {
    /// A body with a length is not polled past its last byte.
    fn drop(&mut self) {
        if self.incoming.is_end_stream() {
            self.recycle();
        }
    }
}

/// The next frame, if there is one. What taking it wakes is the connection, which is driven as soon as the next one is
/// asked for.
fn next_frame(incoming: &mut Incoming, cx: &mut Context<'_>) -> Poll<Option<hyper::Result<Frame<Bytes>>>> {
    let mut nobody = Context::from_waker(Waker::noop());
    let (polled, woken) = still(|| Pin::new(incoming).poll_frame(&mut nobody));
    if polled.is_pending() && woken {
        cx.waker().wake_by_ref();
    }
    polled
}

/// What a failure means. That a connection has died is one failure with all that died with it.
fn failure(error: &hyper::Error, named: Named, authority: &Authority) -> Error {
    let told = broken(error, authority);
    if is_closed(error) { told.connection(named) } else { told }
}
