//! Refusals: the contract's table, in each dialect.

use std::sync::Arc;
use std::sync::mpsc::channel;

use serde_json::Value;
use sluice_tests::client::{Whole, send};
use sluice_tests::gateway::{Gateway, KEY, account, key};
use sluice_tests::upstream::{Step, Upstream, whole};

const CLAUDE: &str = "/v1/messages";
const CHAT: &str = "/v1/chat/completions";
const GEMINI: &str = "/v1beta/models/m:generateContent";
const BODY: &str = r#"{"model":"m","messages":[],"contents":[]}"#;

/// What a refusal says: status, Anthropic's type, OpenAI's type and code, Gemini's status.
struct Words(u16, &'static str, (&'static str, Option<&'static str>), &'static str);

fn check(answers: [Whole; 3], words: &Words) {
    let Words(status, anthropic, (kind, code), google) = words;
    let [claude, chat, gemini] = answers;
    for (answer, id) in
        [(&claude, "/request_id"), (&chat, "/error/request_id"), (&gemini, "/error/details/0/requestId")]
    {
        assert_eq!(answer.status, *status, "{}", answer.text());
        let body = answer.json();
        assert_eq!(body.pointer(id).and_then(Value::as_str), answer.header("x-request-id"), "{body}");
        assert!(!body["error"]["message"].as_str().unwrap().is_empty());
        if *status < 500 {
            assert!(answer.header("x-should-retry").is_some(), "{body}");
        }
    }
    assert_eq!(claude.json()["error"]["type"], *anthropic);
    assert_eq!(claude.header("request-id"), claude.header("x-request-id"));
    assert_eq!(
        (chat.json()["error"]["type"].as_str(), chat.json()["error"]["code"].as_str()),
        (Some(*kind), *code)
    );
    assert_eq!(gemini.json()["error"]["status"], *google);
    assert_eq!(gemini.json()["error"]["code"], *status);
}

fn ask(gateway: &Gateway, key: &str, body: &str) -> [Whole; 3] {
    [CLAUDE, CHAT, GEMINI]
        .map(|path| send(&gateway.address, "POST", path, &[("x-api-key", key)], body.as_bytes()))
}

fn all(address: &str, more: &str) -> String {
    ["claude-console", "openai", "gemini"].iter().map(|kind| account(kind, kind, address, more)).collect()
}

#[test]
fn what_the_gateway_refuses_is_said_in_each_dialect() {
    let upstream = Upstream::start(|_| whole(200, "", "{}"));
    let keys = key("models = [\"m\", \"unserved\"]")
        + "[[keys]]\nname = \"none\"\nkey = \"bound\"\nallow = [\"claude\"]\nmodels = [\"other\"]\n[[keys]]\nname = \"old\"\nkey = \"expired\"\nexpires = \"2020-01-01T00:00:00Z\"\n";
    let gateway = Gateway::start(
        &("server.max_body = \"1KiB\"\n".to_owned() + &all(&upstream.address, "models = [\"m\"]") + &keys),
    );
    let unauthenticated = Words(
        401,
        "authentication_error",
        ("invalid_request_error", Some("invalid_api_key")),
        "UNAUTHENTICATED",
    );
    check(ask(&gateway, "unknown", BODY), &unauthenticated);
    check(ask(&gateway, "expired", BODY), &unauthenticated);
    check(
        ask(&gateway, "bound", BODY),
        &Words(
            403,
            "permission_error",
            ("invalid_request_error", Some("permission_denied")),
            "PERMISSION_DENIED",
        ),
    );
    let invalid = Words(400, "invalid_request_error", ("invalid_request_error", None), "INVALID_ARGUMENT");
    check(ask(&gateway, KEY, "{"), &invalid);
    let large = format!("{{\"model\":\"m\",\"x\":\"{}\"}}", "x".repeat(2000));
    check(
        ask(&gateway, KEY, &large),
        &Words(
            413,
            "request_too_large",
            ("invalid_request_error", Some("request_too_large")),
            "INVALID_ARGUMENT",
        ),
    );
    let missing = ["/v1/messages", "/v1/chat/completions", "/v1beta/models/unserved:generateContent"]
        .map(|path| gateway.post(path, r#"{"model":"unserved"}"#));
    check(
        missing,
        &Words(404, "not_found_error", ("invalid_request_error", Some("model_not_found")), "NOT_FOUND"),
    );
    let no_route = ["/v1/messages/x", "/v1/chat/y", "/v1beta/z"].map(|path| gateway.post(path, BODY));
    check(
        no_route,
        &Words(404, "not_found_error", ("invalid_request_error", Some("unknown_url")), "NOT_FOUND"),
    );
    let wrong_method = [CLAUDE, CHAT, "/v1beta/models/m:generateContent"]
        .map(|path| send(&gateway.address, "PUT", path, &[("x-api-key", KEY)], b""));
    assert!(wrong_method[0].header("allow").unwrap().contains("POST"));
    check(
        wrong_method,
        &Words(
            405,
            "invalid_request_error",
            ("invalid_request_error", Some("method_not_allowed")),
            "INVALID_ARGUMENT",
        ),
    );
    assert!(upstream.seen().is_empty());
}

#[test]
fn a_disabled_account_is_a_503_with_a_wait() {
    let gateway = Gateway::start(&(all("127.0.0.1:1", "enabled = false") + &key("")));
    let answers = ask(&gateway, KEY, BODY);
    assert_eq!(
        (answers[0].header("retry-after"), answers[0].header("x-should-retry")),
        (Some("1"), Some("true"))
    );
    check(
        answers,
        &Words(503, "overloaded_error", ("server_error", Some("no_account_available")), "UNAVAILABLE"),
    );
}

#[test]
fn an_upstream_out_of_reach_is_a_502() {
    let gateway = Gateway::start(&(all("127.0.0.1:1", "") + &key("")));
    check(
        ask(&gateway, KEY, BODY),
        &Words(502, "api_error", ("server_error", Some("upstream_error")), "INTERNAL"),
    );
}

#[test]
fn the_accounts_own_faults_are_a_502_and_the_clients_pass_as_they_came() {
    for (status, body, relayed) in [
        (401, "{\"error\":\"acct-7\"}", false),
        (402, "{\"error\":\"acct-7\"}", false),
        (403, "{\"error\":\"acct-7\"}", false),
        (400, "{ \"error\":1.0}", true),
        (404, "{}", true),
        (413, "{}", true),
        (429, "{\"x\":1}", true),
        (529, "{}", true),
    ] {
        let upstream = Upstream::start(move |_| {
            whole(status, "retry-after: 7\r\nx-should-retry: maybe\r\nanthropic-organization-id: o\r\n", body)
        });
        let gateway = Gateway::start(&(account("a", "claude-console", &upstream.address, "") + &key("")));
        let answer = gateway.post(CLAUDE, BODY);
        if relayed {
            assert_eq!((answer.status, answer.text().as_str()), (status, body));
            assert_eq!(
                (
                    answer.header("retry-after"),
                    answer.header("x-should-retry"),
                    answer.header("anthropic-organization-id")
                ),
                (Some("7"), Some("maybe"), None)
            );
        } else {
            assert_eq!(
                (answer.status, answer.json()["error"]["type"].as_str()),
                (502, Some("api_error")),
                "{status}"
            );
            assert!(!answer.text().contains("acct-7"));
        }
        let record = gateway.record();
        assert_eq!(record["outcome"], "upstream_error", "{status}: {record}");
    }
}

#[test]
fn a_key_and_its_group_have_so_many_requests_at_once() {
    for fields in ["concurrency = 1", "group = \"g\""] {
        let (go, gate) = channel();
        let gate = std::sync::Mutex::new(Some(gate));
        let upstream = Upstream::start(move |_| match gate.lock().unwrap().take() {
            Some(wait) => [vec![Step::Wait(wait)], whole(200, "", "{}")].into_iter().flatten().collect(),
            None => whole(200, "", "{}"),
        });
        let config = "[[groups]]\nname = \"g\"\nconcurrency = 1\n".to_owned()
            + &all(&upstream.address, "")
            + &key(fields);
        let gateway = Arc::new(Gateway::start(&config));
        let first = std::thread::spawn({
            let gateway = Arc::clone(&gateway);
            move || gateway.post(CLAUDE, BODY).status
        });
        gateway.until("one in flight", |gateway| gateway.in_flight() == 1);
        let answers = ask(&gateway, KEY, BODY);
        assert_eq!(
            (answers[0].header("retry-after"), answers[0].header("x-should-retry")),
            (Some("1"), Some("true"))
        );
        assert!(answers[1].text().contains("try again in 1s"));
        check(
            answers,
            &Words(
                429,
                "rate_limit_error",
                ("rate_limit_error", Some("rate_limit_exceeded")),
                "RESOURCE_EXHAUSTED",
            ),
        );
        go.send(()).unwrap();
        assert_eq!(first.join().unwrap(), 200);
        gateway.until("the slot is free", |gateway| gateway.in_flight() == 0);
        assert_eq!(gateway.post(CLAUDE, BODY).status, 200);
    }
}

#[test]
fn a_path_that_nearly_fits_gets_the_right_one_named_and_a_websocket_a_426() {
    let gateway = Gateway::start(&key(""));
    for (path, right) in [
        ("/v1/v1/messages", "`/v1/messages`"),
        ("//v1/messages", "`/v1/messages`"),
        ("/v1/chat/completion", "`/v1/chat/completions`"),
    ] {
        let answer = gateway.post(path, BODY);
        assert_eq!(answer.status, 404);
        assert!(answer.text().contains(right), "{}", answer.text());
    }
    let upgrade = [("connection", "upgrade"), ("upgrade", "websocket"), ("x-api-key", KEY)];
    assert_eq!(send(&gateway.address, "GET", "/v1/responses", &upgrade, b"").status, 426);
    for path in ["/", "/api/hello"] {
        assert_eq!(send(&gateway.address, "GET", path, &[], b"").status, 200, "{path}");
    }
}
