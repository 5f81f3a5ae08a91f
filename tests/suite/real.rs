//! Servers that others wrote in front of the scripted upstream: nginx, HAProxy and node, over HTTP/1.1 and HTTP/2.

mod sdks;

use std::net::TcpStream;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sluice_tests::client::post;
use sluice_tests::dialects::{dialect, streaming};
use sluice_tests::fleet::{Fleet, asks_stream, sample};
use sluice_tests::gateway::{Gateway, KEY, key};
use sluice_tests::load::{self, drive, drive_until};
use sluice_tests::moment::{now, pass};
use sluice_tests::real::{KINDS, Kind, Real};
use sluice_tests::upstream::{Request, Step, chunk, end, stream_head};

/// Requests after which nginx ends a connection, and HAProxy one of HTTP/1.1.
const REQUESTS: usize = 100;

/// What an account may speak.
const HTTPS: [&str; 2] = ["1.1", "2"];

/// A gateway with an account of every dialect's usual provider behind a server, told apart by their paths.
fn gateway(real: &Real, http: &str) -> Gateway {
    let more = format!("http = \"{http}\"\nca = {:?}", real.authority());
    let accounts = ["claude-console", "openai", "openai-responses", "gemini"]
        .map(|provider| real.account(&format!("/{provider}"), provider, provider, &more));
    Gateway::start(&(accounts.concat() + &key("concurrency = 1000")))
}

/// Every server over every protocol.
fn ways() -> impl Iterator<Item = (Kind, &'static str)> {
    KINDS.into_iter().flat_map(|kind| HTTPS.map(|http| (kind, http)))
}

/// Everything went well by the gateway's own account of it.
fn is_well(gateway: &Gateway, what: &str) {
    gateway.until("nothing in flight", |gateway| gateway.in_flight() == 0);
    let listed = gateway.admin("GET", "/accounts", "").json();
    for account in listed["data"].as_array().unwrap() {
        assert_eq!(account["state"], "ready", "{what}: {account}");
    }
    let failed = gateway.admin("GET", "/requests?limit=5&outcome=upstream_error", "").json();
    assert_eq!(failed["data"].as_array().unwrap().len(), 0, "{what}: {failed}");
}

#[test]
fn whole_answers_and_streams_pass_real_servers_byte_for_byte() {
    for (kind, http) in ways() {
        let fleet = Fleet::start(sample);
        let real = Real::start(kind, fleet.upstream(), REQUESTS);
        let (gateway, what) = (gateway(&real, http), format!("{kind:?} over HTTP/{http}"));
        for (dialect, streamed) in streaming().flat_map(|dialect| [(dialect, false), (dialect, true)]) {
            load::sample(&gateway, dialect, streamed)
                .unwrap_or_else(|told| panic!("{what}: {told}\n{}", real.log()));
            let sent = if streamed { dialect.stream_request.1 } else { dialect.request };
            assert_eq!(String::from_utf8_lossy(&fleet.last().body), sent, "{what}");
        }
        is_well(&gateway, &what);
    }
}

#[test]
fn real_servers_end_connections_after_as_many_requests_as_they_are_told() {
    for (kind, http) in [(Kind::Nginx, "--http1.1"), (Kind::Nginx, "--http2"), (Kind::Haproxy, "--http1.1")] {
        let fleet = Fleet::start(sample);
        let real = Real::start(kind, fleet.upstream(), 10);
        let asked = format!("https://{}/claude-console/v1/messages", real.address);
        let output = Command::new("curl")
            .args(["--silent", "--verbose", http, "--data", "{}", "--cacert"])
            .arg(real.authority())
            .args(std::iter::repeat_n(&asked, 25))
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{kind:?}: {told}");
        assert_eq!(fleet.asked_in_all(), 25);
        assert_eq!(told.matches("Connected to").count(), 3, "{kind:?} {http}: {told}");
    }
}

#[test]
fn thousands_of_whole_answers_harm_no_connection_to_a_real_server() {
    for (kind, http) in ways() {
        let fleet = Fleet::start(sample);
        let real = Real::start(kind, fleet.upstream(), 10_000);
        let gateway = gateway(&real, http);
        // A stream that is let go before its end is read costs the connection once there were a thousand of them.
        let count = if http == "2" { 2_500 } else { 500 };
        drive(16, count, |_| load::sample(&gateway, dialect("anthropic"), false));
        is_well(&gateway, &format!("{kind:?} over HTTP/{http}\n{}", real.log()));
    }
}

/// A stream that takes its time, or a whole answer.
fn paced(request: &Request) -> Vec<Step> {
    if !asks_stream(request) {
        return sample(request);
    }
    let events = dialect("anthropic").stream.split_inclusive("\n\n");
    let pieces = events.flat_map(|event| [chunk(event.as_bytes()), Step::Pause(Duration::from_millis(300))]);
    std::iter::once(stream_head("text/event-stream")).chain(pieces).chain([end()]).collect()
}

#[test]
fn a_server_that_reloads_under_load_loses_no_request() {
    for (kind, http) in ways().filter(|(kind, _)| *kind != Kind::Node) {
        let fleet = Fleet::start(paced);
        let real = Real::start(kind, fleet.upstream(), REQUESTS);
        let gateway = gateway(&real, http);
        let over = AtomicBool::new(false);
        let served = std::thread::scope(|scope| {
            let driving = scope.spawn(|| {
                drive_until(16, &over, |number| {
                    load::sample(&gateway, dialect("anthropic"), number.is_multiple_of(4))
                })
            });
            for _ in 0..6 {
                pass(now() + Duration::from_millis(700));
                real.reload();
            }
            over.store(true, Ordering::SeqCst);
            driving.join().unwrap()
        });
        assert!(served > 100, "{served}");
        is_well(&gateway, &format!("{kind:?} over HTTP/{http}\n{}", real.log()));
    }
}

#[test]
fn three_hundred_streams_are_open_at_once_behind_a_real_server() {
    for (kind, http) in ways() {
        let fleet = Fleet::start(|_| {
            let first = dialect("anthropic").first_event();
            vec![stream_head("text/event-stream"), chunk(first.as_bytes()), Step::Hang]
        });
        let real = Real::start(kind, fleet.upstream(), REQUESTS);
        let gateway = gateway(&real, http);
        let (path, body) = dialect("anthropic").stream_request;
        let clients: Vec<TcpStream> =
            (0..300).map(|_| post(&gateway.address, path, &[("x-api-key", KEY)], body.as_bytes())).collect();
        // All of them at once: none waits until another has ended.
        fleet.upstream().wait_for_open(300);
        drop(clients);
        gateway.until("nothing in flight", |gateway| gateway.in_flight() == 0);
        fleet.upstream().wait_until_open(0);
    }
}
