//! A request's body on its way up, as far as the server's windows let it.
//!
//! All bodies of a connection share one window, which a server opens again as it reads: one that does not read a request
//! would hold up the bodies of all others. So a connection with a body on its way gets no further requests.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use h2::{Reason, SendStream};
use parking_lot::Mutex;

use super::driver::Turns;

/// Bodies up to this size go beside others: several fit the smallest window that servers have, 64 kB.
const SMALL_MAX: usize = 16 * 1024;

/// How long a small body may wait for a window before others are kept away: windows are opened again all the time.
const WAIT_MAX: Duration = Duration::from_millis(20);

/// The bodies of a connection that are on their way.
#[derive(Clone, Default)]
pub(super) struct Uploads(Arc<Mutex<Bodies>>);

#[derive(Default)]
struct Bodies {
    next: u64,
    open: Vec<Body>,
}

struct Body {
    number: u64,
    large: bool,
    /// When it was handed over, and the turn of the driver that writes it where there is a window for it.
    sent: Option<(Instant, u64)>,
}

impl Body {
    /// Since when it is on its way, where it waits for a window: whatever has to be done here was done.
    fn waits_since(&self, turns: &Turns) -> Option<Instant> {
        self.sent.filter(|(_, turn)| turns.reached(*turn)).map(|(since, _)| since)
    }
}

/// A body's part in its connection's window: held while it is on its way.
pub(super) struct Claim {
    uploads: Uploads,
    number: u64,
}

impl Claim {
    /// For a body of so many bytes; `None` where a large one is on its way, or any has waited for long.
    pub(super) fn before(uploads: &Uploads, body: usize, turns: &Turns, now: Instant) -> Option<Self> {
        let large = Self::is_alone(body);
        let mut bodies = uploads.0.lock();
        let stuck = |since: Instant| large || now.saturating_duration_since(since) > WAIT_MAX;
        if bodies.open.iter().any(|body| body.large || body.waits_since(turns).is_some_and(stuck)) {
            return None;
        }
        let number = bodies.next;
        bodies.next += 1;
        bodies.open.push(Body { number, large, sent: None });
        Some(Self { uploads: uploads.clone(), number })
    }

    /// Whether a body of so many bytes goes up beside no other.
    pub(super) fn is_alone(body: usize) -> bool {
        body > SMALL_MAX
    }

    /// It is the driver's now.
    fn sent(uploads: &Uploads, number: u64, turns: &Turns, now: Instant) {
        if let Some(body) = uploads.0.lock().open.iter_mut().find(|body| body.number == number) {
            body.sent = Some((now, turns.next()));
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.uploads.0.lock().open.retain(|body| body.number != self.number);
    }
}

/// Bytes that hold their claim for as long as h2 holds any of them: until they are written, or not wanted any more.
struct Held {
    body: Bytes,
    _claim: Claim,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.body
    }
}

/// A body that was handed over.
pub(super) struct Upload {
    stream: SendStream<Bytes>,
    uploads: Uploads,
    number: u64,
}

/// The same beside its answer, where it is not up yet. It ends with this.
pub(super) struct Beside(Upload);

impl Upload {
    /// Hands a body over whole: it is in memory as it is, and the driver writes it as windows open. What goes wrong is
    /// told by the answer. `None` for a body without a byte, which went with the head.
    pub(super) fn begin(
        mut stream: SendStream<Bytes>,
        body: Bytes,
        claim: Claim,
        turns: &Turns,
    ) -> Option<Self> {
        if body.is_empty() {
            return None;
        }
        let (uploads, number) = (claim.uploads.clone(), claim.number);
        let _ = stream.send_data(Bytes::from_owner(Held { body, _claim: claim }), true);
        Claim::sent(&uploads, number, turns, Instant::now());
        Some(Self { stream, uploads, number })
    }

    fn is_done(&self) -> bool {
        self.uploads.0.lock().open.iter().all(|body| body.number != self.number)
    }

    /// What is left of it once the head of the answer is there; `None` where nothing is left.
    pub(super) fn beside(self) -> Option<Beside> {
        (!self.is_done()).then_some(Beside(self))
    }
}

impl Beside {
    /// Whether there is nothing more to send.
    pub(super) fn is_done(&self) -> bool {
        self.0.is_done()
    }
}

impl Drop for Beside {
    /// To h2 a stream is closed once it is answered and its body is handed over: it would keep what is left of that, and
    /// so the connection's window, for as long as the server does not read it. (Of a stream that is not open yet it would
    /// keep it all the more after a reset like this; but that one has no answer.)
    fn drop(&mut self) {
        if !self.is_done() {
            self.0.stream.send_reset(Reason::CANCEL);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{Claim, SMALL_MAX, Uploads, WAIT_MAX};
    use crate::shared::driver::Turns;

    /// The driver has a turn.
    fn turn(turns: &Turns) {
        turns.count();
        turns.count();
    }

    #[test]
    fn a_large_body_goes_up_alone_and_a_small_one_that_waits_for_long_lets_nobody_beside_it() {
        let (uploads, turns, now) = (Uploads::default(), Turns::default(), Instant::now());
        let later = now + WAIT_MAX + Duration::from_millis(1);
        let claim = |body, now| Claim::before(&uploads, body, &turns, now);
        let large = claim(SMALL_MAX + 1, now).unwrap();
        assert!(claim(1, now).is_none() && claim(SMALL_MAX + 1, now).is_none());
        drop(large);
        let (waits, other) = (claim(SMALL_MAX, now).unwrap(), claim(1, later).unwrap());
        Claim::sent(&uploads, waits.number, &turns, now);
        turn(&turns);
        assert!(claim(SMALL_MAX + 1, now).is_none());
        assert!(claim(1, now).is_some() && claim(1, later).is_none());
        drop(waits);
        drop(other);
        assert!(claim(SMALL_MAX + 1, later).is_some());
    }

    #[test]
    fn a_body_that_waits_for_this_process_alone_keeps_nobody_away() {
        let (uploads, turns, now) = (Uploads::default(), Turns::default(), Instant::now());
        let late = now + Duration::from_secs(1);
        let sent = || {
            let claim = Claim::before(&uploads, 1, &turns, late).unwrap();
            Claim::sent(&uploads, claim.number, &turns, now);
            claim
        };
        let first = sent();
        // A turn that had begun by then may have gone by it.
        turns.count();
        let second = sent();
        assert!(Claim::before(&uploads, 1, &turns, late).is_some());
        turns.count();
        assert!(Claim::before(&uploads, 1, &turns, late).is_none());
        drop(first);
        assert!(Claim::before(&uploads, 1, &turns, late).is_some());
        turn(&turns);
        assert!(Claim::before(&uploads, 1, &turns, late).is_none());
        drop(second);
    }

    #[test]
    fn bodies_that_follow_each_other_without_a_gap_are_no_body_that_waits() {
        let (uploads, turns, began) = (Uploads::default(), Turns::default(), Instant::now());
        let mut last = None;
        for number in 0..100 {
            let now = began + number * WAIT_MAX / 2;
            let claim = Claim::before(&uploads, 1, &turns, now).expect("it is kept away");
            Claim::sent(&uploads, claim.number, &turns, now);
            turn(&turns);
            last = Some(claim);
        }
        drop(last);
    }
}
