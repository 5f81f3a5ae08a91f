//! Time-outs that cost nothing where nothing is waited for.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Instant;

/// What a future comes to, or `None` when the time is over before. Most futures here are ready when they are first
/// asked; a timer is made only for one that is not.
pub(crate) async fn in_time<T>(deadline: Instant, future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    if let Poll::Ready(done) = poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await {
        return Some(done);
    }
    tokio::time::timeout_at(deadline.into(), future).await.ok()
}
