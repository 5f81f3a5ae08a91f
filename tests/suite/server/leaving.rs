//! Clients that leave, or stay and take nothing: both are noticed, whatever they have sent before.

use std::io::Write;
use std::sync::Mutex;
use std::sync::mpsc::sync_channel;

use sluice_tests::client::receive;
use sluice_tests::frames::{Came, Frames};
use sluice_tests::gateway::{Folder, Gateway, KEY, account, key};
use sluice_tests::tls::Certificate;
use sluice_tests::upstream::{Step, Upstream, chunk, end, stream_head, whole};
use sluice_tests::visitor::{SPEAKS, Visitor};

const START: &str = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":9}}}\n\n";

const STOP: &str = "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";

/// What stands behind a body that is whole: nothing, what some old clients send, and a request that waits its turn.
const BEHIND: [&str; 3] = ["", "\r\n", "GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n"];

const WHOLE: &str = r#"{"model":"m","max_tokens":9,"messages":[]}"#;
const STREAMED: &str = r#"{"model":"m","max_tokens":9,"stream":true,"messages":[]}"#;

/// A gateway without TLS, and one with it.
fn gateways(config: &str) -> [Gateway; 2] {
    let folder = Folder::new();
    let secure = Certificate::of_the_suite(&folder.0);
    [Gateway::start(config), Gateway::start(&(secure.settings() + config))]
}

#[test]
fn a_client_that_leaves_is_noticed_whatever_it_sent_behind_its_request() {
    let upstream = Upstream::start(|request| {
        if String::from_utf8_lossy(&request.body).contains("\"stream\":true") {
            return vec![stream_head("text/event-stream"), chunk(START.as_bytes()), Step::Hang];
        }
        vec![Step::Hang]
    });
    for gateway in gateways(&(account("a", "claude-console", &upstream.address, "") + &key(""))) {
        for (behind, body) in BEHIND.iter().flat_map(|behind| [(behind, WHOLE), (behind, STREAMED)]) {
            let what = format!("{body} {behind:?} at {}", gateway.address);
            let head = format!("POST /v1/messages HTTP/1.1\r\nhost: localhost\r\nx-api-key: {KEY}\r\n");
            let request = format!("{head}content-length: {}\r\n\r\n{body}{behind}", body.len());
            let mut client = gateway.connect("http/1.1");
            client.write_all(request.as_bytes()).unwrap();
            gateway.until(&format!("{what}: in flight"), |gateway| gateway.in_flight() == 1);
            drop(client);
            gateway.until(&format!("{what}: gone"), |gateway| gateway.in_flight() == 0);
            assert_eq!(gateway.record()["outcome"], "client_gone", "{what}");
            upstream.wait_until_open(0);
        }
    }
}

/// A client of TLS may say that it sends nothing more, and read on: what it asked for is its own. (Without TLS that looks
/// as if it had left; and over HTTP/2 it could tell no longer that it has read.)
#[test]
fn a_client_that_ends_its_side_of_tls_gets_its_answer_over_http_1_1() {
    let (goes, waits): (Vec<_>, Vec<_>) = (0..2).map(|_| sync_channel(0)).unzip();
    let waits = Mutex::new(waits);
    let upstream = Upstream::start(move |request| {
        let Some(wait) = waits.lock().unwrap().pop() else { return vec![Step::Hang] };
        if String::from_utf8_lossy(&request.body).contains("\"stream\":true") {
            let first = chunk(START.as_bytes());
            return vec![
                stream_head("text/event-stream"),
                first,
                Step::Wait(wait),
                chunk(STOP.as_bytes()),
                end(),
            ];
        }
        std::iter::once(Step::Wait(wait)).chain(whole(200, "", "{\"good\":1}")).collect()
    });
    let [_, gateway] = gateways(&(account("a", "claude-console", &upstream.address, "") + &key("")));
    let streamed = START.to_owned() + STOP;
    for (go, (body, good)) in
        goes.into_iter().rev().zip([(WHOLE, "{\"good\":1}"), (STREAMED, streamed.as_str())])
    {
        let head = format!("POST /v1/messages HTTP/1.1\r\nhost: localhost\r\nx-api-key: {KEY}\r\n");
        let request = format!("{head}content-length: {}\r\n\r\n{body}", body.len());
        let mut client = gateway.connect("http/1.1");
        client.write_all(request.as_bytes()).unwrap();
        client.end_tls();
        go.send(()).unwrap();
        let answer = receive(client).expect("it is answered").whole();
        assert_eq!((answer.status, answer.text().as_str()), (200, good));
        gateway.until("it is recorded", |gateway| gateway.record()["outcome"] == "completed");
    }

    let link = gateway.connect("h2");
    Frames::over(link.clone()).post("/v1/messages", &[("x-api-key", KEY)], WHOLE.as_bytes());
    upstream.wait_for_open(1);
    link.end_tls();
    gateway.until("gone", |gateway| gateway.in_flight() == 0);
    assert_eq!(gateway.record()["outcome"], "client_gone");
    upstream.wait_until_open(0);
}

/// An upstream that has more to say than any buffer between it and a client holds.
fn talkative() -> Upstream {
    let text = "x".repeat(200_000);
    let event = format!(
        "event: content_block_delta\ndata: {{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{{\"type\":\"text_delta\",\"text\":\"{text}\"}}}}\n\n"
    );
    Upstream::start(move |_| {
        let mut steps = vec![stream_head("text/event-stream"), chunk(START.as_bytes())];
        steps.extend((0..200).map(|_| chunk(event.as_bytes())));
        steps.push(Step::Hang);
        steps
    })
}

#[test]
fn a_client_that_takes_nothing_is_gone_and_frees_what_it_held() {
    let upstream = talkative();
    let config = "server.send_timeout = \"500ms\"\n".to_owned()
        + &account("a", "claude-console", &upstream.address, "")
        + &key("concurrency = 1");
    for gateway in gateways(&config) {
        for speaks in SPEAKS {
            let id = format!("{speaks:?}-{}", gateway.address.replace(':', "-"));
            let headers = [("x-api-key", KEY), ("x-request-id", id.as_str())];
            let silent = Visitor::post(&gateway, speaks, "/v1/messages", &headers, STREAMED.as_bytes());
            gateway.until(&format!("{id} is gone"), |gateway| gateway.record()["request_id"] == id.as_str());
            assert_eq!(gateway.record()["outcome"], "client_gone", "{id}");
            gateway.until(&format!("what {id} held is free"), |gateway| gateway.in_flight() == 0);
            upstream.wait_until_open(0);
            drop(silent);
        }
    }
}

#[test]
fn a_stream_of_http_2_that_gets_no_window_is_reset_and_others_go_on() {
    let upstream = talkative();
    let config = "server.send_timeout = \"500ms\"\n".to_owned()
        + &account("a", "claude-console", &upstream.address, "")
        + &key("");
    let gateway = Gateway::start(&config);
    let mut client = Frames::connect(&gateway.address);
    // The connection has all the room that there is, and its stream is never given any back.
    client.widen(0, 1 << 30);
    let stream = client.post("/v1/messages", &[("x-api-key", KEY)], STREAMED.as_bytes());
    assert_eq!(client.next(stream), Came::Head(true));
    let end = std::iter::repeat_with(|| client.next(stream)).find(|came| matches!(came, Came::End(_)));
    assert_eq!(end, Some(Came::End(false)));
    gateway.until("it is gone", |gateway| gateway.record()["outcome"] == "client_gone");
    assert_eq!(gateway.in_flight(), 0);
    upstream.wait_until_open(0);
    let probe = client.get("/healthz");
    assert_eq!(client.next(probe), Came::Head(true));
}
