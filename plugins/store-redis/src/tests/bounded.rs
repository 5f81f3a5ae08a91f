//! What a request costs, and how long it may wait.

use std::time::Duration;

use redis::Value;
use tokio::time::Instant;

use super::faults::{gateway, held, link, slot, take, taken};
use super::proxy::Proxy;
use super::server::Server;
use crate::counts::{Counts, Time};

use sluice_api::plugin::Timestamp;
use sluice_api::store::Used;

/// How often a server was told a command.
fn told(server: &Server, command: &str) -> u64 {
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
    let before = told(&server, "hsetnx");
    proxy.delay(TIMEOUT * 6 / 10);
    let _ = take(&one, 3, &[slot(1)]).await;
    let asked = told(&server, "hsetnx") - before;
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
