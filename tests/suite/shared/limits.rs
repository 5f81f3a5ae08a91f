//! Limits of several gateways are one.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sluice_tests::gateway::{Gateway, KEY, account, key};
use sluice_tests::moment::{noon, pause};
use sluice_tests::upstream::{Step, Upstream, whole};

use super::{GATEWAYS, Redis, ask, at_once, count, me, message};

#[test]
fn exactly_so_many_requests_pass_however_many_come_at_once_and_wherever() {
    let redis = Redis::start();
    let upstream = Upstream::start(|_| whole(200, "content-type: application/json\r\n", &message(1, 1)));
    for (name, per) in [("rolling", "1h"), ("day", "day"), ("total", "total")] {
        let config = noon()
            + &format!("store.prefix = \"{name}\"\n")
            + &account("a", "claude-console", &upstream.address, "")
            + &key(&format!("limits = [{{ per = \"{per}\", requests = 40 }}]"));
        let gateways = redis.gateways(GATEWAYS, &config);
        let before = upstream.seen().len();
        let statuses = at_once(&gateways, 200, ask);
        let refused = if per == "total" { 402 } else { 429 };
        assert_eq!((count(&statuses, 200), count(&statuses, refused)), (40, 160), "{per}: {statuses:?}");
        assert_eq!(upstream.seen().len() - before, 40, "{per}");
        for gateway in &gateways {
            let limit = &me(gateway)["limits"][0];
            assert_eq!((limit["used"].as_u64(), limit["left"].as_u64()), (Some(40), Some(0)), "{per}");
        }
    }
}

#[test]
fn no_hard_budget_is_exceeded_and_every_gateway_says_what_was_billed() {
    let redis = Redis::start();
    let (_folder, prices) = crate::limits::priced();
    let spent = Arc::new(AtomicU64::new(0));
    let upstream = Upstream::start({
        let spent = Arc::clone(&spent);
        move |_| {
            // Ten-millionths of a dollar: 15 dollars for a million tokens out, 3 for as many in.
            let used = 1 + (spent.load(Ordering::SeqCst) * 7_919) % 100;
            spent.fetch_add(used * 150 + 10 * 30, Ordering::SeqCst);
            whole(200, "content-type: application/json\r\n", &message(10, used))
        }
    });
    let config = noon()
        + &prices
        + &account("a", "claude-console", &upstream.address, "")
        + &key("mode = \"hard\"\nlimits = [{ per = \"day\", cost = \"0.05\" }]");
    let gateways = redis.gateways(GATEWAYS, &config);
    let mut served = 0;
    for _ in 0..4 {
        let statuses = at_once(&gateways, 60, ask);
        let known = count(&statuses, 200) + count(&statuses, 429) + count(&statuses, 402);
        assert_eq!(known, 60, "{statuses:?}");
        served += count(&statuses, 200);
        let spent = spent.load(Ordering::SeqCst);
        assert!(spent <= 500_000, "{spent} ten-millionths of a dollar are more than 0.05");
    }
    assert!(served > 20, "what was not used comes back: {served}");
    let billed = spent.load(Ordering::SeqCst);
    let cost = |gateway: &Gateway| {
        let usage = gateway.admin("GET", "/usage", "").json();
        let cost = usage["data"][0]["cost"].as_str().unwrap_or("0").to_owned();
        let (dollars, rest) = cost.split_once('.').unwrap_or((&cost, ""));
        format!("{dollars}{rest:0<7}").parse::<u64>().unwrap()
    };
    for gateway in &gateways {
        gateway.until("each has the records of all", |gateway| cost(gateway) == billed);
    }
}

#[test]
fn requests_one_right_after_the_other_never_meet_their_own_slot() {
    crate::limits::scope::one_right_after_the_other(&Redis::start().store());
}

/// How many are at an upstream at once, and the most that ever were.
#[derive(Default)]
struct AtOnce(Mutex<(usize, usize)>);

#[test]
fn never_more_run_at_once_than_there_are_slots_and_all_that_wait_are_served() {
    let redis = Redis::start();
    let at_once_there = Arc::new(AtOnce::default());
    let upstream = Upstream::start({
        let there = Arc::clone(&at_once_there);
        move |_| {
            {
                let mut there = there.0.lock().unwrap();
                there.0 += 1;
                there.1 = there.1.max(there.0);
            }
            let (answers, waits) = channel();
            let there = Arc::clone(&there);
            std::thread::spawn(move || {
                pause(Duration::from_millis(5));
                // No longer there from before its answer goes.
                there.0.lock().unwrap().0 -= 1;
                let _ = answers.send(());
            });
            std::iter::once(Step::Wait(waits))
                .chain(whole(200, "content-type: application/json\r\n", &message(1, 1)))
                .collect()
        }
    });
    let config = account("a", "claude-console", &upstream.address, "concurrency = 9")
        + "[[groups]]\nname = \"g\"\nconcurrency = 7\n"
        + &key("group = \"g\"\nconcurrency = 5\nqueue = { size = 400, wait = \"60s\" }");
    let gateways = redis.gateways(GATEWAYS, &config);
    let statuses = at_once(&gateways, 300, ask);
    assert_eq!(count(&statuses, 200), 300, "{statuses:?}");
    let most = at_once_there.0.lock().unwrap().1;
    assert!((2..=5).contains(&most), "{most} at once, where 5 may be");
    for gateway in &gateways {
        gateway.until("nothing is held, and nobody waits", |gateway| {
            let told = &me(gateway)["concurrency"];
            (told["held"].as_u64(), told["waiting"].as_u64()) == (Some(0), Some(0))
        });
    }
}

#[test]
fn a_gateway_that_is_killed_holds_nothing_for_long() {
    let redis = Redis::start();
    let upstream = Upstream::start(|request| {
        let waits = request
            .body
            .windows(6)
            .any(|part| part == b"\"slow\"")
            .then(|| Step::Pause(Duration::from_secs(300)));
        let answer = whole(200, "content-type: application/json\r\n", &message(1, 1));
        waits.into_iter().chain(answer).collect()
    });
    let config = account("a", "claude-console", &upstream.address, "")
        + &key("concurrency = 2\nqueue = { size = 9, wait = \"120s\" }");
    let mut gateways = redis.gateways(2, &config);
    let dies = gateways.remove(0);
    let body = super::body("slow");
    let head_of = |body: &str| {
        let length = body.len();
        format!(
            "POST /v1/messages HTTP/1.1\r\nhost: localhost\r\nx-api-key: {KEY}\r\ncontent-length: {length}\r\n\r\n"
        )
    };
    let clients = [(), ()].map(|()| {
        let mut client = TcpStream::connect(&dies.address).unwrap();
        client.write_all((head_of(&body) + &body).as_bytes()).unwrap();
        client
    });
    dies.until("both run", |_| upstream.seen().len() == 2);
    let mut waits = TcpStream::connect(&gateways[0].address).unwrap();
    let body = super::body("m");
    let head = head_of(&body);
    waits.write_all((head + &body).as_bytes()).unwrap();
    gateways[0].until("it waits", |lives| me(lives)["concurrency"]["waiting"] == 1);
    dies.signal("KILL");
    drop(clients);
    let mut answer = [0; 12];
    waits.read_exact(&mut answer).unwrap();
    assert_eq!(answer, *b"HTTP/1.1 200", "within its two minutes");
    gateways[0].until("nothing is held", |lives| me(lives)["concurrency"]["held"] == 0);
}
