//! What happens when a request ends, once: what it used, its price, what is remembered and recorded of it.

use std::sync::Arc;

use sluice_api::cost::{Money, Usage};
use sluice_api::dialect::{Api, Operation};
use sluice_api::error::{Fault, Scope};
use sluice_api::record::{Cost, Outcome, Try};
use sluice_api::scheduler::Outcome as AttemptOutcome;
use sluice_fleet::account::InFlight;
use sluice_fleet::reference::Maker;
use sluice_ledger::records::bills::Served;
use sluice_ledger::records::parts;
use sluice_wire::answer::meter::Seen;

use super::Settlement;
use crate::estimate::BYTES_PER_TOKEN;
use crate::snapshot::Snapshot;

impl Settlement {
    /// Settles the request; the second time it does nothing.
    pub(super) fn settle(&mut self, seen: Option<&Seen>) {
        if std::mem::replace(&mut self.settled, true) {
            return;
        }
        self.measure(seen, seen.and_then(|seen| seen.usage));
        if let Some(seen) = seen {
            let account = self.record.account.as_deref().unwrap_or_default();
            self.gateway.containers().pay(account, &seen.containers);
            let unknown = seen.unknown_usage.names();
            unknown.for_each(|name| self.gateway.records().measures().count_unknown_usage(self.api, name));
        }
        if self.record.usage.is_some_and(|usage| usage.inconsistent) {
            let account = self.record.account.as_deref().unwrap_or_default();
            self.gateway.records().measures().count_inconsistent_usage(self.api, account);
        }
        let snapshot = self.snapshot.take();
        self.remember(snapshot.as_deref(), seen);
        drop(std::mem::take(&mut self.continues));
        if let Some(place) = self.place.take() {
            if self.record.outcome == Outcome::Completed && !self.counts_tokens() {
                place.completed(self.gateway.now());
            }
            let outcome = match self.record.outcome {
                Outcome::Completed => AttemptOutcome::Completed,
                Outcome::ClientGone => AttemptOutcome::Cancelled,
                Outcome::GatewayError => {
                    AttemptOutcome::Failed { fault: Fault::Gateway, scope: Scope::Request }
                }
                _ => AttemptOutcome::Failed { fault: Fault::Provider, scope: Scope::Account },
            };
            place.observe(outcome);
            let record = &mut *self.record;
            let (usage, cost) = parts::last_attempt(record);
            let last = match self.cut.take() {
                None if record.tries.is_empty() => None,
                None => Some(Try::last(&place.account().name, record.status)),
                cut => cut,
            };
            record.tries.extend(last.map(|last| last.used(usage, cost)));
        }
        self.is_recorded();
        self.settle_limits();
    }

    /// What it used, and what that costs.
    pub(super) fn measure(&mut self, seen: Option<&Seen>, told: Option<Usage>) {
        if let Some(seen) = seen {
            self.record.reported_model = seen.model.as_deref().map(Into::into);
            let raw = seen.raw_usage.text();
            if self.record.raw_usage.as_deref().unwrap_or_default() != raw {
                self.record.raw_usage = Some(raw.into());
            }
        }
        self.record.usage = parts::with_before(&self.record, self.used(told, seen));
        self.notes_others(seen);
        let snapshot = self.snapshot.take();
        self.price(snapshot.as_deref(), seen);
        self.snapshot = snapshot;
        let record = &mut *self.record;
        record.duration = self.started.elapsed();
        record.first_byte = self.first_byte;
        record.overhead = self.overhead;
    }

    /// What continues this response, or refers to its items, must go to the account that made it.
    fn remember(&self, snapshot: Option<&Snapshot>, seen: Option<&Seen>) {
        // Of what is translated nothing is stored, and its ids are no response's.
        let makes = self.api == Api::OpenaiResponses
            && self.record.operation == Operation::Generate
            && !self.translated;
        if let (true, Some(snapshot), Some(id), Some(account)) =
            (makes, snapshot, seen.and_then(|seen| seen.id.as_deref()), &self.record.account)
        {
            let items = seen.map_or(&[][..], |seen| seen.items.ids());
            let names = items.iter().chain(&self.continues.names).map(String::as_str);
            let by = Maker { key: Arc::clone(&self.key.id), account: Arc::clone(account) };
            let names = std::iter::once(id).chain(names);
            self.gateway.references().bind(names, by, self.record.time, snapshot.reference_ttl);
        }
    }

    /// What was used: as the dialect told it, else estimated, as zero is never a fallback. The meter sees the answer
    /// alone; what went up is known here.
    pub(super) fn used(&self, told: Option<Usage>, seen: Option<&Seen>) -> Option<Usage> {
        let by_tokens =
            matches!(self.record.operation, Operation::Generate | Operation::Embed | Operation::BatchEmbed);
        let left_early = self.sent
            && matches!(
                self.record.outcome,
                Outcome::ClientGone | Outcome::GatewayError | Outcome::Interrupted
            );
        if told.is_none() && !(by_tokens && (seen.is_some() || left_early)) {
            return None;
        }
        let mut usage = told.unwrap_or_else(|| {
            let mut untold = Usage::default();
            untold.estimated = true;
            untold
        });
        if let (Some(seen), Some(account)) = (seen, &self.record.account) {
            let paid = self.gateway.containers().paid(account, &seen.containers);
            usage.code_containers = usage.code_containers.saturating_sub(paid);
        }
        // Nobody asks with no tokens: a zero was not told.
        if by_tokens && usage.all_input() == 0 {
            usage.input = self.sent_bytes.div_ceil(BYTES_PER_TOKEN);
            usage.estimated = true;
        }
        Some(usage)
    }

    fn price(&mut self, snapshot: Option<&Snapshot>, seen: Option<&Seen>) {
        if self.counts_tokens() {
            self.record.cost = Cost::new(Some(Money::ZERO), Some(Money::ZERO));
            return;
        }
        let (Some(snapshot), Some(_)) = (snapshot, &self.record.usage) else { return };
        let Some(model) = self.record.upstream_model.clone() else { return };
        let served = served(self.place.as_ref(), self.tier.as_deref(), &model, seen);
        self.gateway.records().bills().charge(&mut self.record, &*snapshot.cost, served);
    }
}

/// How a request is served by an account, as far as its price depends on that; `tier` where the answer tells none.
pub(super) fn served<'a>(
    place: Option<&'a InFlight>,
    tier: Option<&'a str>,
    model: &'a str,
    seen: Option<&'a Seen>,
) -> Served<'a> {
    let mut served = Served::new(model);
    if let Some(account) = place.map(|place| &place.account().config) {
        served.model = account.provider.stands_for(model).unwrap_or(model);
        (served.geo, served.multiplier) = (account.provider.geo(), account.cost_multiplier);
    }
    served.tier = seen.and_then(|seen| seen.tier.as_deref()).or(tier);
    if let Some(seen) = seen {
        (served.speed, served.turns) = (seen.speed.as_deref(), &seen.turns);
        served.geo = seen.geo.as_deref().or(served.geo);
    }
    served
}
