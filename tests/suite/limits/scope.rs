//! Whose limits they are: of models, keys, groups and accounts; and what is given back.

use std::io::Write;
use std::net::TcpStream;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};

use sluice_tests::client::send;
use sluice_tests::gateway::{KEY, account, key};
use sluice_tests::upstream::{Step, Upstream, stream, whole};

use super::{answering, ask, ask_as, at_once, body, count, message, start};

#[test]
fn a_limit_of_some_models_is_one_count_over_all_of_them_and_none_of_others() {
    let upstream = answering(1, 1);
    let config = account("a", "claude-console", &upstream.address, "")
        + &key("limits = [{ per = \"day\", requests = 3, models = [\"claude-*\"] }]");
    let gateway = start(&config);
    let models = ["claude-a", "claude-a", "claude-b", "claude-a", "claude-b", "gpt-x"];
    let statuses = models.map(|model| ask(&gateway, model).status);
    assert_eq!(statuses, [200, 200, 200, 429, 429, 200]);
}

#[test]
fn the_model_that_is_asked_for_counts_and_not_the_one_upstream_is_asked_for() {
    let upstream = answering(1, 1);
    let other = "[[keys]]\nname = \"other\"\nkey = \"other\"\nlimits = [{ per = \"day\", requests = 1, models = [\"glm-5\"] }]\n";
    let config = account("a", "claude-console", &upstream.address, "model_map = { review = \"glm-5\" }")
        + &key("limits = [{ per = \"day\", requests = 1, models = [\"review\"] }]")
        + other;
    let gateway = start(&config);
    assert_eq!([(); 2].map(|()| ask(&gateway, "review").status), [200, 429]);
    assert_eq!([(); 2].map(|()| ask_as(&gateway, "other", "review").status), [200, 200]);
}

#[test]
fn a_groups_limit_binds_all_its_keys_together() {
    let upstream = answering(1, 1);
    let member = |name: &str| format!("[[keys]]\nname = \"{name}\"\nkey = \"{name}\"\ngroup = \"team\"\n");
    let config = account("a", "claude-console", &upstream.address, "")
        + "[[groups]]\nname = \"team\"\nlimits = [{ per = \"day\", requests = 5 }]\n"
        + &member("one")
        + &member("two")
        + &key("");
    let gateway = Arc::new(start(&config));
    let statuses = [
        at_once(&gateway, 6, |gateway| ask_as(gateway, "one", "m").status),
        at_once(&gateway, 6, |gateway| ask_as(gateway, "two", "m").status),
    ]
    .concat();
    assert_eq!((count(&statuses, 200), count(&statuses, 429)), (5, 7));
    let refused = ask_as(&gateway, "two", "m").text();
    assert!(refused.contains("this key's group's limit of 5 requests a day"), "{refused}");
    assert_eq!(ask(&gateway, "m").status, 200, "a key of no group is not bound by it");
}

#[test]
fn an_account_whose_own_limit_is_used_up_is_passed_over_and_all_of_them_are_a_503_with_a_wait() {
    let [one, other] = [answering(1, 1), answering(1, 1)];
    let quota = "limits = [{ per = \"day\", requests = 2 }]\n";
    let config = account("one", "claude-console", &one.address, &format!("priority = 1\n{quota}"))
        + &account("other", "claude-console", &other.address, &format!("priority = 2\n{quota}"))
        + &key("");
    let gateway = Arc::new(start(&config));
    let statuses = at_once(&gateway, 9, |gateway| ask(gateway, "m").status);
    assert_eq!((count(&statuses, 200), count(&statuses, 503)), (4, 5));
    assert_eq!((one.seen().len(), other.seen().len()), (2, 2));
    let refused = ask(&gateway, "m");
    let wait: u64 = refused.header("x-sluice-retry-after").unwrap().parse().unwrap();
    assert_eq!(refused.json()["error"]["type"], "overloaded_error");
    assert!((1..=24 * 60 * 60).contains(&wait), "until midnight: {wait}");
}

#[test]
fn what_an_account_or_a_vendor_is_at_fault_for_is_given_back_and_what_the_client_is_not() {
    let upstream = Upstream::start(|request| {
        let model = String::from_utf8_lossy(&request.body).into_owned();
        let status = [500, 401, 400].into_iter().find(|status| model.contains(&format!("m-{status}")));
        match status {
            Some(status) => whole(
                status,
                "",
                r#"{"type":"error","error":{"type":"invalid_request_error","message":"no"}}"#,
            ),
            None => whole(200, "content-type: application/json\r\n", &message(1, 1)),
        }
    });
    let config = "scheduler.failures = 1000\n".to_owned()
        + &account("a", "claude-console", &upstream.address, "limits = [{ per = \"day\", requests = 3 }]")
        + &key("limits = [{ per = \"day\", requests = 3 }]");
    let gateway = start(&config);
    for _ in 0..5 {
        assert_eq!(ask(&gateway, "m-500").status, 500);
    }
    assert_eq!(ask(&gateway, "m").status, 200, "nothing was counted");
    assert_eq!(ask(&gateway, "m-400").status, 400, "its own fault counts");
    assert_eq!(ask(&gateway, "m").status, 200);
    assert_eq!(ask(&gateway, "m").status, 429);
}

#[test]
fn a_request_whose_client_leaves_gives_its_slot_back_at_once() {
    let upstream = Upstream::start(|_| {
        let pause = Step::Pause(std::time::Duration::from_secs(30));
        std::iter::once(pause).chain(whole(200, "", "{}")).collect()
    });
    let config = account("a", "claude-console", &upstream.address, "") + &key("concurrency = 1");
    let gateway = start(&config);
    for _ in 0..3 {
        let body = body("m", 9);
        let mut client = TcpStream::connect(&gateway.address).unwrap();
        let head = format!(
            "POST /v1/messages HTTP/1.1\r\nhost: localhost\r\nx-api-key: {KEY}\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        client.write_all((head + &body).as_bytes()).unwrap();
        gateway.until("it is in flight", |gateway| gateway.in_flight() == 1);
        assert_eq!(ask(&gateway, "m").status, 429);
        drop(client);
        gateway.until("it is gone", |gateway| gateway.in_flight() == 0);
    }
    assert_eq!(super::me(&gateway)["concurrency"]["held"], 0);
}

#[test]
fn a_session_leaves_an_account_whose_limit_is_used_up_for_one_other_and_stays_there() {
    let upstreams = [answering(1, 1), answering(1, 1), answering(1, 1)];
    let [one, two, three] = &upstreams;
    let config = account(
        "one",
        "claude-console",
        &one.address,
        "priority = 1\nlimits = [{ per = \"day\", requests = 1 }]",
    ) + &account("two", "claude-console", &two.address, "priority = 2")
        + &account("three", "claude-console", &three.address, "priority = 2")
        + &key("");
    let gateway = start(&config);
    let turn = || {
        let headers = [("x-api-key", KEY), ("x-session-id", "s")];
        send(&gateway.address, "POST", "/v1/messages", &headers, body("m", 9).as_bytes()).status
    };
    assert_eq!([(); 7].map(|()| turn()), [200; 7]);
    let mut seen = upstreams.each_ref().map(|upstream| upstream.seen().len());
    seen.sort_unstable();
    assert_eq!(seen, [0, 1, 6], "by turns, each of the others would have three");
}

/// Holds a request at the upstream until it is told to go on; all others are answered at once.
fn one_held(body: &'static str) -> (Sender<()>, Upstream) {
    let (go, gate) = channel();
    let gate = Mutex::new(Some(gate));
    let upstream = Upstream::start(move |_| {
        let waits = gate.lock().unwrap().take().map(Step::Wait);
        waits.into_iter().chain(whole(200, "content-type: application/json\r\n", body)).collect()
    });
    (go, upstream)
}

#[test]
fn what_no_account_may_ever_serve_is_told_by_its_bound_and_a_used_up_total_by_an_operators_time() {
    let upstream = answering(1, 1);
    let limits = "limits = [{ per = \"day\", tokens = 5000 }, { per = \"total\", requests = 1 }]";
    let config = account("a", "claude-console", &upstream.address, limits) + &key("mode = \"hard\"");
    let gateway = start(&config);
    let refused = gateway.post("/v1/messages", &body("m", 9_000));
    assert_eq!(refused.status, 400, "{}", refused.text());
    assert!(refused.text().contains("at most"), "{}", refused.text());
    assert_eq!(ask(&gateway, "m").status, 200);
    let refused = ask(&gateway, "m");
    assert_eq!((refused.status, refused.header("x-sluice-retry-after")), (503, Some("300")));
}

#[test]
fn tokens_are_counted_while_all_slots_are_in_use() {
    let (go, upstream) = one_held(r#"{"input_tokens":7}"#);
    let config =
        account("a", "claude-console", &upstream.address, "concurrency = 1") + &key("concurrency = 1");
    let gateway = Arc::new(start(&config));
    let first = std::thread::spawn({
        let gateway = Arc::clone(&gateway);
        move || ask(&gateway, "m").status
    });
    gateway.until("the first runs", |_| upstream.seen().len() == 1);
    assert_eq!(ask(&gateway, "m").status, 429);
    let counted = gateway.post("/v1/messages/count_tokens", r#"{"model":"m","messages":[]}"#);
    assert_eq!((counted.status, counted.json()["input_tokens"].as_u64()), (200, Some(7)));
    assert_eq!(counted.header("x-sluice-estimate"), None, "the account has counted them");
    go.send(()).unwrap();
    assert_eq!(first.join().unwrap(), 200);
}

#[test]
fn what_has_gone_upstream_counts_though_its_client_leaves() {
    let upstream = Upstream::start(|_| vec![Step::Hang]);
    let config =
        account("a", "openai", &upstream.address, "") + &key("limits = [{ per = \"day\", requests = 1 }]");
    let gateway = start(&config);
    let (path, body) = ("/v1/images/generations", r#"{"model":"m","prompt":"a cat"}"#);
    let mut client = TcpStream::connect(&gateway.address).unwrap();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\nx-api-key: {KEY}\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    client.write_all((head + body).as_bytes()).unwrap();
    upstream.wait_for_open(1);
    drop(client);
    gateway.until("it is settled", |gateway| {
        super::me(gateway)["limits"][0]["used"] == 1 && gateway.in_flight() == 0
    });
    assert_eq!(gateway.post(path, body).status, 429);
}

#[test]
fn requests_one_right_after_the_other_never_meet_their_own_slot() {
    one_right_after_the_other("");
}

/// Of requests one right after the other none meets the slot of the one before, with this store.
pub(crate) fn one_right_after_the_other(store: &str) {
    let upstream = Upstream::start(|request| {
        if String::from_utf8_lossy(&request.body).contains("\"stream\":true") {
            return stream(
                "text/event-stream",
                "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
                16,
            );
        }
        whole(200, "content-type: application/json\r\n", &message(1, 1))
    });
    let config = store.to_owned()
        + &account("a", "claude-console", &upstream.address, "concurrency = 1")
        + &key("concurrency = 1");
    let gateway = start(&config);
    let streamed = r#"{"model":"m","max_tokens":9,"stream":true,"messages":[]}"#;
    for number in 0..300 {
        let status =
            if number % 2 == 0 { ask(&gateway, "m") } else { gateway.post("/v1/messages", streamed) }.status;
        assert_eq!(status, 200, "request {number}");
    }
}
