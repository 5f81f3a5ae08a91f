//! Connections that end, fall silent or die: they cost who was on them, and nobody else.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use sluice_tests::client::{begin, post, receive};
use sluice_tests::dice::Dice;
use sluice_tests::frame::{MAX_CONCURRENT_STREAMS, WINDOW_UPDATE};
use sluice_tests::gateway::{Gateway, KEY};
use sluice_tests::load::{self, drive, drive_until};
use sluice_tests::moment;
use sluice_tests::upstream::{GROUNDS, Ground, Manner, Request, Step, Upstream, chunk, end, stream_head};

use super::{before, is_well, spoken, turn, usual};

/// Requests that ride on connections when these die: more than two of them carry.
const RIDERS: usize = 128;

/// Requests that one connection carries.
const CARRIED: usize = 32;

#[test]
fn connections_that_die_at_once_are_one_failure_however_many_requests_rode_on_them() {
    let (path, body) = (spoken().paths[0], spoken().request);
    for ground in GROUNDS {
        let carried = if ground == Ground::Http2 { CARRIED } else { 1 };
        let (goes, waits): (Vec<_>, Vec<_>) = (0..RIDERS).map(|_| sync_channel(0)).unzip();
        let waits = Mutex::new(waits);
        let upstream = Upstream::on(ground, move |request| {
            let Some(wait) = waits.lock().unwrap().pop() else { return usual(request) };
            // Something of the request's own: so it was read, and is not to be sent again.
            let heard = match ground {
                Ground::Http2 => Step::Frame(WINDOW_UPDATE, 0, 1_u32.to_be_bytes().to_vec()),
                _ => Step::Bytes(b"HTTP/1.1 103 Early Hints\r\n\r\n".to_vec()),
            };
            vec![heard, Step::Wait(wait), Step::Hang]
        });
        let gateway = before(&upstream, "");
        let headers = [("x-api-key", KEY)];
        let riders: Vec<_> =
            (0..RIDERS).map(|_| post(&gateway.address, path, &headers, body.as_bytes())).collect();
        // Each is taken only where what comes before it is written.
        goes.into_iter().for_each(|go| go.send(()).unwrap());
        upstream.cut();
        let told: Vec<u16> = riders.into_iter().map(|rider| receive(rider).unwrap().status).collect();
        assert_eq!(told, [502; RIDERS], "{ground:?}");
        assert_eq!(upstream.seen().len(), RIDERS, "{ground:?}: none is sent again");
        assert!(upstream.accepted() >= RIDERS / carried, "{ground:?}: {} connections", upstream.accepted());
        is_well(&gateway, &format!("{ground:?}"));
        load::sample(&gateway, spoken(), false).unwrap();
    }
}

#[test]
fn a_silent_connection_is_asked_and_left_out_while_those_on_it_wait() {
    let upstream = Upstream::on(Ground::Http2, waiting);
    let gateway = before(&upstream, "");
    load::sample(&gateway, spoken(), false).unwrap();
    let (path, body) = (spoken().paths[0], spoken().request);
    let headers = [("x-api-key", KEY), ("x-turn", "waits")];
    let stays = post(&gateway.address, path, &headers, body.as_bytes());
    upstream.wait_for_open(1);
    upstream.silence();
    let before = upstream.pings();
    gateway.until("it is asked", |_| upstream.pings() > before);
    drive(1, 10, |number| load::sample(&gateway, spoken(), number % 2 == 0));
    assert_eq!((upstream.accepted(), upstream.connected()), (2, 2), "it is left out, and not closed");
    drop(stays);
}

#[test]
fn a_connection_that_falls_silent_costs_at_most_those_who_are_on_it() {
    for ground in GROUNDS {
        let upstream = Upstream::on(ground, usual);
        let gateway = before(&upstream, "first_byte_timeout = \"1s\"");
        load::sample(&gateway, spoken(), false).unwrap();
        assert_eq!(upstream.accepted(), 1, "{ground:?}");
        upstream.silence();
        // The one that finds out may fail; whoever comes after it is served by another connection.
        let _ = load::sample(&gateway, spoken(), false);
        drive(1, 10, |number| load::sample(&gateway, spoken(), number % 2 == 0));
        assert!(upstream.accepted() > 1, "{ground:?}");
    }
}

/// A request waits in silence, and its client leaves.
fn leave_in_silence(gateway: &Gateway, upstream: &Upstream) {
    let (path, body) = (spoken().paths[0], spoken().request);
    let headers = [("x-api-key", KEY), ("x-turn", "waits")];
    upstream.wait_until_open(0);
    let client = post(&gateway.address, path, &headers, body.as_bytes());
    upstream.wait_for_open(1);
    // Longer than makes a connection doubtful, which is a second since it was last heard: that may be a little later than
    // its request was there.
    moment::pause(Duration::from_millis(1_300));
    drop(client);
    gateway.until("nothing in flight", |gateway| gateway.in_flight() == 0);
}

fn waiting(request: &Request) -> Vec<Step> {
    if turn(request, "waits") { vec![Step::Hang] } else { usual(request) }
}

#[test]
fn a_client_that_leaves_a_slow_answer_costs_no_connection() {
    let upstream = Upstream::on(Ground::Http2, waiting);
    let gateway = before(&upstream, "");
    load::sample(&gateway, spoken(), false).unwrap();
    for departure in 1..=5 {
        leave_in_silence(&gateway, &upstream);
        gateway.until("the connection was asked", |_| upstream.pings() >= departure);
    }
    drive(1, 20, |number| load::sample(&gateway, spoken(), number % 2 == 0));
    // The next request may have come before the answer.
    assert!(upstream.accepted() <= 2, "{} connections", upstream.accepted());
}

#[test]
fn a_connection_that_answers_no_question_ends_whoever_is_on_it() {
    let upstream = Upstream::on(Ground::Http2, waiting);
    let gateway = before(&upstream, "");
    load::sample(&gateway, spoken(), false).unwrap();
    let (path, body) = (spoken().paths[0], spoken().request);
    let headers = [("x-api-key", KEY), ("x-turn", "waits")];
    let stays = post(&gateway.address, path, &headers, body.as_bytes());
    upstream.wait_for_open(1);
    upstream.silence();
    let leaves = post(&gateway.address, path, &headers, body.as_bytes());
    gateway.until("both wait", |gateway| gateway.in_flight() == 2);
    moment::pause(Duration::from_millis(1_200));
    drop(leaves);
    assert_eq!(receive(stays).unwrap().status, 502);
    gateway
        .until("it is closed, and another opened", |_| (upstream.accepted(), upstream.connected()) == (2, 1));
    drive(1, 4, |number| load::sample(&gateway, spoken(), number % 2 == 0));
    assert_eq!(upstream.accepted(), 2);
}

#[test]
fn connections_that_end_gracefully_now_and_then_lose_no_request() {
    let upstream = Upstream::http2(Manner { requests_max: 100, ..Manner::default() }, usual);
    let gateway = before(&upstream, "");
    drive(32, 3_000, |number| load::sample(&gateway, spoken(), number % 2 == 0));
    is_well(&gateway, "graceful ends");
    assert!(upstream.accepted() >= 30, "{}", upstream.accepted());
}

#[test]
fn connections_that_close_just_after_their_answer_hold_up_nobody() {
    for (ground, count) in [(Ground::Plain, 10_000), (Ground::Tls, 2_000)] {
        let dice = Mutex::new(Dice::new(3));
        let upstream = Upstream::on(ground, move |request| {
            let wait = Duration::from_micros(dice.lock().unwrap().below(400) as u64);
            let mut steps = usual(request);
            steps.extend([Step::Pause(wait), Step::Close]);
            steps
        });
        // Whoever waits for this long was forgotten.
        let gateway = before(&upstream, "first_byte_timeout = \"10s\"");
        drive(16, count, |_| load::sample(&gateway, spoken(), false));
        is_well(&gateway, &format!("{ground:?}"));
    }
}

#[test]
fn a_second_burst_of_cold_connections_resumes_what_the_first_one_began() {
    const BURST: usize = 30;
    // Slowly enough that each has a connection of its own.
    let slow = |request: &Request| {
        std::iter::once(Step::Pause(Duration::from_millis(500))).chain(usual(request)).collect()
    };
    let one_each = Manner { settings: vec![(MAX_CONCURRENT_STREAMS, 1)], ..Manner::default() };
    for upstream in [Upstream::on(Ground::Tls, slow), Upstream::http2(one_each, slow)] {
        let gateway = before(&upstream, "");
        let burst = || {
            let (accepted, resumed) = (upstream.accepted(), upstream.resumed());
            drive(BURST, BURST, |_| load::sample(&gateway, spoken(), false));
            upstream.cut();
            (upstream.accepted() - accepted, upstream.resumed() - resumed)
        };
        burst();
        let (cold, resumed) = burst();
        // Some are cold for the second time, and one may be opened ahead that is not done with its handshake.
        let spoken = upstream.last().protocol;
        assert!(cold >= BURST / 2 && resumed + 1 >= cold, "{spoken}: {resumed} of {cold}");
    }
}

/// A stream that outlasts many departures.
fn long(request: &Request) -> Vec<Step> {
    if turn(request, "leaves") {
        let event = "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0}\n\n";
        let first = chunk(spoken().first_event().as_bytes());
        let more = (0..400).map(|_| chunk(event.as_bytes()));
        return [stream_head("text/event-stream"), first]
            .into_iter()
            .chain(more)
            .chain([Step::Hang])
            .collect();
    }
    let paced = spoken().stream.split_inclusive("\n\n");
    let paced = paced.flat_map(|event| [chunk(event.as_bytes()), Step::Pause(Duration::from_millis(200))]);
    std::iter::once(stream_head("text/event-stream")).chain(paced).chain([end()]).collect()
}

#[test]
fn clients_that_leave_with_data_on_its_way_break_nobody_elses_stream() {
    let (path, body) = spoken().stream_request;
    for ground in GROUNDS {
        let upstream = Upstream::on(ground, long);
        let gateway = before(&upstream, "");
        let over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let staying = scope.spawn(|| drive_until(4, &over, |_| load::sample(&gateway, spoken(), true)));
            // A library's bound is a thousand, for the whole life of a connection.
            drive(4, 1_500, |_| {
                let headers = [("x-api-key", KEY), ("x-turn", "leaves")];
                let mut answer = begin(&gateway.address, "POST", path, &headers, body.as_bytes());
                match answer.piece() {
                    Ok(Some(_)) => Ok(()),
                    other => Err(format!("{} and {other:?}", answer.status)),
                }
            });
            over.store(true, Ordering::SeqCst);
            assert!(staying.join().unwrap() >= 4, "{ground:?}");
        });
        upstream.wait_until_open(0);
        is_well(&gateway, &format!("{ground:?}"));
    }
}
