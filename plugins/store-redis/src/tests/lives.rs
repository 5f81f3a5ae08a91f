//! What gateways hold that die, that are taken for dead, and that their server forgets.

use std::time::Duration;

use futures_util::FutureExt as _;
use jiff::Timestamp;
use redis::Value;
use sluice_api::limiter::{Bucket, Take, Window};
use sluice_api::store::{Asked, Level, Line, Taken, Used};
use tokio::time::Instant;

use super::event::PATIENCE;
use super::faults::{TOTAL, gateway, held, key, lease, level, slot, taken, tokens, waits};
use super::proxy::Proxy;
use super::server::Server;

#[tokio::test]
async fn what_a_dead_gateway_held_and_waited_for_is_given_back_by_the_others() {
    let server = Server::start();
    let (dies, lives) = (gateway(&server.url(), "dies").await, gateway(&server.url(), "lives").await);
    let takes = [slot(2), tokens(TOTAL, 5, 100)];
    let mut lease = taken(&dies, 1, &takes).await;
    dies.land(&mut lease, Used::new(3, 0), Timestamp::now());
    dies.settled().await;
    let own = taken(&lives, 1, &takes).await;
    let _place = waits(&dies, 2, &takes).await;
    let behind = waits(&lives, 2, &takes).await;
    let begin = Instant::now();
    let after = |seconds| begin + Duration::from_secs(seconds);
    for seconds in [0, 10, 20, 29] {
        lives.beat(after(seconds)).await.unwrap();
    }
    assert_eq!(held(&lives).await, 2, "it may still live");
    // It says that it does: the others wait from then on.
    dies.beat(begin).await.unwrap();
    for seconds in [31, 40, 50, 60] {
        lives.beat(after(seconds)).await.unwrap();
    }
    assert_eq!(held(&lives).await, 2);
    // Time in which nobody is heard is nobody's silence.
    lives.beat(after(600)).await.unwrap();
    assert_eq!(held(&lives).await, 2);
    for seconds in [610, 620, 629] {
        lives.beat(after(seconds)).await.unwrap();
    }
    assert_eq!(held(&lives).await, 2);
    drop(dies);
    lives.beat(after(631)).await.unwrap();
    assert_eq!(held(&lives).await, 1, "its slot is free, and no other");
    assert_eq!(level(&lives, &takes[1]).await, Level::new(3, 5, None), "what it used stays");
    tokio::time::timeout(PATIENCE, lives.turn(&behind)).await.expect("who waited behind it is the first");
    assert_eq!(lives.waiting(vec!["key".into()]).await.unwrap(), [1]);
    lives.leave(behind);
    lives.settle(&own, Used::NOTHING, Timestamp::now());
    lives.settled().await;
    lives.beat(after(632)).await.unwrap();
    // What was counted of it is known for a while, for the case that it comes back.
    let Value::Int(left) = server.tell(&["PTTL", "{sluice}:leases:dies"]) else { panic!() };
    assert!((1..=3_600_000).contains(&left), "{left}");
    assert_eq!(server.tell(&["KEYS", "{sluice}:wait*"]), Value::Array(Vec::new()));
}

#[tokio::test]
async fn a_gateway_that_was_taken_for_dead_says_again_what_it_holds() {
    let server = Server::start();
    let (away, stays) = (gateway(&server.url(), "away").await, gateway(&server.url(), "stays").await);
    let takes = [slot(1), tokens(TOTAL, 5, 100)];
    let mut lease = taken(&away, 1, &takes).await;
    away.land(&mut lease, Used::new(2, 0), Timestamp::now());
    away.settled().await;
    let begin = Instant::now();
    for seconds in [0, 10, 20, 31] {
        stays.beat(begin + Duration::from_secs(seconds)).await.unwrap();
    }
    let other = taken(&stays, 1, &takes).await;
    away.beat(Instant::now()).await.unwrap();
    assert_eq!(held(&stays).await, 2, "above the limit, as both run");
    assert_eq!(level(&stays, &takes[1]).await, Level::new(2, 3 + 5, None));
    for (counts, lease) in [(&away, lease), (&stays, other)] {
        counts.settle(&lease, Used::new(4, 0), Timestamp::now());
        counts.settled().await;
    }
    assert_eq!(held(&stays).await, 0);
    assert_eq!(level(&stays, &takes[1]).await, Level::new(8, 0, None));
}

#[tokio::test]
async fn a_server_that_comes_back_empty_is_told_what_runs() {
    let server = Server::start();
    let counts = gateway(&server.url(), "one").await;
    let takes = [slot(1), tokens(TOTAL, 5, 100)];
    let lease = taken(&counts, 1, &takes).await;
    let place = waits(&counts, 2, &takes).await;
    server.tell(&["FLUSHALL"]);
    counts.beat(Instant::now()).await.unwrap();
    assert_eq!(held(&counts).await, 1);
    // Its place is lost: it asks, and is given another.
    tokio::time::timeout(PATIENCE, counts.turn(&place)).await.expect("it is told to ask");
    let line = Line::new("key".into(), 100).at(Some(place.clone()));
    let asked = Asked::new(vec![self::lease(3, &takes)]).in_line(line);
    let Taken::Waits(again) = counts.take_all(asked).await.unwrap() else { panic!("it is taken") };
    assert!(again.number > place.number, "no number is given twice");
    counts.settle(&lease, Used::new(5, 0), Timestamp::now());
    tokio::time::timeout(PATIENCE, counts.turn(&again)).await.expect("its slot is free");
    assert_eq!(level(&counts, &takes[1]).await, Level::new(5, 0, None));
}

#[tokio::test]
async fn what_others_began_to_give_back_of_a_dead_gateway_is_brought_to_its_end() {
    let server = Server::start();
    let (dies, lives) = (gateway(&server.url(), "dies").await, gateway(&server.url(), "lives").await);
    let takes = [slot(9), tokens(TOTAL, 5, 100)];
    let _held = [taken(&dies, 1, &takes).await, taken(&dies, 2, &takes).await];
    let _place = {
        let full = [slot(2)];
        waits(&dies, 3, &full).await
    };
    drop(dies);
    let until = Instant::now() + PATIENCE;
    while held(&lives).await > 0 {
        assert!(Instant::now() < until, "it is never given back");
        // Somebody found it dead, and died in the middle of it. Its last word may still be on its way.
        server.tell(&["HSET", "{sluice}:gateways", "dies", "0"]);
        lives.beat(Instant::now()).await.unwrap();
    }
    assert_eq!(level(&lives, &takes[1]).await, Level::new(0, 0, None));
    assert_eq!(lives.waiting(vec!["key".into()]).await.unwrap(), [0]);
    assert_eq!(server.tell(&["HEXISTS", "{sluice}:gateways", "dies"]), Value::Int(0));
}

#[tokio::test]
async fn a_gateway_that_was_forgotten_says_what_it_holds_until_it_is_answered() {
    let server = Server::start();
    let proxy = Proxy::before(server.port);
    let counts = gateway(&proxy.url(), "one").await;
    let takes = [slot(9)];
    let lease = taken(&counts, 1, &takes).await;
    // The answer to the beat that would have told it is lost, and then that to what it says.
    let until = Instant::now() + PATIENCE;
    for (number, lost) in [(1, "{sluice}:gateways"), (2, "{sluice}:leases:one")] {
        proxy.cut_answers_of(lost.as_bytes(), 1);
        while proxy.answers_cut() < number {
            assert!(Instant::now() < until, "no answer about {lost} was lost");
            server.tell(&["FLUSHALL"]);
            let _ = counts.beat(Instant::now()).await;
            tokio::task::yield_now().await;
        }
    }
    super::event::until("it is answered", async || counts.beat(Instant::now()).await.is_ok()).await;
    assert_eq!(held(&counts).await, 1);
    counts.settle(&lease, Used::NOTHING, Timestamp::now());
    counts.settled().await;
    assert_eq!(held(&counts).await, 0);
}

#[tokio::test]
async fn what_ended_while_its_gateway_was_taken_for_dead_is_counted() {
    let server = Server::start();
    let (away, stays) = (gateway(&server.url(), "away").await, gateway(&server.url(), "stays").await);
    let requests = Take::within(Bucket::new("rate", key()).part("requests".into()), TOTAL, 1, 100);
    let hour = Window::Rolling(Duration::from_secs(3_600));
    let takes = [slot(9), requests, tokens(TOTAL, 100, 1_000), tokens(hour, 100, 1_000)];
    let used = async || {
        let levels = stays.levels(&takes, Timestamp::now()).await.unwrap();
        levels.iter().map(|level| (level.used, level.reserved)).collect::<Vec<_>>()
    };
    let mut lease = taken(&away, 1, &takes).await;
    away.land(&mut lease, Used::new(30, 0), Timestamp::now());
    away.settled().await;
    let begin = Instant::now();
    for seconds in [0, 10, 20, 31] {
        stays.beat(begin + Duration::from_secs(seconds)).await.unwrap();
    }
    assert_eq!(used().await, [(0, 0), (0, 0), (30, 0), (30, 0)]);
    away.settle(&lease, Used::new(80, 0), Timestamp::now());
    away.settled().await;
    assert_eq!(used().await, [(0, 0), (1, 0), (80, 0), (80, 0)]);
    // One that still ran is counted anew with what is left of it.
    let mut lease = taken(&away, 2, &takes).await;
    away.land(&mut lease, Used::new(10, 0), Timestamp::now());
    away.settled().await;
    server.tell(&["HSET", "{sluice}:gateways", "away", "0"]);
    stays.beat(begin + Duration::from_secs(32)).await.unwrap();
    away.beat(Instant::now()).await.unwrap();
    assert_eq!(used().await, [(1, 0), (2, 0), (90, 90), (90, 90)]);
    away.settle(&lease, Used::new(25, 0), Timestamp::now());
    away.settled().await;
    assert_eq!(used().await, [(0, 0), (2, 0), (105, 0), (105, 0)]);
}

#[tokio::test]
async fn what_a_server_has_forgotten_of_a_gateway_that_lives_is_found() {
    let server = Server::start();
    let counts = gateway(&server.url(), "one").await;
    let takes = [slot(2), tokens(TOTAL, 5, 100)];
    let ends = taken(&counts, 1, &takes).await;
    let runs = taken(&counts, 2, &takes).await;
    let left = waits(&counts, 3, &takes).await;
    // A failover: the ends of one and of the place are lost, and that the other was ever taken.
    let keys = ["leases:one", "waiters", "wanted", "line:key", "anybody"];
    let counted = ["count:key/key:concurrency::held", "count:key/key:rate:tokens:total"];
    let all = || keys.iter().chain(&counted).map(|key| format!("{{sluice}}:{key}"));
    for key in all() {
        server.tell(&["COPY", &key, &format!("{key}:before")]);
    }
    counts.settle(&ends, Used::new(3, 0), Timestamp::now());
    counts.leave(left);
    counts.settled().await;
    for key in all() {
        server.tell(&["COPY", &format!("{key}:before"), &key, "REPLACE"]);
    }
    assert_eq!((held(&counts).await, counts.waiting(vec!["key".into()]).await.unwrap()), (2, vec![1]));
    let now = Instant::now();
    counts.compare([now, now + PATIENCE, now + 2 * PATIENCE]).await;
    counts.settled().await;
    assert_eq!(held(&counts).await, 2, "its answer may still be on its way");
    counts.compare([now, now + 2 * PATIENCE + Duration::from_secs(5)]).await;
    counts.settled().await;
    assert_eq!((held(&counts).await, counts.waiting(vec!["key".into()]).await.unwrap()), (1, vec![0]));
    // And what runs, of which the server knows nothing, is told to it.
    server.tell(&["FLUSHALL"]);
    counts.compare([now]).await;
    assert_eq!((held(&counts).await, level(&counts, &takes[1]).await), (1, Level::new(0, 5, None)));
    counts.settle(&runs, Used::new(4, 0), Timestamp::now());
    counts.settled().await;
    assert_eq!((held(&counts).await, level(&counts, &takes[1]).await), (0, Level::new(4, 0, None)));
}

#[tokio::test]
async fn who_stands_at_a_place_that_a_server_has_lost_asks_for_another_and_nobody_else_does() {
    let server = Server::start();
    let counts = gateway(&server.url(), "one").await;
    let _runs = taken(&counts, 1, &[slot(1)]).await;
    let mut places = Vec::new();
    for number in 2..6 {
        places.push(waits(&counts, number, &[slot(1)]).await);
    }
    let lost = places.remove(2);
    let number = lost.number.to_string();
    server.tell(&["ZREM", "{sluice}:line:key", &number]);
    server.tell(&["HDEL", "{sluice}:waiters", &number]);
    counts.compare([Instant::now()]).await;
    tokio::time::timeout(PATIENCE, counts.turn(&lost)).await.expect("it is told to ask");
    for place in places.iter().skip(1) {
        assert!(counts.turn(place).now_or_never().is_none(), "nothing has become of its place");
    }
    let again = Asked::new(vec![lease(9, &[slot(1)])]).in_line(Line::new("key".into(), 100).at(Some(lost)));
    let Taken::Waits(place) = counts.take_all(again).await.unwrap() else { panic!("it has no slot") };
    assert!(places.iter().all(|one| one.number < place.number), "it stands behind the others");
    assert_eq!(counts.waiting(vec!["key".into()]).await.unwrap(), [4]);
}
