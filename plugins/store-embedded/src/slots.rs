//! Slots: counted in memory, taken all or none.

use std::collections::HashMap;

use parking_lot::Mutex;
use sluice_api::limiter::{Bucket, Denial, Take};
use sluice_api::store::{Lease, Taken};

/// What is taken from each bucket; an empty one is not kept. Nothing of it outlives the only gateway that takes from it,
/// so that no lease has to end by itself, and a lease's name is not needed: what was taken comes back with it.
#[derive(Debug, Default)]
pub(crate) struct Slots(Mutex<HashMap<Bucket, u64, foldhash::fast::RandomState>>);

impl Slots {
    pub(crate) fn take_all(&self, lease: Lease) -> Taken {
        let mut held = self.0.lock();
        let full = |(at, take): &(usize, &Take)| {
            let before = lease.takes.iter().take(*at).filter(|before| before.bucket == take.bucket);
            let there = held.get(&take.bucket).copied().unwrap_or(0);
            let mut own = before.map(|before| before.amount).chain([take.amount]);
            let after = own.try_fold(there, u64::checked_add);
            after.is_none_or(|after| after > take.limit)
        };
        if let Some((_, full)) = lease.takes.iter().enumerate().find(full) {
            return Taken::Refused(Denial::new(full.clone()));
        }
        for take in &lease.takes {
            match held.get_mut(&take.bucket) {
                Some(count) => *count += take.amount,
                None => {
                    held.insert(take.bucket.clone(), take.amount);
                }
            }
        }
        Taken::Lease(lease)
    }

    pub(crate) fn give(&self, lease: &Lease) {
        let mut held = self.0.lock();
        for take in &lease.takes {
            if let Some(count) = held.get_mut(&take.bucket) {
                *count = count.saturating_sub(take.amount);
                if *count == 0 {
                    held.remove(&take.bucket);
                }
            }
        }
    }

    pub(crate) fn held(&self, bucket: &Bucket) -> u64 {
        self.0.lock().get(bucket).copied().unwrap_or(0)
    }
}
