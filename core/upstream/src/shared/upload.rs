//! A request's body on its way up, as far as the server's windows let it.
//!
//! All bodies of a connection share one window, which a server opens again as it reads: one that it does not read would
//! hold up all that stand behind it. So a body goes where the window has room for the whole of it beside all others that
//! are on their way, and stands behind none; what no window holds goes where no other is unanswered.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use bytes::{Buf, Bytes};
use h2::{Reason, SendStream};
use parking_lot::Mutex;

use crate::sifted::Frames;

/// The window that a connection begins with, whoever the server is (RFC 9113, section 6.9.2).
pub(super) const WINDOW: u64 = 65_535;

/// Larger bodies go up beside no others, whatever the window: they fill what the system holds of a connection.
const SMALL_MAX: usize = 16 * 1024;

/// The bodies of a connection, and the window that they share.
#[derive(Clone)]
pub(super) struct Uploads(Arc<Window>);

struct Window {
    /// They tell by how much the server has opened it.
    frames: Frames,
    /// Bytes that were written, in the connection's life.
    sent: AtomicU64,
    /// Requests with a body that have no answer yet.
    unanswered: AtomicU32,
    bodies: Mutex<Bodies>,
}

#[derive(Default)]
struct Bodies {
    next: u64,
    open: Vec<Body>,
}

/// A body that is on its way: not all of it is written yet.
struct Body {
    number: u64,
    size: usize,
}

impl Uploads {
    pub(super) fn new(frames: Frames) -> Self {
        let (sent, unanswered) = (AtomicU64::default(), AtomicU32::default());
        Self(Arc::new(Window { frames, sent, unanswered, bodies: Mutex::default() }))
    }

    /// What is left of the window.
    pub(super) fn room(&self) -> u64 {
        (WINDOW + self.0.frames.granted()).saturating_sub(self.0.sent.load(Ordering::Acquire))
    }

    /// For a body of so many bytes: its part of the window beside `kept` bytes of it that are for others, and that it is
    /// unanswered. `None` where it might wait for another.
    pub(super) fn claim(&self, size: usize, kept: u64) -> Option<(Claim, Option<Unanswered>)> {
        let mut bodies = self.0.bodies.lock();
        if bodies.open.iter().any(|body| is_alone(body.size)) {
            return None;
        }
        let ahead = kept + bodies.open.iter().map(|body| body.size as u64).sum::<u64>();
        if size > 0 && ahead + size as u64 > self.room() {
            let others = ahead > 0 || self.0.unanswered.load(Ordering::Acquire) > 0;
            // What fits a window that nothing was taken of has a fresh connection.
            if others || size as u64 <= WINDOW {
                return None;
            }
        }
        let number = bodies.next;
        bodies.next += 1;
        bodies.open.push(Body { number, size });
        let unanswered = (size > 0).then(|| {
            self.0.unanswered.fetch_add(1, Ordering::AcqRel);
            Unanswered(self.clone())
        });
        Some((Claim { uploads: self.clone(), number }, unanswered))
    }
}

/// Whether a body of so many bytes goes up beside no other.
pub(super) const fn is_alone(size: usize) -> bool {
    size > SMALL_MAX
}

/// A body's part in its connection's window: held until all of it is written.
pub(super) struct Claim {
    uploads: Uploads,
    number: u64,
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.uploads.0.bodies.lock().open.retain(|body| body.number != self.number);
    }
}

/// A request whose server may not have read its body yet: held until its answer begins.
pub(super) struct Unanswered(Uploads);

impl Drop for Unanswered {
    fn drop(&mut self) {
        self.0.0.unanswered.fetch_sub(1, Ordering::AcqRel);
    }
}

/// A body as h2 takes it: what is written of it is counted. Its claim ends with its last byte, or where h2 drops what is
/// not wanted any more.
pub(super) struct Piece {
    rest: Bytes,
    claim: Option<Claim>,
}

impl Buf for Piece {
    fn remaining(&self) -> usize {
        self.rest.len()
    }

    fn chunk(&self) -> &[u8] {
        &self.rest
    }

    fn advance(&mut self, count: usize) {
        self.rest.advance(count);
        if let Some(claim) = &self.claim {
            claim.uploads.0.sent.fetch_add(count as u64, Ordering::AcqRel);
        }
        if self.rest.is_empty() {
            self.claim = None;
        }
    }
}

/// A body that was handed over.
pub(super) struct Upload {
    stream: SendStream<Piece>,
    uploads: Uploads,
    number: u64,
}

/// The same beside its answer, where it is not up yet. It ends with this.
pub(super) struct Beside(Upload);

impl Upload {
    /// Hands a body over whole: it is in memory as it is, and the driver writes it as windows open. What goes wrong is
    /// told by the answer. `None` for a body without a byte, which went with the head.
    pub(super) fn begin(mut stream: SendStream<Piece>, body: Bytes, claim: Claim) -> Option<Self> {
        if body.is_empty() {
            return None;
        }
        let (uploads, number) = (claim.uploads.clone(), claim.number);
        let _ = stream.send_data(Piece { rest: body, claim: Some(claim) }, true);
        Some(Self { stream, uploads, number })
    }

    fn is_done(&self) -> bool {
        self.uploads.0.bodies.lock().open.iter().all(|body| body.number != self.number)
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
    use bytes::{Buf as _, Bytes};

    use super::{Claim, Piece, SMALL_MAX, Unanswered, Uploads, WINDOW};
    use crate::frame::{SETTINGS, WINDOW_UPDATE, written};
    use crate::sifted::Sifted;

    type Claimed = (Claim, Option<Unanswered>);

    fn written_all(size: usize, claim: Claim) {
        let mut piece = Piece { rest: Bytes::from(vec![0; size]), claim: Some(claim) };
        while piece.has_remaining() {
            piece.advance(piece.remaining().min(5_000));
        }
        assert!(piece.claim.is_none());
    }

    /// As many bodies of a size as there is room for.
    fn all(uploads: &Uploads, size: usize) -> Vec<Claimed> {
        std::iter::from_fn(|| uploads.claim(size, 0)).take(1_000).collect()
    }

    #[test]
    fn bodies_that_are_not_answered_never_add_up_to_more_than_the_window() {
        for size in [1_000, 4_096, SMALL_MAX] {
            let uploads = Uploads::new(Default::default());
            let fits = WINDOW as usize / size;
            let claimed = all(&uploads, size);
            assert_eq!(claimed.len(), fits, "of {size} bytes");
            // Written, they are the server's to read; given up before that, they take nothing.
            let (first, rest): (Vec<_>, Vec<_>) =
                claimed.into_iter().enumerate().partition(|(turn, _)| turn % 2 == 0);
            let first: Vec<_> = first
                .into_iter()
                .map(|(_, (claim, unanswered))| {
                    written_all(size, claim);
                    unanswered
                })
                .collect();
            assert!(uploads.claim(size, 0).is_none(), "of {size} bytes");
            drop(rest);
            assert_eq!(all(&uploads, size).len(), fits - first.len(), "of {size} bytes");
        }
    }

    #[tokio::test]
    async fn the_window_is_what_the_server_makes_it() {
        let update = |stream, more: u32| (WINDOW_UPDATE, 0, stream, more.to_be_bytes().to_vec());
        let says = written(&[(SETTINGS, 0, 0, Vec::new()), update(0, 100_000), update(1, 1 << 20)]);
        let mut stream = Sifted::of_server(&says[..]);
        let uploads = Uploads::new(stream.frames());
        assert_eq!(uploads.room(), WINDOW);
        tokio::io::copy(&mut stream, &mut tokio::io::sink()).await.unwrap();
        assert_eq!(uploads.room(), WINDOW + 100_000);
        assert_eq!(all(&uploads, 10_000).len(), 16);
        // What is larger than a new window, and fits this one, waits for no answer.
        let (claim, _unanswered) = uploads.claim(100_000, 0).unwrap();
        written_all(100_000, claim);
        assert_eq!(uploads.room(), WINDOW);
        assert!(uploads.claim(100_000, 0).is_none() && uploads.claim(SMALL_MAX, 0).is_some());
    }

    #[test]
    fn a_large_body_goes_up_alone_and_what_no_window_holds_stands_behind_no_other() {
        let uploads = Uploads::new(Default::default());
        let (large, _) = uploads.claim(SMALL_MAX + 1, 0).unwrap();
        assert!(uploads.claim(1, 0).is_none() && uploads.claim(0, 0).is_none());
        drop(large);
        let huge = WINDOW as usize + 1;
        let (small, unanswered) = uploads.claim(1, 0).unwrap();
        assert!(uploads.claim(huge, 0).is_none());
        written_all(1, small);
        assert!(uploads.claim(huge, 0).is_none());
        drop(unanswered);
        let (claim, unanswered) = uploads.claim(huge, 0).unwrap();
        written_all(huge, claim);
        // It has used all of the window up, answered or not.
        drop(unanswered);
        assert!(uploads.claim(1, 0).is_none() && uploads.claim(0, 0).is_some());
    }
}
