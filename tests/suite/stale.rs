//! Connections that went stale in a pool: whichever way the account goes, they are no attempt and no error.

use std::sync::atomic::{AtomicUsize, Ordering};

use sluice_tests::gateway::{Gateway, account, key};
use sluice_tests::proxy::{Manner, Proxy};
use sluice_tests::upstream::{Ground, Manner as Speaks, Request, Step, Upstream, whole};

const BODY: &str = r#"{"model":"m"}"#;

/// Every way to an upstream of HTTP/1.1: straight, or through a proxy of each kind, with and without TLS.
fn ways(
    does: impl Fn(usize) -> Vec<Step> + Copy + Send + Sync + 'static,
) -> Vec<(String, Gateway, Upstream)> {
    type Start = fn(Manner) -> Proxy;
    let straight: Option<(&str, Start)> = None;
    let ways = [straight, Some(("http", Proxy::http)), Some(("socks5h", Proxy::socks5))];
    let grounds = [Ground::Plain, Ground::Tls];
    let all = grounds.into_iter().flat_map(|ground| ways.map(|way| (ground, way)));
    all.map(|(ground, way)| {
        let count = AtomicUsize::new(0);
        let upstream = Upstream::on(ground, move |_| does(count.fetch_add(1, Ordering::SeqCst)));
        let proxied = way.map(|(scheme, start)| {
            format!("proxy = \"{scheme}://{}\"", start(Manner::Forward(upstream.address.clone())).address)
        });
        let config = upstream.account("a", "claude-console", &proxied.unwrap_or_default()) + &key("");
        (format!("{ground:?} by {:?}", way.map(|(scheme, _)| scheme)), Gateway::start(&config), upstream)
    })
    .collect()
}

/// An upstream that closes a kept connection on its second request, without an answer, as servers do whose own time
/// for idle connections was over just then.
#[test]
fn a_connection_that_closes_unanswered_is_no_attempt_whichever_way_it_goes() {
    let closing = |count| match count {
        1 => vec![Step::Close],
        _ => whole(200, "", "{\"good\":1}"),
    };
    for (way, gateway, upstream) in ways(closing) {
        for turn in ["the first", "on a stale connection", "on a fresh connection"] {
            let answer = gateway.post("/v1/messages", BODY);
            assert_eq!(answer.status, 200, "{way}, {turn}: {}", answer.text());
            let record = gateway.record();
            assert_eq!(
                (record["attempts"].as_u64(), record["outcome"].as_str()),
                (Some(1), Some("completed")),
                "{way}, {turn}"
            );
        }
        assert_eq!(upstream.seen().len(), 4, "{way}: three requests, one of them sent again");
    }
}

#[test]
fn a_fresh_connection_that_closes_unanswered_is_an_attempt() {
    for (way, gateway, upstream) in ways(|_| vec![Step::Close]) {
        assert_eq!(gateway.post("/v1/messages", BODY).status, 502, "{way}");
        let attempts = gateway.record()["attempts"].as_u64();
        assert_eq!((upstream.seen().len(), attempts), (1, Some(1)), "{way}");
    }
}

/// A byte of an answer makes it an attempt, and one that may be paid: nothing is sent again.
#[test]
fn half_an_answer_on_a_kept_connection_is_an_attempt() {
    let line = || vec![Step::Bytes(b"HTTP/1.1 2".to_vec()), Step::Close];
    let body = || whole(200, "", "{\"half\":1}").into_iter().take(1).chain([Step::Close]).collect();
    for (broken, status) in [(line as fn() -> Vec<Step>, 502), (body, 502)] {
        let halves = move |count| match count {
            0 => whole(200, "", "{}"),
            _ => broken(),
        };
        for (way, gateway, upstream) in ways(halves) {
            assert_eq!(gateway.post("/v1/messages", BODY).status, 200, "{way}");
            assert_eq!(gateway.post("/v1/messages", BODY).status, status, "{way}");
            assert_eq!(upstream.seen().len(), 2, "{way}");
        }
    }
}

/// Upstreams close kept connections right after an answer, also in the moment in which the next request takes one: it
/// is sent on another, and never waits for one that has ended.
#[test]
fn no_request_waits_for_a_connection_that_has_ended() {
    let upstream =
        Upstream::start(|_| [whole(200, "", "{}"), vec![Step::Close]].into_iter().flatten().collect());
    let gateway = Gateway::start(&(account("a", "claude-console", &upstream.address, "") + &key("")));
    for turn in 0..1000 {
        assert_eq!(gateway.post("/v1/messages", BODY).status, 200, "{turn}");
    }
}

#[test]
fn a_head_of_many_kilobytes_is_an_answer_like_any_other() {
    let long = format!("x-policy: {}\r\n", "p".repeat(40_000));
    let upstream = Upstream::start(move |_| whole(200, &long, "{\"good\":1}"));
    let gateway = Gateway::start(&(account("a", "claude-console", &upstream.address, "") + &key("")));
    let answer = gateway.post("/v1/messages", BODY);
    assert_eq!((answer.status, answer.text().as_str()), (200, "{\"good\":1}"));
}

/// Upstreams that end each connection with its answer: what the next request needs is there before it comes.
#[test]
fn a_server_in_use_has_a_connection_ready() {
    let closing = |_: &Request| [whole(200, "", "{}"), vec![Step::Close]].into_iter().flatten().collect();
    let going = Speaks { requests_max: 1, ..Speaks::default() };
    for upstream in [Upstream::start(closing), Upstream::http2(going, |_| whole(200, "", "{}"))] {
        let gateway = Gateway::start(&(upstream.account("a", "claude-console", "") + &key("")));
        assert_eq!((gateway.post("/v1/messages", BODY).status, upstream.seen().len()), (200, 1));
        gateway.until("a connection is opened ahead", |_| upstream.accepted() == 2);
        assert_eq!((gateway.post("/v1/messages", BODY).status, upstream.accepted()), (200, 2));
    }
}
