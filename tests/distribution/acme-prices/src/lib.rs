//! A cost model of its own: one price a token, by the model.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use sluice_api::cost::{CostModel, Exact, Line, PriceAsk, PriceEntry, PriceSource, Priced};
use sluice_api::register;
use utoipa::ToSchema;

/// Units of an exact amount in a ten-billionth of a dollar.
const TEN_BILLIONTH: u128 = 10_u128.pow(Exact::DECIMALS - 10);

/// Settings of `acme-prices`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AcmePricesSettings {
    /// Ten-billionths of a dollar that a token costs, by the model as upstream is asked for it.
    models: BTreeMap<String, u32>,
}

#[derive(Debug)]
struct Prices(BTreeMap<String, (Exact, PriceSource)>);

impl CostModel for Prices {
    fn price(&self, ask: &PriceAsk<'_>) -> Option<Priced> {
        let (entry, source) = self.0.get(ask.model)?;
        let line = Line::new("tokens", ask.usage.total(), *entry);
        Some(Priced::new(vec![line], source.clone()))
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
        let priced = settings.models.into_iter().map(|(model, units)| {
            let entry = PriceEntry::new(model.as_str().into(), "acme".into(), "".into());
            let source = PriceSource::new(Arc::new(entry), "exact");
            (model, (Exact::from_units(u128::from(units) * TEN_BILLIONTH), source))
        });
        Ok(Arc::new(Prices(priced.collect())))
    },
}
