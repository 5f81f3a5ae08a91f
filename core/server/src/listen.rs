//! Accepting connections, serving HTTP/1.1 and HTTP/2 on each, and draining.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use http::{HeaderValue, Request};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use sluice_engine::Gateway;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::Service;

/// Longest head of a request, and most that is buffered of what a client sends ahead.
const HEAD_MAX: usize = 64 * 1024;

/// Header lines that a request may have.
const HEADERS_MAX: usize = 100;

/// Streams at once on one HTTP/2 connection.
const STREAMS_MAX: u32 = 250;

/// How long to wait before accepting again when the system has no file handle left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Serves each listener with its router until `stop` is ready, then drains.
pub(crate) async fn run(
    gateway: Arc<Gateway>,
    listeners: Vec<(SocketAddr, Router)>,
    listening: impl FnOnce(&[SocketAddr]),
    stop: impl Future<Output = ()>,
) -> io::Result<()> {
    let snapshot = gateway.snapshot();
    let tls = match &snapshot.server.tls {
        Some(files) => Some(crate::tls::acceptor(&files.cert, &files.key)?),
        None => None,
    };
    let tasks = TaskTracker::new();
    let draining = CancellationToken::new();
    let mut addresses = Vec::new();
    for (address, router) in listeners {
        let listener = TcpListener::bind(address)
            .await
            .map_err(|error| io::Error::new(error.kind(), format!("can't listen on {address}: {error}")))?;
        addresses.push(listener.local_addr()?);
        let serving = Serving {
            router,
            tls: tls.clone(),
            header_timeout: snapshot.server.header_timeout,
            tasks: tasks.clone(),
            draining: draining.clone(),
        };
        tasks.spawn(serving.accept(listener));
    }
    listening(&addresses);
    stop.await;
    gateway.drain();
    draining.cancel();
    tasks.close();
    let grace = gateway.snapshot().server.shutdown_grace;
    if tokio::time::timeout(grace, tasks.wait()).await.is_err() {
        tracing::warn!(
            grace_s = grace.as_secs(),
            left = tasks.len(),
            "requests were still running when the grace was over"
        );
    }
    gateway.records().collect();
    Ok(())
}

#[derive(Clone)]
struct Serving {
    router: Router,
    tls: Option<TlsAcceptor>,
    header_timeout: Duration,
    tasks: TaskTracker,
    draining: CancellationToken,
}

impl Serving {
    async fn accept(self, listener: TcpListener) {
        loop {
            let accepted = tokio::select! {
                () = self.draining.cancelled() => return,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, _peer)) => {
                    let serving = self.clone();
                    self.tasks.spawn(serving.connection(stream));
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    async fn connection(self, stream: TcpStream) {
        if stream.set_nodelay(true).is_err() {
            return;
        }
        match &self.tls {
            None => self.serve(stream).await,
            Some(tls) => match tokio::time::timeout(self.header_timeout, tls.accept(stream)).await {
                Ok(Ok(stream)) => self.serve(stream).await,
                Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
                Err(_) => tracing::debug!("a TLS handshake took too long"),
            },
        }
    }

    async fn serve(self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let router = self.router;
        let service = service_fn(move |request: Request<Incoming>| {
            let mut router = router.clone();
            async move { Ok::<_, Infallible>(answer(&mut router, request).await) }
        });
        let mut builder = auto::Builder::new(TokioExecutor::new());
        builder
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(self.header_timeout)
            .max_buf_size(HEAD_MAX)
            .max_headers(HEADERS_MAX)
            .half_close(false)
            .pipeline_flush(false);
        builder
            .http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(STREAMS_MAX)
            .max_header_list_size(HEAD_MAX as u32)
            .keep_alive_interval(Some(Duration::from_secs(30)));
        let connection = builder.serve_connection(TokioIo::new(stream), service);
        let mut connection = std::pin::pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = self.draining.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "a connection broke off");
        }
    }
}

async fn answer(router: &mut Router, request: Request<Incoming>) -> Response {
    // Both length headers at once is how requests are smuggled past a gateway: hyper takes chunked, we take neither.
    let smuggles = request.headers().contains_key(http::header::CONTENT_LENGTH)
        && request.headers().contains_key(http::header::TRANSFER_ENCODING);
    if smuggles {
        let mut response =
            Response::new(Body::from("a request has either content-length or transfer-encoding\n"));
        *response.status_mut() = http::StatusCode::BAD_REQUEST;
        response.headers_mut().insert(http::header::CONNECTION, HeaderValue::from_static("close"));
        return response;
    }
    match router.call(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}
