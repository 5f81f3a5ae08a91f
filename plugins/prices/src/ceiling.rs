//! The most that a request can cost.

use sluice_api::cost::{CeilingAsk, Exact, Lengths, ListedAsk};

use crate::item::Item;
use crate::list::{List, Since};
use crate::quote::{FAST, ONCE, fees};
use crate::rates::{Prices, Tier};

/// Classes that a token of a prompt may be billed as.
const PROMPT: [Item; 10] = [
    Item::Input,
    Item::CacheRead,
    Item::CacheWrite5m,
    Item::CacheWrite1h,
    Item::AudioInput,
    Item::ImageInput,
    Item::VideoInput,
    Item::ToolInput,
    Item::AudioCacheRead,
    Item::ImageCacheRead,
];

/// Classes that a token of an answer may be billed as.
const ANSWER: [Item; 4] = [Item::Output, Item::Reasoning, Item::AudioOutput, Item::ImageOutput];

impl List {
    /// The most that a request can cost; `None` for a model that the list does not know, and where something may be used
    /// that has no price.
    #[must_use]
    pub fn ceiling(&self, ask: &CeilingAsk<'_>) -> Option<Exact> {
        if ask.most.more {
            return None;
        }
        let prices = self.since(ask.provider, ask.model, ask.time)?.at(ask.time);
        let tiers = reachable(prices, ask)?;
        let prompt = ask.most.all_input();
        let times = times(prices, ask.geo);
        let mut sum = Exact::ZERO;
        for (tokens, classes) in [(prompt, &PROMPT[..]), (ask.most.output, &ANSWER[..])] {
            if tokens > 0 {
                let dearest =
                    classes.iter().filter_map(|item| dearest(prices, *item, &tiers, prompt)).max()?;
                sum = sum.plus(Exact::from_units(dearest.saturating_mul(times)).times(tokens));
            }
        }
        let mut lines = Vec::new();
        fees(&mut lines, prices, ask.most)?;
        Some(lines.iter().fold(sum, |sum, line| sum.plus(line.amount)))
    }

    /// How long prompts and answers of a model may be.
    #[must_use]
    pub fn lengths(&self, asked: &ListedAsk<'_>) -> Lengths {
        let mut lengths = Lengths::default();
        if let Some(since) = self.since(asked.provider, asked.model, asked.time) {
            (lengths.input, lengths.output) = (since.prices.max_input, since.prices.max_output);
        }
        lengths
    }

    fn since(&self, provider: &str, model: &str, time: jiff::Timestamp) -> Option<&Since> {
        self.model(self.find(provider, model, None)?.entry).prices(time)
    }
}

/// The tiers that it may be served in: the standard one, and the one that it asks for. Where it asks for none, or for
/// `auto`, the upstream's own settings may serve it sooner, as OpenAI's projects do. `None` for a speed without a price.
fn reachable(prices: &Prices, ask: &CeilingAsk<'_>) -> Option<Vec<Option<Tier>>> {
    let mut tiers = vec![None];
    if ask.speed.is_some_and(|speed| speed.eq_ignore_ascii_case(FAST)) {
        tiers.push(prices.tier(Tier::Fast).map(|_| Some(Tier::Fast))?);
    }
    match ask.tier {
        Some(tier) if !tier.eq_ignore_ascii_case("auto") => tiers.extend(Tier::named(tier).map(Some)),
        _ => tiers.push(Some(Tier::Priority)),
    }
    Some(tiers)
}

/// The dearest rate of an item in prompts of up to so many tokens, in units of a rate.
fn dearest(prices: &Prices, item: Item, tiers: &[Option<Tier>], prompt: u64) -> Option<u128> {
    let bands = prices.tiers.iter().map(|(_, tariff)| tariff).chain([&prices.standard]);
    let begins: Vec<u64> = bands.flat_map(|tariff| tariff.bands.iter().map(|band| band.from)).collect();
    let reached = || begins.iter().copied().filter(|from| *from <= prompt).chain([0]);
    let rates = tiers.iter().flat_map(|tier| reached().filter_map(|from| prices.rate(item, *tier, from)));
    rates.map(|(rate, _)| rate.0).max()
}

/// By what tokens are multiplied, in thousandths: the most that they can be, where it is not settled.
fn times(prices: &Prices, geo: Option<&str>) -> u128 {
    let places = prices.geo.iter().filter(|(place, _)| geo.is_none_or(|geo| place == geo));
    let most = places.map(|(_, by)| *by).max();
    u128::from(if geo.is_none() { most.unwrap_or(ONCE).max(ONCE) } else { most.unwrap_or(ONCE) })
}
