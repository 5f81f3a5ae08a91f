//! Admission: the key's limits in one step of the store.

use std::sync::Arc;
use std::time::Duration;

use sluice_api::limiter::{Bucket, Subject};
use sluice_api::store::{Lease, Taken};
use sluice_api::{Error, Kind, Operation};
use sluice_config::key::Key;

use crate::gateway::Gateway;
use crate::guarded::guarded;
use crate::snapshot::Snapshot;

/// What a client is told to wait when how long can't be known.
pub(crate) const SOON: Duration = Duration::from_secs(1);

/// Takes the key's and its group's slots, all or none, before the body is read, so that what a key makes the gateway
/// hold is bounded too. Counting tokens takes none: clients count by the dozen.
///
/// # Errors
///
/// 429 naming the limit that is used up; 503 when the store is out of reach.
pub(crate) async fn slots(
    gateway: &Gateway,
    snapshot: &Snapshot,
    key: &Key,
    operation: Operation,
) -> Result<Lease, Error> {
    if operation == Operation::CountTokens {
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
            guarded("Store::give", || gateway.store().give(lease));
        }
    }
}
