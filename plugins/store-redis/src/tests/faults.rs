//! What limits count, whatever becomes of servers, of the way to them, and of gateways.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use jiff::Timestamp;
use redis::Value;
use sluice_api::limiter::{Bucket, Principal, Rule, Take, Unit, Why, Window};
use sluice_api::store::{Asked, Lease, LeaseId, Level, Line, Owner, Place, Seed, StoreError, Taken, Used};
use tokio::time::Instant;

use super::event::{PATIENCE, until};
use super::proxy::Proxy;
use super::server::Server;
use crate::counts::{Counts, Time};
use crate::link::{Link, Servers};

pub(crate) fn link(url: &str, timeout: Duration) -> Arc<Link> {
    Arc::new(Link::to(&Servers::new(&[url], None).unwrap(), "sluice", timeout))
}

/// A gateway of this name.
pub(crate) async fn gateway(url: &str, name: &str) -> Counts {
    let counts = Counts::new(link(url, PATIENCE), name.to_owned(), Time::Servers);
    counts.open().await.unwrap();
    counts
}

pub(crate) fn key() -> Principal {
    Principal::Key("key".into())
}

pub(crate) fn slot(limit: u64) -> Take {
    Take::one(Bucket::new("concurrency", key()), limit)
}

/// Tokens of a key in a window, so many of so many.
pub(crate) fn tokens(window: Window, amount: u64, limit: u64) -> Take {
    let bucket = Bucket::new("rate", key()).part("tokens".into());
    Take::within(bucket, window, amount, limit).of(Unit::Tokens, Rule::Within)
}

pub(crate) fn lease(number: u64, takes: &[Take]) -> Lease {
    Lease::new(LeaseId::new(Owner(7), number), Timestamp::now(), takes.to_vec())
}

pub(crate) async fn take(counts: &Counts, number: u64, takes: &[Take]) -> Result<Taken, StoreError> {
    counts.take_all(Asked::new(vec![lease(number, takes)])).await
}

pub(crate) async fn taken(counts: &Counts, number: u64, takes: &[Take]) -> Lease {
    match take(counts, number, takes).await.unwrap() {
        Taken::All(mut leases) => leases.remove(0),
        other => panic!("{other:?}"),
    }
}

/// Asks for a place in the line of the key.
pub(crate) async fn waits(counts: &Counts, number: u64, takes: &[Take]) -> Place {
    let asked = Asked::new(vec![lease(number, takes)]).in_line(Line::new("key".into(), 100));
    match counts.take_all(asked).await.unwrap() {
        Taken::Waits(place) => place,
        other => panic!("{other:?}"),
    }
}

pub(crate) async fn level(counts: &Counts, take: &Take) -> Level {
    counts.levels(std::slice::from_ref(take), Timestamp::now()).await.unwrap().remove(0)
}

pub(crate) async fn held(counts: &Counts) -> u64 {
    counts.held(&slot(1).bucket).await.unwrap()
}

/// Waits until no slot is held.
pub(crate) async fn until_free(counts: &Counts) {
    until("every slot is free", async || held(counts).await == 0).await;
}

pub(crate) const TOTAL: Window = Window::Total;

#[tokio::test]
async fn what_nobody_knows_whether_it_was_taken_is_given_back() {
    let server = Server::start();
    let proxy = Proxy::before(server.port);
    let counts = gateway(&proxy.url(), "one").await;
    let takes = [slot(1), tokens(TOTAL, 5, 5)];
    for number in 0..6 {
        // What a lease is kept as is in every request that takes one.
        proxy.cut_answers_of(br#"[["{sluice}"#, 1);
        take(&counts, number, &takes).await.unwrap_err();
        assert_eq!(proxy.answers_cut(), number + 1);
        counts.settled().await;
        assert_eq!(held(&counts).await, 0);
        assert_eq!(level(&counts, &takes[1]).await, Level::new(0, 0, None), "after {number}");
    }
}

#[tokio::test]
async fn what_ended_is_counted_once_however_often_its_answer_is_lost() {
    let server = Server::start();
    let proxy = Proxy::before(server.port);
    let counts = gateway(&proxy.url(), "one").await;
    let takes = [slot(100), tokens(TOTAL, 5, 10_000)];
    for number in 0..5 {
        let mut lease = taken(&counts, number, &takes).await;
        proxy.cut_answers_of(b"land", 1);
        counts.land(&mut lease, Used::new(3, 0), Timestamp::now());
        counts.settled().await;
        assert_eq!(level(&counts, &takes[1]).await, Level::new(7 * number + 3, 2, None));
        proxy.cut_answers_of(b"end", 2);
        counts.settle(&lease, Used::new(7, 0), Timestamp::now());
        counts.settled().await;
        assert_eq!(level(&counts, &takes[1]).await, Level::new(7 * number + 7, 0, None));
    }
    assert_eq!(held(&counts).await, 0);
    assert_eq!(proxy.answers_cut(), 15);
}

#[tokio::test]
async fn what_comes_after_it_was_given_back_is_not_taken() {
    let server = Server::start();
    let counts = gateway(&server.url(), "one").await;
    let takes = [slot(1)];
    counts.undo(&lease(1, &takes));
    counts.settled().await;
    take(&counts, 1, &takes).await.unwrap_err();
    counts.settled().await;
    assert_eq!(held(&counts).await, 0);
    // It is forgotten after a while, and nothing else is.
    let kept = || server.tell(&["HLEN", "{sluice}:leases:one"]);
    let other = taken(&counts, 2, &takes).await;
    assert_eq!(kept(), Value::Int(2));
    counts.beat(Instant::now() + Duration::from_secs(300)).await.unwrap();
    assert_eq!(kept(), Value::Int(1));
    counts.settle(&other, Used::NOTHING, Timestamp::now());
    counts.settled().await;
    assert_eq!((kept(), held(&counts).await), (Value::Int(0), 0));
}

#[tokio::test]
async fn whoever_leaves_while_it_asks_holds_nothing_and_waits_nowhere() {
    let server = Server::start();
    let counts = gateway(&server.url(), "one").await;
    let takes = [slot(1)];
    for number in 0..50_u64 {
        // So many looks at it are waited for.
        let mut asks = Box::pin(take(&counts, 2 * number, &takes));
        for _ in 0..number % 7 {
            if let Some(taken) = (&mut asks).now_or_never() {
                let Taken::All(leases) = taken.unwrap() else { panic!("it is not free") };
                counts.settle(&leases[0], Used::NOTHING, Timestamp::now());
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(asks);
        until_free(&counts).await;
    }
    let lease = taken(&counts, 1, &takes).await;
    for number in 0..20 {
        let asked = Asked::new(vec![self::lease(1_001 + number, &takes)]);
        let asked = asked.in_line(Line::new("key".into(), 100));
        let mut asks = Box::pin(counts.take_all(asked));
        assert!((&mut asks).now_or_never().is_none());
        tokio::task::yield_now().await;
    }
    until("who has left waits no more", async || counts.waiting(vec!["key".into()]).await.unwrap() == [0])
        .await;
    counts.settle(&lease, Used::NOTHING, Timestamp::now());
    until_free(&counts).await;
}

#[tokio::test]
async fn what_was_counted_outlives_a_server_that_is_killed() {
    let mut server = Server::start();
    server.tell(&["CONFIG", "SET", "appendfsync", "always"]);
    let counts = Counts::new(link(&server.url(), Duration::from_secs(1)), "one".to_owned(), Time::Servers);
    counts.open().await.unwrap();
    let takes = [slot(9), tokens(Window::Rolling(Duration::from_secs(3_600)), 5, 100)];
    let leases = [taken(&counts, 1, &takes).await, taken(&counts, 2, &takes).await];
    server.kill();
    for lease in &leases {
        counts.settle(lease, Used::new(4, 0), Timestamp::now());
    }
    take(&counts, 3, &takes).await.unwrap_err();
    server.revive();
    tokio::time::timeout(PATIENCE, counts.settled()).await.expect("it is told in the end");
    assert_eq!(held(&counts).await, 0);
    let Level { used, reserved, .. } = level(&counts, &takes[1]).await;
    assert_eq!((used, reserved), (8, 0));
}

#[tokio::test]
async fn who_waits_is_told_though_the_way_was_cut_at_that_moment() {
    let server = Server::start();
    let proxy = Proxy::before(server.port);
    let (waits_here, frees) = (gateway(&proxy.url(), "waits").await, gateway(&server.url(), "frees").await);
    let takes = [slot(1)];
    let mut number = 100;
    for round in 0..5 {
        let lease = taken(&frees, round, &takes).await;
        let place = waits(&waits_here, round, &takes).await;
        proxy.refuse(true);
        proxy.cut();
        frees.settle(&lease, Used::NOTHING, Timestamp::now());
        frees.settled().await;
        proxy.refuse(false);
        let mut place = Some(place);
        let lease = loop {
            let turn = waits_here.turn(place.as_ref().unwrap());
            tokio::time::timeout(PATIENCE, turn).await.expect("its slot is free");
            number += 1;
            let line = Line::new("key".into(), 100).at(place.clone());
            let asked = Asked::new(vec![self::lease(number, &takes)]).in_line(line);
            match waits_here.take_all(asked).await {
                Ok(Taken::All(mut leases)) => break leases.remove(0),
                Ok(Taken::Waits(at)) => place = Some(at),
                Ok(Taken::Refused(denial)) => panic!("{denial:?}"),
                // The way is not whole yet.
                Err(_) => tokio::task::yield_now().await,
            }
        };
        waits_here.settle(&lease, Used::NOTHING, Timestamp::now());
        waits_here.settled().await;
    }
}

#[tokio::test]
async fn a_message_that_is_lost_alone_is_missed() {
    let server = Server::start();
    let counts = gateway(&server.url(), "one").await;
    let takes = [slot(1)];
    let lease = taken(&counts, 1, &takes).await;
    let place = waits(&counts, 2, &takes).await;
    // As if it had been told, and nothing came.
    server.tell(&["HINCRBY", "{sluice}:told", "one", "1"]);
    tokio::time::timeout(PATIENCE, counts.turn(&place)).await.expect("it asks for itself");
    counts.settle(&lease, Used::NOTHING, Timestamp::now());
    counts.settled().await;
}

#[tokio::test]
async fn where_memory_is_full_nothing_is_taken_and_all_is_given_back() {
    let server = Server::start();
    let counts = gateway(&server.url(), "one").await;
    let takes = [slot(9), tokens(TOTAL, 5, 100)];
    let lease = taken(&counts, 1, &takes).await;
    server.tell(&["CONFIG", "SET", "maxmemory", "1"]);
    take(&counts, 2, &takes).await.unwrap_err();
    counts.settle(&lease, Used::new(3, 0), Timestamp::now());
    counts.settled().await;
    assert_eq!(held(&counts).await, 0);
    assert_eq!(level(&counts, &takes[1]).await, Level::new(3, 0, None));
}

#[tokio::test]
async fn amounts_are_exact_far_beyond_what_a_double_holds() {
    let server = Server::start();
    let counts = gateway(&server.url(), "one").await;
    // 2^53 units are 900,719.93 dollars.
    for (number, limit) in
        [9_007_199_254_740_993, 9_223_372_036_854_775_809, u64::MAX].into_iter().enumerate()
    {
        let bucket = || Bucket::new("budget", key()).part(format!("{number}").into());
        let cost = |amount| Take::within(bucket(), TOTAL, amount, limit).of(Unit::Cost, Rule::Within);
        let number = 10 * u64::try_from(number).unwrap();
        let lease = taken(&counts, number, &[cost(limit - 1)]).await;
        counts.settle(&lease, Used::new(0, limit - 1), Timestamp::now());
        counts.settled().await;
        let Taken::Refused(denial) = take(&counts, number + 1, &[cost(2)]).await.unwrap() else { panic!() };
        assert_eq!(denial.why, Why::Used(None), "one too many");
        let lease = taken(&counts, number + 2, &[cost(1)]).await;
        assert_eq!(lease.levels, [Level::new(limit - 1, 1, None)]);
    }
}

#[tokio::test]
async fn a_clock_that_is_set_back_frees_nothing_and_freezes_nothing() {
    let server = Server::start();
    let counts = Counts::new(link(&server.url(), PATIENCE), "one".to_owned(), Time::Told);
    counts.open().await.unwrap();
    let at = |seconds| Timestamp::from_second(seconds).unwrap();
    let window = Window::Rolling(Duration::from_secs(60));
    let takes = [Take::within(Bucket::new("rate", key()).part("requests".into()), window, 1, 3)];
    for (number, second) in [10_000, 10_010, 10_020].into_iter().enumerate() {
        let lease = Lease::new(LeaseId::new(Owner(7), number as u64), at(second), takes.to_vec());
        assert!(matches!(counts.take_all(Asked::new(vec![lease])).await.unwrap(), Taken::All(_)));
    }
    // By an hour: the last was a moment ago, the first 20 s before it.
    let ask = async |number, second| {
        let lease = Lease::new(LeaseId::new(Owner(7), number), at(second), takes.to_vec());
        counts.take_all(Asked::new(vec![lease])).await.unwrap()
    };
    let Taken::Refused(denial) = ask(3, 6_420).await else { panic!("it frees what was used") };
    assert_eq!(denial.why, Why::Used(Some(Duration::from_secs(40))));
    assert!(matches!(ask(4, 6_459).await, Taken::Refused(_)));
    assert!(matches!(ask(5, 6_460).await, Taken::All(_)));
}

#[tokio::test]
async fn a_limit_that_is_new_is_told_once_what_was_used_before_it() {
    let server = Server::start();
    let (one, other) = (gateway(&server.url(), "one").await, gateway(&server.url(), "other").await);
    let now = Timestamp::now();
    let rolling = Window::Rolling(Duration::from_secs(600));
    let day = Window::Calendar { from: now - Duration::from_secs(60), to: now + Duration::from_secs(60) };
    let takes = [tokens(rolling, 1, 100), tokens(day, 1, 100), tokens(TOTAL, 1, 100), slot(1)];
    assert_eq!(one.forgotten(takes.to_vec()).await.unwrap(), takes[..3]);
    let seeds = || -> Vec<Seed> {
        let used = [(now - Duration::from_secs(100), 10), (now - Duration::from_secs(500), 5)];
        let of = |take: &Take| Seed::new(take.bucket.clone(), take.window, used.to_vec());
        takes[..3].iter().map(of).collect()
    };
    one.seed(seeds(), now).await.unwrap();
    other.seed(seeds(), now).await.unwrap();
    assert_eq!(other.forgotten(takes.to_vec()).await.unwrap(), []);
    for take in &takes[..3] {
        assert_eq!(level(&other, take).await.used, 15, "{take:?}");
    }
    let over = level(&other, &takes[0]).await.resets.unwrap().duration_since(now).as_secs();
    assert!((480..=520).contains(&over), "{over}");
}

#[tokio::test]
async fn a_place_that_was_given_up_before_it_was_asked_for_is_never_one() {
    let server = Server::start();
    let counts = gateway(&server.url(), "one").await;
    let lease = taken(&counts, 1, &[slot(1)]).await;
    counts.undo_place("place-1", "key");
    counts.settled().await;
    counts.line_up_as("place-1", Line::new("key".into(), 9), vec![slot(1)]).await.unwrap_err();
    assert_eq!(counts.waiting(vec!["key".into()]).await.unwrap(), [0]);
    counts.settle(&lease, Used::NOTHING, Timestamp::now());
}

#[tokio::test]
async fn a_window_is_exact_whatever_becomes_of_the_list_beside_it() {
    let server = Server::start();
    let counts = Counts::new(link(&server.url(), PATIENCE), "one".to_owned(), Time::Told);
    counts.open().await.unwrap();
    let at = |seconds| Timestamp::from_second(seconds).unwrap();
    let window = Window::Rolling(Duration::from_secs(60));
    let bucket = || Bucket::new("rate", key()).part("requests".into());
    let takes = [Take::within(bucket(), window, 1, 10)];
    let mut number = 0;
    let mut ask = async |second| {
        number += 1;
        let lease = Lease::new(LeaseId::new(Owner(7), number), at(second), takes.to_vec());
        matches!(counts.take_all(Asked::new(vec![lease])).await.unwrap(), Taken::All(_))
    };
    for second in [1_000, 1_001, 1_002, 1_100, 1_101] {
        assert!(ask(second).await);
    }
    // The list ends after its count does, at a second use as at the first.
    let left = |key: &str| {
        let left: i64 = redis::from_redis_value(server.tell(&["PTTL", key])).unwrap();
        left
    };
    let name = "{sluice}:count:key/key:rate:requests:60000000us";
    assert!(left(&format!("{name}:moments")) > left(name) && left(name) > 0);
    // What stands there where nothing should counts for nobody.
    server.tell(&["DEL", name]);
    for second in 2_000..2_010 {
        assert!(ask(second).await, "at {second}");
    }
    assert!(!ask(2_011).await && !ask(2_059).await);
    assert!(ask(2_060).await && !ask(2_060).await);
    // Where the list is lost, what it had is over no later than the last moment.
    server.tell(&["DEL", &format!("{name}:moments")]);
    for second in 2_200..2_210 {
        assert!(ask(second).await, "at {second}");
    }
}

#[tokio::test]
async fn thousands_of_counts_are_looked_at_in_parts() {
    let server = Server::start();
    let counts = gateway(&server.url(), "one").await;
    let key = |number: u64| Principal::Key(format!("key-{number}").into());
    let slots: Vec<Take> =
        (0..9_000).map(|number| Take::one(Bucket::new("concurrency", key(number)), 9)).collect();
    let lease = taken(&counts, 1, &slots[8_999..]).await;
    let levels = counts.levels(&slots, Timestamp::now()).await.unwrap();
    assert_eq!((levels.len(), levels[8_998].used, levels[8_999].used), (9_000, 0, 1));
    counts.settle(&lease, Used::NOTHING, Timestamp::now());
}

#[tokio::test]
async fn who_comes_right_behind_another_does_not_meet_its_slot() {
    let server = Server::start();
    let counts = gateway(&server.url(), "one").await;
    let takes = [slot(1), tokens(TOTAL, 5, 1_000_000)];
    for number in 0..300 {
        let lease = taken(&counts, number, &takes).await;
        counts.settle(&lease, Used::new(3, 0), Timestamp::now());
    }
    counts.settled().await;
    assert_eq!(level(&counts, &takes[1]).await, Level::new(900, 0, None));
}

#[tokio::test]
async fn many_that_end_together_are_each_counted_once() {
    let server = Server::start();
    let counts = gateway(&server.url(), "one").await;
    let rolling = Window::Rolling(Duration::from_secs(3_600));
    let takes = |number: u64| {
        let own = Principal::Account(format!("account-{}", number % 7).into());
        let own = Take::one(Bucket::new("concurrency", own), 1_000);
        [slot(1_000), own, tokens(TOTAL, 5, 1_000_000), tokens(rolling, 5, 1_000_000)]
    };
    for round in 0..3 {
        let mut leases = Vec::new();
        for number in 0..200 {
            leases.push(taken(&counts, round * 200 + number, &takes(number)).await);
        }
        for (number, lease) in leases.iter_mut().enumerate() {
            if number % 3 == 0 {
                counts.land(lease, Used::new(2, 0), Timestamp::now());
            }
        }
        for lease in &leases {
            counts.settle(lease, Used::new(4, 0), Timestamp::now());
        }
        counts.settled().await;
        let [held, _, total, rolls] = takes(0);
        assert_eq!(level(&counts, &held).await.used, 0);
        assert_eq!(level(&counts, &total).await, Level::new((round + 1) * 800, 0, None));
        assert_eq!(level(&counts, &rolls).await.used, (round + 1) * 800);
    }
}

#[tokio::test]
async fn what_is_told_before_a_request_and_lost_is_told_again_by_itself() {
    let server = Server::start();
    let proxy = Proxy::before(server.port);
    let counts = gateway(&proxy.url(), "one").await;
    let takes = [slot(9), tokens(TOTAL, 5, 100)];
    for round in 0..5 {
        let lease = taken(&counts, 10 * round, &takes).await;
        proxy.cut_answers_of(b"end", 1);
        counts.settle(&lease, Used::new(3, 0), Timestamp::now());
        // It tells what has just ended, on a connection that is cut.
        if let Ok(Taken::All(leases)) = take(&counts, 10 * round + 1, &takes).await {
            counts.settle(&leases[0], Used::NOTHING, Timestamp::now());
        }
        tokio::time::timeout(PATIENCE, counts.settled()).await.expect("somebody tells it again");
        assert_eq!(held(&counts).await, 0);
        assert_eq!(level(&counts, &takes[1]).await, Level::new(3 * (round + 1), 0, None));
    }
    assert!(proxy.answers_cut() > 0);
}
