//! Leases: all is taken or nothing, whose take had no room is said, and what is given back is there again.

use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;
use sluice_api::limiter::{Bucket, Principal, Take};
use sluice_api::plugin::Timestamp;
use sluice_api::store::{Lease, LeaseId, Owner, Taken};

use crate::held::{Checked, Stores, hold};

#[derive(Clone, Debug)]
enum Step {
    /// Takes from buckets: which, how much, of how many.
    Take(Vec<(usize, u64, u64)>),
    /// Gives back one of those that are held.
    Give(prop::sample::Index),
}

const BUCKETS: usize = 3;

fn step() -> impl Strategy<Value = Step> {
    let most = prop_oneof![8 => 0..6_u64, 1 => Just(u64::MAX)];
    prop_oneof![
        3 => vec((0..BUCKETS, most.clone(), most), 0..4).prop_map(Step::Take),
        2 => any::<prop::sample::Index>().prop_map(Step::Give),
    ]
}

fn bucket(number: usize) -> Bucket {
    Bucket::new("concurrency", Principal::Key(Arc::from(format!("key-{number}"))))
}

/// A lease takes all that it says or nothing, and what is given back is there again.
///
/// # Panics
///
/// Where that is not so.
pub fn all_is_taken_or_nothing(stores: &dyn Stores) {
    hold(48, &vec(step(), 1..40), async |steps| run(stores, steps).await);
}

async fn run(stores: &dyn Stores, steps: Vec<Step>) -> Checked {
    let store = stores.fresh().await;
    let mut held: Vec<Lease> = Vec::new();
    let mut count = [0_u64; BUCKETS];
    for (number, step) in steps.into_iter().enumerate() {
        match step {
            Step::Take(takes) => {
                let mut after = count;
                let mut full = None;
                for (at, (bucket, amount, limit)) in takes.iter().enumerate() {
                    match after[*bucket].checked_add(*amount).filter(|sum| sum <= limit) {
                        Some(sum) => after[*bucket] = sum,
                        None => {
                            full = Some(at);
                            break;
                        }
                    }
                }
                let takes: Vec<Take> = takes
                    .into_iter()
                    .map(|(number, amount, limit)| {
                        let mut take = Take::one(bucket(number), limit);
                        take.amount = amount;
                        take
                    })
                    .collect();
                let id = LeaseId::new(Owner(1), u64::try_from(number).unwrap());
                let (since, until) = (Timestamp::UNIX_EPOCH, Timestamp::MAX);
                match store.take_all(Lease::new(id, since, until, takes.clone())).await.unwrap() {
                    Taken::Lease(lease) => {
                        prop_assert_eq!(full, None, "{:?} was taken", takes);
                        prop_assert_eq!(lease.id, id);
                        held.push(lease);
                        count = after;
                    }
                    Taken::Refused(refused) => {
                        let full = full.map(|at| &takes[at]);
                        prop_assert_eq!(full, Some(&refused.take));
                    }
                }
            }
            Step::Give(which) => {
                if !held.is_empty() {
                    let lease = held.swap_remove(which.index(held.len()));
                    for take in &lease.takes {
                        let at = (0..BUCKETS).find(|number| bucket(*number) == take.bucket).unwrap();
                        count[at] -= take.amount;
                    }
                    store.give(lease);
                }
            }
        }
        for (number, count) in count.into_iter().enumerate() {
            prop_assert_eq!(store.held(&bucket(number)).await.unwrap(), count, "bucket {}", number);
        }
    }
    Ok(())
}
