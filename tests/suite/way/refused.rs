//! A request that the server says it has not taken is sent again, and held against nobody.

use std::sync::atomic::{AtomicUsize, Ordering};

use sluice_tests::frame::{
    ENHANCE_YOUR_CALM, HTTP_1_1_REQUIRED, INTERNAL_ERROR, NO_ERROR, PROTOCOL_ERROR, REFUSED_STREAM,
};
use sluice_tests::load;
use sluice_tests::upstream::{Manner, Step, Upstream};

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
