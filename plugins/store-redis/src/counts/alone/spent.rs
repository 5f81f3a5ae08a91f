//! What was used while the servers were out of reach, by counts, until they are told.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sluice_api::store::Used;

use crate::counts::encode::Tail;

/// Into how many parts a window that rolls is cut in whose moments it is kept when something was used: more than servers keep.
const PARTS: i64 = 1_000;

/// Moments of one window after which it is looked whether some are over: an outage may be longer than the window.
const MOST: usize = 3_000;

/// Something that was used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    key: String,
    /// What servers are told of the count: its kind, span and length.
    count: [String; 3],
    unit: String,
    /// When, in microseconds since 1970.
    at: i64,
    amount: u64,
}

/// All that was used, by the keys of counts.
#[derive(Debug, Default)]
pub(super) struct Spent(BTreeMap<String, Count>);

/// What was used of one count, and when.
#[derive(Debug)]
struct Count {
    count: [String; 3],
    unit: String,
    moments: BTreeMap<i64, u128>,
}

/// What a script is told of some counts.
#[derive(Debug, Default)]
pub(super) struct Parcel {
    pub(super) keys: Vec<String>,
    /// The counts.
    pub(super) counts: Vec<Vec<u8>>,
    /// What was used of each.
    pub(super) moments: Vec<Vec<u8>>,
}

/// What a request has used that was taken and has ended so: requests as of when it came, all else as of its end.
pub(super) fn entries(tail: &Tail, used: Used, (since, now): (Timestamp, Timestamp)) -> Vec<Entry> {
    let counts = counts(tail);
    let mut entries = Vec::new();
    for take in tail.amounts.chunks_exact(3) {
        let [index, unit, amount] = take else { continue };
        let index = text(index).parse::<usize>().unwrap_or(0).saturating_sub(1);
        let Some((key, count)) = counts.get(index).filter(|(_, count)| count[0] != "h") else { continue };
        let (amount, at) = match unit.as_slice() {
            b"q" if used.counts => (text(amount).parse().unwrap_or(0), since),
            b"t" => (used.tokens, now),
            b"c" => (used.cost, now),
            _ => continue,
        };
        if amount > 0 {
            entries.push(Entry {
                key: (*key).clone(),
                count: count.clone(),
                unit: text(unit),
                at: at.as_microsecond(),
                amount,
            });
        }
    }
    entries
}

/// The counts of takes, each with its key and what servers are told of it.
fn counts(tail: &Tail) -> Vec<(&String, [String; 3])> {
    let known = tail.each_count().filter_map(|(keys, count)| match count {
        [kind, span, whose] => Some((keys.first()?, [kind, span, whose].map(|one| text(one)))),
        _ => None,
    });
    known.collect()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

impl Spent {
    pub(super) fn add(&mut self, entry: &Entry) {
        let count = self.0.entry(entry.key.clone()).or_insert_with(|| Count {
            count: entry.count.clone(),
            unit: entry.unit.clone(),
            moments: BTreeMap::new(),
        });
        *count.moments.entry(count.rounded(entry.at)).or_default() += u128::from(entry.amount);
        if count.moments.len() > MOST {
            count.moments = count.moments.split_off(&entry.at.saturating_sub(count.length()));
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// As it is told at a moment, in microseconds since 1970: so many moments at once, but for one count alone.
    pub(super) fn parcels(&self, now: i64, most: usize) -> Vec<Parcel> {
        let mut parcels: Vec<Parcel> = Vec::new();
        let mut room = 0;
        for (key, count) in &self.0 {
            if parcels.is_empty() || count.moments.len() > room {
                parcels.push(Parcel::default());
                room = most;
            }
            room = room.saturating_sub(count.moments.len());
            if let Some(parcel) = parcels.last_mut() {
                parcel.push(key, count, now);
            }
        }
        parcels
    }
}

impl Count {
    /// How long its window is that rolls, in microseconds.
    fn length(&self) -> i64 {
        self.count[1].parse().unwrap_or(0).max(0)
    }

    /// No earlier than it was: what is over stays over no earlier.
    fn rounded(&self, at: i64) -> i64 {
        if self.count[0] != "r" {
            return 0;
        }
        let grain = self.length() / PARTS + 1;
        at.saturating_add((grain - at.rem_euclid(grain)) % grain)
    }
}

impl Parcel {
    fn push(&mut self, key: &str, count: &Count, now: i64) {
        self.keys.push(key.to_owned());
        if count.count[0] == "r" {
            self.keys.push(format!("{key}:moments"));
        }
        self.counts.extend(count.count.iter().map(|one| one.clone().into_bytes()));
        let number = |number: String| number.into_bytes();
        self.moments.extend([count.unit.clone().into_bytes(), number(count.moments.len().to_string())]);
        for (at, amount) in &count.moments {
            let ago = now.saturating_sub(*at).max(0);
            self.moments.extend([number(ago.to_string()), number(amount.to_string())]);
        }
    }

    /// How many counts it is of.
    pub(super) fn len(&self) -> usize {
        self.counts.len() / 3
    }
}

#[cfg(test)]
mod tests {
    use super::{Entry, MOST, Spent};

    fn entry(kind: &str, at: i64) -> Entry {
        let count = [kind, "60000000", ""].map(ToOwned::to_owned);
        Entry { key: kind.to_owned(), count, unit: "t".to_owned(), at, amount: 2 }
    }

    #[test]
    fn a_windows_moments_are_no_earlier_than_they_were_and_no_more_than_it_has() {
        let mut spent = Spent::default();
        for second in 0..3_600 {
            for part in 0..20 {
                spent.add(&entry("r", second * 1_000_000 + part * 50_000));
                spent.add(&entry("t", second * 1_000_000));
            }
        }
        let [window, total] = ["r", "t"].map(|kind| &spent.0[kind].moments);
        assert_eq!(total.values().sum::<u128>(), 2 * 72_000);
        assert!((1_000..=MOST).contains(&window.len()), "{}", window.len());
        // Those before it that are rounded into it are too many, and none is missing.
        let within = window.iter().filter(|(at, _)| **at > 3_539_950_000).map(|(_, amount)| amount);
        assert!((2_400..=2_404).contains(&within.sum::<u128>()));
        assert!(window.keys().all(|at| at % 60_001 == 0));
        assert_eq!(spent.parcels(3_600_000_000, 2_000).len(), 2);
    }
}
