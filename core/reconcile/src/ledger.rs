//! What the ledger has of the time that is told of, record by record.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use sluice_api::dialect::Operation;
use sluice_api::record::{Outcome, Record};

use crate::class::{Class, Values};
use crate::decimal;
use crate::models;
use crate::told::{DAY, Part, Sheet, Told};

/// Units of a report's money in one of the ledger's, which has 10 decimals.
pub(crate) const UNITS: i128 = 10_i128.pow(decimal::DECIMALS - 10);

/// What is known of the gateway itself.
#[derive(Clone, Copy, Debug)]
pub struct Kept {
    /// The time now.
    pub now: Timestamp,
    /// Records of requests that began before this time are deleted.
    pub from: Timestamp,
}

/// What the ledger has of a model on a day.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) values: Values,
    /// Dollars without the accounts' multipliers.
    pub(crate) list: i128,
    /// What of it ended on a later day.
    pub(crate) leaving: Values,
    /// What ended on this day and began on an earlier one.
    pub(crate) coming: Values,
    pub(crate) accounts: BTreeMap<Arc<str>, Values>,
    pub(crate) requests: u64,
    /// Requests whose usage is an estimate.
    pub(crate) estimated: u64,
    /// Requests that did not go to their end.
    pub(crate) broken: u64,
    /// Requests that used something without a known price.
    pub(crate) unpriced: u64,
}

impl Tally {
    pub(crate) fn add(&mut self, other: &Self) {
        self.values.add_all(&other.values);
        self.list = self.list.saturating_add(other.list);
        self.leaving.add_all(&other.leaving);
        self.coming.add_all(&other.coming);
        for (account, values) in &other.accounts {
            self.accounts.entry(Arc::clone(account)).or_default().add_all(values);
        }
        for (own, more) in [
            (&mut self.requests, other.requests),
            (&mut self.estimated, other.estimated),
            (&mut self.broken, other.broken),
            (&mut self.unpriced, other.unpriced),
        ] {
            *own = own.saturating_add(more);
        }
    }

    pub(crate) fn fold(&mut self, class: Class, into: Class) {
        for values in [&mut self.values, &mut self.leaving, &mut self.coming]
            .into_iter()
            .chain(self.accounts.values_mut())
        {
            values.fold(class, into);
        }
    }
}

/// The ledger's side: given every record of [`Told::span`] of the accounts that are compared, in any order.
#[derive(Debug)]
pub struct Ledger<'a> {
    told: &'a Told,
    /// Models that the reports of answers name.
    named: BTreeSet<String>,
    pub(crate) tallies: BTreeMap<(Part, i64, String), Tally>,
}

impl<'a> Ledger<'a> {
    /// Nothing yet, to be held against this.
    #[must_use]
    pub fn new(told: &'a Told) -> Self {
        let answers = told.sheets.get(&Part::Answers);
        let named = answers
            .into_iter()
            .flat_map(|sheet| sheet.stated.keys())
            .filter_map(|(_, model)| model.as_deref());
        Self { told, named: named.map(models::base).collect(), tallies: BTreeMap::new() }
    }

    /// Takes a record.
    pub fn add(&mut self, record: &Record) {
        let Some(usage) = &record.usage else { return };
        let model =
            record.reported_model.as_ref().or(record.upstream_model.as_ref()).unwrap_or(&record.model);
        // Whether tokens of images are among those of answers depends on the model: the report shows it.
        let untold = record.operation == Operation::Images && !self.named.contains(&models::base(model));
        let part = Part::of(record.operation).filter(|_| !untold);
        let told = self.told;
        let sheet = |part: Part| Some((part, told.sheets.get(&part)?));
        if let Some((part, sheet)) = part.and_then(sheet) {
            self.tally(record, (part, sheet), model, Values::of(usage));
        }
        if let Some((part, sheet)) = sheet(Part::Costs) {
            let mut values = Values::default();
            values.add(Class::Cost, record.cost.own.unwrap_or_default().units().saturating_mul(UNITS));
            self.tally(record, (part, sheet), model, values);
        }
    }

    fn tally(&mut self, record: &Record, (part, sheet): (Part, &Sheet), model: &str, values: Values) {
        let begun = record.time.as_second();
        let ended = record.time.checked_add(record.duration).map_or(begun, Timestamp::as_second);
        let (day, last) = (begun.div_euclid(DAY), ended.div_euclid(DAY));
        if day != last && sheet.covers(ended) {
            self.tallies.entry((part, last, model.to_owned())).or_default().coming.add_all(&values);
        }
        if !sheet.covers(begun) {
            return;
        }
        let tally = self.tallies.entry((part, day, model.to_owned())).or_default();
        if day != last {
            tally.leaving.add_all(&values);
        }
        tally.list =
            tally.list.saturating_add(record.cost.list.unwrap_or_default().units().saturating_mul(UNITS));
        if let Some(account) = &record.account {
            tally.accounts.entry(Arc::clone(account)).or_default().add_all(&values);
        }
        tally.values.add_all(&values);
        tally.requests += 1;
        tally.estimated += u64::from(record.usage.is_some_and(|usage| usage.estimated));
        tally.broken += u64::from(record.outcome != Outcome::Completed);
        tally.unpriced += u64::from(record.is_unpriced());
    }

    /// The reports that it is held against.
    pub(crate) const fn told(&self) -> &'a Told {
        self.told
    }
}
