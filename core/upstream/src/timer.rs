//! Time-outs that cost nothing where nothing is waited for.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::Instant;

/// What a future comes to, or `None` when the time is over before. Most futures here are ready when they are first
/// asked; a timer is made only for one that is not.
///
/// The future is the caller's, pinned there: one that is handed on by value stands in each future around it once more,
/// and those of requests are copied and kept by the thousand.
pub async fn in_time<F: Future + ?Sized>(deadline: Instant, mut future: Pin<&mut F>) -> Option<F::Output> {
    if let Poll::Ready(done) = poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await {
        return Some(done);
    }
    tokio::time::timeout_at(deadline.into(), future).await.ok()
}
