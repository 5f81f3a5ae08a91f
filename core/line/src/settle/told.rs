//! What an answer's headers tell of the request: its limits, what was changed of it, and which way it went.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;
use sluice_api::dialect::Api;
use sluice_api::limiter::{Unit, Window};

use super::Settlement;

/// Names what of a request was left out or changed.
const DROPPED: HeaderName = HeaderName::from_static("x-sluice-dropped");

/// A limit, as a client is told of it.
#[derive(Clone, Copy)]
struct Left {
    limit: u64,
    left: u64,
    /// When all of it is there again, by the wall clock.
    resets: Option<Timestamp>,
}

impl Settlement {
    /// Some of the output that the request asked for was lowered: these members of its body.
    pub(crate) fn has_lowered(&mut self, names: &[&'static str]) {
        self.lowered = Some(names.join(", ").into());
    }

    /// The account is asked for this service tier, by its own dialect's name; in another dialect than the client's where
    /// what that has nothing for is named. Of the attempt before, nothing stays.
    pub(crate) fn asks(&mut self, tier: Option<&str>, translated: Option<&[String]>) {
        self.tier = tier.map(Into::into);
        self.translated = translated.is_some();
        self.left_out = translated.filter(|names| !names.is_empty()).map(|names| names.join(", ").into());
    }

    /// Whether the account is asked in another dialect than the client's.
    pub(crate) fn is_translated(&self) -> bool {
        self.translated
    }

    /// What a translated answer is known by where its own dialect's id is of another kind: no other record has it.
    pub(crate) fn answer_id(&self) -> String {
        format!("{:016x}", self.record.id)
    }

    /// Tells all of it.
    pub(crate) fn tells(&self, headers: &mut HeaderMap) {
        for unit in [Unit::Requests, Unit::Tokens] {
            if let Some(left) = self.least_left(unit) {
                self.tells_limit(unit, left, headers);
            }
        }
        for left in [&self.lowered, &self.left_out].into_iter().flatten() {
            let before = headers.get(&DROPPED).and_then(|value| value.to_str().ok());
            let all = before.map_or_else(|| left.to_string(), |before| format!("{before}, {left}"));
            if let Ok(value) = HeaderValue::from_str(&all) {
                headers.insert(DROPPED, value);
            }
        }
        self.reveal(headers);
    }

    /// Of the limits of a unit, the one with least left.
    fn least_left(&self, unit: Unit) -> Option<Left> {
        let counted = self.levels().filter(|(take, _)| take.unit == unit && !take.is_slot());
        let each = counted.map(|(take, level)| {
            let there = level.used.saturating_add(level.reserved);
            // Windows that roll go by a clock that nobody sets.
            let by_the_wall = |time: Timestamp| {
                let wait = time.duration_since(self.gateway.limits().now());
                self.gateway.now().saturating_add(wait).unwrap_or(Timestamp::MAX)
            };
            let resets = match take.window {
                Window::Calendar { .. } => level.resets,
                _ => level.resets.map(by_the_wall),
            };
            Left { limit: take.limit, left: take.limit.saturating_sub(there), resets }
        });
        each.min_by_key(|left| left.left)
    }

    fn tells_limit(&self, unit: Unit, told: Left, headers: &mut HeaderMap) {
        let tokens = unit == Unit::Tokens;
        let (names, resets) = match self.api {
            Api::Anthropic => {
                let names = if tokens { &ANTHROPIC_TOKENS } else { &ANTHROPIC_REQUESTS };
                (names, told.resets.map(|time| whole_second(time).to_string()))
            }
            // Google tells its limits in no header.
            Api::Gemini => return,
            _ => {
                let names = if tokens { &OPENAI_TOKENS } else { &OPENAI_REQUESTS };
                {
                    let wait = |time: Timestamp| {
                        let wait = Duration::try_from(time.duration_since(self.gateway.now()));
                        as_go_writes(wait.unwrap_or_default())
                    };
                    (names, told.resets.map(wait))
                }
            }
        };
        let [limit, left, reset] = names;
        headers.insert(limit.clone(), HeaderValue::from(told.limit));
        headers.insert(left.clone(), HeaderValue::from(told.left));
        if let Some(value) = resets.and_then(|text| HeaderValue::from_str(&text).ok()) {
            headers.insert(reset.clone(), value);
        }
    }

    /// Says which way the request went, where the operator wants that told.
    fn reveal(&self, headers: &mut HeaderMap) {
        if !self.snapshot.as_ref().is_some_and(|snapshot| snapshot.server.reveal_route) {
            return;
        }
        let mut tell = |name: &'static str, text: &str| {
            if let Ok(value) = HeaderValue::from_str(text) {
                headers.insert(HeaderName::from_static(name), value);
            }
        };
        if let Some(account) = &self.record.account {
            tell("x-sluice-account", account);
        }
        if let Some(provider) = &self.record.provider {
            tell("x-sluice-provider", provider);
        }
        tell("x-sluice-attempts", &self.record.attempts.to_string());
    }
}

/// A time in whole seconds, rounded up.
fn whole_second(time: Timestamp) -> Timestamp {
    let second = time.as_second() + i64::from(time.subsec_nanosecond() > 0);
    Timestamp::from_second(second).unwrap_or(time)
}

/// A wait as OpenAI tells it: `6m0s`, in whole seconds rounded up.
fn as_go_writes(wait: Duration) -> String {
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    let (hours, minutes, rest) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    match (hours, minutes) {
        (0, 0) => format!("{rest}s"),
        (0, _) => format!("{minutes}m{rest}s"),
        _ => format!("{hours}h{minutes}m{rest}s"),
    }
}

macro_rules! names {
    ($($kind:ident: $limit:literal, $left:literal, $reset:literal;)*) => {
        $(static $kind: [HeaderName; 3] = [
            HeaderName::from_static($limit),
            HeaderName::from_static($left),
            HeaderName::from_static($reset),
        ];)*
    };
}

names! {
    ANTHROPIC_REQUESTS: "anthropic-ratelimit-requests-limit", "anthropic-ratelimit-requests-remaining", "anthropic-ratelimit-requests-reset";
    ANTHROPIC_TOKENS: "anthropic-ratelimit-tokens-limit", "anthropic-ratelimit-tokens-remaining", "anthropic-ratelimit-tokens-reset";
    OPENAI_REQUESTS: "x-ratelimit-limit-requests", "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests";
    OPENAI_TOKENS: "x-ratelimit-limit-tokens", "x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens";
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::as_go_writes;

    #[test]
    fn a_wait_is_told_as_openai_tells_it() {
        for (ms, told) in [
            (0, "0s"),
            (1, "1s"),
            (59_001, "1m0s"),
            (360_000, "6m0s"),
            (3_600_000, "1h0m0s"),
            (90_061_000, "25h1m1s"),
        ] {
            assert_eq!(as_go_writes(Duration::from_millis(ms)), told);
        }
    }
}
