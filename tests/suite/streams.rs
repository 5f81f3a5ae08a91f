//! Streams: handed on at once, ended as their dialect ends them, cancelled when the client leaves.

use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};

use sluice_tests::client::begin;
use sluice_tests::dialects::{Dialect, dialect, streaming};
use sluice_tests::dice::Dice;
use sluice_tests::frame::INTERNAL_ERROR;
use sluice_tests::gateway::{Folder, Gateway, KEY, account, key};
use sluice_tests::leave::{Arrived, Leaves, MOMENTS, come, endless};
use sluice_tests::tls::Certificate;
use sluice_tests::upstream::{GROUNDS, Ground, Step, Upstream, chunk, end, stream, stream_head, whole};
use sluice_tests::visitor::SPEAKS;

/// How an upstream ends.
type Last = fn() -> Step;

fn gateway(dialect: &Dialect, upstream: &Upstream) -> Gateway {
    Gateway::start(&(upstream.account("a", dialect.provider, "") + &key("")))
}

/// Every dialect that has streams, over every ground.
fn grounds() -> impl Iterator<Item = (Ground, &'static Dialect)> {
    GROUNDS.into_iter().flat_map(|ground| streaming().map(move |dialect| (ground, dialect)))
}

#[test]
fn an_event_is_handed_on_before_the_next_one_exists() {
    for (ground, dialect) in grounds() {
        let (go, gate) = channel();
        let gate = Mutex::new(Some(gate));
        let upstream = Upstream::on(ground, move |_| {
            let half = dialect.first_event();
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
        assert_eq!(String::from_utf8_lossy(&first), dialect.first_event(), "{} over {ground:?}", dialect.api);
        go.send(()).unwrap();
        assert_eq!(answer.whole().text(), dialect.stream[dialect.first_event().len()..]);
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
    let breaks = || Step::Close;
    let resets = || Step::Reset(INTERNAL_ERROR);
    for ((api, starts, never), ground) in ends.iter().flat_map(|each| GROUNDS.map(|ground| (*each, ground))) {
        let dialect = dialect(api);
        // Broken in mid-event, broken between events, and ended cleanly without its terminal event.
        let last: [(&str, Last); 4] = [("da", breaks), ("", breaks), ("", resets), ("", end)];
        for (extra, last) in last {
            let upstream = Upstream::on(ground, move |_| {
                let mut steps =
                    vec![stream_head("text/event-stream"), chunk(dialect.first_event().as_bytes())];
                if !extra.is_empty() {
                    steps.push(chunk(extra.as_bytes()));
                }
                steps.push(last());
                steps
            });
            let gateway = gateway(dialect, &upstream);
            let (path, body) = dialect.stream_request;
            let answer = gateway.post(path, body);
            let (text, what) = (answer.text(), format!("{api} over {ground:?}"));
            assert_eq!((answer.status, answer.complete), (200, api != "gemini"), "{what}");
            let tail = text.strip_prefix(dialect.first_event()).unwrap().strip_prefix(extra).unwrap();
            assert!(tail.trim_start().starts_with(starts), "{what}: {tail}");
            assert!(extra.is_empty() || tail.starts_with("\n\n"), "{what}: {tail}");
            assert!(!text.contains(never), "{what}: {text}");
            let record = gateway.record();
            assert_eq!(record["outcome"], "upstream_error", "{what}");
            if api == "openai-responses" {
                assert!(tail.contains("\"sequence_number\":1") && tail.contains("resp_9"), "{what}: {tail}");
            }
        }
    }
}

#[test]
fn an_error_that_upstream_told_in_a_stream_of_geminis_is_never_followed_by_an_end_in_order() {
    let error = r#"{"error":{"code":503,"message":"busy","status":"UNAVAILABLE"}}"#;
    let chunk = r#"{"candidates":[{"content":{"parts":[{"text":"hi"}]}}]}"#;
    let of = |query: &str| format!("/v1beta/models/m-1:streamGenerateContent{query}");
    for (path, kind, sent) in [
        (of(""), "application/json", format!("[{chunk}\n,\r\n{error}\n]")),
        (of("?alt=sse"), "text/event-stream", format!("data: {chunk}\r\n\r\ndata: {error}\r\n\r\n")),
    ] {
        for ground in GROUNDS {
            let text = sent.clone();
            let upstream = Upstream::on(ground, move |_| stream(kind, &text, 13));
            let gateway = gateway(dialect("gemini"), &upstream);
            let answer = gateway.post(&path, "{\"contents\":[]}");
            assert_eq!((answer.complete, answer.text()), (false, sent.clone()), "{path} over {ground:?}");
            assert_eq!(gateway.record()["outcome"], "upstream_error", "{path} over {ground:?}");
        }
    }
}

#[test]
fn a_body_that_is_no_stream_breaks_with_its_connection() {
    for (ground, last) in GROUNDS
        .into_iter()
        .flat_map(|ground| [(ground, (|| Step::Close) as Last), (ground, || Step::Reset(INTERNAL_ERROR))])
    {
        no_stream(ground, last);
    }
}

fn no_stream(ground: Ground, last: Last) {
    // Cut only once the client has the first bytes: before that, the connection may break with nothing sent.
    let (go, gate) = channel();
    let gate = Mutex::new(Some(gate));
    let upstream = Upstream::on(ground, move |_| {
        let wait = gate.lock().unwrap().take().unwrap();
        vec![
            Step::Head { status: 200, lines: "content-type: application/json\r\n".into(), length: Some(100) },
            chunk(b"{\"a\":"),
            Step::Wait(wait),
            last(),
        ]
    });
    let gateway = Gateway::start(&(upstream.account("a", "claude-console", "") + &key("")));
    let mut answer =
        begin(&gateway.address, "POST", "/v1/messages", &[("x-api-key", KEY)], br#"{"model":"m"}"#);
    assert_eq!(answer.piece().unwrap().unwrap(), b"{\"a\":");
    go.send(()).unwrap();
    let rest = answer.whole();
    assert_eq!((rest.status, rest.complete, rest.body.len()), (200, false, 0), "{ground:?}");
    assert_eq!(gateway.record()["outcome"], "upstream_error");
}

#[test]
fn an_error_that_comes_first_is_an_http_error() {
    for (api, event, status) in [
        (
            "anthropic",
            "event: ping\ndata: {\"type\":\"ping\"}\n\nevent: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"busy\"}}\n\n",
            529,
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

#[test]
fn a_thousand_clients_that_leave_cancel_upstream_and_free_everything() {
    for ground in GROUNDS {
        a_thousand_leave(ground, "");
    }
}

#[test]
fn a_thousand_clients_that_leave_over_tls_do_so_too() {
    let folder = Folder::new();
    a_thousand_leave(Ground::Plain, &Certificate::of_the_suite(&folder.0).settings());
}

fn a_thousand_leave(ground: Ground, settings: &str) {
    let arrived: Arc<Arrived> = Arc::default();
    let upstream = endless(ground, Arc::clone(&arrived));
    let accounts =
        ["claude-console", "openai", "gemini"].map(|kind| upstream.account(kind, kind, "")).concat();
    let config = settings.to_owned() + &accounts + &key("concurrency = 2000");
    let gateway = Arc::new(Gateway::start(&config));
    let threads: Vec<_> = (0..8_u64)
        .map(|thread| {
            let (gateway, arrived) = (Arc::clone(&gateway), Arc::clone(&arrived));
            std::thread::spawn(move || {
                let mut dice = Dice::new(thread);
                let dialects: Vec<&Dialect> = streaming().collect();
                let mut open = Vec::new();
                let mut before = 0;
                for turn in 0..125 {
                    let (dialect, leaves) = (dice.pick(&dialects), dice.pick(&MOMENTS));
                    before += usize::from(leaves == Leaves::BeforeTheHead);
                    let how = (leaves, dice.pick(&SPEAKS));
                    open.push(come(&gateway, &arrived, &format!("{thread}-{turn}"), dialect, how));
                    // Some leave at once, others stay while those that came later leave.
                    while open.len() > dice.below(17) {
                        open.swap_remove(dice.below(open.len()));
                    }
                }
                before
            })
        })
        .collect();
    let before: usize = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
    upstream.wait_until_open(0);
    gateway.until("nothing in flight", |gateway| gateway.in_flight() == 0);
    let count = |filter: &str| {
        let listed = gateway.admin("GET", &format!("/requests?limit=1000{filter}"), "").json();
        (listed["data"].as_array().unwrap().len(), listed["next_cursor"].is_null())
    };
    assert_eq!(count(""), (1000, true));
    assert_eq!(count("&outcome=client_gone"), (1000, true));
    assert_eq!(count("&status=499"), (before, true), "those that left before any answer");
    for dialect in streaming() {
        assert!(count(&format!("&api={}", dialect.api)).0 > 100, "{}", dialect.api);
    }
    let me = gateway.ask("GET", "/v1/me", "").json();
    assert_eq!(me["concurrency"]["held"], 0);
}
