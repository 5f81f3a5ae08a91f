//! Requests that come at once are asked for together, and each is told what became of it.

use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::join_all;
use jiff::Timestamp;
use sluice_api::limiter::{Bucket, Principal, Take, Why, Window};
use sluice_api::store::{Asked, Lease, LeaseId, Level, Line, Owner, StoreError, Taken, Used};

use super::bounded::told;
use super::event::{PATIENCE, until};
use super::faults::{TOTAL, gateway, held, key, lease, level, link, slot, take, taken, tokens, waits};
use super::proxy::Proxy;
use super::server::Server;
use crate::counts::{Counts, Outage, Time};

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

/// One request of another key, in an hour.
fn of_another() -> Take {
    Take::within(Bucket::new("rate", Principal::Key("other".into())), HOUR, 1, 1_000)
}

/// The key of the count that [`requests`] is of.
const BROKEN: &str = "{sluice}:count:key/key:rate:requests:3600000000us";

/// Breaks that count so that nothing can be counted there: the list beside it, or what it comes to.
fn spoil(server: &Server, list: bool) {
    let key = if list { format!("{BROKEN}:moments") } else { BROKEN.to_owned() };
    server.tell(&["DEL", &key]);
    server.tell(&["SET", &key, "no list"]);
}

#[tokio::test]
async fn one_whose_count_is_broken_keeps_nobody_else_from_being_served() {
    for list in [true, false] {
        let server = Server::start();
        let counts = gateway(&server.url(), "one").await;
        let total = tokens(TOTAL, 5, 1_000);
        let mut run = Vec::new();
        for number in 0..3 {
            run.push(taken(&counts, number, &[requests(1_000), slot(1_000), total.clone()]).await);
        }
        spoil(&server, list);
        // Those that run end as all others.
        run.iter().for_each(|lease| counts.settle(lease, Used::new(2, 0), Timestamp::now()));
        counts.settled().await;
        assert_eq!(held(&counts).await, 0);
        assert_eq!(level(&counts, &total).await, Level::new(6, 0, None));
        for round in 1..4 {
            let ask = |number| {
                let broken = [slot(1_000), of_another(), requests(1_000)];
                let sound = [slot(1_000), of_another()];
                let counts = &counts;
                async move { take(counts, 100 * round + number, if number == 7 { &broken } else { &sound }).await }
            };
            let all = join_all((0..20).map(ask)).await;
            let served = all.iter().filter(|one| matches!(one, Ok(Taken::All(_)))).count();
            assert_eq!(served, 19, "{list}: {all:?}");
            let why = all[7].as_ref().unwrap_err().to_string();
            assert!(why.contains(BROKEN), "{why}");
            // At once: nothing was taken for the one, and nothing must be given back.
            assert_eq!(held(&counts).await, 19 * round, "{list}");
            assert_eq!(level(&counts, &of_another()).await.used, 19 * round, "{list}");
        }
        // Nor from being looked at.
        let levels = counts.levels(&[requests(1), of_another()], Timestamp::now()).await.unwrap();
        assert_eq!([levels[0].used, levels[1].used], [0, 57]);
    }
}

#[tokio::test]
async fn beside_one_that_is_broken_windows_pass_as_by_themselves() {
    let server = Server::start();
    let counts = Counts::new(link(&server.url(), PATIENCE), "one".to_owned(), Time::Told);
    counts.open().await.unwrap();
    let sound = |limit| Take::within(Bucket::new("rate", Principal::Key("other".into())), HOUR, 1, limit);
    let mut number = 0;
    let mut ask = |second, take: Take| {
        number += 1;
        let at = Timestamp::from_second(second).unwrap();
        counts.take_all(Asked::new(vec![Lease::new(LeaseId::new(Owner(7), number), at, vec![take])]))
    };
    for second in [1_000, 1_001, 1_002, 1_003] {
        for take in [requests(9), sound(4)] {
            assert!(matches!(ask(second, take).await, Ok(Taken::All(_))));
        }
    }
    spoil(&server, true);
    // Two are over of each, and what is left is as much as it was.
    let of_both = [sound(4), requests(9), sound(4), sound(4)].map(|take| ask(4_601, take));
    let [one, broken, another, too_many] = <[_; 4]>::try_from(join_all(of_both).await).unwrap();
    assert!(matches!([one, another], [Ok(Taken::All(_)), Ok(Taken::All(_))]));
    assert!(broken.is_err() && matches!(too_many, Ok(Taken::Refused(_))));
    assert!(matches!(ask(4_601, sound(4)).await, Ok(Taken::Refused(_))));
    assert!(matches!(ask(4_602, sound(4)).await, Ok(Taken::All(_))));
    assert!(matches!(ask(4_602, sound(4)).await, Ok(Taken::Refused(_))));
}

#[tokio::test]
async fn beside_one_that_is_broken_a_line_moves_on() {
    let server = Server::start();
    let counts = gateway(&server.url(), "one").await;
    for number in 0..3 {
        let _runs = taken(&counts, number, &[requests(1_000)]).await;
    }
    let holds = taken(&counts, 10, &[slot(1)]).await;
    let first = waits(&counts, 11, &[slot(1)]).await;
    let second = waits(&counts, 12, &[slot(1)]).await;
    counts.settle(&holds, Used::NOTHING, Timestamp::now());
    counts.settled().await;
    spoil(&server, true);
    let line = Line::new("key".into(), 100).at(Some(first));
    let asks = counts.take_all(Asked::new(vec![lease(11, &[slot(1)])]).in_line(line));
    let takes = [requests(1_000)];
    let (asked, broken) = tokio::join!(asks, take(&counts, 13, &takes));
    assert!(matches!(asked, Ok(Taken::All(_))), "{asked:?}");
    broken.unwrap_err();
    assert!(tokio::time::timeout(PATIENCE, counts.turn(&second)).await.is_ok(), "the next is told");
}

#[tokio::test]
async fn much_that_is_asked_for_at_once_goes_in_parts() {
    const EACH: u64 = 300;
    let server = Server::start();
    let counts = gateway(&server.url(), "one").await;
    let ask = |number: u64| {
        let bucket = |which| Bucket::new("concurrency", Principal::Key(format!("{number}-{which}").into()));
        let takes: Vec<Take> = (0..EACH).map(|which| Take::one(bucket(which), 1)).collect();
        let counts = &counts;
        async move { take(counts, number, &takes).await }
    };
    for one in join_all((0..32).map(ask)).await {
        assert!(matches!(one, Ok(Taken::All(_))), "{one:?}");
    }
}

#[tokio::test]
async fn what_nobody_knows_of_many_is_given_back_in_few_steps() {
    let server = Server::start();
    let counts = gateway(&server.url(), "one").await;
    let takes = [slot(10 * MANY), requests(10 * MANY)];
    let (leases, _) = apart(at_once(&counts, 0, &takes).await);
    assert_eq!((leases.len() as u64, held(&counts).await), (MANY, MANY));
    let before = told(&server, "evalsha");
    leases.iter().for_each(|lease| counts.undo(lease));
    counts.settled().await;
    let steps = told(&server, "evalsha") - before;
    assert!(steps < MANY / 8, "{steps} steps for {MANY}");
    assert_eq!([held(&counts).await, level(&counts, &takes[1]).await.used], [0, 0]);
}

#[tokio::test]
async fn that_there_is_too_much_to_ask_does_not_say_that_servers_are_out_of_reach() {
    let server = Server::start();
    let outage = Outage { admits: true, folder: None };
    let short = Duration::from_secs(1);
    let counts = Counts::with(link(&server.url(), short), ("one".to_owned(), Time::Servers), outage);
    counts.open().await.unwrap();
    let others = counts.asks_all_the_while();
    let why = take(&counts, 1, &[slot(1)]).await.unwrap_err();
    assert!(why.to_string().contains("all the while") && !counts.are_alone(), "{why}");
    drop(others);
    let _runs = taken(&counts, 2, &[slot(1)]).await;
    assert_eq!((held(&counts).await, counts.are_alone()), (1, false));
}

#[tokio::test]
async fn who_was_never_sent_is_served_where_others_have_found_servers_out_of_reach() {
    let mut server = Server::start();
    let outage = Outage { admits: true, folder: None };
    let short = Duration::from_secs(1);
    let counts = Counts::with(link(&server.url(), short), ("one".to_owned(), Time::Servers), outage);
    counts.open().await.unwrap();
    let _others = counts.asks_all_the_while();
    let takes = [slot(1)];
    let goes_alone = async {
        until("it waits to be asked for", async || counts.asked_next() == 1).await;
        server.kill();
        let _ = counts.line_up(Line::new("key".into(), 9), vec![slot(1)]).await;
        assert!(counts.are_alone());
    };
    let (_runs, ()) = tokio::join!(taken(&counts, 1, &takes), goes_alone);
}

/// Ends those that ask as a defect would.
async fn breaks(others: impl Send + 'static) {
    let task = async move {
        let _others = others;
        panic!("a defect, as far as anybody knows");
    };
    AssertUnwindSafe(task).catch_unwind().await.unwrap_err();
}

#[tokio::test]
async fn where_those_that_ask_are_lost_others_ask_in_their_place() {
    let server = Server::start();
    let counts = gateway(&server.url(), "one").await;
    for number in 0..10 {
        let others = counts.asks_all_the_while();
        assert!(!others.is_empty(), "none was lost before");
        let breaks = async {
            until("somebody waits to be asked for", async || counts.asked_next() == 1).await;
            breaks(others).await;
        };
        let takes = [slot(10)];
        let (_runs, ()) = tokio::join!(taken(&counts, number, &takes), breaks);
    }
    assert_eq!(held(&counts).await, 10);
}

#[tokio::test]
async fn what_was_asked_for_by_one_that_has_left_is_waited_for_and_given_back() {
    let server = Server::start();
    let counts = gateway(&server.url(), "one").await;
    let sees = gateway(&server.url(), "sees").await;
    let (others, takes) = (counts.asks_all_the_while(), [slot(1)]);
    let mut leaves = Box::pin(taken(&counts, 1, &takes));
    until("it waits to be asked for", async || {
        assert!(leaves.as_mut().now_or_never().is_none());
        counts.asked_next() == 1
    })
    .await;
    drop(leaves);
    assert!(counts.settled().now_or_never().is_none(), "it is asked for yet");
    breaks(others).await;
    counts.settled().await;
    assert_eq!((counts.asked_next(), held(&sees).await), (0, 0));
    let _runs = taken(&sees, 2, &[slot(1)]).await;
}
