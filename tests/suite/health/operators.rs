//! What operators do with accounts: a recovery, a try, a change that is kept; and what they see of each attempt.

use std::sync::Arc;

use serde_json::{Value, json};
use sluice_tests::fleet::{Fleet, sample};
use sluice_tests::gateway::{Gateway, SECRET, account, key};
use sluice_tests::upstream::{Step, Upstream, whole};

const ASKED: &str = r#"{"model":"m-1","max_tokens":9,"messages":[]}"#;

/// A fleet with two accounts, the first of which is asked first; and their configuration.
fn pair() -> (Fleet, String) {
    let fleet = Fleet::start(sample);
    let accounts =
        fleet.account("a", "claude-console", "priority = 1") + &fleet.account("b", "claude-console", "");
    (fleet, "server.reveal_route = true\n".to_owned() + &accounts + &key(""))
}

/// Asks as a client; gives the account that served.
fn served(gateway: &Gateway) -> String {
    let answer = gateway.post("/v1/messages", ASKED);
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.header("x-sluice-account").unwrap().to_owned()
}

fn view(gateway: &Gateway, name: &str) -> Value {
    gateway.admin("GET", &format!("/accounts/{name}"), "").json()
}

#[test]
fn a_recovery_ends_every_state_at_once() {
    for (status, state) in
        [(401, "unauthorized"), (402, "quota_exceeded"), (429, "ready"), (503, "overloaded")]
    {
        let (fleet, config) = pair();
        let gateway = Gateway::start(&config);
        fleet.tell("a", move |_| whole(status, "", "{}"));
        assert_eq!((served(&gateway), view(&gateway, "a")["state"].as_str()), ("b".to_owned(), Some(state)));
        fleet.heal("a");
        assert_eq!(served(&gateway), "b");
        let told = gateway.admin("POST", "/accounts/a/recover", "");
        assert_eq!(
            (told.status, &told.json()["state"], &told.json()["models"]),
            (200, &"ready".into(), &json!([]))
        );
        assert_eq!(served(&gateway), "a", "{status}");
    }
    let (_fleet, config) = pair();
    let gateway = Gateway::start(&config);
    for (method, path, body) in [
        ("GET", "", ""),
        ("PATCH", "", "{}"),
        ("POST", "/recover", ""),
        ("POST", "/test", "{\"model\":\"m\"}"),
    ] {
        let told = gateway.admin(method, &format!("/accounts/nobody{path}"), body);
        assert_eq!(
            (told.status, told.json()["error"]["code"].as_str()),
            (404, Some("not_found")),
            "{method} {path}"
        );
        assert!(told.json()["error"]["message"].as_str().unwrap().contains("nobody"));
    }
}

#[test]
fn a_test_sends_one_tiny_request_and_says_what_came_of_it() {
    for (provider, path) in [
        ("claude-console", "/v1/messages"),
        ("openai", "/v1/chat/completions"),
        ("openai-responses", "/v1/responses"),
        ("azure-openai", "/openai/v1/chat/completions"),
        ("gemini", "/v1beta/models/m-1:generateContent"),
    ] {
        let fleet = Fleet::start(sample);
        let config = fleet.account("a", provider, "models = [\"m-1\"]") + &key("");
        let gateway = Gateway::start(&config);
        let test = || gateway.admin("POST", "/accounts/a/test", "").json();
        let told = test();
        assert_eq!((&told["ok"], &told["status"]), (&json!(true), &json!(200)), "{provider}: {told}");
        assert!(told["latency_ms"].is_u64() && told["error"].is_null(), "{provider}: {told}");
        let seen = fleet.last();
        assert_eq!((seen.line, fleet.asked("a")), (format!("POST /a{path}"), 1));
        assert!(seen.body.len() < 300 && format!("{:?}", seen.headers).contains(SECRET), "{provider}");
        assert!(gateway.record().is_null(), "{provider}: no client's request");

        fleet.tell("a", |_| whole(401, "", r#"{"error":{"message":"bad key"}}"#));
        let told = test();
        assert_eq!((&told["ok"], &told["status"]), (&json!(false), &json!(401)), "{provider}: {told}");
        assert!(told["error"].as_str().is_some_and(|error| error.contains("401")), "{provider}: {told}");
        for silent in
            [|| vec![Step::Close], || whole(200, "content-type: text/html\r\n", "<html>hello</html>")]
        {
            fleet.tell("a", move |_| silent());
            let told = test();
            assert_eq!((&told["ok"], &told["status"]), (&json!(false), &Value::Null), "{provider}: {told}");
            assert!(told["error"].is_string() && !told.to_string().contains(SECRET), "{provider}: {told}");
        }
        // Whatever state it is in.
        fleet.heal("a");
        assert_eq!(gateway.admin("PATCH", "/accounts/a", "{\"enabled\":false}").status, 200);
        assert_eq!(test()["ok"], true, "{provider}");
        for (body, field) in
            [("{\"modle\":\"m\"}", "modle"), ("{\"model\":7}", "model"), ("{\"model\":\"n\"}", "model")]
        {
            let told = gateway.admin("POST", "/accounts/a/test", body);
            assert_eq!(
                (told.status, &told.json()["error"]["field"]),
                (400, &field.into()),
                "{body}: {}",
                told.text()
            );
        }
    }
}

#[test]
fn a_change_is_in_force_at_once_and_stands_until_the_files_own_value_changes() {
    let (_fleet, config) = pair();
    let gateway = Gateway::start(&config);
    let patch = |gateway: &Gateway, name: &str, body: &Value| {
        let told = gateway.admin("PATCH", &format!("/accounts/{name}"), &body.to_string());
        assert_eq!(told.status, 200, "{}", told.text());
        told.json()
    };
    assert_eq!(served(&gateway), "a");
    assert_eq!(patch(&gateway, "a", &json!({ "enabled": false }))["state"], "disabled");
    assert_eq!(served(&gateway), "b");
    // An operator's switch is no state of health: nothing but the operator undoes it.
    assert_eq!(gateway.admin("POST", "/accounts/a/recover", "").json()["state"], "disabled");
    assert_eq!(served(&gateway), "b");
    patch(&gateway, "a", &json!({ "enabled": true }));
    assert_eq!(served(&gateway), "a");
    patch(&gateway, "b", &json!({ "priority": 0, "weight": 7 }));
    let changed = patch(&gateway, "b", &json!({ "concurrency": 9, "weight": null }));
    let values =
        |view: &Value| ["enabled", "priority", "weight", "concurrency"].map(|name| view[name].clone());
    let all = [json!(true), json!(0), json!(7), json!(9)];
    assert_eq!(values(&changed), all, "what is left out, or null, stays");
    assert_eq!(served(&gateway), "b");

    // Killed, not asked to end.
    let folder = Arc::clone(&gateway.folder);
    drop(gateway);
    let gateway = Gateway::start_in(Arc::clone(&folder), &config);
    assert_eq!(values(&view(&gateway, "b")), all);
    assert_eq!(served(&gateway), "b");
    let written = config.replace("priority = 1", "priority = 1\nweight = 2\n");
    let (head, tail) = written.rsplit_once("[[keys]]").unwrap();
    gateway.rewrite(&format!("{head}priority = 60\n[[keys]]{tail}"));
    assert_eq!(gateway.admin("POST", "/reload", "").status, 200);
    assert_eq!(
        values(&view(&gateway, "b")),
        [json!(true), json!(60), json!(7), json!(9)],
        "that value alone"
    );
    assert_eq!(served(&gateway), "a");
    // A file that says again what it said before has not changed its mind twice.
    drop(gateway);
    let gateway = Gateway::start_in(folder, &format!("{head}priority = 60\nenabled = false\n[[keys]]{tail}"));
    assert_eq!(values(&view(&gateway, "b")), [json!(false), json!(60), json!(7), json!(9)]);
}

#[test]
fn a_change_that_makes_no_sense_is_refused_with_its_field_and_changes_nothing() {
    let (_fleet, config) = pair();
    let gateway = Gateway::start(&config);
    let before = view(&gateway, "a");
    for (body, field) in [
        (r#"{"wieght":2}"#, "wieght"),
        (r#"{"priority":7,"state":"ready"}"#, "state"),
        (r#"{"priority":"high"}"#, "priority"),
        (r#"{"priority":-1}"#, "priority"),
        (r#"{"enabled":"yes"}"#, "enabled"),
        (r#"{"enabled":1}"#, "enabled"),
        (r#"{"weight":1.5}"#, "weight"),
        (r#"{"weight":0}"#, "weight"),
        (r#"{"concurrency":[1]}"#, "concurrency"),
    ] {
        let told = gateway.admin("PATCH", "/accounts/a", body);
        assert_eq!(
            (told.status, &told.json()["error"]["field"]),
            (400, &field.into()),
            "{body}: {}",
            told.text()
        );
    }
    for body in ["", "no", "[]", "7", "{\"priority\":7"] {
        assert_eq!(gateway.admin("PATCH", "/accounts/a", body).status, 400, "{body}");
    }
    assert_eq!(view(&gateway, "a"), before);
}

#[test]
fn each_attempt_is_in_the_record_and_the_way_is_told_where_it_may_be() {
    let (fleet, config) = pair();
    fleet.tell("a", |_| whole(503, "", "{}"));
    for (config, reveals) in
        [(config.clone(), true), (config.replace("reveal_route = true", "reveal_route = false"), false)]
    {
        let gateway = Gateway::start(&config);
        let answer = gateway.post("/v1/messages", ASKED);
        let told =
            ["x-sluice-account", "x-sluice-provider", "x-sluice-attempts"].map(|name| answer.header(name));
        let way = [Some("b"), Some("claude-console"), Some("2")];
        assert_eq!(told, if reveals { way } else { [None; 3] });
        let record = gateway.record();
        assert_eq!(
            (&record["account"], &record["attempts"], &record["pool"]),
            (&"b".into(), &2.into(), &"claude".into())
        );
        let tries = record["tries"].as_array().unwrap();
        assert_eq!(tries.len(), 2, "{record}");
        let failed = (&tries[0]["account"], &tries[0]["status"], &tries[0]["fault"]);
        assert_eq!(failed, (&"a".into(), &503.into(), &"provider".into()));
        assert!(tries[0]["error"].as_str().unwrap().contains("503"), "{record}");
        let last = (&tries[1]["account"], &tries[1]["status"], &tries[1]["fault"], &tries[1]["error"]);
        assert_eq!(last, (&"b".into(), &200.into(), &Value::Null, &Value::Null));
    }
}

#[test]
fn a_change_is_over_for_good_once_the_file_has_changed_its_value() {
    let config = |enabled: bool| {
        account("a", "claude-console", "127.0.0.1:1", &format!("enabled = {enabled}")) + &key("")
    };
    let gateway = Gateway::start(&config(true));
    assert_eq!(gateway.admin("PATCH", "/accounts/a", "{\"enabled\":false}").json()["enabled"], false);
    for enabled in [false, true] {
        gateway.rewrite(&config(enabled));
        assert_eq!(gateway.admin("POST", "/reload", "").status, 200);
        assert_eq!(view(&gateway, "a")["enabled"], enabled);
    }
}

#[test]
fn an_overload_of_a_whole_provider_is_seen_on_each_account_and_can_be_ended() {
    let upstream = Upstream::start(|_| whole(529, "retry-after: 100\r\n", "{}"));
    let accounts = ["a", "b", "c"].map(|name| account(name, "claude-console", &upstream.address, ""));
    let gateway = Gateway::start(&("scheduler.attempts = 2\n".to_owned() + &accounts.concat() + &key("")));
    let until = || ["a", "b", "c"].map(|name| view(&gateway, name)["provider_overloaded_until"].is_string());
    assert_eq!(until(), [false; 3]);
    assert_eq!(gateway.post("/v1/messages", ASKED).status, 529);
    assert_eq!(until(), [true; 3]);
    assert_eq!(gateway.admin("POST", "/accounts/c/recover", "").status, 200);
    assert_eq!(until(), [false; 3]);
}

#[test]
fn new_credentials_are_tried_at_once() {
    let (fleet, config) = pair();
    let gateway = Gateway::start(&config);
    fleet.tell("a", |_| whole(401, "", "{\"error\":{\"message\":\"no such key\"}}"));
    assert_eq!(served(&gateway), "b");
    let reason = view(&gateway, "a")["reason"].as_str().unwrap().to_owned();
    assert!(reason.ends_with(": no such key"), "{reason}");
    fleet.heal("a");
    gateway.rewrite(&config.replace(SECRET, "another"));
    assert_eq!(gateway.admin("POST", "/reload", "").status, 200);
    assert_eq!(served(&gateway), "a");
}

#[test]
fn a_test_without_a_model_asks_for_the_one_that_was_served_last() {
    let (_fleet, config) = pair();
    let gateway = Gateway::start(&config);
    assert_eq!(gateway.admin("POST", "/accounts/a/test", "").status, 400);
    assert_eq!(served(&gateway), "a");
    let told = gateway.admin("POST", "/accounts/a/test", "").json();
    assert_eq!((&told["ok"], &told["model"]), (&json!(true), &json!("m-1")), "{told}");
}

#[test]
fn a_credential_that_an_upstream_repeats_is_masked_wherever_its_words_are_told() {
    for told in [format!(r#"{{"error":{{"message":"bad key {SECRET}."}}}}"#), format!("no {SECRET} here")] {
        let (fleet, config) = pair();
        let gateway = Gateway::start(&config);
        fleet.tell("a", move |_| whole(401, "", &told));
        assert_eq!(served(&gateway), "b");
        let reason = view(&gateway, "a")["reason"].as_str().unwrap().to_owned();
        assert!(reason.contains("***") && !reason.contains(SECRET), "{reason}");
        gateway.until("it is logged", |gateway| gateway.log().contains("an attempt failed"));
        assert!(!gateway.log().contains(SECRET), "{}", gateway.log());
    }
}
