//! Sizes: what is too large is refused in the client's dialect, and what is held at once has a bound.

use std::io::{Read, Write};
use std::net::TcpStream;

use sluice_tests::client::{PATIENCE, raw, receive, send};
use sluice_tests::dialects::streaming;
use sluice_tests::gateway::{Gateway, KEY, account, key};
use sluice_tests::refusal::{Style, TOO_LARGE};
use sluice_tests::upstream::{Upstream, whole};

fn setting(more: &str) -> (Upstream, Gateway) {
    let upstream = Upstream::start(|_| whole(200, "", "{}"));
    let accounts = ["claude-console", "openai", "gemini"]
        .map(|provider| account(provider, provider, &upstream.address, ""))
        .concat();
    let gateway = Gateway::start(&(format!("{more}\n") + &accounts + &key("") + HOLDER));
    (upstream, gateway)
}

fn head(path: &str, framing: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nhost: localhost\r\nx-api-key: {KEY}\r\n{framing}\r\n\r\n")
}

/// `{"model":"m","x":"…"}` of this length.
fn body(length: usize) -> String {
    let (before, after) = ("{\"model\":\"m\",\"x\":\"", "\"}");
    format!("{before}{}{after}", "x".repeat(length - before.len() - after.len()))
}

#[test]
fn a_body_over_the_bound_is_refused_however_it_is_framed_and_one_at_the_bound_is_served() {
    let (upstream, gateway) = setting("server.max_body = \"1KiB\"");
    for dialect in streaming() {
        let (path, style) = (dialect.paths[0], Style::of(dialect.api));
        let chunks = |body: &str| -> String {
            body.as_bytes()
                .chunks(300)
                .map(|chunk| format!("{:x}\r\n{}\r\n", chunk.len(), String::from_utf8_lossy(chunk)))
                .collect()
        };
        let chunked =
            |length: usize| head(path, "transfer-encoding: chunked") + &chunks(&body(length)) + "0\r\n\r\n";
        let sized = |length: usize| head(path, &format!("content-length: {length}")) + &body(length);
        for request in [chunked(1024), sized(1024)] {
            let answer = raw(&gateway.address, request.as_bytes()).unwrap().whole();
            assert_eq!(answer.status, 200, "{}", answer.text());
        }
        for request in [chunked(1025), chunked(50_000), sized(1025)] {
            let answer = raw(&gateway.address, request.as_bytes()).unwrap();
            TOO_LARGE.check(style, &answer.whole_and_closed(), path);
        }
        // A length that is told is refused before the body comes.
        let answer = raw(&gateway.address, head(path, "content-length: 1025").as_bytes()).unwrap();
        TOO_LARGE.check(style, &answer.whole_and_closed(), path);
    }
    assert_eq!(upstream.seen().len(), 8);
}

#[test]
fn a_body_that_is_too_large_once_decoded_is_refused() {
    let (upstream, gateway) = setting("server.max_body = \"64KiB\"");
    let packed = gzip(&" ".repeat(1 << 20));
    assert!(packed.len() < 4096);
    let framing = format!("content-encoding: gzip\r\ncontent-length: {}", packed.len());
    let request = [head("/v1/messages", &framing).as_bytes(), &packed].concat();
    TOO_LARGE.check(Style::Anthropic, &raw(&gateway.address, &request).unwrap().whole(), "gzip");
    assert!(upstream.seen().is_empty());
}

fn gzip(text: &str) -> Vec<u8> {
    let folder = sluice_tests::gateway::Folder::new();
    let path = folder.0.join("text");
    std::fs::write(&path, text).unwrap();
    let output = std::process::Command::new("gzip").arg("-c").arg(path).output().unwrap();
    assert!(output.status.success());
    output.stdout
}

/// Another key, which may have one request at once.
const HOLDER: &str = "[[keys]]\nname = \"holder\"\nkey = \"holder\"\nconcurrency = 1\n";

/// A client of a key that has sent a part of its body, which the gateway has read.
fn holding(gateway: &Gateway, secret: &str, length: usize, part: &str) -> TcpStream {
    let mut client = TcpStream::connect(&gateway.address).unwrap();
    client.set_read_timeout(Some(PATIENCE)).unwrap();
    let framing = format!("expect: 100-continue\r\ncontent-length: {length}");
    let head = head("/v1/messages", &framing).replace(KEY, secret);
    client.write_all((head + part).as_bytes()).unwrap();
    // It is told to go on once the gateway waits for the body, and what has come with the head is read at once.
    let mut told = [0; 25];
    client.read_exact(&mut told).unwrap();
    assert_eq!(&told, b"HTTP/1.1 100 Continue\r\n\r\n");
    client
}

#[test]
fn bodies_beyond_what_may_be_held_at_once_get_a_503_and_others_are_served_afterwards() {
    let (upstream, gateway) = setting("server.max_body = \"4KiB\"\nserver.max_buffered = \"6KiB\"");
    let large = body(4000);
    let (sent, rest) = large.split_at(3000);
    let mut holding = holding(&gateway, "holder", large.len(), sent);
    let refused = gateway.post("/v1/messages", &large);
    assert_eq!(
        (refused.status, refused.header("retry-after"), refused.header("x-should-retry")),
        (503, Some("1"), Some("true"))
    );
    assert_eq!(refused.json()["error"]["type"], "overloaded_error");
    // What fits into the rest is served meanwhile, and whoever holds the room is not disturbed.
    assert_eq!(gateway.post("/v1/messages", &body(1000)).status, 200);
    holding.write_all(rest.as_bytes()).unwrap();
    assert_eq!(receive(holding).unwrap().whole().status, 200);
    assert_eq!(gateway.post("/v1/messages", &large).status, 200);
    let lengths: Vec<usize> = upstream.seen().iter().map(|seen| seen.body.len()).collect();
    assert_eq!(lengths, [1000, 4000, 4000]);
}

#[test]
fn a_client_that_leaves_in_mid_body_gives_its_room_back() {
    let (_upstream, gateway) = setting("server.max_body = \"4KiB\"\nserver.max_buffered = \"4KiB\"");
    let large = body(4000);
    let holding = holding(&gateway, "holder", large.len(), &large[..3000]);
    assert_eq!(gateway.post("/v1/messages", &large).status, 503);
    drop(holding);
    gateway.until("the room is free", |gateway| gateway.post("/v1/messages", &large).status == 200);
}

#[test]
fn what_a_client_only_says_that_it_will_send_takes_no_room_from_others() {
    let (_upstream, gateway) = setting("server.max_body = \"4KiB\"\nserver.max_buffered = \"4KiB\"");
    let large = body(4000);
    let _silent: Vec<TcpStream> = (0..8)
        .map(|_| {
            let mut client = TcpStream::connect(&gateway.address).unwrap();
            client.set_read_timeout(Some(PATIENCE)).unwrap();
            let framing = format!("expect: 100-continue\r\ncontent-length: {}", large.len());
            client.write_all(head("/v1/messages", &framing).as_bytes()).unwrap();
            // It is told to go on once the gateway waits for the body.
            let mut told = [0; 25];
            client.read_exact(&mut told).unwrap();
            assert_eq!(&told, b"HTTP/1.1 100 Continue\r\n\r\n");
            client
        })
        .collect();
    assert_eq!(gateway.post("/v1/messages", &large).status, 200);
}

#[test]
fn a_key_and_its_group_send_no_more_bodies_at_once_than_they_may_have_requests() {
    let upstream = Upstream::start(|_| whole(200, "", "{}"));
    let team = "[[groups]]\nname = \"team\"\nconcurrency = 1\n".to_owned();
    let member = |name: &str| format!("[[keys]]\nname = \"{name}\"\nkey = \"{name}\"\ngroup = \"team\"\n");
    let config = account("a", "claude-console", &upstream.address, "")
        + &team
        + &member("one")
        + &member("two")
        + HOLDER
        + &key("");
    let gateway = Gateway::start(&config);
    let body = body(1000);
    let (sent, rest) = body.split_at(10);
    let ask = |secret: &str| {
        send(&gateway.address, "POST", "/v1/messages", &[("x-api-key", secret)], body.as_bytes()).status
    };
    for (holder, refused) in [("holder", "holder"), ("one", "two")] {
        let mut client = holding(&gateway, holder, body.len(), sent);
        assert_eq!(ask(refused), 429, "{holder}");
        assert_eq!(ask(KEY), 200, "whoever has a slot is served");
        client.write_all(rest.as_bytes()).unwrap();
        assert_eq!(receive(client).unwrap().whole().status, 200, "{holder}");
        assert_eq!(ask(refused), 200, "{holder}");
    }
}
