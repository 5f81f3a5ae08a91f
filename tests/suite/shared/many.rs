//! A thousand clients at once, on several gateways and on one: what is admitted is exactly what may be, whatever becomes of
//! the store, of the way to it and of gateways meanwhile.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;
use sluice_tests::client::PATIENCE;
use sluice_tests::gateway::{Gateway, account, key};
use sluice_tests::moment::{noon, pause};
use sluice_tests::upstream::{Step, Upstream, whole};

use super::{AtOnce, GATEWAYS, Redis, answering, ask, at_once, count, me, message, try_ask};

pub(super) const CLIENTS: usize = 1_000;

/// Asks until the store has been in reach: on a machine that has much else to do it may be late.
fn ask_until_known(gateway: &Gateway) -> u16 {
    loop {
        match ask(gateway) {
            503 => pause(Duration::from_millis(20)),
            known => return known,
        }
    }
}

/// The same of one who may wait in a line for long.
fn wait_until_known(gateway: &Gateway) -> u16 {
    loop {
        match try_ask(gateway).unwrap() {
            503 => pause(Duration::from_millis(20)),
            known => return known,
        }
    }
}

/// Gateways of a configuration: several on a server, or one that is alone.
fn gateways(redis: Option<&Redis>, config: &str) -> Vec<Arc<Gateway>> {
    match redis {
        Some(redis) => redis.gateways(GATEWAYS, config),
        None => vec![Arc::new(Gateway::start(config))],
    }
}

fn exactly_so_many(redis: Option<&Redis>) {
    const MAY: usize = 400;
    let upstream = answering();
    let config = noon()
        + &account("a", "claude-console", &upstream.address, "")
        + &key(&format!("limits = [{{ per = \"day\", requests = {MAY} }}]"));
    let gateways = gateways(redis, &config);
    let statuses = at_once(&gateways, CLIENTS, ask_until_known);
    assert_eq!((count(&statuses, 200), count(&statuses, 429)), (MAY, CLIENTS - MAY));
    assert_eq!(upstream.seen().len(), MAY);
    for gateway in &gateways {
        gateway.until("all is counted", |gateway| me(gateway)["limits"][0]["used"] == MAY);
    }
}

#[test]
fn of_a_thousand_requests_exactly_so_many_pass_as_may() {
    exactly_so_many(None);
    exactly_so_many(Some(&Redis::start()));
}

/// Answers that are held back until they are let go, and what those that were given cost in ten-millionths of a dollar: 15
/// dollars for a million tokens out, 3 for as many in.
#[derive(Default)]
struct Bill {
    held: Mutex<Option<Vec<Sender<()>>>>,
    spent: AtomicU64,
}

impl Bill {
    fn answer(&self) -> Vec<Step> {
        let used = 1 + (self.spent.load(Ordering::SeqCst) * 7_919) % 100;
        self.spent.fetch_add(used * 150 + 10 * 30, Ordering::SeqCst);
        let answer = whole(200, "content-type: application/json\r\n", &message(10, used));
        let Some(held) = &mut *self.held.lock().unwrap() else { return answer };
        let (goes, waits) = channel();
        held.push(goes);
        std::iter::once(Step::Wait(waits)).chain(answer).collect()
    }

    fn let_go(&self) {
        for goes in self.held.lock().unwrap().take().unwrap() {
            let _ = goes.send(());
        }
    }
}

/// An amount of dollars in its smallest parts.
fn units(dollars: &Value) -> u64 {
    let dollars = dollars.as_str().unwrap();
    let (whole, rest) = dollars.split_once('.').unwrap_or((dollars, ""));
    format!("{whole}{rest:0<10}").parse().unwrap()
}

/// Smallest parts of a dollar in a ten-millionth.
const PARTS: u64 = 1_000;

/// Clients of a hard budget come back as they are told, until they are served or told that it is used up.
fn all_of_a_budget(redis: Option<&Redis>) {
    const BUDGET: u64 = 3_000_000;
    let (_folder, prices) = crate::limits::priced();
    let bill = Arc::new(Bill { held: Mutex::new(Some(Vec::new())), ..Bill::default() });
    let upstream = Upstream::start({
        let bill = Arc::clone(&bill);
        move |_| bill.answer()
    });
    let config = noon()
        + &prices
        + &account("a", "claude-console", &upstream.address, "")
        + &key("mode = \"hard\"\nlimits = [{ per = \"day\", cost = \"0.3\" }]");
    let gateways = gateways(redis, &config);
    let refused = AtomicUsize::new(0);
    let asks = |gateway: &Gateway| {
        let mut first = true;
        loop {
            let answer = gateway.post("/v1/messages", &super::body("m"));
            match answer.status {
                429 => {
                    refused.fetch_add(usize::from(std::mem::take(&mut first)), Ordering::SeqCst);
                    pause(Duration::from_secs(answer.header("retry-after").unwrap().parse().unwrap()));
                }
                503 => pause(Duration::from_millis(20)),
                known => return known,
            }
        }
    };
    let (statuses, most) = std::thread::scope(|scope| {
        let asked = scope.spawn(|| at_once(&gateways, CLIENTS, asks));
        // As long as nothing is answered, exactly as many are there as could each cost the most.
        gateways[0]
            .until("each has asked", |_| upstream.seen().len() + refused.load(Ordering::SeqCst) >= CLIENTS);
        let (there, limit) = (upstream.seen().len() as u64, me(&gateways[0])["limits"][0].clone());
        let left = units(&limit["left"]);
        let most = (BUDGET * PARTS - left) / there;
        assert!(there > 1 && left < most, "{there} are there, and another would be within {limit}");
        bill.let_go();
        (asked.join().unwrap(), most)
    });
    assert_eq!(count(&statuses, 200) + count(&statuses, 402), CLIENTS, "{statuses:?}");
    assert_eq!(upstream.seen().len(), count(&statuses, 200));
    let spent = bill.spent.load(Ordering::SeqCst) * PARTS;
    // Never over it, and it ends where no further request is sure to be within it.
    let budget = BUDGET * PARTS;
    assert!(
        (budget - most + 1..=budget).contains(&spent),
        "{spent} of {budget}, where one costs {most} at most"
    );
    for gateway in &gateways {
        gateway.until("each has the records of all", |gateway| {
            units(&gateway.admin("GET", "/usage", "").json()["data"][0]["cost"]) == spent
        });
    }
}

#[test]
fn a_thousand_clients_never_spend_more_than_a_hard_budget_has_and_all_of_it_but_for_one_request() {
    all_of_a_budget(None);
    all_of_a_budget(Some(&Redis::start()));
}

fn all_wait_and_are_served(redis: Option<&Redis>) {
    const SLOTS: usize = 50;
    let there = Arc::<AtOnce>::default();
    let upstream = there.upstream();
    let config = account("a", "claude-console", &upstream.address, "concurrency = 90")
        + "[[groups]]\nname = \"g\"\nconcurrency = 70\n"
        + &key(&format!(
            "group = \"g\"\nconcurrency = {SLOTS}\nqueue = {{ size = {CLIENTS}, wait = \"120s\" }}"
        ));
    let gateways = gateways(redis, &config);
    let over = AtomicBool::new(false);
    let statuses = std::thread::scope(|scope| {
        // Whoever would be told that it is its turn is not, again and again.
        let cuts = scope.spawn(|| {
            let mut cuts = 0;
            while let (Some(redis), false) = (redis, over.load(Ordering::SeqCst)) {
                redis.tell(&["CLIENT", "KILL", "TYPE", "pubsub"]);
                cuts += 1;
                pause(Duration::from_millis(500));
            }
            cuts
        });
        let asked = scope.spawn(|| at_once(&gateways, CLIENTS, wait_until_known)).join();
        over.store(true, Ordering::SeqCst);
        assert!(cuts.join().unwrap() > 0 || redis.is_none(), "they are served between cuts");
        asked.unwrap()
    });
    assert_eq!(count(&statuses, 200), CLIENTS, "{statuses:?}");
    assert!((2..=SLOTS).contains(&there.most()), "{} at once, where {SLOTS} may be", there.most());
    for gateway in &gateways {
        gateway.until("nothing is held, and nobody waits", |gateway| {
            let told = &me(gateway)["concurrency"];
            (told["held"].as_u64(), told["waiting"].as_u64()) == (Some(0), Some(0))
        });
    }
}

#[test]
fn a_thousand_that_wait_are_all_served_with_the_wake_channel_cut_again_and_again() {
    all_wait_and_are_served(None);
    all_wait_and_are_served(Some(&Redis::start()));
}

/// How long a store is away in a test.
const OUTAGE: Duration = Duration::from_secs(15);

#[test]
fn a_store_that_is_killed_under_load_and_comes_back_admits_exactly_what_may_be() {
    killed_under_load(Duration::from_millis(300), 2);
}

#[test]
fn a_store_that_was_away_for_long_under_load_admits_exactly_what_may_be() {
    killed_under_load(OUTAGE, 1);
}

fn killed_under_load(outage: Duration, times: usize) {
    const MAY: usize = 1_500;
    const AT_ONCE: usize = 100;
    let mut redis = Redis::start();
    let upstream = answering();
    let config = noon()
        + &account("a", "claude-console", &upstream.address, "")
        + &key(&format!(
            "concurrency = 50\nqueue = {{ size = {CLIENTS}, wait = \"60s\" }}\nlimits = [{{ per = \"total\", requests = {MAY} }}]"
        ));
    let gateways = redis.gateways(GATEWAYS, &config);
    let (served, away, others) = (AtomicUsize::new(0), AtomicUsize::new(0), Mutex::new(Vec::new()));
    let until = Instant::now() + 3 * PATIENCE + outage;
    std::thread::scope(|scope| {
        for client in 0..AT_ONCE {
            let (gateway, served, away, others) = (&gateways[client % GATEWAYS], &served, &away, &others);
            scope.spawn(move || {
                // As long as there is room: what was given back as nobody knew whether it was taken may be asked for again.
                while served.load(Ordering::SeqCst) < MAY && Instant::now() < until {
                    match ask(gateway) {
                        200 => drop(served.fetch_add(1, Ordering::SeqCst)),
                        503 => {
                            away.fetch_add(1, Ordering::SeqCst);
                            pause(Duration::from_millis(20));
                        }
                        402 | 429 => pause(Duration::from_millis(20)),
                        other => others.lock().unwrap().push(other),
                    }
                }
            });
        }
        for round in 1..=times {
            gateways[0].until("some are served", |_| served.load(Ordering::SeqCst) > round * MAY / 4);
            redis.kill();
            gateways[0].until("requests are refused", |_| away.load(Ordering::SeqCst) >= round * AT_ONCE);
            pause(outage);
            redis.revive();
        }
    });
    assert_eq!((served.load(Ordering::SeqCst), others.into_inner().unwrap()), (MAY, vec![]));
    assert_eq!(upstream.seen().len(), MAY, "each that was sent was admitted");
    for gateway in &gateways {
        gateway.until("all is settled, and each counted once", |gateway| {
            let told = me(gateway);
            (told["limits"][0]["used"].as_u64(), told["concurrency"]["held"].as_u64())
                == (Some(MAY as u64), Some(0))
        });
    }
    assert_eq!(count(&at_once(&gateways, 60, ask_until_known), 402), 60, "and no more");
    assert_eq!(upstream.seen().len(), MAY);
}
