//! A request that the server says it has not taken is sent again, and held against nobody.

use std::sync::atomic::{AtomicUsize, Ordering};

use sluice_tests::client::begin;
use sluice_tests::frame::{
    ENHANCE_YOUR_CALM, HTTP_1_1_REQUIRED, INTERNAL_ERROR, NO_ERROR, PROTOCOL_ERROR, REFUSED_STREAM,
};
use sluice_tests::gateway::KEY;
use sluice_tests::load;
use sluice_tests::upstream::{Begins, Manner, Step, Upstream};

use super::{before, is_well, spoken, usual};

/// An upstream that takes each second request only, and of the others says so in this way.
fn every_second(manner: Manner, says: impl Fn() -> Vec<Step> + Send + Sync + 'static) -> Upstream {
    let count = AtomicUsize::new(0);
    Upstream::http2(manner, move |request| match count.fetch_add(1, Ordering::SeqCst) % 2 {
        0 => says(),
        _ => usual(request),
    })
}

/// Each of some requests is answered at its second try, which is no attempt of its own.
fn check(what: &str, upstream: &Upstream) {
    let gateway = before(upstream, "http = \"2\"");
    for turn in 0..6 {
        let streamed = turn % 2 == 1;
        load::sample(&gateway, spoken(), streamed).unwrap_or_else(|told| panic!("{what}, {turn}: {told}"));
        assert_eq!(gateway.record()["attempts"], 1, "{what}");
    }
    is_well(&gateway, what);
    assert_eq!(upstream.seen().len(), 12, "{what}");
}

#[test]
fn a_stream_that_is_refused_is_sent_again() {
    check("refused", &every_second(Manner::default(), || vec![Step::Reset(REFUSED_STREAM)]));
}

#[test]
fn a_connection_that_ends_before_a_stream_leaves_it_to_the_next() {
    for code in [NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, ENHANCE_YOUR_CALM] {
        for closes in [false, true] {
            let upstream = every_second(Manner::default(), move || {
                let last = if closes { Step::Close } else { Step::Hang };
                vec![Step::GoAway { code, taken: false }, last]
            });
            check(&format!("GOAWAY with {code}, closes: {closes}"), &upstream);
        }
    }
}

#[test]
fn what_is_refused_again_and_again_is_sent_a_few_times() {
    let count = AtomicUsize::new(0);
    let upstream = Upstream::http2(Manner::default(), move |request| {
        match (request.header("x-turn"), count.fetch_add(1, Ordering::SeqCst) % 3) {
            (None, 0) => vec![Step::Reset(REFUSED_STREAM)],
            (None, 1) => vec![Step::GoAway { code: NO_ERROR, taken: false }, Step::Hang],
            (None, _) => usual(request),
            _ => vec![Step::Reset(REFUSED_STREAM)],
        }
    });
    let gateway = before(&upstream, "http = \"2\"");
    for turn in 0..4 {
        load::sample(&gateway, spoken(), turn % 2 == 1).unwrap();
        assert_eq!(gateway.record()["attempts"], 1);
    }
    is_well(&gateway, "refused twice");
    let already = upstream.seen().len();
    let headers = [("x-api-key", KEY), ("x-turn", "never")];
    let (path, body) = (spoken().paths[0], spoken().request);
    let answer = begin(&gateway.address, "POST", path, &headers, body.as_bytes());
    assert_eq!((answer.status, upstream.seen().len() - already), (502, 4));
}

#[test]
fn connections_that_end_before_they_carry_a_request_are_tried_anew() {
    let going = |beginning| Manner { begins: Begins::GoingAway, beginning, ..Manner::default() };
    let upstream = Upstream::http2(going(2), usual);
    let gateway = before(&upstream, "");
    load::sample(&gateway, spoken(), false).unwrap();
    assert_eq!(gateway.record()["attempts"], 1);
    is_well(&gateway, "a restart");

    let upstream = Upstream::http2(going(usize::MAX), usual);
    let gateway = before(&upstream, "");
    assert_eq!(gateway.post(spoken().paths[0], spoken().request).status, 502);
    let record = gateway.record()["tries"].to_string();
    assert!(record.contains("ends its HTTP/2 connections before they carry a request"), "{record}");
    assert!(upstream.accepted() <= 4, "{} connections", upstream.accepted());
}

/// Of a connection that ends without a word it is not known what was taken: it is sent once more where it may just have
/// gone stale, and never where it was fresh.
#[test]
fn a_connection_that_closes_without_a_word_is_stale_where_it_was_kept() {
    let count = AtomicUsize::new(0);
    let upstream =
        Upstream::http2(Manner::default(), move |request| match count.fetch_add(1, Ordering::SeqCst) {
            1 | 3 | 4 => vec![Step::Close],
            _ => usual(request),
        });
    let gateway = before(&upstream, "");
    for _ in 0..2 {
        load::sample(&gateway, spoken(), false).unwrap();
        assert_eq!(gateway.record()["attempts"], 1);
    }
    assert_eq!(upstream.seen().len(), 3);
    // Now the second one breaks too, and that was fresh.
    assert_eq!(gateway.post(spoken().paths[0], spoken().request).status, 502);
    assert_eq!(upstream.seen().len(), 5);
}

#[test]
fn a_server_that_wants_http_1_1_gets_it() {
    let manner = Manner { http1: true, ..Manner::default() };
    let upstream = Upstream::http2(manner, |request| match request.protocol {
        "HTTP/2" => vec![Step::Reset(HTTP_1_1_REQUIRED)],
        _ => usual(request),
    });
    let gateway = before(&upstream, "http = \"2\"");
    for turn in 0..6 {
        load::sample(&gateway, spoken(), turn % 2 == 1).unwrap();
        assert_eq!(gateway.record()["attempts"], 1);
    }
    is_well(&gateway, "HTTP/1.1 is required");
}

#[test]
fn a_server_that_speaks_both_is_spoken_to_as_the_account_says() {
    for (http, protocol) in [("auto", "HTTP/1.1"), ("1.1", "HTTP/1.1"), ("2", "HTTP/2")] {
        let upstream = Upstream::http2(Manner { http1: true, ..Manner::default() }, usual);
        let gateway = before(&upstream, &format!("http = \"{http}\""));
        load::sample(&gateway, spoken(), false).unwrap();
        load::sample(&gateway, spoken(), true).unwrap();
        assert!(
            upstream.seen().iter().all(|seen| seen.protocol == protocol),
            "{http}: {:?}",
            upstream.last()
        );
    }
    // What speaks nothing else is spoken to by HTTP/2.
    let upstream = Upstream::http2(Manner::default(), usual);
    load::sample(&before(&upstream, "http = \"auto\""), spoken(), false).unwrap();
    assert_eq!(upstream.last().protocol, "HTTP/2");
}
