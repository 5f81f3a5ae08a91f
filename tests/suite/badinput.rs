//! Bad input: a clear 4xx or a closed connection, and nobody else is disturbed.

use std::io::{Read, Write};
use std::net::TcpStream;

use sluice_tests::client::{PATIENCE, raw, send};
use sluice_tests::gateway::{Gateway, KEY, account, key};
use sluice_tests::refusal::{BAD_REQUEST, Style};
use sluice_tests::upstream::{Upstream, whole};

fn setting() -> (Upstream, Gateway) {
    let upstream = Upstream::start(|_| whole(200, "", "{}"));
    let accounts: String = ["claude-console", "openai", "gemini"]
        .iter()
        .map(|kind| account(kind, kind, &upstream.address, ""))
        .collect();
    let gateway = Gateway::start(&("server.header_timeout = \"300ms\"\n".to_owned() + &accounts + &key("")));
    (upstream, gateway)
}

/// Which bodies are wrong where.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Where {
    Everywhere,
    /// Where the body names the model and says whether to stream.
    InTheBody,
}

#[test]
fn a_wrong_body_is_a_400_that_says_what_is_wrong() {
    use Where::{Everywhere, InTheBody};
    let (upstream, gateway) = setting();
    let nested = format!("{{\"model\":\"m\",\"x\":{}", "[".repeat(100_000));
    let closed = format!("{nested}{}}}", "]".repeat(100_000));
    let cases: [(&[u8], &str, Where); 19] = [
        (b"", "JSON", Everywhere),
        (b"nonsense", "JSON", Everywhere),
        (b"{\"model\":\"m\",}", "JSON", Everywhere),
        (b"{\"model\":\"m\"", "JSON", Everywhere),
        (b"{\"model\":\"m\"}{}", "JSON", Everywhere),
        (b"{\"model\":\"m\",\"x\":01}", "JSON", Everywhere),
        (b"[]", "object", Everywhere),
        (b"\"m\"", "object", Everywhere),
        (b"{\"model\":\"m\",\"x\":\"\xff\"}", "UTF-8", Everywhere),
        (nested.as_bytes(), "deep", Everywhere),
        (closed.as_bytes(), "deep", Everywhere),
        (b"{}", "model", InTheBody),
        (b"{\"model\":7}", "model", InTheBody),
        (b"{\"model\":null}", "model", InTheBody),
        (b"{\"model\":\"m\",\"mod\\u0065l\":\"other\"}", "twice", InTheBody),
        (b"{\"model\":\"m\",\"MODEL\":\"other\"}", "another spelling of `model`", Everywhere),
        ("{\"model\":\"m\",\"me\u{17f}sages\":[]}".as_bytes(), "another spelling of `messages`", Everywhere),
        (b"{\"model\":\"m\",\"stream\":\"yes\"}", "stream", InTheBody),
        (b"{\"model\":\"m\",\"stream\":true,\"stream\":false}", "twice", InTheBody),
    ];
    for (path, style) in [
        ("/v1/messages", Style::Anthropic),
        ("/v1/chat/completions", Style::Openai),
        ("/v1/responses", Style::Openai),
        ("/v1beta/models/m:generateContent", Style::Gemini),
        ("/v1beta/models/m:streamGenerateContent?alt=sse", Style::Gemini),
    ] {
        for (body, says, place) in &cases {
            if *place == InTheBody && style == Style::Gemini {
                continue;
            }
            let what = format!("{path} {}", String::from_utf8_lossy(&body[..body.len().min(60)]));
            let answer = send(&gateway.address, "POST", path, &[("x-api-key", KEY)], body);
            BAD_REQUEST.check(style, &answer, &what);
            assert!(
                answer.json()["error"]["message"].as_str().unwrap().contains(says),
                "{what}: {}",
                answer.text()
            );
            if *place == InTheBody && style == Style::Openai {
                let param = if says.contains("model") || body.starts_with(b"{\"model\":\"m\",\"mod") {
                    "model"
                } else {
                    "stream"
                };
                assert_eq!(answer.json()["error"]["param"], param, "{what}");
            }
        }
    }
    assert!(upstream.seen().is_empty());
    assert_eq!(gateway.post("/v1/messages", r#"{"model":"m"}"#).status, 200);
}

#[test]
fn what_decides_in_geminis_body_is_said_once_and_in_its_type() {
    let (upstream, gateway) = setting();
    for body in [
        r#"{"contents":[],"c\u006fntents":[]}"#,
        r#"{"contents":[],"generationConfig":{},"generationConfig":{}}"#,
        r#"{"contents":7}"#,
    ] {
        let answer = gateway.post("/v1beta/models/m:generateContent", body);
        BAD_REQUEST.check(Style::Gemini, &answer, body);
    }
    assert!(upstream.seen().is_empty());
}

#[test]
fn a_models_name_never_changes_where_a_request_goes() {
    let (upstream, gateway) = setting();
    for name in ["..%2f..%2fadmin", "a%2f..%2fb", "x%0d%0ahost:%20evil", "..", "%2e%2e", ".", "%2e", "a%2f."]
    {
        let answer = gateway.post(&format!("/v1beta/models/{name}:generateContent"), "{}");
        assert!(matches!(answer.status, 400 | 404), "{name}: {}", answer.status);
    }
    for name in ["../x", ".", "..", "./x", "a\\u000d\\u000ab", "a\\u0000"] {
        assert_eq!(gateway.post("/v1/messages", &format!("{{\"model\":\"{name}\"}}")).status, 400, "{name}");
    }
    assert!(upstream.seen().is_empty());
    for (name, path) in [
        ("a%2fb", "a%2Fb"),
        ("a@evil.example", "a@evil.example"),
        ("a%3Fb%23c", "a%3Fb%23c"),
        ("a%252fb", "a%252fb"),
    ] {
        assert_eq!(gateway.post(&format!("/v1beta/models/{name}:generateContent"), "{}").status, 200);
        assert_eq!(upstream.last().line, format!("POST /v1beta/models/{path}:generateContent"));
        assert_eq!(upstream.last().header("host"), Some(upstream.address.as_str()));
    }
}

#[test]
fn a_head_that_is_too_large_or_ambiguous_is_refused() {
    let (upstream, gateway) = setting();
    let head = "POST /v1/messages HTTP/1.1\r\nhost: localhost\r\n";
    let large = format!("{head}x-large: {}\r\n\r\n", "x".repeat(200_000));
    let many: String = (0..500).map(|number| format!("x-{number}: 1\r\n")).collect();
    for (request, status) in [
        (large.as_bytes(), 431),
        (format!("{head}{many}\r\n").as_bytes(), 431),
        (format!("GET /{} HTTP/1.1\r\nhost: localhost\r\n\r\n", "x".repeat(200_000)).as_bytes(), 431),
        (format!("{head}content-length: -1\r\n\r\n").as_bytes(), 400),
        (format!("{head}content-length: 1\r\ncontent-length: 2\r\n\r\n").as_bytes(), 400),
        (format!("{head}x y: z\r\n\r\n").as_bytes(), 400),
        (b"\x16\x03\x01garbage\r\n\r\n", 400),
    ] {
        let what = String::from_utf8_lossy(&request[..request.len().min(90)]).into_owned();
        let answer = raw(&gateway.address, request).unwrap_or_else(|| panic!("no answer to {what}"));
        assert_eq!(answer.status, status, "{what}");
    }
    assert!(upstream.seen().is_empty());
}

/// With both length headers hyper reads the chunks, drops the other length and closes: a known limit is that the
/// request itself may still be served, as RFC 9112 section 6.1 allows; what must never be is a second request in it.
#[test]
fn both_length_headers_never_smuggle_a_request() {
    for lengths in [
        "content-length: 5\r\ntransfer-encoding: chunked\r\n",
        "transfer-encoding: chunked\r\ncontent-length: 5\r\n",
    ] {
        let (upstream, gateway) = setting();
        let head = format!("POST /v1/messages HTTP/1.1\r\nhost: localhost\r\nx-api-key: {KEY}\r\n");
        let sent = format!(
            "{head}{lengths}\r\nd\r\n{{\"model\":\"m\"}}\r\n0\r\n\r\n{head}content-length: 13\r\n\r\n{{\"model\":\"n\"}}"
        );
        let mut client = TcpStream::connect(&gateway.address).unwrap();
        client.set_read_timeout(Some(PATIENCE)).unwrap();
        client.write_all(sent.as_bytes()).unwrap();
        let mut answer = Vec::new();
        // A reset is a closed connection too; silence until the patience ends is not.
        if let Err(error) = client.read_to_end(&mut answer) {
            assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
        }
        assert!(String::from_utf8_lossy(&answer).matches("HTTP/1.1 ").count() <= 1);
        for request in upstream.seen() {
            assert_eq!(request.body, br#"{"model":"m"}"#);
            assert_eq!(
                (request.header("content-length"), request.header("transfer-encoding")),
                (Some("13"), None)
            );
        }
        assert!(upstream.seen().len() <= 1);
        assert_eq!(gateway.post("/v1/messages", r#"{"model":"m"}"#).status, 200);
    }
}

#[test]
fn a_client_that_never_finishes_its_head_is_dropped_and_others_are_served() {
    let (_upstream, gateway) = setting();
    let mut slow = TcpStream::connect(&gateway.address).unwrap();
    slow.set_read_timeout(Some(PATIENCE)).unwrap();
    slow.write_all(b"POST /v1/messages HTTP/1.1\r\nhost: localhost\r\nx-a").unwrap();
    assert_eq!(gateway.post("/v1/messages", r#"{"model":"m"}"#).status, 200);
    let mut rest = Vec::new();
    let _ = slow.read_to_end(&mut rest);
    assert!(
        rest.is_empty() || String::from_utf8_lossy(&rest).contains(" 408 "),
        "{}",
        String::from_utf8_lossy(&rest)
    );
}
