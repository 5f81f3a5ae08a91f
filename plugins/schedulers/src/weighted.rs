//! By weight, evenly interleaved, whatever is in flight.
//!
//! The smooth weighted round-robin of nginx: each candidate gains its weight, the one with the most is picked and pays
//! the sum of all. Weights 5, 1, 1 give A A B A C A A, not A A A A A B C.

use std::sync::Arc;

use parking_lot::Mutex;
use sluice_api::plugin::NoSettings;
use sluice_api::register;
use sluice_api::scheduler::{Ask, Candidate, Scheduler};

use crate::first_tier;

/// What each account has gained and not yet paid, by its index. An account that was out keeps what it had, which is
/// less than the sum of all weights, so that its return is no flood.
#[derive(Debug, Default)]
pub(crate) struct Weighted(Mutex<Vec<i64>>);

impl Scheduler for Weighted {
    fn pick(&self, _ask: &Ask<'_>, candidates: &[Candidate<'_>]) -> Option<usize> {
        take_turn(&mut self.0.lock(), candidates)
    }

    fn foresee(&self, _ask: &Ask<'_>, candidates: &[Candidate<'_>]) -> Option<usize> {
        take_turn(&mut self.0.lock().clone(), candidates)
    }
}

fn take_turn(gained: &mut Vec<i64>, candidates: &[Candidate<'_>]) -> Option<usize> {
    let mut sum = 0;
    let mut best: Option<(usize, usize, i64)> = None;
    for (at, candidate) in first_tier(candidates) {
        let weight = i64::from(candidate.weight.max(1));
        sum += weight;
        if gained.len() <= candidate.index {
            gained.resize(candidate.index + 1, 0);
        }
        let Some(own) = gained.get_mut(candidate.index) else { continue };
        *own += weight;
        if best.is_none_or(|(.., most)| *own > most) {
            best = Some((at, candidate.index, *own));
        }
    }
    let (at, index, _) = best?;
    if let Some(own) = gained.get_mut(index) {
        *own -= sum;
    }
    Some(at)
}

register! {
    dyn Scheduler: "weighted",
    summary: "Priority, then by weight, evenly interleaved",
    settings: NoSettings,
    build: |_, section| {
        section.read::<NoSettings>()?;
        Ok(Arc::new(Weighted::default()))
    },
}
