//! A scheduler of its own: the account where a usual request costs least, whatever is in flight.

use std::sync::Arc;

use sluice_api::cost::{CostModel, Money, PriceAsk, Usage};
use sluice_api::plugin::NoSettings;
use sluice_api::register;
use sluice_api::scheduler::{Ask, Candidate, Scheduler};

/// Tokens that go into a usual request, and those that come out of it.
const USUAL: (u64, u64) = (4_000, 1_000);

/// Asks the cost model of the configuration, whichever that is.
#[derive(Debug)]
struct Cheapest(Arc<dyn CostModel>);

impl Cheapest {
    fn price(&self, ask: &Ask<'_>, candidate: &Candidate<'_>) -> Option<Money> {
        let usage = Usage::new(USUAL.0, USUAL.1);
        let ask = PriceAsk::new(candidate.provider, candidate.model, &usage, ask.now);
        self.0.price(&ask).map(|priced| priced.cost)
    }
}

impl Scheduler for Cheapest {
    fn pick(&self, ask: &Ask<'_>, candidates: &[Candidate<'_>]) -> Option<usize> {
        let priced = candidates.iter().enumerate().map(|(at, candidate)| (at, self.price(ask, candidate)));
        // What has no price may cost anything, and comes last.
        priced.min_by_key(|(_, price)| (price.is_none(), *price)).map(|(at, _)| at)
    }
}

register! {
    dyn Scheduler: "acme-cheapest",
    summary: "The account where a usual request costs least",
    settings: NoSettings,
    build: |cx, section| {
        section.read::<NoSettings>()?;
        Ok(Arc::new(Cheapest(Arc::clone(cx.cost))))
    },
}
