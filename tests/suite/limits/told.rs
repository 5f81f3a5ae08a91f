//! What a client is told of its limits while they last.

use std::time::Duration;

use serde_json::json;
use sluice_tests::gateway::{account, key};
use sluice_tests::moment::{now, rfc3339};
use sluice_tests::upstream::{Step, Upstream, chunk, end, stream_head, whole};

use super::{ask, me, message, start};

#[test]
fn answers_tell_the_keys_own_limits_under_the_dialects_names_and_none_of_the_accounts() {
    let upstream = Upstream::start(|_| {
        let theirs = "content-type: application/json\r\nanthropic-ratelimit-requests-remaining: 999\r\n\
                      x-ratelimit-remaining-tokens: 999\r\n";
        whole(200, theirs, &message(20, 10))
    });
    let accounts =
        ["claude-console", "openai"].map(|kind| account(kind, kind, &upstream.address, "")).concat();
    let limits = "limits = [{ per = \"60s\", requests = 9 }, { per = \"day\", requests = 5 }, { per = \"1h\", tokens = 100000 }]";
    let before = now();
    let gateway = start(&(accounts + &key(limits)));
    let answer = ask(&gateway, "m");
    let told = |name: &str| answer.header(&format!("anthropic-ratelimit-{name}"));
    assert_eq!(
        [told("requests-limit"), told("requests-remaining")],
        [Some("5"), Some("4")],
        "the one with least left"
    );
    assert_eq!(told("tokens-limit"), Some("100000"));
    let midnight = told("requests-reset").unwrap();
    // It is about noon there.
    let after = |noon: Duration| rfc3339(Duration::from_secs((noon.as_secs() / 3_600 + 12) * 3_600));
    assert!([before, now()].map(after).iter().any(|right| right == midnight), "{midnight}");

    let chat = r#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#;
    let answer = gateway.post("/v1/chat/completions", chat);
    let told = |name: &str| answer.header(&format!("x-ratelimit-{name}"));
    assert_eq!([told("limit-requests"), told("remaining-requests")], [Some("5"), Some("3")]);
    assert!(told("reset-requests").is_some_and(|wait| wait.ends_with('s')), "{:?}", told("reset-requests"));
    let left: u64 = told("remaining-tokens").unwrap().parse().unwrap();
    assert!((1_000..100_000).contains(&left), "{left}: 999 is what the account has left");
}

#[test]
fn the_holder_is_told_of_each_limit_what_is_used_and_what_is_left() {
    let upstream = Upstream::start(|_| whole(200, "content-type: application/json\r\n", &message(20, 10)));
    let config = account("a", "claude-console", &upstream.address, "")
        + &key(
            "concurrency = 3\nlimits = [{ per = \"day\", tokens = 100 }, { per = \"total\", requests = 9, models = [\"m\"] }]",
        );
    let gateway = start(&config);
    assert_eq!(ask(&gateway, "m").status, 200);
    let me = me(&gateway);
    let limit = |at: usize, fields: &[&str]| -> Vec<serde_json::Value> {
        fields.iter().map(|field| me["limits"][at][*field].clone()).collect()
    };
    assert_eq!(
        limit(0, &["per", "tokens", "used", "left"]),
        [json!("day"), json!(100), json!(30), json!(70)]
    );
    assert_eq!(
        limit(1, &["per", "requests", "used", "left", "resets_at", "models"]),
        [json!("total"), json!(9), json!(1), json!(8), json!(null), json!(["m"])]
    );
    assert_eq!(me["concurrency"], json!({ "limit": 3, "held": 0, "waiting": 0 }));
}

#[test]
fn counting_tokens_has_a_limit_of_its_own_and_counts_in_no_other() {
    let upstream =
        Upstream::start(|_| whole(200, "content-type: application/json\r\n", r#"{"input_tokens":7}"#));
    let config = account("a", "claude-console", &upstream.address, "concurrency = 1")
        + &key("concurrency = 1\nlimits = [{ per = \"day\", requests = 1 }]");
    let gateway = start(&config);
    let body = r#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#;
    let count = || gateway.post("/v1/messages/count_tokens", body).status;
    let statuses: Vec<u16> = (0..601).map(|_| count()).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 600);
    assert_eq!(statuses.last(), Some(&429));
    assert_eq!(me(&gateway)["limits"][0]["used"], 0);
}

#[test]
fn what_a_stream_has_used_counts_while_it_runs() {
    let (go, gate) = std::sync::mpsc::channel();
    let gate = std::sync::Mutex::new(Some(gate));
    let upstream = Upstream::start(move |_| {
        let event = |data: serde_json::Value| {
            chunk(format!("event: {}\ndata: {data}\n\n", data["type"].as_str().unwrap()).as_bytes())
        };
        let usage = json!({ "input_tokens": 70, "output_tokens": 1 });
        let start = json!({ "type": "message_start", "message": { "id": "msg_1", "type": "message", "role": "assistant",
            "model": "m", "content": [], "stop_reason": null, "stop_sequence": null, "usage": usage } });
        let mut steps = vec![stream_head("text/event-stream"), event(start)];
        // Longer than windows are told nothing of a request that runs.
        steps.push(Step::Pause(Duration::from_millis(3_200)));
        steps.push(event(json!({ "type": "ping" })));
        steps.extend(gate.lock().unwrap().take().map(Step::Wait));
        steps.extend([event(json!({ "type": "message_stop" })), end()]);
        steps
    });
    let config = account("a", "claude-console", &upstream.address, "")
        + &key("limits = [{ per = \"1h\", tokens = 1000 }]");
    let gateway = std::sync::Arc::new(start(&config));
    let streaming = std::thread::spawn({
        let gateway = std::sync::Arc::clone(&gateway);
        move || {
            gateway.post("/v1/messages", r#"{"model":"m","max_tokens":9,"stream":true,"messages":[]}"#).status
        }
    });
    gateway.until("it is told of", |gateway| me(gateway)["limits"][0]["used"].as_u64().unwrap() >= 70);
    assert_eq!(gateway.in_flight(), 1, "it still runs");
    go.send(()).unwrap();
    assert_eq!(streaming.join().unwrap(), 200);
    gateway.until("it is settled", |gateway| gateway.in_flight() == 0);
    assert_eq!(me(&gateway)["limits"][0]["used"], 71);
}
