//! A clock that nobody sets: windows that roll go by it, so that a wall clock which is put forward or back changes none.

use std::time::Instant;

use jiff::{SignedDuration, Timestamp};

/// It begins with the wall clock, and goes on by itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    began: Instant,
    wall: Timestamp,
}

impl Clock {
    pub(crate) fn new(began: Instant, wall: Timestamp) -> Self {
        Self { began, wall }
    }

    /// The time that it is at a moment.
    pub(crate) fn at(self, now: Instant) -> Timestamp {
        let passed = SignedDuration::try_from(now.saturating_duration_since(self.began));
        self.wall.saturating_add(passed.unwrap_or(SignedDuration::MAX)).unwrap_or(Timestamp::MAX)
    }
}
