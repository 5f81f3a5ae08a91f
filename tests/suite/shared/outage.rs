//! A Redis that goes away and comes back.

use std::sync::Arc;

use sluice_tests::client::send;
use sluice_tests::gateway::{Gateway, account, key};
use sluice_tests::upstream::{Upstream, whole};

use super::{Redis, ask, ask_as, me, message};

#[test]
fn while_the_store_is_away_requests_are_refused_at_once_and_nothing_is_lost() {
    let mut redis = Redis::start();
    let upstream = Upstream::start(|_| whole(200, "content-type: application/json\r\n", &message(20, 10)));
    let config = account("a", "claude-console", &upstream.address, "")
        + &key("concurrency = 5\nlimits = [{ per = \"total\", requests = 7 }]");
    let gateways = redis.gateways(2, &config);
    for gateway in &gateways {
        assert_eq!([(); 2].map(|()| ask(gateway)), [200; 2]);
    }
    for round in 0..2 {
        redis.kill();
        for gateway in &gateways {
            let refused = gateway.post("/v1/messages", &super::body("m"));
            assert_eq!(refused.status, 503, "{}", refused.text());
            assert_eq!(refused.json()["error"]["type"], "api_error");
            let told = ["retry-after", "x-should-retry"].map(|name| refused.header(name));
            assert_eq!(told, [Some("1"), Some("true")], "it comes back by itself");
            let ready = send(&gateway.address, "GET", "/readyz", &[], b"");
            assert_eq!(ready.status, 503, "{}", ready.text());
        }
        redis.revive();
        for gateway in &gateways {
            gateway.until("it serves again", |gateway| {
                send(&gateway.address, "GET", "/readyz", &[], b"").status == 200
            });
        }
        gateways[round].until("it counts on", |gateway| ask(gateway) == 200);
    }
    assert_eq!(upstream.seen().len(), 6);
    for gateway in &gateways {
        gateway.until("what was counted is there", |gateway| me(gateway)["limits"][0]["used"] == 6);
        gateway.until("every record is there", |gateway| {
            let usage = gateway.admin("GET", "/usage", "").json()["data"][0].clone();
            usage["input_tokens"] == 120
        });
        gateway.until("no slot is held", |gateway| me(gateway)["concurrency"]["held"] == 0);
    }
    assert_eq!([ask(&gateways[0]), ask(&gateways[1])], [200, 402]);
}

/// Two keys, whose requests are served while the store is away but for those of the one in hard mode.
fn admitting(upstream: &Upstream) -> String {
    "store.on_outage = \"admit\"\n".to_owned()
        + &account("a", "claude-console", &upstream.address, "")
        + &key(
            "concurrency = 5\nlimits = [{ per = \"total\", requests = 10 }, { per = \"1h\", tokens = 10000 }]",
        )
        + "[[keys]]\nname = \"hard\"\nkey = \"hard-in-the-outage\"\nmode = \"hard\"\nlimits = [{ per = \"1h\", requests = 1000 }]\n"
}

/// How many requests a gateway has served without its store, and of how many that is still to be told.
fn alone(gateway: &Gateway) -> [u64; 2] {
    let metrics = send(&gateway.address, "GET", "/metrics", &[], b"").text();
    let told = |name: &str| metrics.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
    ["sluice_outage_requests_total ", "sluice_outage_unsettled_leases "].map(|name| told(name).unwrap())
}

/// Asks until it is refused, and says how often it was not.
fn served(gateway: &Gateway) -> usize {
    let statuses: Vec<u16> =
        std::iter::repeat_with(|| ask(gateway)).take_while(|status| *status == 200).collect();
    assert_eq!(ask(gateway), 402, "there is no room in its total");
    statuses.len()
}

/// All gateways know that so many requests were served, of 20 tokens in and 10 out each.
fn are_counted(gateways: &[Arc<Gateway>], requests: u64) {
    for gateway in gateways {
        gateway.until("it has its store", |gateway| {
            let ready = send(&gateway.address, "GET", "/readyz", &[], b"");
            ready.status == 200 && ready.json()["reasons"].is_null()
        });
        gateway.until("what was counted is there", |gateway| {
            let limits = me(gateway)["limits"].clone();
            limits[0]["used"] == requests && limits[1]["used"] == 30 * requests
        });
        gateway.until("every record is there", |gateway| {
            let usage = gateway.admin("GET", "/usage", "").json()["data"][0].clone();
            (usage["input_tokens"].as_u64(), usage["output_tokens"].as_u64())
                == (Some(20 * requests), Some(10 * requests))
        });
        gateway.until("no slot is held", |gateway| me(gateway)["concurrency"]["held"] == 0);
    }
}

#[test]
fn gateways_that_admit_hold_limits_by_what_they_have_seen_and_all_is_counted_once() {
    let mut redis = Redis::start();
    let upstream = Upstream::start(|_| whole(200, "content-type: application/json\r\n", &message(20, 10)));
    let gateways = redis.gateways(2, &admitting(&upstream));
    let (one, other) = (&gateways[0], &gateways[1]);
    assert_eq!(alone(one), [0, 0]);
    assert_eq!([ask(other), ask(other), ask(one)], [200; 3]);
    redis.kill();
    // One has seen three, the other two.
    assert_eq!((served(one), served(other)), (7, 8));
    // Beside these it may not have been told yet of those that were served before.
    for (gateway, requests) in [(one, 7), (other, 8)] {
        let [served, untold] = alone(gateway);
        assert_eq!(served, requests);
        assert!((requests..=requests + 2).contains(&untold), "{untold} of {requests}");
    }
    for gateway in &gateways {
        let refused = ask_as(gateway, "hard-in-the-outage");
        assert_eq!((refused.status, refused.header("retry-after")), (503, Some("1")), "{}", refused.text());
        let ready = send(&gateway.address, "GET", "/readyz", &[], b"");
        assert_eq!(ready.status, 200, "{}", ready.text());
        assert!(!ready.json()["reasons"].is_null(), "{}", ready.text());
        assert_eq!(me(gateway)["limits"][0]["left"], 0);
        let made = gateway.admin("POST", "/keys", r#"{"name": "new"}"#);
        assert_eq!(made.status, 503, "{}", made.text());
    }
    redis.revive();
    are_counted(&gateways, 18);
    assert_eq!(upstream.seen().len(), 18);
    one.until("all is told", |_| [alone(one), alone(other)] == [[7, 0], [8, 0]]);
    assert_eq!([ask(one), ask(other)], [402; 2]);
    one.until("keys in hard mode are served again", |one| ask_as(one, "hard-in-the-outage").status == 200);
}

#[test]
fn what_a_gateway_has_served_alone_that_is_killed_meanwhile_its_next_start_counts() {
    let mut redis = Redis::start();
    let upstream = Upstream::start(|_| whole(200, "content-type: application/json\r\n", &message(20, 10)));
    let mut gateways = redis.gateways(2, &admitting(&upstream));
    assert_eq!([ask(&gateways[0]), ask(&gateways[1])], [200; 2]);
    redis.kill();
    assert_eq!([(); 4].map(|()| ask(&gateways[0])), [200; 4]);
    let killed = gateways.remove(0);
    let folder = Arc::clone(&killed.folder);
    killed.signal("KILL");
    let (ended, _) = Arc::into_inner(killed).unwrap().wait();
    assert!(!ended.success());
    redis.revive();
    gateways.push(Arc::new(Gateway::start_in(folder, &(redis.store() + &admitting(&upstream)))));
    are_counted(&gateways, 6);
    assert_eq!(upstream.seen().len(), 6);
}
