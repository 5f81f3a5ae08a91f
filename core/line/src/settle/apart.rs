//! What of a request has a price of its own: attempts that failed and were billed, and other models in an answer.

use http::HeaderMap;
use sluice_api::cost::Usage;
use sluice_api::error::Error;
use sluice_api::record::{Billed, Other, Try};
use sluice_api::store::Used;
use sluice_fleet::account::InFlight;
use sluice_wire::answer::meter::Seen;

use super::Settlement;
use super::end::served;
use crate::demand::units;

impl Settlement {
    /// The attempt fails, and its answer has told what it used: so much was billed.
    pub(crate) fn spends(&mut self, seen: &Seen, headers: &HeaderMap) {
        // Where the input was told, and the failure came before the output was.
        let is_told = |usage: &Usage| !usage.estimated || usage.all_input() > 0;
        let told = seen.usage.filter(|usage| *usage != Usage::default() && is_told(usage));
        let tier = super::tier_of(headers).map(ToOwned::to_owned);
        if let Some(usage) = told {
            self.has_spent(usage, seen, tier.as_deref());
        }
    }

    /// An answer came that its client is told nothing of, as it can't be told, or as the client has left: it is billed all
    /// the same, for what it has told, or by its length.
    pub(crate) fn comes_to_nothing(&mut self, seen: &Seen) {
        if seen.bytes == 0 {
            return;
        }
        if let Some(usage) = self.used(seen.usage, Some(seen)) {
            self.has_spent(usage, seen, None);
            self.untold = Some(Box::new(seen.clone()));
        }
    }

    /// The attempt has used so much; `tier` where the answer's head tells one.
    fn has_spent(&mut self, mut usage: Usage, seen: &Seen, tier: Option<&str>) {
        let (false, Some(snapshot)) = (self.counts_tokens(), &self.snapshot) else { return };
        let Some(model) = self.record.upstream_model.clone() else { return };
        // What another model has used of it has no line there.
        usage.more |= !seen.others.is_empty();
        let record = &mut *self.record;
        record.usage = Some(usage);
        record.reported_model = seen.model.as_deref().map(Into::into);
        record.raw_usage = Some(seen.raw_usage.text().into());
        let tier = tier.or(self.tier.as_deref());
        let served = served(self.place.as_ref(), tier, &model, Some(seen));
        self.spent = Some(Box::new(self.gateway.records().bills().spent(record, &*snapshot.cost, served)));
    }

    /// The attempt has failed: it is a line of its own, with what it used and what that cost, which its account's limits
    /// count too.
    pub(super) fn is_over(&mut self, place: &InFlight, error: &Error) {
        self.untold = None;
        let mut attempt = Try::failed(&place.account().name, error);
        if let Some(spent) = self.spent.take() {
            let cost = spent.cost.own.map_or(0, |cost| units(cost.units()));
            self.held.account.settle(Used::new(spent.tokens(), cost));
            attempt = spent.by(attempt);
        }
        self.record.tries.push(attempt);
    }

    /// Notes what other models have used of the answer so far.
    pub(super) fn notes_others(&mut self, seen: Option<&Seen>) {
        let told = seen.map_or(&[][..], |seen| &seen.others);
        if told.is_empty() && self.record.others.is_empty() {
            return;
        }
        let record = &mut *self.record;
        let provider = record.provider.clone().unwrap_or_default();
        let other = |(model, usage): &(String, Usage)| {
            Other::new(*usage, Billed::new(provider.clone(), model.as_str().into()))
        };
        record.others = told.iter().map(other).collect();
    }
}
