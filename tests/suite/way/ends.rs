//! Where a stream's end stands is the server's affair.

use std::time::Duration;

use sluice_tests::frame::{DATA, PADDED};
use sluice_tests::frames::Frames;
use sluice_tests::gateway::KEY;
use sluice_tests::load::{self, drive};
use sluice_tests::upstream::{Ends, Ground, Manner, Request, Step, Upstream};

use super::{before, is_well, spoken, usual};

/// Of those that are told of, some may cross with the end.
const RESETS_MAX: usize = 5;

/// Requests whose places one connection surely has at once: of its 32, one is a request's own, and three are for answers
/// before it that are whole but for an end that comes late.
const AT_ONCE: usize = 8;

#[test]
fn thousands_of_whole_answers_whose_end_comes_apart_reset_nothing() {
    for (ends, threads, count) in [
        (Ends::Apart, 16, 8_000),
        (Ends::After(Duration::from_millis(1)), 16, 2_500),
        (Ends::Apart, 1, 5_000),
    ] {
        let upstream = Upstream::http2(Manner { ends, ..Manner::default() }, usual);
        let gateway = before(&upstream, "");
        drive(threads, count, |_| load::sample(&gateway, spoken(), false));
        is_well(&gateway, &format!("{ends:?}"));
        let resets = upstream.resets();
        assert!(resets.len() <= RESETS_MAX, "{ends:?}: {} resets, like {:?}", resets.len(), resets.first());
        let connections = upstream.accepted();
        assert!(connections <= threads.div_ceil(AT_ONCE), "{ends:?}: {connections} connections");
    }
}

#[test]
fn trailers_and_an_end_within_the_last_piece_are_ends_too() {
    for ends in [Ends::Apart, Ends::Within] {
        let upstream = Upstream::http2(Manner { ends, ..Manner::default() }, |request| {
            let mut steps = usual(request);
            if request.header("x-turn").is_none() {
                steps.pop();
                steps.push(Step::Trailers("x-checksum: 1\r\n".to_owned()));
            }
            steps
        });
        let gateway = before(&upstream, "");
        drive(4, 200, |number| load::sample(&gateway, spoken(), number % 2 == 0));
        is_well(&gateway, &format!("{ends:?}"));
        assert!(upstream.resets().len() <= RESETS_MAX, "{ends:?}: {:?}", upstream.resets());
    }
}

/// The sample with these frames behind its head, slowly enough that others go on beside it.
fn with(request: &Request, frames: usize, flags: u8, payload: &[u8]) -> Vec<Step> {
    let mut steps = usual(request);
    let (begins, rest) =
        ((0..frames).map(|_| Step::Frame(DATA, flags, payload.to_vec())), steps.split_off(1));
    steps.extend(begins.chain([Step::Pause(Duration::from_millis(20))]).chain(rest));
    steps
}

#[test]
fn frames_that_say_nothing_end_nothing() {
    let upstream = Upstream::http2(Manner::default(), |request| with(request, 150, 0, &[]));
    let gateway = before(&upstream, "");
    drive(AT_ONCE, 100, |number| load::sample(&gateway, spoken(), number % 2 == 0));
    is_well(&gateway, "empty frames");
    assert_eq!(upstream.accepted(), 1);
}

#[test]
fn a_connection_that_brings_much_padding_is_left_before_it_ends() {
    let upstream = Upstream::http2(Manner::default(), |request| with(request, 30, PADDED, &[3, 0, 0, 0]));
    let gateway = before(&upstream, "");
    drive(1, 20, |number| load::sample(&gateway, spoken(), number % 2 == 0));
    is_well(&gateway, "padding");
    assert!(upstream.accepted() >= 5, "{} connections", upstream.accepted());
}

#[test]
fn a_client_gets_no_frame_for_an_end_that_came_apart() {
    let upstream = Upstream::on(Ground::Http2, usual);
    let gateway = before(&upstream, "");
    let mut client = Frames::connect(&gateway.address);
    let (path, body) = spoken().stream_request;
    for _ in 0..20 {
        let stream = client.post(path, &[("x-api-key", KEY)], body.as_bytes());
        assert_eq!(client.rest(stream), spoken().stream);
    }
    assert_eq!(client.empty, 0);
}
