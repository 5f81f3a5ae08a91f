//! What is admitted, refused and for how long, and who is next.

mod cases;
mod lines;
mod mirror;
mod windows;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use sluice_api::limiter::{Bucket, Principal, Rule, Take, Unit, Why, Window};
use sluice_api::store::{Asked, Lease, LeaseId, Owner, Taken};

use crate::Buckets;

/// Milliseconds after some moment.
fn at(milliseconds: i64) -> Timestamp {
    Timestamp::from_millisecond(1_795_000_000_000 + milliseconds).unwrap()
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn key(id: &str) -> Principal {
    Principal::Key(id.into())
}

fn bucket(principal: Principal, part: &str) -> Bucket {
    Bucket::new("limits", principal).part(part.into())
}

fn slot(principal: Principal, limit: u64) -> Take {
    Take::one(Bucket::new("concurrency", principal), limit)
}

/// One request of so many in a window of a key.
fn one(id: &str, window: Window, limit: u64) -> Take {
    Take::within(bucket(key(id), "requests"), window, 1, limit)
}

/// So many tokens of a key, reserved.
fn tokens(id: &str, window: Window, (amount, limit): (u64, u64), rule: Rule) -> Take {
    Take::within(bucket(key(id), "tokens"), window, amount, limit).of(Unit::Tokens, rule)
}

fn lease(now: Timestamp, takes: Vec<Take>) -> Lease {
    Lease::new(LeaseId::new(Owner(1), 1), now, takes)
}

/// The lease, or why there is none.
fn take(buckets: &Buckets, now: Timestamp, takes: Vec<Take>) -> Result<Lease, (Arc<str>, Why)> {
    match buckets.take_all(Asked::new(vec![lease(now, takes)])) {
        Taken::All(leases) => Ok(leases.into_iter().next().unwrap()),
        Taken::Refused(denial) => {
            let bucket = denial.take.bucket;
            Err((bucket.part.unwrap_or_else(|| bucket.limiter.into()), denial.why))
        }
        Taken::Waits(place) => panic!("it waits at {place:?}"),
    }
}

/// Why there is no room.
fn why(buckets: &Buckets, now: Timestamp, takes: Vec<Take>) -> Option<Why> {
    take(buckets, now, takes).err().map(|(_, why)| why)
}
