//! The price list as a whole: worked examples, files laid over each other, files that are refused, what is told of it, laws.

mod files;
mod formats;
mod laws;
mod oracle;
mod overlays;
mod refused;
mod told;
mod worked;

use jiff::Timestamp;
use sluice_api::cost::{PriceAsk, Usage};

use crate::list::List;

/// A day on which the built-in list's prices of its date hold.
const DAY: &str = "2026-11-28T12:00:00Z";

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// What usage costs, as text.
fn cost(list: &List, provider: &str, model: &str, tier: Option<&str>, usage: &Usage) -> Option<String> {
    let mut ask = PriceAsk::new(provider, model, usage, time(DAY));
    ask.tier = tier;
    list.price(&ask).map(|priced| priced.cost.to_string())
}

fn file(text: &str) -> List {
    List::default().overlaid("f", text).unwrap()
}
