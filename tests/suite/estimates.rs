//! Tokens counted by the gateway where upstream has no call for it, and by upstream wherever it has.

use serde_json::{Value, json};
use sluice_tests::fleet::{Fleet, sample};
use sluice_tests::gateway::{Gateway, key};
use sluice_tests::upstream::whole;

/// Each API's call: provider and path, and what an answer of 100 tokens looks like.
fn calls() -> [(&'static str, &'static str, Value); 3] {
    [
        ("claude-console", "/v1/messages/count_tokens", json!({ "input_tokens": 100 })),
        (
            "openai-responses",
            "/v1/responses/input_tokens",
            json!({ "object": "response.input_tokens", "input_tokens": 100 }),
        ),
        ("gemini", "/v1beta/models/m-1:countTokens", json!({ "totalTokens": 100 })),
    ]
}

/// 400 bytes, and so about 100 tokens.
fn body() -> String {
    let empty = r#"{"model":"m-1","contents":[],"messages":[],"input":""}"#;
    empty.replace("\"\"", &format!("\"{}\"", "x".repeat(400 - empty.len())))
}

fn is_counts(line: &str) -> bool {
    ["count_tokens", "input_tokens", "countTokens"].iter().any(|call| line.contains(call))
}

#[test]
fn where_upstream_has_no_call_the_answer_is_an_estimate_that_says_so() {
    for (provider, path, shape) in calls() {
        for (status, told) in [
            (404, "404 page not found"),
            (404, "<html><h1>404 Not Found</h1></html>"),
            (404, "{\"detail\":\"Not Found\"}"),
            (
                404,
                r#"{"message":"Route POST:/v1/models/m-1:countTokens not found","error":"Not Found","statusCode":404}"#,
            ),
            (
                404,
                r#"{"error":{"message":"Invalid URL (POST /v1/x)","type":"invalid_request_error","code":"unknown_url"}}"#,
            ),
            (
                404,
                r#"{"error":{"message":"Invalid URL (POST /v1/responses/input_tokens)","type":"invalid_request_error"}}"#,
            ),
            (404, r#"{"type":"error","error":{"type":"not_found_error","message":"Not found"}}"#),
            (404, r#"{"__type":"UnknownOperationException"}"#),
            (400, r#"{"message":"The provided model doesn't support counting tokens."}"#),
            (
                403,
                r#"{"message":"User: arn:aws:iam::1:user/u is not authorized to perform: bedrock:CountTokens on resource: r"}"#,
            ),
            (405, "{}"),
            (501, ""),
            (200, "<!DOCTYPE html><html>hello</html>"),
        ] {
            let fleet = Fleet::start(move |request| match is_counts(&request.line) {
                true => whole(status, "", told),
                false => sample(request),
            });
            let gateway = Gateway::start(&(fleet.account("a", provider, "") + &key("")));
            // More often than failures take an account out.
            for _ in 0..4 {
                let answer = gateway.post(path, &body());
                let what = format!("{provider} {status} {told}: {}", answer.text());
                assert_eq!((answer.status, answer.json()), (200, shape.clone()), "{what}");
                assert_eq!(answer.header("x-sluice-estimate"), Some("true"), "{what}");
            }
            assert_eq!(
                gateway.admin("GET", "/accounts/a", "").json()["state"],
                "ready",
                "{provider} {status}"
            );
            let record = gateway.record();
            assert_eq!(
                (&record["status"], &record["outcome"]),
                (&json!(200), &json!("completed")),
                "{record}"
            );
        }
    }
}

#[test]
fn where_one_account_can_not_count_the_next_one_does() {
    for (provider, path, shape) in calls() {
        for (status, told) in [
            (
                404,
                r#"{"error":{"message":"Invalid URL","type":"invalid_request_error","code":"unknown_url"}}"#,
            ),
            (403, r#"{"message":"not authorized to perform: bedrock:CountTokens"}"#),
            (405, "{}"),
        ] {
            let fleet = Fleet::start(move |_| whole(status, "", told));
            let counted = shape.to_string().replace("100", "7");
            fleet.tell("e", move |_| whole(200, "", &counted));
            // More of them than `attempts`: who can't count has had no turn.
            let names = ["a", "b", "c", "d", "e"].iter().enumerate();
            let accounts: String =
                names.map(|(at, name)| fleet.account(name, provider, &format!("priority = {at}"))).collect();
            let gateway = Gateway::start(&(accounts + &key("")));
            let answer = gateway.post(path, &body());
            assert_eq!((answer.status, answer.header("x-sluice-estimate")), (200, None), "{}", answer.text());
            assert_eq!(answer.text(), shape.to_string().replace("100", "7"), "{provider} {status}");
            assert_eq!(gateway.record()["attempts"], 5);
            // One that could count and does not now is no reason for an estimate.
            fleet.tell("b", |_| whole(500, "", "{}"));
            fleet.tell("e", move |_| whole(status, "", told));
            let answer = gateway.post(path, &body());
            assert_eq!((answer.status, answer.header("x-sluice-estimate")), (500, None), "{}", answer.text());
        }
    }
}

#[test]
fn whatever_a_count_meets_says_nothing_of_the_accounts_health() {
    for (provider, path, _) in calls() {
        for status in [401, 402, 403, 429, 500, 503, 529] {
            let fleet = Fleet::start(move |_| whole(status, "retry-after: 60\r\n", "{}"));
            let gateway = Gateway::start(&(fleet.account("a", provider, "") + &key("")));
            for _ in 0..4 {
                let answer = gateway.post(path, &body());
                // The account's own fault is none of the client's.
                let told = if matches!(status, 401..=403) { 502 } else { status };
                assert_eq!((answer.status, answer.header("x-sluice-estimate")), (told, None), "{provider}");
            }
            let view = gateway.admin("GET", "/accounts/a", "").json();
            assert_eq!(
                (&view["state"], &view["models"]),
                (&json!("ready"), &json!([])),
                "{provider} {status}"
            );
        }
    }
}

#[test]
fn where_no_account_could_count_but_one_serves_the_model_it_is_an_estimate() {
    let fleet = Fleet::start(sample);
    let gateway = Gateway::start(&(fleet.account("z", "azure-openai", "models = [\"m-1\"]") + &key("")));
    let answer = gateway.post("/v1/responses/input_tokens", &body());
    assert_eq!((answer.status, answer.header("x-sluice-estimate")), (200, Some("true")), "{}", answer.text());
    let unserved = gateway.post("/v1/responses/input_tokens", r#"{"model":"m-2","input":"x"}"#);
    assert_eq!((unserved.status, unserved.header("x-sluice-estimate")), (404, None), "{}", unserved.text());
    assert_eq!(fleet.asked_in_all(), 0);
}

#[test]
fn what_upstream_says_of_a_count_passes_as_it_came() {
    let missing = r#"{"type":"error","error":{"type":"not_found_error","message":"model: m-1"}}"#;
    let fleet = Fleet::start(move |request| match is_counts(&request.line) {
        true => whole(404, "", missing),
        false => sample(request),
    });
    let gateway = Gateway::start(&(fleet.account("a", "claude-console", "") + &key("")));
    let answer = gateway.post("/v1/messages/count_tokens", &body());
    assert_eq!((answer.status, answer.text().as_str()), (404, missing));
    fleet.tell("a", |_| whole(200, "", "{\"input_tokens\":7}"));
    let answer = gateway.post("/v1/messages/count_tokens", &body());
    assert_eq!((answer.json(), answer.header("x-sluice-estimate")), (json!({ "input_tokens": 7 }), None));
    // Elsewhere a 404 without a form is upstream's own.
    fleet.tell("a", |_| whole(404, "", "404 page not found"));
    assert_eq!(gateway.post("/v1/messages", &body()).status, 404);
}
