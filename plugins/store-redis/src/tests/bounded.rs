//! What a request costs, and how long it may wait.

use std::time::Duration;

use redis::Value;
use sluice_api::limiter::{Take, Window};
use sluice_api::plugin::Timestamp;
use sluice_api::store::{Level, Used};
use tokio::time::Instant;

use super::event::PATIENCE;
use super::faults::{TOTAL, gateway, held, level, link, slot, take, taken, tokens};
use super::proxy::Proxy;
use super::server::Server;
use crate::counts::{Counts, Time};

/// How often a server was told a command.
pub(super) fn told(server: &Server, command: &str) -> u64 {
    let Value::BulkString(info) = server.tell(&["INFO", "commandstats"]) else { panic!("no INFO") };
    let info = String::from_utf8(info).unwrap();
    let line = info.lines().find_map(|line| line.strip_prefix(&format!("cmdstat_{command}:calls=")));
    line.map_or(0, |line| line.split(',').next().unwrap().parse().unwrap())
}

#[tokio::test]
async fn however_often_a_request_asks_it_is_within_the_time_of_one_operation() {
    const TIMEOUT: Duration = Duration::from_millis(1_000);
    let server = Server::start();
    let proxy = Proxy::before(server.port);
    let one = Counts::new(link(&proxy.url(), TIMEOUT), "one".to_owned(), Time::Servers);
    one.open().await.unwrap();
    let other = gateway(&server.url(), "other").await;
    let own = taken(&one, 1, &[slot(2)]).await;
    let others = taken(&other, 2, &[slot(2)]).await;
    // Its slot is free, as it knows, and it can't say so yet: it asks again and again.
    one.beat(Instant::now().checked_sub(Duration::from_secs(20)).unwrap()).await.unwrap();
    one.settle(&own, Used::NOTHING, Timestamp::now());
    let before = told(&server, "hmget");
    proxy.delay(TIMEOUT * 6 / 10);
    let _ = take(&one, 3, &[slot(1)]).await;
    let asked = told(&server, "hmget") - before;
    assert!(
        (1..=2).contains(&asked),
        "it asked {asked} times, each of which took more than half of its time"
    );
    proxy.delay(Duration::ZERO);
    one.beat(Instant::now()).await.unwrap();
    one.settled().await;
    other.settle(&others, Used::NOTHING, Timestamp::now());
    other.settled().await;
    assert_eq!(held(&other).await, 0);
}

#[tokio::test]
async fn what_a_server_refuses_for_good_is_not_told_for_ever_and_holds_up_nothing_else() {
    let server = Server::start();
    let one = gateway(&server.url(), "one").await;
    let takes = [slot(9), tokens(TOTAL, 5, 100)];
    let leases = "{sluice}:leases:one";
    for round in 0..2 {
        let lost = taken(&one, 10 * round, &takes).await;
        server.tell(&["DEL", leases]);
        server.tell(&["SET", leases, "no hash"]);
        one.settle(&lost, Used::new(3, 0), Timestamp::now());
        tokio::time::timeout(PATIENCE, one.settled()).await.expect("it is told no more");
        server.tell(&["DEL", leases]);
        let lease = taken(&one, 10 * round + 1, &takes).await;
        one.settle(&lease, Used::new(3, 0), Timestamp::now());
        one.settled().await;
        // What was lost stays as it was: reserved, and at once.
        let left = round + 1;
        assert_eq!(level(&one, &takes[1]).await, Level::new(3 * left, 5 * left, None));
        assert_eq!(held(&one).await, left);
    }
}

#[tokio::test]
async fn what_was_counted_of_a_key_that_is_deleted_leaves_once_nothing_more_comes() {
    let server = Server::start();
    let one = gateway(&server.url(), "one").await;
    let (total, rolls) = (tokens(TOTAL, 5, 100), tokens(Window::Rolling(Duration::from_secs(60)), 5, 100));
    let ttl = || {
        let Value::Array(keys) = server.tell(&["KEYS", "{sluice}:count:*:total"]) else { panic!("no keys") };
        let [Value::BulkString(key)] = keys.as_slice() else { panic!("{keys:?}") };
        let Value::Int(left) = server.tell(&["PTTL", std::str::from_utf8(key).unwrap()]) else {
            panic!("no time")
        };
        left
    };
    let mut lease = taken(&one, 1, &[total.clone(), rolls.clone()]).await;
    one.land(&mut lease, Used::new(2, 0), Timestamp::now());
    one.settled().await;
    assert_eq!(ttl(), -1, "a total never ends by itself");
    one.drop_counts(&[total.clone(), rolls]).await.unwrap();
    assert!(ttl() > 0);
    // It runs still, and is counted.
    one.settle(&lease, Used::new(4, 0), Timestamp::now());
    one.settled().await;
    assert!(ttl() > 0);
    assert_eq!(level(&one, &total).await, Level::new(4, 0, None));
}

#[tokio::test]
async fn one_trip_to_the_server_admits_whatever_limits_there_are() {
    const REQUESTS: u64 = 200;
    let server = Server::start();
    let one = gateway(&server.url(), "one").await;
    let windows =
        [TOTAL, Window::Rolling(Duration::from_secs(60)), Window::Rolling(Duration::from_secs(3_600))];
    let takes: Vec<Take> = windows
        .into_iter()
        .map(|window| tokens(window, 5, u64::MAX / 4))
        .chain([slot(REQUESTS + 1)])
        .collect();
    // The script is known from the first one on.
    let _first = taken(&one, 0, &takes).await;
    let (before, whole) = (told(&server, "evalsha"), told(&server, "eval"));
    for number in 1..=REQUESTS {
        let _runs = taken(&one, number, &takes).await;
    }
    let asked = told(&server, "evalsha") - before;
    // Some are the gateway's own word that it lives.
    assert!((REQUESTS..REQUESTS * 5 / 4).contains(&asked), "{asked} for {REQUESTS}");
    assert_eq!(told(&server, "eval"), whole);
}
