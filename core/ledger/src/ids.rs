//! Ids of records: in the order of time as far as clocks go forward, and none twice, whoever else makes them.

use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use sluice_api::record::Record;
use sluice_api::store::Process;

/// Gives ids. Of those of a millisecond each process that shares the store has a part of its own: so no two of them ever
/// give the same one, whatever their clocks say.
#[derive(Debug)]
pub(crate) struct Ids {
    last: AtomicU64,
    /// Where this process's part of a millisecond's ids begins, and where it ends.
    part: (u64, u64),
}

impl Default for Ids {
    fn default() -> Self {
        Self::after(0)
    }
}

impl Ids {
    /// Those behind this one, for a process that is alone.
    pub(crate) const fn after(last: u64) -> Self {
        Self { last: AtomicU64::new(last), part: (0, Record::IDS_IN_ONE) }
    }

    /// Those of one process among several.
    pub(crate) fn of_process(self, Process { number, of, .. }: Process) -> Self {
        let each = (Record::IDS_IN_ONE / u64::from(of.max(1))).max(1);
        let first = each.saturating_mul(number.into()).min(Record::IDS_IN_ONE - each);
        Self { part: (first, first + each), ..self }
    }

    /// The next one of a record that begins now.
    pub(crate) fn next(&self, now: Timestamp) -> u64 {
        let at = Record::id_at(now);
        let before =
            self.last.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| Some(self.own(last, at)));
        self.own(before.unwrap_or_else(|last| last), at)
    }

    /// The first of its own behind one, and not before another.
    fn own(&self, last: u64, at: u64) -> u64 {
        let next = last.saturating_add(1).max(at);
        let (first, behind) = self.part;
        let place = next % Record::IDS_IN_ONE;
        if place >= behind {
            // What it has of this millisecond is used up.
            return (next - place).saturating_add(Record::IDS_IN_ONE).saturating_add(first);
        }
        next.saturating_add(first.saturating_sub(place))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use sluice_api::store::Process;

    use super::*;

    fn of(number: u32, of: u32) -> Ids {
        Ids::after(7).of_process(Process::new(number, of))
    }

    #[test]
    fn no_two_processes_give_one_id_and_each_of_them_ever_larger_ones() {
        let now = |millisecond: i64| Timestamp::from_millisecond(1_795_000_000_000 + millisecond).unwrap();
        let mut all = HashSet::new();
        for number in [0, 1, 511, 1_023] {
            let ids = of(number, 1_024);
            let mut last = 0;
            // More in one millisecond than it has, and a clock that goes back.
            for millisecond in std::iter::repeat_n(0, 3_000).chain([-5_000, 2, 2, 9]) {
                let id = ids.next(now(millisecond));
                assert!(id > last && all.insert(id), "{number} {id}");
                last = id;
            }
            assert_eq!(Record::time_of(last), now(9));
        }
    }

    #[test]
    fn who_is_alone_has_them_all() {
        let now = Timestamp::from_millisecond(1_795_000_000_000).unwrap();
        for ids in [Ids::after(0), of(0, 1), of(0, 0)] {
            assert_eq!([ids.next(now), ids.next(now)], [Record::id_at(now), Record::id_at(now) + 1]);
        }
        // A number that there is not is no reason to give another's.
        assert!(of(9, 2).next(now) >= Record::id_at(now) + Record::IDS_IN_ONE / 2);
        assert_eq!(Ids::after(u64::MAX - 9).next(now), u64::MAX - 8);
    }
}
