//! Refusals: the contract's table, in each dialect, with when to try again.

use std::sync::Arc;
use std::sync::mpsc::channel;

use sluice_tests::client::{Whole, send};
use sluice_tests::gateway::{Gateway, KEY, account, key};
use sluice_tests::refusal::{
    BAD_REQUEST, FORBIDDEN, NO_ACCOUNT, NO_ANSWER, NO_METHOD, NO_MODEL, NO_ROUTE, NO_SLOT, Row, Style,
    TOO_LARGE, UNAUTHENTICATED,
};
use sluice_tests::upstream::{Step, Upstream, whole};

const CLAUDE: &str = "/v1/messages";
const CHAT: &str = "/v1/chat/completions";
const RESPONSES: &str = "/v1/responses";
const GEMINI: &str = "/v1beta/models/m:generateContent";
const BODY: &str = r#"{"model":"m","messages":[],"contents":[]}"#;

/// A path of each dialect.
const PATHS: [(&str, Style); 4] =
    [(CLAUDE, Style::Anthropic), (CHAT, Style::Openai), (RESPONSES, Style::Openai), (GEMINI, Style::Gemini)];

/// Asks on a path of each dialect, with a key, and checks what is refused.
fn check(row: &Row, gateway: &Gateway, key: &str, body: &str) {
    for (path, style) in PATHS {
        let answer = send(&gateway.address, "POST", path, &[("x-api-key", key)], body.as_bytes());
        row.check(style, &answer, path);
    }
}

fn all(address: &str, more: &str) -> String {
    ["claude-console", "openai", "gemini"].iter().map(|kind| account(kind, kind, address, more)).collect()
}

#[test]
fn what_the_gateway_refuses_is_said_in_each_dialect() {
    let upstream = Upstream::start(|_| whole(200, "", "{}"));
    let keys = key("models = [\"m\", \"unserved\"]")
        + "[[keys]]\nname = \"claude\"\nkey = \"claude\"\nallow = [\"claude\"]\n\
           [[keys]]\nname = \"gemini\"\nkey = \"gemini\"\nallow = [\"gemini\"]\n\
           [[keys]]\nname = \"model\"\nkey = \"model\"\nmodels = [\"other\"]\n\
           [[keys]]\nname = \"account\"\nkey = \"account\"\naccounts = [\"elsewhere\"]\n\
           [[keys]]\nname = \"old\"\nkey = \"expired\"\nexpires = \"2020-01-01T00:00:00Z\"\n";
    let config = "server.max_body = \"1KiB\"\n".to_owned()
        + &all(&upstream.address, "models = [\"m\"]")
        + &account("elsewhere", "openai", &upstream.address, "pools = [\"elsewhere\"]")
        + &keys;
    let gateway = Gateway::start(&config);
    check(&UNAUTHENTICATED, &gateway, "unknown", BODY);
    check(&UNAUTHENTICATED, &gateway, "expired", BODY);
    for key in ["model", "account"] {
        check(&FORBIDDEN, &gateway, key, BODY);
    }
    for (path, style) in PATHS {
        let other = if style == Style::Gemini { "claude" } else { "gemini" };
        let answer = send(&gateway.address, "POST", path, &[("x-api-key", other)], BODY.as_bytes());
        FORBIDDEN.check(style, &answer, path);
    }
    check(&BAD_REQUEST, &gateway, KEY, "{");
    check(&TOO_LARGE, &gateway, KEY, &format!("{{\"model\":\"m\",\"x\":\"{}\"}}", "x".repeat(2000)));
    let unserved = BODY.replace("\"m\"", "\"unserved\"");
    for (path, style) in PATHS {
        let path = path.replace("/m:", "/unserved:");
        NO_MODEL.check(style, &gateway.post(&path, &unserved), &path);
    }
    assert!(upstream.seen().is_empty());
}

#[test]
fn no_key_at_all_is_refused_before_the_body_is_looked_at() {
    let gateway = Gateway::start(&(all("127.0.0.1:1", "") + &key("")));
    for (path, style) in PATHS {
        for body in ["", "{", BODY] {
            UNAUTHENTICATED.check(style, &send(&gateway.address, "POST", path, &[], body.as_bytes()), path);
        }
    }
}

#[test]
fn what_is_no_route_is_refused_in_the_words_of_its_prefix_or_header() {
    let gateway = Gateway::start(&key(""));
    let version = ("anthropic-version", "2023-06-01");
    for (path, style) in [
        ("/v1/messages/x", Style::Anthropic),
        ("/claude/nowhere", Style::Anthropic),
        ("/api/claude/v1/nowhere", Style::Anthropic),
        ("/v1/chat/y", Style::Openai),
        ("/openai/v1/nowhere", Style::Openai),
        ("/azure/openai/nowhere", Style::Openai),
        ("/nowhere", Style::Openai),
        ("/v1beta/z", Style::Gemini),
        ("/gemini/v1/nowhere", Style::Gemini),
        ("/v1beta/models/m:noSuchVerb", Style::Gemini),
    ] {
        NO_ROUTE.check(style, &gateway.post(path, BODY), path);
        let answer = send(&gateway.address, "POST", path, &[("x-api-key", KEY), version], BODY.as_bytes());
        let style = if path == "/nowhere" || path == "/v1/chat/y" { Style::Anthropic } else { style };
        NO_ROUTE.check(style, &answer, path);
    }
    for (path, style) in PATHS {
        for method in ["PUT", "DELETE", "PATCH"] {
            let answer = send(&gateway.address, method, path, &[("x-api-key", KEY)], b"");
            assert!(answer.header("allow").is_some_and(|allow| allow.contains("POST")), "{method} {path}");
            NO_METHOD.check(style, &answer, path);
        }
    }
}

#[test]
fn a_disabled_account_is_a_503_that_is_not_worth_insisting_on() {
    // It comes back when an operator says so: a client that asks again by itself would ask for hours.
    let disabled = Row { after: Some("300"), retry: Some("false"), ..NO_ACCOUNT };
    check(&disabled, &Gateway::start(&(all("127.0.0.1:1", "enabled = false") + &key(""))), KEY, BODY);
}

#[test]
fn an_account_that_is_full_is_a_503_with_a_wait() {
    let (go, gate) = channel();
    let gate = std::sync::Mutex::new(Some(gate));
    let upstream = Upstream::start(move |_| match gate.lock().unwrap().take() {
        Some(wait) => [vec![Step::Wait(wait)], whole(200, "", "{}")].concat_steps(),
        None => whole(200, "", "{}"),
    });
    let config = account("a", "claude-console", &upstream.address, "concurrency = 1") + &key("");
    let gateway = Arc::new(Gateway::start(&config));
    let first = std::thread::spawn({
        let gateway = Arc::clone(&gateway);
        move || gateway.post(CLAUDE, BODY).status
    });
    gateway.until("one in flight", |gateway| gateway.in_flight() == 1);
    NO_ACCOUNT.check(Style::Anthropic, &gateway.post(CLAUDE, BODY), "full");
    go.send(()).unwrap();
    assert_eq!(first.join().unwrap(), 200);
    gateway.until("the place is free", |gateway| gateway.in_flight() == 0);
    assert_eq!(gateway.post(CLAUDE, BODY).status, 200);
}

/// Steps one after the other.
trait Steps {
    fn concat_steps(self) -> Vec<Step>;
}

impl<const N: usize> Steps for [Vec<Step>; N] {
    fn concat_steps(self) -> Vec<Step> {
        self.into_iter().flatten().collect()
    }
}

#[test]
fn what_is_in_the_way_upstream_is_told_to_operators_and_clients_get_a_502_in_plain_words() {
    let closes = Upstream::start(|_| vec![Step::Close]);
    let speaks_other = Upstream::start(|_| vec![Step::Bytes("SSH-2.0-x\r\n".into()), Step::Close]);
    for (address, cause) in [
        ("127.0.0.1:1", "os error"),
        ("nowhere.invalid:1", "nowhere.invalid could not be looked up"),
        (&closes.address, "broke off"),
        (&speaks_other.address, "is no HTTP"),
    ] {
        let gateway = Gateway::start(&(all(address, "") + &key("")));
        check(&NO_ANSWER, &gateway, KEY, BODY);
        let answer = gateway.post(CLAUDE, BODY).text();
        assert!(answer.contains("could not be reached") && answer.contains("ask your operator"), "{answer}");
        let told = gateway.record()["tries"].to_string();
        assert!(told.contains(cause), "{told}");
        gateway.until(cause, |gateway| gateway.log().contains(cause));
        let tried = gateway.admin("POST", "/accounts/claude-console/test", "{\"model\":\"m\"}").text();
        assert!(tried.contains(cause), "{tried}");
    }
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
        (422, "{}", true),
        (429, "{\"x\":1}", true),
        (500, "{\"x\" :1}", true),
        (529, "{}", true),
    ] {
        let upstream = Upstream::start(move |_| {
            whole(status, "retry-after: 7\r\nx-should-retry: maybe\r\nanthropic-organization-id: o\r\n", body)
        });
        let gateway = Gateway::start(&(account("a", "claude-console", &upstream.address, "") + &key("")));
        let answer = gateway.post(CLAUDE, BODY);
        if relayed {
            assert_eq!((answer.status, answer.text().as_str()), (status, body));
            let told = (answer.header("retry-after"), answer.header("x-should-retry"));
            assert_eq!(told, (Some("7"), Some("maybe")), "{status}: a relayed error keeps its own");
            assert_eq!(answer.header("anthropic-organization-id"), None, "{status}");
        } else {
            NO_ANSWER.check(Style::Anthropic, &answer, &status.to_string());
            assert!(!answer.text().contains("acct-7"));
        }
        let record = gateway.record();
        // What is wrong with the request failed nowhere: it was answered, and is the client's own error.
        let own = matches!(status, 400 | 404 | 413 | 422);
        assert_eq!(record["outcome"], if own { "completed" } else { "upstream_error" }, "{status}: {record}");
        let usage = gateway.admin("GET", "/usage", "").json();
        assert_eq!(
            (&usage["data"][0]["requests"], &usage["data"][0]["errors"]),
            (&1.into(), &1.into()),
            "{status}"
        );
    }
}

/// Headers that name the account are dropped; a body that does is said in words of the gateway's own.
#[test]
fn a_rate_limit_that_names_the_organisation_is_told_without_it() {
    let openai = r#"{"error":{"message":"Rate limit reached for gpt-4o in organization org-planted7 on tokens per min (TPM): Limit 30000, Used 29999. Please try again in 1.2s.","type":"tokens","param":null,"code":"rate_limit_exceeded"}}"#;
    let claude = r#"{"type":"error","error":{"type":"rate_limit_error","message":"This request would exceed your organization's (org-planted7) rate limit of 40,000 input tokens per minute"}}"#;
    let gemini = r#"{"error":{"code":429,"message":"Quota exceeded for consumer 'project_number:org-planted7'","status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","metadata":{"consumer":"projects/org-planted7"}}]}}"#;
    for (provider, path, style, body) in [
        ("claude-console", CLAUDE, Style::Anthropic, claude),
        ("openai", CHAT, Style::Openai, openai),
        ("openai-responses", RESPONSES, Style::Openai, openai),
        ("gemini", GEMINI, Style::Gemini, gemini),
    ] {
        let upstream = Upstream::start(move |_| whole(429, "retry-after: 7\r\n", body));
        let gateway = Gateway::start(&(account("a", provider, &upstream.address, "") + &key("")));
        let answer = gateway.post(path, BODY);
        let row = Row { after: Some("7"), ..NO_SLOT };
        row.check(style, &answer, provider);
        assert!(!answer.text().contains("planted7"), "{provider}: {}", answer.text());
        let said = gateway.record()["tries"][0]["error"].as_str().unwrap_or_default().to_owned();
        assert!(said.contains("planted7"), "{provider}: operators are told: {said}");
    }
}

#[test]
fn a_key_and_its_group_have_so_many_requests_at_once() {
    for fields in ["concurrency = 1", "group = \"g\""] {
        let (go, gate) = channel();
        let gate = std::sync::Mutex::new(Some(gate));
        let upstream = Upstream::start(move |_| match gate.lock().unwrap().take() {
            Some(wait) => [vec![Step::Wait(wait)], whole(200, "", "{}")].concat_steps(),
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
        check(&NO_SLOT, &gateway, KEY, BODY);
        let said: Whole = gateway.post(CHAT, BODY);
        assert!(said.text().contains("try again in 1s"), "Codex reads the wait: {}", said.text());
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
    for path in ["/v1/responses", "/responses", "/openai/v1/responses", "/openai/responses"] {
        let answer = send(&gateway.address, "GET", path, &upgrade, b"");
        assert_eq!((answer.status, answer.header("x-should-retry")), (426, Some("false")), "{path}");
    }
}
