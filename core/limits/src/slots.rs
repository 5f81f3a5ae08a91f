//! Admission: what a request takes of its limits, in one step of the store.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use sluice_api::dialect::Operation;
use sluice_api::error::{Error, Kind};
use sluice_api::limiter::{AtWork, Denial, Subject, Take, Takes};
use sluice_api::store::{Lease, LeaseId, Owner, Store, Taken};

use crate::held::Held;

/// What a client is told to wait when how long can't be known.
const SOON: Duration = Duration::from_secs(1);

/// How long a gateway that has gone still holds what it took from a store that others share.
const TERM: Duration = Duration::from_secs(60);

/// The limits of a gateway: who takes in its name, and from where.
#[derive(Debug)]
pub struct Limits {
    store: Arc<dyn Store>,
    owner: Owner,
    /// The number of the next lease.
    next: AtomicU64,
}

impl Limits {
    /// Those that are counted in a store, for this process.
    #[must_use]
    pub fn new(store: Arc<dyn Store>) -> Self {
        let (_, random) = uuid::Uuid::now_v7().as_u64_pair();
        Self { store, owner: Owner(random), next: AtomicU64::new(0) }
    }

    /// Takes what the limiters say, all or none, before the body is read, so that what a key makes the gateway hold is
    /// bounded too. Counting tokens takes nothing: clients count by the dozen.
    ///
    /// # Errors
    ///
    /// What the limiter says whose take had no room; 503 when the store is out of reach.
    pub async fn slots(&self, limiters: &[AtWork], subject: Subject<'_>) -> Result<Held, Error> {
        if subject.operation == Operation::CountTokens {
            return Ok(Held::default());
        }
        let takes = Takes::by(limiters, &subject);
        if takes.is_empty() {
            return Ok(Held::default());
        }
        match self.store.take_all(self.lease(subject.now, takes)).await {
            Ok(Taken::Lease(lease)) => Ok(Held::new(&self.store, lease)),
            Ok(Taken::Refused(refused)) => Err(refusal(limiters, &refused)),
            Err(error) => {
                tracing::error!(%error, "the store refused to count a request");
                let message = "the gateway's store is out of reach: try again later";
                Err(Error::new(Kind::StoreUnavailable, message).retry_after(SOON))
            }
        }
    }

    /// What is asked of the store, under a name that no other lease has.
    pub(crate) fn lease(&self, now: Timestamp, takes: Vec<Take>) -> Lease {
        let id = LeaseId::new(self.owner, self.next.fetch_add(1, Ordering::Relaxed));
        Lease::new(id, now, now.saturating_add(TERM).unwrap_or(Timestamp::MAX), takes)
    }
}

/// What the limiter says whose bucket it is.
fn refusal(limiters: &[AtWork], refused: &Denial) -> Error {
    let whose = limiters.iter().find(|one| one.kind == refused.take.bucket.limiter);
    whose.map_or_else(
        || Error::new(Kind::Internal, "the gateway's store refused what nobody asked of it: try again"),
        |one| one.limiter.refusal(refused),
    )
}
