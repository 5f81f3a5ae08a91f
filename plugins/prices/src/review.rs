//! What a price file would change of a list.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sluice_api::cost::tariff::review::{Alias, Change, Doubt, RateChange, Review};
use sluice_api::settings::Problem;

use crate::doubts::{doubts, leaps};
use crate::item::Item;
use crate::list::{Entry, List, Since, Source, read};
use crate::rates::{Prices, Rate, Rates, Tariff, Tier};
use crate::row::{Dated, Row, What};
use crate::shown::{dollars, stretches, tiers};
use crate::tree::File;

/// What a rate is for, in the order in which changes are told: hours, tier by its place, threshold, item by its place.
type For = (Option<String>, (usize, &'static str), Option<u64>, usize);

impl List {
    /// What a file would change of what holds at a time, and later; the list stays as it is.
    ///
    /// # Errors
    ///
    /// The first mistake of the file, with its line.
    pub fn review(&self, name: &str, text: &str, time: Timestamp) -> Result<Review, Problem> {
        let rows = read(File(name), text)?;
        let source = Source::new(name, text);
        let mut review = Review::default();
        name.clone_into(&mut review.file);
        review.hash = source.hash.to_string();
        rows.format.name().clone_into(&mut review.format);
        review.unknown_keys = rows.unknown_keys.iter().cloned().collect();
        let after = self.clone().with(rows.clone(), source)?;
        for row in rows.rows {
            let before = self.exact(&row.name).map(|entry| self.model(entry));
            match &row.what {
                What::Alias(model) => review.aliases.push(Alias::new(row.name.clone(), model.clone())),
                What::Dated(all) if all.is_empty() => review.skipped.push(row.name.clone()),
                What::Dated(all) => {
                    review.models += 1;
                    if !all.iter().any(|dated| has_tokens(&dated.prices)) {
                        review.without_token_price.push(row.name.clone());
                    }
                    doubt(&row, all, before.and_then(|entry| entry.prices(time)), &mut review.doubts);
                }
            }
            let Some(now) = after.exact(&row.name).map(|entry| after.model(entry)) else { continue };
            let changes = changes(&row, before, now, time);
            review.unchanged +=
                usize::from(changes.is_empty() && matches!(&row.what, What::Dated(all) if !all.is_empty()));
            review.changes.extend(changes);
        }
        Ok(review)
    }
}

fn has_tokens(prices: &Prices) -> bool {
    Item::ALL.into_iter().any(|item| item.is_tokens() && prices.standard.names(item))
}

fn doubt(row: &Row, all: &[Dated], before: Option<&Since>, told: &mut Vec<Doubt>) {
    let hours = |dated: &Dated| dated.hours.as_ref().map(|at| doubts(&at.prices)).unwrap_or_default();
    let mut sentences: Vec<String> =
        all.iter().flat_map(|dated| doubts(&dated.prices).into_iter().chain(hours(dated))).collect();
    if let (Some(before), Some(first)) = (before, all.first()) {
        sentences.extend(leaps(&before.prices, &first.prices));
    }
    let mut seen = std::collections::HashSet::new();
    sentences.retain(|sentence| seen.insert(sentence.clone()));
    told.extend(sentences.into_iter().map(|sentence| Doubt::new(row.name.clone(), row.line, sentence)));
}

/// What changes of a model: now, and from each day on from which it has other prices.
fn changes(row: &Row, before: Option<&Entry>, now: &Entry, time: Timestamp) -> Vec<Change> {
    let later = |entry: Option<&Entry>| -> Vec<Timestamp> {
        let all = entry.map(Entry::over_time).unwrap_or_default();
        all.iter().filter_map(Since::from).filter(|from| *from > time).collect()
    };
    let mut days = [later(before), later(Some(now))].concat();
    days.sort_unstable();
    days.dedup();
    let mut last = BTreeMap::new();
    let mut changes = Vec::new();
    for day in std::iter::once(None).chain(days.into_iter().map(Some)) {
        let at = day.unwrap_or(time);
        let (was, is) = (before.and_then(|entry| entry.prices(at)), now.prices(at));
        let rates = differing(was, is);
        // What differs since an earlier day is told once.
        let told: BTreeMap<For, RateChange> = rates
            .iter()
            .filter(|(key, rate)| last.get(*key) != Some(*rate))
            .map(|(key, rate)| (key.clone(), rate.clone()))
            .collect();
        if !told.is_empty() {
            let from = day.or_else(|| is.and_then(Since::from));
            changes.push(Change::new(row.name.clone(), was.is_none(), from, told.into_values().collect()));
        }
        last = rates;
    }
    changes
}

/// The listed rates that differ.
fn differing(was: Option<&Since>, is: Option<&Since>) -> BTreeMap<For, RateChange> {
    let (mut was, is) = (was.map(listed).unwrap_or_default(), is.map(listed).unwrap_or_default());
    let mut changes = BTreeMap::new();
    let mut add = |key: For, before: Option<String>, now: Option<String>| {
        if before != now {
            let class = Item::ALL.get(key.3).map_or("", |item| item.name());
            let mut change = RateChange::new(class, key.1.1);
            change.above = key.2;
            change.hours.clone_from(&key.0);
            (change.was, change.now) = (before, now);
            changes.insert(key, change);
        }
    };
    for (key, now) in is {
        let before = was.remove(&key);
        add(key, before, Some(now));
    }
    for (key, before) in was {
        add(key, Some(before), None);
    }
    changes
}

/// Every rate that a list has itself.
fn listed(since: &Since) -> BTreeMap<For, String> {
    let mut all = BTreeMap::new();
    for (hours, prices) in stretches(since) {
        for (name, tier) in tiers(prices) {
            let at = Tier::ALL.iter().position(|(_, one)| Some(*one) == tier).map_or(0, |at| at + 1);
            let tariff = match tier {
                None => Some(&prices.standard),
                Some(tier) => prices.tier(tier),
            };
            for (above, item, rate) in tariff.into_iter().flat_map(rates) {
                all.insert((hours.clone(), (at, name), above, item as usize), dollars(item, rate));
            }
        }
    }
    all
}

fn rates(tariff: &Tariff) -> Vec<(Option<u64>, Item, Rate)> {
    let each = |above: Option<u64>, rates: &Rates| -> Vec<(Option<u64>, Item, Rate)> {
        Item::ALL.into_iter().filter_map(|item| Some((above, item, rates.of(item)?))).collect()
    };
    let bands = tariff.bands.iter().flat_map(|band| each(band.from.checked_sub(1), &band.rates));
    each(None, &tariff.base).into_iter().chain(bands).collect()
}
