//! What one gateway makes and hears of, the others see.

use serde_json::json;
use sluice_tests::client::send;
use sluice_tests::gateway::{Gateway, KEY, account, key};
use sluice_tests::upstream::{Upstream, whole};

use super::{Redis, ask, ask_as, message};

#[test]
fn keys_and_groups_made_on_one_gateway_are_those_of_all_and_so_is_their_end() {
    let redis = Redis::start();
    let upstream = Upstream::start(|_| whole(200, "content-type: application/json\r\n", &message(1, 1)));
    let config = account("a", "claude-console", &upstream.address, "") + &key("");
    let gateways = redis.gateways(2, &config);
    let [one, other] = [&gateways[0], &gateways[1]];
    let group = json!({ "name": "team", "limits": [{ "per": "total", "requests": 2 }] }).to_string();
    assert_eq!(one.admin("POST", "/groups", &group).status, 201);
    one.until("the other has the group", |_| other.admin("GET", "/groups/team", "").status == 200);
    let made = one.admin("POST", "/keys", r#"{"name":"made","group":"team"}"#).json();
    let (secret, id) = (made["key"].as_str().unwrap(), made["id"].as_str().unwrap());
    one.until("the other has the key", |_| ask_as(other, secret).status == 200);
    assert_eq!(ask_as(one, secret).status, 200);
    assert_eq!(
        [one, other].map(|gateway| ask_as(gateway, secret).status),
        [402; 2],
        "the group's limit is one"
    );
    assert_eq!(one.admin("DELETE", &format!("/keys/{id}"), "").status, 204);
    assert_eq!(ask_as(one, secret).status, 401);
    one.until("it has ended on the other too", |_| ask_as(other, secret).status == 401);
}

#[test]
fn what_an_operator_changes_of_an_account_and_what_an_upstream_tells_of_it_all_know() {
    let redis = Redis::start();
    let upstream = Upstream::start(|_| {
        whole(
            429,
            "retry-after: 600\r\n",
            r#"{"type":"error","error":{"type":"rate_limit_error","message":"slow down"}}"#,
        )
    });
    let config = account("a", "claude-console", &upstream.address, "") + &key("");
    let gateways = redis.gateways(2, &config);
    let [one, other] = [&gateways[0], &gateways[1]];
    let told = |gateway: &Gateway| gateway.admin("GET", "/accounts/a", "").json();
    let is_limited = |gateway: &Gateway| told(gateway)["models"][0]["state"] == "rate_limited";
    assert_eq!(ask(one), 429);
    one.until("the other has heard of it", |_| is_limited(other));
    let before = upstream.seen().len();
    assert_eq!(ask(other), 503, "it need not ask to know");
    assert_eq!(upstream.seen().len(), before);
    assert_eq!(other.admin("POST", "/accounts/a/recover", "").status, 200);
    one.until("it is well again everywhere", |_| [one, other].iter().all(|gateway| !is_limited(gateway)));
    assert_eq!(one.admin("PATCH", "/accounts/a", r#"{"enabled":false}"#).status, 200);
    one.until("it is off everywhere", |_| told(other)["state"] == "disabled");
}

#[test]
fn a_session_stays_on_its_account_whichever_gateway_it_comes_to() {
    let redis = Redis::start();
    let upstreams = [(), ()]
        .map(|()| Upstream::start(|_| whole(200, "content-type: application/json\r\n", &message(1, 1))));
    let config = account("a", "claude-console", &upstreams[0].address, "")
        + &account("b", "claude-console", &upstreams[1].address, "")
        + &key("");
    let gateways = redis.gateways(2, &config);
    let headers = |session: &'static str| {
        [("x-api-key", KEY), ("content-type", "application/json"), ("x-session-id", session)]
    };
    let body = super::body("m");
    for session in ["s-1", "s-2", "s-3", "s-4", "s-5", "s-6"] {
        let ask = |gateway: &Gateway| {
            let address = &gateway.address;
            let answer = send(address, "POST", "/v1/messages", &headers(session), body.as_bytes());
            assert_eq!(answer.status, 200);
            upstreams.each_ref().map(|upstream| upstream.seen().len())
        };
        let before = upstreams.each_ref().map(|upstream| upstream.seen().len());
        let first = ask(&gateways[0]);
        let which = usize::from(first[1] > before[1]);
        // It is kept for the others a moment after its answer.
        gateways[0]
            .until("it is kept", |gateway| gateway.record()["session"].is_string() && kept(&redis) > 0);
        for gateway in gateways.iter().cycle().take(4) {
            let before = upstreams.each_ref().map(|upstream| upstream.seen().len());
            let after = ask(gateway);
            assert_eq!(usize::from(after[1] > before[1]), which, "{session}");
        }
    }
}

/// How many sessions are kept.
fn kept(redis: &Redis) -> usize {
    redis.keys("*session*")
}

#[test]
fn records_of_all_gateways_are_one_list() {
    let redis = Redis::start();
    let upstream = Upstream::start(|_| whole(200, "content-type: application/json\r\n", &message(20, 10)));
    let config = account("a", "claude-console", &upstream.address, "") + &key("");
    let gateways = redis.gateways(3, &config);
    let statuses = super::at_once(&gateways, 60, ask);
    assert_eq!(super::count(&statuses, 200), 60);
    for gateway in &gateways {
        gateway.until("it has all", |gateway| {
            let usage = gateway.admin("GET", "/usage", "").json()["data"][0].clone();
            (usage["requests"].as_u64(), usage["input_tokens"].as_u64()) == (Some(60), Some(1_200))
        });
        let listed = gateway.admin("GET", "/requests?limit=100", "").json()["data"].clone();
        let mut ids: Vec<String> = listed
            .as_array()
            .unwrap()
            .iter()
            .map(|record| record["id"].as_str().unwrap().to_owned())
            .collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 60);
    }
}
