//! What drives a connection: it reads and writes until that ends, and asks one that is silent whether it lives.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use futures_util::task::AtomicWaker;
use tokio::sync::watch;

use crate::dial::Io;
use crate::sifted::Sifted;
use crate::watched::{Read, Watched};

/// The half of a connection that reads and writes.
pub(super) type Driver = h2::client::Connection<Sifted<Watched<Box<dyn Io>>>, Bytes>;

/// How often it is looked at whether anything came. A question has as long to be answered.
pub(super) const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Looks in a row that find nothing, of a connection with requests on it, before it is asked whether it lives: so after
/// 15 to 20 s, and it is given up 5 s later.
const SILENT_MAX: u32 = 3;

/// What a connection's driver and those who use it know of each other.
pub(super) struct Life {
    pub(super) read: Read,
    /// Requests on it.
    pub(super) open: AtomicU32,
    pub(super) turns: Turns,
    closed: AtomicBool,
    /// Bytes read when it was last asked whether it lives, or a request was given up that had waited in silence, and one
    /// more; 0: it never came to that. Until more come nobody is put on it.
    doubted_at: AtomicU64,
    /// Set where the driver has not yet heard of the doubt.
    asks: AtomicBool,
    driver: AtomicWaker,
}

impl Life {
    pub(super) fn new(read: Read) -> Arc<Self> {
        Arc::new(Self {
            read,
            open: AtomicU32::new(0),
            turns: Turns::default(),
            closed: AtomicBool::new(false),
            doubted_at: AtomicU64::new(0),
            asks: AtomicBool::new(false),
            driver: AtomicWaker::new(),
        })
    }

    /// A request was given up that had waited in silence since so many bytes had been read: the connection is asked at
    /// once, and ends where it does not answer, whoever is on it.
    pub(super) fn doubt(&self, since: u64) {
        self.distrust(since);
        self.asks.store(true, Ordering::Release);
        self.driver.wake();
    }

    fn distrust(&self, since: u64) {
        self.doubted_at.store(since + 1, Ordering::Relaxed);
    }

    /// Whether it is doubtful that it lives: nothing has come since.
    pub(super) fn is_doubtful(&self) -> bool {
        self.doubted_at.load(Ordering::Relaxed) == self.read.bytes() + 1
    }

    pub(super) fn has_ended(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }
}

/// Counts the driver's turns, each when it begins and when it ends. Where a whole one has gone by, it has written all that
/// the other side lets it write.
#[derive(Default)]
pub(super) struct Turns(AtomicU64);

impl Turns {
    pub(super) fn count(&self) {
        self.0.fetch_add(1, Ordering::AcqRel);
    }

    /// The end of the next turn to begin.
    pub(super) fn next(&self) -> u64 {
        self.0.load(Ordering::Acquire).next_multiple_of(2) + 2
    }

    /// Whether that was reached.
    pub(super) fn reached(&self, end: u64) -> bool {
        self.0.load(Ordering::Acquire) >= end
    }
}

/// What there is to do.
enum Event {
    Ended,
    Doubted,
    Look,
}

/// Reads and writes until the connection ends; tells when the server has allowed requests.
pub(super) async fn drive(
    mut driver: Driver,
    life: Arc<Life>,
    allowed: watch::Sender<bool>,
    look_every: Duration,
) {
    let mut pings = driver.ping_pong();
    let mut ask = || {
        let Some(pings) = &mut pings else { return };
        // One question at a time: an older one that is still open will do.
        let mut nobody = Context::from_waker(Waker::noop());
        let _ = pings.poll_pong(&mut nobody);
        let _ = pings.send_ping(h2::Ping::opaque());
    };
    let mut told = false;
    let mut pulse = Pulse::default();
    let mut timer = std::pin::pin!(tokio::time::sleep(look_every));
    loop {
        let event = std::future::poll_fn(|cx| {
            life.driver.register(cx.waker());
            life.turns.count();
            let ended = Pin::new(&mut driver).poll(cx).is_ready();
            life.turns.count();
            if !told && driver.max_concurrent_send_streams() > 0 {
                told = true;
                let _ = allowed.send(true);
            }
            if ended {
                return Poll::Ready(Event::Ended);
            }
            if life.asks.load(Ordering::Relaxed) && life.asks.swap(false, Ordering::Acquire) {
                return Poll::Ready(Event::Doubted);
            }
            timer.as_mut().poll(cx).map(|()| Event::Look)
        })
        .await;
        let bytes = life.read.bytes();
        let next = match event {
            Event::Ended => Next::End,
            Event::Doubted if life.is_doubtful() => pulse.doubt(bytes),
            Event::Doubted => continue,
            Event::Look => pulse.look(bytes, life.open.load(Ordering::Acquire) > 0),
        };
        match next {
            Next::Wait => {}
            Next::Ask => {
                life.distrust(bytes);
                ask();
            }
            // What is on it ends with it.
            Next::End => return life.closed.store(true, Ordering::Release),
        }
        timer.as_mut().reset(tokio::time::Instant::now() + look_every);
    }
}

/// Whether a connection lives, by what had come of it at each look.
#[derive(Default)]
struct Pulse {
    heard: u64,
    /// Looks that found nothing; from [`SILENT_MAX`] on it has been asked.
    silent: u32,
}

#[derive(Debug, PartialEq, Eq)]
enum Next {
    Wait,
    Ask,
    End,
}

impl Pulse {
    fn look(&mut self, bytes: u64, busy: bool) -> Next {
        if bytes != self.heard {
            (self.heard, self.silent) = (bytes, 0);
            return Next::Wait;
        }
        if self.silent >= SILENT_MAX {
            return Next::End;
        }
        self.silent = if busy { self.silent + 1 } else { 0 };
        if self.silent == SILENT_MAX { Next::Ask } else { Next::Wait }
    }

    /// It is asked at once, and answers within one look.
    fn doubt(&mut self, bytes: u64) -> Next {
        (self.heard, self.silent) = (bytes, SILENT_MAX);
        Next::Ask
    }
}

#[cfg(test)]
mod tests {
    use super::{Next, Pulse};

    /// Looks in turn, each with the bytes that had come by then and whether requests are on the connection.
    fn check(looks: &[(u64, bool, Next)]) {
        let mut pulse = Pulse::default();
        for (turn, (bytes, busy, next)) in looks.iter().enumerate() {
            assert_eq!(pulse.look(*bytes, *busy), *next, "look {turn}");
        }
    }

    #[test]
    fn a_connection_with_requests_that_is_silent_is_asked_and_then_given_up() {
        let expected = [Next::Wait, Next::Wait, Next::Wait, Next::Ask, Next::End];
        check(&expected.map(|next| (7, true, next)));
    }

    #[test]
    fn one_that_answers_or_carries_nothing_is_kept() {
        check(&[
            (0, true, Next::Wait),
            (0, true, Next::Wait),
            (0, true, Next::Ask),
            (17, true, Next::Wait),
            (17, true, Next::Wait),
            (17, true, Next::Wait),
            (17, true, Next::Ask),
            (34, false, Next::Wait),
        ]);
        check(&[
            (9, false, Next::Wait),
            (9, false, Next::Wait),
            (9, false, Next::Wait),
            (9, false, Next::Wait),
        ]);
    }

    #[test]
    fn one_that_is_doubted_is_given_up_at_the_next_look_also_where_nobody_is_on_it() {
        let mut pulse = Pulse::default();
        assert_eq!((pulse.doubt(5), pulse.look(5, false)), (Next::Ask, Next::End));
        let mut pulse = Pulse::default();
        assert_eq!((pulse.doubt(5), pulse.look(22, false)), (Next::Ask, Next::Wait));
    }
}
