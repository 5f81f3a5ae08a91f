//! The last minutes as slices: each second of the last one, ten seconds together before it; as many as memory is for.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use super::slice::Slice;

/// The longest window, in seconds.
pub const WINDOW_MAX: u32 = 600;

/// Seconds that each have a slice of their own.
const FINE: i64 = 60;

/// Seconds that share a slice before those.
const COARSE: i64 = 10;

/// What all slices that are closed may take of memory, about; the oldest are let go beyond it.
const MEMORY: usize = 4 << 20;

/// The slices, oldest first.
#[derive(Debug)]
pub(super) struct Windows {
    began: Instant,
    /// Those that nothing is counted in any more: coarse ones, then fine ones.
    closed: VecDeque<Arc<Slice>>,
    open: Slice,
    /// Where what is kept begins, as memory was not for more.
    kept: i64,
    /// The label of what is not told apart.
    other: Arc<str>,
}

/// What a window shows.
pub(super) struct Seen {
    pub(super) slices: Vec<Arc<Slice>>,
    /// Its length, as it is told.
    pub(super) window: u32,
    /// The seconds that the slices are of.
    pub(super) seconds: f64,
}

impl Windows {
    pub(super) fn new(now: Instant, other: Arc<str>) -> Self {
        let (closed, open) = (VecDeque::new(), Slice::new(0..1));
        Self { began: now, closed, open, kept: i64::MIN, other }
    }

    /// The slice that requests are counted in which end now.
    pub(super) fn open(&mut self, now: Instant) -> &mut Slice {
        let second = self.second(now);
        // A clock that was read earlier may come later.
        if second >= self.open.seconds.end {
            let open = std::mem::replace(&mut self.open, Slice::new(second..second + 1));
            self.close(open);
        }
        &mut self.open
    }

    /// What ended in the last seconds, up to now.
    pub(super) fn seen(&mut self, window: u32, now: Instant) -> Seen {
        self.open(now);
        let end = self.open.seconds.end;
        let asked = end - i64::from(window);
        let since = if end - asked > FINE { asked.div_euclid(COARSE) * COARSE } else { asked };
        let since = since.max(self.kept);
        let mut open = self.open.clone();
        open.close();
        let closed = self.closed.iter().filter(|slice| slice.seconds.start >= since).cloned();
        Seen {
            slices: closed.chain([Arc::new(open)]).collect(),
            window: window.min(u32::try_from(end - since).unwrap_or(window)),
            seconds: (end - since) as f64,
        }
    }

    /// What all of it takes of memory, about.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.closed.iter().map(|slice| slice.bytes()).sum::<usize>() + self.open.bytes()
    }

    fn second(&self, now: Instant) -> i64 {
        i64::try_from(now.saturating_duration_since(self.began).as_secs()).unwrap_or(i64::MAX - 1)
    }

    fn close(&mut self, mut slice: Slice) {
        slice.close();
        self.closed.push_back(Arc::new(slice));
        let end = self.open.seconds.end;
        let oldest = (end - i64::from(WINDOW_MAX)).div_euclid(COARSE) * COARSE;
        while self.closed.front().is_some_and(|slice| slice.seconds.end <= oldest) {
            self.closed.pop_front();
        }
        self.coarsen(end - FINE);
        let mut bytes: usize = self.closed.iter().map(|slice| slice.bytes()).sum();
        while bytes > MEMORY
            && let Some(slice) = self.closed.pop_front()
        {
            bytes -= slice.bytes();
            self.kept = slice.seconds.end;
        }
    }

    /// Puts slices together whose ten seconds have all ended before this one.
    fn coarsen(&mut self, fine: i64) {
        let start = |slice: &Slice| slice.seconds.start.div_euclid(COARSE) * COARSE;
        let is_fine = |slice: &Arc<Slice>| slice.seconds.end - slice.seconds.start < COARSE;
        while let Some(first) = self.closed.iter().position(is_fine)
            && let Some(since) = self.closed.get(first).map(|slice| start(slice))
            && since + COARSE <= fine
        {
            let mut together = Slice::new(since..since + COARSE);
            while let Some(next) = self.closed.get(first).filter(|slice| start(slice) == since) {
                together.merge(next, &self.other);
                self.closed.remove(first);
            }
            together.close();
            self.closed.insert(first, Arc::new(together));
        }
    }
}
