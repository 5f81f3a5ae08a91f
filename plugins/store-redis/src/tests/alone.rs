//! What gateways count by themselves while their server is out of reach, and what it knows of that afterwards.

use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::FutureExt as _;
use jiff::Timestamp;
use redis::Value;
use sluice_api::limiter::{Bucket, Mode, Take, Why, Window};
use sluice_api::store::{Asked, Lease, Line, Place, StoreError, Taken, Used};

use super::event::until;
use super::faults::{TOTAL, held, key, lease, level, link, slot, taken, tokens};
use super::proxy::Proxy;
use super::server::Server;
use crate::counts::{Counts, Outage, Time};

/// Far shorter than anybody's patience, and far longer than an answer takes.
const TIMEOUT: Duration = Duration::from_secs(2);

const HOUR: Window = Window::Rolling(Duration::from_secs(3_600));

/// A folder of a test's own, which ends with it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("sluice-alone-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    /// What was used and not told yet, as files.
    fn files(&self) -> usize {
        let Ok(files) = std::fs::read_dir(self.0.join("alone")) else { return 0 };
        files.filter(|file| file.as_ref().unwrap().path().extension().is_some()).count()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn counts(url: &str, name: &str, folder: Option<&Path>) -> Counts {
    let outage = Outage { admits: true, folder: folder.map(Path::to_owned) };
    Counts::with(link(url, TIMEOUT), (name.to_owned(), Time::Servers), outage)
}

/// A gateway that serves while its server is out of reach.
async fn gateway(url: &str, name: &str) -> Counts {
    let counts = counts(url, name, None);
    counts.open().await.unwrap();
    counts
}

/// Cuts the way, and nobody gets through.
fn away(proxy: &Proxy) {
    proxy.refuse(true);
    proxy.cut();
}

/// The way is whole, and the gateway has told all.
async fn back(proxy: &Proxy, counts: &Counts) {
    proxy.refuse(false);
    until("it is told all", async || !counts.are_alone() && counts.have_told_all()).await;
    counts.settled().await;
}

fn requests(limit: u64) -> Take {
    Take::within(Bucket::new("rate", key()).part("requests".into()), HOUR, 1, limit)
}

/// Asks for one, and ends it with so many tokens used; or says why there is none.
async fn ask(counts: &Counts, number: u64, takes: &[Take]) -> Result<(), Why> {
    match super::faults::take(counts, number, takes).await.unwrap() {
        Taken::All(leases) => {
            counts.settle(&leases[0], Used::new(7, 0), Timestamp::now());
            Ok(())
        }
        Taken::Refused(denial) => Err(denial.why),
        other => panic!("{other:?}"),
    }
}

/// How many are admitted until one is refused.
async fn admitted(counts: &Counts, from: u64, takes: &[Take]) -> u64 {
    for number in 0.. {
        if let Err(why) = ask(counts, from + number, takes).await {
            assert!(matches!(why, Why::Used(_)), "{why:?}");
            return number;
        }
    }
    unreachable!()
}

async fn hard(counts: &Counts, number: u64, takes: &[Take]) -> Result<Taken, StoreError> {
    counts.take_all(Asked::new(vec![lease(number, takes)]).of_mode(Mode::Hard)).await
}

#[tokio::test]
async fn each_gateway_goes_on_from_what_it_has_seen_and_the_server_is_told_all_of_it() {
    let server = Server::start();
    let proxy = Proxy::before(server.port);
    let (one, other) = (gateway(&proxy.url(), "one").await, gateway(&proxy.url(), "other").await);
    let takes = [slot(3), requests(10), tokens(TOTAL, 5, 1_000)];
    for number in 0..2 {
        ask(&other, 100 + number, &takes).await.unwrap();
        other.settled().await;
    }
    for number in 0..4 {
        ask(&one, number, &takes).await.unwrap();
        one.settled().await;
    }
    away(&proxy);
    // One has seen all six, the other its own two.
    assert_eq!((admitted(&one, 200, &takes).await, admitted(&other, 300, &takes).await), (4, 8));
    assert!(one.are_alone() && other.are_alone());
    assert_eq!((level(&one, &takes[1]).await.used, level(&one, &takes[2]).await.used), (10, 70));
    assert_eq!(held(&one).await, 0);
    assert!(hard(&one, 400, &[]).await.is_err() && hard(&other, 400, &takes).await.is_err());
    back(&proxy, &one).await;
    back(&proxy, &other).await;
    for gateway in [&one, &other] {
        assert_eq!((level(gateway, &takes[1]).await.used, level(gateway, &takes[2]).await.used), (18, 126));
        assert!(matches!(ask(gateway, 500, &takes).await, Err(Why::Used(Some(_)))));
    }
    assert_eq!(held(&one).await, 0);
    assert!(matches!(hard(&one, 600, &takes[2..]).await, Ok(Taken::All(_))));
}

#[tokio::test]
async fn a_gateway_that_refuses_meanwhile_does_so_still() {
    let server = Server::start();
    let proxy = Proxy::before(server.port);
    let counts = Counts::new(link(&proxy.url(), TIMEOUT), "one".to_owned(), Time::Servers);
    counts.open().await.unwrap();
    ask(&counts, 1, &[slot(3)]).await.unwrap();
    away(&proxy);
    super::faults::take(&counts, 2, &[slot(3)]).await.unwrap_err();
    assert!(!counts.are_alone() && counts.served_alone().is_none());
}

#[tokio::test]
async fn only_who_finds_the_server_mute_waits_for_it() {
    let server = Server::start();
    let proxy = Proxy::before(server.port);
    let counts = gateway(&proxy.url(), "one").await;
    let takes = [slot(9), requests(5)];
    ask(&counts, 1, &takes).await.unwrap();
    counts.settled().await;
    proxy.swallow(true);
    ask(&counts, 2, &takes).await.unwrap();
    assert!(counts.are_alone());
    for number in 3..6 {
        ask(&counts, number, &takes).now_or_never().expect("it is answered at once").unwrap();
    }
    assert!(ask(&counts, 6, &takes).now_or_never().expect("at once").is_err());
    // What was lost on a connection never comes on it again.
    proxy.swallow(false);
    proxy.cut();
    back(&proxy, &counts).await;
    // What it was asked and could not answer is given back.
    assert_eq!((level(&counts, &takes[1]).await.used, held(&counts).await), (5, 0));
}

#[tokio::test]
async fn what_a_server_is_told_it_counts_once_though_its_answers_are_lost() {
    let server = Server::start();
    let proxy = Proxy::before(server.port);
    let counts = gateway(&proxy.url(), "one").await;
    let takes = [slot(100), requests(100), tokens(TOTAL, 5, 10_000), tokens(HOUR, 5, 10_000)];
    let mut done = 0;
    // What was used, what runs on, and what ends of it. Where a script is not known that is answered first.
    for (round, lost) in [(0, "handed"), (1, "alone-"), (2, "handed"), (3, "alone-")] {
        away(&proxy);
        for number in 0..5 {
            ask(&counts, 100 * round + number, &takes).await.unwrap();
        }
        let running = taken(&counts, 100 * round + 50, &takes).await;
        let cut = proxy.answers_cut();
        proxy.cut_answers_of(lost.as_bytes(), 3);
        proxy.refuse(false);
        until("it has been lost", async || proxy.answers_cut() == cut + 3).await;
        back(&proxy, &counts).await;
        assert_eq!(held(&counts).await, 1, "{lost}");
        counts.settle(&running, Used::new(7, 0), Timestamp::now());
        counts.settled().await;
        done += 6;
        let used = [&takes[1], &takes[2], &takes[3]].map(|take| level(&counts, take));
        let used = futures_util::future::join_all(used).await;
        let used: Vec<(u64, u64)> = used.iter().map(|level| (level.used, level.reserved)).collect();
        assert_eq!(used, [(done, 0), (7 * done, 0), (7 * done, 0)], "{lost}");
        assert_eq!(held(&counts).await, 0);
    }
}

#[tokio::test]
async fn what_runs_over_the_beginning_or_the_end_of_an_outage_is_counted_as_it_ends() {
    let server = Server::start();
    let proxy = Proxy::before(server.port);
    let counts = gateway(&proxy.url(), "one").await;
    let takes = [slot(100), requests(100), tokens(HOUR, 5, 10_000)];
    let mut before = [taken(&counts, 1, &takes).await, taken(&counts, 2, &takes).await];
    away(&proxy);
    let mut within = Vec::new();
    for number in 3..7 {
        within.push(taken(&counts, number, &takes).await);
    }
    assert_eq!(held(&counts).await, 6);
    let now = Timestamp::now;
    counts.land(&mut before[0], Used::new(2, 0), now());
    counts.settle(&before[0], Used::new(3, 0), now());
    counts.settle(&within[0], Used::new(11, 0), now());
    // One never was.
    counts.settle(&within[1], Used::NOTHING, now());
    counts.land(&mut within[2], Used::new(4, 0), now());
    assert_eq!((level(&counts, &takes[2]).await.used, held(&counts).await), (3 + 11 + 4, 3));
    back(&proxy, &counts).await;
    let known = level(&counts, &takes[2]).await;
    assert_eq!((known.used, known.reserved), (3 + 11 + 4, 5 + 1 + 5));
    assert_eq!((level(&counts, &takes[1]).await.used, held(&counts).await), (5, 3));
    counts.settle(&before[1], Used::new(100, 0), now());
    counts.settle(&within[2], Used::new(1_000, 0), now());
    counts.settle(&within[3], Used::NOTHING, now());
    counts.settled().await;
    let known = level(&counts, &takes[2]).await;
    assert_eq!((known.used, known.reserved), (3 + 11 + 100 + 1_000, 0));
    assert_eq!((level(&counts, &takes[1]).await.used, held(&counts).await), (4, 0));
    // What nobody knew whether it was taken is marked for a while.
    let Value::Array(kept) = server.tell(&["HVALS", "{sluice}:leases:one"]) else { panic!("no list") };
    assert!(kept.iter().all(|kept| *kept == Value::BulkString(b"-".to_vec())), "{kept:?}");
}

#[tokio::test]
async fn a_server_that_comes_back_empty_knows_what_was_used_meanwhile() {
    let mut server = Server::start();
    let proxy = Proxy::before(server.port);
    let counts = gateway(&proxy.url(), "one").await;
    let takes = [slot(9), requests(100), tokens(TOTAL, 5, 10_000)];
    ask(&counts, 1, &takes).await.unwrap();
    let running = taken(&counts, 2, &takes).await;
    counts.settled().await;
    server.tell(&["FLUSHALL"]);
    server.kill();
    for number in 3..8 {
        ask(&counts, number, &takes).await.unwrap();
    }
    server.revive();
    back(&proxy, &counts).await;
    assert_eq!((level(&counts, &takes[1]).await.used, held(&counts).await), (6, 1));
    counts.settle(&running, Used::new(9, 0), Timestamp::now());
    counts.settled().await;
    assert_eq!((level(&counts, &takes[2]).await.used, held(&counts).await), (5 * 7 + 9, 0));
}

#[tokio::test]
async fn what_a_process_used_that_was_killed_meanwhile_the_next_one_tells_once() {
    let server = Server::start();
    let proxy = Proxy::before(server.port);
    let folder = Folder::new("killed");
    let takes = [slot(9), requests(100), tokens(TOTAL, 5, 10_000)];
    // With a runtime of its own, which ends with it.
    let process = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (url, path, asked) = (proxy.url(), folder.0.clone(), takes.clone());
    let (may, goes) = tokio::sync::oneshot::channel();
    let (told, known) = tokio::sync::oneshot::channel();
    let runs = process.spawn(async move {
        let killed = counts(&url, "one", Some(&path));
        killed.open().await.unwrap();
        let before = taken(&killed, 1, &asked).await;
        let first = taken(&killed, 10, &asked).await;
        told.send(()).unwrap();
        goes.await.unwrap();
        // Ended, and not told when it is found that nobody is there.
        killed.settle(&first, Used::new(1_000, 0), Timestamp::now());
        for number in 2..6 {
            ask(&killed, number, &asked).await.unwrap();
        }
        killed.settle(&before, Used::new(100, 0), Timestamp::now());
        killed
    });
    known.await.unwrap();
    away(&proxy);
    may.send(()).unwrap();
    let killed = runs.await.unwrap();
    assert_eq!(folder.files(), 1);
    // One that lives keeps others out of it. The script is known from now on, so that none is lost for that.
    let second = counts(&server.url(), "second", Some(&folder.0));
    second.open().await.unwrap();
    let nothing = Take::within(Bucket::new("other", key()), TOTAL, 1, 1);
    second.hand("other", (&[nothing], &[(Used::new(1, 0), Timestamp::now())]), Timestamp::now()).await;
    assert_eq!((level(&second, &takes[1]).await.used, folder.files()), (2, 1));
    drop(killed);
    process.shutdown_background();
    proxy.refuse(false);
    let mut lost = 0;
    let next = loop {
        if lost < 2 {
            proxy.cut_answers_of(b"handed", 1);
        }
        let next = counts(&proxy.url(), "next", Some(&folder.0));
        match next.open().await {
            Ok(()) if lost >= 2 => break next,
            // The lock of the one before is still in the way.
            Ok(()) => assert_eq!(folder.files(), 1),
            Err(_) => lost += 1,
        }
    };
    assert_eq!(folder.files(), 0);
    let (requests, tokens) = (level(&next, &takes[1]).await, level(&next, &takes[2]).await);
    assert_eq!((requests.used, tokens.used, tokens.reserved, held(&next).await), (6, 4 * 7 + 1_100, 0, 0));
}

#[tokio::test]
async fn slots_that_others_held_are_free_once_nobody_can_know_of_them() {
    let server = Server::start();
    let proxy = Proxy::before(server.port);
    let (counts, other) = (gateway(&proxy.url(), "one").await, gateway(&server.url(), "other").await);
    let takes = [slot(3)];
    let (_first, _second) = (taken(&other, 1, &takes).await, taken(&other, 2, &takes).await);
    ask(&counts, 10, &takes).await.unwrap();
    away(&proxy);
    let lease = taken(&counts, 11, &takes).await;
    assert_eq!((ask(&counts, 12, &takes).await, held(&counts).await), (Err(Why::Reserved), 3));
    counts.have_been_alone_for(Duration::from_secs(60));
    until("they are free", async || held(&counts).await == 1).await;
    counts.settle(&lease, Used::NOTHING, Timestamp::now());
    back(&proxy, &counts).await;
    assert_eq!(held(&counts).await, 2);
}

#[tokio::test]
async fn counts_that_were_only_looked_at_are_known_too() {
    let server = Server::start();
    let proxy = Proxy::before(server.port);
    let (counts, other) = (gateway(&proxy.url(), "one").await, gateway(&server.url(), "other").await);
    let takes = [requests(5)];
    for number in 0..4 {
        ask(&other, number, &takes).await.unwrap();
    }
    // As it is asked at the start, and when a key is made.
    assert!(counts.forgotten(takes.to_vec()).await.unwrap().is_empty());
    away(&proxy);
    assert_eq!(admitted(&counts, 10, &takes).await, 1);
    assert!(
        counts.forgotten(vec![tokens(TOTAL, 1, 1)]).await.unwrap().is_empty(),
        "nothing is counted on alone"
    );
}

/// Waits in the line of the key.
async fn stands(counts: &Counts, number: u64, place: Option<Place>) -> Result<Lease, Place> {
    let line = Line::new("key".into(), 100).at(place);
    match counts.take_all(Asked::new(vec![lease(number, &[slot(1)])]).in_line(line)).await.unwrap() {
        Taken::All(mut leases) => Ok(leases.remove(0)),
        Taken::Waits(place) => Err(place),
        Taken::Refused(denial) => panic!("{denial:?}"),
    }
}

#[tokio::test]
async fn who_waits_is_served_whichever_way_the_server_goes_meanwhile() {
    let server = Server::start();
    let proxy = Proxy::before(server.port);
    let counts = gateway(&proxy.url(), "one").await;
    let now = Timestamp::now;
    let first = taken(&counts, 1, &[slot(1)]).await;
    let place = stands(&counts, 2, None).await.unwrap_err();
    away(&proxy);
    // It is told by itself that it is worth asking, and asks here.
    counts.turn(&place).await;
    let here = stands(&counts, 3, Some(place.clone())).await.unwrap_err();
    assert_ne!(here, place);
    counts.leave(place);
    assert_eq!(counts.waiting(vec!["key".into()]).await.unwrap(), [1]);
    counts.settle(&first, Used::NOTHING, now());
    counts.turn(&here).await;
    let second = stands(&counts, 4, Some(here)).await.expect("the slot is free");
    let here = stands(&counts, 5, None).await.unwrap_err();
    back(&proxy, &counts).await;
    counts.turn(&here).await;
    let there = stands(&counts, 6, Some(here.clone())).await.unwrap_err();
    counts.leave(here);
    counts.settled().await;
    assert_eq!(counts.waiting(vec!["key".into()]).await.unwrap(), [1]);
    counts.settle(&second, Used::NOTHING, now());
    counts.turn(&there).await;
    let third = stands(&counts, 7, Some(there)).await.expect("the slot is free");
    counts.settle(&third, Used::NOTHING, now());
    counts.settled().await;
    assert_eq!((counts.waiting(vec!["key".into()]).await.unwrap(), held(&counts).await), (vec![0], 0));
}

#[tokio::test]
async fn what_was_used_is_over_as_if_it_had_been_told_when_it_was() {
    let server = Server::start();
    let told = Counts::new(link(&server.url(), TIMEOUT), "one".to_owned(), Time::Told);
    let at = |second: i64| Timestamp::from_second(1_795_000_000 + second).unwrap();
    let minutes = Window::Rolling(Duration::from_secs(100));
    let requests = Take::within(Bucket::new("rate", key()).part("requests".into()), minutes, 1, 100);
    for (number, name, take) in [(1, "requests", requests), (2, "tokens", tokens(minutes, 1, 100))] {
        let takes = std::slice::from_ref(&take);
        let lease = Lease::new(
            sluice_api::store::LeaseId::new(sluice_api::store::Owner(1), number),
            at(40),
            takes.to_vec(),
        );
        assert!(matches!(told.take_all(Asked::new(vec![lease])).await.unwrap(), Taken::All(_)));
        let used = [(20, 1), (39, 1), (41, 2), (70, 1)]
            .map(|(second, requests)| (0..requests).map(move |_| (Used::new(1, 0), at(second))));
        let used: Vec<(Used, Timestamp)> = used.into_iter().flatten().collect();
        for _ in 0..2 {
            told.hand(name, (takes, &used), at(130)).await;
        }
        let count = async |second| told.levels(takes, at(second)).await.unwrap()[0].used;
        let own = u64::from(name == "requests");
        let mut seen = Vec::new();
        for second in [131, 138, 140, 143, 169, 172] {
            seen.push(count(second).await);
        }
        // Of tokens the moments are rounded to slices of less than a second, and what runs is reserved only.
        assert_eq!(seen, [4 + own, 4 + own, 3, 1, 1, 0], "{name}");
    }
}
