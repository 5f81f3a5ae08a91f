//! Schedulers: which account a request goes to.

use std::cmp::Ordering;
use std::sync::Arc;

use sluice_api::plugin::NoSettings;
use sluice_api::register;
use sluice_api::scheduler::{Ask, Candidate, Scheduler};

/// Lowest priority number first; within it the least in flight for its weight, then the one used longest ago.
#[derive(Debug)]
struct LeastLoaded;

impl Scheduler for LeastLoaded {
    fn plan(&self, _ask: &Ask<'_>, candidates: &[Candidate<'_>]) -> Vec<usize> {
        let mut order: Vec<(usize, &Candidate<'_>)> = candidates.iter().enumerate().collect();
        order.sort_by(|(_, one), (_, other)| compare(one, other));
        order.into_iter().map(|(at, _)| at).collect()
    }
}

fn compare(one: &Candidate<'_>, other: &Candidate<'_>) -> Ordering {
    // in_flight / weight, compared without a division: a / b < c / d is a × d < c × b. The request to come counts.
    let load = |candidate: &Candidate<'_>, by: &Candidate<'_>| {
        (u64::from(candidate.in_flight) + 1) * u64::from(by.weight.max(1))
    };
    one.priority
        .cmp(&other.priority)
        .then_with(|| load(one, other).cmp(&load(other, one)))
        .then_with(|| one.last_used.cmp(&other.last_used))
}

register! {
    dyn Scheduler: "least-loaded",
    summary: "Priority, then requests in flight relative to weight, then used longest ago",
    settings: NoSettings,
    build: |section| {
        section.read::<NoSettings>()?;
        Ok(Arc::new(LeastLoaded))
    },
}

#[cfg(test)]
mod tests {
    use super::LeastLoaded;
    use sluice_api::scheduler::{Ask, Candidate, Scheduler};
    use sluice_api::{Api, Operation};

    const ASK: Ask<'static> = Ask { api: Api::Anthropic, operation: Operation::Generate, model: "m" };

    /// Requests that stay in flight, by account.
    fn burst(priorities: &[u32], weights: &[u32], requests: u32) -> Vec<u32> {
        let mut in_flight = vec![0; weights.len()];
        let mut used = vec![0; weights.len()];
        for turn in 1..=requests {
            let candidates: Vec<Candidate<'_>> = (0..weights.len())
                .map(|at| Candidate {
                    account: "a",
                    priority: priorities[at],
                    weight: weights[at],
                    in_flight: in_flight[at],
                    last_used: used[at],
                })
                .collect();
            let best = LeastLoaded.plan(&ASK, &candidates)[0];
            in_flight[best] += 1;
            used[best] = u64::from(turn);
        }
        in_flight
    }

    #[test]
    fn a_burst_spreads_by_weight() {
        assert_eq!(burst(&[1, 1, 1], &[1, 1, 1], 999), [333, 333, 333]);
        for (spread, wanted) in burst(&[1, 1], &[1, 3], 1000).into_iter().zip([250_u32, 750]) {
            assert!(spread.abs_diff(wanted) <= 12, "{spread} for {wanted}");
        }
    }

    #[test]
    fn a_lower_priority_number_comes_first() {
        assert_eq!(burst(&[2, 1], &[9, 1], 10), [0, 10]);
    }
}
