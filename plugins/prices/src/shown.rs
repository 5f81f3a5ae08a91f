//! What a model costs, rate by rate, as operators are told it.

use std::collections::BTreeSet;

use sluice_api::cost::tariff::listed::{ListedModel, ListedRate, STANDARD, Source, Unit};
use sluice_api::cost::{Exact, ListedAsk};

use crate::item::Item;
use crate::list::{List, Since};
use crate::rates::{Origin, Prices, Rate, Tier};

/// Classes of tokens that every answer may have, whether or not the list has rates of their own for them.
const USUAL: [Item; 6] =
    [Item::Input, Item::Output, Item::CacheRead, Item::CacheWrite5m, Item::CacheWrite1h, Item::Reasoning];

/// Units of an exact amount in one of a rate's, which has fewer decimals.
const UNITS: u128 = 1_000;

/// A million, for which tokens are priced.
const MILLION: u64 = 1_000_000;

impl List {
    /// What a model costs at a time: every rate that a request of any length and tier can be billed at.
    #[must_use]
    pub fn listed(&self, asked: &ListedAsk<'_>) -> Option<ListedModel> {
        let found = self.find(asked.provider, asked.model, None)?;
        let model = self.model(found.entry);
        let since = model.prices(asked.time)?;
        let mut listed = ListedModel::default();
        listed.entry = since.source.name.to_string();
        listed.rule = found.told(found.entry.name != model.name).to_owned();
        listed.list = since.source.list.to_string();
        listed.hash = since.source.hash.to_string();
        listed.effective_from = since.from();
        listed.effective_until = model.until(asked.time);
        listed.max_input_tokens = since.prices.max_input;
        listed.max_output_tokens = since.prices.max_output;
        for (place, thousandths) in &since.prices.geo {
            let by = Exact::from_units(u128::from(*thousandths) * 10_u128.pow(Exact::DECIMALS - 3));
            listed.multipliers.insert(place.clone(), by.to_string());
        }
        for (hours, prices) in stretches(since) {
            every(prices, hours.as_deref(), &mut listed.rates);
        }
        Some(listed)
    }
}

/// The prices of every hour: first those of all that no others are for.
pub(crate) fn stretches(since: &Since) -> impl Iterator<Item = (Option<String>, &Prices)> {
    let others = since.hours().map(|at| (Some(at.hours.told()), &at.prices));
    std::iter::once((None, &since.prices)).chain(others)
}

/// A rate as it is told: dollars for a million tokens, or for one of what costs a fee.
pub(crate) fn dollars(item: Item, rate: Rate) -> String {
    let one = Exact::from_units(rate.0.saturating_mul(UNITS));
    if item.is_tokens() { one.times(MILLION).to_string() } else { one.to_string() }
}

/// All tiers that a model has rates for, the standard one first.
pub(crate) fn tiers(prices: &Prices) -> impl Iterator<Item = (&'static str, Option<Tier>)> {
    let named = Tier::ALL.into_iter().map(|(name, tier)| (name, Some(tier)));
    let has = |(_, tier): &(_, Option<Tier>)| prices.tiers.iter().any(|(own, _)| Some(*own) == *tier);
    std::iter::once((STANDARD, None)).chain(named.filter(has))
}

/// Adds every rate of the prices of some hours.
fn every(prices: &Prices, hours: Option<&str>, rates: &mut Vec<ListedRate>) {
    for (name, tier) in tiers(prices) {
        let tariff = tier.and_then(|tier| prices.tier(tier));
        let tariffs = || std::iter::once(&prices.standard).chain(tariff);
        let begins: BTreeSet<u64> =
            tariffs().flat_map(|tariff| tariff.bands.iter().map(|band| band.from)).collect();
        for from in std::iter::once(0).chain(begins) {
            for item in Item::ALL.into_iter().filter(|item| item.is_tokens()) {
                let is_own = || tariffs().any(|tariff| tariff.names(item));
                let Some((rate, origin)) = prices.rate(item, tier, from) else { continue };
                if !USUAL.contains(&item) && !is_own() {
                    continue;
                }
                let mut told = ListedRate::new(item.name(), dollars(item, rate), Unit::MillionTokens);
                name.clone_into(&mut told.tier);
                told.above = from.checked_sub(1);
                told.hours = hours.map(ToOwned::to_owned);
                told.source = source(origin);
                rates.push(told);
            }
        }
    }
    for item in Item::ALL.into_iter().filter(|item| !item.is_tokens()) {
        if let Some((fee, origin)) = prices.fee_from(item) {
            let mut told = ListedRate::new(item.name(), dollars(item, fee), Unit::Each);
            told.source = source(origin);
            told.hours = hours.map(ToOwned::to_owned);
            rates.push(told);
        }
    }
}

fn source(origin: Origin) -> Source {
    origin.rule().map_or(Source::Listed, |rule| Source::Rule(rule.to_owned()))
}
