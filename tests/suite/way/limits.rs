//! What a connection bounds, a request is not bounded by: nobody waits for another's stream.

use std::net::TcpStream;
use std::sync::Mutex;
use std::sync::mpsc::channel;

use sluice_tests::client::{begin, post};
use sluice_tests::frame::{INITIAL_WINDOW_SIZE, MAX_CONCURRENT_STREAMS};
use sluice_tests::gateway::{Gateway, KEY};
use sluice_tests::load::{self, drive};
use sluice_tests::upstream::{
    GROUNDS, Ground, Manner, Request, Step, Upstream, chunk, end, stream_head, whole,
};
use sluice_tests::visitor::{SPEAKS, Visitor};

use super::{before, is_well, spoken, turn, usual};

/// Begins streams that go on until their clients leave.
fn open(gateway: &Gateway, count: usize) -> Vec<TcpStream> {
    let (path, body) = spoken().stream_request;
    (0..count).map(|_| post(&gateway.address, path, &[("x-api-key", KEY)], body.as_bytes())).collect()
}

#[test]
fn three_hundred_streams_are_open_at_once_where_a_connection_takes_a_hundred() {
    let manner = Manner { settings: vec![(MAX_CONCURRENT_STREAMS, 100)], ..Manner::default() };
    let endless = |_: &Request| {
        vec![stream_head("text/event-stream"), chunk(spoken().first_event().as_bytes()), Step::Hang]
    };
    for upstream in [
        Upstream::on(Ground::Plain, endless),
        Upstream::on(Ground::Tls, endless),
        Upstream::http2(manner, endless),
    ] {
        let gateway = before(&upstream, "");
        let clients = open(&gateway, 300);
        upstream.wait_for_open(300);
        drop(clients);
        upstream.wait_until_open(0);
        is_well(&gateway, "300 streams");
    }
}

#[test]
fn a_request_goes_through_the_smallest_window() {
    for window in [0, 1, 7] {
        let manner = Manner { settings: vec![(INITIAL_WINDOW_SIZE, window)], ..Manner::default() };
        let upstream = Upstream::http2(manner, usual);
        let gateway = before(&upstream, "first_byte_timeout = \"2s\"");
        match window {
            // Nothing may ever be sent there: that ends with the wait for an answer.
            0 => assert_eq!(gateway.post(spoken().paths[0], spoken().request).status, 504),
            _ => drive(4, 20, |number| load::sample(&gateway, spoken(), number % 2 == 0)),
        }
        gateway.until("nothing in flight", |gateway| gateway.in_flight() == 0);
    }
}

/// Answers that nobody reads: whole and large, or streams of thousands of small pieces.
fn unread(request: &Request) -> Vec<Step> {
    if turn(request, "large") {
        return whole(200, "", &"x".repeat(4 << 20));
    }
    if turn(request, "flood") {
        // Smaller than any token: what h2 counts of an unread frame is what it lacks of 256 bytes.
        let flood = (0..30_000).map(|_| chunk(b"event: x\ndata: {}\n\n"));
        let begins = [stream_head("text/event-stream"), chunk(spoken().first_event().as_bytes())];
        return begins.into_iter().chain(flood).chain([Step::Hang]).collect();
    }
    usual(request)
}

#[test]
fn clients_that_stop_reading_hold_up_nobody_else() {
    let (path, body) = spoken().stream_request;
    for (ground, turn) in GROUNDS.into_iter().flat_map(|ground| ["large", "flood"].map(|turn| (ground, turn)))
    {
        let upstream = Upstream::on(ground, unread);
        let gateway = before(&upstream, "");
        let headers = [("x-api-key", KEY), ("x-turn", turn)];
        let mut clients: Vec<Visitor> = SPEAKS
            .into_iter()
            .flat_map(|speaks| [speaks; 3])
            .map(|speaks| Visitor::post(&gateway, speaks, path, &headers, body.as_bytes()))
            .collect();
        for client in &mut clients {
            assert_eq!(client.status(), Some(200), "{turn} over {ground:?}");
        }
        drive(4, 60, |number| load::sample(&gateway, spoken(), number % 2 == 0));
        // They were there all the while; what one of them reads now comes.
        assert!(clients.iter_mut().all(|client| client.piece().unwrap().is_some()), "{turn} over {ground:?}");
        drop(clients);
        upstream.wait_until_open(0);
        drive(4, 20, |_| load::sample(&gateway, spoken(), true));
        is_well(&gateway, &format!("{turn} over {ground:?}"));
    }
}

#[test]
fn requests_beyond_what_connections_carry_wait_for_further_ones() {
    let manner = Manner { settings: vec![(MAX_CONCURRENT_STREAMS, 1)], ..Manner::default() };
    let upstream = Upstream::http2(manner, usual);
    let gateway = before(&upstream, "");
    drive(40, 80, |number| load::sample(&gateway, spoken(), number % 2 == 0));
    is_well(&gateway, "one stream a connection");
}

#[test]
fn a_server_that_allows_no_request_is_told_as_that() {
    let manner = Manner { settings: vec![(MAX_CONCURRENT_STREAMS, 0)], ..Manner::default() };
    let upstream = Upstream::http2(manner, usual);
    let gateway = before(&upstream, "connect_timeout = \"300ms\"");
    assert_eq!(gateway.post(spoken().paths[0], spoken().request).status, 504);
    let record = gateway.record()["tries"].to_string();
    assert!(record.contains("has allowed no request on it in 0.3 s"), "{record}");
}

#[test]
fn bodies_that_are_not_read_hold_up_no_other() {
    // Larger than the window, and so many that they fill it several times.
    for (size, count) in [(100_000, 3), (10_000, 20)] {
        let manner = Manner { body_max: 5_000, ..Manner::default() };
        let upstream = Upstream::http2(manner, usual);
        let gateway = before(&upstream, "");
        load::sample(&gateway, spoken(), false).unwrap();
        let (path, body) = (
            spoken().paths[0],
            format!("{{\"model\":\"m\",\"max_tokens\":1,\"x\":\"{}\"}}", "y".repeat(size)),
        );
        let stuck: Vec<TcpStream> = (0..count)
            .map(|_| post(&gateway.address, path, &[("x-api-key", KEY)], body.as_bytes()))
            .collect();
        drive(4, 60, |number| load::sample(&gateway, spoken(), number % 2 == 0));
        gateway.until("they are on their way", |gateway| gateway.in_flight() == count as u64);
        drive(4, 60, |number| load::sample(&gateway, spoken(), number % 2 == 0));
        drop(stuck);
        is_well(&gateway, &format!("bodies of {size} bytes that are not read"));
    }
}

#[test]
fn http_2_without_tls_is_spoken_where_it_is_asked_for() {
    let upstream = Upstream::on(Ground::ClearHttp2, usual);
    let gateway = before(&upstream, "");
    drive(4, 40, |number| load::sample(&gateway, spoken(), number % 2 == 0));
    assert!(upstream.seen().iter().all(|seen| seen.protocol == "HTTP/2"));
    is_well(&gateway, "HTTP/2 without TLS");
}

#[test]
fn a_head_that_is_too_long_costs_its_own_request_alone() {
    let go = Mutex::new(Vec::new());
    let upstream = Upstream::http2(Manner::default(), move |request| match request.header("x-turn") {
        Some("stays") => {
            let (tell, told) = channel();
            go.lock().unwrap().push(tell);
            let (first, rest) = spoken().stream.split_at(spoken().first_event().len());
            let begins = [stream_head("text/event-stream"), chunk(first.as_bytes())];
            begins.into_iter().chain([Step::Wait(told), chunk(rest.as_bytes()), end()]).collect()
        }
        Some("over") => {
            go.lock().unwrap().drain(..).for_each(|go| go.send(()).unwrap());
            whole(200, "", "{}")
        }
        Some(size) => whole(200, &format!("x-policy: {}\r\n", "p".repeat(size.parse().unwrap())), "{}"),
        None => usual(request),
    });
    let gateway = before(&upstream, "");
    let ask = |turn: &str| {
        let whole = (spoken().paths[0], spoken().request);
        let (path, body) = if turn == "stays" { spoken().stream_request } else { whole };
        begin(&gateway.address, "POST", path, &[("x-api-key", KEY), ("x-turn", turn)], body.as_bytes())
    };
    let stays = ask("stays");
    assert_eq!(ask("40000").status, 200);
    for size in ["70000", "300000", "900000"] {
        assert_eq!(ask(size).whole().status, 502, "{size}");
        let record = gateway.record()["tries"].to_string();
        assert!(record.contains("head of the upstream's answer is larger"), "{size}: {record}");
    }
    ask("over");
    assert_eq!(stays.whole().text(), spoken().stream);
    assert_eq!(upstream.accepted(), 1);
}

#[test]
fn a_large_request_goes_up_whole_over_every_ground() {
    let body = format!("{{\"model\":\"m\",\"max_tokens\":1,\"x\":\"{}\"}}", "y".repeat(1 << 20));
    for ground in GROUNDS {
        let upstream = Upstream::on(ground, |_| whole(200, "", "{\"good\":1}"));
        let gateway = before(&upstream, "");
        for speaks in SPEAKS {
            let headers = [("x-api-key", KEY)];
            let mut client = Visitor::post(&gateway, speaks, "/v1/messages", &headers, body.as_bytes());
            assert_eq!(client.status(), Some(200), "{speaks:?} to {ground:?}");
            assert_eq!(client.rest().unwrap(), "{\"good\":1}", "{speaks:?} to {ground:?}");
            assert!(upstream.last().body == body.as_bytes(), "{speaks:?} to {ground:?}");
        }
    }
}
