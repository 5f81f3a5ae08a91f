//! Requests that come at once are asked for together, and each is told what became of it.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::join_all;
use jiff::Timestamp;
use sluice_api::limiter::{Bucket, Principal, Take, Why, Window};
use sluice_api::store::{Asked, Lease, Level, Line, StoreError, Taken, Used};

use super::bounded::told;
use super::faults::{TOTAL, gateway, held, key, lease, level, slot, take, taken, tokens};
use super::proxy::Proxy;
use super::server::Server;
use crate::counts::Counts;

/// How many come at once.
const MANY: u64 = 300;

const HOUR: Window = Window::Rolling(Duration::from_secs(3_600));

/// One request of a key, of so many in an hour.
fn requests(limit: u64) -> Take {
    Take::within(Bucket::new("rate", key()).part("requests".into()), HOUR, 1, limit)
}

/// What becomes of so many that ask at once for these.
async fn at_once(counts: &Counts, from: u64, takes: &[Take]) -> Vec<Result<Taken, StoreError>> {
    join_all((from..from + MANY).map(|number| take(counts, number, takes))).await
}

/// The leases of those that were served, and why the others were not.
fn apart(all: Vec<Result<Taken, StoreError>>) -> (Vec<Lease>, Vec<Why>) {
    let (mut leases, mut whys) = (Vec::new(), Vec::new());
    for one in all {
        match one.unwrap() {
            Taken::All(taken) => leases.extend(taken),
            Taken::Refused(denial) => whys.push(denial.why),
            Taken::Waits(place) => panic!("{place:?}"),
        }
    }
    (leases, whys)
}

#[tokio::test]
async fn who_ask_at_once_are_asked_for_in_few_steps_and_each_is_told_its_own() {
    const MAY: u64 = 120;
    let server = Server::start();
    let counts = gateway(&server.url(), "one").await;
    let takes = [slot(MANY), requests(MAY), tokens(TOTAL, 5, 1_000_000)];
    let before = told(&server, "evalsha");
    let (leases, whys) = apart(at_once(&counts, 0, &takes).await);
    let asked = told(&server, "evalsha") - before;
    assert!(asked < MANY / 4, "{asked} steps for {MANY}");
    assert_eq!((leases.len() as u64, whys.len() as u64), (MAY, MANY - MAY));
    assert!(
        whys.iter().all(|why| matches!(why, Why::Used(Some(wait)) if wait.as_secs() > 3_590)),
        "{whys:?}"
    );
    // Each was told how full it was with it, and no other was told the same.
    let used: BTreeSet<u64> = leases.iter().map(|lease| lease.levels[1].used).collect();
    assert_eq!(used, (1..=MAY).collect());
    let reserved: BTreeSet<u64> = leases.iter().map(|lease| lease.levels[2].reserved).collect();
    assert_eq!(reserved, (1..=MAY).map(|number| 5 * number).collect());
    // Of those that came in one moment each can be given back by itself.
    for (number, lease) in leases.iter().enumerate() {
        let used = if number % 3 == 0 { Used::NOTHING } else { Used::new(2, 0) };
        counts.settle(lease, used, Timestamp::now());
    }
    counts.settled().await;
    assert_eq!(held(&counts).await, 0);
    assert_eq!(level(&counts, &takes[1]).await.used, MAY / 3 * 2);
    assert_eq!(level(&counts, &takes[2]).await, Level::new(MAY / 3 * 4, 0, None));
    let (leases, _) = apart(at_once(&counts, MANY, &takes).await);
    assert_eq!(leases.len() as u64, MAY / 3);
}

#[tokio::test]
async fn who_ask_at_once_for_a_place_in_a_line_stand_there_one_behind_the_other() {
    const SLOTS: u64 = 5;
    const SIZE: u32 = 100;
    let server = Server::start();
    let counts = gateway(&server.url(), "one").await;
    let ask = |number| {
        let asked = Asked::new(vec![lease(number, &[slot(SLOTS)])]);
        counts.take_all(asked.in_line(Line::new("key".into(), SIZE)))
    };
    let (mut taken, mut places, mut refused) = (0, BTreeSet::new(), 0);
    for one in join_all((0..MANY).map(ask)).await {
        match one.unwrap() {
            Taken::All(_) => taken += 1,
            Taken::Waits(place) => assert!(places.insert(place.number), "nobody else stands there"),
            Taken::Refused(denial) => {
                assert_eq!(denial.why, Why::Line);
                refused += 1;
            }
        }
    }
    let size = u64::from(SIZE);
    assert_eq!((taken, places.len() as u64, refused), (SLOTS, size, MANY - SLOTS - size));
    assert_eq!(counts.waiting(vec!["key".into()]).await.unwrap(), [size]);
}

#[tokio::test]
async fn where_nobody_knows_what_became_of_many_all_of_it_is_given_back() {
    let server = Server::start();
    let proxy = Proxy::before(server.port);
    let counts = gateway(&proxy.url(), "one").await;
    let takes = [slot(10 * MANY), requests(10 * MANY), tokens(TOTAL, 5, 1_000_000)];
    let mut served = 0;
    for round in 0..5 {
        proxy.cut_answers_of(br#"[["{sluice}"#, 1);
        let all = at_once(&counts, round * MANY, &takes).await;
        served += all.iter().filter(|one| matches!(one, Ok(Taken::All(_)))).count() as u64;
        assert_eq!(proxy.answers_cut(), round + 1);
        counts.settled().await;
        let used = [held(&counts).await, level(&counts, &takes[1]).await.used];
        assert_eq!(used, [served; 2], "what was not served is not taken");
        assert_eq!(level(&counts, &takes[2]).await, Level::new(0, 5 * served, None));
    }
    assert!(served < 5 * MANY, "some were refused");
}

#[tokio::test]
async fn one_whose_count_is_broken_keeps_nobody_else_from_being_served() {
    let server = Server::start();
    let counts = gateway(&server.url(), "one").await;
    let others = |number: u64| {
        let bucket = Bucket::new("rate", Principal::Key("other".into()));
        if number == 0 { [requests(1_000)] } else { [Take::within(bucket, HOUR, 1, 1_000)] }
    };
    for number in 0..3 {
        let _runs = taken(&counts, number, &[requests(1_000)]).await;
    }
    let list = "{sluice}:count:key/key:rate:requests:3600000000us:moments";
    server.tell(&["DEL", list]);
    server.tell(&["SET", list, "no list"]);
    // Whoever comes with it the first time may be refused with it.
    for round in 1..5 {
        let ask = |number| {
            let takes = others(number);
            let counts = &counts;
            async move { take(counts, 100 * round + number, &takes).await.is_ok() }
        };
        let served = join_all((0..20).map(ask)).await;
        let served = served.iter().filter(|served| **served).count();
        assert!(served == 19 || round == 1, "{served} of 19");
        counts.settled().await;
    }
}
