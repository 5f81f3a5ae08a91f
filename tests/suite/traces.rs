//! Traces that a collector gets over OTLP, as OpenTelemetry's official types read them.

use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use sluice_tests::client::send;
use sluice_tests::gateway::{Folder, Gateway, KEY, SECRET, account, key, workspace};
use sluice_tests::upstream::{Upstream, chunk, end, stream_head, whole};

/// The trace and the span of a client.
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN: &str = "00f067aa0ba902b7";

/// A collector that answers with these statuses, the last one again and again; what it was sent is kept.
struct Collector {
    upstream: Upstream,
    bodies: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Collector {
    fn start(statuses: &'static [u16]) -> Self {
        let bodies: Arc<Mutex<Vec<Vec<u8>>>> = Arc::default();
        let kept = Arc::clone(&bodies);
        let upstream = Upstream::start(move |request| {
            assert_eq!(request.line, "POST /v1/traces");
            assert_eq!(request.header("content-type"), Some("application/x-protobuf"));
            let mut kept = kept.lock().unwrap();
            let status = statuses.get(kept.len()).or(statuses.last());
            kept.push(request.body.clone());
            whole(*status.unwrap(), "content-type: application/x-protobuf\r\n", "")
        });
        Self { upstream, bodies }
    }

    fn setting(&self) -> String {
        format!("telemetry.otlp_endpoint = \"http://{}\"\n", self.upstream.address)
    }

    fn count(&self) -> usize {
        self.bodies.lock().unwrap().len()
    }

    /// The spans of all that it got, as the official types read them.
    fn spans(&self) -> Vec<Value> {
        let Some(python) = std::env::var_os("SLUICE_TEST_PYTHON") else {
            panic!("SLUICE_TEST_PYTHON is not set: .ci/run makes the environment with OpenTelemetry's types");
        };
        let folder = Folder::new();
        for (at, body) in self.bodies.lock().unwrap().iter().enumerate() {
            std::fs::write(folder.0.join(format!("{at:04}")), body).unwrap();
        }
        let output = Command::new(python)
            .arg(workspace().join("tests/clients/otlp_collector.py"))
            .arg(&folder.0)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// The spans, once there are so many.
    fn until(&self, gateway: &Gateway, count: usize) -> Vec<Value> {
        let seen = AtomicUsize::new(0);
        gateway.until("the collector has the spans", |_| {
            let bodies = self.count();
            seen.swap(bodies, Ordering::Relaxed) != bodies && self.spans().len() >= count
        });
        self.spans()
    }
}

fn post(gateway: &Gateway, body: &str, parent: Option<&str>) -> u16 {
    let parent = parent.map(|parent| ("traceparent", parent));
    let headers: Vec<_> = [("x-api-key", KEY)].into_iter().chain(parent).collect();
    send(&gateway.address, "POST", "/v1/messages", &headers, body.as_bytes()).status
}

/// What spans of a request are told beside its times and ids.
fn told(span: &Value) -> Value {
    json!({
        "name": span["name"], "kind": span["kind"], "status": span["status"], "attributes": span["attributes"],
    })
}

#[test]
fn a_request_is_a_span_below_its_clients_and_each_attempt_is_one_below_it() {
    let failing = Upstream::start(|_| whole(500, "", r#"{"error":{"message":"it broke"}}"#));
    let parents = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&parents);
    let serving = Upstream::start(move |request| {
        seen.lock().unwrap().push(request.header("traceparent").map(ToOwned::to_owned));
        vec![
            stream_head("text/event-stream"),
            chunk(
                b"event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"model\":\"claude-opus-4-5-x\",\"usage\":{\
                 \"input_tokens\":7,\"output_tokens\":1,\"cache_read_input_tokens\":11,\"cache_creation_input_tokens\":5}}}\n\n",
            ),
            chunk(b"event: message_delta\ndata: {\"type\":\"message_delta\",\"usage\":{\"output_tokens\":3}}\n\n"),
            chunk(b"event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"),
            end(),
        ]
    });
    let collector = Collector::start(&[200]);
    let map = "model_map = { \"claude-opus-4-5\" = \"up\" }\npriority = 1";
    let gateway = Gateway::start(
        &(collector.setting()
            + &account("first", "claude-console", &failing.address, map)
            + &account("second", "claude-console", &serving.address, "priority = 2")
            + "[[groups]]\nname = \"g\"\n"
            + &key("group = \"g\"\nuser = \"u\"")),
    );
    let parent = format!("00-{TRACE}-{SPAN}-01");
    assert_eq!(post(&gateway, r#"{"model":"claude-opus-4-5","stream":true}"#, Some(&parent)), 200);
    assert_eq!(*parents.lock().unwrap(), [Some(parent)], "as other headers it is handed on as it is");
    let spans = collector.until(&gateway, 3);
    let record = gateway.record();
    let [request, first, second] = spans.as_slice() else { panic!("{spans:#?}") };
    for span in &spans {
        assert_eq!(span["trace"], TRACE);
        assert!(request["from"].as_u64() <= span["from"].as_u64(), "{spans:#?}");
        assert!(span["to"].as_u64() <= request["to"].as_u64(), "{spans:#?}");
    }
    assert!(first["to"].as_u64() <= second["from"].as_u64(), "{spans:#?}");
    assert_eq!((&request["parent"], &request["flags"]), (&json!(SPAN), &json!(0x301)));
    let port = |upstream: &Upstream| -> u64 { upstream.address.rsplit(':').next().unwrap().parse().unwrap() };
    for (attempt, upstream) in [(first, &failing), (second, &serving)] {
        assert_eq!((&attempt["parent"], &attempt["flags"]), (&request["id"], &json!(0x101)));
        assert_eq!(attempt["attributes"]["server.address"], "127.0.0.1");
        assert_eq!(attempt["attributes"]["server.port"], port(upstream));
    }
    let mut about = told(request);
    let overhead = about["attributes"]["sluice.overhead"].take();
    assert!((overhead.as_f64().unwrap() * 1000.0 - record["overhead_ms"].as_f64().unwrap()).abs() < 0.001);
    assert_eq!(
        about,
        json!({
            "name": "chat claude-opus-4-5", "kind": "SPAN_KIND_SERVER", "status": "STATUS_CODE_UNSET",
            "attributes": {
                "sluice.request_id": record["request_id"], "sluice.api": "anthropic", "sluice.model": "claude-opus-4-5",
                "sluice.key": "test", "sluice.group": "g", "sluice.user": "u", "sluice.outcome": "completed",
                "sluice.attempts": 2, "sluice.cost": record["cost"], "sluice.overhead": null,
                "client.address": "127.0.0.1", "http.response.status_code": 200,
            },
        })
    );
    assert!(record["cost"].is_string(), "{record}");
    let about = told(first);
    assert_eq!((&about["name"], &about["kind"]), (&json!("chat up"), &json!("SPAN_KIND_CLIENT")));
    assert_eq!(about["status"], "STATUS_CODE_ERROR");
    assert_eq!(first["message"], record["tries"][0]["error"]);
    for (name, value) in [
        ("gen_ai.operation.name", json!("chat")),
        ("gen_ai.provider.name", json!("anthropic")),
        ("gen_ai.request.model", json!("up")),
        ("sluice.account", json!("first")),
        ("http.response.status_code", json!(500)),
        ("error.type", json!("500")),
        ("gen_ai.usage.output_tokens", Value::Null),
    ] {
        assert_eq!(about["attributes"].get(name).unwrap_or(&Value::Null), &value, "{name}: {about:#}");
    }
    let mut about = told(second);
    let attributes = about["attributes"].as_object_mut().unwrap();
    for name in ["server.port", "gen_ai.response.time_to_first_chunk"] {
        assert!(attributes.remove(name).unwrap().as_f64().unwrap() > 0.0, "{name}");
    }
    assert_eq!(
        about,
        json!({
            "name": "chat claude-opus-4-5", "kind": "SPAN_KIND_CLIENT", "status": "STATUS_CODE_UNSET",
            "attributes": {
                "gen_ai.operation.name": "chat", "gen_ai.provider.name": "anthropic",
                "gen_ai.request.model": "claude-opus-4-5", "gen_ai.request.stream": true,
                "server.address": "127.0.0.1", "sluice.account": "second", "http.response.status_code": 200,
                "sluice.pool": "claude", "gen_ai.response.model": "claude-opus-4-5-x",
                "gen_ai.usage.input_tokens": 23, "gen_ai.usage.output_tokens": 3,
                "gen_ai.usage.cache_read.input_tokens": 11, "gen_ai.usage.cache_write.input_tokens": 5,
            },
        })
    );
    let text = serde_json::to_string(&spans).unwrap();
    assert!(!text.contains(SECRET) && !text.contains(KEY), "{text}");
}

#[test]
fn what_its_client_does_not_record_is_not_sent_and_what_has_no_client_begins_a_trace() {
    let upstream = Upstream::start(|_| whole(200, "", "{}"));
    let collector = Collector::start(&[200]);
    let config = collector.setting()
        + &account("a", "claude-console", &upstream.address, "models = [\"m\"]")
        + &key("");
    let gateway = Gateway::start(&config);
    let unsampled = format!("00-{TRACE}-{SPAN}-00");
    assert_eq!(post(&gateway, r#"{"model":"m"}"#, Some(&unsampled)), 200);
    assert_eq!(post(&gateway, r#"{"model":"m"}"#, None), 200);
    assert_eq!(post(&gateway, r#"{"model":"none"}"#, Some("no traceparent")), 404);
    // The end of the process sends what is left.
    gateway.signal("TERM");
    assert!(gateway.wait().0.success());
    let spans = collector.spans();
    let of =
        |model: &str| spans.iter().filter(|span| span["name"] == format!("chat {model}")).collect::<Vec<_>>();
    let ([request, attempt], [refused]) = (of("m").try_into().unwrap(), of("none").try_into().unwrap());
    assert_eq!(spans.len(), 3, "{spans:#?}");
    assert_eq!((&request["parent"], &attempt["parent"]), (&json!(""), &request["id"]));
    assert_eq!(request["trace"], attempt["trace"]);
    assert!(refused["trace"] != request["trace"] && request["trace"] != TRACE);
    assert_eq!(
        (&refused["kind"], &refused["status"], &refused["attributes"]["error.type"]),
        (&json!("SPAN_KIND_SERVER"), &json!("STATUS_CODE_UNSET"), &json!("model_not_found"))
    );
}

#[test]
fn a_collector_that_is_not_there_for_now_gets_them_later_and_what_it_never_takes_is_counted() {
    let upstream = Upstream::start(|_| whole(200, "", "{}"));
    let collector = Collector::start(&[503, 200, 400]);
    let config = collector.setting() + &account("a", "claude-console", &upstream.address, "") + &key("");
    let gateway = Gateway::start(&config);
    let dropped = |gateway: &Gateway| {
        let metrics = send(&gateway.address, "GET", "/metrics", &[], b"").text();
        let line = metrics.lines().find_map(|line| line.strip_prefix("sluice_spans_dropped_total "));
        line.unwrap().parse::<u64>().unwrap()
    };
    assert_eq!(post(&gateway, r#"{"model":"m"}"#, None), 200);
    gateway.until("they are sent again", |_| collector.count() == 2);
    let (first, again) = {
        let bodies = collector.bodies.lock().unwrap();
        (bodies[0].clone(), bodies[1].clone())
    };
    assert_eq!(first, again);
    assert_eq!(dropped(&gateway), 0);
    assert_eq!(post(&gateway, r#"{"model":"m"}"#, None), 200);
    gateway.until("they are lost", |gateway| dropped(gateway) == 2);
    assert_eq!(collector.count(), 3, "what is refused for good is sent once");
    // Lines are written a moment after what they tell of is counted.
    for says in ["traces can't be sent for now", "they are lost"] {
        gateway.until(says, |gateway| gateway.log().contains(says));
    }
}
