//! What usage costs by a list, with the lines that it is made of.

use sluice_api::Money;
use sluice_api::cost::PriceAsk;

use crate::decimal::divided;
use crate::item::{Counts, ITEMS, Item, counts};
use crate::list::{Entry, List};
use crate::lookup::Found;
use crate::rates::{Origin, Prices, Rate, Tier};

/// Units of a rate in one of [`Money`], whose decimals are 10.
const UNITS: u128 = 10_u128.pow(8);

/// A multiplier of one, in thousandths.
const ONCE: u32 = 1_000;

/// What usage costs.
#[derive(Clone, Copy, Debug)]
pub struct Quote<'a> {
    /// The entry that was found, and how.
    pub found: Found<'a>,
    /// The entry with the prices: the found one, or the model that it is an alias of.
    pub model: &'a Entry,
    /// The file that the prices are from.
    pub list: &'a str,
    /// What it is made of.
    pub bill: Bill,
}

/// Lines, what their tokens are multiplied by, and their sum.
#[derive(Clone, Copy, Debug)]
pub struct Bill {
    lines: [Option<Line>; ITEMS],
    /// By what the lines of tokens are multiplied, in thousandths.
    pub thousandths: u32,
    /// The sum, rounded once.
    pub total: Money,
}

/// A line of a bill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// What was used.
    pub item: Item,
    /// How much of it.
    pub count: u64,
    /// What one costs.
    pub rate: Rate,
    /// Where that comes from.
    pub origin: Origin,
}

impl Line {
    /// What it costs, in the units of a rate; no more than their type can tell.
    #[must_use]
    pub const fn amount(&self) -> u128 {
        self.rate.0.saturating_mul(self.count as u128)
    }
}

/// How a request was served.
#[derive(Clone, Copy, Debug, Default)]
pub struct Served<'a> {
    /// The tier.
    pub tier: Option<&'a str>,
    /// The place, where its tokens cost more.
    pub geo: Option<&'a str>,
}

impl Bill {
    /// Prices what was used; `None` where something was used that has no price.
    #[must_use]
    pub fn of(prices: &Prices, counts: &Counts, served: Served<'_>) -> Option<Self> {
        let tier = served.tier.and_then(Tier::named);
        let prompt = counts.prompt();
        let mut lines = [None; ITEMS];
        for (slot, item) in lines.iter_mut().zip(Item::ALL) {
            let count = counts.of(item);
            if count == 0 {
                continue;
            }
            match prices.rate(item, tier, prompt) {
                Some((rate, origin)) => *slot = Some(Line { item, count, rate, origin }),
                // Most models ask for tokens alone.
                None if item == Item::Request => {}
                None => return None,
            }
        }
        let place = |geo: &str| prices.geo.iter().find_map(|(place, by)| (place == geo).then_some(*by));
        let thousandths = served.geo.and_then(place).unwrap_or(ONCE);
        Some(Self { lines, thousandths, total: total(&lines, thousandths) })
    }

    /// Its lines, in the order of [`Item::ALL`].
    pub fn lines(&self) -> impl Iterator<Item = &Line> {
        self.lines.iter().flatten()
    }
}

/// The exact sum, rounded once.
fn total(lines: &[Option<Line>], thousandths: u32) -> Money {
    let sum = |tokens: bool| {
        let lines = lines.iter().flatten().filter(|line| line.item.is_tokens() == tokens);
        lines.fold(0_u128, |sum, line| sum.saturating_add(line.amount()))
    };
    let tokens = sum(true).saturating_mul(thousandths.into());
    let exact = tokens.saturating_add(sum(false).saturating_mul(ONCE.into()));
    Money::from_units(i128::try_from(divided(exact, UNITS * u128::from(ONCE))).unwrap_or(i128::MAX))
}

impl List {
    /// What usage costs; `None` for a model that the list does not know, or where something was used that has no price.
    #[must_use]
    pub fn quote(&self, ask: &PriceAsk<'_>) -> Option<Quote<'_>> {
        let found = self.find(ask.provider, ask.model, ask.reported_model)?;
        let model = self.model(found.entry);
        let served = Served { tier: ask.tier, geo: None };
        let bill = Bill::of(model.prices(ask.time)?, &counts(ask.usage), served)?;
        Some(Quote { found, model, list: self.source(model), bill })
    }
}
