//! HTTP/1.1 and HTTP/2 on one connection, until it ends by itself, is drained, or is cut.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use sluice_upstream::gate::Gate;
use sluice_upstream::sifted::Sifted;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::entrance::Entrance;
use sluice_sockets::opening::Opened;
use sluice_sockets::socket::Watch;
use sluice_sockets::streams::{CUT_FLUSH, Streams};
use sluice_sockets::waiting::{Arrivals, HeadTimer, IDLE, LOOK_EVERY, Rest};

/// Longest head of a request, and most that is buffered of what a client sends ahead.
const HEAD_MAX: usize = 64 * 1024;

/// Header lines that a request may have.
const HEADERS_MAX: usize = 100;

/// Streams at once on one HTTP/2 connection.
const STREAMS_MAX: u32 = 250;

/// How often a client of HTTP/2 is asked whether it is still there; it stays connected as long as it answers.
const PING_EVERY: Duration = Duration::from_secs(30);

/// Bodies on one HTTP/2 connection of which more was on its way than was read. Frames of theirs that come late are
/// each an error to the library, or bytes that nobody reads, which it counts over the whole life of a connection and
/// then ends it with all that is on it. So after so many a connection is drained, and its client goes on with a fresh
/// one. What still ends it are some thousand late frames of less than 256 bytes with no new request between them: the
/// library has a setting for their number, and hyper none.
const UNREAD_MAX: u32 = 1_000;

/// Late frames after which the library ends a connection: more than honest clients have on their way for
/// [`UNREAD_MAX`] bodies.
const LATE_FRAMES_MAX: usize = 1 << 20;

/// What ends a connection, beside itself.
///
/// `draining` is the connection's own child token: a select looks at its token on every poll, under a lock of the
/// token, and one lock for all connections would have all threads wait for each other. Cancelled for itself, it drains
/// this connection alone.
pub(crate) struct Ends {
    /// Its client has left.
    pub(crate) watch: Watch,
    pub(crate) draining: CancellationToken,
    /// No wait any longer: what runs knows, tells its client, and ends. The connection's own child token too.
    pub(crate) cut: CancellationToken,
}

/// Serves HTTP/1.1.
pub(crate) async fn serve_http1<S>(stream: Opened<S>, entrance: Entrance, arrivals: Arc<Arrivals>, ends: Ends)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let unread = Arc::clone(&entrance.unread);
    let rest = Rest::new(Arc::clone(&entrance.places));
    let entrance = Arc::new(entrance);
    let service = service_fn(move |request| Arc::clone(&entrance).take(request));
    let connection = http1::Builder::new()
        .timer(HeadTimer::new(arrivals, rest))
        // The time itself is the timer's.
        .header_read_timeout(IDLE)
        .max_buf_size(HEAD_MAX)
        .max_headers(HEADERS_MAX)
        // The watch tells that a client has left. One that only ends its side of TLS may wait for its answer.
        .half_close(true)
        .pipeline_flush(false)
        .serve_connection(TokioIo::new(stream), service);
    let patient = std::future::pending();
    let drain = |connection: Pin<&mut http1::Connection<_, _>>| connection.graceful_shutdown();
    let ended = until_it_ends(Box::pin(connection), drain, patient, &ends).await;
    // A head that can't be parsed is answered by the library itself, whatever comes behind it.
    if unread.count() > 0 || ended.is_err_and(|error| error.is_parse()) {
        tokio::select! {
            () = ends.watch.linger() => {}
            () = ends.cut.cancelled() => {}
        }
    }
}

/// Serves HTTP/2.
pub(crate) async fn serve_http2<S>(stream: Opened<S>, entrance: Entrance, streams: Streams, ends: Ends)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (running, first_due) = (streams.running(), streams.first_due());
    let (unread, places) = (Arc::clone(&entrance.unread), Arc::clone(&entrance.places));
    let entrance = Arc::new(entrance);
    let draining = ends.draining.clone();
    let stream = Sifted::of_client(stream);
    let frames = stream.frames();
    let service = service_fn(move |request| {
        let is_over = match unread.count() {
            0 => frames.is_over(),
            count => count >= UNREAD_MAX || frames.is_over_for_unread(),
        };
        if is_over {
            draining.cancel();
        }
        Arc::clone(&entrance).take(request)
    });
    let connection = http2::Builder::new(streams)
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS_MAX)
        .max_header_list_size(HEAD_MAX as u32)
        .max_pending_accept_reset_streams(STREAMS_MAX as usize)
        .max_local_error_reset_streams(LATE_FRAMES_MAX)
        .keep_alive_interval(Some(PING_EVERY))
        .serve_connection(TokioIo::new(stream), service);
    let draining = ends.draining.clone();
    let silent = async {
        tokio::time::sleep_until(first_due).await;
        if running.begun() == 0 {
            return;
        }
        // A client's pool would keep a connection for ever that does nothing.
        loop {
            let before = running.begun();
            tokio::time::sleep(LOOK_EVERY).await;
            if places.are_few() && running.now() == 0 && running.begun() == before {
                draining.cancel();
            }
        }
    };
    let drain = |connection: Pin<&mut http2::Connection<_, _, _>>| connection.graceful_shutdown();
    let _ = until_it_ends(Box::pin(connection), drain, silent, &ends).await;
}

/// A connection whose requests' bodies wake it for nothing when they end: then it keeps still.
struct Gated<C> {
    connection: Pin<Box<C>>,
    gate: Gate,
}

impl<C: Future> Future for Gated<C> {
    type Output = C::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<C::Output> {
        let Self { connection, gate } = &mut *self;
        gate.poll(connection.as_mut(), cx)
    }
}

/// Polls a connection until it ends, its client has left or been `silent` for too long, or it is cut. The connection is
/// boxed, as each future that it is handed through would have its size once more.
///
/// # Errors
///
/// That which it has ended in by itself.
async fn until_it_ends<C>(
    connection: Pin<Box<C>>,
    drain: impl FnOnce(Pin<&mut C>),
    silent: impl Future<Output = ()>,
    ends: &Ends,
) -> hyper::Result<()>
where
    C: Future<Output = hyper::Result<()>>,
{
    let left = || {
        tracing::debug!("a client left");
        Ok(())
    };
    let mut connection = Gated { connection, gate: Gate::default() };
    let ended = tokio::select! {
        biased;
        ended = &mut connection => ended,
        () = ends.watch.closed() => return left(),
        () = ends.draining.cancelled() => {
            drain(connection.connection.as_mut());
            tokio::select! {
                biased;
                ended = &mut connection => ended,
                () = ends.watch.closed() => return left(),
                () = ends.cut.cancelled() => {
                    let _ = timeout(CUT_FLUSH, connection).await;
                    return Ok(());
                }
            }
        }
        () = silent => {
            tracing::debug!("a client sent no request in time");
            return Ok(());
        }
    };
    ended.inspect_err(|error| tracing::debug!(%error, "a connection broke off"))
}
