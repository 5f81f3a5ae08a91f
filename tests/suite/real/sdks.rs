//! The main thing on real ground: the official SDKs, and curl as the demonstration prints it, against accounts behind
//! nginx and HAProxy, with an authority of one's own, while nginx reloads each second, both end their connections, and more
//! streams are open than one takes.

use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::json;
use sluice_tests::client::begin;
use sluice_tests::fleet::Fleet;
use sluice_tests::gateway::{Gateway, KEY, key};
use sluice_tests::load::drive_until;
use sluice_tests::moment::{now, pass};
use sluice_tests::real::{Kind, Real};
use sluice_tests::sdks::Sdks;
use sluice_tests::upstream::{Request, Step, chunk, end, stream_head};

use super::{REQUESTS, is_well};
use crate::demo::lines;
use crate::pools::answers::answer;

/// Streams that are open all the while.
const OPEN: usize = 300;

/// How long it goes on: so many reloads, one each second.
const RELOADS: usize = 20;

/// A piece of a stream, and how long the next one takes.
const EVENT: &str = "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"x\"}}\n\n";
const PACE: Duration = Duration::from_millis(500);

const BEGINS: &str = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"usage\":{\"input_tokens\":9,\"output_tokens\":1}}}\n\n";
const ENDS: &str = "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";

fn script(request: &Request) -> Vec<Step> {
    if request.header("x-turn") != Some("long") {
        return answer(request);
    }
    let paced = (0..6).flat_map(|_| [Step::Pause(PACE), chunk(EVENT.as_bytes())]);
    let begins = [stream_head("text/event-stream"), chunk(BEGINS.as_bytes())];
    begins.into_iter().chain(paced).chain([chunk(ENDS.as_bytes()), end()]).collect()
}

/// A long stream, from its first byte to its last.
fn long(gateway: &Gateway) -> Result<(), String> {
    let headers = [("x-api-key", KEY), ("x-turn", "long")];
    let body = br#"{"model":"claude-opus-5-5","stream":true,"max_tokens":64,"messages":[]}"#;
    let answer = begin(&gateway.address, "POST", "/v1/messages", &headers, body).whole();
    let text = answer.text();
    match text.starts_with(BEGINS) && text.ends_with(ENDS) && text.matches(EVENT).count() == 6 {
        true => Ok(()),
        false => Err(format!("{}: {text}", answer.status)),
    }
}

/// The demonstration's lines of curl, for another gateway.
fn lines_of_curl(gateway: &Gateway) -> Vec<String> {
    let demo = Gateway::demo();
    let (base, secret) = (demo.told("base URL"), demo.told("API key"));
    let own = format!("http://{}", gateway.address);
    lines(&demo).iter().map(|line| line.replace(&base, &own).replace(&secret, KEY)).collect()
}

/// What a line of curl prints, as one that fails where the status is none of success.
fn printed_by(line: &str) -> String {
    let output = Command::new("sh").arg("-c").arg(format!("{line} --fail-with-body")).output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && printed.contains("Héllo from"), "{line}: {printed}");
    printed
}

#[test]
fn neither_the_sdks_nor_curl_see_a_failure_behind_servers_that_reload_and_bound_their_connections() {
    let fleet = Fleet::start(script);
    let nginx = Real::start(Kind::Nginx, fleet.upstream(), REQUESTS);
    let haproxy = Real::start(Kind::Haproxy, fleet.upstream(), REQUESTS);
    let mut config = format!("upstream.ca = {:?}\n", nginx.authority());
    for provider in ["claude-console", "openai", "openai-responses", "gemini"] {
        for (server, http) in [(&nginx, "2"), (&haproxy, "1.1")] {
            let name = format!("{provider}-{http}");
            config += &server.account(&format!("/{name}"), &name, provider, &format!("http = \"{http}\""));
        }
    }
    let gateway = Gateway::start(&(config + &key("concurrency = 1000")));
    let curl: Vec<_> = lines_of_curl(&gateway).into_iter().map(|line| (printed_by(&line), line)).collect();
    assert_eq!(curl.len(), 8, "each client API, whole and streamed");
    let sdks = Sdks::start(&gateway);
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let streams = scope.spawn(|| drive_until(OPEN, &over, |_| long(&gateway)));
        let lines = scope.spawn(|| {
            while !over.load(Ordering::SeqCst) {
                for (printed, line) in &curl {
                    assert_eq!(printed_by(line), *printed, "{line}");
                }
            }
        });
        fleet.upstream().wait_for_open(OPEN);
        for _ in 0..RELOADS {
            nginx.reload();
            pass(now() + Duration::from_secs(1));
        }
        over.store(true, Ordering::SeqCst);
        assert!(streams.join().unwrap() > OPEN);
        lines.join().unwrap();
    });
    let said = sdks.end();
    assert_eq!(said["failures"], json!([]), "\n{said:#}\n{}", nginx.log());
    let served = said["served"].as_object().unwrap();
    assert_eq!(served.len(), 8, "{said}");
    assert!(served.values().all(|count| count.as_u64() > Some(20)), "{said}");
    is_well(&gateway, &(nginx.log() + &haproxy.log()));
    // Nor did another account have to stand in for one.
    assert!(!gateway.log().contains("an attempt failed"), "{}", gateway.log());
}
