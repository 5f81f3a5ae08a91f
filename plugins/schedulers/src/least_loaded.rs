//! The least in flight for its weight, then the one used longest ago.

use std::cmp::Ordering;
use std::sync::Arc;

use sluice_api::plugin::NoSettings;
use sluice_api::register;
use sluice_api::scheduler::{Ask, Candidate, Scheduler};

use crate::first_tier;

#[derive(Debug)]
pub(crate) struct LeastLoaded;

impl Scheduler for LeastLoaded {
    fn pick(&self, _ask: &Ask<'_>, candidates: &[Candidate<'_>]) -> Option<usize> {
        first_tier(candidates).min_by(|(_, one), (_, other)| compare(one, other)).map(|(at, _)| at)
    }
}

fn compare(one: &Candidate<'_>, other: &Candidate<'_>) -> Ordering {
    // in_flight / weight, compared without a division: a / b < c / d is a × d < c × b.
    let load = |candidate: &Candidate<'_>, by: &Candidate<'_>| {
        u64::from(candidate.in_flight) * u64::from(by.weight.max(1))
    };
    load(one, other).cmp(&load(other, one)).then_with(|| one.last_used.cmp(&other.last_used))
}

register! {
    dyn Scheduler: "least-loaded",
    summary: "Priority, then requests in flight relative to weight, then used longest ago",
    settings: NoSettings,
    build: |_, section| {
        section.read::<NoSettings>()?;
        Ok(Arc::new(LeastLoaded))
    },
}
