//! What operators do leaves a line each, and credentials that are refused are counted, and logged as far as a log bears.

use std::time::Instant;

use serde_json::{Value, json};
use sluice_tests::client::send;
use sluice_tests::gateway::{Gateway, KEY, TOKEN, account, key};
use sluice_tests::upstream::{Upstream, whole};

/// The lines of a log in JSON that have this target or message.
fn lines(log: &str, field: &str, value: &str) -> Vec<Value> {
    let read = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    read.filter(|line| line[field] == value).collect()
}

/// A value of a line that is JSON itself.
fn inner(line: &Value, field: &str) -> Value {
    line[field].as_str().map_or(Value::Null, |text| serde_json::from_str(text).unwrap())
}

#[test]
fn each_action_of_an_operator_is_a_line_with_who_from_where_what_before_and_after() {
    let upstream = Upstream::start(|_| whole(200, "", "{}"));
    let config = "telemetry.format = \"json\"\ntelemetry.log = \"warn,audit=info\"\n".to_owned()
        + &account("a", "claude-console", &upstream.address, "models = [\"m\"]")
        + &key("");
    let gateway = Gateway::start(&config);
    let made = gateway.admin("POST", "/keys", r#"{"name":"ci","concurrency":3}"#).json();
    let (id, secret) = (made["id"].as_str().unwrap(), made["key"].as_str().unwrap());
    let rotated = gateway.admin("POST", &format!("/keys/{id}/rotate"), "").json();
    let rest = [
        ("PATCH", "/keys/ci", r#"{"concurrency":5}"#, 200),
        ("PATCH", "/keys/none", "{}", 404),
        ("DELETE", "/keys/ci", "", 204),
        ("PATCH", "/accounts/a", r#"{"weight":2}"#, 200),
        ("POST", "/accounts/a/recover", "", 200),
        ("POST", "/accounts/a/test", "", 200),
        ("POST", "/reload", "", 200),
        // Whoever only looks leaves no line.
        ("GET", "/keys", "", 200),
        ("POST", "/explain", r#"{"key":"test","api":"anthropic","model":"m"}"#, 200),
    ];
    for (method, path, body, status) in rest {
        assert_eq!(gateway.admin(method, path, body).status, status, "{method} {path}");
    }
    // Nor does one who is no operator.
    assert_eq!(send(&gateway.address, "DELETE", "/admin/v1/keys/test", &[], b"").status, 401);
    gateway.signal("TERM");
    let (_, log) = gateway.wait();
    for planted in [secret, rotated["key"].as_str().unwrap(), TOKEN] {
        assert!(!log.contains(planted), "{planted} in {log}");
    }
    let lines = lines(&log, "target", "audit");
    let path_of_id = format!("/admin/v1/keys/{id}/rotate");
    let expected = [("POST", "/admin/v1/keys".to_owned(), 201), ("POST", path_of_id, 200)];
    let rest =
        rest.iter().take(7).map(|(method, path, _, status)| (*method, format!("/admin/v1{path}"), *status));
    let expected: Vec<_> = expected.into_iter().chain(rest).collect();
    assert_eq!(lines.len(), expected.len(), "{lines:#?}");
    for (line, (method, path, status)) in lines.iter().zip(&expected) {
        assert_eq!(
            (&line["method"], &line["path"], &line["status"]),
            (&json!(method), &json!(path), &json!(status))
        );
        assert_eq!(
            (&line["by"], &line["client"]),
            (&json!("the admin token"), &json!("127.0.0.1")),
            "{line}"
        );
        assert!(line["request_id"].as_str().is_some_and(|id| id.starts_with("req_")), "{line}");
    }
    let concurrency = |at: usize| {
        let of = |field: &str| inner(&lines[at], field)["concurrency"].as_u64();
        (of("before"), of("after"))
    };
    assert_eq!([concurrency(0), concurrency(1)], [(None, Some(3)), (Some(3), Some(3))]);
    assert_eq!(
        [concurrency(2), concurrency(3), concurrency(4)],
        [(Some(3), Some(5)), (None, None), (Some(5), None)]
    );
    let weight = |field: &str| inner(&lines[5], field)["weight"].clone();
    assert_eq!((weight("before"), weight("after")), (json!(1), json!(2)));
    assert_eq!(
        (&inner(&lines[6], "after")["state"], &inner(&lines[7], "after")["ok"]),
        (&json!("ready"), &json!(true))
    );
}

#[test]
fn refused_credentials_are_counted_and_logged_at_a_bounded_rate_without_being_told() {
    const EACH: usize = 100;
    let started = Instant::now();
    let config = "telemetry.format = \"json\"\nserver.metrics_token = \"planted-metrics-token\"\n";
    let gateway = Gateway::start(&(config.to_owned() + &key("")));
    for _ in 0..EACH {
        for (method, path, header) in [
            ("POST", "/v1/messages", ("x-api-key", "planted-wrong-key")),
            ("GET", "/v1/models?key=planted-wrong-key", ("accept", "*/*")),
            ("GET", "/admin/v1/keys", ("authorization", "Bearer planted-wrong-token")),
            ("GET", "/metrics", ("authorization", "Bearer planted-wrong-token")),
        ] {
            assert_eq!(send(&gateway.address, method, path, &[header], b"{}").status, 401, "{path}");
        }
    }
    assert_eq!(send(&gateway.address, "GET", "/v1/models", &[("x-api-key", KEY)], b"").status, 200);
    let bearer = [("authorization", "Bearer planted-metrics-token")];
    let metrics = send(&gateway.address, "GET", "/metrics", &bearer, b"").text();
    for (realm, count) in [("client", 2 * EACH), ("admin", EACH), ("metrics", EACH)] {
        let line = format!("sluice_credentials_refused_total{{realm=\"{realm}\"}} {count}\n");
        assert!(metrics.contains(&line), "{line} in {metrics}");
    }
    gateway.signal("TERM");
    let (_, log) = gateway.wait();
    let most = started.elapsed().as_secs() as usize + 2;
    assert!(!log.contains("planted-wrong"), "{log}");
    let lines = lines(&log, "message", "credentials were refused");
    for (realm, asked) in [("client", "anthropic"), ("admin", "/admin/v1/keys"), ("metrics", "/metrics")] {
        let of: Vec<&Value> = lines.iter().filter(|line| line["realm"] == realm).collect();
        assert!((1..=most).contains(&of.len()), "{realm}: {} lines", of.len());
        assert_eq!((&of[0]["asked"], &of[0]["client"]), (&json!(asked), &json!("127.0.0.1")), "{}", of[0]);
        // Together they tell of all that there were up to the last of them.
        let told: u64 = of.iter().map(|line| 1 + line["untold"].as_u64().unwrap_or(0)).sum();
        assert!(told <= 2 * EACH as u64, "{told}");
    }
}
