//! The end of the grace: what still runs then ends, and its client is told why.

use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use sluice_api::error::{Error, Kind};

use crate::gateway::Gateway;

/// What a client is told to wait when how long can't be known.
const SOON: Duration = Duration::from_secs(1);

/// What a client is told whose request was cut.
pub(crate) fn error() -> Error {
    let message = "the gateway was stopped before this answer was complete: send the request again";
    Error::new(Kind::Overloaded, message).retry_after(SOON)
}

/// What a future comes to, or `None` when the gateway cuts what runs. Whoever cuts sees that it is polled then.
pub(crate) async fn unless_cut<T>(
    gateway: &Gateway,
    mut future: Pin<&mut impl Future<Output = T>>,
) -> Option<T> {
    std::future::poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Pending if gateway.is_cutting() => Poll::Ready(None),
        other => other.map(Some),
    })
    .await
}
