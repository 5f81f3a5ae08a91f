//! Cost models: what usage costs, by a list of prices.
//!
//! [`decimal`] reads numbers, [`list`] price files, [`lookup`] finds a model's entry, [`quote`] prices what was used.

pub mod decimal;
pub mod item;
pub mod list;
pub mod lookup;
pub mod quote;
pub mod rates;
pub mod row;

mod community;
mod own;
mod tree;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use sluice_api::cost::{CostModel, PriceAsk, Priced};
use sluice_api::plugin::NoSettings;
use sluice_api::register;

use crate::list::List;

/// The built-in list; a model that is not in it is recorded as unpriced, never as free.
#[derive(Debug)]
struct PriceList(List);

impl CostModel for PriceList {
    fn price(&self, ask: &PriceAsk<'_>) -> Option<Priced> {
        self.0.price(ask)
    }
}

register! {
    dyn CostModel: "price-list",
    summary: "A built-in list of prices by model; a model that is not in it is recorded as unpriced",
    settings: NoSettings,
    build: |_, section| {
        section.read::<NoSettings>()?;
        let list = List::built_in().map_err(|problem| vec![problem])?;
        Ok(Arc::new(PriceList(list)))
    },
}
