//! What usage costs by a list, with the lines that it is made of.

use std::sync::Arc;

use sluice_api::cost::{Exact, Line, PriceAsk, PriceSource, Priced, Usage};

use crate::item::{Counts, Item, counts};
use crate::list::List;
use crate::rates::{Origin, Prices, Rate, Tier};

/// A multiplier of one, in thousandths, which are the decimals that an exact amount has more than a rate.
pub(crate) const ONCE: u32 = 1_000;

/// The speed of those that is a tier of its own: its models name rates for it, or their price is not known.
pub(crate) const FAST: &str = "fast";

/// How a request was served.
#[derive(Clone, Copy, Debug, Default)]
pub struct Served {
    /// The tier, where it is not the standard one.
    pub tier: Option<Tier>,
    /// By what tokens are multiplied where they were processed, in thousandths.
    pub thousandths: u32,
}

impl Served {
    /// As an answer tells it; `None` where it tells of a speed for which the model has no price.
    #[must_use]
    pub fn of(prices: &Prices, ask: &PriceAsk<'_>) -> Option<Self> {
        let fast = ask.speed.is_some_and(|speed| speed.eq_ignore_ascii_case(FAST));
        if fast && prices.tier(Tier::Fast).is_none() {
            return None;
        }
        let tier = if fast { Some(Tier::Fast) } else { ask.tier.and_then(Tier::named) };
        let factor = |geo: &str| prices.geo.iter().find_map(|(place, by)| (place == geo).then_some(*by));
        Some(Self { tier, thousandths: ask.geo.and_then(factor).unwrap_or(ONCE) })
    }
}

impl List {
    /// What usage costs; `None` for a model that the list does not know, or where something was used that has no price.
    #[must_use]
    pub fn price(&self, ask: &PriceAsk<'_>) -> Option<Priced> {
        if ask.usage.more {
            return None;
        }
        let found = self.find(ask.provider, ask.model, ask.reported_model)?;
        let model = self.model(found.entry);
        let since = model.prices(ask.time)?;
        let prices = since.at(ask.time);
        let served = Served::of(prices, ask)?;
        let mut lines = Vec::with_capacity(8);
        match ask.turns {
            // Each has the rates of its own length; what costs a fee is told of the whole alone.
            turns if turns.len() > 1 && prices.has_bands() => {
                for turn in turns {
                    tokens(&mut lines, prices, &counts(turn), served)?;
                }
            }
            _ => tokens(&mut lines, prices, &counts(ask.usage), served)?,
        }
        fees(&mut lines, prices, ask.usage)?;
        let rule = found.told(found.entry.name != model.name);
        Some(Priced::new(lines, PriceSource::new(Arc::clone(&since.source), rule)))
    }
}

/// Adds the lines of tokens.
fn tokens(lines: &mut Vec<Line>, prices: &Prices, counts: &Counts, served: Served) -> Option<()> {
    let prompt = counts.prompt();
    let grounded = counts.of(Item::WebSearch) > 0 || counts.of(Item::MapsPrompt) > 0;
    for item in Item::ALL.into_iter().filter(|item| item.is_tokens()) {
        let count = counts.of(item);
        if count == 0 {
            continue;
        }
        // What a search has found is paid with the search, where the model's prices do not say otherwise.
        if item == Item::ToolInput && grounded && !prices.names(item) {
            add(lines, Line::new(item.name(), count, Exact::ZERO), Some(Item::WebSearch.name()));
            continue;
        }
        let (rate, origin) = prices.rate(item, served.tier, prompt)?;
        let rate = Exact::from_units(rate.0.saturating_mul(served.thousandths.into()));
        add(lines, Line::new(item.name(), count, rate), origin.rule());
    }
    Some(())
}

/// Adds the lines of what costs a fee.
pub(crate) fn fees(lines: &mut Vec<Line>, prices: &Prices, usage: &Usage) -> Option<()> {
    let mut counts = counts(usage);
    // Whoever bills by the prompt bills its searches together.
    if counts.of(Item::WebSearch) > 0 && prices.fee(Item::GroundedPrompt).is_some() {
        counts.set(Item::WebSearch, 0);
        counts.set(Item::GroundedPrompt, 1);
    }
    for item in Item::ALL.into_iter().filter(|item| !item.is_tokens()) {
        let count = counts.of(item);
        if count == 0 {
            continue;
        }
        let fee = prices.fee_from(item);
        let fee = fee.or_else(|| {
            item.falls_back_to().and_then(|other| Some((prices.fee(other)?, Origin::Other(other))))
        });
        match fee {
            Some((Rate(fee), origin)) => {
                let rate = Exact::from_units(fee.saturating_mul(ONCE.into()));
                add(lines, Line::new(item.name(), count, rate), origin.rule());
            }
            // Most models ask for tokens alone, also for images.
            None if item == Item::Request || (item == Item::Image && usage.total() > 0) => {}
            None => return None,
        }
    }
    Some(())
}

/// Adds a line, or what it tells to the line that has its class and its rate.
fn add(lines: &mut Vec<Line>, mut line: Line, rule: Option<&'static str>) {
    line.rule = rule;
    match lines
        .iter_mut()
        .find(|other| other.class == line.class && other.rate == line.rate && other.rule == rule)
    {
        Some(other) => {
            other.quantity = other.quantity.saturating_add(line.quantity);
            other.amount = other.amount.plus(line.amount);
        }
        None => lines.push(line),
    }
}
