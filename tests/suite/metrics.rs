//! What /metrics tells of what was used and cost, by Prometheus's official parser.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use sluice_tests::client::send;
use sluice_tests::gateway::{Folder, Gateway, KEY, account, key, workspace};
use sluice_tests::upstream::{Upstream, whole};

fn metrics(gateway: &Gateway) -> String {
    send(&gateway.address, "GET", "/metrics", &[], b"").text()
}

/// What the official parser reads.
fn parsed(text: &str) -> Value {
    let Some(python) = std::env::var_os("SLUICE_TEST_PYTHON") else {
        panic!("SLUICE_TEST_PYTHON is not set: .ci/run makes the environment with the parser");
    };
    let folder = Folder::new();
    let path = folder.0.join("metrics");
    std::fs::write(&path, text).unwrap();
    let output = Command::new(python)
        .arg(workspace().join("tests/clients/prometheus_text.py"))
        .arg(path)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}\n{text}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Amounts of money that a metric tells by its one label, in ten-billionths of a dollar.
fn spent(text: &str, metric: &str, label: &str) -> BTreeMap<String, i128> {
    let start = format!("{metric}{{{label}=\"");
    let lines = text.lines().filter_map(|line| line.strip_prefix(&start)?.rsplit_once("\"} "));
    lines.map(|(name, cost)| (name.replace('\\', ""), units(cost))).collect()
}

fn units(amount: &str) -> i128 {
    let (whole, rest) = amount.split_once('.').unwrap_or((amount, ""));
    format!("{whole}{rest:0<10}").parse().unwrap()
}

/// The same amounts, as the records say them, by one of their columns.
fn recorded(gateway: &Gateway, column: &str) -> BTreeMap<String, i128> {
    let mut sums = BTreeMap::new();
    let records = gateway.admin("GET", "/requests", "").json();
    for record in records["data"].as_array().unwrap() {
        if let (Some(name), Some(cost)) = (record[column].as_str(), record["cost"].as_str()) {
            *sums.entry(name.to_owned()).or_default() += units(cost);
        }
    }
    sums
}

/// Two keys, one of a group, have asked for two models with a price and for one without.
fn asked(telemetry: &str) -> (Upstream, Gateway) {
    let upstream = Upstream::start(|_| {
        let usage = r#"{"input_tokens":7,"output_tokens":3,"cache_read_input_tokens":11,"cache_creation_input_tokens":5}"#;
        whole(200, "", &format!("{{\"usage\":{usage}}}"))
    });
    let models = r#"models = ["claude-sonnet-4-5", "claude-opus-4-5", "made-*"]"#;
    let config = telemetry.to_owned()
        + &account("a", "claude-console", &upstream.address, models)
        + "[[groups]]\nname = \"team\"\n"
        + &key("group = \"team\"")
        + "[[keys]]\nname = \"a \\\"quoted\\\" key\"\nkey = \"other-key\"\n";
    let gateway = Gateway::start(&config);
    for (secret, model) in [
        (KEY, "claude-sonnet-4-5"),
        (KEY, "claude-sonnet-4-5"),
        (KEY, "claude-opus-4-5"),
        ("other-key", "claude-opus-4-5"),
        ("other-key", "made-up"),
    ] {
        let body = format!("{{\"model\":\"{model}\",\"max_tokens\":1,\"messages\":[]}}");
        let answer =
            send(&gateway.address, "POST", "/v1/messages", &[("x-api-key", secret)], body.as_bytes());
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    (upstream, gateway)
}

#[test]
fn the_official_parser_reads_every_metric_and_cost_is_exact_by_model() {
    let (_upstream, gateway) = asked("");
    let text = metrics(&gateway);
    let parsed = parsed(&text);
    let types = parsed["types"].as_object().unwrap();
    for (name, of) in [
        ("sluice_requests", "counter"),
        ("sluice_request_duration_seconds", "histogram"),
        ("sluice_time_to_first_byte_seconds", "histogram"),
        ("sluice_overhead_seconds", "histogram"),
        ("sluice_tokens", "counter"),
        ("sluice_cost_dollars", "counter"),
        ("sluice_unpriced_requests", "counter"),
        ("sluice_unknown_usage_fields", "counter"),
        ("sluice_inconsistent_usage", "counter"),
        ("sluice_in_flight", "gauge"),
        ("sluice_refusals", "counter"),
        ("sluice_account_state", "gauge"),
        ("sluice_store_seconds", "histogram"),
    ] {
        assert_eq!(types.get(name), Some(&json!(of)), "{name} in {types:?}");
    }
    let sums = recorded(&gateway, "model");
    assert_eq!(sums.len(), 2, "{sums:?}");
    assert_eq!(spent(&text, "sluice_cost_dollars_total", "model"), sums);
    let samples = parsed["samples"].as_array().unwrap();
    for sample in [
        json!(["sluice_unpriced_requests_total", { "model": "other" }, 1.0]),
        json!(["sluice_tokens_total", { "model": "claude-sonnet-4-5", "class": "cache_read" }, 22.0]),
        json!(["sluice_tokens_total", { "model": "claude-opus-4-5", "class": "cache_write" }, 10.0]),
        json!(["sluice_tokens_total", { "model": "other", "class": "input" }, 7.0]),
    ] {
        assert!(samples.contains(&sample), "{sample} in\n{text}");
    }
    assert!(
        !text.contains("sluice_key_") && !text.contains("sluice_group_"),
        "nobody asked for them:\n{text}"
    );
}

#[test]
fn cost_and_tokens_are_told_by_key_and_by_group_where_that_is_wanted() {
    let (_upstream, gateway) = asked("telemetry.usage_by = [\"key\", \"group\"]\n");
    let text = metrics(&gateway);
    for (metric, label, names) in
        [("sluice_key_cost_dollars_total", "key", 2), ("sluice_group_cost_dollars_total", "group", 1)]
    {
        let told = spent(&text, metric, label);
        assert_eq!(told.len(), names, "{text}");
        assert_eq!(told, recorded(&gateway, label), "{text}");
    }
    let samples = parsed(&text)["samples"].take();
    for sample in [
        json!(["sluice_key_tokens_total", { "key": "test", "class": "output" }, 9.0]),
        json!(["sluice_key_tokens_total", { "key": "a \"quoted\" key", "class": "output" }, 6.0]),
        json!(["sluice_group_tokens_total", { "group": "team", "class": "output" }, 9.0]),
    ] {
        assert!(samples.as_array().unwrap().contains(&sample), "{sample} in\n{text}");
    }
    let half = Gateway::start("telemetry.usage_by = [\"group\"]\n");
    let text = metrics(&half);
    assert!(text.contains("# TYPE sluice_group_cost_dollars_total counter") && !text.contains("sluice_key_"));
}
