//! Every provider that is linked in has an upstream that the suite drives.

use std::process::Command;

use sluice_tests::client::send;
use sluice_tests::dialects::{Dialect, dialect};
use sluice_tests::eventstream;
use sluice_tests::gateway::{Gateway, KEY, SECRET, account, binary, key};
use sluice_tests::upstream::{Upstream, stream, whole};

/// What each provider's upstream speaks, and where it is asked.
pub(crate) const UPSTREAMS: [(&str, &[(&str, &str)]); 10] = [
    ("bedrock", &[("anthropic", "/model/anthropic.m-1/invoke")]),
    ("claude-official", &[("anthropic", "/v1/messages")]),
    ("claude-console", &[("anthropic", "/v1/messages")]),
    ("ccr", &[("anthropic", "/v1/messages")]),
    ("gemini", &[("gemini", "/v1beta/models/m-1:generateContent")]),
    (
        "openai",
        &[
            ("openai-chat", "/v1/chat/completions"),
            ("openai-responses", "/v1/responses"),
            ("openai-embeddings", "/v1/embeddings"),
            ("openai-images", "/v1/images/generations"),
        ],
    ),
    ("openai-responses", &[("openai-responses", "/v1/responses")]),
    (
        "openai-compatible",
        &[("openai-chat", "/v1/chat/completions"), ("openai-embeddings", "/v1/embeddings")],
    ),
    (
        "azure-openai",
        &[("openai-chat", "/openai/v1/chat/completions"), ("openai-responses", "/openai/v1/responses")],
    ),
    // Answers by itself: its own tests and the clients' drive it.
    ("simulated", &[]),
];

/// What a provider must be told beside an address and a key.
pub(crate) const NEEDS: [(&str, &str); 1] =
    [("bedrock", "region = \"us-east-1\"\nmodel_map = { m-1 = \"anthropic.m-1\" }")];

#[test]
fn every_provider_is_driven_plain_and_streamed() {
    let output = Command::new(binary()).args(["plugins", "--json"]).output().unwrap();
    let plugins: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let providers = plugins.as_array().unwrap().iter().filter(|plugin| plugin["role"] == "provider");
    for plugin in providers {
        let kind = plugin["kind"].as_str().unwrap();
        let (_, spoken) = UPSTREAMS
            .iter()
            .find(|(name, _)| *name == kind)
            .unwrap_or_else(|| panic!("no scripted upstream for {kind}"));
        assert!(
            plugin["settings"]["properties"].is_object() && !plugin["summary"].as_str().unwrap().is_empty(),
            "{kind}"
        );
        for (api, path) in *spoken {
            drive(kind, dialect(api), path);
        }
    }
}

fn drive(kind: &str, dialect: &'static Dialect, path: &str) {
    let upstream = Upstream::start(move |request| {
        if request.line.ends_with("/invoke-with-response-stream") {
            return eventstream::answer(&eventstream::chunks(dialect.stream), 13);
        }
        if request.line.contains("stream")
            || String::from_utf8_lossy(&request.body).contains("\"stream\":true")
        {
            return stream("text/event-stream", dialect.stream, 13);
        }
        whole(200, "", dialect.answer)
    });
    let needs = NEEDS.iter().find(|(name, _)| *name == kind).map_or("", |(_, needs)| needs);
    let gateway = Gateway::start(&(account("a", kind, &upstream.address, needs) + &key("")));
    assert_eq!(gateway.post(dialect.paths[0], dialect.request).text(), dialect.answer, "{kind}");
    let seen = upstream.last();
    assert_eq!(seen.line, format!("POST {path}"), "{kind}");
    assert!(format!("{:?}", seen.headers).contains(SECRET) && !format!("{seen:?}").contains(KEY), "{kind}");
    if !dialect.stream.is_empty() {
        let (path, body) = dialect.stream_request;
        assert_eq!(
            send(&gateway.address, "POST", path, &[("api-key", KEY)], body.as_bytes()).text(),
            dialect.stream,
            "{kind}"
        );
    }
}
