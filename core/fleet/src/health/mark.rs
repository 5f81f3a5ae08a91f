//! One state, when it ends, and its probe.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use sluice_api::error::Condition;
use sluice_config::cooldown::Policy;

use super::evidence::FailedAttempt;
use super::time::later;
use super::told::Told;

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

/// A state as operators see it.
#[derive(Clone, Debug)]
pub struct Noted {
    /// Which state.
    pub condition: Condition,
    /// Since when.
    pub since: Timestamp,
    /// Until when, unless something else is told before.
    pub until: Timestamp,
    /// What the upstream said.
    pub reason: Arc<str>,
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

/// A state that is told of.
#[derive(Clone, Copy, Debug)]
pub(super) struct News<'a> {
    pub(super) condition: Condition,
    pub(super) told: &'a FailedAttempt<'a>,
    pub(super) policy: &'a Policy,
    pub(super) now: Timestamp,
}

impl Mark {
    /// What is known after news, with what was known before. Of two times the later one wins.
    pub(super) fn after(before: Option<Self>, news: News<'_>) -> Self {
        let News { condition, told, policy, now } = news;
        let is_over = before.as_ref().is_some_and(|mark| mark.is_over(now));
        // What comes after another state has ended is a state of its own, and does not go on.
        let before = before.filter(|mark| !is_over || mark.condition == condition);
        let strikes = before.as_ref().map_or(0, |mark| mark.strikes + u32::from(is_over)).min(STRIKES_MAX);
        let (base, most) = policy.base(condition, told.alone);
        let doubled = base.saturating_mul(1 << strikes).min(most);
        let until = later(now, told.facts.recovers.unwrap_or(doubled).min(policy.max));
        match before {
            Some(mark) if mark.until >= until => Self { probes: Probes::default(), ..mark },
            before => Self {
                condition,
                since: before.filter(|mark| mark.condition == condition).map_or(now, |mark| mark.since),
                until,
                reason: bounded(&told.facts.reason()).into(),
                strikes,
                probes: Probes::default(),
            },
        }
    }

    /// One that another gateway has told of; nobody was let through here to see whether it is over.
    pub(super) fn heard(Told { condition, since, until, reason, strikes }: Told) -> Self {
        let (reason, strikes) = (bounded(&reason).into(), strikes.min(STRIKES_MAX));
        Self { condition, since, until, reason, strikes, probes: Probes::default() }
    }

    /// It as other gateways are told of it.
    pub(super) fn told(&self) -> Told {
        let Self { condition, since, until, strikes, .. } = *self;
        Told { condition, since, until, reason: Arc::clone(&self.reason), strikes }
    }

    pub(super) fn is_over(&self, now: Timestamp) -> bool {
        now >= self.until
    }

    /// A limit ends when its time is over; whether what was broken works again has to be seen.
    pub(super) const fn is_proven_by_probe(&self) -> bool {
        matches!(self.condition, Condition::Failing | Condition::Unauthorized | Condition::QuotaExceeded)
    }

    /// Whether a request goes now to see whether it is over.
    pub(super) fn is_probed(&self, now: Timestamp) -> bool {
        self.is_over(now) && self.is_proven_by_probe()
    }

    pub(super) fn standing(&self, now: Timestamp) -> Standing {
        if !self.is_over(now) {
            return Standing::Out(self.clone());
        }
        match self.probes.next {
            _ if !self.is_proven_by_probe() => Standing::Open,
            Some(next) if now < next => Standing::Out(Self { until: next, ..self.clone() }),
            _ => Standing::Probe,
        }
    }

    pub(super) fn probe(&mut self, now: Timestamp) {
        if self.is_over(now) {
            let probes = &mut self.probes;
            probes.next = Some(later(now, PROBE_WAIT.saturating_mul(1 << probes.sent.min(PROBES_MAX))));
            probes.out = probes.out.saturating_add(1);
            probes.sent = probes.sent.saturating_add(1);
        }
    }

    pub(super) fn release(&mut self) {
        self.probes.out = self.probes.out.saturating_sub(1);
        if self.probes.out == 0 {
            self.probes = Probes::default();
        }
    }

    /// As operators see it. What is proven by a probe lasts until one has shown it.
    pub(super) fn noted(&self, now: Timestamp) -> Option<Noted> {
        (!self.is_over(now) || self.is_proven_by_probe()).then(|| Noted {
            condition: self.condition,
            since: self.since,
            until: self.until,
            reason: Arc::clone(&self.reason),
        })
    }
}

fn bounded(reason: &str) -> &str {
    let mut end = reason.len().min(REASON_MAX);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    reason.get(..end).unwrap_or_default()
}
