//! Requests and tokens in a window.

use std::sync::Arc;
use std::time::Duration;

use sluice_api::dialect::Operation;
use sluice_api::error::{Error, Kind};
use sluice_api::limiter::{Denial, Limiter, Principal, Subject, Take, Takes, Unit, Why, Window, Windows};
use sluice_api::plugin::NoSettings;
use sluice_api::register;

use crate::words;

/// Calls of a key in a minute that count tokens, which no other limit counts.
const COUNTS: u64 = 600;

/// Which of the buckets has them.
const COUNTS_PART: &str = "count_tokens";

/// Requests and tokens.
#[derive(Debug)]
pub(crate) struct Rate {
    /// Shared with every bucket that it names.
    counts: Arc<str>,
    windows: Windows,
}

impl Default for Rate {
    fn default() -> Self {
        Self { counts: COUNTS_PART.into(), windows: Windows::default() }
    }
}

impl Limiter for Rate {
    fn takes(&self, subject: &Subject<'_>, takes: &mut Takes) {
        if subject.operation == Operation::CountTokens {
            let keys = subject.parties.iter().filter(|party| matches!(party.principal, Principal::Key(_)));
            for party in keys {
                let bucket = takes.bucket(party.principal.clone()).part(Arc::clone(&self.counts));
                let minute = Window::Rolling(Duration::from_secs(60));
                takes.push(Take::within(bucket, minute, 1, COUNTS));
            }
            return;
        }
        push((subject, &self.windows), takes, |unit| unit != Unit::Cost);
    }

    fn refusal(&self, refused: &Denial) -> Error {
        match refused.why {
            Why::TooMuch => words::too_much(refused),
            Why::Used(wait) => words::used_up(refused, wait, Kind::RateLimited),
            Why::Reserved | Why::Line => words::reserved(refused),
        }
    }
}

/// Takes from the limits of all parties that count the model and a unit.
pub(crate) fn push(
    (subject, windows): (&Subject<'_>, &Windows),
    takes: &mut Takes,
    counts: impl Fn(Unit) -> bool,
) {
    for party in subject.parties {
        let limits = party.limits.iter();
        for limit in limits.filter(|limit| counts(limit.unit) && limit.counts(subject.model)) {
            let (amount, rule) = subject.takes(limit.unit);
            let bucket = takes.bucket(party.principal.clone()).part(Arc::clone(&limit.part));
            let window = windows.of(limit.per, subject.now, subject.zone);
            takes.push(Take::within(bucket, window, amount, limit.most).of(limit.unit, rule));
        }
    }
}

register! {
    dyn Limiter: "rate",
    summary: "Requests and tokens in rolling and calendar windows",
    settings: NoSettings,
    build: |_, section| {
        section.read::<NoSettings>()?;
        Ok(Arc::new(Rate::default()))
    },
}
