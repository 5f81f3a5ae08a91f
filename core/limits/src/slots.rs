//! Admission: the key's limits in one step of the store.

use std::sync::Arc;
use std::time::Duration;

use sluice_api::limiter::{Bucket, Limiter, Subject};
use sluice_api::store::{Store, Taken};
use sluice_api::{Error, Kind, Operation};

use crate::held::Held;

/// Where the log has it: filters name it, so that it stays wherever this stands.
const TARGET: &str = "sluice_engine::admit";

/// What a client is told to wait when how long can't be known.
const SOON: Duration = Duration::from_secs(1);

/// Takes the key's and its group's slots, all or none, before the body is read, so that what a key makes the gateway
/// hold is bounded too. Counting tokens takes none: clients count by the dozen.
///
/// # Errors
///
/// 429 naming the limit that is used up; 503 when the store is out of reach.
pub async fn slots(
    store: &Arc<dyn Store>,
    limiters: &[Arc<dyn Limiter>],
    subject: Subject<'_>,
    operation: Operation,
) -> Result<Held, Error> {
    if operation == Operation::CountTokens {
        return Ok(Held::default());
    }
    let mut takes = Vec::new();
    for limiter in limiters {
        limiter.takes(&subject, &mut takes);
    }
    if takes.is_empty() {
        return Ok(Held::default());
    }
    match store.take_all(takes).await {
        Ok(Taken::Lease(lease)) => Ok(Held::new(store, lease)),
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
            tracing::error!(target: TARGET, %error, "the store refused to count a request");
            Err(Error::new(Kind::StoreUnavailable, "the gateway's store is out of reach: try again later")
                .retry_after(SOON))
        }
    }
}
