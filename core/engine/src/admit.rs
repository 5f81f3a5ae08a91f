//! Admission: the key's limits in one step of the store, then a place on an account.

use std::sync::Arc;
use std::time::Duration;

use sluice_api::limiter::{Bucket, Subject};
use sluice_api::scheduler::{self, Candidate};
use sluice_api::store::{Lease, Taken};
use sluice_api::{Error, Kind, Operation, Timestamp};

use crate::account::{AccountState, InFlight};
use crate::ask::Ask;
use crate::gateway::Gateway;
use crate::key::Key;
use crate::route::{Target, Targets};
use crate::snapshot::Snapshot;

/// What a client is told to wait when how long can't be known.
const SOON: Duration = Duration::from_secs(1);

/// Takes the key's and its group's slots, all or none. Counting tokens takes none: clients count by the dozen.
///
/// # Errors
///
/// 429 naming the limit that is used up; 503 when the store is out of reach.
pub(crate) async fn limits(
    gateway: &Gateway,
    snapshot: &Snapshot,
    key: &Key,
    ask: &Ask,
) -> Result<Lease, Error> {
    if ask.route.operation == Operation::CountTokens {
        return Ok(Lease::default());
    }
    let subject = Subject {
        key: &key.id,
        key_concurrency: key.concurrency,
        group: key.group.as_ref().map(|group| &group.name),
        group_concurrency: key.group.as_ref().map_or(0, |group| group.concurrency),
    };
    let mut takes = Vec::new();
    for limiter in &snapshot.limiters {
        limiter.takes(&subject, &mut takes);
    }
    if takes.is_empty() {
        return Ok(Lease::default());
    }
    match gateway.store().take_all(takes).await {
        Ok(Taken::Lease(lease)) => Ok(lease),
        Ok(Taken::Refused(take)) => {
            let (whose, limit) = match &take.bucket {
                Bucket::KeySlots(_) => ("this key", take.limit),
                Bucket::GroupSlots(_) => ("this key's group", take.limit),
            };
            let message =
                format!("{whose} may have {limit} requests at once, and has them: wait until one has ended");
            Err(Error::new(Kind::RateLimited, message).retry_after(SOON))
        }
        Err(error) => {
            tracing::error!(%error, "the store refused to count a request");
            Err(Error::new(Kind::StoreUnavailable, "the gateway's store is out of reach: try again later")
                .retry_after(SOON))
        }
    }
}

/// What a client is told to wait for an operator: long enough that no client tries again by itself.
const OPERATOR: Duration = Duration::from_secs(300);

/// The accounts of a request that are still to be tried, best first.
pub(crate) struct Order {
    model: String,
    pools: std::vec::IntoIter<Vec<Target>>,
    rest: Vec<Target>,
    could_serve: bool,
}

impl Order {
    pub(crate) fn new(targets: Targets) -> Self {
        Self { model: targets.model, pools: targets.pools.into_iter(), rest: Vec::new(), could_serve: false }
    }

    /// Picks the best account with room and counts the request in flight on it, in one step.
    ///
    /// # Errors
    ///
    /// 503 when none is left.
    pub(crate) fn pick(
        &mut self,
        gateway: &Gateway,
        snapshot: &Snapshot,
        ask: &Ask,
        now: Timestamp,
    ) -> Result<(Target, InFlight), Error> {
        loop {
            if let Some(picked) = self.pick_of_pool(gateway, snapshot, ask, now) {
                return Ok(picked);
            }
            match self.pools.next() {
                Some(pool) => self.rest = pool,
                None => return Err(self.none_left(ask)),
            }
        }
    }

    fn pick_of_pool(
        &mut self,
        gateway: &Gateway,
        snapshot: &Snapshot,
        ask: &Ask,
        now: Timestamp,
    ) -> Option<(Target, InFlight)> {
        self.rest.retain(|target| target.account.config.enabled);
        self.could_serve |= !self.rest.is_empty();
        let mut turn = gateway.pick_lock();
        let at = match self.rest.as_slice() {
            [] => return None,
            [only] if has_room(only) => 0,
            several => {
                let open: Vec<usize> = several
                    .iter()
                    .enumerate()
                    .filter(|(_, target)| has_room(target))
                    .map(|(at, _)| at)
                    .collect();
                let candidates: Vec<Candidate<'_>> =
                    open.iter().filter_map(|at| several.get(*at)).map(candidate).collect();
                let question =
                    scheduler::Ask { api: ask.route.api, operation: ask.route.operation, model: &self.model };
                let best = *snapshot.scheduler.plan(&question, &candidates).first()?;
                *open.get(best)?
            }
        };
        let target = self.rest.swap_remove(at);
        *turn += 1;
        let place = AccountState::enter(&target.account, *turn, now);
        Some((target, place))
    }

    fn none_left(&self, ask: &Ask) -> Error {
        let model = &ask.model;
        if self.could_serve {
            let message =
                format!("the accounts that serve `{model}` have all they can take: try again shortly");
            return Error::new(Kind::NoAccount, message).retry_after(SOON);
        }
        let message = format!("the accounts that serve `{model}` are all disabled: ask your operator");
        Error::new(Kind::NoAccount, message).retry_after(OPERATOR)
    }
}

fn has_room(target: &Target) -> bool {
    let bound = target.account.config.concurrency;
    bound == 0 || target.account.state.in_flight() < bound
}

fn candidate(target: &Target) -> Candidate<'_> {
    let account = &target.account;
    Candidate {
        account: &account.name,
        priority: account.config.priority,
        weight: account.config.weight.max(1),
        in_flight: account.state.in_flight(),
        last_used: account.state.picked(),
    }
}

/// A store's lease that is given back when this is dropped.
#[derive(Debug, Default)]
pub(crate) struct Held(Option<(Arc<Gateway>, Lease)>);

impl Held {
    pub(crate) fn new(gateway: &Arc<Gateway>, lease: Lease) -> Self {
        Self((!lease.takes.is_empty()).then(|| (Arc::clone(gateway), lease)))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some((gateway, lease)) = self.0.take() {
            gateway.store().give(lease);
        }
    }
}
