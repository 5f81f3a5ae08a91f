//! What limits count while the slot of all keys moves to another node of a cluster, and while its owner is replaced.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use jiff::Timestamp;
use redis::Value;
use sluice_api::limiter::{Bucket, Principal, Rule, Take, Unit, Window};
use sluice_api::store::{Asked, Lease, LeaseId, Owner, Taken, Used};

use super::cluster::{Cluster, wait};
use super::event::{Counter, until};
use super::sent::futures;
use crate::counts::{Counts, Time};

/// Slots that all gateways have together.
const SLOTS: u64 = 3;

/// What requests of several gateways have seen.
#[derive(Default)]
struct Seen {
    now: AtomicU64,
    most: AtomicU64,
    served: Counter,
    lost: AtomicU64,
    ends: AtomicBool,
}

fn takes() -> [Take; 2] {
    let key = || Principal::Key("key".into());
    let tokens = Bucket::new("rate", key()).part("tokens".into());
    [
        Take::one(Bucket::new("concurrency", key()), SLOTS),
        Take::within(tokens, Window::Total, 1, u64::MAX / 4).of(Unit::Tokens, Rule::Within),
    ]
}

async fn gateway(cluster: &Cluster, name: &str) -> Counts {
    let counts = Counts::new(Arc::new(cluster.link(&[0, 1, 2])), name.to_owned(), Time::Servers);
    counts.open().await.unwrap();
    counts
}

/// Requests one after the other, until they are to end.
async fn requests(counts: &Counts, seen: &Seen, task: u64) {
    let mut number = 0;
    while !seen.ends.load(Ordering::Relaxed) {
        number += 1;
        let id = LeaseId::new(Owner(task), number);
        let lease = Lease::new(id, Timestamp::now(), takes().to_vec());
        match counts.take_all(Asked::new(vec![lease])).await {
            Ok(Taken::All(leases)) => {
                let now = seen.now.fetch_add(1, Ordering::SeqCst) + 1;
                seen.most.fetch_max(now, Ordering::SeqCst);
                tokio::task::yield_now().await;
                seen.now.fetch_sub(1, Ordering::SeqCst);
                for lease in leases {
                    counts.settle(&lease, Used::new(1, 0), Timestamp::now());
                }
                seen.served.one_more();
            }
            Ok(_) => tokio::task::yield_now().await,
            Err(_) => {
                seen.lost.fetch_add(1, Ordering::Relaxed);
                tokio::task::yield_now().await;
            }
        }
    }
}

/// Requests of two gateways while something is done to the cluster; then what was counted is what was served.
async fn while_served(cluster: &Cluster, done: impl AsyncFnOnce(&Seen)) -> Seen {
    let gateways = [gateway(cluster, "one").await, gateway(cluster, "two").await];
    let (seen, next) = (Seen::default(), AtomicU64::new(0));
    let load = futures(12, || {
        let task = next.fetch_add(1, Ordering::Relaxed);
        requests(&gateways[usize::from(task % 2 == 1)], &seen, task)
    });
    let work = async {
        seen.served.grows(50).await;
        done(&seen).await;
        seen.served.grows(50).await;
        seen.ends.store(true, Ordering::Relaxed);
    };
    tokio::join!(load, work);
    for counts in &gateways {
        counts.settled().await;
    }
    let [slots, tokens] = takes();
    let level = gateways[0].levels(&[tokens], Timestamp::now()).await.unwrap().remove(0);
    assert_eq!(level.used, seen.served.now(), "each is counted once");
    assert_eq!(gateways[0].held(&slots.bucket).await.unwrap(), 0, "no slot is kept");
    assert!(seen.most.load(Ordering::SeqCst) <= SLOTS, "never more than there are");
    seen
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_hold_while_the_slot_of_all_keys_moves() {
    let cluster = Cluster::start(0);
    let from = cluster.owner(0).unwrap();
    let to = (from + 1) % 3;
    let seen = while_served(&cluster, async |seen| {
        for (from, to) in [(from, to), (to, from)] {
            cluster.begin_move(from, to);
            while cluster.move_some(from, to) {
                tokio::task::yield_now().await;
            }
            cluster.end_move(from, to);
            seen.served.grows(50).await;
        }
    })
    .await;
    assert_eq!(seen.lost.load(Ordering::Relaxed), 0, "each waits until its keys are together again");
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_hold_while_a_replica_takes_over() {
    let cluster = Cluster::start(1);
    let owner = cluster.owner(0).unwrap();
    let Value::BulkString(id) = cluster.nodes[owner].tell(&["CLUSTER", "MYID"]) else { panic!() };
    cluster.nodes[3].tell(&["CLUSTER", "REPLICATE", &String::from_utf8(id).unwrap()]);
    let says = |node: usize, what: &str| {
        let info = cluster.nodes[node].tell(&["INFO", "replication"]);
        redis::from_redis_value::<String>(info).unwrap().contains(what)
    };
    wait(|| says(3, "master_link_status:up"));
    while_served(&cluster, async |_| {
        // In order: the replica has all before it takes over.
        let told = async || cluster.nodes[3].try_tell(&["CLUSTER", "FAILOVER"]).is_ok();
        until("it is told to take over", told).await;
        until("it has taken over", async || cluster.owner(3) == Some(3)).await;
    })
    .await;
}
