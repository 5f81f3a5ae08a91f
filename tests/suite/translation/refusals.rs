//! Refusals of accounts that speak another dialect: with their wait, and without the names of whose account it is.

use serde_json::{Value, json};
use sluice_tests::gateway::{Gateway, key};
use sluice_tests::upstream::{Upstream, whole};

use super::asked;

/// A gateway whose every model is an upstream's, which speaks this dialect.
fn of(upstream: &Upstream, provider: &str) -> Gateway {
    let account = upstream.account("c", provider, "pools = [\"p\"]\n");
    let route = "[[routes]]\nmodel = \"*\"\npools = [\"p\"]\n[scheduler]\nfailures = 99\n";
    Gateway::start(&format!("{}{account}{route}", key("")))
}

#[test]
fn a_translated_rate_limit_tells_its_wait_in_its_body_as_the_gateways_own_does() {
    let limited = r#"{"error":{"type":"rate_limit_error","code":"rate_limit_exceeded","message":"Slow down. Please try again in 90s."}}"#;
    let upstream = Upstream::start(move |_| whole(429, "retry-after: 7\r\n", limited));
    for (api, path, body, _) in asked("m") {
        if api == "openai-chat" {
            continue;
        }
        // One each, as the account rests then.
        let gateway = of(&upstream, "openai-compatible");
        let answer = gateway.post(&path, &body);
        let told: Value = answer.json();
        assert_eq!(answer.status, 429, "{api}: {told}");
        let wait: u64 = answer.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=7).contains(&wait), "{wait}");
        let message = told["error"]["message"].as_str().unwrap();
        assert!(message.starts_with("Slow down.") && !message.contains("90s"), "{api}: {message}");
        match api {
            "anthropic" => assert_eq!(message, "Slow down."),
            "gemini" => {
                let info = told["error"]["details"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .find(|detail| detail["@type"] == "type.googleapis.com/google.rpc.RetryInfo");
                assert_eq!(info.unwrap()["retryDelay"], format!("{wait}s"), "{told}");
            }
            _ => assert_eq!(message, format!("Slow down. Please try again in {wait}s.")),
        }
    }
}

#[test]
fn whose_account_it_is_stands_in_no_translated_refusal() {
    let refused = r#"{"error":{"type":"invalid_request_error","message":"The deployment 'acme-prod' of organization org-7aB takes no `tools`."}}"#;
    let upstream = Upstream::start(move |_| whole(400, "", refused));
    let gateway = of(&upstream, "openai-compatible");
    for (api, path, body, _) in asked("m") {
        let answer = gateway.post(&path, &body);
        let told: Value = answer.json();
        let message = told["error"]["message"].as_str().unwrap();
        assert_eq!(answer.status, 400, "{api}");
        let own = api == "openai-chat";
        assert_eq!(message.contains("acme-prod") && message.contains("org-7aB"), own, "{api}: {message}");
        assert!(message.contains("takes no `tools`."), "{api}: {message}");
    }
}

#[test]
fn what_is_at_openai_is_refused_by_its_name_and_nothing_is_told_to_be_stored() {
    let upstream = Upstream::start(sluice_tests::conversation::answer);
    let gateway = of(&upstream, "claude-console");
    let ask = |more: &str| {
        gateway.post("/v1/responses", &format!("{{\"model\":\"m\",\"store\":true,\"input\":{more}}}"))
    };
    for (more, field) in [
        ("\"Go.\",\"previous_response_id\":\"resp_1\"", "previous_response_id"),
        ("\"Go.\",\"conversation\":\"conv_1\"", "conversation"),
        ("\"Go.\",\"conversation\":{\"id\":\"conv_2\"}", "conversation"),
        (
            "[{\"role\":\"user\",\"content\":\"Go.\"},{\"type\":\"item_reference\",\"id\":\"msg_1\"}]",
            "input[1]",
        ),
        ("[{\"id\":\"msg_2\"},{\"role\":\"user\",\"content\":\"Go.\"}]", "input[0]"),
    ] {
        let answer = ask(more);
        let told = answer.json();
        let param = told["error"]["param"].as_str().unwrap_or_default();
        assert_eq!((answer.status, param.starts_with(field)), (400, true), "{more}: {told}");
    }
    assert!(upstream.seen().is_empty());
    let answer = ask("\"Go.\"");
    let told = answer.json();
    assert_eq!((answer.status, &told["store"]), (200, &json!(false)), "{told}");
    // What continues it finds no account that would have it.
    let id = told["id"].as_str().unwrap();
    let answer = ask(&format!("\"Go on.\",\"previous_response_id\":\"{id}\""));
    assert_eq!((answer.status, &answer.json()["error"]["param"]), (400, &json!("previous_response_id")));
}
