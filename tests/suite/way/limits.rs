//! What a connection bounds, a request is not bounded by: nobody waits for another's stream.

use std::net::TcpStream;

use sluice_tests::client::post;
use sluice_tests::frame::{INITIAL_WINDOW_SIZE, MAX_CONCURRENT_STREAMS};
use sluice_tests::gateway::{Gateway, KEY};
use sluice_tests::load::{self, drive};
use sluice_tests::upstream::{GROUNDS, Ground, Manner, Request, Step, Upstream, chunk, stream_head, whole};
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
        let event = "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0}\n\n";
        let flood = (0..30_000).map(|_| chunk(event.as_bytes()));
        return std::iter::once(stream_head("text/event-stream")).chain(flood).chain([Step::Hang]).collect();
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
