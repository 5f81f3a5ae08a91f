//! The time, by both clocks that limits go by.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// A moment.
#[derive(Clone, Copy, Debug)]
pub struct Now<'a> {
    /// By the wall clock, which days, weeks, months and records go by.
    pub wall: Timestamp,
    /// By the one that windows which roll go by, and that nobody sets.
    pub steady: Timestamp,
    /// Whose days, weeks and months they are.
    pub zone: &'a TimeZone,
}

impl Now<'_> {
    /// What the wall clock will show when the other one shows this.
    pub(crate) fn by_the_wall(&self, steady: Timestamp) -> Timestamp {
        self.wall.saturating_add(steady.duration_since(self.steady)).unwrap_or(steady)
    }

    /// What the other one showed, or would have, when the wall clock showed this.
    pub(crate) fn by_the_other(&self, wall: Timestamp) -> Timestamp {
        self.steady.saturating_add(wall.duration_since(self.wall)).unwrap_or(self.steady)
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use jiff::tz::TimeZone;

    use super::Now;

    #[test]
    fn a_moment_of_one_clock_is_one_of_the_other_however_far_they_are_apart() {
        let at = |second| Timestamp::from_second(second).unwrap();
        for (wall, steady) in [(1_000, 1_000), (9_000_000, 1_000), (1_000, 9_000_000)] {
            let now = Now { wall: at(wall), steady: at(steady), zone: &TimeZone::UTC };
            assert_eq!(now.by_the_wall(at(steady + 60)), at(wall + 60));
            assert_eq!(now.by_the_other(at(wall - 60)), at(steady - 60));
        }
    }
}
