//! What a request takes of limits: let in, admitted, told of while it runs, and settled once.

use std::time::{Duration, Instant};

use sluice_api::cost::Usage;
use sluice_api::dialect::Operation;
use sluice_api::error::Error;
use sluice_api::limiter::{Spend, Take};
use sluice_api::record::Cost;
use sluice_api::store::{Level, Used};
use sluice_ledger::records::parts;
use sluice_limits::Held;

use super::Settlement;
use crate::admit::own;
use crate::ask::ClientRoute;
use crate::demand::units;
use crate::source::Source;

/// How often at most windows that roll are told what a running request has used by now.
const LANDS_EVERY: Duration = Duration::from_secs(3);

impl Settlement {
    /// Lets it in before its body is read.
    pub(crate) fn enters(&mut self, route: &ClientRoute) -> Result<(), Error> {
        let counts = route.operation == Operation::CountTokens;
        if let Some(snapshot) = self.snapshot.as_ref().filter(|_| !counts) {
            let queue = self.key.queue.map_or(0, |queue| queue.size);
            let own = own(&self.key);
            self.entered = self.gateway.limits().enter(&snapshot.limiters, own.as_slice(), queue)?;
        }
        Ok(())
    }

    /// Whether it has taken of its key's limits.
    pub(crate) fn is_admitted(&self) -> bool {
        self.held.own.is_some()
    }

    /// Limits were taken: of the key and its group where they had not been yet, and of the account.
    pub(crate) fn admitted(&mut self, own: Held, account: Held) {
        self.held.own.get_or_insert(own);
        self.held.account = account;
    }

    /// From here on others are waited for, which is no work of the gateway's.
    pub(crate) fn waits_in_line(&mut self) {
        self.overhead += self.mark.elapsed();
    }

    /// It has waited, and goes on.
    pub(crate) fn goes_on(&mut self) {
        self.mark = Instant::now();
    }

    /// What it has taken of its key's and its group's limits, and how full each was with it.
    pub(crate) fn levels(&self) -> impl Iterator<Item = (&Take, Level)> {
        self.held.own.iter().flat_map(Held::levels)
    }

    /// Windows that roll are told what a running request has used by now.
    pub(super) fn lands(&mut self, source: &Source, now: Instant) {
        let rolls = self.held.account.rolls() || self.held.own.as_ref().is_some_and(Held::rolls);
        let since = self.held.landed.unwrap_or(self.started);
        if !rolls || now.saturating_duration_since(since) < LANDS_EVERY {
            return;
        }
        self.held.landed = Some(now);
        // Measured again at the end.
        self.measure(Some(source.seen()), source.used());
        let used = self.has_used();
        if let Some(own) = &mut self.held.own {
            own.land(used);
        }
        let used = self.has_used_of_account();
        self.held.account.land(used);
    }

    /// What was used counts, where it counts at all; everything else is given back.
    pub(super) fn settle_limits(&mut self) {
        // Counting tokens counts in a limit of its own, whatever comes of it.
        let counts = self.record.counts() || (self.counts_tokens() && self.is_admitted());
        let used = if counts { self.has_used() } else { Used::NOTHING };
        if used.counts && self.record.usage.is_some_and(|usage| !usage.estimated) {
            let spend = Spend { tokens: used.tokens, cost: used.cost };
            self.gateway.limits().means().tells(&self.key.id, &self.record.model, spend);
        }
        if let Some(mut own) = self.held.own.take() {
            own.settle(used);
        }
        self.held.account.settle(if used.counts { self.has_used_of_account() } else { used });
        drop(self.entered.take());
    }

    fn has_used(&self) -> Used {
        of(self.record.usage, self.record.cost)
    }

    /// What its account has served: another may have been billed before.
    fn has_used_of_account(&self) -> Used {
        let (usage, cost) = parts::last_attempt(&self.record);
        of(usage, cost)
    }
}

fn of(usage: Option<Usage>, cost: Cost) -> Used {
    let tokens = usage.map_or(0, |usage| usage.total());
    Used::new(tokens, cost.own.map_or(0, |cost| units(cost.units())))
}
