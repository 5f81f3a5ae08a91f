//! Streams: handed on at once, ended as their dialect ends them, cancelled when the client leaves.

use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};

use sluice_tests::client::begin;
use sluice_tests::dialects::{DIALECTS, Dialect, dialect};
use sluice_tests::gateway::{Gateway, KEY, account, key};
use sluice_tests::upstream::{Step, Upstream, chunk, end, stream, stream_head, whole};

fn gateway(dialect: &Dialect, upstream: &Upstream) -> Gateway {
    Gateway::start(&(account("a", dialect.provider, &upstream.address, "") + &key("")))
}

fn streaming() -> impl Iterator<Item = &'static Dialect> {
    DIALECTS.iter().filter(|dialect| !dialect.stream.is_empty())
}

/// The first events of a stream, up to its middle, cut between events.
fn first_half(dialect: &Dialect) -> &'static str {
    let text = dialect.stream;
    let gap = if text.contains("\r\n\r\n") { "\r\n\r\n" } else { "\n\n" };
    &text[..text.find(gap).unwrap() + gap.len()]
}

#[test]
fn an_event_is_handed_on_before_the_next_one_exists() {
    for dialect in streaming() {
        let (go, gate) = channel();
        let gate = Mutex::new(Some(gate));
        let upstream = Upstream::start(move |_| {
            let half = first_half(dialect);
            let wait = gate.lock().unwrap().take().unwrap();
            vec![
                stream_head("text/event-stream"),
                chunk(half.as_bytes()),
                Step::Wait(wait),
                chunk(&dialect.stream.as_bytes()[half.len()..]),
                end(),
            ]
        });
        let gateway = gateway(dialect, &upstream);
        let (path, body) = dialect.stream_request;
        let mut answer = begin(&gateway.address, "POST", path, &[("x-api-key", KEY)], body.as_bytes());
        let first = answer.piece().unwrap().unwrap();
        assert_eq!(String::from_utf8_lossy(&first), first_half(dialect), "{}", dialect.api);
        go.send(()).unwrap();
        assert_eq!(answer.whole().text(), dialect.stream[first_half(dialect).len()..]);
    }
}

#[test]
fn a_stream_that_breaks_ends_in_its_dialects_own_error() {
    let ends: [(&str, &str, &str); 4] = [
        ("anthropic", "event: error\ndata: {", "message_stop"),
        ("openai-chat", "data: {\"error\":", "[DONE]"),
        ("openai-responses", "event: response.failed\ndata: {", "response.completed"),
        ("gemini", "data: {\"error\":", "finishReason"),
    ];
    for (api, starts, never) in ends {
        let dialect = dialect(api);
        // Broken in mid-event, broken between events, and ended cleanly without its terminal event.
        for (extra, clean) in [("da", false), ("", false), ("", true)] {
            let upstream = Upstream::start(move |_| {
                let mut steps = vec![stream_head("text/event-stream"), chunk(first_half(dialect).as_bytes())];
                if !extra.is_empty() {
                    steps.push(chunk(extra.as_bytes()));
                }
                steps.push(if clean { end() } else { Step::Close });
                steps
            });
            let gateway = gateway(dialect, &upstream);
            let (path, body) = dialect.stream_request;
            let answer = gateway.post(path, body);
            let text = answer.text();
            assert_eq!((answer.status, answer.complete), (200, true), "{api}");
            let tail = text.strip_prefix(first_half(dialect)).unwrap().strip_prefix(extra).unwrap();
            assert!(tail.trim_start().starts_with(starts), "{api}: {tail}");
            assert!(extra.is_empty() || tail.starts_with("\n\n"), "{api}: {tail}");
            assert!(!text.contains(never), "{api}: {text}");
            let record = gateway.record();
            assert_eq!(record["outcome"], "upstream_error", "{api}");
            if api == "openai-responses" {
                assert!(tail.contains("\"sequence_number\":1") && tail.contains("resp_9"), "{tail}");
            }
        }
    }
}

#[test]
fn a_json_array_that_breaks_is_closed_after_its_error() {
    let upstream = Upstream::start(|_| {
        vec![stream_head("application/json"), chunk(b"[{\"candidates\":[]}"), Step::Close]
    });
    let gateway = Gateway::start(&(account("a", "gemini", &upstream.address, "") + &key("")));
    let answer = gateway.post("/v1beta/models/m:streamGenerateContent", "{}");
    let list = answer.json();
    assert_eq!(list[1]["error"]["code"], 502, "{list}");
}

#[test]
fn a_body_that_is_no_stream_breaks_with_its_connection() {
    // Cut only once the client has the first bytes: before that, the connection may break with nothing sent.
    let (go, gate) = channel();
    let gate = Mutex::new(Some(gate));
    let upstream = Upstream::start(move |_| {
        let wait = gate.lock().unwrap().take().unwrap();
        vec![
            Step::Bytes(
                b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{\"a\":"
                    .to_vec(),
            ),
            Step::Wait(wait),
            Step::Close,
        ]
    });
    let gateway = Gateway::start(&(account("a", "claude-console", &upstream.address, "") + &key("")));
    let mut answer =
        begin(&gateway.address, "POST", "/v1/messages", &[("x-api-key", KEY)], br#"{"model":"m"}"#);
    assert_eq!(answer.piece().unwrap().unwrap(), b"{\"a\":");
    go.send(()).unwrap();
    let rest = answer.whole();
    assert_eq!((rest.status, rest.complete, rest.body.len()), (200, false, 0));
    assert_eq!(gateway.record()["outcome"], "upstream_error");
}

#[test]
fn an_error_that_comes_first_is_an_http_error() {
    for (api, event, status) in [
        (
            "anthropic",
            "event: ping\ndata: {\"type\":\"ping\"}\n\nevent: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"busy\"}}\n\n",
            503,
        ),
        (
            "openai-chat",
            "data: {\"error\":{\"message\":\"busy\",\"type\":\"server_error\",\"code\":null}}\n\n",
            500,
        ),
        (
            "gemini",
            "data: {\"error\":{\"code\":429,\"message\":\"busy\",\"status\":\"RESOURCE_EXHAUSTED\"}}\r\n\r\n",
            429,
        ),
    ] {
        let dialect = dialect(api);
        let upstream = Upstream::start(move |_| stream("text/event-stream", event, 11));
        let gateway = gateway(dialect, &upstream);
        let (path, body) = dialect.stream_request;
        let answer = gateway.post(path, body);
        assert_eq!(answer.status, status, "{api}: {}", answer.text());
        assert_eq!(answer.json()["error"]["message"], "busy", "{api}");
    }
}

#[test]
fn usage_is_asked_for_and_hidden_where_the_client_did_not_ask() {
    let dialect = dialect("openai-chat");
    let upstream = Upstream::start(|_| stream("text/event-stream", dialect.stream, 9));
    let gateway = gateway(dialect, &upstream);
    let answer = gateway.post("/v1/chat/completions", r#"{"model":"m","stream":true,"messages":[]}"#);
    assert!(
        String::from_utf8_lossy(&upstream.last().body).contains(r#""stream_options":{"include_usage":true}"#)
    );
    let hidden: String =
        dialect.stream.split_inclusive("\n\n").filter(|event| !event.contains("\"usage\":{")).collect();
    assert_eq!(answer.text(), hidden);
    assert_eq!(gateway.record()["output_tokens"], 41);

    let off =
        Gateway::start(&(account("a", "openai", &upstream.address, "include_usage = false") + &key("")));
    let body = r#"{"model":"m","stream":true,"messages":[]}"#;
    assert_eq!(off.post("/v1/chat/completions", body).text(), dialect.stream);
    assert_eq!(upstream.last().body, body.as_bytes());
}

#[test]
fn a_silent_upstream_is_given_up_after_the_idle_timeout() {
    let dialect = dialect("anthropic");
    let upstream = Upstream::start(|_| {
        vec![stream_head("text/event-stream"), chunk(first_half(dialect).as_bytes()), Step::Hang]
    });
    let config = account("a", "claude-console", &upstream.address, "idle_timeout = \"200ms\"") + &key("");
    let gateway = Gateway::start(&config);
    let (path, body) = dialect.stream_request;
    let answer = gateway.post(path, body);
    assert!(
        answer.text().contains("event: error") && answer.text().contains("timeout_error"),
        "{}",
        answer.text()
    );
    upstream.wait_until_open(0);
}

#[test]
fn an_upstream_that_never_begins_is_a_504() {
    let upstream = Upstream::start(|_| vec![Step::Hang]);
    let config =
        account("a", "claude-console", &upstream.address, "first_byte_timeout = \"200ms\"") + &key("");
    let gateway = Gateway::start(&config);
    let answer = gateway.post("/v1/messages", r#"{"model":"m"}"#);
    assert_eq!((answer.status, answer.json()["error"]["type"].as_str()), (504, Some("timeout_error")));
    upstream.wait_until_open(0);
}

#[test]
fn a_thousand_clients_that_leave_cancel_upstream_and_free_everything() {
    let dialect = dialect("anthropic");
    let upstream = Upstream::start(|_| {
        vec![stream_head("text/event-stream"), chunk(first_half(dialect).as_bytes()), Step::Hang]
    });
    let gateway = Arc::new(Gateway::start(
        &(account("a", "claude-console", &upstream.address, "") + &key("concurrency = 2000")),
    ));
    let threads: Vec<_> = (0..8_usize)
        .map(|thread| {
            let gateway = Arc::clone(&gateway);
            std::thread::spawn(move || {
                let (path, body) = dialect.stream_request;
                let mut open = std::collections::VecDeque::new();
                for turn in 0..125_usize {
                    let mut answer =
                        begin(&gateway.address, "POST", path, &[("x-api-key", KEY)], body.as_bytes());
                    // Some leave after the head, some after an event; those that stay a while are dropped in between.
                    if (turn * 7 + thread).is_multiple_of(3) {
                        answer.piece().unwrap();
                    }
                    open.push_back(answer);
                    if open.len() > (turn * 13 + thread) % 17 {
                        open.pop_front();
                    }
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    upstream.wait_until_open(0);
    gateway.until("nothing in flight", |gateway| gateway.in_flight() == 0);
    let gone = gateway.admin("GET", "/requests?outcome=client_gone&limit=1000", "").json();
    assert_eq!(gone["data"].as_array().unwrap().len(), 1000);
    assert_eq!(gone["data"][0]["input_tokens"], 9);
    let me = sluice_tests::client::send(&gateway.address, "GET", "/v1/me", &[("x-api-key", KEY)], b"").json();
    assert_eq!(me["concurrency"]["held"], 0);
}

#[test]
fn a_failed_account_is_replaced_before_the_first_byte() {
    let broken = Upstream::start(|_| whole(500, "", "{}"));
    let good = Upstream::start(|_| whole(200, "", "{\"good\":1}"));
    let config = account("a", "claude-console", &broken.address, "priority = 1")
        + &account("b", "claude-console", &good.address, "")
        + &key("");
    let gateway = Gateway::start(&config);
    assert_eq!(gateway.post("/v1/messages", r#"{"model":"m"}"#).text(), "{\"good\":1}");
    let record = gateway.record();
    assert_eq!((record["attempts"].as_u64(), record["account"].as_str()), (Some(2), Some("b")));
}
