//! Cost models: what usage costs, by a list of prices.
//!
//! [`decimal`] reads numbers, [`list`] price files, [`lookup`] finds a model's entry, [`quote`] prices what was used.
//! What people are told of a list is in `shown`, of a file that is to be laid over it in `review`.

#![expect(clippy::result_large_err, reason = "a problem is made once, and then the file is refused")]

pub mod ceiling;
pub mod decimal;
pub mod hours;
pub mod item;
pub mod list;
pub mod lookup;
pub mod quote;
pub mod rates;
pub mod row;

mod community;
mod dates;
mod doubts;
mod files;
mod genai;
mod own;
mod review;
mod shown;
mod tree;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use jiff::Timestamp;
use serde::Deserialize;
use sluice_api::cost::tariff::listed::ListedModel;
use sluice_api::cost::tariff::review::Review;
use sluice_api::cost::{CeilingAsk, CostModel, Exact, Lengths, ListedAsk, PriceAsk, Priced};
use sluice_api::register;
use sluice_api::settings::Problem;
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

    fn ceiling(&self, ask: &CeilingAsk<'_>) -> Option<Exact> {
        self.0.ceiling(ask)
    }

    fn lengths(&self, asked: &ListedAsk<'_>) -> Lengths {
        self.0.lengths(asked)
    }

    fn entries(&self) -> Vec<String> {
        self.0.names().map(ToOwned::to_owned).collect()
    }

    fn listed(&self, asked: &ListedAsk<'_>) -> Option<ListedModel> {
        self.0.listed(asked)
    }

    fn review(&self, file: &str, text: &str, time: Timestamp) -> Option<Result<Review, Problem>> {
        Some(self.0.review(file, text, time))
    }

    fn laid_over(&self, file: &str, text: &str) -> Option<Result<Arc<dyn CostModel>, Problem>> {
        Some(self.0.clone().overlaid(file, text).map(|list| Arc::new(Self(list)) as Arc<dyn CostModel>))
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
