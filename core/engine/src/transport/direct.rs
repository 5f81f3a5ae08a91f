//! HTTP/1.1 without TLS, on connections that the request itself polls.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use http::header::HOST;
use http::uri::Authority;
use http::{HeaderValue, Request, Response, Uri, Version};
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use sluice_api::provider::Body;
use sluice_api::{Error, Kind};
use tokio::net::TcpStream;

use super::Stale;
use super::pool::{Connection, Pool};

/// What is read of an upstream at once. Thousands of streams are open at a time, each with a buffer of its own and one
/// on its way to the client; larger ones would save few system calls, as events are small.
const READ_SIZE: usize = 4 * 1024;

/// Sends over plain connections.
#[derive(Clone, Debug)]
pub(super) struct Direct {
    pool: Arc<Pool>,
    connect_timeout: Duration,
}

impl Direct {
    pub(super) fn new(pool: Arc<Pool>, connect_timeout: Duration) -> Self {
        Self { pool, connect_timeout }
    }

    pub(super) async fn send(&self, request: Request<Bytes>, stale: Stale) -> Result<Response<Body>, Error> {
        let (authority, mut request) = to_origin_form(request)?;
        if stale != Stale::Fresh
            && let Some(mut connection) = self.pool.take(&authority)
        {
            let again = (stale == Stale::Again).then(|| copy(&request));
            match exchange(&mut connection, request).await {
                Ok(response) => return Ok(self.answered(authority, connection, response)),
                // It went stale in the pool: that is no attempt. One that broke as the request came looks the same, so
                // a fresh connection is next, and never another from the pool: a request that kills its connection is
                // sent twice at most.
                Err(error) if is_stale(&error) => match again {
                    Some(again) => request = again,
                    None => return Err(broken(&error).unanswered()),
                },
                Err(error) => return Err(broken(&error)),
            }
        }
        let mut connection = self.connect(&authority).await?;
        let response = exchange(&mut connection, request).await.map_err(|error| broken(&error))?;
        Ok(self.answered(authority, connection, response))
    }

    async fn connect(&self, authority: &Authority) -> Result<Connection, Error> {
        let failed = |reason: &dyn std::fmt::Display| {
            Error::new(Kind::Upstream, format!("the connection to the upstream failed: {reason}"))
        };
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        let address = (host, authority.port_u16().unwrap_or(80));
        let stream = tokio::time::timeout(self.connect_timeout, TcpStream::connect(address)).await;
        let stream = stream.map_err(|_| {
            let message = format!(
                "the upstream did not accept a connection in {} s",
                self.connect_timeout.as_secs_f32()
            );
            Error::new(Kind::UpstreamTimeout, message)
        })?;
        let stream = stream.map_err(|error| failed(&error))?;
        stream.set_nodelay(true).map_err(|error| failed(&error))?;
        let (sender, driver) = hyper::client::conn::http1::Builder::new()
            .read_buf_exact_size(Some(READ_SIZE))
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|error| failed(&error))?;
        Ok(Connection::new(sender, driver))
    }

    fn answered(
        &self,
        authority: Authority,
        connection: Connection,
        response: Response<Incoming>,
    ) -> Response<Body> {
        response.map(|incoming| {
            let pool = Arc::clone(&self.pool);
            Polled { incoming, connection: Some(connection), authority, pool }.boxed_unsync()
        })
    }
}

/// The request as HTTP/1.1 wants it: the path in the request line, the authority in `host`.
fn to_origin_form(mut request: Request<Bytes>) -> Result<(Authority, Request<Bytes>), Error> {
    let parts = std::mem::take(request.uri_mut()).into_parts();
    let Some(authority) = parts.authority else {
        return Err(Error::new(Kind::Internal, "a provider made a request without an authority"));
    };
    if let Some(path) = parts.path_and_query {
        *request.uri_mut() = Uri::from(path);
    }
    let host = HeaderValue::from_str(authority.as_str())
        .map_err(|_| Error::new(Kind::Internal, "a provider made a request with an unusable authority"))?;
    request.headers_mut().insert(HOST, host);
    *request.version_mut() = Version::HTTP_11;
    Ok((authority, request))
}

/// A copy for a connection that may turn out stale; the body is shared.
fn copy(request: &Request<Bytes>) -> Request<Bytes> {
    let mut copy = Request::new(request.body().clone());
    *copy.method_mut() = request.method().clone();
    *copy.uri_mut() = request.uri().clone();
    *copy.headers_mut() = request.headers().clone();
    copy
}

/// Sends a request and drives the connection until the response's head is there.
async fn exchange(connection: &mut Connection, request: Request<Bytes>) -> hyper::Result<Response<Incoming>> {
    let mut answer = std::pin::pin!(connection.sender.send_request(request.map(Full::new)));
    std::future::poll_fn(|cx| {
        // The answer comes from the connection and from nowhere else, so only the connection needs to wake us.
        let closed = connection.drive(cx);
        match answer.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Pending if closed => {
                // A closed connection resolves what waits for it; ask once more with a waker to be safe.
                answer.as_mut().poll(cx)
            }
            answered => answered,
        }
    })
    .await
}

/// Whether a connection closed before a byte of an answer had come.
pub(super) fn is_stale(error: &hyper::Error) -> bool {
    use std::error::Error as _;
    let reset =
        error.source().and_then(|cause| cause.downcast_ref::<std::io::Error>()).is_some_and(|cause| {
            use std::io::ErrorKind::{BrokenPipe, ConnectionReset};
            matches!(cause.kind(), BrokenPipe | ConnectionReset)
        });
    error.is_canceled() || error.is_closed() || error.is_incomplete_message() || reset
}

fn broken(error: &hyper::Error) -> Error {
    use std::error::Error as _;
    let cause = error.source().map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"));
    Error::new(Kind::Upstream, format!("the upstream broke off: {cause}"))
}

/// A body that drives the connection it comes from, and gives it back to the pool at its end.
struct Polled {
    incoming: Incoming,
    connection: Option<Connection>,
    authority: Authority,
    pool: Arc<Pool>,
}

impl Polled {
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
        let mut nobody = Context::from_waker(Waker::noop());
        let mut polled = Pin::new(&mut this.incoming).poll_frame(&mut nobody);
        if polled.is_pending()
            && let Some(connection) = &mut this.connection
        {
            let closed = connection.drive(cx);
            polled = Pin::new(&mut this.incoming).poll_frame(&mut nobody);
            if closed && polled.is_pending() {
                let error = Error::new(
                    Kind::Upstream,
                    "the upstream closed the connection before its answer was whole",
                );
                return Poll::Ready(Some(Err(error)));
            }
        }
        match polled {
            Poll::Ready(None) => {
                this.recycle();
                Poll::Ready(None)
            }
            Poll::Ready(Some(frame)) => Poll::Ready(Some(frame.map_err(|error| broken(&error)))),
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
