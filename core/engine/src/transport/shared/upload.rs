//! A request's body on its way up, as far as the server's windows let it.
//!
//! All bodies of a connection share one window, which a server opens again as it reads: one that does not read a request
//! would hold up the bodies of all others. So a connection with a body on its way gets no further requests.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use h2::SendStream;
use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::tasks::Tasks;

/// Bodies up to this size go beside others: several fit the smallest window that servers have, 64 kB.
const SMALL_MAX: usize = 16 * 1024;

/// How long a small body may wait before others are kept away: longer than a connection takes to open a stream, so that
/// a burst stays together.
const WAIT_MAX: Duration = Duration::from_millis(20);

/// The bodies of a connection that are on their way.
#[derive(Clone, Debug, Default)]
pub(super) struct Uploads(Arc<Mutex<Counts>>);

#[derive(Debug, Default)]
struct Counts {
    large: u32,
    waiting: u32,
    /// Since when one has been waiting.
    since: Option<Instant>,
}

/// A body's part in its connection's window: held while it is on its way.
pub(super) struct Claim {
    uploads: Uploads,
    large: bool,
    waits: bool,
}

impl Claim {
    /// For a body of so many bytes; `None` where a large one is on its way, or any has waited for long.
    pub(super) fn before(uploads: &Uploads, body: usize, now: Instant) -> Option<Self> {
        let large = Self::is_alone(body);
        let mut counts = uploads.0.lock();
        let stuck = counts.since.is_some_and(|since| large || now.duration_since(since) > WAIT_MAX);
        if counts.large > 0 || stuck {
            return None;
        }
        counts.large += u32::from(large);
        Some(Self { uploads: uploads.clone(), large, waits: false })
    }

    /// Whether a body of so many bytes goes up beside no other.
    pub(super) fn is_alone(body: usize) -> bool {
        body > SMALL_MAX
    }

    /// The body has to wait, as it never does for long where the window is open.
    fn waits(&mut self, now: Instant) {
        if !std::mem::replace(&mut self.waits, true) {
            let mut counts = self.uploads.0.lock();
            counts.waiting += 1;
            counts.since.get_or_insert(now);
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let mut counts = self.uploads.0.lock();
        counts.large -= u32::from(self.large);
        counts.waiting -= u32::from(self.waits);
        if counts.waiting == 0 {
            counts.since = None;
        }
    }
}

/// What is still to be sent.
pub(super) struct Upload {
    stream: SendStream<Bytes>,
    left: Bytes,
    /// `None` when all of it is up, or none of it is wanted any more.
    claim: Option<Claim>,
}

/// The same beside its answer, which may be read slowly. It ends with this.
pub(super) struct Beside {
    done: Arc<AtomicBool>,
    _answer: oneshot::Sender<()>,
}

impl Upload {
    /// A body without a byte went with the head.
    pub(super) fn new(mut stream: SendStream<Bytes>, body: Bytes, claim: Option<Claim>) -> Self {
        stream.reserve_capacity(body.len());
        let claim = claim.filter(|_| !body.is_empty());
        Self { stream, left: body, claim }
    }

    /// Sends what there is room for; ready when there is nothing more to send. What goes wrong is told by the answer.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while let Some(claim) = &mut self.claim {
            let room = match self.stream.poll_capacity(cx) {
                Poll::Ready(Some(Ok(0))) => continue,
                Poll::Ready(Some(Ok(room))) => room,
                Poll::Ready(_) => {
                    self.claim = None;
                    break;
                }
                Poll::Pending => {
                    claim.waits(Instant::now());
                    return Poll::Pending;
                }
            };
            let piece = self.left.split_to(room.min(self.left.len()));
            let last = self.left.is_empty();
            if self.stream.send_data(piece, last).is_err() || last {
                self.claim = None;
            }
        }
        Poll::Ready(())
    }

    /// What is left of it once the head of the answer is there goes on by itself; `None` where nothing is left.
    pub(super) fn beside(mut self) -> Option<Beside> {
        self.claim.as_ref()?;
        let (answer, over) = oneshot::channel();
        let done = Arc::new(AtomicBool::new(false));
        let beside = Beside { done: Arc::clone(&done), _answer: answer };
        Tasks::upkeep(async move {
            tokio::select! {
                () = std::future::poll_fn(|cx| self.poll(cx)) => done.store(true, Ordering::Release),
                _ = over => {}
            }
        });
        Some(beside)
    }
}

impl Beside {
    /// Whether there is nothing more to send.
    pub(super) fn is_done(&self) -> bool {
        self.done.load(Ordering::Acquire)
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{Claim, SMALL_MAX, Uploads, WAIT_MAX};

    #[test]
    fn a_large_body_goes_up_alone_and_a_small_one_that_waits_for_long_lets_nobody_beside_it() {
        let (uploads, now) = (Uploads::default(), Instant::now());
        let later = now + WAIT_MAX + Duration::from_millis(1);
        let claim = |body, now| Claim::before(&uploads, body, now);
        let large = claim(SMALL_MAX + 1, now).unwrap();
        assert!(claim(1, now).is_none() && claim(SMALL_MAX + 1, now).is_none());
        drop(large);
        let (mut waits, other) = (claim(SMALL_MAX, now).unwrap(), claim(1, later).unwrap());
        waits.waits(now);
        waits.waits(later);
        assert!(claim(SMALL_MAX + 1, now).is_none());
        assert!(claim(1, now).is_some() && claim(1, later).is_none());
        drop(waits);
        drop(other);
        assert!(claim(SMALL_MAX + 1, later).is_some());
    }
}
