//! Credentials that were refused: each is counted, and as many are logged as a log can bear.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// Where the log has them: filters name it, so that it stays wherever this stands.
const TARGET: &str = "sluice_engine::refused";

/// How long it takes until a further line may be written. Whoever guesses secrets sends thousands a second.
const EVERY: Duration = Duration::from_secs(1);

/// Whose credentials they were.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Realm {
    /// A client's key.
    Client,
    /// The admin token.
    Admin,
    /// The token of `/metrics`.
    Metrics,
}

impl Realm {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Client, Self::Admin, Self::Metrics];

    /// Its name in metrics and logs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Admin => "admin",
            Self::Metrics => "metrics",
        }
    }
}

/// A request that was refused for its credentials, of which nothing is told.
#[derive(Clone, Copy, Debug)]
pub struct RefusedCredentials<'a> {
    /// Whose they were.
    pub realm: Realm,
    /// The request's id.
    pub request_id: &'a str,
    /// What was asked for: a client API, or a path without its query.
    pub asked: &'a str,
    /// Where it came from.
    pub client: Option<IpAddr>,
}

/// Logs at a bounded rate.
#[derive(Debug, Default)]
pub(crate) struct Throttle(Mutex<[Pace; Realm::ALL.len()]>);

#[derive(Clone, Copy, Debug, Default)]
struct Pace {
    last: Option<Instant>,
    untold: u64,
}

impl Pace {
    /// Whether a line may be written now, and of how many the ones before did not tell.
    fn may(&mut self, now: Instant) -> Option<u64> {
        if self.last.is_some_and(|last| now.saturating_duration_since(last) < EVERY) {
            self.untold += 1;
            return None;
        }
        self.last = Some(now);
        Some(std::mem::take(&mut self.untold))
    }
}

impl Throttle {
    pub(crate) fn log(&self, refused: &RefusedCredentials<'_>, now: Instant) {
        let may = self.0.lock().get_mut(refused.realm as usize).and_then(|pace| pace.may(now));
        let Some(untold) = may else { return };
        tracing::warn!(
            target: TARGET,
            realm = refused.realm.name(),
            request_id = refused.request_id,
            asked = refused.asked,
            client = refused.client.map(tracing::field::display),
            untold = (untold > 0).then_some(untold),
            "credentials were refused"
        );
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{EVERY, Pace, Realm};

    #[test]
    fn one_line_is_written_in_a_while_and_tells_of_those_that_were_not() {
        let mut pace = Pace::default();
        let start = Instant::now();
        let told: Vec<Option<u64>> = [0, 1, 999, 1000, 1001, 3000, 3500, 4000]
            .into_iter()
            .map(|milliseconds| pace.may(start + Duration::from_millis(milliseconds)))
            .collect();
        assert_eq!(EVERY, Duration::from_secs(1));
        assert_eq!(told, [Some(0), None, None, Some(2), None, Some(1), None, Some(1)]);
    }

    #[test]
    fn each_realm_has_a_place_of_its_own() {
        for (at, realm) in Realm::ALL.into_iter().enumerate() {
            assert_eq!(realm as usize, at);
        }
    }
}
