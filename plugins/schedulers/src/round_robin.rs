//! One after the other: the one used longest ago.

use std::sync::Arc;

use sluice_api::plugin::NoSettings;
use sluice_api::register;
use sluice_api::scheduler::{Ask, Candidate, Scheduler};

use crate::first_tier;

#[derive(Debug)]
pub(crate) struct RoundRobin;

impl Scheduler for RoundRobin {
    fn pick(&self, _ask: &Ask<'_>, candidates: &[Candidate<'_>]) -> Option<usize> {
        first_tier(candidates).min_by_key(|(_, candidate)| candidate.last_used).map(|(at, _)| at)
    }
}

register! {
    dyn Scheduler: "round-robin",
    summary: "Priority, then one account after the other",
    settings: NoSettings,
    build: |_, section| {
        section.read::<NoSettings>()?;
        Ok(Arc::new(RoundRobin))
    },
}
