//! What requests of a key for a model have used lately: what is expected of the next one.

use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, RandomState};
use std::sync::{Mutex, PoisonError};

use sluice_api::limiter::Spend;

/// Parts of the table, so that requests seldom wait for each other.
const PARTS: usize = 16;

/// Means in one part, about 66 bytes each: beyond it the part begins anew, as clients choose the models' names.
const MOST: usize = 4_096;

/// Requests over which a mean is taken: a newer one counts for a sixteenth.
const OVER: i128 = 16;

/// Parts of a token that a mean is kept in.
const FINE: u64 = 256;

/// Running means by key and model.
#[derive(Debug)]
pub struct Means {
    parts: [Mutex<HashMap<u64, Mean, BuildHasherDefault<AsItIs>>>; PARTS],
    hasher: RandomState,
}

#[derive(Clone, Copy, Debug, Default)]
struct Mean {
    requests: u32,
    /// In parts of a token.
    tokens: u64,
    cost: u64,
}

/// A number that is a hash already.
#[derive(Debug, Default)]
struct AsItIs(u64);

impl std::hash::Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {}

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }
}

impl Default for Means {
    fn default() -> Self {
        Self { parts: std::array::from_fn(|_| Mutex::default()), hasher: RandomState::new() }
    }
}

impl Mean {
    fn tells(&mut self, used: Spend) {
        self.requests = self.requests.saturating_add(1);
        let over = i128::from(self.requests).min(OVER);
        let toward = |mean: u64, seen: u64| {
            let moved = i128::from(mean) + (i128::from(seen) - i128::from(mean)) / over;
            u64::try_from(moved).unwrap_or(0)
        };
        self.tokens = toward(self.tokens, used.tokens.saturating_mul(FINE));
        self.cost = toward(self.cost, used.cost);
    }
}

impl Means {
    /// What a request of a key for a model is expected to use; nothing before there was one.
    #[must_use]
    pub fn expected(&self, key: &str, model: &str) -> Option<Spend> {
        let name = self.hasher.hash_one((key, model));
        let part = self.part(name)?.lock().unwrap_or_else(PoisonError::into_inner);
        let mean = part.get(&name)?;
        Some(Spend { tokens: mean.tokens.div_ceil(FINE), cost: mean.cost })
    }

    /// What one has used.
    pub fn tells(&self, key: &str, model: &str, used: Spend) {
        let name = self.hasher.hash_one((key, model));
        let Some(part) = self.part(name) else { return };
        let mut part = part.lock().unwrap_or_else(PoisonError::into_inner);
        if part.len() >= MOST && !part.contains_key(&name) {
            part.clear();
        }
        part.entry(name).or_default().tells(used);
    }

    fn part(&self, name: u64) -> Option<&Mutex<HashMap<u64, Mean, BuildHasherDefault<AsItIs>>>> {
        self.parts.get(usize::try_from(name >> 60).unwrap_or(0) % PARTS)
    }
}

#[cfg(test)]
mod tests {
    use super::{MOST, Means, PARTS};
    use sluice_api::limiter::Spend;

    #[test]
    fn a_mean_follows_what_is_used() {
        let means = Means::default();
        assert_eq!(means.expected("k", "m"), None);
        let used = |tokens, cost| Spend { tokens, cost };
        means.tells("k", "m", used(100, 1_000));
        assert_eq!(means.expected("k", "m"), Some(used(100, 1_000)));
        means.tells("k", "m", used(300, 3_000));
        assert_eq!(means.expected("k", "m"), Some(used(200, 2_000)));
        for _ in 0..200 {
            means.tells("k", "m", used(30, 7));
        }
        let near = means.expected("k", "m").unwrap();
        assert!((30..32).contains(&near.tokens) && near.cost.abs_diff(7) < 16, "{near:?}");
        means.tells("k", "m", used(u64::MAX, u64::MAX));
        assert_eq!((means.expected("other", "m"), means.expected("k", "other")), (None, None));
    }

    #[test]
    fn names_that_clients_think_of_do_not_pile_up() {
        let means = Means::default();
        for number in 0..MOST * PARTS * 2 {
            means.tells("k", &number.to_string(), Spend { tokens: 1, cost: 1 });
        }
        let kept: usize = means.parts.iter().map(|part| part.lock().unwrap().len()).sum();
        assert!(kept <= MOST * PARTS, "{kept}");
    }
}
