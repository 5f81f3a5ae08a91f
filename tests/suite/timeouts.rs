//! Time-outs: each wait has its bound, and who keeps within it is served, however slowly.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use sluice_tests::client::{PATIENCE, begin, raw, receive};
use sluice_tests::dialects::{dialect, streaming};
use sluice_tests::frames::{Came, Frames};
use sluice_tests::gateway::{Folder, Gateway, KEY, account, key};
use sluice_tests::moment::pause;
use sluice_tests::refusal::{Row, Style, TIMED_OUT};
use sluice_tests::tls::Certificate;
use sluice_tests::upstream::{Step, Upstream, chunk, stream_head, whole};

/// A client that did not send its request in time.
const TOO_SLOW: Row = Row {
    status: 408,
    anthropic: "timeout_error",
    openai: ("invalid_request_error", Some("request_timeout")),
    gemini: "DEADLINE_EXCEEDED",
    after: None,
    retry: Some("false"),
};

/// A listener that takes no more connections: the queue of those that it has not accepted is full.
struct Full(TcpListener, Vec<TcpStream>);

impl Full {
    fn new() -> Self {
        let mut full = Self(TcpListener::bind("127.0.0.1:0").unwrap(), Vec::new());
        while let Ok(stream) = TcpStream::connect_timeout(&full.address(), Duration::from_millis(300)) {
            full.1.push(stream);
        }
        full
    }

    fn address(&self) -> SocketAddr {
        self.0.local_addr().unwrap()
    }
}

#[test]
fn an_upstream_that_accepts_no_connection_is_a_504_and_another_account_serves() {
    let full = Full::new();
    let address = full.address().to_string();
    let connect = "connect_timeout = \"300ms\"";
    for scheme in ["http", "https"] {
        let dead =
            account("dead", "claude-console", &address, connect).replace("\"http:", &format!("\"{scheme}:"));
        let body = dialect("anthropic").request;
        let answer = Gateway::start(&(dead.clone() + &key(""))).post("/v1/messages", body);
        TIMED_OUT.check(Style::Anthropic, &answer, scheme);
        // Nothing was sent, so nothing would be paid twice: this one is failed over though it is not streamed.
        let upstream = Upstream::start(|_| whole(200, "", "{\"good\":1}"));
        let config = dead + &account("good", "claude-console", &upstream.address, "priority = 99") + &key("");
        let gateway = Gateway::start(&config);
        assert_eq!(gateway.post("/v1/messages", body).text(), "{\"good\":1}", "{scheme}");
        assert_eq!(gateway.record()["attempts"], 2, "{scheme}");
    }
    assert!(!full.1.is_empty());
}

/// Head and beginning of a request whose body stops half-way.
fn half(path: &str) -> Vec<u8> {
    let head =
        format!("POST {path} HTTP/1.1\r\nhost: localhost\r\nx-api-key: {KEY}\r\ncontent-length: 100\r\n\r\n");
    [head.as_bytes(), b"{\"model\":"].concat()
}

fn impatient(more: &str) -> (Upstream, Gateway) {
    let upstream = Upstream::start(|_| whole(200, "", "{\"good\":1}"));
    let accounts = ["claude-console", "openai", "gemini"]
        .map(|provider| account(provider, provider, &upstream.address, ""))
        .concat();
    let gateway = Gateway::start(&(format!("{more}\n") + &accounts + &key("")));
    (upstream, gateway)
}

#[test]
fn a_client_that_stops_in_mid_body_gets_a_408_and_a_closed_connection() {
    let (upstream, gateway) = impatient("server.body_timeout = \"300ms\"");
    for dialect in streaming() {
        let answer = raw(&gateway.address, &half(dialect.paths[0])).unwrap();
        TOO_SLOW.check(Style::of(dialect.api), &answer.whole_and_closed(), dialect.api);
    }
    let chunked = half("/v1/messages");
    let chunked = String::from_utf8(chunked)
        .unwrap()
        .replace("content-length: 100\r\n\r\n", "transfer-encoding: chunked\r\n\r\n9\r\n");
    let answer = raw(&gateway.address, chunked.as_bytes()).unwrap();
    TOO_SLOW.check(Style::Anthropic, &answer.whole_and_closed(), "chunked");

    // Over HTTP/2 the stream alone ends; the connection serves on.
    let mut client = Frames::connect(&gateway.address);
    let slow = client.begin("/v1/messages", &[("x-api-key", KEY)]);
    assert_eq!(client.next(slow), Came::Head(false));
    let next = client.post("/v1/messages", &[("x-api-key", KEY)], b"{\"model\":\"m\"}");
    assert_eq!(client.next(next), Came::Head(true));
    assert_eq!(upstream.seen().len(), 1);
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
fn a_refusal_whose_body_drips_is_waited_for_ten_seconds_and_then_another_account_serves() {
    let body = dialect("anthropic").request;
    let drips = Upstream::start(|_| {
        let head = |status| Step::Head {
            status,
            lines: "content-type: application/json\r\nretry-after: 3600\r\n".to_owned(),
            length: None,
        };
        let drops = (0..60).flat_map(|_| [chunk(b"{"), Step::Pause(Duration::from_secs(1))]);
        std::iter::once(head(429)).chain(drops).collect()
    });
    let good = Upstream::start(|_| whole(200, "", "{\"good\":1}"));
    let config = account("drips", "claude-console", &drips.address, "priority = 1")
        + &account("good", "claude-console", &good.address, "priority = 2")
        + &key("");
    let gateway = Gateway::start(&config);
    let began = Instant::now();
    assert_eq!(gateway.post("/v1/messages", body).text(), "{\"good\":1}");
    assert!(began.elapsed() >= Duration::from_secs(10), "what may still come is waited for");
    let record = gateway.record();
    assert_eq!((&record["attempts"], &record["account"]), (&2.into(), &"good".into()), "{record}");
    assert_eq!(record["tries"][0]["status"], 429, "{record}");
    let view = gateway.admin("GET", "/accounts/drips", "").json();
    assert_eq!(view["models"][0]["state"], "rate_limited", "{view}");
    drips.wait_until_open(0);
}

#[test]
fn a_silent_upstream_is_given_up_after_the_idle_timeout() {
    let dialect = dialect("anthropic");
    let upstream = Upstream::start(|_| {
        vec![stream_head("text/event-stream"), chunk(b"event: message_start\ndata: {}\n\n"), Step::Hang]
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
fn a_body_that_trickles_within_the_bound_is_served() {
    let (upstream, gateway) = impatient("server.body_timeout = \"900ms\"");
    let body = b"{\"model\":\"m\",\"max_tokens\":7}";
    let mut client = TcpStream::connect(&gateway.address).unwrap();
    client.set_read_timeout(Some(PATIENCE)).unwrap();
    let head = format!(
        "POST /v1/messages HTTP/1.1\r\nhost: localhost\r\nx-api-key: {KEY}\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    client.write_all(head.as_bytes()).unwrap();
    for piece in body.chunks(6) {
        pause(Duration::from_millis(250));
        client.write_all(piece).unwrap();
    }
    assert_eq!(receive(client).unwrap().whole().text(), "{\"good\":1}");
    assert_eq!(upstream.last().body, body);
}

#[test]
fn a_connection_that_never_says_what_it_wants_is_dropped() {
    let folder = Folder::new();
    let certificate = Certificate::make(&folder.0);
    let bound = "server.header_timeout = \"300ms\"\n";
    let (plain, secure) =
        (Gateway::start(bound), Gateway::start(&(bound.to_owned() + &certificate.settings())));
    for (gateway, begins) in [
        (&plain, &b""[..]),
        (&plain, b"P"),
        (&plain, b"PRI * HTTP/2.0\r\n\r\n"),
        (&plain, b"POST /v1/messages HTTP/1.1\r\nhost: localhost\r\nx-a"),
        (&secure, b""),
        (&secure, b"\x16\x03\x01"),
    ] {
        let mut client = TcpStream::connect(&gateway.address).unwrap();
        client.set_read_timeout(Some(PATIENCE)).unwrap();
        client.write_all(begins).unwrap();
        let mut rest = Vec::new();
        // A reset is a closed connection too; silence until the patience ends is not.
        if let Err(error) = client.read_to_end(&mut rest) {
            let begins = String::from_utf8_lossy(begins);
            assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "{begins:?} was never dropped");
        }
    }
}

#[test]
fn a_stream_without_end_is_cut_when_the_grace_is_over_and_is_in_the_log() {
    let begins = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":9}}}\n\n";
    let upstream = Upstream::start(move |_| {
        vec![stream_head("text/event-stream"), chunk(begins.as_bytes()), Step::Hang]
    });
    let config = "server.shutdown_grace = \"300ms\"\ntelemetry.format = \"json\"\n".to_owned()
        + &account("a", "claude-console", &upstream.address, "")
        + &key("");
    let gateway = Gateway::start(&config);
    let headers = [("x-api-key", KEY), ("x-request-id", "endless-1")];
    let body = br#"{"model":"m","stream":true}"#;
    let mut running = begin(&gateway.address, "POST", "/v1/messages", &headers, body);
    assert_eq!(running.piece().unwrap().unwrap(), begins.as_bytes());
    gateway.signal("TERM");
    let (status, log) = gateway.wait();
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(!running.whole().text().contains("message_stop"));
    upstream.wait_until_open(0);
    let line =
        log.lines().find(|line| line.contains("endless-1")).unwrap_or_else(|| panic!("no record: {log}"));
    let line: serde_json::Value = serde_json::from_str(line).unwrap();
    assert_eq!((line["input_tokens"].as_u64(), line["account"].as_str()), (Some(9), Some("a")), "{line}");
    assert_ne!(line["outcome"], "completed");
}
