//! A record in detail: its attempts, the usage as it was written, and the lines of a price that nothing later changes.

use std::sync::Arc;

use serde_json::{Value, json};
use sluice_tests::gateway::{Gateway, account, key};
use sluice_tests::place::Folder;
use sluice_tests::upstream::{Request, Step, Upstream, whole};

const PRICES: &str = r#"
[models.m]
input = "3"
output = "15"
cache_read = "0.30"
cache_write_5m = "3.75"
cache_write_1h = "6"
per_web_search = "0.01"
geo.us = "1.1"
tiers = [{ above = 1000, input = "6", output = "30" }]
service_tiers.priority = { input = "12", output = "60" }
[models."azure/d"]
input = "1"
output = "2"
"#;

/// A folder with a price file, and the configuration that names it.
pub(super) fn ground(accounts: &str) -> (Arc<Folder>, std::path::PathBuf, String) {
    let folder = Arc::new(Folder::new());
    let file = folder.0.join("prices.toml");
    std::fs::write(&file, PRICES).unwrap();
    let config = format!("{accounts}{}[cost]\nfiles = [\"{}\"]\n", key(""), file.display());
    (folder, file, config)
}

/// An upstream that answers with what stands in the request under `answer`.
pub(super) fn mirror() -> Upstream {
    Upstream::start(|request: &Request| -> Vec<Step> {
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        whole(200, "", &body["answer"].to_string())
    })
}

/// Asks with this usage to come.
pub(super) fn asked(gateway: &Gateway, model: &str, usage: &Value) {
    let body = json!({ "model": model, "max_tokens": 1, "messages": [], "answer": { "content": [], "usage": usage } });
    assert_eq!(gateway.post("/v1/messages", &body.to_string()).status, 200);
}

pub(super) fn detail(gateway: &Gateway, record: &Value) -> Value {
    let answer = gateway.admin("GET", &format!("/requests/{}", record["id"].as_str().unwrap()), "");
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

/// A plain decimal in units of 10^-21.
fn exact(text: &Value) -> i128 {
    let text = text.as_str().unwrap();
    let (whole, rest) = text.split_once('.').unwrap_or((text, ""));
    format!("{whole}{rest:0<21}").parse().unwrap()
}

/// Checks that a detail is the record and its lines are its list price; what it has of class, quantity, rate and rule.
pub(super) fn lines(detail: &Value) -> Vec<Value> {
    let lines = detail["lines"].as_array().unwrap();
    let sum: i128 = lines.iter().map(|line| exact(&line["amount"])).sum();
    assert_eq!(sum, exact(&detail["list_cost"]), "{detail}");
    for line in lines {
        let quantity = i128::from(line["quantity"].as_u64().unwrap());
        assert_eq!(exact(&line["rate"]) * quantity, exact(&line["amount"]), "{line}");
    }
    lines.iter().map(|line| json!([line["class"], line["quantity"], line["rate"], line["rule"]])).collect()
}

#[test]
fn a_record_keeps_its_lines_and_its_price_over_a_kill_and_whatever_becomes_of_prices() {
    let upstream = mirror();
    let (folder, file, config) = ground(&account("a", "claude-console", &upstream.address, ""));
    let usage = json!({ "input_tokens": 100, "output_tokens": 10, "cache_read_input_tokens": 200,
        "cache_creation_input_tokens": 50, "cache_creation": { "ephemeral_5m_input_tokens": 20,
        "ephemeral_1h_input_tokens": 30 }, "server_tool_use": { "web_search_requests": 2 },
        "service_tier": "standard", "inference_geo": "us" });
    let mut before = Vec::new();
    for turn in 0..3 {
        let gateway = Gateway::start_in(Arc::clone(&folder), &config);
        let records = super::records(&gateway);
        assert_eq!(records.len(), turn);
        if let Some(newest) = records.first() {
            before.push(detail(&gateway, newest));
        }
        for (record, before) in records.iter().rev().zip(&before) {
            assert_eq!(&detail(&gateway, record), before, "a second look, over a kill and other prices");
        }
        asked(&gateway, "m-20260101", &usage);
        // Nobody has asked for its record: the journal alone has it, or the store has just taken it.
        gateway.signal("KILL");
        drop(gateway);
        // The list is another one by the next start.
        std::fs::write(&file, PRICES.replace("\"3\"", &format!("\"{}\"", turn + 4))).unwrap();
    }
    for (at, rate) in ["0.0000033", "0.0000044"].into_iter().enumerate() {
        let detail = &before[at];
        assert_eq!(
            lines(detail),
            [
                json!(["input", 100, rate, null]),
                json!(["output", 10, "0.0000165", null]),
                json!(["cache_read", 200, "0.00000033", null]),
                json!(["cache_write_5m", 20, "0.000004125", null]),
                json!(["cache_write_1h", 30, "0.0000066", null]),
                json!(["web_search", 2, "0.01", null]),
            ]
        );
        let price = &detail["price"];
        assert_eq!((&price["entry"], &price["rule"]), (&json!("m"), &json!("date")), "{price}");
        assert!(price["list"].as_str().unwrap().ends_with("prices.toml"), "{price}");
        assert!(price["hash"].as_str().unwrap().starts_with("sha256:"), "{price}");
        let served = json!({ "model": "m-20260101", "tier": "standard", "speed": null, "geo": "us", "multiplier": "1" });
        assert_eq!(detail["served"], served);
        let raw: Value = serde_json::from_str(detail["raw_usage"].as_str().unwrap()).unwrap();
        assert_eq!(raw, usage);
        let only = json!({ "account": "a", "status": 200, "fault": null, "error": null, "usage": detail["usage"],
            "cost": detail["cost"], "list_cost": detail["list_cost"] });
        assert_eq!(detail["tries"], json!([only]));
    }
    assert_ne!(before[0]["price"]["hash"], before[1]["price"]["hash"]);
}

#[test]
fn what_is_unusual_of_a_request_is_in_its_detail() {
    let upstream = mirror();
    let accounts = [
        account("a", "claude-console", &upstream.address, "cost_multiplier = \"0.333\""),
        account(
            "z",
            "azure-openai",
            &upstream.address,
            "api_version = \"v1\"\ndeployments = { d = \"ours\" }",
        ),
    ];
    let (folder, _, config) = ground(&accounts.concat());
    let gateway = Gateway::start_in(folder, &config);
    // Two prompts, of which one is long.
    let turn = |input: u64| json!({ "type": "message", "input_tokens": input, "output_tokens": 1 });
    asked(
        &gateway,
        "m",
        &json!({ "input_tokens": 1201, "output_tokens": 2, "iterations": [turn(200), turn(1001)] }),
    );
    let long = detail(&gateway, &gateway.record());
    assert_eq!(
        lines(&long),
        [
            json!(["input", 200, "0.000003", null]),
            json!(["output", 1, "0.000015", null]),
            json!(["input", 1001, "0.000006", null]),
            json!(["output", 1, "0.00003", null]),
        ]
    );
    assert_eq!((&long["served"]["multiplier"], &long["turns"][1]["input"]), (&json!("0.333"), &json!(1001)));
    // What has no price has no lines, and is not free.
    asked(&gateway, "nobodys", &json!({ "input_tokens": 7, "output_tokens": 2 }));
    let unpriced = detail(&gateway, &gateway.record());
    assert_eq!(
        (&unpriced["price"], &unpriced["lines"], &unpriced["cost"]),
        (&Value::Null, &json!([]), &Value::Null)
    );
    assert_eq!(unpriced["served"]["multiplier"], "0.333");
    // A deployment is priced as what it stands for, at the tier that was asked for where the answer tells none.
    let answer = json!({ "choices": [], "usage": { "prompt_tokens": 1000, "completion_tokens": 1000 } });
    let body = json!({ "model": "d", "messages": [], "service_tier": "auto", "answer": answer });
    assert_eq!(gateway.post("/v1/chat/completions", &body.to_string()).status, 200);
    let azure = detail(&gateway, &gateway.record());
    assert_eq!(azure["price"]["entry"], "azure/d");
    assert_eq!((&azure["served"]["model"], &azure["served"]["tier"]), (&json!("d"), &json!("auto")));
    assert_eq!(azure["upstream_model"], "ours");
    let [_, _] = lines(&azure)[..] else { panic!("{azure}") };
}

#[test]
fn each_attempt_is_a_line_of_a_detail() {
    let failing = Upstream::start(|_: &Request| whole(500, "", "{}"));
    let upstream = mirror();
    let accounts = [
        account("first", "claude-console", &failing.address, "priority = 1"),
        account("second", "claude-console", &upstream.address, "priority = 2"),
    ];
    let (folder, _, config) = ground(&accounts.concat());
    let gateway = Gateway::start_in(folder, &config);
    asked(&gateway, "m", &json!({ "input_tokens": 7, "output_tokens": 2 }));
    let detail = detail(&gateway, &gateway.record());
    let tries = detail["tries"].as_array().unwrap();
    let told: Vec<_> = tries.iter().map(|one| json!([one["account"], one["status"], one["fault"]])).collect();
    assert_eq!(told.last(), Some(&json!(["second", 200, null])), "{tries:?}");
    assert!(told.contains(&json!(["first", 500, "provider"])), "{tries:?}");
    assert_eq!(detail["attempts"], tries.len());
}

#[test]
fn a_stream_has_both_of_its_usages_as_they_were_written() {
    let events = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"model\":\"m\",\
         \"usage\":{\"input_tokens\":9,\"output_tokens\":1,\"cost\":0.00123}}}\n\nevent: message_delta\ndata: \
         {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":41}}\n\n\
         event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
    let upstream =
        Upstream::start(move |_: &Request| whole(200, "content-type: text/event-stream\r\n", events));
    let (folder, _, config) = ground(&account("a", "claude-console", &upstream.address, ""));
    let gateway = Gateway::start_in(folder, &config);
    let body = r#"{"model":"m","max_tokens":9,"stream":true,"messages":[]}"#;
    assert_eq!(gateway.post("/v1/messages", body).status, 200);
    let detail = detail(&gateway, &gateway.record());
    let written = "{\"input_tokens\":9,\"output_tokens\":1,\"cost\":0.00123}\n{\"output_tokens\":41}";
    assert_eq!(detail["raw_usage"], written);
    assert_eq!(
        lines(&detail),
        [json!(["input", 9, "0.000003", null]), json!(["output", 41, "0.000015", null])]
    );
}

#[test]
fn a_record_that_is_not_there_is_not_found_and_an_id_that_is_none_is_named() {
    let gateway =
        Gateway::start(&format!("[[accounts]]\nname = \"s\"\nprovider = \"simulated\"\n{}", key("")));
    for (id, status, code) in [
        ("7", 404, "not_found"),
        ("18446744073709551615", 404, "not_found"),
        ("req_0192d3a4b5c67d8e9f00112233445566", 400, "invalid_argument"),
        ("-1", 400, "invalid_argument"),
        ("99999999999999999999", 400, "invalid_argument"),
    ] {
        let answer = gateway.admin("GET", &format!("/requests/{id}"), "");
        assert_eq!((answer.status, &answer.json()["error"]["code"]), (status, &json!(code)), "{id}");
        assert!(status == 404 || answer.json()["error"]["field"] == "id", "{id}");
    }
}
