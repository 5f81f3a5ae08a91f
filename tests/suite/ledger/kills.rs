//! Kills at any moment: no request that its client has whole is missing, and none is there twice.

use std::collections::HashMap;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;
use sluice_tests::gateway::{Gateway, KEY, account, key};
use sluice_tests::place::Folder;
use sluice_tests::upstream::{Step, Upstream, chunk, stream_head};

use super::records;

/// How often the gateway is killed; more by hand, with SLUICE_TEST_KILLS.
const KILLS: usize = 12;

/// Longest wait for what comes at once.
const PATIENCE: Duration = Duration::from_secs(20);

/// Clients at once.
const CLIENTS: usize = 8;

/// What is asked: the path, the body, and what an answer has that is whole.
const ASKED: [(&str, &str, &str); 4] = [
    (
        "/v1/messages",
        r#"{"model":"m","max_tokens":9,"stream":true,"messages":[{"role":"user","content":"a b c"}]}"#,
        "\"message_stop\"",
    ),
    (
        "/v1/messages",
        r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"a b c"}]}"#,
        "\"stop_reason\"",
    ),
    (
        "/v1/chat/completions",
        r#"{"model":"m","stream":true,"messages":[{"role":"user","content":"a b c"}]}"#,
        "data: [DONE]",
    ),
    ("/v1/responses", r#"{"model":"m","stream":true,"input":"a b c"}"#, "\"response.completed\""),
];

/// Numbers that look random; the same for the same seed.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

/// Sends one request; whether all of an answer came. Who is cut off has an error, or nothing.
fn asked(address: &str, secret: &str, id: &str, (path, body, end): (&str, &str, &str)) -> bool {
    let Ok(mut stream) = TcpStream::connect(address) else { return false };
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {secret}\r\nx-request-id: {id}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    let mut answer = Vec::new();
    if stream.write_all(head.as_bytes()).is_err() {
        return false;
    }
    let _ = stream.read_to_end(&mut answer);
    let text = String::from_utf8_lossy(&answer);
    text.starts_with("HTTP/1.1 200") && text.contains(end)
}

#[test]
fn no_request_whose_answer_came_whole_is_missing_after_a_kill_and_none_is_there_twice() {
    let kills =
        std::env::var_os("SLUICE_TEST_KILLS").map_or(KILLS, |kills| kills.to_string_lossy().parse().unwrap());
    let folder = Arc::new(Folder::new());
    let seed = u64::from(std::process::id());
    println!("seed {seed}");
    let mut random = Numbers(seed);
    // Nobody else's gateway takes it, should it come to have the port of one that was killed.
    let secret = format!("sk-sluice-killed-{seed}");
    let config = format!(
        "[[accounts]]\nname = \"s\"\nprovider = \"simulated\"\n[[keys]]\nname = \"test\"\nkey = \"{secret}\"\n"
    );
    let next_id = AtomicU64::new(0);
    let mut whole: HashMap<String, bool> = HashMap::new();
    for kill in 0..=kills {
        let gateway = Gateway::start_in(Arc::clone(&folder), &config);
        let mut found: HashMap<String, usize> = HashMap::new();
        for record in records(&gateway) {
            *found.entry(record["request_id"].as_str().unwrap().to_owned()).or_default() += 1;
            let usage = (record["input_tokens"].as_u64().unwrap(), record["output_tokens"].as_u64().unwrap());
            match record["outcome"].as_str().unwrap() {
                "completed" => assert!(usage.0 > 0 && usage.1 > 0, "{record}"),
                "interrupted" => assert!(usage.0 > 0 && record["usage_estimated"] == true, "{record}"),
                other => assert_eq!(other, "client_gone", "{record}"),
            }
        }
        for (id, came) in &whole {
            let times = found.get(id).copied().unwrap_or(0);
            assert!(times <= 1, "after kill {kill}: {id} is there {times} times");
            assert!(times == 1 || !came, "after kill {kill}: {id} came whole, and is missing");
        }
        let sums = gateway.admin("GET", "/usage", "").json()["data"][0].clone();
        assert_eq!(sums["requests"], found.values().sum::<usize>(), "sums are those of the records");
        if kill == kills {
            break;
        }
        let (address, secret, done) = (&gateway.address, &secret, &AtomicUsize::new(0));
        let wait = Duration::from_micros(random.below(40_000));
        let after = random.below(60) as usize;
        let sent = std::thread::scope(|scope| {
            let clients: Vec<_> = (0..CLIENTS)
                .map(|_| {
                    scope.spawn(|| {
                        let mut sent = Vec::new();
                        // Until it is killed; who finds nobody stops.
                        loop {
                            let number = next_id.fetch_add(1, Ordering::SeqCst);
                            let id = format!("request-{number}");
                            let came = asked(address, secret, &id, ASKED[number as usize % ASKED.len()]);
                            done.fetch_add(usize::from(came), Ordering::SeqCst);
                            sent.push((id, came));
                            if !came {
                                return sent;
                            }
                        }
                    })
                })
                .collect();
            // A gateway that answers nothing is killed too, and what it answered counted below.
            let patience = Instant::now() + PATIENCE;
            while done.load(Ordering::SeqCst) < after && Instant::now() < patience {
                std::thread::park_timeout(Duration::from_millis(1));
            }
            std::thread::park_timeout(wait);
            gateway.signal("KILL");
            clients.into_iter().flat_map(|client| client.join().unwrap()).collect::<Vec<_>>()
        });
        whole.extend(sent);
    }
    let came = whole.values().filter(|came| **came).count();
    assert!(came > kills * 5, "{came} answers came whole");
}

#[test]
fn what_was_under_way_is_recorded_as_interrupted_with_what_was_told_by_then() {
    let begun = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"model\":\"claude-sonnet-5\",\
         \"usage\":{\"input_tokens\":900,\"output_tokens\":1,\"cache_read_input_tokens\":100,\"service_tier\":\"batch\",\
         \"inference_geo\":\"us\"}}}\n\nevent: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\
         \"delta\":{\"type\":\"text_delta\",\"text\":\"xxxxxxxxxxxxxxxxxxxx\"}}\n\n";
    let upstream = Upstream::start(move |request| match request.header("x-turn") {
        Some("told") => vec![stream_head("text/event-stream"), chunk(begun.as_bytes()), Step::Hang],
        _ => vec![Step::Hang],
    });
    let charged = "cost_multiplier = \"0.5\"";
    let config = account("a", "claude-console", &upstream.address, charged) + &key("tags = [\"t\"]");
    let folder = Arc::new(Folder::new());
    let gateway = Gateway::start_in(Arc::clone(&folder), &config);
    let body = r#"{"model":"claude-sonnet-5","max_tokens":9,"stream":true,"messages":[]}"#;
    let mut clients = Vec::new();
    for turn in ["told", "untold"] {
        let mut client = TcpStream::connect(&gateway.address).unwrap();
        let head = format!(
            "POST /v1/messages HTTP/1.1\r\nhost: localhost\r\nx-api-key: {KEY}\r\nx-turn: {turn}\r\nx-request-id: {turn}\r\n\
             content-length: {}\r\n\r\n{body}",
            body.len()
        );
        client.write_all(head.as_bytes()).unwrap();
        if turn == "told" {
            let mut some = [0; 4096];
            let mut came = String::new();
            while !came.contains("xxxxxxxx") {
                let read = client.read(&mut some).unwrap();
                assert!(read > 0, "{came}");
                came.push_str(&String::from_utf8_lossy(&some[..read]));
            }
        }
        clients.push(client);
    }
    upstream.wait_for_open(2);
    gateway.until("both in flight", |gateway| gateway.in_flight() == 2);
    gateway.signal("KILL");
    drop(gateway);
    // What it cost then is what counts.
    let config = config.replace(charged, "cost_multiplier = \"3\"");
    for _ in 0..2 {
        // The second start finds nothing more.
        let gateway = Gateway::start_in(Arc::clone(&folder), &config);
        let mut found = records(&gateway);
        found.sort_by_key(|record| record["request_id"].to_string());
        let [told, untold] = found.as_slice() else { panic!("{found:#?}") };
        for record in [told, untold] {
            assert_eq!(
                (&record["outcome"], &record["account"]),
                (&Value::from("interrupted"), &Value::from("a"))
            );
            assert_eq!(
                (&record["tags"][0], &record["usage_estimated"]),
                (&Value::from("t"), &Value::from(true))
            );
            assert_eq!(record["upstream_model"], "claude-sonnet-5");
            assert!(record["cost"].is_string(), "{record}");
        }
        // In a batch, in one country, by an account that takes half: (900 · 1 + 5 · 5 + 100 · 0.1) · 1.1 millionths, and half of it.
        assert_eq!(
            (&told["list_cost"], &told["cost"]),
            (&Value::from("0.0010285"), &Value::from("0.00051425"))
        );
        assert!(
            told["duration_ms"].as_f64() > Some(0.0) && told["reported_model"] == "claude-sonnet-5",
            "{told}"
        );
        assert_eq!(untold["list_cost"], "0.000036", "{untold}");
        assert_eq!(untold["cost"], "0.000018", "{untold}");
        let used = |record: &Value| (record["input_tokens"].as_u64(), record["cache_read_tokens"].as_u64());
        assert_eq!(used(told), (Some(900), Some(100)));
        assert_eq!(told["output_tokens"], 5, "20 bytes of text that nobody had told the tokens of");
        assert_eq!(used(untold), (Some(body.len().div_ceil(4) as u64), Some(0)), "what was sent, estimated");
        assert_eq!(gateway.admin("GET", "/usage", "").json()["data"][0]["errors"], 2);
    }
}
