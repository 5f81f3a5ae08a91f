//! A cost model of its own: one price a token, by the model.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use sluice_api::cost::{CostModel, PriceAsk};
use sluice_api::{Money, register};
use utoipa::ToSchema;

/// Settings of `acme-prices`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AcmePricesSettings {
    /// Ten-billionths of a dollar that a token costs, by the model as upstream is asked for it.
    models: BTreeMap<String, u32>,
}

#[derive(Debug)]
struct Prices(BTreeMap<String, u32>);

impl CostModel for Prices {
    fn price(&self, ask: &PriceAsk<'_>) -> Option<Money> {
        let units = i128::from(*self.0.get(ask.model)?);
        Some(Money::from_units(units * i128::from(ask.usage.total())))
    }

    fn models(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }
}

register! {
    dyn CostModel: "acme-prices",
    summary: "One price a token, by the model",
    settings: AcmePricesSettings,
    build: |_, section| {
        let settings: AcmePricesSettings = section.read()?;
        Ok(Arc::new(Prices(settings.models)))
    },
}
