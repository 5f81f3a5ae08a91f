//! Same-dialect relays: what goes up and comes down, byte for byte.

use sluice_tests::client::send;
use sluice_tests::dialects::{DIALECTS, dialect, streaming};
use sluice_tests::gateway::{Gateway, KEY, SECRET, account, key};
use sluice_tests::upstream::{Step, Upstream, stream, whole};

#[test]
fn bodies_pass_byte_for_byte_on_every_route() {
    for dialect in &DIALECTS {
        let upstream = Upstream::start(|_| whole(200, "x-kept: yes\r\n", dialect.answer));
        let gateway = Gateway::start(&(account("a", dialect.provider, &upstream.address, "") + &key("")));
        for path in dialect.paths {
            let answer = gateway.post(path, dialect.request);
            assert_eq!((answer.status, answer.text().as_str()), (200, dialect.answer), "{path}");
            assert_eq!(answer.header("x-kept"), Some("yes"));
            let seen = upstream.last();
            assert_eq!(String::from_utf8_lossy(&seen.body), dialect.request, "{path}");
            let query = path.split_once('?').map_or(String::new(), |(_, query)| format!("?{query}"));
            assert_eq!(seen.line, format!("POST {}{query}", dialect.upstream), "{path}");
        }
        let record = gateway.record();
        let used = (record["input_tokens"].as_u64().unwrap(), record["output_tokens"].as_u64().unwrap());
        assert_eq!(used, dialect.used, "{}", dialect.api);
        assert_eq!(record["outcome"], "completed", "{}", dialect.api);
    }
}

#[test]
fn streams_pass_byte_for_byte_whatever_their_chunks_and_are_metered() {
    for dialect in streaming() {
        for size in [1, 7, 100_000] {
            let upstream = Upstream::start(move |_| stream("text/event-stream", dialect.stream, size));
            let gateway = Gateway::start(&(account("a", dialect.provider, &upstream.address, "") + &key("")));
            let (path, body) = dialect.stream_request;
            let answer = gateway.post(path, body);
            assert_eq!((answer.status, answer.complete), (200, true));
            assert_eq!(answer.text(), dialect.stream, "{} by {size}", dialect.api);
            let record = gateway.record();
            assert_eq!(
                (record["input_tokens"].as_u64(), record["output_tokens"].as_u64()),
                (Some(9), Some(41)),
                "{record}"
            );
            assert_eq!(
                (record["outcome"].as_str(), record["stream"].as_bool()),
                (Some("completed"), Some(true))
            );
        }
    }
}

#[test]
fn a_json_array_of_gemini_passes_and_is_metered() {
    let text = "[{\"candidates\":[]}\n,\r\n{\"usageMetadata\":{\"promptTokenCount\":9,\"candidatesTokenCount\":41,\"totalTokenCount\":50}}\n]";
    let upstream = Upstream::start(move |_| stream("application/json", text, 5));
    let gateway = Gateway::start(&(account("a", "gemini", &upstream.address, "") + &key("")));
    let answer = gateway.post("/v1beta/tunedModels/m-1:streamGenerateContent", "{\"contents\":[]}");
    assert_eq!(answer.text(), text);
    assert_eq!(upstream.last().line, "POST /v1beta/tunedModels/m-1:streamGenerateContent");
    assert_eq!(gateway.record()["output_tokens"], 41);
}

#[test]
fn only_the_models_name_changes_where_it_is_mapped() {
    let upstream = Upstream::start(|_| whole(200, "", "{\"model\":\"m-2\"}"));
    let map = "model_map = { \"m-1\" = \"m-2\" }";
    let gateway = Gateway::start(&(account("a", "claude-console", &upstream.address, map) + &key("")));
    let body = "{ \"x\":1.0, \"model\" : \"m\\u002d1\" ,\"max_tokens\":9, \"y\":\"m-1\"}";
    assert_eq!(gateway.post("/v1/messages", body).text(), "{\"model\":\"m-2\"}");
    assert_eq!(String::from_utf8_lossy(&upstream.last().body), body.replace("\"m\\u002d1\"", "\"m-2\""));
}

#[test]
fn an_azure_deployment_is_the_model_and_is_put_where_upstream_wants_it() {
    let upstream = Upstream::start(|_| whole(200, "", "{}"));
    let gateway = Gateway::start(&(account("a", "openai", &upstream.address, "") + &key("")));
    let path = "/azure/openai/deployments/gpt-9/chat/completions?api-version=2024-10-21";
    assert_eq!(gateway.post(path, "{\"messages\":[]}").status, 200);
    assert_eq!(upstream.last().line, "POST /v1/chat/completions");
    assert_eq!(upstream.last().body, b"{\"model\":\"gpt-9\",\"messages\":[]}");
}

#[test]
fn credentials_and_identities_stay_on_their_side() {
    let down = "set-cookie: a=b\r\nx-ratelimit-limit-tokens: 9\r\nanthropic-ratelimit-requests-remaining: 1\r\nanthropic-organization-id: org\r\nx-ms-region: here\r\nalt-svc: h3\r\nx-litellm-key-spend: 7.5\r\nx-litellm-response-cost: 0.01\r\nx-litellm-model-api-base: http://10.0.0.7\r\nx-other: kept\r\nrequest-id: req_upstream\r\n";
    let upstream = Upstream::start(move |_| whole(200, down, "{}"));
    let gateway = Gateway::start(
        &(account("a", "claude-console", &upstream.address, "headers = { \"x-team\" = \"t\" }") + &key("")),
    );
    let bearer = format!("Bearer {KEY}");
    let sent = [
        ("authorization", bearer.as_str()),
        ("x-goog-api-key", KEY),
        ("cookie", "c=d"),
        ("x-forwarded-for", "1.2.3.4"),
        ("forwarded", "for=1.2.3.4"),
        ("openai-organization", "mine"),
        ("anthropic-workspace-id", "mine"),
        ("connection", "x-hop"),
        ("x-hop", "1"),
        ("accept-encoding", "br"),
        ("anthropic-beta", "b1"),
        ("x-custom", "kept"),
    ];
    let answer = send(
        &gateway.address,
        "POST",
        &format!("/v1/messages?key={KEY}&beta=true"),
        &sent,
        br#"{"model":"m"}"#,
    );
    assert_eq!(answer.status, 200);
    let seen = upstream.last();
    for gone in [
        "authorization",
        "x-goog-api-key",
        "cookie",
        "x-forwarded-for",
        "forwarded",
        "openai-organization",
        "anthropic-workspace-id",
        "x-hop",
        "accept-encoding",
    ] {
        assert_eq!(seen.header(gone), None, "{gone}");
    }
    assert_eq!(
        (
            seen.header("x-api-key"),
            seen.header("anthropic-beta"),
            seen.header("x-custom"),
            seen.header("x-team")
        ),
        (Some(SECRET), Some("b1"), Some("kept"), Some("t"))
    );
    assert_eq!(seen.line, "POST /v1/messages?beta=true");
    assert!(!format!("{seen:?}").contains(KEY));
    for gone in [
        "set-cookie",
        "x-ratelimit-limit-tokens",
        "anthropic-ratelimit-requests-remaining",
        "anthropic-organization-id",
        "x-ms-region",
        "alt-svc",
        "x-litellm-key-spend",
        "x-litellm-response-cost",
        "x-litellm-model-api-base",
    ] {
        assert_eq!(answer.header(gone), None, "{gone}");
    }
    assert_eq!((answer.header("x-other"), answer.header("request-id")), (Some("kept"), Some("req_upstream")));
    assert!(answer.header("x-request-id").is_some());
}

#[test]
fn what_would_hide_the_usage_of_geminis_answers_is_not_relayed() {
    let upstream = Upstream::start(|_| whole(200, "", dialect("gemini").answer));
    let gateway = Gateway::start(&(account("a", "gemini", &upstream.address, "") + &key("")));
    let masked = [("x-goog-api-key", KEY), ("x-goog-fieldmask", "candidates"), ("x-other", "kept")];
    for query in
        ["fields=candidates", "$fields=candidates", "%24fields=candidates", "alt=proto", "$alt=proto"]
    {
        let path = format!("/v1beta/models/m-1:generateContent?{query}&prettyPrint=false");
        let answer = send(&gateway.address, "POST", &path, &masked, b"{\"contents\":[]}");
        assert_eq!((answer.status, answer.text().as_str()), (200, dialect("gemini").answer), "{query}");
        let seen = upstream.last();
        assert_eq!(seen.line, "POST /v1beta/models/m-1:generateContent?prettyPrint=false", "{query}");
        assert_eq!(
            (seen.header("x-goog-fieldmask"), seen.header("x-other")),
            (None, Some("kept")),
            "{query}"
        );
        assert_eq!(gateway.record()["output_tokens"], 41, "{query}");
    }
}

#[test]
fn compressed_bodies_are_decoded_both_ways() {
    let upstream = Upstream::start(|_| {
        let head =
            format!("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n", GZIP.len());
        raw(&head, GZIP)
    });
    let gateway = Gateway::start(&(account("a", "gemini", &upstream.address, "") + &key("")));
    let headers = [("x-goog-api-key", KEY), ("content-encoding", "gzip")];
    let answer = send(&gateway.address, "POST", "/v1beta/models/m:generateContent", &headers, GZIP);
    assert_eq!((answer.status, answer.text().as_str(), answer.header("content-encoding")), (200, "{}", None));
    assert_eq!(upstream.last().body, b"{}");
    assert_eq!(upstream.last().header("content-encoding"), None);
}

/// `{}` as gzip, made once with the gzip program.
const GZIP: &[u8] = &[31, 139, 8, 0, 0, 0, 0, 0, 0, 3, 171, 174, 5, 0, 67, 191, 166, 163, 2, 0, 0, 0];

fn raw(head: &str, body: &[u8]) -> Vec<Step> {
    vec![Step::Bytes([head.as_bytes(), body].concat())]
}

#[test]
fn a_compressed_answer_is_whole_or_an_error() {
    let two = [GZIP, GZIP].concat();
    // All of both; without the sum of the second; and with nothing yet that could be handed on.
    for (length, status, complete) in [(two.len(), 200, true), (two.len() - 4, 200, false), (11, 502, true)] {
        let sent = two[..length].to_vec();
        let upstream = Upstream::start(move |_| {
            let head = format!("content-encoding: gzip\r\ncontent-length: {}\r\n\r\n", sent.len());
            raw(&format!("HTTP/1.1 200 OK\r\n{head}"), &sent)
        });
        let gateway = Gateway::start(&(account("a", "claude-console", &upstream.address, "") + &key("")));
        let answer = gateway.post("/v1/messages", r#"{"model":"m","max_tokens":9,"messages":[]}"#);
        assert_eq!((answer.status, answer.complete), (status, complete), "{length}: {}", answer.text());
        let whole = length == two.len();
        assert_eq!(answer.text() == "{}{}", status == 200, "{length}: {}", answer.text());
        let outcome = if whole { "completed" } else { "upstream_error" };
        assert_eq!(gateway.record()["outcome"], outcome, "{length}");
    }
}

#[test]
fn an_answer_with_both_length_headers_is_whole() {
    let dialect = dialect("anthropic");
    let upstream = Upstream::start(move |_| {
        let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n";
        let body = format!("{:x}\r\n{}\r\n0\r\n\r\n", dialect.answer.len(), dialect.answer);
        raw(head, body.as_bytes())
    });
    let gateway = Gateway::start(&(account("a", "claude-console", &upstream.address, "") + &key("")));
    let answer = gateway.post("/v1/messages", dialect.request);
    assert_eq!((answer.text().as_str(), answer.complete), (dialect.answer, true));
    assert_eq!(answer.header("content-length"), None);
    let record = gateway.record();
    assert_eq!((&record["outcome"], &record["output_tokens"]), (&"completed".into(), &41.into()), "{record}");
}

#[test]
fn a_connection_that_went_stale_in_the_pool_is_no_attempt() {
    let upstream = Upstream::start(|_| {
        let mut steps = whole(200, "", "{}");
        steps.push(Step::Close);
        steps
    });
    let gateway = Gateway::start(&(account("a", "claude-console", &upstream.address, "") + &key("")));
    for _ in 0..20 {
        assert_eq!(gateway.post("/v1/messages", r#"{"model":"m"}"#).status, 200);
        assert_eq!(gateway.record()["attempts"], 1);
    }
}

#[test]
fn a_redirect_is_never_followed() {
    let elsewhere = Upstream::start(|_| whole(200, "", "{}"));
    let location = format!("location: http://{}/\r\n", elsewhere.address);
    let upstream = Upstream::start(move |_| whole(307, &location, ""));
    let gateway = Gateway::start(&(account("a", "claude-console", &upstream.address, "") + &key("")));
    let answer = gateway.post("/v1/messages", r#"{"model":"m"}"#);
    assert_eq!((answer.status, answer.header("location")), (502, None));
    assert!(elsewhere.seen().is_empty());
}

#[test]
fn usage_is_asked_for_and_hidden_where_the_client_did_not_ask() {
    let dialect = dialect("openai-chat");
    let upstream = Upstream::start(|_| stream("text/event-stream", dialect.stream, 9));
    let gateway = Gateway::start(&(account("a", "openai", &upstream.address, "") + &key("")));
    let answer = gateway.post("/v1/chat/completions", r#"{"model":"m","stream":true,"messages":[]}"#);
    assert!(
        String::from_utf8_lossy(&upstream.last().body).contains(r#""stream_options":{"include_usage":true}"#)
    );
    let hidden: String =
        dialect.stream.split_inclusive("\n\n").filter(|event| !event.contains("\"usage\":{")).collect();
    assert_eq!(answer.text(), hidden);
    assert_eq!(gateway.record()["output_tokens"], 41);

    let off =
        Gateway::start(&(account("a", "openai", &upstream.address, "include_usage = false") + &key("")));
    let body = r#"{"model":"m","stream":true,"messages":[]}"#;
    assert_eq!(off.post("/v1/chat/completions", body).text(), dialect.stream);
    assert_eq!(upstream.last().body, body.as_bytes());
}
