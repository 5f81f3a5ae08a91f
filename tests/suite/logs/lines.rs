//! Lines of the log: what they look like, who is spared them, and what a reader costs that does not read.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use sluice_tests::client::send;
use sluice_tests::gateway::{Folder, Gateway, KEY, account, binary, key};
use sluice_tests::upstream::{Upstream, whole};

/// More requests than it takes to fill all that may wait for the log's reader.
const ENOUGH: usize = 20_000;

/// Lines that a request leaves in the log, under these settings, by the time that the gateway has ended.
fn lines_of_a_request(telemetry: &str) -> Vec<String> {
    let upstream = Upstream::start(|_| whole(200, "", r#"{"usage":{"input_tokens":9,"output_tokens":41}}"#));
    let gateway = Gateway::start(
        &(telemetry.to_owned() + &account("a", "claude-console", &upstream.address, "") + &key("")),
    );
    assert_eq!(gateway.post("/v1/messages", r#"{"model":"m\nn"}"#).status, 400);
    assert_eq!(gateway.post("/v1/messages", r#"{"model":"m"}"#).status, 200);
    gateway.signal("TERM");
    let (status, log) = gateway.wait();
    assert!(status.success());
    assert!(!log.contains('\u{1b}'), "colour codes in {log}");
    log.lines().filter(|line| line.contains("outcome")).map(ToOwned::to_owned).collect()
}

#[test]
fn a_request_is_one_line_of_text_unless_the_filter_says_otherwise() {
    let lines = lines_of_a_request("");
    let [refused, served] = lines.as_slice() else { panic!("{lines:?}") };
    assert!(refused.contains(" INFO sluice_engine::records: request request_id=req_"), "{refused}");
    assert!(refused.contains(" status=400 ") && refused.contains(" outcome=refused:"), "{refused}");
    for value in [
        "key=\"test\"",
        "api=\"anthropic\"",
        "model=\"m\"",
        "account=\"a\"",
        "status=200",
        "input_tokens=9",
        "output_tokens=41",
        "outcome=completed",
    ] {
        assert!(served.contains(value), "{value} in {served}");
    }
    for filter in ["warn", "info,sluice_engine::records=warn", "off"] {
        assert!(lines_of_a_request(&format!("telemetry.log = \"{filter}\"\n")).is_empty(), "{filter}");
    }
}

#[test]
fn a_request_is_one_object_of_json_with_the_same_target() {
    let lines = lines_of_a_request("telemetry.format = \"json\"\n");
    let [_, served] = lines.as_slice() else { panic!("{lines:?}") };
    let served: serde_json::Value = serde_json::from_str(served).unwrap();
    assert_eq!(
        (served["target"].as_str(), served["message"].as_str(), served["output_tokens"].as_u64()),
        (Some("sluice_engine::records"), Some("request"), Some(41))
    );
}

#[test]
fn debug_tells_where_a_request_went_and_trace_who_was_passed_over() {
    let failing =
        Upstream::start(|_| whole(529, "", r#"{"error":{"type":"overloaded_error","message":"busy"}}"#));
    let upstream = Upstream::start(|_| whole(200, "", r#"{"usage":{"input_tokens":9,"output_tokens":41}}"#));
    let log = |level: &str| {
        let gateway = Gateway::start(
            &(format!("telemetry.log = \"{level}\"\n")
                + &account("a", "claude-console", &failing.address, "priority = 1")
                + &account("b", "claude-console", &upstream.address, "priority = 2")
                + &key("")),
        );
        let headers = [("x-api-key", KEY), ("x-request-id", "mine-1")];
        for _ in 0..2 {
            assert_eq!(
                send(&gateway.address, "POST", "/v1/messages", &headers, br#"{"model":"m"}"#).status,
                200
            );
        }
        gateway.signal("TERM");
        gateway.wait().1
    };
    let debug = log("sluice_line=debug");
    let lines: Vec<&str> = debug.lines().filter(|line| line.contains(" DEBUG ")).collect();
    for (at, parts) in [
        &["the request is routed", "model=\"m\"", "candidates=claude: a, b", "key=\"test\""][..],
        &["an account is picked", "attempt=1", "account=\"a\"", "pool=\"claude\""],
        &[
            "the attempt is over",
            "attempt=1",
            "account=\"a\"",
            "status=529",
            "fault=\"provider\"",
            "elsewhere=true",
        ],
        &["an account is picked", "attempt=2", "account=\"b\""],
        &["the answer begins", "account=\"b\"", "status=200"],
    ]
    .into_iter()
    .enumerate()
    {
        let line = lines.get(at).unwrap_or_else(|| panic!("{parts:?} in {debug}"));
        assert!(line.contains("request_id=mine-1"), "{line}");
        parts.iter().for_each(|part| assert!(line.contains(part), "{part} in {line}"));
    }
    assert!(!debug.contains(" TRACE ") && !log("info").contains(" DEBUG "));
    let trace = log("sluice_fleet=trace");
    let passed = trace.lines().find(|line| line.contains("an account is passed over"));
    assert!(
        passed.is_some_and(|line| line.contains("account=\"a\"") && line.contains("overloaded")),
        "{trace}"
    );
}

/// A process that is killed at the latest when the test ends.
struct Unread(Child);

impl Drop for Unread {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_log_that_nobody_reads_costs_lines_which_are_counted_and_no_request() {
    let folder = Folder::new();
    let config = format!(
        "store.path = {:?}\nserver.listen = \"127.0.0.1:0\"\ntelemetry.log = \"trace\"\n",
        folder.0.join("data")
    );
    std::fs::write(folder.0.join("sluice.toml"), config + &key("")).unwrap();
    let mut command = Command::new(binary());
    command.arg("--config").arg(folder.0.join("sluice.toml")).stderr(Stdio::piped());
    let mut gateway = Unread(command.spawn().unwrap());
    let mut log = BufReader::new(gateway.0.stderr.take().unwrap()).lines();
    let listening =
        log.find_map(|line| line.unwrap().strip_prefix("listening on http://").map(ToOwned::to_owned));
    let address = listening.expect("it says where it listens");
    // From here on nobody reads it.
    let dropped = || {
        let metrics = send(&address, "GET", "/metrics", &[], b"").text();
        let line = metrics.lines().find_map(|line| line.strip_prefix("sluice_log_lines_dropped_total "));
        line.unwrap().parse::<u64>().unwrap()
    };
    assert_eq!(dropped(), 0);
    // Names as long as they may be make long lines.
    let body = format!("{{\"model\":\"{}\"}}", "m".repeat(256));
    let headers = [("x-api-key", KEY), ("x-request-id", &*"i".repeat(128))];
    let costs_lines = (0..ENOUGH).any(|turn| {
        assert_eq!(send(&address, "POST", "/v1/messages", &headers, body.as_bytes()).status, 404);
        turn % 100 == 99 && dropped() > 0
    });
    assert!(costs_lines, "no line was lost in {ENOUGH} requests");
    drop(log);
}
