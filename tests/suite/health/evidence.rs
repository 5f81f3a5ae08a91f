//! What failures are worth: one client's requests take no account from the others.

use std::time::Duration;

use sluice_tests::client::{post, send};
use sluice_tests::dialects::{dialect, streaming};
use sluice_tests::fleet::{Fleet, sample};
use sluice_tests::gateway::{Gateway, KEY, key};
use sluice_tests::moment::{now, parse, pass};
use sluice_tests::upstream::{Request, Step, stream, whole};

const OTHER: &str = "[[keys]]\nname = \"other\"\nkey = \"other\"\n";

fn is_poisoned(request: &Request) -> bool {
    String::from_utf8_lossy(&request.body).contains("poison")
}

fn states(gateway: &Gateway) -> Vec<String> {
    let views = gateway.admin("GET", "/accounts", "").json();
    let views = views["data"].as_array().unwrap().iter();
    views.map(|view| view["state"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_body_that_no_upstream_can_take_takes_no_account_from_the_others() {
    for dialect in streaming() {
        let fleet = Fleet::start(|request| match is_poisoned(request) {
            true => whole(500, "", "{}"),
            false => sample(request),
        });
        let names = ["a", "b", "c"];
        let accounts: String = names.iter().map(|name| fleet.account(name, dialect.provider, "")).collect();
        let gateway = Gateway::start(&(accounts + &key("") + OTHER));
        let poisoned = dialect.request.replacen('{', "{\"x\":\"poison\",", 1);
        for _ in 0..5 {
            assert_eq!(gateway.post(dialect.paths[0], &poisoned).status, 500, "{}", dialect.api);
        }
        assert_eq!(fleet.asked_in_all(), 15, "{}: everybody was asked each time", dialect.api);
        assert_eq!(states(&gateway), ["ready"; 3], "{}", dialect.api);
        let headers = [("x-api-key", "other")];
        let answer = send(&gateway.address, "POST", dialect.paths[0], &headers, dialect.request.as_bytes());
        assert_eq!(answer.status, 200, "{}", dialect.api);
    }
}

#[test]
fn an_error_in_a_routers_stream_is_noted_of_the_model_and_never_of_the_account() {
    // As a router tells of a provider behind it, first or in the midst; then it ends as if all were well.
    let odd = "event: error\ndata: {\"type\":\"error\",\"message\":{\"type\":\"api_error\",\"message\":\"no\"}}\n\n";
    let end = "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
    let dialect = dialect("anthropic");
    for before in ["", dialect.first_event()] {
        let sent = format!("{before}{odd}{end}");
        let fleet =
            Fleet::start(move |request| match String::from_utf8_lossy(&request.body).contains("m-1") {
                true => stream("text/event-stream", &sent, 11),
                false => sample(request),
            });
        let gateway = Gateway::start(&(fleet.account("a", "ccr", "") + &key("")));
        let (path, body) = dialect.stream_request;
        for _ in 0..3 {
            let _ = gateway.post(path, body);
            assert_eq!(gateway.record()["outcome"], "upstream_error", "{before:?}");
        }
        let view = gateway.admin("GET", "/accounts/a", "").json();
        assert_eq!(view["state"], "ready", "{before:?}: {view}");
        let noted = (&view["models"][0]["model"], &view["models"][0]["state"]);
        assert_eq!(noted, (&"m-1".into(), &"failing".into()), "{before:?}: {view}");
        assert_eq!(gateway.post(path, &body.replace("m-1", "m-2")).text(), dialect.stream, "{before:?}");
    }
}

#[test]
fn one_client_whose_requests_all_fail_takes_no_account_out_while_others_are_answered() {
    let fleet = Fleet::start(|request| match is_poisoned(request) {
        true => whole(500, "", "{}"),
        false => sample(request),
    });
    let gateway = Gateway::start(&(fleet.account("a", "claude-console", "") + &key("") + OTHER));
    let dialect = dialect("anthropic");
    let as_other = |body: &str| {
        send(&gateway.address, "POST", dialect.paths[0], &[("x-api-key", "other")], body.as_bytes()).status
    };
    assert_eq!(as_other(dialect.request), 200);
    for number in 0..9 {
        let poisoned = dialect.request.replacen('{', &format!("{{\"x\":\"poison {number}\","), 1);
        assert_eq!(gateway.post(dialect.paths[0], &poisoned).status, 500);
    }
    assert_eq!((states(&gateway), as_other(dialect.request)), (vec!["ready".to_owned()], 200));
    // When the others see it fail too, it is the account.
    fleet.tell("a", |_| whole(500, "", "{}"));
    for _ in 0..2 {
        let _ = gateway.post(dialect.paths[0], dialect.request);
    }
    assert_eq!(as_other(dialect.request), 500);
    assert_eq!(states(&gateway), ["failing"]);
}

#[test]
fn who_comes_after_one_client_whose_requests_all_failed_is_served_and_that_one_is_told_to_wait() {
    let dialect = dialect("anthropic");
    for names in [&["a"][..], &["a", "b"]] {
        let fleet = Fleet::start(|request| match is_poisoned(request) {
            true => whole(500, "", "{}"),
            false => sample(request),
        });
        let accounts: String = names.iter().map(|name| fleet.account(name, "claude-console", "")).collect();
        let gateway = Gateway::start(&(accounts + &key("") + OTHER));
        let refused = (0..20).find_map(|number| {
            let poisoned = dialect.request.replacen('{', &format!("{{\"x\":\"poison {number}\","), 1);
            let answer = gateway.post(dialect.paths[0], &poisoned);
            (answer.status == 503).then_some(answer)
        });
        let refused = refused.expect("the one client is refused in the end");
        assert!(refused.header("retry-after").is_some(), "{}", refused.text());
        assert!(states(&gateway).iter().filter(|state| *state == "failing").count() == names.len());
        let headers = [("x-api-key", "other")];
        let answer = send(&gateway.address, "POST", dialect.paths[0], &headers, dialect.request.as_bytes());
        assert_eq!(answer.status, 200, "{names:?}: {}", answer.text());
        // That it is answered shows that the account is well.
        assert!(states(&gateway).iter().any(|state| state == "ready"), "{:?}", states(&gateway));
    }
}

#[test]
fn an_account_that_no_other_could_stand_in_for_is_out_for_a_second_and_one_of_several_for_longer() {
    let dialect = dialect("anthropic");
    for (names, seconds) in [(&["a"][..], 1), (&["a", "b"], 10)] {
        let fleet = Fleet::start(sample);
        let accounts: String = names
            .iter()
            .enumerate()
            .map(|(at, name)| fleet.account(name, "claude-console", &format!("priority = {at}")))
            .collect();
        let gateway = Gateway::start(&(accounts + &key("")));
        fleet.tell("a", |_| whole(500, "", "{}"));
        for state in ["ready", "ready", "failing"] {
            let status = gateway.post(dialect.paths[0], dialect.request).status;
            assert_eq!(status, if names.len() > 1 { 200 } else { 500 });
            assert_eq!(states(&gateway)[0], state);
        }
        let view = gateway.admin("GET", "/accounts/a", "").json();
        let [since, until] = ["since", "until"].map(|time| parse(view[time].as_str().unwrap()));
        assert_eq!((until - since).as_secs(), seconds, "{view}");
    }
}

#[test]
fn a_probe_that_hangs_keeps_nobody_waiting_for_longer_than_is_told() {
    let dialect = dialect("anthropic");
    let fleet = Fleet::start(sample);
    let gateway = Gateway::start(&(fleet.account("a", "claude-console", "") + &key("")));
    let asked = || gateway.post(dialect.paths[0], dialect.request);
    fleet.tell("a", |_| whole(500, "", "{}"));
    for _ in 0..3 {
        assert_eq!(asked().status, 500);
    }
    let view = gateway.admin("GET", "/accounts/a", "").json();
    fleet.tell("a", |_| vec![Step::Hang]);
    pass(parse(view["until"].as_str().unwrap()));
    let probe = post(&gateway.address, dialect.paths[0], &[("x-api-key", KEY)], dialect.request.as_bytes());
    gateway.until("the probe is on its way", |_| fleet.asked("a") == 4);
    fleet.heal("a");
    let answer = asked();
    assert_eq!(answer.status, 503, "{}", answer.text());
    pass(now() + Duration::from_secs(answer.header("retry-after").unwrap().parse().unwrap()));
    assert_eq!(asked().status, 200, "the probe still hangs");
    assert_eq!(gateway.in_flight(), 1);
    drop(probe);
}
