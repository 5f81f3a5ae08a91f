//! All principals, spread over locks, so that those who have nothing in common seldom wait for one another.

use std::collections::{HashMap, VecDeque};
use std::hash::BuildHasher as _;

use foldhash::fast::RandomState;
use parking_lot::{Mutex, MutexGuard};
use sluice_api::limiter::Principal;
use smallvec::SmallVec;

use crate::party::Party;

/// How many locks there are: more than a machine has cores that could want them at once.
const SHARDS: usize = 64;

/// All principals.
#[derive(Debug)]
pub(crate) struct Shards {
    all: Box<[Mutex<Shard>]>,
    hash: RandomState,
}

impl Default for Shards {
    fn default() -> Self {
        let all = (0..SHARDS).map(|_| Mutex::default()).collect();
        Self { all, hash: RandomState::default() }
    }
}

#[derive(Debug, Default)]
struct Shard {
    parties: HashMap<Principal, Party, RandomState>,
    /// The same principals, in the order in which they are looked at for what is over.
    rounds: VecDeque<Principal>,
}

impl Shards {
    /// Locks those of these principals, in the one order in which everybody does.
    pub(crate) fn lock<'a>(&self, principals: impl Iterator<Item = &'a Principal>) -> Locked<'_> {
        let mut which: SmallVec<[usize; 4]> = principals.map(|principal| self.which(principal)).collect();
        which.sort_unstable();
        which.dedup();
        let lock = |at: usize| self.all.get(at).map(|shard| (at, shard.lock()));
        Locked { shards: self, guards: which.into_iter().filter_map(lock).collect() }
    }

    /// Looks at one principal.
    pub(crate) fn look<T>(&self, principal: &Principal, look: impl FnOnce(&Party) -> T) -> Option<T> {
        let shard = self.all.get(self.which(principal))?.lock();
        shard.parties.get(principal).map(look)
    }

    /// Does something with what is kept of each principal, one lock after the other.
    pub(crate) fn each(&self, mut with: impl FnMut(&mut Party)) {
        for shard in &self.all {
            shard.lock().parties.values_mut().for_each(&mut with);
        }
    }

    fn which(&self, principal: &Principal) -> usize {
        // Below the number of shards, so that it is a usize wherever there is one.
        usize::try_from(self.hash.hash_one(principal) % SHARDS as u64).unwrap_or(0)
    }

    /// How many principals something is kept of.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.all.iter().map(|shard| shard.lock().parties.len()).sum()
    }
}

/// The locks of some principals.
pub(crate) struct Locked<'a> {
    shards: &'a Shards,
    guards: SmallVec<[(usize, MutexGuard<'a, Shard>); 4]>,
}

impl Locked<'_> {
    fn shard(&mut self, principal: &Principal) -> Option<&mut Shard> {
        let which = self.shards.which(principal);
        self.guards.iter_mut().find(|(at, _)| *at == which).map(|(_, shard)| &mut **shard)
    }

    /// What is kept of a principal that is locked, if anything is.
    pub(crate) fn get(&mut self, principal: &Principal) -> Option<&mut Party> {
        self.shard(principal)?.parties.get_mut(principal)
    }

    /// What is kept of a principal that is locked, from now on at least; does something with it.
    pub(crate) fn open<T>(&mut self, principal: &Principal, with: impl FnOnce(&mut Party) -> T) -> Option<T> {
        let shard = self.shard(principal)?;
        if let Some(party) = shard.parties.get_mut(principal) {
            return Some(with(party));
        }
        shard.rounds.push_back(principal.clone());
        Some(with(shard.parties.entry(principal.clone()).or_default()))
    }

    /// Looks at the next principal of each, and forgets it where nothing is to be known of it any more: with each call a
    /// little, so that it costs nobody much and keeps up with whatever is made.
    pub(crate) fn tidy(&mut self, now: i64) {
        for (_, shard) in &mut self.guards {
            // Each call makes one principal in a shard, or few: two for each are enough.
            for _ in 0..2 {
                let Some(principal) = shard.rounds.pop_front() else { break };
                let over = shard.parties.get_mut(&principal).is_none_or(|party| party.is_over(now));
                if over {
                    shard.parties.remove(&principal);
                } else {
                    shard.rounds.push_back(principal);
                }
            }
        }
    }
}
