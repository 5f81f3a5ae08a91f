//! How long what an upstream tells keeps an account out.

use std::time::Duration;

use sluice_api::error::Condition;
use sluice_settings::tables::Scheduler;

/// How long an account that no other could stand in for fails at first: out of reach, it helps nobody.
const ALONE: Duration = Duration::from_secs(1);

/// How long states last where the upstream names no time, and when failures take an account out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// After a rate limit.
    pub rate_limited: Duration,
    /// After an overload.
    pub overloaded: Duration,
    /// After failures.
    pub failing: Duration,
    /// After refused credentials.
    pub unauthorized: Duration,
    /// After a used-up quota.
    pub quota: Duration,
    /// The longest, also where the upstream names a time.
    pub max: Duration,
    /// Failures in a row that take an account out.
    pub failures: u32,
}

impl From<&Scheduler> for Policy {
    fn from(scheduler: &Scheduler) -> Self {
        let cooldown = &scheduler.cooldown;
        Self {
            rate_limited: cooldown.rate_limited.0,
            overloaded: cooldown.overloaded.0,
            failing: cooldown.failing.0,
            unauthorized: cooldown.unauthorized.0,
            quota: cooldown.quota.0,
            max: cooldown.max.0,
            failures: scheduler.failures,
        }
    }
}

impl Policy {
    /// The first cool-down of a state, and the longest that doubling makes of it. `alone`: no other account could stand
    /// in.
    #[must_use]
    pub fn base(&self, condition: Condition, alone: bool) -> (Duration, Duration) {
        let first = match condition {
            Condition::RateLimited => self.rate_limited,
            Condition::Overloaded => self.overloaded,
            Condition::Unauthorized => self.unauthorized,
            Condition::QuotaExceeded => self.quota,
            Condition::Failing if alone => return (ALONE.min(self.failing), self.failing),
            Condition::Failing => self.failing,
        };
        (first, self.max)
    }
}
