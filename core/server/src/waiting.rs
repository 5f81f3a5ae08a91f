//! How long a client of HTTP/1.1 may take: for a head that it has begun, and between two requests.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::rt::Timer;
use parking_lot::Mutex;
use tokio::time::{Instant, Sleep};

/// How long a connection may rest between two requests: longer than the 90 s after which the pools of Go's and Rust's
/// clients close one themselves, so that no request meets a connection that is being closed here.
pub(crate) const IDLE: Duration = Duration::from_secs(120);

/// What is known of the bytes that a connection sends; shared by its stream, which tells, and its timer, which asks.
#[derive(Debug)]
pub(crate) struct Arrivals {
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
    pub(crate) fn new(head_timeout: Duration, first_due: Instant) -> Self {
        Self {
            head_timeout,
            first_due,
            first_awaited: AtomicBool::new(false),
            arrived: AtomicBool::new(false),
            alarm: Mutex::new(Box::pin(tokio::time::sleep_until(first_due))),
        }
    }

    /// Bytes came.
    pub(crate) fn tell(&self) {
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
#[derive(Debug)]
pub(crate) struct HeadTimer {
    arrivals: Arc<Arrivals>,
    idle: Duration,
}

impl HeadTimer {
    pub(crate) fn new(arrivals: Arc<Arrivals>, idle: Duration) -> Self {
        Self { arrivals, idle }
    }
}

impl Timer for HeadTimer {
    fn sleep(&self, _duration: Duration) -> Pin<Box<dyn hyper::rt::Sleep>> {
        let arrivals = Arc::clone(&self.arrivals);
        arrivals.arrived.store(false, Relaxed);
        let wait = match arrivals.first_awaited.swap(true, Relaxed) {
            false => Wait { due: arrivals.first_due, begun: true, arrivals },
            true => Wait { due: Instant::now() + self.idle, begun: false, arrivals },
        };
        Box::pin(wait)
    }

    /// The deadline is not looked at: how long to wait is known here.
    fn sleep_until(&self, _deadline: std::time::Instant) -> Pin<Box<dyn hyper::rt::Sleep>> {
        self.sleep(Duration::ZERO)
    }
}

/// The wait for one head.
struct Wait {
    arrivals: Arc<Arrivals>,
    due: Instant,
    begun: bool,
}

impl hyper::rt::Sleep for Wait {}

impl Future for Wait {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if !self.begun && self.arrivals.arrived.load(Relaxed) {
            self.begun = true;
            self.due = Instant::now() + self.arrivals.head_timeout;
        }
        let due = self.due;
        let mut alarm = self.arrivals.alarm.lock();
        if due < alarm.deadline() {
            alarm.as_mut().reset(due);
        }
        loop {
            ready!(alarm.as_mut().poll(cx));
            if due <= Instant::now() {
                return Poll::Ready(());
            }
            alarm.as_mut().reset(due);
        }
    }
}
