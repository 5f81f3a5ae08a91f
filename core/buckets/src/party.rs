//! What is counted of one principal, and who waits for its slots.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use sluice_api::limiter::{Bucket, Principal, Window};

use crate::bell::{Bell, Later};
use crate::count::Count;

/// A principal's counts, its line, and those who wait for its slots.
#[derive(Debug, Default)]
pub(crate) struct Party {
    counts: Vec<Count>,
    /// Those of a key who wait, whatever for.
    pub(crate) line: VecDeque<Waiter>,
    /// The bells of those heads of lines in whose way this principal's slots are, by the numbers of their places: who has
    /// waited longest is the first. Nobody else takes such a slot before them.
    pub(crate) wanted: BTreeMap<u64, Arc<Bell>>,
}

/// One that waits in a line.
#[derive(Debug)]
pub(crate) struct Waiter {
    pub(crate) number: u64,
    pub(crate) bell: Arc<Bell>,
    /// The principals whose slots were in its way when it asked last; none before it is the head.
    pub(crate) at: Vec<Principal>,
}

impl Party {
    pub(crate) fn count(&self, bucket: &Bucket, window: Window) -> Option<&Count> {
        self.counts.iter().find(|count| count.is_of(bucket, window))
    }

    pub(crate) fn count_mut(&mut self, bucket: &Bucket, window: Window) -> Option<&mut Count> {
        self.counts.iter_mut().find(|count| count.is_of(bucket, window))
    }

    /// The count of a bucket, begun where there is none.
    pub(crate) fn open(&mut self, bucket: &Bucket, window: Window, now: i64) -> &mut Count {
        let at = self.counts.iter().position(|count| count.is_of(bucket, window)).unwrap_or_else(|| {
            self.counts.push(Count::new(bucket, window, now));
            self.counts.len() - 1
        });
        #[expect(clippy::indexing_slicing, reason = "it was found there, or has just been pushed")]
        &mut self.counts[at]
    }

    /// Who has waited longest for its slots is told that it is worth asking: one of them may be free.
    pub(crate) fn tell_first(&self, later: &mut Later) {
        if let Some((_, bell)) = self.wanted.first_key_value() {
            later.push(bell);
        }
    }

    /// Whether somebody waits for its slots who came before this one.
    pub(crate) fn is_wanted_before(&self, number: Option<u64>) -> bool {
        let first = self.wanted.first_key_value();
        first.is_some_and(|(first, _)| number.is_none_or(|number| *first < number))
    }

    /// What others hold of its slots is not known any more.
    pub(crate) fn forget_others(&mut self) {
        self.counts.iter_mut().for_each(Count::forget_others);
    }

    /// Forgets what is over; says whether nothing is left.
    pub(crate) fn is_over(&mut self, now: i64) -> bool {
        self.counts.retain_mut(|count| !count.is_over(now));
        self.counts.is_empty() && self.line.is_empty() && self.wanted.is_empty()
    }
}
