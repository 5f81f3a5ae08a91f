//! Servers of a cluster, in one of whose slots all our keys are: found wherever it is, while it moves, and when its owner
//! is gone.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use redis::Value;

use super::event::{Counter, PATIENCE, until};
use super::sent::{futures, more, until_more};
use super::server::Server;
use crate::link::{Failure, Link, Servers};
use crate::script::Script;

/// Slots of a cluster.
const SLOTS: u64 = 16_384;

/// Three masters, and others that are none yet.
pub(super) struct Cluster {
    pub(super) nodes: Vec<Server>,
    ids: Vec<String>,
    slot: String,
}

/// Three nodes of a cluster that is whole.
pub(super) fn three() -> Vec<Server> {
    Cluster::start(0).nodes
}

impl Cluster {
    pub(super) fn start(more: usize) -> Self {
        let nodes: Vec<Server> = (0..3 + more).map(|_| Server::node()).collect();
        let ids = nodes.iter().map(|node| text(node.tell(&["CLUSTER", "MYID"]))).collect();
        for (at, node) in (0..3).zip(&nodes) {
            let (first, last) = (SLOTS * at / 3, SLOTS * (at + 1) / 3 - 1);
            node.tell(&["CLUSTER", "ADDSLOTSRANGE", &first.to_string(), &last.to_string()]);
            node.tell(&["CLUSTER", "SET-CONFIG-EPOCH", &(at + 1).to_string()]);
        }
        let (first, others) = nodes.split_first().unwrap();
        for node in others {
            let (port, bus) = (node.port.to_string(), node.bus.unwrap().to_string());
            first.tell(&["CLUSTER", "MEET", "127.0.0.1", &port, &bus]);
        }
        let slot = match first.tell(&["CLUSTER", "KEYSLOT", "{sluice}:x"]) {
            Value::Int(slot) => slot.to_string(),
            other => panic!("{other:?}"),
        };
        let cluster = Self { nodes, ids, slot };
        let known = format!("cluster_known_nodes:{}", 3 + more);
        for node in &cluster.nodes {
            wait(|| {
                let info = text(node.tell(&["CLUSTER", "INFO"]));
                info.contains("cluster_state:ok") && info.contains(&known)
            });
        }
        cluster
    }

    /// Which node has our keys, as this one sees it.
    pub(super) fn owner(&self, seen_by: usize) -> Option<usize> {
        let slot: u64 = self.slot.parse().unwrap();
        let Value::Array(ranges) = self.nodes[seen_by].tell(&["CLUSTER", "SLOTS"]) else { panic!() };
        ranges.iter().find_map(|range| {
            let Value::Array(range) = range else { return None };
            let [Value::Int(first), Value::Int(last), Value::Array(master), ..] = range.as_slice() else {
                return None;
            };
            let Some(Value::Int(port)) = master.get(1) else { return None };
            let has = (*first..=*last).contains(&i64::try_from(slot).unwrap());
            self.nodes.iter().position(|node| has && i64::from(node.port) == *port)
        })
    }

    pub(super) fn link(&self, nodes: &[usize]) -> Link {
        self.link_within(nodes, PATIENCE)
    }

    /// One on which nothing takes longer than this.
    pub(super) fn link_within(&self, nodes: &[usize], timeout: Duration) -> Link {
        let urls: Vec<_> = nodes.iter().map(|node| self.nodes[*node].url()).collect();
        let urls: Vec<_> = urls.iter().map(String::as_str).collect();
        Link::to(&Servers::new(&urls, None).unwrap(), "sluice", timeout)
    }

    /// Begins to move our keys; new ones are at the other node from now on.
    pub(super) fn begin_move(&self, from: usize, to: usize) {
        self.nodes[to].tell(&["CLUSTER", "SETSLOT", &self.slot, "IMPORTING", &self.ids[from]]);
        self.nodes[from].tell(&["CLUSTER", "SETSLOT", &self.slot, "MIGRATING", &self.ids[to]]);
    }

    /// Moves some keys; whether there was any.
    pub(super) fn move_some(&self, from: usize, to: usize) -> bool {
        let Value::Array(keys) = self.nodes[from].tell(&["CLUSTER", "GETKEYSINSLOT", &self.slot, "20"])
        else {
            panic!()
        };
        let keys: Vec<String> = keys.into_iter().map(text).collect();
        let port = self.nodes[to].port.to_string();
        let mut command = vec!["MIGRATE", "127.0.0.1", &port, "", "0", "5000", "KEYS"];
        command.extend(keys.iter().map(String::as_str));
        if !keys.is_empty() {
            self.nodes[from].tell(&command);
        }
        !keys.is_empty()
    }

    /// Ends the move.
    pub(super) fn end_move(&self, from: usize, to: usize) {
        for node in [to, from] {
            self.nodes[node].tell(&["CLUSTER", "SETSLOT", &self.slot, "NODE", &self.ids[to]]);
        }
    }
}

fn text(value: Value) -> String {
    redis::from_redis_value(value).unwrap()
}

pub(super) fn wait(mut done: impl FnMut() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !done() {
        assert!(Instant::now() < until, "it does not come to it");
        std::thread::park_timeout(Duration::from_millis(10));
    }
}

async fn counted(link: &Link, counter: &str) -> u64 {
    let mut get = redis::cmd("GET");
    get.arg(link.key(counter));
    redis::from_redis_value::<Option<u64>>(link.ask(&get).await.unwrap()).unwrap().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_owner_is_found_from_any_node() {
    let cluster = Cluster::start(0);
    for node in 0..3 {
        let link = cluster.link(&[node]);
        assert_eq!(more(&link, "count:n").await.unwrap(), i64::try_from(node).unwrap() + 1);
        link.run_much(&super::sent::count(), &[link.key("count:m")], &[]).await.unwrap();
        crate::opening::open(&link).await.unwrap();
        crate::opening::ready(&link).await.unwrap();
    }
    let owner = cluster.owner(0).unwrap();
    assert_eq!(cluster.nodes[owner].tell(&["CLUSTER", "COUNTKEYSINSLOT", &cluster.slot]), Value::Int(3));
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_move_are_followed_and_nothing_is_done_twice_or_lost() {
    let cluster = Cluster::start(0);
    let link = cluster.link(&[0, 1, 2]);
    for key in 0..2_000 {
        until_more(&link, &format!("filler{key}")).await;
    }
    let both = Script::new(&["#!lua\n", "return redis.call('INCR', KEYS[1]) + redis.call('INCR', KEYS[2])"]);
    let from = cluster.owner(0).unwrap();
    let to = (from + 1) % 3;
    let (done, goes_on) = ([const { AtomicU64::new(0) }; 12], AtomicBool::new(true));
    let all = Counter::default();
    let refused = AtomicU64::new(0);
    let moving = async {
        cluster.begin_move(from, to);
        while cluster.move_some(from, to) {
            tokio::task::yield_now().await;
        }
        // Whole, and not yet the owner's: every key is asked for aside.
        all.grows(50).await;
        cluster.end_move(from, to);
        all.grows(50).await;
        goes_on.store(false, Ordering::Relaxed);
    };
    let (link, done, goes_on, both, refused, all) = (&link, &done, &goes_on, &both, &refused, &all);
    let next = AtomicU64::new(0);
    let load = futures(12, || {
        let task = usize::try_from(next.fetch_add(1, Ordering::Relaxed)).unwrap();
        async move {
            let (one, other) = (format!("n{task}"), format!("o{task}"));
            while goes_on.load(Ordering::Relaxed) {
                let answer = if task < 8 {
                    more(link, &one).await.map(drop)
                } else {
                    link.run(both, &[link.key(&one), link.key(&other)], &[]).await.map(drop)
                };
                match answer {
                    Ok(()) => {
                        done[task].fetch_add(1, Ordering::Relaxed);
                        all.one_more();
                    }
                    Err(Failure::NotDone(_)) => drop(refused.fetch_add(1, Ordering::Relaxed)),
                    Err(failure) => {
                        panic!("nothing was cut: {failure}")
                    }
                }
                tokio::task::yield_now().await;
            }
        }
    });
    tokio::join!(moving, load);
    for (task, done) in done.iter().enumerate() {
        let done = done.load(Ordering::Relaxed);
        assert_eq!(counted(link, &format!("n{task}")).await, done, "{task}");
        if task >= 8 {
            assert_eq!(counted(link, &format!("o{task}")).await, done, "{task}");
        }
    }
    assert_eq!(refused.load(Ordering::Relaxed), 0, "within its time each one found its keys");
    assert_eq!(cluster.owner(to), Some(to));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_that_is_gone_is_replaced_and_found() {
    let mut cluster = Cluster::start(1);
    let owner = cluster.owner(0).unwrap();
    let id = cluster.ids[owner].clone();
    cluster.nodes[3].tell(&["CLUSTER", "REPLICATE", &id]);
    wait(|| text(cluster.nodes[3].tell(&["INFO", "replication"])).contains("master_link_status:up"));
    // The others are not named: who they are was learned from it.
    let link = cluster.link(&[owner]);
    for _ in 0..100 {
        more(&link, "n").await.unwrap();
    }
    assert_eq!(cluster.nodes[owner].tell(&["WAIT", "1", "10000"]), Value::Int(1));
    // In order first: the old owner is its replica afterwards.
    wait(|| cluster.nodes[3].try_tell(&["CLUSTER", "FAILOVER"]).is_ok());
    wait(|| cluster.owner(3) == Some(3));
    assert_eq!(until_more(&link, "n").await, 101);
    // And back, by the death of the new one.
    wait(|| text(cluster.nodes[owner].tell(&["INFO", "replication"])).contains("master_link_status:up"));
    let count = more(&link, "n").await.unwrap();
    assert_eq!(cluster.nodes[3].tell(&["WAIT", "1", "10000"]), Value::Int(1));
    cluster.nodes[3].kill();
    let mut refused = 0;
    until("another is the owner", async || {
        match more(&link, "n").await {
            Ok(again) => {
                assert_eq!(
                    again,
                    count + 1,
                    "nothing is lost that the replica had, and nothing done that was refused"
                );
                return true;
            }
            Err(Failure::NotDone(_)) => refused += 1,
            // What was under way as it died.
            Err(failure) => {
                assert!(refused == 0, "{failure}")
            }
        }
        false
    })
    .await;
    assert!(refused > 0, "nobody waits for an election");
}
