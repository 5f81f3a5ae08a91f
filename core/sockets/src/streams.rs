//! Streams of HTTP/2: each a task that the drain waits for, given up when its client takes nothing of its answer.
//!
//! Over HTTP/1.1 a client that takes nothing lets the socket stall. Over HTTP/2 it may read the socket well and give a
//! stream no window; then its answer's body is not asked for its next piece, and that is what is seen here.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::rt::Executor;
use sluice_upstream::tasks::Tasks;
use tokio::time::{Instant, Sleep, timeout};
use tokio_util::sync::CancellationToken;

/// How long what was cut has to tell its client so.
pub const CUT_FLUSH: Duration = Duration::from_secs(1);

/// Longest piece that is handed on at once, so that a slow client is seen to take some of a long one.
const PIECE: usize = 16 * 1024;

tokio::task_local! {
    static PACE: Arc<Pace>;
}

/// Runs the streams of a connection.
#[derive(Clone)]
pub struct Streams {
    tasks: Tasks,
    send_timeout: Duration,
    /// No wait any longer.
    cut: CancellationToken,
    running: Arc<Running>,
    /// When the first has to be there.
    first_due: Instant,
}

/// How many streams there are.
#[derive(Debug, Default)]
pub struct Running {
    now: AtomicU64,
    begun: AtomicU64,
}

impl Running {
    /// Those that have not ended.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.now.load(Relaxed)
    }

    /// All that there were.
    #[must_use]
    pub fn begun(&self) -> u64 {
        self.begun.load(Relaxed)
    }
}

impl Streams {
    /// Runs them as tasks; a client that takes nothing for so long is gone, and none is waited for any longer once they are cut.
    #[must_use]
    pub fn new(tasks: Tasks, send_timeout: Duration, cut: CancellationToken, first_due: Instant) -> Self {
        Self { tasks, send_timeout, cut, running: Arc::default(), first_due }
    }

    /// When the first has to be there.
    #[must_use]
    pub const fn first_due(&self) -> Instant {
        self.first_due
    }

    /// How many there are.
    #[must_use]
    pub fn running(&self) -> Arc<Running> {
        Arc::clone(&self.running)
    }
}

impl<F> Executor<F> for Streams
where
    F: Future<Output: Send> + Send + 'static,
{
    fn execute(&self, stream: F) {
        self.running.now.fetch_add(1, Relaxed);
        self.running.begun.fetch_add(1, Relaxed);
        let ended = Ended(Arc::clone(&self.running));
        let stream = run(stream, self.send_timeout, self.cut.clone());
        self.tasks.spawn(async move {
            let _ended = ended;
            stream.await;
        });
    }
}

/// Counts a stream off, whichever way it ends.
struct Ended(Arc<Running>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.now.fetch_sub(1, Relaxed);
    }
}

async fn run(stream: impl Future, send_timeout: Duration, cut: CancellationToken) {
    let pace = Arc::new(Pace::default());
    let mut stream = std::pin::pin!(PACE.scope(Arc::clone(&pace), stream));
    tokio::select! {
        biased;
        _ = stream.as_mut() => {}
        () = pace.stalled(send_timeout) => {
            tracing::debug!(seconds = send_timeout.as_secs_f32(), "a client took nothing of its stream");
        }
        () = cut.cancelled() => {
            // What it answers knows of the cut, and ends.
            let _ = timeout(CUT_FLUSH, stream).await;
        }
    }
}

/// How an answer's body is taken. All of it happens in its stream's task.
#[derive(Default)]
struct Pace {
    /// Whether the piece that was handed on last has not been taken yet.
    handed: AtomicBool,
    pieces: AtomicU64,
}

impl Pace {
    /// Waits until a piece has not been taken for so long.
    async fn stalled(&self, send_timeout: Duration) {
        let mut timer: Option<(u64, Pin<Box<Sleep>>)> = None;
        std::future::poll_fn(|cx| {
            if !self.handed.load(Relaxed) {
                timer = None;
                return Poll::Pending;
            }
            let piece = self.pieces.load(Relaxed);
            let (of, sleep) =
                timer.get_or_insert_with(|| (piece, Box::pin(tokio::time::sleep(send_timeout))));
            if *of != piece {
                *of = piece;
                sleep.as_mut().reset(Instant::now() + send_timeout);
            }
            sleep.as_mut().poll(cx)
        })
        .await;
    }
}

/// Lets the body of a stream's answer tell how it is taken; where there is no such stream it stays as it is.
pub fn paced<B>(body: B, as_one: impl FnOnce(Paced<B>) -> B) -> B {
    match PACE.try_with(Arc::clone) {
        Ok(pace) => as_one(Paced { body, rest: Bytes::new(), pace }),
        Err(_) => body,
    }
}

/// A body that tells how it is taken.
pub struct Paced<B> {
    body: B,
    rest: Bytes,
    pace: Arc<Pace>,
}

impl<B: Body<Data = Bytes> + Unpin> Body for Paced<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        self.pace.handed.store(false, Relaxed);
        if self.rest.is_empty() {
            match ready!(Pin::new(&mut self.body).poll_frame(cx)).map(|frame| frame.map(Frame::into_data)) {
                Some(Ok(Ok(data))) => self.rest = data,
                Some(Ok(Err(other))) => return Poll::Ready(Some(Ok(other))),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
        let length = self.rest.len().min(PIECE);
        let piece = self.rest.split_to(length);
        self.pace.handed.store(true, Relaxed);
        self.pace.pieces.fetch_add(1, Relaxed);
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        if self.rest.is_empty() { self.body.size_hint() } else { SizeHint::default() }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::Arc;
    use std::time::Duration;

    use bytes::Bytes;
    use futures_util::{Stream, StreamExt as _, stream};
    use http_body::{Body as _, Frame};
    use http_body_util::{BodyExt as _, Full, StreamBody};
    use tokio::time::timeout;

    use super::{PIECE, Pace, Paced};

    /// This many bytes, and then nothing for ever.
    fn unfinished(length: usize) -> StreamBody<impl Stream<Item = Result<Frame<Bytes>, Infallible>>> {
        let all = stream::iter([Ok(Frame::data(Bytes::from(vec![0; length])))]);
        StreamBody::new(all.chain(stream::pending()))
    }

    fn paced<B>(body: B) -> Paced<B> {
        Paced { body, rest: Bytes::new(), pace: Arc::new(Pace::default()) }
    }

    #[tokio::test]
    async fn a_body_passes_whole_in_pieces_and_its_last_one_is_its_end() {
        for length in [0, 1, PIECE, PIECE + 1, 5 * PIECE] {
            let whole: Bytes = (0..length).map(|at| (at % 251) as u8).collect();
            let mut body = paced(Full::new(whole.clone()));
            assert_eq!(body.size_hint().exact(), Some(length as u64));
            let mut came = Vec::new();
            while !body.is_end_stream() {
                let piece = body.frame().await.unwrap().unwrap().into_data().unwrap();
                assert!(piece.len() <= PIECE);
                came.extend_from_slice(&piece);
            }
            assert_eq!(came, whole);
        }
    }

    #[tokio::test]
    async fn a_client_is_waited_for_only_between_a_piece_and_the_next_question() {
        let frames = Duration::from_secs(20);
        let (short, awhile) = (Duration::from_millis(10), Duration::from_millis(200));
        let mut body = paced(unfinished(2 * PIECE));
        let pace = Arc::clone(&body.pace);
        assert!(timeout(awhile, pace.stalled(short)).await.is_err(), "nothing was handed on yet");
        let _ = body.frame().await;
        timeout(frames, pace.stalled(short)).await.unwrap();
        let _ = body.frame().await;
        assert!(timeout(short, body.frame()).await.is_err(), "there is no third one yet");
        assert!(timeout(awhile, pace.stalled(short)).await.is_err(), "the client has taken all there was");
    }
}
