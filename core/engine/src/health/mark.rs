//! One state of one scope: an account, or a model on it.

use std::sync::Arc;
use std::time::Duration;

use sluice_api::{Condition, Timestamp};

use super::evidence::{Row, Told};
use super::{Noted, Policy};

/// Doublings after which a cool-down grows no more; `cooldown.max` is reached long before.
const STRIKES_MAX: u32 = 16;

/// How long others wait for what a probe tells, before one of them is let through as another; doubling with each that
/// tells nothing, as an upstream may hang.
const PROBE_WAIT: Duration = Duration::from_secs(3);

/// Doublings after which that wait grows no more.
const PROBES_MAX: u32 = 6;

/// The longest reason that is kept.
const REASON_MAX: usize = 300;

/// Whether a request may go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It may.
    Open,
    /// It may, alone: the state is over, but not shown to be.
    Probe,
    /// It may not.
    Out(Mark),
}

impl Standing {
    /// Where both must let a request go.
    pub(super) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Out(one), Self::Out(other)) => {
                Self::Out(if one.until >= other.until { one } else { other })
            }
            (out @ Self::Out(_), _) | (_, out @ Self::Out(_)) => out,
            (Self::Probe, _) | (_, Self::Probe) => Self::Probe,
            (Self::Open, Self::Open) => Self::Open,
        }
    }
}

/// A state and when it ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) condition: Condition,
    pub(crate) since: Timestamp,
    pub(crate) until: Timestamp,
    pub(crate) reason: Arc<str>,
    /// How often it went on after it was over.
    strikes: u32,
    probes: Probes,
}

/// Requests that were let through to see whether a state is over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Probes {
    /// Those that have told nothing yet.
    out: u32,
    /// All of them, since there was none.
    sent: u32,
    /// When another one may go.
    next: Option<Timestamp>,
}

impl Mark {
    /// A limit ends when its time is over; whether what was broken works again has to be seen.
    const fn is_proven_by_probe(&self) -> bool {
        matches!(self.condition, Condition::Failing | Condition::Unauthorized | Condition::QuotaExceeded)
    }
}

/// What is known of one scope.
#[derive(Debug, Default)]
pub(super) struct Track {
    mark: Option<Mark>,
    row: Row,
}

impl Track {
    pub(super) fn standing(&self, now: Timestamp) -> Standing {
        let Some(mark) = &self.mark else { return Standing::Open };
        if now < mark.until {
            return Standing::Out(mark.clone());
        }
        match mark.probes.next {
            _ if !mark.is_proven_by_probe() => Standing::Open,
            Some(next) if now < next => Standing::Out(Mark { until: next, ..mark.clone() }),
            _ => Standing::Probe,
        }
    }

    pub(super) fn probe(&mut self, now: Timestamp) {
        if let Some(mark) = self.mark.as_mut().filter(|mark| now >= mark.until) {
            let probes = &mut mark.probes;
            probes.next = Some(later(now, PROBE_WAIT.saturating_mul(1 << probes.sent.min(PROBES_MAX))));
            probes.out = probes.out.saturating_add(1);
            probes.sent = probes.sent.saturating_add(1);
        }
    }

    pub(super) fn release(&mut self) {
        if let Some(mark) = &mut self.mark {
            mark.probes.out = mark.probes.out.saturating_sub(1);
            if mark.probes.out == 0 {
                mark.probes = Probes::default();
            }
        }
    }

    /// Takes what a failure told. Of two times the later one wins. `others` says whether another client was answered
    /// lately.
    pub(super) fn note(
        &mut self,
        condition: Condition,
        told: &Told<'_>,
        others: bool,
        policy: &Policy,
        now: Timestamp,
    ) {
        if condition == Condition::Failing && !self.row.is_news(told.facts.connection) {
            return;
        }
        let before = self.mark.take();
        let is_over = before.as_ref().is_some_and(|mark| now >= mark.until);
        if condition == Condition::Failing {
            // One failure says little, unless it was the probe after a state that seemed over.
            let was_probe = is_over && before.as_ref().is_some_and(Mark::is_proven_by_probe);
            if !self.row.count(told, others, policy.failures) && !was_probe {
                self.mark = before;
                return;
            }
        }
        // What comes after another state has ended is a state of its own, and does not go on.
        let before = before.filter(|mark| !is_over || mark.condition == condition);
        let strikes = before.as_ref().map_or(0, |mark| mark.strikes + u32::from(is_over)).min(STRIKES_MAX);
        let (base, most) = policy.base(condition, told.alone);
        let doubled = base.saturating_mul(1 << strikes).min(most);
        let until = later(now, told.facts.recovers.unwrap_or(doubled).min(policy.max));
        self.mark = Some(match before {
            Some(mark) if mark.until >= until => Mark { probes: Probes::default(), ..mark },
            before => Mark {
                condition,
                since: before.filter(|mark| mark.condition == condition).map_or(now, |mark| mark.since),
                until,
                reason: bounded(&told.facts.reason()).into(),
                strikes,
                probes: Probes::default(),
            },
        });
    }

    /// A whole answer: failures are no longer in a row.
    pub(super) fn completed(&mut self) {
        self.row = Row::default();
    }

    /// A state is over, whatever its time.
    pub(super) fn forget(&mut self, condition: Condition) {
        self.mark.take_if(|mark| mark.condition == condition);
    }

    /// An answer to a request that began before the state says nothing about its end.
    pub(super) fn answered(&mut self, now: Timestamp) {
        if self.mark.as_ref().is_some_and(|mark| now >= mark.until) {
            self.mark = None;
        }
    }

    pub(super) const fn is_clear(&self) -> bool {
        self.mark.is_none() && self.row.is_empty()
    }

    pub(super) fn until(&self) -> Option<Timestamp> {
        self.mark.as_ref().map(|mark| mark.until)
    }

    /// The state now. What is proven by a probe lasts until one has shown it.
    pub(super) fn noted(&self, now: Timestamp) -> Option<Noted> {
        let mark = self.mark.as_ref().filter(|mark| now < mark.until || mark.is_proven_by_probe())?;
        Some(Noted {
            condition: mark.condition,
            since: mark.since,
            until: mark.until,
            reason: Arc::clone(&mark.reason),
        })
    }
}

/// A time after another one.
pub(crate) fn later(now: Timestamp, by: Duration) -> Timestamp {
    now.saturating_add(by).unwrap_or(Timestamp::MAX)
}

fn bounded(reason: &str) -> &str {
    let mut end = reason.len().min(REASON_MAX);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    reason.get(..end).unwrap_or_default()
}
