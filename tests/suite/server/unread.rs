//! Bodies that nobody wants: their clients find the answer, and their connections live.

use std::io::Write;
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use sluice_tests::client::{PATIENCE, Whole, begin, receive};
use sluice_tests::frames::{Came, Frames};
use sluice_tests::gateway::{Folder, Gateway, KEY, account, key};
use sluice_tests::moment::{now, pass};
use sluice_tests::tls::Certificate;
use sluice_tests::upstream::{Upstream, whole};

const WRONG: [(&str, &str); 1] = [("x-api-key", "sk-wrong")];
const RIGHT: [(&str, &str); 1] = [("x-api-key", KEY)];

fn setting(more: &str) -> (Upstream, Gateway) {
    let upstream = Upstream::start(|_| whole(200, "", "{}"));
    let gateway = Gateway::start(
        &(more.to_owned() + &account("a", "claude-console", &upstream.address, "") + &key("")),
    );
    (upstream, gateway)
}

fn head(secret: &str, framing: &str) -> Vec<u8> {
    format!("POST /v1/messages HTTP/1.1\r\nhost: localhost\r\nx-api-key: {secret}\r\n{framing}\r\n\r\n")
        .into_bytes()
}

fn chunked(length: usize) -> Vec<u8> {
    [format!("{length:x}\r\n").as_bytes(), &vec![b' '; length], b"\r\n0\r\n\r\n"].concat()
}

#[test]
fn a_client_that_writes_all_before_it_reads_finds_its_refusal() {
    let (_upstream, gateway) = setting("server.max_body = \"2MiB\"\n");
    let length = 5_000_000;
    let sized = format!("content-length: {length}");
    for (secret, framing, body, status) in [
        ("sk-wrong", "content-length: 500000", vec![b' '; 500_000], 401),
        ("sk-wrong", &sized, vec![b' '; length], 401),
        ("sk-wrong", "transfer-encoding: chunked", chunked(length), 401),
        (KEY, &sized, vec![b' '; length], 413),
        (KEY, "transfer-encoding: chunked", chunked(length), 413),
    ] {
        let mut client = TcpStream::connect(&gateway.address).unwrap();
        client.set_read_timeout(Some(PATIENCE)).unwrap();
        client.write_all(&head(secret, framing)).unwrap();
        client.write_all(&body).unwrap_or_else(|error| panic!("{status} {framing}: {error}"));
        let answer = receive(client).unwrap_or_else(|| panic!("{status} {framing}: no answer")).whole();
        assert!(answer.status == status && answer.complete, "{framing}: {}", answer.text());
    }
}

#[test]
fn a_client_over_tls_that_writes_all_before_it_reads_finds_its_refusal() {
    let folder = Folder::new();
    let secure = Certificate::of_the_suite(&folder.0);
    let gateway = Gateway::start(&(secure.settings() + &key("")));
    for length in [500_000, 5_000_000] {
        let mut client = gateway.connect("http/1.1");
        client.write_all(&head("sk-wrong", &format!("content-length: {length}"))).unwrap();
        client.write_all(&vec![b' '; length]).unwrap_or_else(|error| panic!("{length}: {error}"));
        let answer = receive(client).unwrap_or_else(|| panic!("{length}: no answer")).whole();
        assert!(answer.status == 401 && answer.complete, "{length}: {}", answer.text());
    }
}

/// What is written of each in three seconds, in a piece every quarter of one.
const PACED: usize = 3_000_000;

/// What a client finds that writes a beginning at once, then as much as is [`PACED`] of a line again and again, and only
/// then reads.
fn found_by_a_slow_writer(gateway: &Gateway, beginning: &[u8], line: &[u8]) -> Whole {
    let mut client = TcpStream::connect(&gateway.address).unwrap();
    client.set_read_timeout(Some(PATIENCE)).unwrap();
    client.write_all(beginning).unwrap();
    let all = line.repeat(PACED / line.len());
    for piece in all.chunks(PACED / 12) {
        pass(now() + Duration::from_millis(250));
        client.write_all(piece).unwrap_or_else(|error| panic!("{beginning:?}: {error}"));
    }
    receive(client).unwrap_or_else(|| panic!("{beginning:?}: no answer")).whole()
}

#[test]
fn a_client_that_goes_on_writing_for_seconds_finds_its_refusal() {
    let (_upstream, gateway) = setting("server.max_body = \"1MiB\"\n");
    let sized = format!("content-length: {PACED}");
    let chunked = "transfer-encoding: chunked";
    let chunk = [&b"5dc\r\n"[..], &[b' '; 1500], b"\r\n"].concat();
    let begins = |text: &str| format!("GET / HTTP/1.1\r\nhost: localhost\r\n{text}").into_bytes();
    thread::scope(|scope| {
        for (beginning, line, status) in [
            (head("sk-wrong", &sized), b" ".to_vec(), 401),
            (head("sk-wrong", chunked), chunk.clone(), 401),
            (head(KEY, &sized), b" ".to_vec(), 413),
            (head(KEY, chunked), chunk.clone(), 413),
            // What can't be parsed is refused before any of it is known.
            (begins("no header\r\n\r\n"), b" ".to_vec(), 400),
            (begins(""), format!("x-header: {}\r\n", "x".repeat(1500)).into_bytes(), 431),
        ] {
            let gateway = &gateway;
            scope.spawn(move || {
                let answer = found_by_a_slow_writer(gateway, &beginning, &line);
                assert!(answer.status == status && answer.complete, "{status}: {}", answer.text());
            });
        }
    });
}

#[test]
fn a_connection_whose_body_was_refused_serves_the_next_request() {
    let (_upstream, gateway) = setting("");
    let mut client = TcpStream::connect(&gateway.address).unwrap();
    client.set_read_timeout(Some(PATIENCE)).unwrap();
    for (secret, status) in [("sk-wrong", 401), (KEY, 400), ("sk-wrong", 401)] {
        client.write_all(&head(secret, "content-length: 200000")).unwrap();
        client.write_all(&[b' '; 200_000]).unwrap();
        let answer = receive(client.try_clone().unwrap()).unwrap().whole();
        assert_eq!(answer.status, status, "{}", answer.text());
    }
}

#[test]
fn a_client_that_asks_first_whether_it_may_send_is_told_at_once_that_it_may_not() {
    let (_upstream, gateway) = setting("");
    let asks = [("x-api-key", "sk-wrong"), ("expect", "100-continue")];
    let mut client = TcpStream::connect(&gateway.address).unwrap();
    client.set_read_timeout(Some(PATIENCE)).unwrap();
    client.write_all(&head(asks[0].1, "content-length: 1000\r\nexpect: 100-continue")).unwrap();
    assert_eq!(receive(client).unwrap().whole_and_closed().status, 401);
    assert_eq!(begin(&gateway.address, "GET", "/healthz", &[], b"").whole().status, 200);
}

/// Whether a good request on the connection is answered well.
fn lives(client: &mut Frames) -> bool {
    let stream = client.post("/v1/messages", &RIGHT, br#"{"model":"m","max_tokens":1,"messages":[]}"#);
    let head = client.next(stream);
    client.rest(stream);
    head == Came::Head(true)
}

#[test]
fn a_connection_of_http_2_outlives_any_number_of_refused_uploads() {
    let (_upstream, gateway) = setting("");
    let mut client = Frames::connect(&gateway.address);
    client.widen(0, 1 << 30);
    for _ in 0..1_200 {
        let stream = client.begin("/v1/messages", &WRONG);
        client.send(stream, &[b' '; 48_000], true).unwrap();
        assert_eq!(client.next(stream), Came::Head(false));
        assert!(client.rest(stream).contains("authentication_error"));
    }
    assert!(lives(&mut client) && !client.goes_away);
}

#[test]
fn a_connection_of_http_2_outlives_frames_that_come_late_and_is_drained_in_the_end() {
    const AT_ONCE: usize = 240;
    let (_upstream, gateway) = setting("");
    let mut client = Frames::connect(&gateway.address);
    client.widen(0, 1 << 30);
    let refused = |client: &mut Frames| {
        let streams: Vec<u32> = (0..AT_ONCE).map(|_| client.begin("/v1/messages", &WRONG)).collect();
        // None of them ends, so that each is answered before all of it has come.
        for stream in &streams {
            assert_eq!(client.next(*stream), Came::Head(false));
            // Of a size that real ones have: small ones are bounded otherwise.
            for _ in 0..5 {
                client.late(*stream, &[b' '; 300]);
            }
        }
    };
    for _ in 0..4 {
        refused(&mut client);
        assert!(lives(&mut client) && !client.goes_away);
    }
    refused(&mut client);
    // Whatever is asked until it is drained is answered.
    assert!(lives(&mut client));
    client.until_it_ends();
    assert!(client.goes_away);
}

#[test]
fn small_frames_that_come_late_end_no_connection_with_what_is_on_it() {
    // Each is read on for a while after its refusal, all of them at the same time.
    const AT_ONCE: usize = 10;
    let (_upstream, gateway) = setting("");
    let mut client = Frames::connect(&gateway.address);
    client.widen(0, 1 << 30);
    let mut late = 0;
    while !client.goes_away {
        let refused: Vec<u32> = (0..AT_ONCE).map(|_| client.begin("/v1/messages", &WRONG)).collect();
        for stream in refused {
            assert_eq!(client.next(stream), Came::Head(false));
            // As a client writes on that has not seen its refusal yet.
            for _ in 0..20 {
                client.late(stream, b"x");
            }
            late += 20;
        }
        // What is asked until then is answered, and the connection ends by itself.
        assert!(lives(&mut client), "after {late}");
        assert!(late < 10_000, "it is never drained");
    }
    assert!(late > 1_000, "it lives on for a while: {late}");
    client.until_it_ends();
    // One that reads bodies of small pieces has no such end.
    let mut client = Frames::connect(&gateway.address);
    for _ in 0..3_000 / 40 {
        let stream = client.begin("/v1/messages", &RIGHT);
        let body = br#"{"model":"m","max_tokens":1,"messages":[]}"#;
        for piece in body.chunks(1) {
            client.send(stream, piece, false).unwrap();
        }
        client.send(stream, b"", true).unwrap();
        assert_eq!(client.next(stream), Came::Head(true));
        client.rest(stream);
    }
    assert!(!client.goes_away);
}
