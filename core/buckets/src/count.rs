//! What one bucket has counted.

use std::sync::Arc;

use jiff::Timestamp;
use sluice_api::limiter::{Bucket, Take, Unit, Why, Window};
use sluice_api::store::Level;

use crate::calendar::{Calendar, Sum};
use crate::clock::{between, length, moment, nanoseconds};
use crate::rolling::Rolling;

/// How long a count that says nothing any more is kept after it was used last, in nanoseconds, and no shorter than two of
/// its windows: whoever asks now and then is not asked each time what was used before.
const KEPT: i64 = 3_600 * 1_000_000_000;

/// The count of a bucket, of all that is counted of one principal.
#[derive(Debug)]
pub(crate) struct Count {
    limiter: &'static str,
    part: Option<Arc<str>>,
    kind: Kind,
    /// When it was used last.
    touched: i64,
}

#[derive(Debug)]
enum Kind {
    /// What is held, and what others hold where another place counts, too.
    Held {
        own: u64,
        others: u64,
    },
    Rolling {
        used: Rolling,
        reserved: u128,
    },
    Calendar {
        windows: Calendar,
        length: i64,
    },
    Total(Sum),
}

/// What a request has used of a take: so much was told of it before, so much it is now.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Progress {
    pub(crate) before: u64,
    pub(crate) after: u64,
    /// Whether it is the end: what is still reserved is given back.
    pub(crate) ended: bool,
    /// When the lease was taken.
    pub(crate) since: i64,
}

impl Count {
    pub(crate) fn new(bucket: &Bucket, window: Window, now: i64) -> Self {
        let kind = match window {
            Window::Held => Kind::Held { own: 0, others: 0 },
            Window::Rolling(length) => Kind::Rolling { used: Rolling::new(length), reserved: 0 },
            Window::Calendar { from, to } => {
                let length = nanoseconds(to).saturating_sub(nanoseconds(from));
                Kind::Calendar { windows: Calendar::default(), length }
            }
            Window::Total => Kind::Total(Sum::default()),
        };
        Self { limiter: bucket.limiter, part: bucket.part.clone(), kind, touched: now }
    }

    /// Whether it is that of a bucket of the same principal, and of windows such as this one.
    pub(crate) fn is_of(&self, bucket: &Bucket, window: Window) -> bool {
        let same = match (&self.kind, window) {
            (Kind::Held { .. }, Window::Held)
            | (Kind::Calendar { .. }, Window::Calendar { .. })
            | (Kind::Total(_), Window::Total) => true,
            (Kind::Rolling { used, .. }, Window::Rolling(window)) => used.length() == length(window).max(1),
            _ => false,
        };
        same && self.limiter == bucket.limiter && self.part == bucket.part
    }

    /// Whether it has counted in this very window.
    pub(crate) fn knows(&self, window: Window) -> bool {
        match (&self.kind, window) {
            (Kind::Calendar { windows, .. }, Window::Calendar { from, .. }) => windows.get(from).is_some(),
            _ => true,
        }
    }

    /// Why a take has no room, where so much of the same bucket is taken with it.
    pub(crate) fn refuses(&mut self, take: &Take, own: u128, now: i64) -> Option<Why> {
        let fits = |there: u128| u64::try_from(there).is_ok_and(|there| take.fits(there));
        let (used, reserved) = match (&mut self.kind, take.window) {
            (Kind::Held { own, others }, _) => (0, u128::from(*own) + u128::from(*others)),
            (Kind::Rolling { used, reserved }, _) => {
                used.pass(now);
                (used.used(), *reserved)
            }
            (Kind::Calendar { windows, .. }, Window::Calendar { from, .. }) => {
                windows.get(from).map_or((0, 0), |sum| (sum.used, sum.reserved))
            }
            (Kind::Calendar { .. }, _) => (0, 0),
            (Kind::Total(sum), _) => (sum.used, sum.reserved),
        };
        if fits(own + used + reserved) {
            return None;
        }
        if fits(own + used) {
            return Some(Why::Reserved);
        }
        let at = match (&self.kind, take.window) {
            (Kind::Rolling { used, .. }, _) => used.room_at(|left| fits(own + left)),
            (_, Window::Calendar { to, .. }) => Some(nanoseconds(to)),
            _ => None,
        };
        Some(Why::Used(at.map(|at| between(now, at))))
    }

    /// Takes from it; there is room.
    pub(crate) fn take(&mut self, take: &Take, now: i64) {
        self.touched = now;
        let requests = take.unit == Unit::Requests;
        match (&mut self.kind, take.window) {
            (Kind::Held { own, .. }, _) => *own = own.saturating_add(take.amount),
            (Kind::Rolling { used, .. }, _) if requests => used.land(take.unit, now, take.amount),
            (Kind::Rolling { reserved, .. }, _) => *reserved += u128::from(take.amount),
            (Kind::Calendar { windows, .. }, Window::Calendar { from, .. }) => {
                taken(windows.open(from), take);
            }
            (Kind::Calendar { .. }, _) => {}
            (Kind::Total(sum), _) => taken(sum, take),
        }
    }

    /// Counts what a request has used in place of what it has reserved.
    pub(crate) fn progress(&mut self, take: &Take, progress: Progress, now: i64) {
        self.touched = now;
        let Progress { before, after, ended, since } = progress;
        let less = released(take, progress);
        match (&mut self.kind, take.window) {
            (Kind::Held { own, .. }, _) if ended => *own = own.saturating_sub(take.amount),
            (Kind::Held { .. }, _) => {}
            (Kind::Rolling { used, reserved }, _) => {
                used.pass(now);
                if take.unit == Unit::Requests {
                    used.take_back(since, before.saturating_sub(after));
                    return;
                }
                let left = reserved.saturating_add_signed(-less);
                *reserved = left;
                if after < before {
                    used.take_back_since(since, before - after, now);
                } else {
                    used.land(take.unit, now, after - before);
                }
            }
            (Kind::Calendar { windows, .. }, Window::Calendar { from, .. }) => {
                if let Some(sum) = windows.get_mut(from) {
                    moved(sum, less, progress);
                }
            }
            (Kind::Calendar { .. }, _) => {}
            (Kind::Total(sum), _) => moved(sum, less, progress),
        }
    }

    /// What was used before anybody took from it, as of these moments.
    pub(crate) fn seed(&mut self, window: Window, used: &mut [(Timestamp, u64)], now: i64) {
        used.sort_unstable();
        for (at, amount) in used.iter().copied() {
            match (&mut self.kind, window) {
                (Kind::Rolling { used, .. }, _) => {
                    used.land(Unit::Requests, nanoseconds(at).min(now), amount);
                }
                (Kind::Calendar { windows, .. }, Window::Calendar { from, .. }) => {
                    windows.open(from).use_up(amount);
                }
                (Kind::Total(sum), _) => sum.use_up(amount),
                _ => {}
            }
        }
        if let (Kind::Calendar { windows, .. }, Window::Calendar { from, .. }) = (&mut self.kind, window) {
            windows.open(from);
        }
    }

    /// Another place that counts has told how full it is there: what is more there than here others have used, or reserved,
    /// by now.
    pub(crate) fn sees(&mut self, take: &Take, level: Level, now: i64) {
        self.touched = now;
        let beside = |own: u128| u128::from(level.used) + u128::from(level.reserved).saturating_sub(own);
        match (&mut self.kind, take.window) {
            (Kind::Held { own, others }, _) => *others = level.used.saturating_sub(*own),
            (Kind::Rolling { used, reserved }, _) => {
                used.pass(now);
                used.comes_to(beside(*reserved), take.unit, now);
            }
            (Kind::Calendar { windows, .. }, Window::Calendar { from, .. }) => {
                let sum = windows.open(from);
                sum.used = beside(sum.reserved);
            }
            (Kind::Calendar { .. }, _) => {}
            (Kind::Total(sum), _) => sum.used = beside(sum.reserved),
        }
    }

    /// What others hold is not known any more.
    pub(crate) fn forget_others(&mut self) {
        if let Kind::Held { others, .. } = &mut self.kind {
            *others = 0;
        }
    }

    /// How full it is in a window.
    pub(crate) fn level(&self, window: Window, now: i64) -> Level {
        let of = |sum: Sum, resets| Level::new(whole(sum.used), whole(sum.reserved), resets);
        match (&self.kind, window) {
            (Kind::Held { own, others }, _) => Level::new(own.saturating_add(*others), 0, None),
            (Kind::Rolling { used, reserved }, _) => {
                let sum = Sum { used: used.used_at(now), reserved: *reserved };
                of(sum, used.over_at().filter(|at| *at > now).map(moment))
            }
            (Kind::Calendar { windows, .. }, Window::Calendar { from, to }) => {
                of(windows.get(from).copied().unwrap_or_default(), Some(to))
            }
            (Kind::Calendar { .. }, _) => Level::default(),
            (Kind::Total(sum), _) => of(*sum, None),
        }
    }

    /// Whether it says nothing any more.
    pub(crate) fn is_over(&mut self, now: i64) -> bool {
        let idle = now.saturating_sub(self.touched);
        match &mut self.kind {
            Kind::Held { own, others } => *own == 0 && *others == 0,
            Kind::Total(sum) => sum.is_empty(),
            Kind::Rolling { used, reserved } => {
                used.pass(now);
                *reserved == 0 && used.used() == 0 && idle >= used.length().saturating_mul(2).max(KEPT)
            }
            Kind::Calendar { windows, length } => {
                // By how long ago it was used and not by its days: a clock that was set says nothing of that.
                !windows.has_reserved() && idle >= length.saturating_mul(2).max(KEPT)
            }
        }
    }
}

/// Requests count from the moment that they are taken; all else is reserved.
fn taken(sum: &mut Sum, take: &Take) {
    if take.unit == Unit::Requests {
        sum.use_up(take.amount);
    } else {
        sum.reserved += u128::from(take.amount);
    }
}

fn moved(sum: &mut Sum, less: i128, Progress { before, after, .. }: Progress) {
    sum.reserved = sum.reserved.saturating_add_signed(-less);
    if after < before {
        sum.take_back(before - after);
    } else {
        sum.use_up(after - before);
    }
}

/// How much less is reserved now; more where less was used than was told before.
fn released(take: &Take, Progress { before, after, ended, .. }: Progress) -> i128 {
    if take.unit == Unit::Requests {
        return 0;
    }
    let left = |used: u64| i128::from(take.amount.saturating_sub(used));
    left(before) - if ended { 0 } else { left(after) }
}

fn whole(sum: u128) -> u64 {
    u64::try_from(sum).unwrap_or(u64::MAX)
}
