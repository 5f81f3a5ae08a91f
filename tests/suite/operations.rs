//! Life of the process: probes, metrics, logs, drain, TLS, and no secret anywhere.

use std::process::Command;
use std::sync::Arc;
use std::sync::mpsc::channel;

use sluice_tests::client::{begin, send};
use sluice_tests::curl::curl;
use sluice_tests::gateway::{Folder, Gateway, KEY, SECRET, TOKEN, account, binary, key};
use sluice_tests::tls::Certificate;
use sluice_tests::upstream::{Step, Upstream, chunk, end, stream_head, whole};

#[test]
fn probes_and_metrics_answer_without_a_token() {
    let upstream = Upstream::start(|_| whole(200, "", r#"{"usage":{"input_tokens":9,"output_tokens":41}}"#));
    let gateway =
        Gateway::start(&(account("a", "claude-console", &upstream.address, "models = [\"m\"]") + &key("")));
    for model in ["m", "made-up-1", "made-up-2"] {
        let _ = gateway.post("/v1/messages", &format!("{{\"model\":\"{model}\"}}"));
    }
    let get = |path: &str| send(&gateway.address, "GET", path, &[], b"");
    assert_eq!(get("/healthz").status, 200);
    assert_eq!((get("/readyz").status, get("/readyz").json()["accounts"]["ready"].as_u64()), (200, Some(1)));
    let metrics = get("/metrics").text();
    for line in [
        "sluice_requests_total{api=\"anthropic\",model=\"m\",account=\"a\",status=\"200\"} 1",
        "sluice_requests_total{api=\"anthropic\",model=\"other\",account=\"\",status=\"404\"} 2",
        "sluice_tokens_total{model=\"m\",class=\"output\"} 41",
        "sluice_in_flight{account=\"a\"} 0",
        "sluice_account_state{account=\"a\",state=\"ready\"} 1",
        "sluice_refusals_total{reason=\"model_not_found\"} 2",
        "sluice_request_duration_seconds_count 3",
        "sluice_overhead_seconds_count 3",
        "sluice_time_to_first_byte_seconds_count 1",
        "sluice_store_seconds_count{operation=\"list\"}",
        "sluice_build_info{version=\"",
        "sluice_log_lines_dropped_total 0",
    ] {
        assert!(metrics.contains(line), "{line} in\n{metrics}");
    }
    assert_told(&metrics);
    let none = Gateway::start("");
    assert_eq!(send(&none.address, "GET", "/readyz", &[], b"").status, 503);
}

/// Every sample belongs to a metric whose help and type stand before it, once.
fn assert_told(metrics: &str) {
    let mut told: Vec<(&str, &str)> = Vec::new();
    let mut help = None;
    for line in metrics.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, text) = rest.split_once(' ').unwrap();
            assert!(text.ends_with('.') && told.iter().all(|(known, _)| *known != name), "{line}");
            help = Some(name);
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert_eq!(help.take(), Some(name), "{line}");
            assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
            told.push((name, kind));
        } else {
            let (name, kind) = told.last().unwrap();
            let rest = line.strip_prefix(name).unwrap_or_else(|| panic!("{line} after {name}"));
            let suffixes: &[&str] = if *kind == "histogram" { &["_bucket", "_sum", "_count"] } else { &[""] };
            assert!(
                suffixes.iter().any(|suffix| {
                    rest.strip_prefix(suffix).is_some_and(|rest| rest.starts_with(['{', ' ']))
                }),
                "{line}"
            );
        }
    }
}

#[test]
fn metrics_can_be_guarded_and_operators_kept_apart() {
    let gateway = Gateway::start("server.metrics_token = \"planted-metrics-token\"\n");
    assert_eq!(send(&gateway.address, "GET", "/metrics", &[], b"").status, 401);
    assert_eq!(
        send(&gateway.address, "GET", "/metrics", &[("authorization", "Bearer planted-metrics-token")], b"")
            .status,
        200
    );
    let apart = Gateway::start("admin.listen = \"127.0.0.1:0\"\n");
    assert_eq!(apart.admin("GET", "/keys", "").status, 404);
    assert_eq!(send(&apart.address, "GET", "/metrics", &[], b"").status, 404);
    apart.until("the operators' address", |gateway| gateway.log().contains("operators on http://"));
    let log = apart.log();
    let address = log.split("operators on http://").nth(1).unwrap().lines().next().unwrap();
    assert_eq!(send(address, "GET", "/metrics", &[], b"").status, 200);
}

#[test]
fn a_drain_lets_running_streams_end_and_takes_nothing_new() {
    let (go, gate) = channel();
    let gate = std::sync::Mutex::new(Some(gate));
    let upstream = Upstream::start(move |_| {
        let wait = gate.lock().unwrap().take().unwrap();
        vec![
            stream_head("text/event-stream"),
            chunk(b"event: message_start\ndata: {\"message\":{\"usage\":{\"input_tokens\":9}}}\n\n"),
            Step::Wait(wait),
            chunk(b"event: message_stop\ndata: {}\n\n"),
            end(),
        ]
    });
    let gateway = Gateway::start(
        &("telemetry.format = \"json\"\n".to_owned()
            + &account("a", "claude-console", &upstream.address, "")
            + &key("")),
    );
    let body = br#"{"model":"m","stream":true}"#;
    let mut running = begin(
        &gateway.address,
        "POST",
        "/v1/messages",
        &[("x-api-key", KEY), ("x-request-id", "mine-1")],
        body,
    );
    assert!(running.piece().unwrap().is_some());
    gateway.signal("TERM");
    gateway.until("it drains", |gateway| gateway.log().contains("draining"));
    gateway
        .until("it takes no connection", |gateway| std::net::TcpStream::connect(&gateway.address).is_err());
    go.send(()).unwrap();
    let rest = running.whole();
    assert!(rest.complete && rest.text().contains("message_stop"));
    let (status, log) = gateway.wait();
    assert!(status.success());
    let line = log.lines().find(|line| line.contains("mine-1")).unwrap_or_else(|| panic!("{log}"));
    let line: serde_json::Value = serde_json::from_str(line).unwrap();
    assert_eq!(
        (line["input_tokens"].as_u64(), line["outcome"].as_str(), line["request_id"].as_str()),
        (Some(9), Some("completed"), Some("mine-1"))
    );
}

#[test]
fn tls_is_served_where_it_is_configured() {
    let folder = Folder::new();
    let gateway = Gateway::start(&Certificate::make(&folder.0).settings());
    assert!(gateway.log().contains("listening on https://"));
    for (option, version) in [("--http1.1", "1.1"), ("--http2", "2")] {
        let told = curl(&[option, &format!("https://{}/healthz", gateway.address)], None);
        assert_eq!((told.status, told.version.as_str(), told.body.as_str()), (200, version, "ok\n"));
    }
}

#[test]
fn no_secret_is_in_any_output() {
    let refusing = Upstream::start(|_| whole(401, "", "{\"error\":\"no\"}"));
    let config = "telemetry.log = \"trace\"\n".to_owned()
        + &account("a", "claude-console", &refusing.address, "")
        + &account(
            "g",
            "gemini",
            "127.0.0.1:1",
            "proxy = \"http://user:planted-proxy-password@127.0.0.1:1\"",
        )
        + &key("");
    let gateway = Gateway::start(&config);
    let mut outputs = vec![gateway.post("/v1/messages", r#"{"model":"m"}"#).text()];
    outputs.push(
        send(&gateway.address, "POST", &format!("/v1beta/models/m:generateContent?key={KEY}"), &[], b"{}")
            .text(),
    );
    outputs.push(send(&gateway.address, "POST", &format!("/nowhere?key={KEY}"), &[], b"{}").text());
    for path in ["/config", "/accounts", "/keys", "/requests", "/plugins"] {
        outputs.push(gateway.admin("GET", path, "").text());
    }
    outputs.push(send(&gateway.address, "GET", "/metrics", &[], b"").text());
    let check = Command::new(binary())
        .args(["check", "--json", "--config"])
        .arg(gateway.folder.0.join("sluice.toml"))
        .output()
        .unwrap();
    outputs.push(String::from_utf8_lossy(&check.stdout).into_owned());
    gateway.signal("TERM");
    outputs.push(gateway.wait().1);
    for output in outputs {
        for secret in [KEY, TOKEN, SECRET, "planted-proxy-password"] {
            assert!(!output.contains(secret), "{secret} in {output}");
        }
    }
}

#[test]
fn a_made_admin_token_is_printed_once_and_kept() {
    let folder = Arc::new(Folder::new());
    let text = format!("store.path = {:?}\nserver.listen = \"127.0.0.1:0\"\n", folder.0.join("data"));
    std::fs::write(folder.0.join("own.toml"), text).unwrap();
    let start = || {
        Gateway::run(
            Arc::clone(&folder),
            Command::new(binary()).arg("--config").arg(folder.0.join("own.toml")),
        )
    };
    let first = start();
    let log = first.log();
    let token = log.split("not shown again): ").nth(1).unwrap().lines().next().unwrap().to_owned();
    first.signal("INT");
    assert!(first.wait().0.success());
    let second = start();
    assert!(!second.log().contains(&token));
    let bearer = format!("Bearer {token}");
    assert_eq!(
        send(&second.address, "GET", "/admin/v1/keys", &[("authorization", &bearer)], b"").status,
        200
    );
}
