//! The containers that ran code and are paid: each costs its fee once, however many responses use it.
//!
//! They are remembered in this process alone: one that is still used after a restart, or through another gateway, is taken
//! for a new one there, once.

use std::collections::HashSet;
use std::hash::{BuildHasher as _, RandomState};

use parking_lot::Mutex;

/// How many are kept in each of the two halves, at some 10 bytes each. A container that nobody uses ends within the hour.
const HALF: usize = 16_384;

/// What is remembered of them.
#[derive(Debug, Default)]
pub struct Containers {
    paid: Mutex<Halves>,
    hashes: RandomState,
}

/// The newer half, and the older one, which goes when the newer one is full.
#[derive(Debug, Default)]
struct Halves {
    newer: HashSet<u64>,
    older: HashSet<u64>,
}

impl Containers {
    /// How many of an account's containers are paid; each is told by the hash of its name.
    #[must_use]
    pub fn paid(&self, account: &str, names: &[u64]) -> u64 {
        if names.is_empty() {
            return 0;
        }
        let paid = self.paid.lock();
        let known = names.iter().map(|name| self.hashes.hash_one((account, name)));
        known.filter(|one| paid.newer.contains(one) || paid.older.contains(one)).count() as u64
    }

    /// From now on these are. One that is used stays known.
    pub fn pay(&self, account: &str, names: &[u64]) {
        if names.is_empty() {
            return;
        }
        let mut paid = self.paid.lock();
        for name in names {
            if paid.newer.len() >= HALF {
                paid.older = std::mem::take(&mut paid.newer);
            }
            paid.newer.insert(self.hashes.hash_one((account, name)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Containers, HALF};

    #[test]
    fn a_container_is_paid_once_by_each_account_and_no_more_are_kept_than_fit() {
        let containers = Containers::default();
        assert_eq!(containers.paid("a", &[1, 2]), 0);
        containers.pay("a", &[1]);
        assert_eq!(containers.paid("a", &[1, 2]), 1);
        assert_eq!(containers.paid("b", &[1, 2]), 0);
        let all: Vec<u64> = (0..5 * HALF as u64).collect();
        for some in all.chunks(1000) {
            containers.pay("a", some);
            // One that is used stays known.
            assert_eq!(containers.paid("a", &[1]), 1);
            containers.pay("a", &[1]);
        }
        let kept = containers.paid("a", &all) as usize;
        assert!((HALF..=2 * HALF).contains(&kept), "{kept}");
    }
}
