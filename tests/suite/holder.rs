//! What whoever holds a key may know, with it and without: `/v1/me`, the route that a request took, and signs of life.

use serde_json::Value;
use sluice_tests::client::{begin, send};
use sluice_tests::dialects::{dialect, streaming};
use sluice_tests::gateway::{Gateway, KEY, account, key};
use sluice_tests::refusal::{Style, UNAUTHENTICATED};
use sluice_tests::upstream::{Step, Upstream, chunk, stream, stream_head, whole};

const PREFIXES: [(&str, Style); 5] = [
    ("", Style::Openai),
    ("/api", Style::Openai),
    ("/claude", Style::Anthropic),
    ("/gemini", Style::Gemini),
    ("/openai", Style::Openai),
];

#[test]
fn a_key_is_told_of_itself_under_every_prefix_and_name() {
    let upstream = Upstream::start(|_| {
        vec![stream_head("text/event-stream"), chunk(b"event: message_start\ndata: {}\n\n"), Step::Hang]
    });
    let config = "[[groups]]\nname = \"g\"\nconcurrency = 9\n".to_owned()
        + &account("a", "claude-console", &upstream.address, "")
        + &key("group = \"g\"\nconcurrency = 4");
    let gateway = Gateway::start(&config);
    let body = br#"{"model":"m","stream":true}"#;
    let running = begin(&gateway.address, "POST", "/v1/messages", &[("x-api-key", KEY)], body);
    let bearer = format!("Bearer {KEY}");
    for (prefix, style) in PREFIXES {
        for name in ["me", "key-info"] {
            let path = format!("{prefix}/v1/{name}");
            for header in [("x-api-key", KEY), ("authorization", bearer.as_str()), ("x-goog-api-key", KEY)] {
                let answer = send(&gateway.address, "GET", &path, &[header], b"");
                let expected = serde_json::json!({
                    "name": "test", "group": "g", "limits": [],
                    "concurrency": { "limit": 4, "held": 1, "waiting": 0 }, "timezone": "UTC",
                });
                assert_eq!((answer.status, answer.json()), (200, expected), "{path}");
                assert!(answer.header("x-request-id").is_some(), "{path}");
                assert!(!answer.text().contains(KEY), "{path}");
            }
            let by_query = send(&gateway.address, "GET", &format!("{path}?key={KEY}"), &[], b"");
            assert_eq!(by_query.status, 200, "{path}");
            UNAUTHENTICATED.check(style, &send(&gateway.address, "GET", &path, &[], b""), &path);
        }
    }
    drop(running);
    gateway.until("the slot is free", |gateway| {
        let me = send(&gateway.address, "GET", "/v1/me", &[("x-api-key", KEY)], b"").json();
        me["concurrency"]["held"] == 0
    });
    let records = gateway.admin("GET", "/requests", "").json();
    assert_eq!(records["data"].as_array().map(Vec::len), Some(1), "looking at oneself is not recorded");
}

#[test]
fn a_key_without_bounds_has_null_for_a_limit() {
    let gateway = Gateway::start(&key(""));
    let me = send(&gateway.address, "GET", "/v1/me", &[("x-api-key", KEY)], b"").json();
    assert_eq!((&me["group"], &me["concurrency"]["limit"]), (&Value::Null, &Value::Null));
}

#[test]
fn the_route_is_told_only_where_the_operator_wants_it() {
    let broken = Upstream::start(|_| whole(500, "", "{}"));
    let refusing = Upstream::start(|_| whole(401, "", "{}"));
    for dialect in streaming() {
        let good = Upstream::start(|request| {
            match request.line.contains(":stream")
                || request.body.windows(13).any(|part| part == b"\"stream\":true")
            {
                true => stream("text/event-stream", dialect.stream, 9),
                false => whole(200, "x-sluice-account: forged\r\n", dialect.answer),
            }
        });
        let at = |name: &str, upstream: &Upstream, priority: u8| {
            account(name, dialect.provider, &upstream.address, &format!("priority = {priority}"))
        };
        let told = |gateway: &Gateway, (path, body): (&str, &str)| {
            let answer = gateway.post(path, body);
            let header = |name: &str| answer.header(name).map(ToOwned::to_owned);
            (
                answer.status,
                header("x-sluice-account"),
                header("x-sluice-provider"),
                header("x-sluice-attempts"),
            )
        };
        let expected = |status: u16, name: &str, attempts: &str| {
            let provider = Some(dialect.provider.to_owned());
            (status, Some(name.to_owned()), provider, Some(attempts.to_owned()))
        };
        let reveal = "server.reveal_route = true\n".to_owned();
        let whole_one = (dialect.paths[0], dialect.request);

        let gateway =
            Gateway::start(&(reveal.clone() + &at("bad", &broken, 1) + &at("good", &good, 2) + &key("")));
        assert_eq!(told(&gateway, whole_one), expected(200, "good", "2"), "{}", dialect.api);
        assert_eq!(told(&gateway, dialect.stream_request), expected(200, "good", "2"), "{}", dialect.api);
        let gateway = Gateway::start(&(reveal + &at("refused", &refusing, 1) + &key("")));
        assert_eq!(told(&gateway, whole_one), expected(502, "refused", "1"), "{}", dialect.api);

        let gateway = Gateway::start(&(at("good", &good, 1) + &key("")));
        let (status, _, provider, attempts) = told(&gateway, whole_one);
        assert_eq!((status, provider, attempts), (200, None, None), "{}", dialect.api);
    }
}

#[test]
fn probes_of_clients_are_answered_without_a_key() {
    let gateway = Gateway::start("");
    for path in ["/", "/api/hello"] {
        for method in ["GET", "HEAD"] {
            let answer = begin(&gateway.address, method, path, &[], b"");
            assert_eq!(answer.status, 200, "{method} {path}");
            assert!(answer.headers.iter().any(|(name, _)| name == "x-request-id"), "{method} {path}");
        }
    }
}

#[test]
fn a_request_id_of_the_clients_own_is_kept_where_it_is_plain_and_made_where_it_is_not() {
    let dialect = dialect("anthropic");
    let upstream = Upstream::start(|_| whole(200, "x-request-id: upstreams\r\n", dialect.answer));
    let gateway = Gateway::start(&(account("a", dialect.provider, &upstream.address, "") + &key("")));
    let long = "x".repeat(129);
    let kept = "A.z_0-9".repeat(18);
    for (sent, is_kept) in [("mine-1", true), (&kept, true), ("a b", false), ("a/b", false), (&long, false)] {
        let headers = [("x-api-key", KEY), ("x-request-id", sent)];
        let answer = send(&gateway.address, "POST", dialect.paths[0], &headers, dialect.request.as_bytes());
        let id = answer.header("x-request-id").unwrap();
        assert_eq!(id == sent, is_kept, "{sent}");
        assert_ne!(id, "upstreams");
        assert_eq!(gateway.record()["request_id"], *id);
        assert_eq!(answer.header("request-id"), Some(id));
    }
}
