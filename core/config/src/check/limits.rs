//! Limits of accounts, groups and keys: what is wrong with them that their types do not tell.

use std::collections::HashMap;
use std::time::Duration;

use sluice_api::settings::Span;
use sluice_settings::key::Queue;
use sluice_settings::limit::{DOLLARS_MOST, Limit, MOST, Per};

use crate::limits::{UNITS_PER_DOLLAR, each};

/// A day, which retention counts.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The shortest rolling window: over many gateways, one that is shorter says nothing.
const SHORTEST: Duration = Duration::from_secs(1);

/// Notes problems of one section: the key within it, and the sentence.
pub(crate) type Wrong<'a> = dyn FnMut(&str, String) + 'a;

/// Limits under the key `limits`.
pub(super) fn check(limits: &[Limit], retention_days: u32, wrong: &mut Wrong<'_>) {
    let mut counted = HashMap::new();
    for (at, limit) in limits.iter().enumerate() {
        let key = |key: &str| format!("limits[{at}]{key}");
        if limit.requests.is_none() && limit.tokens.is_none() && limit.cost.is_none() {
            wrong(&key(""), "a limit needs `requests`, `tokens` or `cost`".to_owned());
        }
        window(limit.per, retention_days, &mut |message| wrong(&key(".per"), message));
        amounts(limit, &mut |unit, message| wrong(&key(&format!(".{unit}")), message));
        for one in each(limit) {
            let unit = one.unit.name();
            if let Some(other) = counted.insert(one.part, at) {
                let message = format!(
                    "limits[{other}] counts {unit} of the same models in the same window: leave one of them out"
                );
                wrong(&key(&format!(".{unit}")), message);
            }
        }
    }
}

fn window(per: Per, retention_days: u32, wrong: &mut dyn FnMut(String)) {
    let Per::Rolling(Span(length)) = per else { return };
    let found = || serde_json::to_string(&per).unwrap_or_default();
    if length < SHORTEST {
        wrong(format!("a window is at least 1 s long; found {}", found()));
    }
    if length > DAY * retention_days {
        wrong(format!(
            "a window is at most stats.retention_days long, which is {retention_days} days; found {}",
            found()
        ));
    }
}

fn amounts(limit: &Limit, wrong: &mut dyn FnMut(&str, String)) {
    for (unit, amount) in [("requests", limit.requests), ("tokens", limit.tokens)] {
        match amount {
            Some(0) => wrong(unit, format!("a limit of 0 {unit} would refuse every request: at least 1")),
            Some(amount) if amount > MOST => {
                wrong(unit, format!("a limit is at most {MOST} {unit}; found {amount}"));
            }
            _ => {}
        }
    }
    match limit.cost.as_ref().map(sluice_settings::limit::Decimal::ten_billionths) {
        Some(0) => {
            wrong("cost", "a limit of 0 dollars would refuse every request: more than \"0\"".to_owned());
        }
        Some(cost) if cost > u128::from(DOLLARS_MOST) * u128::from(UNITS_PER_DOLLAR) => {
            wrong("cost", format!("a limit is at most \"{DOLLARS_MOST}\" dollars"));
        }
        _ => {}
    }
}

/// A bound on output tokens.
pub(super) fn output(most: Option<u64>, wrong: &mut Wrong<'_>) {
    const KEY: &str = "max_output_tokens";
    match most {
        Some(0) => {
            wrong(KEY, "no model answers with 0 tokens: at least 1; leave it out for no bound".to_owned())
        }
        Some(most) if most > MOST => wrong(KEY, format!("it is at most {MOST}; found {most}")),
        _ => {}
    }
}

/// Where a key's requests wait for slots; `bounded` says whether there are any to wait for.
pub(super) fn queue(queue: Option<Queue>, bounded: bool, wrong: &mut Wrong<'_>) {
    let Some(queue) = queue else { return };
    if queue.size == 0 {
        wrong("queue.size", "a queue in which nobody can wait: its size is at least 1".to_owned());
    }
    if queue.wait.0.is_zero() {
        wrong("queue.wait", "a queue in which nobody may wait: its wait is more than 0".to_owned());
    }
    if !bounded {
        let message = "a queue needs `concurrency`, of the key or of its group: without a bound on requests at once \
                       nobody waits";
        wrong("queue", message.to_owned());
    }
}
