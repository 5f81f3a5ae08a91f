//! Bedrock, held against AWS's own code: signatures, the fields of requests, event streams; and its refusals.

use std::io::Write;
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sluice_tests::client::send;
use sluice_tests::dialects::dialect;
use sluice_tests::eventstream::{answer, chunks, event, exception};
use sluice_tests::gateway::{Gateway, KEY, SECRET, account, key, workspace};
use sluice_tests::upstream::{Request, Step, Upstream, whole};

/// An account with an access key.
fn signing(name: &str, address: &str, more: &str) -> String {
    format!(
        "[[accounts]]\nname = \"{name}\"\nprovider = \"bedrock\"\nbase_url = \"http://{address}\"\nregion = \"eu-central-1\"\naccess_key_id = \"AKIDEXAMPLE\"\nsecret_access_key = \"{SECRET}\"\nsession_token = \"tok/en+=\"\n{more}\n"
    )
}

/// Runs the script on JSON; gives what it prints.
fn botocore(command: &str, told: &Value) -> String {
    let Some(python) = std::env::var_os("SLUICE_TEST_PYTHON") else {
        panic!("SLUICE_TEST_PYTHON is not set: .ci/run makes the environment with botocore");
    };
    let mut child = Command::new(python)
        .arg(workspace().join("tests/clients/bedrock_botocore.py"))
        .arg(command)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(told.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "botocore disagrees: {told:#}");
    String::from_utf8(output.stdout).unwrap()
}

const CONVERSE: &str = r#"{"output":{"message":{"role":"assistant","content":[{"text":"Hi"}]}},"stopReason":"end_turn","usage":{"inputTokens":9,"outputTokens":41,"totalTokens":50}}"#;

/// What Converse streams.
fn conversed() -> Vec<(&'static str, &'static str, &'static str)> {
    vec![
        ("event", "messageStart", r#"{"role":"assistant"}"#),
        ("event", "contentBlockDelta", r#"{"contentBlockIndex":0,"delta":{"text":"h\u00e9"}}"#),
        ("event", "contentBlockStop", r#"{"contentBlockIndex":0}"#),
        ("event", "messageStop", r#"{"stopReason":"end_turn"}"#),
        (
            "event",
            "metadata",
            r#"{"usage":{"inputTokens":9,"outputTokens":41,"totalTokens":50},"metrics":{"latencyMs":1}}"#,
        ),
    ]
}

fn served(request: &Request) -> Vec<Step> {
    let claude = dialect("anthropic");
    let verb = request.line.rsplit('/').next().unwrap();
    match verb {
        "invoke" => whole(200, "", claude.answer),
        "invoke-with-response-stream" => answer(&chunks(claude.stream), 13),
        "converse" => whole(200, "x-amzn-requestid: r-1\r\n", CONVERSE),
        "converse-stream" => {
            let messages = conversed().into_iter().map(|(_, name, payload)| event(name, payload));
            answer(&messages.collect::<Vec<_>>().concat(), 13)
        }
        "count-tokens" => whole(200, "", r#"{"inputTokens":17}"#),
        _ => whole(404, "", ""),
    }
}

/// A request that uses what Converse has.
fn rich(model: &str, stream: bool) -> String {
    json!({
        "model": model, "stream": stream, "max_tokens": 100, "temperature": 0.5, "top_k": 5, "stop_sequences": ["x"],
        "system": [{ "type": "text", "text": "s", "cache_control": { "type": "ephemeral" } }],
        "tools": [{ "name": "f", "description": "d", "input_schema": { "type": "object" } }],
        "tool_choice": { "type": "any" },
        "output_config": { "effort": "low", "format": { "type": "json_schema", "schema": { "type": "object" } } },
        "messages": [
            { "role": "user", "content": [
                { "type": "image", "source": { "type": "base64", "media_type": "image/png", "data": "AA==" } },
                { "type": "document", "title": "t", "source": { "type": "text", "media_type": "text/plain", "data": "d" } },
                { "type": "search_result", "source": "s", "title": "t", "content": [{ "type": "text", "text": "f" }] },
                { "type": "text", "text": "a" },
            ] },
            { "role": "assistant", "content": [
                { "type": "thinking", "thinking": "t", "signature": "s" },
                { "type": "tool_use", "id": "t1", "name": "f", "input": { "a": 1.0 } },
            ] },
            { "role": "user", "content": [
                { "type": "tool_result", "tool_use_id": "t1", "is_error": true, "content": "no", "cache_control": { "type": "ephemeral", "ttl": "1h" } },
            ] },
        ],
    })
    .to_string()
}

#[test]
fn botocore_would_have_sent_the_same() {
    let upstream = Upstream::start(served);
    let headers = "headers = { x-amzn-bedrock-guardrailidentifier = \"g  1\", x-amzn-bedrock-guardrailversion = \"2\" }";
    let gateway = Gateway::start(&(signing("a", &upstream.address, headers) + &key("")));
    let claude = dialect("anthropic");
    let asking = |text: &str, model: &str| text.replace("\"m-1\"", &format!("\"{model}\""));
    let nova = "eu.amazon.nova-2-lite-v1:0";
    let whole = asking(claude.request, "claude-sonnet-4-5");
    let streamed = asking(claude.stream_request.1, "claude-opus-5-5");
    let arn = asking(
        claude.request,
        "arn:aws:bedrock:eu-central-1:1:inference-profile/eu.anthropic.claude-opus-5-5",
    );
    assert_eq!(gateway.post("/v1/messages?beta=true", &whole).text(), claude.answer);
    assert_eq!(gateway.record()["upstream_model"], "eu.anthropic.claude-sonnet-4-5-20250929-v1:0");
    assert_eq!(gateway.post("/v1/messages", &arn).text(), claude.answer);
    assert_eq!(gateway.post("/v1/messages", &streamed).text(), claude.stream);
    assert_eq!(gateway.post("/v1/messages", &rich(nova, false)).json()["id"], "msg_bdrk_r1");
    let told = gateway.post("/v1/messages", &rich("qwen.qwen3-32b-v1:0", true)).text();
    assert!(told.ends_with("event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"), "{told}");
    let record = gateway.record();
    assert_eq!((record["input_tokens"].as_u64(), record["output_tokens"].as_u64()), (Some(9), Some(41)));
    for model in ["claude-opus-5-5", nova] {
        let counted = gateway.post("/v1/messages/count_tokens", &asking(claude.request, model));
        assert_eq!(counted.text(), "{\"input_tokens\":17}");
    }
    let seen = upstream.seen();
    let requests = seen.iter().map(|request| {
        json!({ "line": request.line, "headers": request.headers, "body": STANDARD.encode(&request.body) })
    });
    let told = json!({
        "access_key_id": "AKIDEXAMPLE", "secret_access_key": SECRET, "session_token": "tok/en+=", "region": "eu-central-1",
        "requests": requests.collect::<Vec<_>>(),
    });
    assert_eq!(
        botocore("verify", &told).lines().collect::<Vec<_>>(),
        [
            "InvokeModel",
            "InvokeModel",
            "InvokeModelWithResponseStream",
            "Converse",
            "ConverseStream",
            "CountTokens",
            "CountTokens"
        ]
    );
    // The client's bytes, but for the envelope.
    let body = String::from_utf8(seen[0].body.clone()).unwrap();
    let kept = whole.strip_prefix(" {\"model\" : \"claude-sonnet-4-5\",").unwrap();
    assert_eq!(body, format!(" {{\"anthropic_version\":\"bedrock-2023-05-31\",{kept}"));
}

/// What a client gets of a stream that botocore has parsed, cut into pieces of each size.
fn relayed(model: &str, told: &[(&str, &str, String)], expected: &str) {
    let hex = botocore("encode", &json!(told));
    let digits: Vec<u8> = hex
        .trim()
        .bytes()
        .map(|digit| u8::try_from(char::from(digit).to_digit(16).unwrap()).unwrap())
        .collect();
    let stream: Vec<u8> = digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect();
    for size in [1, 7, 4096] {
        let stream = stream.clone();
        let upstream = Upstream::start(move |_| answer(&stream, size));
        let gateway = Gateway::start(&(signing("a", &upstream.address, "") + &key("")));
        let body = json!({ "model": model, "stream": true, "max_tokens": 9, "messages": [{ "role": "user", "content": "a" }] });
        assert_eq!(gateway.post("/v1/messages", &body.to_string()).text(), expected, "{size}");
    }
}

#[test]
fn streams_that_botocore_reads_are_read_alike() {
    let claude = dialect("anthropic");
    let data: Vec<&str> = claude.stream.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
    let metrics = r#"{"type":"message_stop","amazon-bedrock-invocationMetrics":{"inputTokenCount":9}}"#;
    let (_, before) = data.split_last().unwrap();
    let events = before.iter().copied().chain([metrics]);
    let chunks: Vec<(&str, &str, String)> = events
        .map(|data| ("event", "chunk", json!({ "bytes": STANDARD.encode(data), "p": "abcd" }).to_string()))
        .collect();
    relayed("claude-opus-5-5", &chunks, claude.stream);

    let event = |value: Value| format!("event: {}\ndata: {value}\n\n", value["type"].as_str().unwrap());
    let usage = json!({
        "input_tokens": 9, "output_tokens": 41, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0,
        "cache_creation": { "ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0 },
    });
    let expected = [
        json!({ "type": "message_start", "message": {
            "id": "msg_bdrk_", "type": "message", "role": "assistant", "model": "amazon.nova-pro-v1:0", "content": [],
            "stop_reason": null, "stop_sequence": null, "usage": { "input_tokens": 0, "output_tokens": 0 },
        } }),
        json!({ "type": "content_block_start", "index": 0, "content_block": { "type": "text", "text": "" } }),
        json!({ "type": "content_block_delta", "index": 0, "delta": { "type": "text_delta", "text": "h\u{e9}" } }),
        json!({ "type": "content_block_stop", "index": 0 }),
        json!({ "type": "message_delta", "delta": { "stop_reason": "end_turn", "stop_sequence": null }, "usage": usage }),
        json!({ "type": "message_stop" }),
    ];
    let told: Vec<(&str, &str, String)> =
        conversed().into_iter().map(|(kind, name, payload)| (kind, name, payload.to_owned())).collect();
    relayed("amazon.nova-pro-v1:0", &told, &expected.map(event).concat());
}

#[test]
fn a_refusal_is_anthropics_and_another_account_is_asked_where_that_helps() {
    let claude = dialect("anthropic");
    let refusing = |status: u16, kind: &str, message: &str| {
        let headers = format!("x-amzn-errortype: {kind}\r\nx-amzn-requestid: r-1\r\n");
        whole(status, &headers, &json!({ "message": message }).to_string())
    };
    let check = |first: Box<dyn Fn() -> Vec<Step> + Send + Sync>, expected: Result<(), (u16, &str, &str)>| {
        let upstream = Upstream::start(move |_| first());
        let second = Upstream::start(served);
        let accounts = signing("first", &upstream.address, "priority = 1")
            + &account("second", "bedrock", &second.address, "priority = 2\nregion = \"us-east-1\"");
        let gateway = Gateway::start(&(accounts + &key("")));
        let body = claude.stream_request.1.replace("\"m-1\"", "\"claude-opus-5-5\"");
        let answer = gateway.post("/v1/messages", &body);
        match expected {
            Ok(()) => assert_eq!(
                (answer.text().as_str(), gateway.record()["account"].as_str()),
                (claude.stream, Some("second"))
            ),
            Err((status, kind, message)) => {
                let told = json!({ "type": "error", "error": { "type": kind, "message": message }, "request_id": "r-1" });
                assert_eq!((answer.status, answer.json()), (status, told));
                assert!(second.seen().is_empty());
            }
        }
    };
    check(
        Box::new(move || refusing(400, "ValidationException:http://internal/", "Input is too long.")),
        Err((400, "invalid_request_error", "Input is too long.")),
    );
    for (status, kind, message) in [
        (429, "ThrottlingException", "Too many requests, please wait before trying again."),
        (400, "ServiceQuotaExceededException", "quota"),
        (403, "ExpiredTokenException", "The security token included in the request is expired"),
        (400, "ValidationException", "The provided model identifier is invalid."),
        (404, "ResourceNotFoundException", "no"),
        (424, "ModelErrorException", "no"),
        (503, "ServiceUnavailableException", "busy"),
    ] {
        check(Box::new(move || refusing(status, kind, message)), Ok(()));
    }
    // Before anything has reached the client, an exception in the stream is a refusal like any other.
    check(Box::new(|| answer(&exception("throttlingException", "slow"), 9)), Ok(()));
}

#[test]
fn an_exception_in_the_middle_of_a_stream_is_an_error_event() {
    let claude = dialect("anthropic");
    let first = claude.stream.split_inclusive("\n\n").next().unwrap();
    let stream = [chunks(first), exception("modelStreamErrorException", "it broke")].concat();
    let upstream = Upstream::start(move |_| answer(&stream, 9));
    let gateway = Gateway::start(&(signing("a", &upstream.address, "") + &key("")));
    let body = claude.stream_request.1.replace("\"m-1\"", "\"claude-opus-5-5\"");
    let text = gateway.post("/v1/messages", &body).text();
    let error = json!({ "type": "error", "error": { "type": "api_error", "message": "it broke" } });
    assert_eq!(text, format!("{first}event: error\ndata: {error}\n\n"));
    assert_eq!(gateway.record()["outcome"], "upstream_error");
}

#[test]
fn where_bedrock_can_not_count_another_account_does_or_it_is_an_estimate() {
    let denied =
        "User: arn:aws:iam::1:user/u is not authorized to perform: bedrock:CountTokens on resource: r";
    let body = r#"{"model":"claude-opus-5-5","messages":[{"role":"user","content":"hello"}]}"#;
    for (status, kind, message) in [
        (400, "ValidationException", "The provided model doesn't support counting tokens."),
        (404, "UnknownOperationException", ""),
        (403, "AccessDeniedException", denied),
    ] {
        let first = Upstream::start(move |_| {
            let headers = format!("x-amzn-errortype: {kind}\r\nx-amzn-requestid: r-1\r\n");
            whole(status, &headers, &json!({ "message": message }).to_string())
        });
        let second = Upstream::start(served);
        let alone = signing("first", &first.address, "priority = 1") + &key("");
        let both = signing("second", &second.address, "priority = 2") + &alone;
        for (config, estimate) in [(&alone, Some("true")), (&both, None)] {
            let gateway = Gateway::start(config);
            for _ in 0..4 {
                let answer = gateway.post("/v1/messages/count_tokens", body);
                assert_eq!((answer.status, answer.header("x-sluice-estimate")), (200, estimate), "{kind}");
            }
            assert_eq!(gateway.admin("GET", "/accounts/first", "").json()["state"], "ready", "{kind}");
        }
    }
}

#[test]
fn an_arn_that_a_claude_model_is_mapped_to_is_asked_as_claude_and_loses_nothing() {
    let upstream = Upstream::start(served);
    let arn = |kind: &str| format!("arn:aws:bedrock:eu-central-1:1:{kind}/a1");
    let (profile, provisioned) = (arn("application-inference-profile"), arn("provisioned-model"));
    let other = profile.replace("/a1", "/nova");
    let maps = format!(
        "converse_arns = [\"{other}\"]\nmodel_map = {{ \"claude-sonnet-4-5\" = \"{profile}\", \"claude-opus-5-5\" = \"{provisioned}\", \"fast\" = \"{profile}\", \"claude-no-more\" = \"{other}\" }}"
    );
    let route = "[[routes]]\nmodel = \"sonnet\"\npools = [\"claude\"]\nrewrite = \"claude-sonnet-4-5\"\n";
    let gateway = Gateway::start(&(signing("a", &upstream.address, &maps) + route + &key("")));
    let asked = |model: &str, tools: Value| {
        json!({
            "model": model, "max_tokens": 9, "context_management": { "edits": [] }, "tools": tools,
            "messages": [{ "role": "user", "content": [{ "type": "text", "text": "a", "cache_control": { "type": "ephemeral" } }] }],
        })
    };
    let headers = [("x-api-key", KEY), ("anthropic-beta", "context-management-2025-06-27")];
    let ask =
        |body: &Value| send(&gateway.address, "POST", "/v1/messages", &headers, body.to_string().as_bytes());
    let tools = json!([{ "name": "bash", "type": "bash_20250124" }, { "name": "f", "input_schema": {}, "input_examples": [{}] }]);
    for (model, arn) in
        [("claude-sonnet-4-5", &profile), ("claude-opus-5-5", &provisioned), ("sonnet", &profile)]
    {
        let body = asked(model, tools.clone());
        let answer = ask(&body);
        assert_eq!(
            (answer.status, answer.header("x-sluice-dropped")),
            (200, None),
            "{model}: {}",
            answer.text()
        );
        let sent = upstream.last();
        let path = arn.replace(':', "%3A").replace('/', "%2F");
        assert_eq!(sent.line, format!("POST /model/{path}/invoke"));
        let sent: Value = serde_json::from_slice(&sent.body).unwrap();
        for field in ["messages", "tools", "context_management"] {
            assert_eq!(sent[field], body[field], "{model}");
        }
        assert_eq!(sent["anthropic_beta"], json!(["context-management-2025-06-27"]));
    }
    // Of this one the configuration says that it is another's.
    assert_eq!(ask(&asked("claude-no-more", json!([]))).status, 200);
    assert!(upstream.last().line.ends_with("nova/converse"), "{}", upstream.last().line);
    // Nobody says that this one is Claude's: what Converse has no place for is named.
    let answer = ask(&asked("fast", json!([{ "name": "f", "input_schema": {}, "input_examples": [{}] }])));
    assert!(upstream.last().line.ends_with("/converse"), "{}", upstream.last().line);
    let dropped = "context_management, cache_control, tools.input_examples, anthropic-beta";
    assert_eq!((answer.status, answer.header("x-sluice-dropped")), (200, Some(dropped)), "{}", answer.text());
}
