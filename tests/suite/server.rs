//! The server around the client APIs: connections, listeners, ids, methods, lists, and the end.

mod address;
mod certificate;
mod hosts;
mod leaving;
mod stopping;
mod unread;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};

use serde_json::Value;
use sluice_tests::client::{PATIENCE, send};
use sluice_tests::gateway::{Folder, Gateway, KEY, TOKEN, account, key};
use sluice_tests::refusal::{NO_METHOD, NO_ROUTE, Style, UNAUTHENTICATED};
use sluice_tests::tls::Certificate;
use sluice_tests::upstream::{Upstream, whole};

const IMPATIENT: &str = "server.header_timeout = \"300ms\"\n";

fn connect(address: &str, sends: &[u8]) -> TcpStream {
    let mut client = TcpStream::connect(address).unwrap();
    client.set_read_timeout(Some(PATIENCE)).unwrap();
    client.write_all(sends).unwrap();
    client
}

/// Waits until the other side closes.
fn closed(mut client: TcpStream, what: &str) {
    // A reset is a closed connection too; silence until the patience ends is not.
    if let Err(error) = client.read_to_end(&mut Vec::new()) {
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "{what}: the connection stayed open");
    }
}

#[test]
fn clients_that_send_no_request_are_dropped_and_others_are_served() {
    let gateway = Gateway::start(&(IMPATIENT.to_owned() + &key("")));
    let sends: [&[u8]; 4] = [
        b"",
        b"PRI",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"POST /v1/messages HTTP/1.1\r\nhost: localhost\r\n",
    ];
    let silent: Vec<TcpStream> =
        sends.iter().cycle().take(40).map(|sends| connect(&gateway.address, sends)).collect();
    assert_eq!(send(&gateway.address, "GET", "/healthz", &[], b"").status, 200);
    for (client, sends) in silent.into_iter().zip(sends.iter().cycle()) {
        closed(client, &String::from_utf8_lossy(sends));
    }
}

#[test]
fn clients_that_send_no_request_over_tls_are_dropped_too() {
    let folder = Folder::new();
    let gateway = Gateway::start(&(IMPATIENT.to_owned() + &Certificate::make(&folder.0).settings()));
    closed(connect(&gateway.address, b""), "no handshake");
    for alpn in ["http/1.1", "h2"] {
        // Ends by itself when the server closes; `timeout` turns a wait for ever into a failure.
        let mut handshaken = Command::new("timeout")
            .args(["20", "openssl", "s_client", "-quiet", "-connect", &gateway.address, "-alpn", alpn])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let held = handshaken.stdin.take();
        assert_ne!(handshaken.wait().unwrap().code(), Some(124), "{alpn}: the connection stayed open");
        drop(held);
    }
}

#[test]
fn an_idle_connection_outlives_the_time_for_a_head() {
    let gateway = Gateway::start(&IMPATIENT.replace("300ms", "50ms"));
    let mut client = connect(&gateway.address, b"");
    client.set_read_timeout(Some(std::time::Duration::from_millis(400))).unwrap();
    for _ in 0..3 {
        client.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"ok\n") {
            let mut some = [0; 512];
            let count = client.read(&mut some).unwrap();
            assert!(count > 0, "{}", String::from_utf8_lossy(&answer));
            answer.extend_from_slice(&some[..count]);
        }
        // Nothing comes, and nothing is closed, for several times as long.
        let waited = client.read(&mut [0]).unwrap_err();
        assert_eq!(waited.kind(), std::io::ErrorKind::WouldBlock, "{waited}");
    }
}

#[test]
fn probes_are_on_every_listener_and_operators_on_their_own() {
    let config = "admin.listen = \"127.0.0.1:0\"\n".to_owned() + &account("a", "openai", "127.0.0.1:1", "");
    let gateway = Gateway::start(&config);
    gateway.until("the operators' address", |gateway| gateway.log().contains("operators on http://"));
    let log = gateway.log();
    let operators = log.split("operators on http://").nth(1).unwrap().lines().next().unwrap();
    let bearer = format!("Bearer {TOKEN}");
    for (path, clients) in [
        ("/healthz", 200),
        ("/readyz", 200),
        ("/metrics", 404),
        ("/docs/", 404),
        ("/openapi.json", 404),
        ("/admin/v1/keys", 404),
    ] {
        let get = |address: &str| send(address, "GET", path, &[("authorization", &bearer)], b"").status;
        assert_eq!((get(&gateway.address), get(operators)), (clients, 200), "{path}");
    }
    assert_eq!(send(operators, "POST", "/v1/messages", &[], b"{}").status, 404);
}

#[test]
fn every_answer_carries_the_requests_id() {
    let gateway = Gateway::start(&key(""));
    let bearer = format!("Bearer {TOKEN}");
    let admin = ("authorization", bearer.as_str());
    let plain: &[(&str, &str)] = &[];
    for (method, path, headers, status) in [
        ("GET", "/", plain, 200),
        ("HEAD", "/", plain, 200),
        ("GET", "/api/hello", plain, 200),
        ("HEAD", "/api/hello", plain, 200),
        ("GET", "/healthz", plain, 200),
        ("GET", "/readyz", plain, 503),
        ("GET", "/metrics", plain, 200),
        ("GET", "/docs", plain, 303),
        ("GET", "/docs/", plain, 200),
        ("GET", "/openapi.json", plain, 200),
        ("PUT", "/openapi.json", plain, 405),
        ("GET", "/v1/models", plain, 401),
        ("GET", "/v1/models", &[("x-api-key", KEY)], 200),
        ("GET", "/v1/me", &[("x-api-key", KEY)], 200),
        ("POST", "/v1/messages", plain, 401),
        ("PUT", "/v1/messages", plain, 405),
        ("GET", "/nowhere", plain, 404),
        ("GET", "/admin/v1/keys", &[admin], 200),
        ("GET", "/admin/v1/keys", plain, 401),
        ("PUT", "/admin/v1/keys", &[admin], 405),
        ("POST", "/admin/v1/keys", &[admin], 400),
        ("GET", "/admin/v1/keys/none", &[admin], 404),
        ("GET", "/admin/v1/keys/%ff", &[admin], 400),
        ("DELETE", "/admin/v1/keys/test", &[admin], 409),
        ("GET", "/admin/v1/requests?limit=x", &[admin], 400),
        ("GET", "/admin/v1/nowhere", &[admin], 404),
    ] {
        for (own, kept) in [(Some("mine-1"), true), (Some("not plain"), false), (None, false)] {
            let sent = [headers, own.map(|id| ("x-request-id", id)).as_slice()].concat();
            let answer = send(&gateway.address, method, path, &sent, b"");
            let what = format!("{method} {path} {own:?}: {}", answer.text());
            assert_eq!(answer.status, status, "{what}");
            let ids: Vec<&str> = answer
                .headers
                .iter()
                .filter(|(name, _)| name == "x-request-id")
                .map(|(_, value)| value.as_str())
                .collect();
            assert_eq!(ids.len(), 1, "{what}");
            assert!(if kept { ids[0] == "mine-1" } else { ids[0].starts_with("req_") }, "{what}: {ids:?}");
            if path.starts_with("/admin") && status >= 400 {
                assert_eq!(answer.json()["error"]["request_id"].as_str(), Some(ids[0]), "{what}");
            }
        }
    }
}

#[test]
fn a_wrong_method_is_told_the_right_ones() {
    let gateway = Gateway::start(&key(""));
    let bearer = format!("Bearer {TOKEN}");
    let admin = [("authorization", bearer.as_str())];
    for (path, allow) in [
        ("/admin/v1/keys", "GET, HEAD, POST"),
        ("/admin/v1/keys/x", "GET, HEAD, PATCH, DELETE"),
        ("/admin/v1/keys/x/rotate", "POST"),
        ("/admin/v1/config", "GET, HEAD"),
    ] {
        let stranger = send(&gateway.address, "PUT", path, &[], b"");
        assert_eq!((stranger.status, stranger.header("allow")), (401, None), "{path}");
        assert_eq!(stranger.json()["error"]["code"], "unauthorized", "{path}");
        let known = send(&gateway.address, "PUT", path, &admin, b"");
        assert_eq!((known.status, known.header("allow")), (405, Some(allow)), "{path}");
        assert_eq!(known.json()["error"]["code"], "method_not_allowed", "{path}");
        assert!(known.json()["error"]["message"].as_str().unwrap().contains(allow), "{path}");
    }
    for (method, path, style, allow) in [
        ("POST", "/healthz", Style::Openai, "GET, HEAD"),
        ("DELETE", "/metrics", Style::Openai, "GET, HEAD"),
        ("POST", "/", Style::Openai, "GET, HEAD"),
        ("PUT", "/v1/models/m:generateContent", Style::Gemini, "POST"),
        ("GET", "/v1/models/m:generateContent", Style::Gemini, "POST"),
        ("DELETE", "/v1beta/models/m%3AcountTokens", Style::Gemini, "POST"),
        ("GET", "/v1beta/tunedModels/m:generateContent", Style::Gemini, "POST"),
        ("PUT", "/v1beta/models", Style::Gemini, "GET, HEAD"),
        ("POST", "/v1beta/models/m", Style::Gemini, "GET, HEAD"),
        ("POST", "/v1/models/m", Style::Openai, "GET, HEAD"),
        ("PUT", "/v1/responses", Style::Openai, "POST"),
        ("GET", "/claude/v1/messages", Style::Anthropic, "POST"),
        ("POST", "/claude/v1/models", Style::Anthropic, "GET, HEAD"),
    ] {
        let answer = send(&gateway.address, method, path, &[("x-api-key", KEY)], b"");
        NO_METHOD.check(style, &answer, path);
        assert_eq!(answer.header("allow"), Some(allow), "{method} {path}");
        assert!(answer.json()["error"]["message"].as_str().unwrap().contains(allow), "{method} {path}");
    }
}

#[test]
fn geminis_calls_are_offered_under_their_own_prefixes_alone() {
    let upstream = Upstream::start(|_| whole(200, "", "{}"));
    let gateway = Gateway::start(&(account("g", "gemini", &upstream.address, "") + &key("")));
    for collection in ["models", "tunedModels"] {
        for prefix in ["/v1", "/v1beta", "/gemini/v1", "/gemini/v1beta"] {
            let path = format!("{prefix}/{collection}/m:generateContent");
            assert_eq!(gateway.post(&path, "{}").status, 200, "{path}");
        }
        let served = upstream.seen().len();
        for prefix in
            ["/api/v1", "/claude/v1", "/api/claude/v1", "/openai/v1", "/openai/v1beta", "/api/v1beta"]
        {
            let path = format!("{prefix}/{collection}/m:generateContent");
            assert!(matches!(gateway.post(&path, "{}").status, 404 | 405), "{path}");
        }
        assert_eq!(upstream.seen().len(), served);
    }
}

#[test]
fn a_get_of_responses_is_an_upgrade_or_nothing() {
    let gateway = Gateway::start(&key(""));
    for path in ["/v1/responses", "/responses", "/openai/responses", "/azure/openai/v1/responses"] {
        let get = |headers: &[(&str, &str)]| send(&gateway.address, "GET", path, headers, b"");
        let upgrade = [("connection", "upgrade"), ("upgrade", "websocket")];
        assert_eq!(get(&upgrade).status, 426, "{path}");
        UNAUTHENTICATED.check(Style::Openai, &get(&[]), path);
        let known = get(&[("x-api-key", KEY)]);
        NO_METHOD.check(Style::Openai, &known, path);
        assert_eq!(known.header("allow"), Some("POST"), "{path}");
    }
}

fn models(gateway: &Gateway, path: &str, headers: &[(&str, &str)]) -> Value {
    let answer = send(&gateway.address, "GET", path, headers, b"");
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    answer.json()
}

#[test]
fn a_list_has_what_can_be_asked_for_in_its_api_and_no_more() {
    let nowhere = "127.0.0.1:1";
    let config = account("c", "claude-console", nowhere, "models = [\"claude-x\"]")
        + &account("o", "openai-compatible", nowhere, "models = [\"chat-x\"]\npools = [\"openai\"]")
        + &account("r", "openai-responses", nowhere, "models = [\"codex-x\"]")
        + &key("")
        + "[[keys]]\nname = \"claude\"\nkey = \"claude\"\nallow = [\"claude\"]\n";
    let gateway = Gateway::start(&config);
    let names = |list: &Value, field: &str| -> Vec<String> {
        list.as_array().unwrap().iter().map(|one| one[field].as_str().unwrap().to_owned()).collect()
    };
    let openai = models(&gateway, "/v1/models", &[("x-api-key", KEY)]);
    assert_eq!(names(&openai["data"], "id"), ["chat-x", "codex-x"]);
    // Codex asks through Responses and through nothing else, and the account for Chat is asked in its own way.
    let of =
        |name| serde_json::json!({ "slug": name, "display_name": name, "supported_reasoning_levels": [] });
    let codex = serde_json::json!([of("chat-x"), of("codex-x")]);
    assert_eq!(openai["models"], codex);
    let version = ("anthropic-version", "2023-06-01");
    let anthropic = models(&gateway, "/v1/models", &[("x-api-key", KEY), version]);
    assert_eq!(names(&anthropic["data"], "id"), ["claude-x"]);
    let gemini = models(&gateway, "/v1/models", &[("x-goog-api-key", KEY)]);
    assert_eq!(gemini, serde_json::json!({ "models": [] }));
    // What a key can't ask for there is not made up from what it can ask for elsewhere.
    let openai = models(&gateway, "/v1/models", &[("x-api-key", "claude")]);
    assert_eq!(openai, serde_json::json!({ "object": "list", "data": [], "models": [] }));
}

#[test]
fn the_key_in_the_query_may_be_encoded() {
    let gateway = Gateway::start(&(account("g", "gemini", "127.0.0.1:1", "models = [\"m\"]") + &key("")));
    let encoded = KEY.replace('-', "%2D");
    for path in [format!("/v1/models?k%65y={encoded}"), format!("/v1/models?pageSize=9&key={encoded}")] {
        let list = models(&gateway, &path, &[("x-goog-api-key", "unknown")]);
        assert_eq!(list["models"][0]["name"], "models/m", "{path}");
    }
    let verbs = &models(&gateway, &format!("/v1/models/m?key={KEY}"), &[])["supportedGenerationMethods"];
    assert!(verbs.as_array().unwrap().contains(&"batchEmbedContents".into()), "{verbs}");
    NO_ROUTE.check(Style::Gemini, &gateway.post("/v1/models/m:nonsense", "{}"), "an unknown verb");
}

#[test]
fn an_account_that_left_is_gone_from_the_metrics() {
    let (stays, leaves) =
        (account("stays", "openai", "127.0.0.1:1", ""), account("leaves", "openai", "127.0.0.1:1", ""));
    let gateway = Gateway::start(&(stays.clone() + &leaves));
    let gauges = || {
        let metrics = send(&gateway.address, "GET", "/metrics", &[], b"").text();
        let told = |name: &str| metrics.lines().filter(|line| line.contains(&format!("\"{name}\""))).count();
        (told("stays"), told("leaves"))
    };
    let (before, leaving) = gauges();
    assert!(before > 0 && before == leaving, "{before} and {leaving}");
    gateway.rewrite(&stays);
    assert_eq!(gateway.admin("POST", "/reload", "").status, 200);
    assert_eq!(gauges(), (before, 0));
    assert_eq!(gauges(), (before, 0));
}
