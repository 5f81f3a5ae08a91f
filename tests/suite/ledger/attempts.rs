//! Each attempt is a line: what one used that failed, and what that cost, is in its line, in the record and in every sum.

use std::sync::Arc;

use serde_json::{Value, json};
use sluice_tests::client::send;
use sluice_tests::gateway::{Gateway, KEY, account, key};
use sluice_tests::upstream::{Request, Step, Upstream, chunk, stream_head, whole};

use super::details::{asked, detail, ground, lines, mirror};
use super::records;

const EVENTS: &str = "text/event-stream";

/// Two accounts, of which the first is tried first and takes twice the list's price.
fn accounts(first: &Upstream, second: &Upstream, provider: &str) -> String {
    let more = "priority = 1\ncost_multiplier = \"2\"\nlimits = [{ per = \"day\", cost = \"0.009\" }]";
    account("first", provider, &first.address, more)
        + &account("second", provider, &second.address, "priority = 2")
}

/// What a line says of an attempt: its account, status, input, output and cost.
fn told(attempt: &Value) -> Value {
    let usage = &attempt["usage"];
    json!([attempt["account"], attempt["status"], usage["input"], usage["output"], attempt["cost"]])
}

/// What is known of a request in every view: tokens and cost.
fn views(gateway: &Gateway) -> Value {
    let usage = gateway.admin("GET", "/usage", "").json();
    let own = send(&gateway.address, "GET", "/v1/usage", &[("x-api-key", KEY)], b"").json();
    let of = |row: &Value| json!([row["input_tokens"], row["output_tokens"], row["cost"]]);
    assert_eq!(of(&usage["data"][0]), of(&own["data"][0]), "{usage} {own}");
    let me = send(&gateway.address, "GET", "/v1/me", &[("x-api-key", KEY)], b"").json();
    assert_eq!(me["limits"][0]["used"], usage["data"][0]["cost"], "{me}");
    of(&usage["data"][0])
}

fn limited(config: &str) -> String {
    config.replace(&key(""), &key("limits = [{ per = \"day\", cost = \"9\" }]"))
}

#[test]
fn an_attempt_that_was_billed_and_failed_over_is_in_its_line_in_the_record_and_in_every_sum() {
    // It begins with its failure, and tells what that has used.
    let failed = json!({ "type": "response.failed", "sequence_number": 0, "response": { "id": "resp_0", "object": "response",
        "model": "m-20260101", "status": "failed", "error": { "code": "server_error", "message": "it broke" },
        "usage": { "input_tokens": 1000, "output_tokens": 100, "total_tokens": 1100 } } });
    let failing = Upstream::start(move |_: &Request| -> Vec<Step> {
        whole(
            200,
            "content-type: text/event-stream\r\n",
            &format!("event: response.failed\ndata: {failed}\n\n"),
        )
    });
    let done = json!({ "type": "response.completed", "sequence_number": 0, "response": { "id": "resp_1", "object": "response",
        "model": "m", "status": "completed", "output": [],
        "usage": { "input_tokens": 10, "output_tokens": 20, "total_tokens": 30 } } });
    let answering = Upstream::start(move |_: &Request| -> Vec<Step> {
        whole(
            200,
            "content-type: text/event-stream\r\n",
            &format!("event: response.completed\ndata: {done}\n\n"),
        )
    });
    let (folder, _, config) = ground(&accounts(&failing, &answering, "openai"));
    let gateway = Gateway::start_in(Arc::clone(&folder), &limited(&config));
    let body = r#"{"model":"m","stream":true,"input":"hi"}"#;
    assert_eq!(gateway.post("/v1/responses", body).status, 200);
    let record = gateway.record();
    let detail = detail(&gateway, &record);
    let tries = detail["tries"].as_array().unwrap();
    // 1000 at 3 and 100 at 15, twice: 0.009. Then 10 at 3 and 20 at 15.
    assert_eq!(told(&tries[0]), json!(["first", 500, 1000, 100, "0.009"]), "{detail}");
    assert_eq!(told(&tries[1]), json!(["second", 200, 10, 20, "0.00033"]), "{detail}");
    assert_eq!((&tries[0]["fault"], &tries[0]["list_cost"]), (&json!("provider"), &json!("0.0045")));
    assert_eq!(detail["tries"], record["tries"], "the list tells it as well");
    let whole = json!([detail["input_tokens"], detail["output_tokens"], detail["cost"], detail["list_cost"]]);
    assert_eq!(whole, json!([1010, 120, "0.00933", "0.00483"]));
    assert_eq!(lines(&detail).len(), 4, "{detail}");
    let of = |line: &Value| json!([line["attempt"], line["class"], line["quantity"]]);
    let by_attempt: Vec<Value> = detail["lines"].as_array().unwrap().iter().map(of).collect();
    let expected = [
        json!([1, "input", 1000]),
        json!([1, "output", 100]),
        json!([2, "input", 10]),
        json!([2, "output", 20]),
    ];
    assert_eq!(by_attempt, expected);
    assert_eq!(views(&gateway), json!([1010, 120, "0.00933"]));
    // Its own account's limit is full by it: the next request is another's at once.
    assert_eq!(gateway.post("/v1/responses", body).status, 200);
    let next = gateway.record();
    assert_eq!(json!([next["account"], next["attempts"], next["cost"]]), json!(["second", 1, "0.00033"]));
    // By another list each is priced as it was served.
    let dearer = "[models.m]\ninput = \"6\"\noutput = \"15\"\n";
    let asked = json!({ "prices": dearer }).to_string();
    let anew = gateway.admin("POST", "/reprice", &asked).json();
    assert_eq!(
        (&anew["total"]["cost"], &anew["total"]["new_cost"]),
        (&json!("0.00966"), &json!("0.01572")),
        "{anew}"
    );
    assert_eq!(views(&gateway), json!([1020, 140, "0.00966"]));
    gateway.signal("KILL");
    drop(gateway);
    let gateway = Gateway::start_in(folder, &limited(&config));
    assert_eq!(
        super::details::detail(&gateway, &records(&gateway)[1]),
        detail,
        "after a kill it is the same"
    );
    assert_eq!(views(&gateway), json!([1020, 140, "0.00966"]));
}

#[test]
fn what_a_refusal_says_that_it_used_was_billed_also_where_nobody_else_answers() {
    let said = json!({ "type": "error", "error": { "type": "api_error", "message": "it broke" },
        "usage": { "input_tokens": 100, "output_tokens": 10 } });
    let failing = Upstream::start(move |_: &Request| whole(500, "", &said.to_string()));
    let (folder, _, config) = ground(&account("a", "claude-console", &failing.address, ""));
    let gateway = Gateway::start_in(folder, &limited(&config));
    let body = r#"{"model":"m","max_tokens":1,"messages":[]}"#;
    assert_eq!(gateway.post("/v1/messages", body).status, 500);
    let detail = detail(&gateway, &gateway.record());
    assert_eq!(told(&detail["tries"][0]), json!(["a", 500, 100, 10, "0.00045"]), "{detail}");
    assert_eq!((&detail["cost"], &detail["outcome"]), (&json!("0.00045"), &json!("upstream_error")));
    assert_eq!(lines(&detail).len(), 2);
    assert_eq!(views(&gateway), json!([100, 10, "0.00045"]), "what was billed counts");
}

#[test]
fn an_answer_that_breaks_off_or_tells_an_error_says_in_its_line_what_it_used() {
    let start = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"model\":\"m\",\
                 \"usage\":{\"input_tokens\":9,\"output_tokens\":1}}}\n\nevent: message_delta\ndata: \
                 {\"type\":\"message_delta\",\"delta\":{},\"usage\":{\"output_tokens\":41}}\n\n";
    let error = "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"too much\"}}\n\n";
    for (rest, says) in [("", "broke off"), (error, "529")] {
        let upstream = Upstream::start(move |_: &Request| {
            let mut steps = vec![stream_head(EVENTS), chunk(start.as_bytes())];
            steps.push(if rest.is_empty() { Step::Close } else { chunk(rest.as_bytes()) });
            steps.push(Step::Close);
            steps
        });
        let (folder, _, config) = ground(&account("a", "claude-console", &upstream.address, ""));
        let gateway = Gateway::start_in(folder, &config);
        let body = r#"{"model":"m","max_tokens":9,"stream":true,"messages":[]}"#;
        assert_eq!(gateway.post("/v1/messages", body).status, 200);
        gateway.until("it is recorded", |gateway| records(gateway).len() == 1);
        let detail = detail(&gateway, &gateway.record());
        assert_eq!(told(&detail["tries"][0]), json!(["a", 200, 9, 41, "0.000642"]), "{detail}");
        assert_eq!((&detail["tries"][0]["fault"], &detail["cost"]), (&json!("provider"), &json!("0.000642")));
        assert!(detail["tries"][0]["error"].as_str().unwrap().contains(says), "{detail}");
    }
}

#[test]
fn what_was_billed_before_outlives_a_gateway_that_is_killed_in_the_next_attempt() {
    let said = json!({ "error": { "type": "api_error", "message": "it broke" },
        "usage": { "input_tokens": 1000, "output_tokens": 100 } });
    let failing = Upstream::start(move |_: &Request| whole(500, "", &said.to_string()));
    let silent = Upstream::start(|_: &Request| vec![Step::Hang]);
    let (folder, _, config) = ground(&accounts(&failing, &silent, "claude-console"));
    let gateway = Gateway::start_in(Arc::clone(&folder), &config);
    let body = r#"{"model":"m","max_tokens":1,"messages":[]}"#;
    let headers = [("x-api-key", KEY)];
    let waits = sluice_tests::client::post(&gateway.address, "/v1/messages", &headers, body.as_bytes());
    gateway.until("the second one is asked", |_| silent.seen().len() == 1);
    gateway.signal("KILL");
    drop((gateway, waits));
    let gateway = Gateway::start_in(folder, &config);
    let detail = detail(&gateway, &records(&gateway)[0]);
    assert_eq!(told(&detail["tries"][0]), json!(["first", 500, 1000, 100, "0.009"]), "{detail}");
    // Beside it the bound of what the second one may have used: its body's bytes.
    let bound = body.len().div_ceil(4);
    assert_eq!((&detail["input_tokens"], &detail["outcome"]), (&json!(1000 + bound), &json!("interrupted")));
    assert_eq!(lines(&detail).len(), 3, "{detail}");
}

#[test]
fn what_an_adviser_used_is_priced_as_the_model_that_it_is() {
    let upstream = mirror();
    let (folder, file, config) =
        ground(&account("a", "claude-console", &upstream.address, "cost_multiplier = \"2\""));
    let prices = std::fs::read_to_string(&file).unwrap() + "[models.wise]\ninput = \"10\"\noutput = \"50\"\n";
    std::fs::write(&file, prices).unwrap();
    let gateway = Gateway::start_in(folder, &limited(&config));
    let one = |kind: &str, model: &str, input: u64, output: u64| json!({ "type": kind, "model": model, "input_tokens": input, "output_tokens": output });
    let iterations = json!([one("message", "m", 100, 10), one("advisor_message", "wise", 1000, 7)]);
    asked(&gateway, "m", &json!({ "input_tokens": 100, "output_tokens": 10, "iterations": iterations }));
    let detail = detail(&gateway, &gateway.record());
    // 100 at 3 and 10 at 15; 1000 at 10 and 7 at 50; all of it twice.
    let whole = json!([detail["input_tokens"], detail["output_tokens"], detail["list_cost"], detail["cost"]]);
    assert_eq!(whole, json!([1100, 17, "0.0108", "0.0216"]), "{detail}");
    let other = &detail["others"][0];
    assert_eq!((&other["billed"]["model"], &other["cost"]), (&json!("wise"), &json!("0.0207")), "{detail}");
    let of = |line: &Value| json!([line["model"], line["class"], line["quantity"], line["rate"]]);
    let by_model: Vec<Value> = detail["lines"].as_array().unwrap().iter().map(of).collect();
    let expected = [
        json!([null, "input", 100, "0.000003"]),
        json!([null, "output", 10, "0.000015"]),
        json!(["wise", "input", 1000, "0.00001"]),
        json!(["wise", "output", 7, "0.00005"]),
    ];
    assert_eq!(by_model, expected);
    assert_eq!(lines(&detail).len(), 4);
    assert_eq!(views(&gateway), json!([1100, 17, "0.0216"]));
    // One whose price nobody knows makes the whole unknown, and not its own part free.
    let iterations = json!([one("message", "m", 100, 10), one("advisor_message", "nobodys", 1000, 7)]);
    asked(&gateway, "m", &json!({ "input_tokens": 100, "output_tokens": 10, "iterations": iterations }));
    let unknown = gateway.record();
    assert_eq!((&unknown["cost"], &unknown["input_tokens"]), (&Value::Null, &json!(1100)), "{unknown}");
}
