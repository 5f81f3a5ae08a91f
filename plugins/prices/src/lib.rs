//! Cost models: what usage costs, by a list of prices.
//!
//! [`decimal`] reads numbers, [`list`] price files, [`lookup`] finds a model's entry, [`quote`] prices what was used.

#![expect(clippy::result_large_err, reason = "a problem is made once, and then the file is refused")]

pub mod decimal;
pub mod item;
pub mod list;
pub mod lookup;
pub mod quote;
pub mod rates;
pub mod row;

mod community;
mod dates;
mod files;
mod genai;
mod own;
mod tree;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use serde::Deserialize;
use sluice_api::cost::{CostModel, PriceAsk, Priced};
use sluice_api::register;
use utoipa::ToSchema;

use crate::list::List;

/// Settings of `price-list`.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
struct PriceListSettings {
    /// Price files laid over the built-in list, each over those before it: TOML or JSON of Sluice's own form, LiteLLM's
    /// `model_prices_and_context_window.json`, or the `data.json` of genai-prices. Read again on a reload.
    files: Vec<String>,
}

/// The built-in list with files laid over it; a model that is not in it is recorded as unpriced, never as free.
#[derive(Debug)]
struct PriceList(List);

impl CostModel for PriceList {
    fn price(&self, ask: &PriceAsk<'_>) -> Option<Priced> {
        self.0.price(ask)
    }

    fn knows(&self, provider: &str, model: &str) -> bool {
        self.0.knows(provider, model)
    }
}

register! {
    dyn CostModel: "price-list",
    summary: "A built-in list of prices by model, with price files laid over it; a model that is not in it is recorded as unpriced",
    settings: PriceListSettings,
    build: |_, section| {
        let settings: PriceListSettings = section.read()?;
        let mut list = List::built_in().map_err(|problem| vec![problem])?;
        let mut problems = Vec::new();
        for (at, name) in settings.files.iter().enumerate() {
            match files::read(section, at, name).and_then(|text| list.clone().overlaid(name, &text)) {
                Ok(overlaid) => list = overlaid,
                Err(problem) => problems.push(problem),
            }
        }
        if problems.is_empty() { Ok(Arc::new(PriceList(list))) } else { Err(problems) }
    },
}
