//! Cost models: what usage costs.

use std::sync::Arc;

use sluice_api::cost::{CostModel, PriceAsk};
use sluice_api::plugin::NoSettings;
use sluice_api::{Money, register};

/// A price list, which has no prices yet: everything is recorded as unpriced, never as free.
#[derive(Debug)]
struct PriceList;

impl CostModel for PriceList {
    fn price(&self, _ask: &PriceAsk<'_>) -> Option<Money> {
        None
    }
}

register! {
    dyn CostModel: "price-list",
    summary: "A list of prices by model; it has none yet, so that every request is recorded as unpriced",
    settings: NoSettings,
    build: |_, section| {
        section.read::<NoSettings>()?;
        Ok(Arc::new(PriceList))
    },
}

#[cfg(test)]
mod tests {
    use super::PriceList;
    use sluice_api::cost::{CostModel, PriceAsk};
    use sluice_api::{Timestamp, Usage};

    #[test]
    fn no_known_price_is_not_a_price_of_zero() {
        let usage = Usage::new(9, 9);
        let ask = PriceAsk::new("p", "m", &usage, Timestamp::UNIX_EPOCH);
        assert_eq!(PriceList.price(&ask), None);
    }
}
