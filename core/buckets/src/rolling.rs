//! What was used in any stretch of a length: when, and how much.

use std::collections::VecDeque;
use std::time::Duration;

use sluice_api::limiter::Unit;

use crate::clock::length;

/// How many moments at which requests came are kept as they were. Beyond that they are rounded as amounts are.
const EXACT_MAX: usize = 1_000;

/// Of how many slices a window is made whose moments are rounded.
const SLICES: i64 = 128;

/// What was used, by when it is over: each moment as it was or, rounded against the client, the end of its slice.
#[derive(Debug)]
pub(crate) struct Rolling {
    length: i64,
    /// What moments are multiples of.
    grain: i64,
    /// Moments, each later than the one before, and how much was used at each.
    entries: VecDeque<(i64, u64)>,
    /// The sum of the entries: nothing is walked through to admit a request.
    used: u128,
}

impl Rolling {
    pub(crate) fn new(window: Duration) -> Self {
        Self { length: length(window).max(1), grain: 1, entries: VecDeque::new(), used: 0 }
    }

    pub(crate) const fn used(&self) -> u128 {
        self.used
    }

    pub(crate) const fn length(&self) -> i64 {
        self.length
    }

    /// Drops what is over at a moment: a window reaches back to just after its length ago.
    pub(crate) fn pass(&mut self, now: i64) {
        while let Some((at, amount)) = self.entries.front().copied() {
            if at.saturating_add(self.length) > now {
                return;
            }
            self.entries.pop_front();
            self.used = self.used.saturating_sub(u128::from(amount));
        }
        self.grain = 1;
    }

    /// What is not over yet at a moment, for who only looks.
    pub(crate) fn used_at(&self, now: i64) -> u128 {
        let over = self.entries.iter().take_while(|(at, _)| at.saturating_add(self.length) <= now);
        self.used.saturating_sub(over.map(|(_, amount)| u128::from(*amount)).sum())
    }

    /// Something is used at a moment, which is no earlier than any before it.
    pub(crate) fn land(&mut self, unit: Unit, now: i64, amount: u64) {
        if self.grain == 1 && (unit != Unit::Requests || self.entries.len() > EXACT_MAX) {
            self.round();
        }
        self.push(self.end_of(now), amount);
    }

    /// So much is used now: what is missing was used at this moment, what is too much came first.
    pub(crate) fn comes_to(&mut self, sum: u128, unit: Unit, now: i64) {
        while self.used < sum {
            self.land(unit, now, u64::try_from(sum - self.used).unwrap_or(u64::MAX));
            if self.entries.back().is_some_and(|(_, amount)| *amount == u64::MAX) {
                return;
            }
        }
        while self.used > sum && !self.entries.is_empty() {
            self.reduce(0, u64::try_from(self.used - sum).unwrap_or(u64::MAX));
        }
    }

    /// Takes back what was used at a moment; nothing where it is over.
    pub(crate) fn take_back(&mut self, at: i64, amount: u64) {
        if let Ok(found) = self.entries.binary_search_by_key(&self.end_of(at), |(at, _)| *at) {
            self.reduce(found, amount);
        }
    }

    /// Takes back some of what was used since a moment, whichever came first: what stays is over no earlier than what was
    /// really used. Nothing where some of it may be over, as what is left may be all others'.
    pub(crate) fn take_back_since(&mut self, since: i64, amount: u64, now: i64) {
        if since.saturating_add(self.length) <= now {
            return;
        }
        let first = self.end_of(since);
        let at = self.entries.partition_point(|(at, _)| *at < first);
        let mut left = amount;
        while left > 0 && at < self.entries.len() {
            left -= self.reduce(at, left);
        }
    }

    /// The moment from which on there is room, as a rule says of what is left, if nothing more is used.
    pub(crate) fn room_at(&self, room: impl Fn(u128) -> bool) -> Option<i64> {
        let mut left = self.used;
        self.entries.iter().find_map(|(at, amount)| {
            left = left.saturating_sub(u128::from(*amount));
            room(left).then(|| at.saturating_add(self.length))
        })
    }

    /// When all of it is over.
    pub(crate) fn over_at(&self) -> Option<i64> {
        self.entries.back().map(|(at, _)| at.saturating_add(self.length))
    }

    fn end_of(&self, at: i64) -> i64 {
        match at.rem_euclid(self.grain) {
            0 => at,
            beyond => at.saturating_add(self.grain - beyond),
        }
    }

    fn round(&mut self) {
        self.grain = (self.length / SLICES).saturating_add(1);
        self.used = 0;
        for (at, amount) in std::mem::take(&mut self.entries) {
            self.push(self.end_of(at), amount);
        }
    }

    fn push(&mut self, at: i64, amount: u64) {
        if amount == 0 {
            return;
        }
        self.used += u128::from(amount);
        match self.entries.back_mut() {
            Some((last, sum)) if *last >= at => {
                let before = *sum;
                *sum = sum.saturating_add(amount);
                self.used -= u128::from(amount - (*sum - before));
            }
            _ => self.entries.push_back((at, amount)),
        }
    }

    /// Takes back as much as there is of an entry; says how much.
    fn reduce(&mut self, which: usize, amount: u64) -> u64 {
        let Some((_, there)) = self.entries.get_mut(which) else { return 0 };
        let less = amount.min(*there);
        *there -= less;
        if *there == 0 {
            self.entries.remove(which);
        }
        self.used = self.used.saturating_sub(u128::from(less));
        less
    }
}

#[cfg(test)]
impl Rolling {
    /// How many moments are kept.
    pub(crate) fn moments(&self) -> usize {
        self.entries.len()
    }
}
