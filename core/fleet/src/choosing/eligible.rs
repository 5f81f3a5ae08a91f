//! Whether an account can take a request now: one rule for free, sticky and bound requests, and for `explain`.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use sluice_api::error::Condition;
use sluice_config::key::Key;

use crate::choosing::candidates::Target;
use crate::fleet::Fleet;
use crate::health::Standing;

/// How an account takes a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// As one of many.
    Open,
    /// Alone, to see whether it works again.
    Probe,
}

impl fmt::Display for Admission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open => f.write_str("it can take requests"),
            Self::Probe => f.write_str("it can take one request, as a probe after a failing state"),
        }
    }
}

/// Why an account is passed over now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Passed {
    /// The operator has switched it off.
    Disabled,
    /// Its health does not allow it.
    Out {
        /// Which state it is in.
        condition: Condition,
        /// Until when.
        until: Timestamp,
        /// What the upstream said.
        reason: Arc<str>,
    },
    /// Its provider is overloaded, and it has a request in flight already.
    ProviderOverloaded {
        /// Until when.
        until: Timestamp,
    },
    /// It has all the requests that it may have at once.
    Full,
    /// It was tried for this request already.
    Tried,
}

impl Passed {
    /// When it can take requests again, where that is known.
    pub fn until(&self) -> Option<Timestamp> {
        match self {
            Self::Out { until, .. } | Self::ProviderOverloaded { until } => Some(*until),
            Self::Disabled | Self::Full | Self::Tried => None,
        }
    }

    /// Whether a session on it has lost it, and sticks to another from now on.
    pub const fn is_lost(&self) -> bool {
        !matches!(self, Self::Full | Self::ProviderOverloaded { .. })
    }
}

impl fmt::Display for Passed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Disabled => f.write_str("it is disabled"),
            Self::Out { condition, until, reason } => {
                write!(f, "it is {} until {until}: {reason}", condition.name())
            }
            Self::ProviderOverloaded { until } => {
                write!(f, "its provider is overloaded until {until}: one request at a time")
            }
            Self::Full => f.write_str("it has all the requests that it may have at once"),
            Self::Tried => f.write_str("it was tried for this request already"),
        }
    }
}

/// Whether a target can take a request of a key now.
pub fn standing(target: &Target, key: &Key, fleet: &Fleet, now: Timestamp) -> Result<Admission, Passed> {
    let account = &target.account;
    if !account.config.enabled {
        return Err(Passed::Disabled);
    }
    let admission = match account.health.standing(&key.id, &target.model, now) {
        Standing::Open => Admission::Open,
        Standing::Probe => Admission::Probe,
        Standing::Out(mark) => {
            return Err(Passed::Out { condition: mark.condition, until: mark.until, reason: mark.reason });
        }
    };
    let in_flight = account.state.in_flight();
    if in_flight > 0
        && let Some(until) = fleet.overloaded_until(account, now)
    {
        return Err(Passed::ProviderOverloaded { until });
    }
    if account.config.concurrency > 0 && account.state.slots() >= account.config.concurrency {
        return Err(Passed::Full);
    }
    Ok(admission)
}
