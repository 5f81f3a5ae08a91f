//! HTTP/1.1 and HTTP/2 on one connection, until it ends by itself, is drained, or is cut.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use axum::Router;
use hyper::rt::Executor;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::answer::answer;
use crate::opening::Opened;
use crate::waiting::{Arrivals, HeadTimer, IDLE};

/// Longest head of a request, and most that is buffered of what a client sends ahead.
const HEAD_MAX: usize = 64 * 1024;

/// Header lines that a request may have.
const HEADERS_MAX: usize = 100;

/// Streams at once on one HTTP/2 connection.
const STREAMS_MAX: u32 = 250;

/// How often a client of HTTP/2 is asked whether it is still there; it stays connected as long as it answers.
const PING_EVERY: Duration = Duration::from_secs(30);

/// How a connection is told to end.
///
/// `draining` is the connection's own child token: a select looks at its token on every poll, under a lock of the
/// token, and one lock for all connections would have all threads wait for each other.
pub(crate) struct Orders {
    pub(crate) draining: CancellationToken,
    /// No wait any longer.
    pub(crate) cut: CancellationToken,
}

/// Serves HTTP/1.1.
pub(crate) async fn serve_http1<S>(stream: Opened<S>, router: Router, arrivals: Arc<Arrivals>, orders: Orders)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |request| answer(router.clone(), request));
    let connection = http1::Builder::new()
        .timer(HeadTimer::new(arrivals, IDLE))
        // The time itself is the timer's.
        .header_read_timeout(IDLE)
        .max_buf_size(HEAD_MAX)
        .max_headers(HEADERS_MAX)
        .half_close(false)
        .pipeline_flush(false)
        .serve_connection(TokioIo::new(stream), service);
    let patient = std::future::pending();
    until_it_ends(Box::pin(connection), |connection| connection.graceful_shutdown(), patient, orders).await;
}

/// Serves HTTP/2. Its first request has to be there when `first_due` comes.
pub(crate) async fn serve_http2<S>(
    stream: Opened<S>,
    router: Router,
    first_due: Instant,
    tasks: TaskTracker,
    orders: Orders,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let asked = Arc::new(AtomicBool::new(false));
    let mark = Arc::clone(&asked);
    let service = service_fn(move |request| {
        mark.store(true, Relaxed);
        answer(router.clone(), request)
    });
    let connection = http2::Builder::new(Tracked(tasks))
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS_MAX)
        .max_header_list_size(HEAD_MAX as u32)
        .keep_alive_interval(Some(PING_EVERY))
        .serve_connection(TokioIo::new(stream), service);
    let silent = async {
        tokio::time::sleep_until(first_due).await;
        if asked.load(Relaxed) {
            std::future::pending::<()>().await;
        }
    };
    until_it_ends(Box::pin(connection), |connection| connection.graceful_shutdown(), silent, orders).await;
}

/// Polls a connection until it ends, the client has been `silent` for too long, or it is cut. The connection is boxed,
/// as each future that it is handed through would have its size once more.
async fn until_it_ends<C>(
    mut connection: Pin<Box<C>>,
    drain: impl FnOnce(Pin<&mut C>),
    silent: impl Future<Output = ()>,
    orders: Orders,
) where
    C: Future<Output = hyper::Result<()>>,
{
    let ended = tokio::select! {
        biased;
        ended = connection.as_mut() => ended,
        () = orders.draining.cancelled() => {
            drain(connection.as_mut());
            tokio::select! {
                biased;
                ended = connection.as_mut() => ended,
                () = orders.cut.cancelled() => return,
            }
        }
        () = silent => return tracing::debug!("a client sent no request in time"),
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke off");
    }
}

/// Runs the streams of a connection where the drain waits for them.
#[derive(Clone)]
struct Tracked(TaskTracker);

impl<F> Executor<F> for Tracked
where
    F: Future<Output: Send> + Send + 'static,
{
    fn execute(&self, stream: F) {
        self.0.spawn(stream);
    }
}
