//! What limits count, as a list of all that ever happened: nothing is clever here, and nothing is forgotten.

use std::time::Duration;

use jiff::Timestamp;
use sluice_api::limiter::{Take, Unit, Why, Window};
use sluice_api::store::{Lease, Used};

/// Something was used.
#[derive(Debug)]
struct Event {
    take: Take,
    /// The number of the lease.
    lease: u64,
    at: Timestamp,
    /// How much, with what was taken back since.
    least: u64,
    /// How much, without that where the window rolls: nobody need know when it was that is taken back there.
    most: u64,
}

/// Between what two sums that of a store may be: a window that rolls may be rounded against the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bound {
    /// What is certainly in the window.
    Least,
    /// What may be.
    Most,
}

/// All that happened, and who runs.
#[derive(Debug, Default)]
pub(crate) struct Model {
    events: Vec<Event>,
    pub(crate) running: Vec<Lease>,
}

fn same(one: &Take, other: &Take) -> bool {
    one.bucket == other.bucket && one.window == other.window
}

/// Whether a take fits where so much is there.
fn fits(take: &Take, there: u128) -> bool {
    u64::try_from(there).is_ok_and(|there| take.fits(there))
}

impl Model {
    /// What was used of a take's window at a moment.
    pub(crate) fn used(&self, take: &Take, now: Timestamp, bound: Bound) -> u128 {
        let all = self.events.iter().filter(|event| same(&event.take, take));
        let there = all.filter(|event| end(event, bound).is_none_or(|end| end > now));
        there.map(|event| u128::from(if bound == Bound::Least { event.least } else { event.most })).sum()
    }

    /// What running requests hold or have reserved.
    pub(crate) fn reserved(&self, take: &Take) -> u128 {
        let all = self.running.iter().flat_map(|lease| lease.takes.iter().map(move |one| (lease, one)));
        let of = |(lease, one): (&Lease, &Take)| match (one.window, one.unit) {
            (Window::Held, _) => one.amount,
            (_, Unit::Requests) => 0,
            _ => one.amount.saturating_sub(lease.landed.of(one)),
        };
        all.filter(|(_, one)| same(one, take)).map(|all| u128::from(of(all))).sum()
    }

    /// Whether there may be room for the last of these takes, whose others of the same bucket are taken with it.
    pub(crate) fn has_room(&self, takes: &[Take], now: Timestamp, bound: Bound) -> bool {
        let take = &takes[takes.len() - 1];
        fits(take, own(takes) + self.used(take, now, bound) + self.reserved(take))
    }

    /// What is wrong with this reason for which the last of these takes had no room.
    pub(crate) fn wrong(&self, takes: &[Take], now: Timestamp, why: Why) -> Option<String> {
        let (take, own) = (&takes[takes.len() - 1], own(takes));
        let used = |bound| self.used(take, now, bound);
        let right = match why {
            Why::Line => false,
            Why::TooMuch => !fits(take, own),
            Why::Reserved => take.is_slot() || fits(take, own) && fits(take, own + used(Bound::Least)),
            Why::Used(wait) => {
                let [least, most] = [Bound::Least, Bound::Most].map(|bound| self.wait(takes, now, bound));
                fits(take, own)
                    && !fits(take, own + used(Bound::Most))
                    && match take.window {
                        Window::Total => wait.is_none(),
                        Window::Calendar { to, .. } => wait == Some(to.duration_since(now).unsigned_abs()),
                        // Where it is not certain that there is no room, any shorter one is right too.
                        _ => wait.is_some_and(|wait| least <= Some(wait) && Some(wait) <= most),
                    }
            }
        };
        let told = || format!("{why:?} at {now}, where {self:#?} makes it {:?}", used(Bound::Most));
        (!right).then(told)
    }

    /// How long until there is room if nothing more is used.
    fn wait(&self, takes: &[Take], now: Timestamp, bound: Bound) -> Option<Duration> {
        let (take, own) = (&takes[takes.len() - 1], own(takes));
        let all = self.events.iter().filter(|event| same(&event.take, take));
        let ends = all.filter_map(|event| end(event, bound)).filter(|end| *end > now).chain([now]);
        let room = ends.filter(|end| fits(take, own + self.used(take, *end, bound)));
        room.min().map(|at| at.duration_since(now).unsigned_abs())
    }

    /// A lease is taken.
    pub(crate) fn take(&mut self, lease: Lease, now: Timestamp) {
        for take in lease.takes.iter().filter(|take| take.unit == Unit::Requests && !take.is_slot()) {
            self.push(take, lease.id.number, now, take.amount);
        }
        self.running.push(lease);
    }

    /// A running request has used so much by now; told before it is told to the store, which keeps it in the lease.
    pub(crate) fn land(&mut self, which: usize, used: Used, now: Timestamp) {
        let lease = &self.running[which];
        let (number, landed) = (lease.id.number, lease.landed);
        for take in lease.takes.clone().iter().filter(|take| take.unit != Unit::Requests) {
            let (before, after) = (landed.of(take), used.of(take));
            self.push(take, number, now, after.saturating_sub(before));
            self.take_back(take, number, before.saturating_sub(after));
        }
    }

    /// A running request has ended, having used so much.
    pub(crate) fn settle(&mut self, which: usize, used: Used, now: Timestamp) -> Lease {
        self.land(which, used, now);
        let lease = self.running.swap_remove(which);
        if !used.counts {
            let own = self.events.iter_mut().filter(|event| event.lease == lease.id.number);
            for event in own.filter(|event| event.take.unit == Unit::Requests) {
                (event.least, event.most) = (0, 0);
            }
        }
        lease
    }

    fn push(&mut self, take: &Take, lease: u64, at: Timestamp, amount: u64) {
        self.events.push(Event { take: take.clone(), lease, at, least: amount, most: amount });
    }

    /// Takes back what landed last first: so least stays.
    fn take_back(&mut self, take: &Take, lease: u64, mut amount: u64) {
        let own = self.events.iter_mut().rev().filter(|one| one.lease == lease && same(&one.take, take));
        for event in own {
            let less = amount.min(event.least);
            event.least -= less;
            amount -= less;
            if !matches!(take.window, Window::Rolling(_)) {
                event.most = event.least;
            }
        }
    }
}

/// When something is over, if it ever is.
fn end(event: &Event, bound: Bound) -> Option<Timestamp> {
    match event.take.window {
        // A window is of 64 slices at least.
        Window::Rolling(length) if bound == Bound::Most && event.take.unit != Unit::Requests => {
            Some(event.at + length + length / 64)
        }
        Window::Rolling(length) => Some(event.at + length),
        _ => None,
    }
}

/// How much the takes before the last one take of its bucket.
fn own(takes: &[Take]) -> u128 {
    let (take, before) = takes.split_last().unwrap();
    before.iter().filter(|one| same(one, take)).map(|one| u128::from(one.amount)).sum()
}
