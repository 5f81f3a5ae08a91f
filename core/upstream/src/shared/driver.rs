//! What drives a connection: it reads and writes until that ends, and asks one that is silent whether it lives.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures_util::task::AtomicWaker;
use tokio::sync::watch;

use super::upload::Piece;
use crate::reading::Io;
use crate::sifted::Sifted;
use crate::watched::{Read, Watched};

/// The half of a connection that reads and writes.
pub(super) type Driver = h2::client::Connection<Sifted<Watched<Box<dyn Io>>>, Piece>;

/// How often it is looked at whether anything came.
pub(super) const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Looks in a row that find nothing, of a connection with requests on it, before it is asked whether it lives, and left
/// out until it answers: so after 1 to 2 s.
const ASKED_AFTER: u32 = 2;

/// Looks from one question to the next where requests were put on it meanwhile, and where none was: some servers end
/// connections on which they are asked all the time. Whoever waits for long is no reason to ask often.
const APART: u32 = 5;
const APART_WITHOUT: u32 = 15;

/// Looks in a row that find nothing before it is given up: a server may be busy for a while, and so may a network.
const GIVEN_UP_AFTER: u32 = 20;

/// Looks within which an answer must come at least; and at most where a request was given up that had waited in silence.
const ANSWERED_WITHIN: u32 = 5;

/// What a connection's driver and those who use it know of each other.
pub(super) struct Life {
    pub(super) read: Read,
    /// Requests on it.
    pub(super) open: AtomicU32,
    /// Requests that were ever put on it.
    pub(super) carried: AtomicU32,
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
            carried: AtomicU32::new(0),
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
            let ended = Pin::new(&mut driver).poll(cx).is_ready();
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
        let (bytes, carried) = (life.read.bytes(), life.carried.load(Ordering::Relaxed));
        let next = match event {
            Event::Ended => Next::End,
            Event::Doubted => {
                if life.is_doubtful() {
                    pulse.doubt(bytes, carried);
                    ask();
                }
                // The next look comes when it was due: doubts that follow one another do not put it off.
                continue;
            }
            Event::Look => pulse.look(bytes, carried, life.open.load(Ordering::Acquire) > 0),
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
struct Pulse {
    heard: u64,
    /// Looks that found nothing, while requests were on it.
    silent: u32,
    /// Looks since it was last asked.
    asked: u32,
    /// Requests that it had carried by then.
    carried: u32,
    /// Looks for which it may leave the question open that it was asked.
    left: Option<u32>,
}

#[derive(Debug, PartialEq, Eq)]
enum Next {
    Wait,
    Ask,
    End,
}

impl Pulse {
    fn look(&mut self, bytes: u64, carried: u32, busy: bool) -> Next {
        self.asked = self.asked.saturating_add(1);
        if bytes != self.heard {
            (self.heard, self.silent, self.left) = (bytes, 0, None);
            return Next::Wait;
        }
        if let Some(left) = &mut self.left {
            *left = left.saturating_sub(1);
            return if *left == 0 { Next::End } else { Next::Wait };
        }
        self.silent = if busy { self.silent + 1 } else { 0 };
        let apart = if carried == self.carried { APART_WITHOUT } else { APART };
        if self.silent < ASKED_AFTER || self.asked < apart {
            return Next::Wait;
        }
        (self.asked, self.carried) = (0, carried);
        self.left = Some(GIVEN_UP_AFTER.saturating_sub(self.silent).max(ANSWERED_WITHIN));
        Next::Ask
    }

    /// It is asked at once, and has less time to answer; none the more where a question is open already, by which it is
    /// to be given up sooner.
    fn doubt(&mut self, bytes: u64, carried: u32) {
        let open = self.left.filter(|_| bytes == self.heard);
        let left = open.map_or(ANSWERED_WITHIN, |left| left.min(ANSWERED_WITHIN));
        *self = Self { heard: bytes, silent: 0, asked: 0, carried, left: Some(left) };
    }
}

impl Default for Pulse {
    /// Of a connection that was never asked.
    fn default() -> Self {
        Self { heard: 0, silent: 0, asked: u32::MAX, carried: 0, left: None }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use tokio::sync::watch;

    use super::{
        ANSWERED_WITHIN, APART, APART_WITHOUT, ASKED_AFTER, GIVEN_UP_AFTER, LOOK_EVERY, Life, Next, Pulse,
        drive,
    };
    use crate::reading::Io;
    use crate::shared::upload::Piece;
    use crate::sifted::Sifted;
    use crate::watched::Watched;

    /// So many looks that find nothing, while requests are on it; at which of them it is asked, and given up.
    fn silence(pulse: &mut Pulse, carried: impl Fn(u32) -> u32) -> (Vec<u32>, Option<u32>) {
        let (mut asked, heard) = (Vec::new(), pulse.heard);
        for look in 1..100 {
            match pulse.look(heard, carried(look), true) {
                Next::Wait => {}
                Next::Ask => asked.push(look),
                Next::End => return (asked, Some(look)),
            }
        }
        (asked, None)
    }

    #[test]
    fn a_connection_with_requests_that_is_silent_is_asked_soon_and_given_up_late() {
        assert!(LOOK_EVERY * ASKED_AFTER <= Duration::from_secs(2));
        assert_eq!(LOOK_EVERY * GIVEN_UP_AFTER, Duration::from_secs(20));
        let mut pulse = Pulse::default();
        pulse.look(7, 1, true);
        assert_eq!(silence(&mut pulse, |_| 1), (vec![ASKED_AFTER], Some(GIVEN_UP_AFTER)));
    }

    /// A server that answers each question and says nothing else: looks at which it is asked.
    fn questions(carried: impl Fn(u32) -> u32) -> Vec<u32> {
        let (mut pulse, mut bytes, mut asked) = (Pulse::default(), 7, Vec::new());
        for look in 0..100 {
            if pulse.look(bytes, carried(look), true) == Next::Ask {
                asked.push(look);
                bytes += 17;
            }
        }
        asked
    }

    #[test]
    fn it_is_asked_again_now_and_then_and_sooner_where_requests_come() {
        let apart = |asked: Vec<u32>| {
            let gaps: Vec<u32> = asked.windows(2).map(|pair| pair[1] - pair[0]).collect();
            assert!(gaps.len() > 3 && gaps.iter().all(|gap| *gap == gaps[0]), "{gaps:?}");
            gaps[0]
        };
        assert_eq!(apart(questions(|_| 1)), APART_WITHOUT);
        assert_eq!(apart(questions(|look| look)), APART);
        // One that was asked a while ago falls silent as a request comes.
        let mut pulse = Pulse { heard: 24, silent: 0, asked: APART - 1, carried: 1, left: None };
        assert_eq!(silence(&mut pulse, |_| 2).0, [ASKED_AFTER]);
        let mut pulse = Pulse { heard: 24, silent: 0, asked: 0, carried: 1, left: None };
        assert_eq!(silence(&mut pulse, |_| 1), (vec![APART_WITHOUT], Some(GIVEN_UP_AFTER)));
    }

    #[test]
    fn one_on_which_frames_flow_or_that_carries_nothing_is_not_asked() {
        let mut pulse = Pulse::default();
        for look in 0..100 {
            assert_eq!(pulse.look(1 + look / u64::from(ASKED_AFTER), 1, true), Next::Wait);
        }
        for _ in 0..100 {
            assert_eq!(pulse.look(99, 1, false), Next::Wait);
        }
    }

    #[test]
    fn one_that_is_doubted_is_given_up_soon_also_where_nobody_is_on_it() {
        let mut pulse = Pulse::default();
        pulse.doubt(5, 1);
        let looks: Vec<Next> = (0..ANSWERED_WITHIN).map(|_| pulse.look(5, 1, false)).collect();
        assert_eq!(looks.iter().position(|next| *next == Next::End), Some(ANSWERED_WITHIN as usize - 1));
        let mut pulse = Pulse::default();
        pulse.doubt(5, 1);
        assert_eq!((pulse.look(22, 1, false), pulse.left), (Next::Wait, None));
    }

    #[test]
    fn however_often_one_is_doubted_it_has_the_time_of_the_first_doubt() {
        let mut pulse = Pulse::default();
        for look in 1..ANSWERED_WITHIN {
            pulse.doubt(5, 1);
            assert_eq!(pulse.look(5, 1, true), Next::Wait, "{look}");
        }
        pulse.doubt(5, 1);
        assert_eq!(pulse.look(5, 1, true), Next::End);
        // An answer that no look has seen yet is one.
        let mut pulse = Pulse { heard: 5, silent: 0, asked: 0, carried: 1, left: Some(1) };
        pulse.doubt(22, 1);
        assert_eq!(pulse.left, Some(ANSWERED_WITHIN));
        let mut pulse = Pulse { heard: 5, silent: 0, asked: 0, carried: 1, left: Some(GIVEN_UP_AFTER) };
        pulse.doubt(5, 1);
        assert_eq!(pulse.left, Some(ANSWERED_WITHIN));
    }

    #[tokio::test]
    async fn doubts_that_do_not_cease_keep_no_dead_connection() {
        let (near, _far) = tokio::io::duplex(64 * 1024);
        let (stream, read) = Watched::new(Box::new(near) as Box<dyn Io>);
        let begins = h2::client::Builder::new().handshake::<_, Piece>(Sifted::of_server(stream));
        let (_sender, driver) = begins.await.unwrap();
        let (life, allowed) = (Life::new(read), watch::channel(false).0);
        let drives = drive(driver, Arc::clone(&life), allowed, Duration::from_millis(10));
        let doubts = async {
            loop {
                life.doubt(life.read.bytes());
                tokio::task::yield_now().await;
            }
        };
        let ends = async {
            tokio::select! { () = drives => {}, () = doubts => {} }
        };
        // Only a bound on hanging.
        tokio::time::timeout(Duration::from_secs(20), ends).await.expect("it is kept");
        assert!(life.has_ended());
    }
}
