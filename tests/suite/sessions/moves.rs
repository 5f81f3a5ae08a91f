//! When a session moves: once its account is lost, for good; while that is only full, for once.

use std::time::Duration;

use serde_json::json;
use sluice_tests::client::begin;
use sluice_tests::fleet::{Fleet, asks_stream, sample, spoken};
use sluice_tests::gateway::{Gateway, KEY};
use sluice_tests::moment::{now, pass};
use sluice_tests::upstream::{Step, chunk, stream_head, whole};

use super::{APIS, NAMES, Told, account, body, served, three};

fn ask(gateway: &Gateway, api: &str, session: &str) -> String {
    let told = Told { headers: vec![("x-session-id", session.to_owned())], body: body(api, "hello", 1, "") };
    served(gateway, api, &told, KEY)
}

#[test]
fn a_session_whose_account_is_limited_moves_and_stays_where_it_is_once_that_is_back() {
    for (api, ..) in APIS {
        let fleet = Fleet::start(sample);
        let gateway = three(&fleet, api, "", "");
        let lost = ask(&gateway, api, "s");
        assert_eq!(ask(&gateway, api, "s"), lost, "{api}");
        fleet.tell(&lost, |_| whole(429, "retry-after-ms: 150\r\n", "{}"));
        let new = ask(&gateway, api, "s");
        assert_eq!((gateway.record()["attempts"].as_u64(), new == lost), (Some(2), false), "{api}");
        fleet.heal(&lost);
        gateway.until("the account is back", |gateway| {
            gateway.admin("GET", &format!("/accounts/{lost}"), "").json()["models"] == json!([])
        });
        for _ in 0..3 {
            assert_eq!(ask(&gateway, api, "s"), new, "{api}");
        }
        let others: Vec<String> = (0..3).map(|number| ask(&gateway, api, &format!("t-{number}"))).collect();
        assert!(others.contains(&lost), "{api}: it is back for others: {others:?}");
    }
}

#[test]
fn one_failure_of_its_account_sends_a_session_elsewhere_for_one_request() {
    for (api, ..) in APIS {
        let fleet = Fleet::start(sample);
        let gateway = three(&fleet, api, "", "");
        let home = ask(&gateway, api, "s");
        fleet.tell(&home, |_| whole(500, "", "{}"));
        assert_ne!(ask(&gateway, api, "s"), home, "{api}");
        fleet.heal(&home);
        for _ in 0..3 {
            assert_eq!(ask(&gateway, api, "s"), home, "{api}: it was never out");
        }
    }
}

#[test]
fn a_session_whose_account_is_switched_off_moves_too() {
    let fleet = Fleet::start(sample);
    let gateway = three(&fleet, "anthropic", "", "");
    let lost = ask(&gateway, "anthropic", "s");
    let switch = |enabled: bool| {
        let patch = json!({ "enabled": enabled }).to_string();
        assert_eq!(gateway.admin("PATCH", &format!("/accounts/{lost}"), &patch).status, 200);
    };
    switch(false);
    let new = ask(&gateway, "anthropic", "s");
    assert_ne!(new, lost);
    switch(true);
    for _ in 0..3 {
        assert_eq!(ask(&gateway, "anthropic", "s"), new);
    }
}

#[test]
fn a_session_whose_account_is_only_full_is_served_elsewhere_this_once_and_comes_back() {
    for (api, ..) in APIS {
        let fleet = Fleet::start(|request| match asks_stream(request) {
            false => sample(request),
            true => {
                let begun = chunk(spoken(request).first_event().as_bytes());
                vec![stream_head("text/event-stream"), begun, Step::Hang]
            }
        });
        let gateway = three(&fleet, api, "concurrency = 1", "");
        let own = ask(&gateway, api, "s");
        let path = match api {
            "gemini" => "/v1beta/models/m-1:streamGenerateContent?alt=sse",
            _ => APIS.iter().find(|(name, ..)| *name == api).unwrap().2,
        };
        let more = if api == "gemini" { "" } else { ",\"stream\":true" };
        let headers = [("x-api-key", KEY), ("x-session-id", "s")];
        let running = begin(&gateway.address, "POST", path, &headers, body(api, "hello", 1, more).as_bytes());
        assert_eq!((running.status, gateway.in_flight()), (200, 1), "{api}");
        for _ in 0..2 {
            assert_ne!(ask(&gateway, api, "s"), own, "{api}: it is full");
            assert_eq!(gateway.record()["attempts"], 1, "{api}: which is no attempt");
        }
        drop(running);
        gateway.until("the stream has ended", |gateway| gateway.in_flight() == 0);
        for _ in 0..3 {
            assert_eq!(ask(&gateway, api, "s"), own, "{api}: it was not moved");
        }
    }
}

#[test]
fn a_session_is_kept_for_so_long_after_its_last_request_and_not_at_all_where_that_is_nothing() {
    let fleet = Fleet::start(sample);
    let gateway = three(&fleet, "anthropic", "", "[scheduler]\nsticky_ttl = \"0s\"\n");
    let round: Vec<String> = (0..6).map(|_| ask(&gateway, "anthropic", "s")).collect();
    let mut each = round[..3].to_vec();
    each.sort();
    assert_eq!(
        (each.iter().map(String::as_str).collect::<Vec<_>>(), &round[..3]),
        (NAMES.to_vec(), &round[3..])
    );

    let gateway = three(&fleet, "anthropic", "", "[scheduler]\nsticky_ttl = \"600ms\"\n");
    let own = ask(&gateway, "anthropic", "s");
    let began = now();
    // Each request renews it, so that it outlives its first time.
    while now() < began + Duration::from_millis(1_000) {
        pass(now() + Duration::from_millis(100));
        assert_eq!(ask(&gateway, "anthropic", "s"), own);
    }
    pass(now() + Duration::from_millis(700));
    let (one, two) = (ask(&gateway, "anthropic", "t"), ask(&gateway, "anthropic", "u"));
    assert!(one != own && two != own, "the least recently used come first");
    assert_eq!(ask(&gateway, "anthropic", "v"), own);
    let moved = ask(&gateway, "anthropic", "s");
    assert_ne!(moved, own, "its time is over");
}

#[test]
fn a_session_outlives_a_reload() {
    let fleet = Fleet::start(sample);
    let gateway = three(&fleet, "anthropic", "", "");
    let own = ask(&gateway, "anthropic", "s");
    assert_eq!(gateway.admin("POST", "/reload", "").status, 200);
    let told = Told { headers: Vec::new(), body: body("anthropic", "x", 1, "") };
    let _ = served(&gateway, "anthropic", &told, KEY);
    assert_eq!(ask(&gateway, "anthropic", "s"), own);
    let answer = gateway.post("/v1/messages", &body("anthropic", "x", 1, ""));
    assert_ne!(account(&answer), own);
}
