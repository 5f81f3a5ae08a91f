//! A thousand clients at once, on several gateways and on one: what is admitted is exactly what may be, whatever becomes of
//! the store, of the way to it and of gateways meanwhile.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use sluice_tests::client::PATIENCE;
use sluice_tests::gateway::{Gateway, account, key};
use sluice_tests::moment::{noon, pause};
use sluice_tests::upstream::{Upstream, whole};

use super::{GATEWAYS, Redis, answering, ask, at_once, count, me, message};

const CLIENTS: usize = 1_000;

/// Asks until the store has been in reach: on a machine that has much else to do it may be late.
fn ask_until_known(gateway: &Gateway) -> u16 {
    loop {
        match ask(gateway) {
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

fn never_over_budget(redis: Option<&Redis>) {
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
        + &key("mode = \"hard\"\nlimits = [{ per = \"day\", cost = \"0.3\" }]");
    let gateways = gateways(redis, &config);
    for _ in 0..2 {
        let statuses = at_once(&gateways, CLIENTS, ask_until_known);
        let known = count(&statuses, 200) + count(&statuses, 429) + count(&statuses, 402);
        assert_eq!(known, CLIENTS, "{statuses:?}");
        let spent = spent.load(Ordering::SeqCst);
        assert!((500_000..=3_000_000).contains(&spent), "{spent} ten-millionths of a dollar, of 0.3 dollars");
    }
}

#[test]
fn a_thousand_clients_never_spend_more_than_a_hard_budget_has() {
    never_over_budget(None);
    never_over_budget(Some(&Redis::start()));
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
