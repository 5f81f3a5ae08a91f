//! Connections that went stale in a pool: whichever way the account goes, they are no attempt and no error.

use std::sync::atomic::{AtomicUsize, Ordering};

use sluice_tests::gateway::{Folder, Gateway, account, key};
use sluice_tests::proxy::{Manner, Proxy};
use sluice_tests::tls::{Certificate, Front};
use sluice_tests::upstream::{Step, Upstream, whole};

const BODY: &str = r#"{"model":"m"}"#;

/// An upstream that closes a kept connection on its second request, without an answer, as servers do whose own time
/// for idle connections was over just then.
fn closing() -> Upstream {
    let count = AtomicUsize::new(0);
    Upstream::start(move |_| match count.fetch_add(1, Ordering::SeqCst) {
        1 => vec![Step::Close],
        _ => whole(200, "", "{\"good\":1}"),
    })
}

fn check(way: &str, gateway: &Gateway, upstream: &Upstream) {
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

#[test]
fn a_connection_that_closes_unanswered_is_no_attempt_whichever_way_it_goes() {
    let upstream = closing();
    let plain = account("a", "claude-console", &upstream.address, "") + &key("");
    check("plain", &Gateway::start(&plain), &upstream);

    for (way, start) in [("http", Proxy::http as fn(Manner) -> Proxy), ("socks5h", Proxy::socks5)] {
        let upstream = closing();
        let proxy = start(Manner::Forward(upstream.address.clone()));
        let more = format!("proxy = \"{way}://{}\"", proxy.address);
        let config = account("a", "claude-console", &upstream.address, &more) + &key("");
        check(way, &Gateway::start(&config), &upstream);
    }

    let folder = Folder::new();
    let certificate = Certificate::make(&folder.0);
    let upstream = closing();
    let front = Front::start(&certificate, &upstream.address);
    let config = account("a", "claude-console", &front.address, "").replace("\"http:", "\"https:") + &key("");
    check("TLS", &Gateway::trusting(&certificate.authority, &config), &upstream);
}

#[test]
fn a_fresh_connection_that_closes_unanswered_is_an_attempt() {
    let upstream = Upstream::start(|_| vec![Step::Close]);
    let gateway = Gateway::start(&(account("a", "claude-console", &upstream.address, "") + &key("")));
    assert_eq!(gateway.post("/v1/messages", BODY).status, 502);
    assert_eq!((upstream.seen().len(), gateway.record()["attempts"].as_u64()), (1, Some(1)));
}

/// A byte of an answer makes it an attempt, and one that may be paid: nothing is sent again.
#[test]
fn half_a_status_line_on_a_kept_connection_is_an_attempt() {
    let count = AtomicUsize::new(0);
    let upstream = Upstream::start(move |_| match count.fetch_add(1, Ordering::SeqCst) {
        0 => whole(200, "", "{}"),
        _ => vec![Step::Bytes(b"HTTP/1.1 2".to_vec()), Step::Close],
    });
    let gateway = Gateway::start(&(account("a", "claude-console", &upstream.address, "") + &key("")));
    assert_eq!(gateway.post("/v1/messages", BODY).status, 200);
    assert_eq!(gateway.post("/v1/messages", BODY).status, 502);
    assert_eq!(upstream.seen().len(), 2);
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

/// An upstream that closes each connection behind its answer: what the next request needs is there before it comes.
#[test]
fn a_server_in_use_has_a_connection_ready() {
    let upstream =
        Upstream::start(|_| [whole(200, "", "{}"), vec![Step::Close]].into_iter().flatten().collect());
    let gateway = Gateway::start(&(account("a", "claude-console", &upstream.address, "") + &key("")));
    assert_eq!((gateway.post("/v1/messages", BODY).status, upstream.seen().len()), (200, 1));
    gateway.until("a connection is opened ahead", |_| upstream.accepted() == 2);
    assert_eq!((gateway.post("/v1/messages", BODY).status, upstream.accepted()), (200, 2));
}
