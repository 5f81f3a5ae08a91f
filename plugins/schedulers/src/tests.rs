//! Laws of every scheduler: loads by weight, nobody starves, a lower priority number comes first.

use sluice_api::dialect::{Api, Operation};
use sluice_api::plugin::Timestamp;
use sluice_api::scheduler::{Ask, Candidate, Scheduler};

use crate::least_loaded::LeastLoaded;
use crate::round_robin::RoundRobin;
use crate::weighted::Weighted;

const ASK: Ask<'static> = Ask::new(Api::Anthropic, Operation::Generate, "m", Timestamp::UNIX_EPOCH);

fn candidate(index: usize, weight: u32, last_used: u64) -> Candidate<'static> {
    let mut candidate = Candidate::new("a", index);
    (candidate.weight, candidate.last_used) = (weight, last_used);
    candidate
}

/// Requests that stay in flight, by account.
fn burst(scheduler: &dyn Scheduler, priorities: &[u32], weights: &[u32], requests: u32) -> Vec<u32> {
    let mut in_flight = vec![0; weights.len()];
    let mut used = vec![0; weights.len()];
    for turn in 1..=requests {
        let candidates: Vec<Candidate<'_>> = (0..weights.len())
            .map(|at| {
                let mut candidate = candidate(at, weights[at], used[at]);
                (candidate.priority, candidate.in_flight) = (priorities[at], in_flight[at]);
                candidate
            })
            .collect();
        // Who only looks ahead sees what comes, and changes nothing of it.
        let foreseen = [scheduler.foresee(&ASK, &candidates), scheduler.foresee(&ASK, &candidates)];
        let best = scheduler.pick(&ASK, &candidates).unwrap();
        assert_eq!(foreseen, [Some(best); 2], "{scheduler:?}");
        in_flight[best] += 1;
        used[best] = u64::from(turn);
    }
    in_flight
}

fn schedulers() -> [(Box<dyn Scheduler>, bool); 3] {
    [(Box::new(LeastLoaded), true), (Box::new(RoundRobin), false), (Box::<Weighted>::default(), true)]
}

#[test]
fn a_burst_spreads_by_weight_within_five_per_cent() {
    for (scheduler, weighs) in schedulers() {
        assert_eq!(burst(&*scheduler, &[1, 1, 1], &[1, 1, 1], 999), [333, 333, 333], "{scheduler:?}");
        let wanted = if weighs { [100_u32, 300, 600] } else { [333, 333, 333] };
        for (spread, wanted) in burst(&*scheduler, &[1; 3], &[1, 3, 6], 1000).into_iter().zip(wanted) {
            assert!(spread.abs_diff(wanted) * 20 <= wanted, "{scheduler:?}: {spread} for {wanted}");
        }
    }
}

#[test]
fn a_lower_priority_number_comes_first() {
    for (scheduler, _) in schedulers() {
        assert_eq!(burst(&*scheduler, &[2, 1, 1], &[9, 1, 1], 10), [0, 5, 5], "{scheduler:?}");
    }
}

#[test]
fn weights_are_interleaved_and_not_served_in_blocks() {
    let weighted = Weighted::default();
    let mut picked = Vec::new();
    for _ in 0..7 {
        let candidates = [(0, 5), (1, 1), (2, 1)].map(|(index, weight)| candidate(index, weight, 0));
        picked.push(weighted.pick(&ASK, &candidates).unwrap());
    }
    assert_eq!(picked, [0, 0, 1, 0, 2, 0, 0]);
}

#[test]
fn no_account_starves_where_requests_come_one_by_one() {
    for (scheduler, _) in schedulers() {
        let mut used = [0_u64; 3];
        let mut served = [0; 3];
        for turn in 1..=60 {
            let candidates: Vec<Candidate<'_>> = [1, 3, 6]
                .into_iter()
                .enumerate()
                .map(|(at, weight)| candidate(at, weight, used[at]))
                .collect();
            let best = scheduler.pick(&ASK, &candidates).unwrap();
            used[best] = turn;
            served[best] += 1;
        }
        assert!(served.into_iter().all(|count| count >= 6), "{scheduler:?}: {served:?}");
    }
}
