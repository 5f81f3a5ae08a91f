//! A gateway that is killed: what it held is free again, and limits hold meanwhile.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use sluice_tests::gateway::{Gateway, account, key};
use sluice_tests::moment::pause;
use sluice_tests::upstream::{Step, Upstream, whole};

use super::many::CLIENTS;
use super::{AtOnce, GATEWAYS, Redis, at_once, count, me, message, request, try_ask};

/// How long what a dead gateway held may stay held.
const HELD_MAX: Duration = Duration::from_secs(60);

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
    let clients = [(), ()].map(|()| {
        let mut client = TcpStream::connect(&dies.address).unwrap();
        client.write_all(&request("slow")).unwrap();
        client
    });
    dies.until("both run", |_| upstream.seen().len() == 2);
    let mut waits = TcpStream::connect(&gateways[0].address).unwrap();
    waits.write_all(&request("m")).unwrap();
    gateways[0].until("it waits", |lives| me(lives)["concurrency"]["waiting"] == 1);
    dies.signal("KILL");
    drop(clients);
    let mut answer = [0; 12];
    waits.read_exact(&mut answer).unwrap();
    assert_eq!(answer, *b"HTTP/1.1 200", "within its two minutes");
    gateways[0].until("nothing is held", |lives| me(lives)["concurrency"]["held"] == 0);
}

#[test]
fn of_a_gateway_that_is_killed_under_a_thousand_clients_all_slots_come_back_and_no_limit_is_exceeded_by_more_than_it_had()
 {
    const SLOTS: usize = 50;
    const MAY: usize = 700;
    /// The places of a gateway that is dead are places until it is known to be.
    const LINE: usize = 2 * CLIENTS;
    let redis = Redis::start();
    let there = Arc::<AtOnce>::default();
    let upstream = there.upstream();
    let config = account("a", "claude-console", &upstream.address, "")
        + &key(&format!(
            "concurrency = {SLOTS}\nqueue = {{ size = {LINE}, wait = \"120s\" }}\nlimits = [{{ per = \"total\", requests = {MAY} }}]"
        ));
    let gateways = redis.gateways(GATEWAYS, &config);
    let (dies, lives) = gateways.split_first().unwrap();
    let (served, next) = (AtomicUsize::new(0), AtomicUsize::new(0));
    // Whoever finds nobody there goes to another.
    let asks = |gateway: &Gateway| {
        let mut gateway = gateway;
        loop {
            match try_ask(gateway) {
                None => gateway = &lives[next.fetch_add(1, Ordering::SeqCst) % lives.len()],
                Some(503) => pause(Duration::from_millis(20)),
                Some(known) => {
                    served.fetch_add(usize::from(known == 200), Ordering::SeqCst);
                    return known;
                }
            }
        }
    };
    let statuses = std::thread::scope(|scope| {
        let asked = scope.spawn(|| at_once(&gateways, CLIENTS, asks));
        dies.until("some are served", |_| served.load(Ordering::SeqCst) > MAY / 4);
        dies.signal("KILL");
        asked.join().unwrap()
    });
    let died = Instant::now();
    let served = served.into_inner();
    assert_eq!(served + count(&statuses, 402), CLIENTS, "nobody waits for ever: {statuses:?}");
    assert!((2..=SLOTS).contains(&there.most()), "{} at once, where {SLOTS} may be", there.most());
    for gateway in lives {
        while me(gateway)["concurrency"]["held"] != 0 {
            assert!(died.elapsed() < HELD_MAX, "{} are held still", me(gateway)["concurrency"]);
            pause(Duration::from_millis(100));
        }
    }
    // What it had under way is given back, as nobody was served.
    let (sent, used) = (upstream.seen().len(), me(&lives[0])["limits"][0]["used"].as_u64().unwrap());
    let used = usize::try_from(used).unwrap();
    assert!(used <= MAY && served <= sent, "{used} are counted of {MAY}, {served} were served of {sent}");
    assert!(sent - used <= SLOTS, "{sent} were sent, and {used} are counted");
    assert!(sent <= MAY + SLOTS, "{sent} were sent, where {MAY} may be, and those that it had");
}
