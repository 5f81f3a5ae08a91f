//! Clients at their worst, by either protocol, with and without TLS: they write before they read, send too much, stop
//! reading, leave; and get what is theirs, and hold nothing.

use sluice_tests::dialects::dialect;
use sluice_tests::gateway::{Folder, Gateway, KEY, key};
use sluice_tests::tls::Certificate;
use sluice_tests::upstream::{Request, Step, Upstream, chunk, stream_head, whole};
use sluice_tests::visitor::{SPEAKS, Speaks, Visitor};

const PATH: &str = "/v1/messages";

/// Larger than what any of the buffers on the way takes at once.
const UPLOAD: usize = 300_000;

/// Each way that a client can come, to a gateway with this configuration and an account at this upstream.
fn ways(config: &str, upstream: &Upstream) -> Vec<(String, Gateway, Speaks)> {
    let folder = Folder::new();
    let secure = Certificate::of_the_suite(&folder.0).settings();
    let rest = upstream.account("a", "claude-console", "") + &key("");
    ["", secure.as_str()]
        .into_iter()
        .flat_map(|tls| SPEAKS.map(|speaks| (tls, speaks)))
        .map(|(tls, speaks)| {
            let what = format!("{speaks:?}{}", if tls.is_empty() { "" } else { " over TLS" });
            (what, Gateway::start(&format!("{config}{tls}{rest}")), speaks)
        })
        .collect()
}

fn good(_: &Request) -> Vec<Step> {
    whole(200, "", "{\"good\":1}")
}

#[test]
fn who_writes_first_reads_the_refusal_all_the_same() {
    let upstream = Upstream::start(good);
    for (what, gateway, speaks) in ways("server.max_body = \"200KB\"\n", &upstream) {
        for (secret, status) in [("unknown", 401), (KEY, 413)] {
            let mut client = Visitor::begin(&gateway, speaks, PATH, &[("x-api-key", secret)], UPLOAD);
            let written = client.write(&vec![b' '; UPLOAD], true);
            // A stream may be reset once its answer is there; a connection that breaks may take the answer along.
            assert!(written.is_ok() || speaks == Speaks::Http2, "{what}, {status}: {written:?}");
            assert_eq!(client.status(), Some(status), "{what}");
        }
        assert_eq!(gateway.ask("POST", PATH, "{\"model\":\"m\"}").status, 200, "{what}");
    }
    assert_eq!(upstream.seen().len(), 4);
}

#[test]
fn a_body_longer_than_it_said_is_not_served_over_http_2() {
    let upstream = Upstream::start(good);
    for (what, gateway, speaks) in ways("", &upstream) {
        if speaks == Speaks::Http1 {
            continue;
        }
        let body = b"{\"model\":\"m\"}";
        let mut client = Visitor::begin(&gateway, speaks, PATH, &[("x-api-key", KEY)], body.len() - 1);
        let _ = client.write(body, true);
        assert_ne!(client.status(), Some(200), "{what}");
        assert_eq!(gateway.ask("POST", PATH, "{\"model\":\"m\"}").status, 200, "{what}");
    }
    assert_eq!(upstream.seen().len(), 2);
}

#[test]
fn who_sends_too_much_and_leaves_is_noticed() {
    let begun = |_: &Request| {
        let first = chunk(dialect("anthropic").first_event().as_bytes());
        vec![stream_head("text/event-stream"), first, Step::Hang]
    };
    let (path, body) = dialect("anthropic").stream_request;
    for wait in [false, true] {
        let upstream = Upstream::start(move |request| if wait { vec![Step::Hang] } else { begun(request) });
        for (what, gateway, speaks) in ways("", &upstream) {
            if speaks == Speaks::Http2 {
                continue;
            }
            for extra in [&b"\r\n"[..], b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n"] {
                let mut client =
                    Visitor::post(&gateway, speaks, path, &[("x-api-key", KEY)], body.as_bytes());
                client.write(extra, false).unwrap();
                upstream.wait_for_open(1);
                if !wait {
                    assert_eq!(client.status(), Some(200), "{what}");
                }
                drop(client);
                upstream.wait_until_open(0);
                gateway.until("nothing in flight", |gateway| gateway.in_flight() == 0);
                assert_eq!(gateway.record()["outcome"], "client_gone", "{what}");
            }
        }
    }
}

#[test]
fn who_stops_reading_is_given_up_and_holds_nothing() {
    let upstream = Upstream::start(|_| {
        let more = (0..64).map(|_| chunk(&vec![b'x'; 1 << 20]));
        std::iter::once(stream_head("application/json")).chain(more).chain([Step::Hang]).collect()
    });
    for (what, gateway, speaks) in ways("server.send_timeout = \"400ms\"\n", &upstream) {
        let mut client = Visitor::post(&gateway, speaks, PATH, &[("x-api-key", KEY)], b"{\"model\":\"m\"}");
        assert_eq!(client.status(), Some(200), "{what}");
        upstream.wait_until_open(0);
        gateway.until("nothing in flight", |gateway| gateway.in_flight() == 0);
        assert_eq!(gateway.record()["outcome"], "client_gone", "{what}");
        drop(client);
    }
}
