//! The line of a key over several gateways, and what only one of them may do at a time.

use std::thread::JoinHandle;

use sluice_tests::client::{Whole, send};
use sluice_tests::dialects::dialect;
use sluice_tests::fleet::Fleet;
use sluice_tests::gateway::{Gateway, account, key};

use super::{Redis, ask, me};
use crate::limits::queue::{Held, asking, models};
use crate::oauth::{ENDED, World};
use crate::references;

#[test]
fn who_came_first_is_served_first_whichever_gateway_it_came_to_and_no_more_wait_than_may() {
    let redis = Redis::start();
    let (held, upstream) = Held::back();
    let config = account("a", "claude-console", &upstream.address, "")
        + &key("concurrency = 1\nqueue = { size = 5, wait = \"60s\" }");
    let gateways = redis.gateways(2, &config);
    let waiting = |gateway: &Gateway| me(gateway)["concurrency"]["waiting"].as_u64().unwrap();
    let mut asked: Vec<JoinHandle<Whole>> = vec![asking(&gateways[0], "m-0")];
    gateways[0].until("the first runs", |_| upstream.seen().len() == 1);
    for number in 1..=5 {
        // Each at another gateway than the one before it, but for two in a row.
        asked.push(asking(&gateways[usize::from([1, 3, 4].contains(&number))], &format!("m-{number}")));
        for gateway in &gateways {
            gateway.until("all see that it waits", |gateway| waiting(gateway) == number);
        }
    }
    for gateway in &gateways {
        let refused = gateway.post("/v1/messages", &super::body("m"));
        assert_eq!((refused.status, refused.header("retry-after")), (429, Some("1")));
        assert!(refused.text().contains("as many wait for a slot as may"), "{}", refused.text());
    }
    for _ in 0..6 {
        held.answer();
    }
    let statuses: Vec<u16> = asked.into_iter().map(|one| one.join().unwrap().status).collect();
    assert_eq!(statuses, [200; 6]);
    assert_eq!(models(&upstream), ["m-0", "m-1", "m-2", "m-3", "m-4", "m-5"]);
    assert_eq!([waiting(&gateways[0]), waiting(&gateways[1])], [0, 0]);
}

#[test]
fn what_continues_a_response_goes_to_its_account_on_every_gateway_and_to_no_other_key() {
    let redis = Redis::start();
    let fleet = Fleet::start(references::making);
    let others = "[[keys]]\nname = \"other\"\nkey = \"other\"\n";
    let gateways = redis.gateways(2, &(references::config(&fleet, "openai-responses") + others));
    for _ in 0..6 {
        let (own, continued) = references::made(&gateways[0], "");
        // It is kept for the others a moment after its answer.
        let id = continued.split('"').nth(3).unwrap();
        gateways[0].until("it is kept", |_| redis.keys(&format!("*:value:9:reference:{id}")) == 1);
        let before = fleet.asked_in_all();
        let body = format!("{{\"model\":\"m-1\",\"input\":\"x\"{continued}}}");
        let headers = [("x-api-key", "other"), ("content-type", "application/json")];
        let refused = send(&gateways[1].address, "POST", "/v1/responses", &headers, body.as_bytes());
        assert_eq!((refused.status, fleet.asked_in_all()), (400, before), "{}", refused.text());
        for more in ["", ",\"stream\":true"] {
            let answer = references::ask(&gateways[1], &format!("{continued}{more}"));
            assert_eq!(references::account(&answer), own);
        }
    }
}

#[test]
fn a_token_is_refreshed_once_for_all_gateways_and_what_one_was_given_the_others_use() {
    let redis = Redis::start();
    let claude = dialect("anthropic");
    let world = World::new(claude);
    let gateways = redis.gateways(super::GATEWAYS, &(world.account("claude-official", ENDED, "") + &key("")));
    for round in 1..=3 {
        let statuses = super::at_once(&gateways, 30, |gateway| {
            let claude = dialect("anthropic");
            gateway.post(claude.paths[0], claude.request).status
        });
        assert_eq!(super::count(&statuses, 200), 30, "{statuses:?}");
        // A refresh token is good once: a second refresh would have been refused.
        assert_eq!(world.refreshes().len(), round, "{:?}", world.refreshes());
        world.revoke();
    }
}

#[test]
fn a_request_asks_its_server_once_to_be_admitted() {
    const REQUESTS: u64 = 150;
    let redis = Redis::start();
    let upstream = super::answering();
    let limits = "[{ per = \"total\", requests = 100000 }, { per = \"1h\", tokens = 100000000 }, { per = \"day\", requests = 100000 }]";
    let config = sluice_tests::moment::noon()
        + &account(
            "a",
            "claude-console",
            &upstream.address,
            "concurrency = 9\nlimits = [{ per = \"day\", requests = 100000 }]",
        )
        + &format!("[[groups]]\nname = \"g\"\nconcurrency = 9\nlimits = {limits}\n")
        + &key(&format!(
            "group = \"g\"\nconcurrency = 9\nqueue = {{ size = 9, wait = \"9s\" }}\nlimits = {limits}"
        ));
    let gateway = redis.gateways(1, &config).remove(0);
    assert_eq!(ask(&gateway), 200);
    let before = redis.told("evalsha");
    for _ in 0..REQUESTS {
        assert_eq!(ask(&gateway), 200);
    }
    gateway.until("all is settled", |gateway| me(gateway)["concurrency"]["held"] == 0);
    let scripts = redis.told("evalsha") - before;
    // One to admit, one at most to settle, and some of the gateway's own: records, that it lives, what it claims.
    assert!((REQUESTS..REQUESTS * 5 / 2).contains(&scripts), "{scripts} scripts for {REQUESTS} requests");
}
