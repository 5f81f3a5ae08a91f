//! Overloads of whole providers: believed only when two accounts saw one.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use parking_lot::Mutex;
use sluice_api::error::{Condition, Facts};
use sluice_config::cooldown::Policy;

use super::time::later;

/// Within what time two accounts must have seen it.
const TOGETHER: Duration = Duration::from_secs(5);

/// What upstreams told of each provider, by what its accounts have in common: kind, base URL, region, resource.
///
/// While one is overloaded, an account of it takes one request at a time: each stays reachable, and none adds to the
/// load.
#[derive(Debug, Default)]
pub(crate) struct Overloads(Mutex<HashMap<Arc<str>, Overload>>);

#[derive(Debug)]
struct Overload {
    account: Arc<str>,
    seen: Timestamp,
    until: Option<Timestamp>,
    strikes: u32,
}

/// Who saw something of a provider.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Witness<'a> {
    pub(crate) provider: &'a Arc<str>,
    pub(crate) account: &'a Arc<str>,
}

impl Overloads {
    /// Until when a provider is overloaded.
    pub(crate) fn until(&self, provider: &str, now: Timestamp) -> Option<Timestamp> {
        let all = self.0.lock();
        if all.is_empty() {
            return None;
        }
        all.get(provider)?.until.filter(|until| now < *until)
    }

    /// An account of a provider saw something.
    pub(crate) fn failed(&self, by: Witness<'_>, facts: &Facts, policy: &Policy, now: Timestamp) {
        let Witness { provider, account } = by;
        if facts.condition != Some(Condition::Overloaded) {
            return;
        }
        let mut all = self.0.lock();
        let Some(known) = all.get_mut(provider) else {
            let first = Overload { account: Arc::clone(account), seen: now, until: None, strikes: 0 };
            all.insert(Arc::clone(provider), first);
            return;
        };
        let together = known.account != *account && now <= later(known.seen, TOGETHER);
        let goes_on = known.until.is_some();
        if together || goes_on {
            known.strikes += u32::from(known.until.is_some_and(|until| now >= until));
            let wait = facts
                .recovers
                .unwrap_or_else(|| policy.overloaded.saturating_mul(1 << known.strikes.min(16)));
            let until = later(now, wait.min(policy.max));
            known.until = Some(known.until.map_or(until, |before| before.max(until)));
        }
        known.account = Arc::clone(account);
        known.seen = now;
    }

    /// An account of a provider was answered: once its time is over, the overload is. What one account saw waits for a
    /// second one, whatever others are answered meanwhile.
    pub(crate) fn answered(&self, provider: &str, now: Timestamp) {
        let mut all = self.0.lock();
        if !all.is_empty() {
            all.retain(|known, overload| match overload.until {
                Some(until) => known.as_ref() != provider || now < until,
                None => now <= later(overload.seen, TOGETHER),
            });
        }
    }

    /// An operator says that a provider is well again.
    pub(crate) fn recover(&self, provider: &str) {
        self.0.lock().remove(provider);
    }
}
