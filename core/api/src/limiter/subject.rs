//! Who asks, for what, and what that may use.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use sluice_quota::demand::{Demand, Mode, Party};
use sluice_quota::limit::Unit;
use sluice_quota::take::Rule;

use crate::dialect::{Api, Operation};

/// A request, as limiters see it.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Subject<'a> {
    /// Those whose limits it takes from now.
    pub parties: &'a [Party<'a>],
    /// How they are enforced: the key's mode.
    pub mode: Mode,
    /// The client API.
    pub api: Api,
    /// The operation.
    pub operation: Operation,
    /// The model that is asked for.
    pub model: &'a str,
    /// What it may use.
    pub demand: Demand,
    /// When the request came.
    pub now: Timestamp,
    /// Whose days, weeks and months count.
    pub zone: &'a TimeZone,
}

impl<'a> Subject<'a> {
    /// A request of which nothing is expected, of a key in soft mode.
    #[must_use]
    pub const fn new(
        parties: &'a [Party<'a>],
        (api, operation): (Api, Operation),
        model: &'a str,
        (now, zone): (Timestamp, &'a TimeZone),
    ) -> Self {
        Self { parties, mode: Mode::Soft, api, operation, model, demand: Demand::NONE, now, zone }
    }

    /// How much of a unit it takes, and by which rule.
    #[must_use]
    pub fn takes(&self, unit: Unit) -> (u64, Rule) {
        self.demand.takes(unit, self.mode)
    }
}
