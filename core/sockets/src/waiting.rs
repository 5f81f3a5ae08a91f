//! How long a client of HTTP/1.1 may take: for a head that it has begun, and between two requests.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::rt::Timer;
use parking_lot::Mutex;
use tokio::time::{Instant, Sleep};

use crate::places::Places;

/// How long a connection may rest between two requests: longer than the 90 s after which the pools of Go's and Rust's
/// clients close one themselves, so that no request meets a connection that is being closed here.
pub const IDLE: Duration = Duration::from_secs(120);

/// How long it may rest where few places are left: others need them more.
const IDLE_SHORT: Duration = Duration::from_secs(10);

/// How often a connection that rests looks whether places are few.
pub const LOOK_EVERY: Duration = Duration::from_secs(10);

/// How long connections may rest between two requests.
#[derive(Clone)]
pub struct Rest(Arc<Places>);

impl Rest {
    /// By how many places are left.
    #[must_use]
    pub fn new(places: Arc<Places>) -> Self {
        Self(places)
    }

    fn longest(&self) -> Duration {
        if self.0.are_few() { IDLE_SHORT } else { IDLE }
    }
}

/// What is known of the bytes that a connection sends; shared by its stream, which tells, and its timer, which asks.
#[derive(Debug)]
pub struct Arrivals {
    head_timeout: Duration,
    /// When the first head has to be there.
    first_due: Instant,
    first_awaited: AtomicBool,
    /// Whether bytes came since a head is awaited.
    arrived: AtomicBool,
    /// One for the whole life of a connection: armed once, and moved when it rings or has to ring sooner, so that
    /// most requests never touch the runtime's timers.
    alarm: Mutex<Pin<Box<Sleep>>>,
}

impl Arrivals {
    /// With these times.
    #[must_use]
    pub fn new(head_timeout: Duration, first_due: Instant) -> Self {
        Self {
            head_timeout,
            first_due,
            first_awaited: AtomicBool::new(false),
            arrived: AtomicBool::new(false),
            alarm: Mutex::new(Box::pin(tokio::time::sleep_until(first_due))),
        }
    }

    /// Bytes came.
    pub fn tell(&self) {
        self.arrived.store(true, Relaxed);
    }
}

/// hyper's timer for heads.
///
/// hyper has one time-out for a head, which it also starts when an answer is done: with `server.header_timeout` it
/// would close every idle connection after that. It asks its timer for a sleep when it begins to wait, polls that only
/// while the head is not whole, and drops it when it is. So the sleep given here knows the two apart: it is long until
/// bytes come, and `server.header_timeout` from then on.
///
/// Known limit: of a head that a client begins while an earlier request is still answered, the bytes read then do not
/// count as a beginning; it has [`IDLE`] to come.
pub struct HeadTimer {
    arrivals: Arc<Arrivals>,
    rest: Rest,
}

impl HeadTimer {
    /// Of this connection.
    #[must_use]
    pub fn new(arrivals: Arc<Arrivals>, rest: Rest) -> Self {
        Self { arrivals, rest }
    }
}

impl Timer for HeadTimer {
    fn sleep(&self, _duration: Duration) -> Pin<Box<dyn hyper::rt::Sleep>> {
        let arrivals = Arc::clone(&self.arrivals);
        arrivals.arrived.store(false, Relaxed);
        let first = !arrivals.first_awaited.swap(true, Relaxed);
        let head = first.then_some(arrivals.first_due);
        Box::pin(Wait { head, since: Instant::now(), rest: self.rest.clone(), arrivals })
    }

    /// The deadline is not looked at: how long to wait is known here.
    fn sleep_until(&self, _deadline: std::time::Instant) -> Pin<Box<dyn hyper::rt::Sleep>> {
        self.sleep(Duration::ZERO)
    }
}

/// The wait for one head.
struct Wait {
    arrivals: Arc<Arrivals>,
    rest: Rest,
    since: Instant,
    /// When the head has to be there, once it has begun.
    head: Option<Instant>,
}

impl Wait {
    /// When the wait is over, as far as is known now.
    fn due(&mut self) -> Instant {
        if self.head.is_none() && self.arrivals.arrived.load(Relaxed) {
            self.head = Some(Instant::now() + self.arrivals.head_timeout);
        }
        self.head.unwrap_or_else(|| self.since + self.rest.longest())
    }
}

impl hyper::rt::Sleep for Wait {}

impl Future for Wait {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let due = self.due();
        let mut alarm = self.arrivals.alarm.lock();
        if due < alarm.deadline() {
            alarm.as_mut().reset(due);
        }
        loop {
            ready!(alarm.as_mut().poll(cx));
            let now = Instant::now();
            if due <= now {
                return Poll::Ready(());
            }
            // How long it may rest can become less while it does.
            alarm.as_mut().reset(due.min(now + LOOK_EVERY));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use tokio::time::Instant;

    use super::{Arrivals, IDLE, IDLE_SHORT, Rest, Wait};
    use crate::places::Places;

    #[tokio::test]
    async fn a_connection_rests_long_unless_places_are_few_and_a_head_has_its_own_time() {
        const HEAD: Duration = Duration::from_secs(7);
        let places = Places::new(8);
        let since = Instant::now();
        let arrivals = Arc::new(Arrivals::new(HEAD, since));
        let rest = Rest::new(Arc::clone(&places));
        let mut wait = Wait { arrivals: Arc::clone(&arrivals), rest, since, head: None };
        assert_eq!(wait.due(), since + IDLE);
        let held: Vec<_> = std::iter::repeat_with(|| places.free()).take(8).collect();
        let held = futures_util::future::join_all(held).await;
        assert_eq!(wait.due(), since + IDLE_SHORT);
        drop(held);
        assert_eq!(wait.due(), since + IDLE);
        arrivals.tell();
        let due = wait.due();
        assert!(due >= since + HEAD && due < since + IDLE);
        assert_eq!(wait.due(), due, "it begins once");
    }
}
