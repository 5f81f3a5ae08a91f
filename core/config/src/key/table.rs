//! Keys by the hash of their secret: one that comes, changes or goes touches its own part alone.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;

use super::client::Key;
use super::hash::{HashIsRandom, KeyHash};

/// Parts of the table: what is copied for a change is the keys of one, some forty where there are 10,000.
const PARTS: usize = 256;

type Part = HashMap<KeyHash, Arc<Key>, HashIsRandom>;

/// Every key in force. Snapshots share it: only a reload makes another.
#[derive(Debug)]
pub struct KeyTable {
    /// Those of the configuration, in its order.
    configured: Vec<Arc<Key>>,
    /// By the last byte of the hash, as the maps within go by the first ones.
    parts: Vec<ArcSwap<Part>>,
}

impl KeyTable {
    /// The keys of a configuration, and those made at run time.
    #[must_use]
    pub fn new(configured: Vec<Arc<Key>>, made: impl IntoIterator<Item = Arc<Key>>) -> Self {
        let mut parts = vec![Part::default(); PARTS];
        for key in configured.iter().cloned().chain(made) {
            if let Some(part) = parts.get_mut(place(&key.hash)) {
                part.insert(key.hash, key);
            }
        }
        Self { configured, parts: parts.into_iter().map(ArcSwap::from_pointee).collect() }
    }

    /// The key with this secret.
    #[must_use]
    pub fn find(&self, secret: &[u8]) -> Option<Arc<Key>> {
        self.by_hash(&KeyHash::of(secret))
    }

    /// The key whose secret has this hash.
    #[must_use]
    pub fn by_hash(&self, hash: &KeyHash) -> Option<Arc<Key>> {
        self.parts.get(place(hash))?.load().get(hash).cloned()
    }

    /// The keys of the configuration.
    #[must_use]
    pub fn configured(&self) -> &[Arc<Key>] {
        &self.configured
    }

    /// Looks at every key in force.
    pub fn each(&self, mut look: impl FnMut(&Key)) {
        for part in &self.parts {
            part.load().values().for_each(|key| look(key));
        }
    }

    /// Takes a key into force, in place of one with the same secret.
    pub fn insert(&self, key: &Arc<Key>) {
        self.change(&key.hash, |part| drop(part.insert(key.hash, Arc::clone(key))));
    }

    /// Takes the key with this secret's hash out of force: whoever looks from here on does not find it.
    pub fn remove(&self, hash: &KeyHash) {
        self.change(hash, |part| drop(part.remove(hash)));
    }

    fn change(&self, hash: &KeyHash, change: impl Fn(&mut Part)) {
        let Some(part) = self.parts.get(place(hash)) else { return };
        part.rcu(|before| {
            let mut after = Part::clone(before);
            change(&mut after);
            after
        });
    }
}

fn place(hash: &KeyHash) -> usize {
    let [.., last] = hash.0;
    usize::from(last)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::sync::Arc;

    use super::{KeyTable, PARTS, Part};
    use crate::key::{Key, KeyHash};
    use sluice_settings::key::KeyFields;

    fn key(secret: &str) -> Arc<Key> {
        let fields = KeyFields::named(secret);
        Arc::new(Key::made(secret, KeyHash::of(secret.as_bytes()), fields, &HashMap::new()))
    }

    fn parts(table: &KeyTable) -> Vec<Arc<Part>> {
        table.parts.iter().map(arc_swap::ArcSwap::load_full).collect()
    }

    #[test]
    fn a_key_that_comes_or_goes_touches_its_own_part_alone() {
        let names: Vec<String> = (0..2000).map(|number| format!("k{number}")).collect();
        let table = KeyTable::new(vec![key("configured")], names.iter().map(|name| key(name)));
        let mut before = parts(&table);
        let fresh = key("fresh");
        let changes: [fn(&KeyTable, &Arc<Key>); 2] =
            [|table, key| table.insert(key), |table, key| table.remove(&key.hash)];
        for change in changes {
            change(&table, &fresh);
            let after = parts(&table);
            let shared = before.iter().zip(&after).filter(|(one, other)| Arc::ptr_eq(one, other)).count();
            assert_eq!(shared, PARTS - 1);
            before = after;
        }
        for name in names.iter().map(String::as_str).chain(["configured"]) {
            assert_eq!(&*table.find(name.as_bytes()).unwrap().name, name);
        }
        assert!(table.find(b"fresh").is_none());
    }

    /// Counted, not timed: what each of many keys copies of those that there are.
    #[test]
    fn each_of_ten_thousand_keys_copies_a_hundredth_of_them_at_most() {
        const KEYS: usize = 10_000;
        let table = KeyTable::new(Vec::new(), Vec::new());
        let mut before = parts(&table);
        for number in 0..KEYS {
            table.insert(&key(&number.to_string()));
            let after = parts(&table);
            let pairs = before.iter().zip(&after).filter(|(one, other)| !Arc::ptr_eq(one, other));
            let copied: Vec<usize> = pairs.map(|(_, part)| part.len()).collect();
            assert!(matches!(*copied, [some] if some < KEYS / 100), "{copied:?}");
            before = after;
        }
        assert_eq!(before.iter().map(|part| part.len()).sum::<usize>(), KEYS);
    }
}
