//! `explain` says which limit decides, and with which figures.

use serde_json::{Value, json};
use sluice_tests::gateway::{Gateway, account, key};
use sluice_tests::moment::noon;
use sluice_tests::upstream::{Upstream, whole};

const ANSWER: &str = r#"{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":20,"output_tokens":10}}"#;

/// What is told of each limit, as decision and reason.
fn limits(told: &Value) -> Vec<(String, String)> {
    let steps = told["steps"].as_array().unwrap().iter().filter(|step| step["step"] == "limit");
    let text = |step: &Value, field: &str| step[field].as_str().unwrap().to_owned();
    steps.map(|step| (text(step, "decision"), text(step, "reason"))).collect()
}

#[test]
fn each_limit_that_the_model_counts_in_is_a_step_with_its_figures_and_one_that_is_used_up_refuses() {
    let upstream = Upstream::start(|_| whole(200, "content-type: application/json\r\n", ANSWER));
    let config = noon()
        + "[[groups]]\nname = \"g\"\nlimits = [{ per = \"total\", requests = 2 }]\n"
        + &account(
            "a",
            "claude-console",
            &upstream.address,
            "limits = [{ per = \"day\", requests = 1, models = [\"m\"] }]",
        )
        + &account("b", "claude-console", &upstream.address, "priority = 99")
        + &key(
            "group = \"g\"\nconcurrency = 3\nlimits = [{ per = \"5h\", tokens = 100 }, { per = \"day\", requests = 1, models = [\"other\"] }]",
        );
    let gateway = Gateway::start(&config);
    let explain = || {
        let question = json!({ "key": "test", "api": "anthropic", "model": "m" }).to_string();
        let told = gateway.admin("POST", "/explain", &question);
        assert_eq!(told.status, 200, "{}", told.text());
        told.json()
    };
    let ask = || gateway.post("/v1/messages", r#"{"model":"m","max_tokens":9,"messages":[]}"#).status;
    let told = explain();
    assert_eq!((&told["allowed"], &told["account"]), (&true.into(), &"a".into()), "{told:#}");
    let has_room = |reason: &str| ("has room".to_owned(), reason.to_owned());
    assert_eq!(
        limits(&told),
        [
            has_room("the key: 0 of 3 requests at once"),
            has_room("the key: 0 of 100 tokens per 5h used, 0 reserved"),
            has_room("its group: 0 of 2 requests per total used, 0 reserved"),
        ]
    );

    assert_eq!(ask(), 200);
    let told = explain();
    assert_eq!((&told["allowed"], &told["account"]), (&true.into(), &"b".into()), "{told:#}");
    let passed = told["accounts"][0]["reason"].as_str().unwrap();
    assert!(passed.starts_with("its own limit has no room: 1 of 1 requests per day used"), "{passed}");
    assert!(limits(&told)[1].1.contains("30 of 100 tokens"), "{told:#}");

    assert_eq!(ask(), 200);
    let told = explain();
    assert_eq!((&told["allowed"], &told["account"]), (&false.into(), &Value::Null), "{told:#}");
    let refused = limits(&told).pop().unwrap();
    assert_eq!(
        refused,
        ("refused: 402".to_owned(), "its group: 2 of 2 requests per total used, 0 reserved".to_owned())
    );
    assert_eq!(ask(), 402);
}

#[test]
fn the_price_of_a_usual_request_is_what_the_account_would_charge() {
    let upstream = Upstream::start(|_| whole(200, "", "{}"));
    let config = account("a", "claude-console", &upstream.address, "cost_multiplier = \"0.5\"") + &key("");
    let gateway = Gateway::start(&config);
    let price = |api: &str, model: &str| {
        let question = json!({ "key": "test", "api": api, "model": model }).to_string();
        gateway.admin("POST", "/explain", &question).json()["expected_price"].clone()
    };
    // 3 and 15 dollars a million, of a thousand each, at half the list's price.
    assert_eq!(price("anthropic", "claude-sonnet-4-5"), "0.009");
    assert_eq!(price("anthropic", "nobody-knows-it"), Value::Null);
}
