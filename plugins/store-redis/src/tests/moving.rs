//! What limits count while the slot of all keys moves to another node of a cluster, and while its owner is replaced.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use redis::Value;
use sluice_api::limiter::{Bucket, Principal, Rule, Take, Unit, Window};
use sluice_api::store::{Asked, Lease, LeaseId, Line, Owner, Place, Taken, Used};
use tokio::time::Instant;

use super::cluster::{Cluster, wait};
use super::event::{Counter, PATIENCE, until};
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

impl Seen {
    fn begins(&self) {
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
    }

    fn ends(&self, counts: &Counts, leases: Vec<Lease>) {
        self.now.fetch_sub(1, Ordering::SeqCst);
        for lease in leases {
            counts.settle(&lease, Used::new(1, 0), Timestamp::now());
        }
        self.served.one_more();
    }
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
    gateway_within(cluster, name, PATIENCE).await
}

/// One that waits no longer than this for anything.
async fn gateway_within(cluster: &Cluster, name: &str, timeout: Duration) -> Counts {
    let link = cluster.link_within(&[0, 1, 2], timeout);
    let counts = Counts::new(Arc::new(link), name.to_owned(), Time::Servers);
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
                seen.begins();
                tokio::task::yield_now().await;
                seen.ends(counts, leases);
            }
            Ok(_) => tokio::task::yield_now().await,
            Err(_) => {
                seen.lost.fetch_add(1, Ordering::Relaxed);
                tokio::task::yield_now().await;
            }
        }
    }
}

/// The same in the line of their key: whoever waits is told when it is its turn, whatever becomes of servers meanwhile.
async fn requests_in_line(counts: &Counts, seen: &Seen, task: u64) {
    let (mut number, mut place): (u64, Option<Place>) = (0, None);
    while !seen.ends.load(Ordering::Relaxed) {
        number += 1;
        let lease = Lease::new(LeaseId::new(Owner(task), number), Timestamp::now(), takes().to_vec());
        let line = Line::new("key".into(), 100).at(place.clone());
        match counts.take_all(Asked::new(vec![lease]).in_line(line)).await {
            Ok(Taken::All(leases)) => {
                place = None;
                seen.begins();
                tokio::task::yield_now().await;
                seen.ends(counts, leases);
            }
            Ok(Taken::Waits(at)) => {
                let turn = tokio::time::timeout(PATIENCE, counts.turn(&at)).await;
                turn.expect("nobody waits for ever");
                place = Some(at);
            }
            Ok(Taken::Refused(_)) | Err(_) => {
                place.take().into_iter().for_each(|place| counts.leave(place));
                seen.lost.fetch_add(1, Ordering::Relaxed);
                tokio::task::yield_now().await;
            }
        }
    }
    place.into_iter().for_each(|place| counts.leave(place));
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

/// A cluster in which the node that has our keys has a replica, the fourth one, which is up to it.
fn replicated() -> (Cluster, usize) {
    let cluster = Cluster::start(1);
    let owner = cluster.owner(0).unwrap();
    let Value::BulkString(id) = cluster.nodes[owner].tell(&["CLUSTER", "MYID"]) else { panic!() };
    cluster.nodes[3].tell(&["CLUSTER", "REPLICATE", &String::from_utf8(id).unwrap()]);
    let says = |node: usize, what: &str| {
        let info = cluster.nodes[node].tell(&["INFO", "replication"]);
        redis::from_redis_value::<String>(info).unwrap().contains(what)
    };
    wait(|| says(3, "master_link_status:up"));
    (cluster, owner)
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_hold_while_a_replica_takes_over() {
    let (cluster, _) = replicated();
    while_served(&cluster, async |_| {
        // In order: the replica has all before it takes over.
        let told = async || cluster.nodes[3].try_tell(&["CLUSTER", "FAILOVER"]).is_ok();
        until("it is told to take over", told).await;
        until("it has taken over", async || cluster.owner(3) == Some(3)).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_master_that_is_killed_costs_what_it_had_not_passed_on_and_nobody_waits_for_ever() {
    /// Requests at a time, each of which has one step on its way at most that the replica may not have had.
    const CLIENTS: u64 = 12;
    /// What was given back or up in the last moment is in the way of others until twice this has passed.
    const TIMEOUT: Duration = Duration::from_secs(2);
    let (mut cluster, owner) = replicated();
    let gateway = async |name| gateway_within(&cluster, name, TIMEOUT).await;
    let gateways = [gateway("one").await, gateway("two").await];
    let (seen, next) = (Seen::default(), AtomicU64::new(0));
    let load = futures(usize::try_from(CLIENTS).unwrap(), || {
        let task = next.fetch_add(1, Ordering::Relaxed);
        requests_in_line(&gateways[usize::from(task % 2 == 1)], &seen, task)
    });
    let work = async {
        seen.served.grows(100).await;
        cluster.nodes[owner].kill();
        until("its replica has taken over", async || cluster.owner(3) == Some(3)).await;
        seen.served.grows(200).await;
        seen.ends.store(true, Ordering::Relaxed);
    };
    tokio::join!(load, work);
    for counts in &gateways {
        counts.settled().await;
        // What was lost of that is found, later.
        counts.can_compare().await;
        let now = Instant::now();
        counts.compare([now, now + Duration::from_secs(130)]).await;
        counts.settled().await;
    }
    let [slots, tokens] = takes();
    assert_eq!(gateways[0].held(&slots.bucket).await.unwrap(), 0, "no slot is kept");
    assert_eq!(gateways[0].waiting(vec!["key".into()]).await.unwrap(), [0]);
    let used = gateways[0].levels(&[tokens], Timestamp::now()).await.unwrap().remove(0).used;
    let served = seen.served.now();
    assert!(used.abs_diff(served) <= CLIENTS, "{used} are counted of {served}");
    let most = seen.most.load(Ordering::SeqCst);
    assert!(most <= 2 * SLOTS, "{most} at once, where {SLOTS} may be, and as many may have been forgotten");
}
