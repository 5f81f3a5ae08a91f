//! What client keys, or groups, used and cost, where the operator wants that told.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, OnceLock};

use foldhash::fast::RandomState;
use parking_lot::Mutex;

use super::spent::{Amounts, Spent};
use crate::live::OTHER;

/// Names that are told apart; what others use is counted together. Keys that are made at run time come and go.
const NAMES_MAX: usize = 10_000;

/// What is told of keys, or of groups.
#[derive(Debug)]
pub(super) struct Holders {
    label: &'static str,
    told: OnceLock<Told>,
}

#[derive(Debug)]
struct Told {
    spent: Spent,
    names: Mutex<HashSet<Arc<str>>>,
}

impl Holders {
    /// Nothing, until it is wanted.
    pub(super) fn of(label: &'static str) -> Self {
        Self { label, told: OnceLock::new() }
    }

    /// Tells of them from here on.
    pub(super) fn tell(&self) {
        self.told.get_or_init(|| Told { spent: Spent::of(self.label), names: Mutex::default() });
    }

    /// What they used and cost, where it is told.
    pub(super) fn spent(&self) -> Option<&Spent> {
        self.told.get().map(|told| &told.spent)
    }

    /// The sums of some requests, which are counted together.
    pub(super) fn batch(&self) -> Batch<'_> {
        Batch { told: self.told.get(), sums: HashMap::default() }
    }
}

/// Sums of some requests.
pub(super) struct Batch<'a> {
    told: Option<&'a Told>,
    sums: HashMap<&'a Arc<str>, Amounts, RandomState>,
}

impl<'a> Batch<'a> {
    /// Adds what a request used, where it has such a holder.
    pub(super) fn add(&mut self, name: Option<&'a Arc<str>>, amounts: Amounts) {
        if let (Some(name), Some(_)) = (name, self.told) {
            *self.sums.entry(name).or_default() += amounts;
        }
    }

    /// Counts them.
    pub(super) fn count(self) {
        let Some(told) = self.told else { return };
        let mut names = told.names.lock();
        for (name, amounts) in self.sums {
            let known = names.contains(name) || names.len() < NAMES_MAX && names.insert(Arc::clone(name));
            told.spent.add(if known { name } else { OTHER }, &amounts);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jiff::Timestamp;
    use sluice_api::cost::{Money, Usage};
    use sluice_api::dialect::{Api, Operation};
    use sluice_api::record::{Cost, Holder, Record};

    use super::{Amounts, Holders, NAMES_MAX};

    #[test]
    fn names_are_bounded_and_no_amount_is_lost() {
        let holders = Holders::of("key");
        let (id, holder) = ("request".into(), Holder::default());
        let mut record = Record::new(Timestamp::UNIX_EPOCH, id, holder, Api::Anthropic, Operation::Generate);
        record.usage = Some(Usage::new(2, 3));
        record.cost = Cost::new(Some(Money::from_units(1)), None);
        let amounts = Amounts::of(&record);
        let names: Vec<Arc<str>> = (0..NAMES_MAX + 5).map(|number| format!("key-{number}").into()).collect();
        for _ in 0..2 {
            let mut batch = holders.batch();
            names.iter().for_each(|name| batch.add(Some(name), amounts));
            batch.add(None, amounts);
            batch.count();
            holders.tell();
        }
        let mut text = String::new();
        holders.spent().unwrap().cost().render("cost", &mut text);
        assert_eq!(
            text.lines().count(),
            NAMES_MAX + 1,
            "those that were counted before it was wanted are not told"
        );
        assert!(text.contains("cost{key=\"other\"} 0.0000000005\n"));
        let mut text = String::new();
        holders.spent().unwrap().tokens().render("tokens", &mut text);
        assert!(text.contains("tokens{key=\"other\",class=\"output\"} 15\n"));
    }
}
