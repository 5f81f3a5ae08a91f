//! What goes on now: figures of the last seconds, what is in flight, and how many may be at once.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::mpsc::channel;

use serde_json::{Value, json};
use sluice_tests::client::{begin, send};
use sluice_tests::gateway::{Gateway, KEY, account, key};
use sluice_tests::upstream::{Step, Upstream, chunk, end, stream_head, whole};

fn live(gateway: &Gateway, query: &str) -> Value {
    let answer = gateway.admin("GET", &format!("/live{query}"), "");
    assert_eq!(answer.status, 200, "{query}: {}", answer.text());
    answer.json()
}

fn names(object: &Value) -> BTreeSet<&str> {
    object.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn figures_tell_what_ended_in_the_window_by_model_and_by_account() {
    let upstream = Upstream::start(|request| match String::from_utf8_lossy(&request.body).contains("m-2") {
        true => whole(400, "", "{}"),
        false => whole(200, "", r#"{"usage":{"input_tokens":9,"output_tokens":41}}"#),
    });
    let accounts = account("a", "claude-console", &upstream.address, "models = [\"m-1\", \"m-2\"]")
        + &account("b", "claude-console", &upstream.address, "models = [\"m-3*\"]");
    let gateway = Gateway::start(&(accounts + &key("")));
    for model in ["m-1", "m-1", "m-2", "m-3", "m-3-made-up", "made-up"] {
        let _ = gateway.post("/v1/messages", &format!("{{\"model\":\"{model}\"}}"));
    }
    let told = live(&gateway, "");
    assert_eq!(names(&told), BTreeSet::from(["window", "overall", "by_model", "by_account"]));
    assert_eq!(told["window"], 60);
    assert_eq!(names(&told["by_model"]), BTreeSet::from(["m-1", "m-2", "other"]));
    assert_eq!(names(&told["by_account"]), BTreeSet::from(["a", "b"]));
    for (of, requests, tokens, error_rate) in [
        (&told["overall"], 6.0, 200.0, 2.0 / 6.0),
        (&told["by_model"]["m-1"], 2.0, 100.0, 0.0),
        (&told["by_model"]["m-2"], 1.0, 0.0, 1.0),
        (&told["by_model"]["other"], 3.0, 100.0, 1.0 / 3.0),
        (&told["by_account"]["a"], 3.0, 100.0, 1.0 / 3.0),
        (&told["by_account"]["b"], 2.0, 100.0, 0.0),
    ] {
        let mut rest = of.clone();
        let [overhead, first_byte, duration] = ["overhead_ms", "ttfb_ms", "duration_ms"]
            .map(|name| rest.as_object_mut().unwrap().remove(name).unwrap());
        let expected = json!({
            "requests_per_second": requests / 60.0, "tokens_per_minute": tokens, "in_flight": 0, "error_rate": error_rate,
        });
        assert_eq!(rest, expected);
        // What was refused has no first byte.
        let refused = first_byte == json!({ "p50": null, "p90": null, "p99": null });
        assert_eq!(refused, error_rate == 1.0, "{of}");
        for span in [overhead, duration].into_iter().chain((!refused).then_some(first_byte)) {
            assert_eq!(names(&span), BTreeSet::from(["p50", "p90", "p99"]));
            let [half, most, nearly_all] = ["p50", "p90", "p99"].map(|part| span[part].as_f64().unwrap());
            assert!(0.0 < half && half <= most && most <= nearly_all, "{of}");
        }
    }
    // What the records say of the slowest is what the figures say, to 1 %.
    let records = gateway.admin("GET", "/requests", "").json();
    let records = records["data"].as_array().unwrap();
    for span in ["overhead_ms", "ttfb_ms", "duration_ms"] {
        let most = records.iter().filter_map(|record| record[span].as_f64()).fold(0.0, f64::max);
        let told = told["overall"][span]["p99"].as_f64().unwrap();
        assert!((told - most).abs() <= 0.01 * most + 0.001, "{span}: {told} for {most}");
    }
    assert_eq!(live(&gateway, "?window=600")["window"], 600);
}

#[test]
fn what_is_in_flight_is_told_while_it_is_over_a_reload_too() {
    let (go, gate) = channel();
    let gate = Mutex::new(Some(gate));
    let upstream = Upstream::start(move |_| {
        let wait = gate.lock().unwrap().take().unwrap();
        let begun = chunk(b"event: message_start\ndata: {\"message\":{}}\n\n");
        vec![stream_head("text/event-stream"), begun, Step::Wait(wait), end()]
    });
    let config = account("a", "claude-console", &upstream.address, "concurrency = 5\nmodels = [\"m\"]")
        + "[[groups]]\nname = \"g\"\nconcurrency = 7\n[[groups]]\nname = \"free\"\n"
        + &key("concurrency = 3\ngroup = \"g\"")
        + "[[keys]]\nname = \"free\"\nkey = \"free-key\"\n";
    let gateway = Gateway::start(&config);
    let slots = |held: u64| {
        let one =
            |name: &str, limit: u64| json!([{ "name": name, "held": held, "waiting": 0, "limit": limit }]);
        json!({ "keys": one("test", 3), "groups": one("g", 7), "accounts": one("a", 5) })
    };
    let at_once = |gateway: &Gateway| gateway.admin("GET", "/concurrency", "").json();
    assert_eq!(at_once(&gateway), slots(0));
    assert_eq!(live(&gateway, "")["by_account"], json!({}));
    let body = br#"{"model":"m","stream":true}"#;
    let running = begin(&gateway.address, "POST", "/v1/messages", &[("x-api-key", KEY)], body);
    gateway.until("it is in flight", |gateway| at_once(gateway) == slots(1));
    gateway.rewrite(&config.replace("[\"m\"]", "[\"m\", \"n\"]"));
    assert_eq!(gateway.admin("POST", "/reload", "").status, 200);
    let told = live(&gateway, "?window=1");
    for of in [&told["overall"], &told["by_model"]["m"], &told["by_account"]["a"]] {
        assert_eq!((&of["in_flight"], &of["requests_per_second"]), (&json!(1), &json!(0.0)), "{told}");
        assert_eq!(of["duration_ms"], json!({ "p50": null, "p90": null, "p99": null }));
    }
    go.send(()).unwrap();
    let _ = running.whole();
    gateway.until("nothing is in flight", |gateway| at_once(gateway) == slots(0));
    let told = live(&gateway, "");
    for of in [&told["overall"], &told["by_model"]["m"], &told["by_account"]["a"]] {
        assert_eq!((&of["in_flight"], &of["requests_per_second"]), (&json!(0), &json!(1.0 / 60.0)), "{told}");
    }
}

#[test]
fn a_window_that_is_none_is_refused_with_its_name_and_so_is_whoever_has_no_token() {
    let gateway = Gateway::start("");
    for (query, field) in [
        ("window=0", "window"),
        ("window=601", "window"),
        ("window=-60", "window"),
        ("window=1.5", "window"),
        ("window=60s", "window"),
        ("window=", "window"),
        ("window", "window"),
        ("window=99999999999999999999", "window"),
        ("window=60&window=60", "window"),
        ("windows=60", "windows"),
    ] {
        let answer = gateway.admin("GET", &format!("/live?{query}"), "");
        assert_eq!((answer.status, &answer.json()["error"]["field"]), (400, &field.into()), "{query}");
    }
    for path in ["/admin/v1/live", "/admin/v1/concurrency"] {
        assert_eq!(send(&gateway.address, "GET", path, &[("x-api-key", KEY)], b"").status, 401, "{path}");
    }
}
