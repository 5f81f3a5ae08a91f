//! The end of the process: not ready, then no new requests, then what still runs is cut and its client told.

use serde_json::Value;
use sluice_tests::client::{Answer, begin, post, receive, send};
use sluice_tests::dialects::{Dialect, dialect};
use sluice_tests::frames::{Came, Frames};
use sluice_tests::gateway::{Gateway, KEY, account, key};
use sluice_tests::upstream::{Step, Upstream, chunk, stream_head, whole};

/// One line of the log about a request with this id.
fn logged(log: &str, id: &str) -> Value {
    let line = log.lines().find(|line| line.contains(id)).unwrap_or_else(|| panic!("{id} is not in {log}"));
    serde_json::from_str(line).unwrap()
}

#[test]
fn a_gateway_that_is_told_to_stop_says_so_and_serves_on_for_a_while() {
    let upstream = Upstream::start(|_| whole(200, "", "{}"));
    let config = account("a", "claude-console", &upstream.address, "") + &key("");
    let gateway = Gateway::start(&("server.shutdown_delay = \"1h\"\n".to_owned() + &config));
    let ready = |gateway: &Gateway| send(&gateway.address, "GET", "/readyz", &[], b"").status;
    assert_eq!(ready(&gateway), 200);
    gateway.signal("TERM");
    gateway.until("it is not ready", |gateway| ready(gateway) == 503);
    let answer = gateway.post("/v1/messages", r#"{"model":"m","max_tokens":1,"messages":[]}"#);
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(send(&gateway.address, "GET", "/healthz", &[], b"").status, 200);

    let brief = Gateway::start(&("server.shutdown_delay = \"100ms\"\n".to_owned() + &config));
    brief.signal("TERM");
    assert!(brief.wait().0.success());
}

#[test]
fn each_further_word_to_stop_ends_the_wait_that_is_on() {
    let dialect = dialect("anthropic");
    let upstream = Upstream::start(move |_| {
        vec![stream_head("text/event-stream"), chunk(dialect.first_event().as_bytes()), Step::Hang]
    });
    let config =
        "telemetry.format = \"json\"\nserver.shutdown_delay = \"1h\"\nserver.shutdown_grace = \"1h\"\n"
            .to_owned()
            + &account("a", dialect.provider, &upstream.address, "")
            + &key("");
    let gateway = Gateway::start(&config);
    let (path, body) = dialect.stream_request;
    let headers = [("x-api-key", KEY), ("x-request-id", "mine-1")];
    let mut running = begin(&gateway.address, "POST", path, &headers, body.as_bytes());
    assert!(running.piece().unwrap().is_some());
    gateway.signal("TERM");
    gateway
        .until("it is not ready", |gateway| send(&gateway.address, "GET", "/readyz", &[], b"").status == 503);
    gateway.signal("INT");
    gateway.until("it drains", |gateway| gateway.log().contains("draining"));
    let tail = stopped(gateway, &upstream, "mine-1", || running.whole().text());
    assert!(tail.contains("event: error"), "{tail}");
}

/// A gateway whose grace is short, and an upstream that begins to answer each dialect's stream and never ends.
fn endless(dialect: &'static Dialect) -> (Upstream, Gateway) {
    let upstream = Upstream::start(move |_| {
        vec![stream_head("text/event-stream"), chunk(dialect.first_event().as_bytes()), Step::Hang]
    });
    let config = "telemetry.format = \"json\"\nserver.shutdown_grace = \"200ms\"\n".to_owned();
    let gateway =
        Gateway::start(&(config + &account("a", dialect.provider, &upstream.address, "") + &key("")));
    (upstream, gateway)
}

/// Stops a gateway whose request with this id runs, and checks how that is told.
fn stopped(gateway: Gateway, upstream: &Upstream, id: &str, read: impl FnOnce() -> String) -> String {
    gateway.signal("TERM");
    let text = read();
    let (status, log) = gateway.wait();
    assert!(status.success(), "{log}");
    assert_eq!(logged(&log, id)["outcome"], "gateway_error", "{log}");
    assert_eq!(logged(&log, "were cut")["settled"], true, "{log}");
    upstream.wait_until_open(0);
    text
}

/// How each dialect's own error begins, and what never comes with it.
const ENDS: [(&str, &str, &str); 4] = [
    ("anthropic", "event: error\ndata: {", "message_stop"),
    ("openai-chat", "data: {\"error\":", "[DONE]"),
    ("openai-responses", "event: response.failed\ndata: {", "response.completed"),
    ("gemini", "data: {\"error\":", "finishReason"),
];

#[test]
fn a_stream_that_is_cut_at_the_end_of_the_grace_ends_in_its_dialects_own_error() {
    for (api, starts, never) in ENDS {
        let dialect = dialect(api);
        let first = dialect.first_event();
        let (path, body) = dialect.stream_request;
        let headers = [("x-api-key", KEY), ("x-request-id", "mine-1")];

        let (upstream, gateway) = endless(dialect);
        let mut running = begin(&gateway.address, "POST", path, &headers, body.as_bytes());
        assert!(running.piece().unwrap().is_some());
        let tail = stopped(gateway, &upstream, "mine-1", || running.whole().text());
        assert!(tail.starts_with(starts) && !tail.contains(never), "{api}: {tail}");

        let (upstream, gateway) = endless(dialect);
        let mut client = Frames::connect(&gateway.address);
        let stream = client.post(path, &headers, body.as_bytes());
        assert_eq!(client.next(stream), Came::Head(true));
        assert_eq!(client.next(stream), Came::Data(first.as_bytes().to_vec()));
        let tail = stopped(gateway, &upstream, "mine-1", || match client.next(stream) {
            Came::Data(data) => String::from_utf8(data).unwrap(),
            other => panic!("{api}: {other:?}"),
        });
        assert!(tail.starts_with(starts) && !tail.contains(never), "{api} over HTTP/2: {tail}");
    }
}

#[test]
fn what_is_cut_before_its_answer_began_is_told_to_try_again() {
    let upstream = Upstream::start(|_| vec![Step::Hang]);
    let config = "telemetry.format = \"json\"\nserver.shutdown_grace = \"200ms\"\n".to_owned()
        + &account("a", "claude-console", &upstream.address, "")
        + &key("");
    let gateway = Gateway::start(&config);
    let headers = [("x-api-key", KEY), ("x-request-id", "mine-1")];
    let body = br#"{"model":"m","max_tokens":1,"messages":[]}"#;
    let client = post(&gateway.address, "/v1/messages", &headers, body);
    gateway.until("it is upstream", |gateway| gateway.in_flight() == 1);
    let told = stopped(gateway, &upstream, "mine-1", || {
        let answer = receive(client).map(Answer::whole).unwrap();
        assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")));
        answer.json()["error"]["type"].to_string()
    });
    assert_eq!(told, "\"overloaded_error\"");
}

#[test]
fn the_usage_of_what_is_cut_is_kept() {
    let upstream = Upstream::start(|_| {
        vec![
            stream_head("text/event-stream"),
            chunk(b"event: message_start\ndata: {\"message\":{\"usage\":{\"input_tokens\":9}}}\n\n"),
            Step::Hang,
        ]
    });
    let config = "telemetry.format = \"json\"\nserver.shutdown_grace = \"200ms\"\n".to_owned()
        + &account("a", "claude-console", &upstream.address, "")
        + &key("");
    let gateway = Gateway::start(&config);
    let headers = [("x-api-key", KEY), ("x-request-id", "mine-1")];
    let body = br#"{"model":"m","stream":true}"#;
    let mut running = begin(&gateway.address, "POST", "/v1/messages", &headers, body);
    assert!(running.piece().unwrap().is_some());
    gateway.signal("TERM");
    let (status, log) = gateway.wait();
    assert!(status.success(), "{log}");
    assert_eq!(logged(&log, "mine-1")["input_tokens"], 9, "{log}");
    let cut = logged(&log, "were cut");
    assert_eq!((&cut["tasks"], &cut["settled"]), (&1.into(), &true.into()), "{cut}");
}
