//! Answers that end before they are whole: what breaks off and what fails upstream is told as each client knows it.

use serde_json::json;
use sluice_tests::upstream::{Request, Step, chunk, end, stream_head};

use super::partial::{error, said};
use super::{asked, gateway};

/// The dialect of what an upstream is asked.
fn spoken(request: &Request) -> &'static str {
    let ways = [
        ("/messages", "anthropic"),
        ("/chat/completions", "openai-chat"),
        ("/responses", "openai-responses"),
        ("enerateContent", "gemini"),
    ];
    ways.into_iter().find(|(way, _)| request.line.contains(way)).unwrap().1
}

/// Whether a stream of a client's ends in one failure, and in nothing else.
fn has_failed(client: &str, told: &str) -> bool {
    let (failure, whole) = match client {
        "anthropic" => ("event: error\n", "message_stop"),
        "openai-responses" => ("event: response.failed\n", "response.completed"),
        "openai-chat" => ("data: {\"error\":{", "[DONE]"),
        _ => ("data: {\"error\":{", "finishReason"),
    };
    told.matches(failure).count() == 1 && !told.contains(whole)
}

/// Each client's stream from an account of each other dialect that has said a word and then goes on like this.
fn each(goes_on: fn(&str) -> Vec<Step>, check: impl Fn(&str, &str, &str)) {
    let (gateway, upstreams) = gateway(move |request| {
        let api = spoken(request);
        let mut steps = vec![stream_head("text/event-stream"), chunk(said(api).as_bytes())];
        steps.extend(goes_on(api));
        steps
    });
    for (speaks, upstream) in &upstreams {
        for (client, path, body, word) in
            asked(&format!("to-{speaks}")).into_iter().filter(|(client, ..)| client != speaks)
        {
            // What the last client's answer was is no reason not to ask again.
            let recovered = gateway.admin("POST", &format!("/accounts/{speaks}/recover"), "");
            assert!(recovered.status < 300, "{}", recovered.text());
            let before = upstream.seen().len();
            let told = gateway.post(&path, &body).text();
            let what = format!("{client} {speaks}");
            assert!(told.contains(word) && has_failed(client, &told), "{what}: {told}");
            check(client, speaks, &told);
            assert_eq!(upstream.seen().len(), before + 1, "{what}");
            let record = gateway.record();
            assert_eq!(record["outcome"], json!("upstream_error"), "{what} {record}");
            assert_eq!(record["usage_estimated"], json!(true), "{what} {record}");
            let names = (record["model"].as_str().unwrap(), record["upstream_model"].as_str().unwrap());
            assert_eq!(names.0, format!("to-{speaks}"), "{what}");
            assert!(["up", "claude-sonnet-4-5"].contains(&names.1), "{what} {record}");
        }
    }
}

#[test]
fn a_stream_that_breaks_off_is_a_failure_for_every_client_of_every_upstream() {
    each(|_| vec![Step::Close], |_, _, _| {});
}

#[test]
fn a_stream_that_ends_without_its_end_is_a_failure_too() {
    each(|_| vec![end()], |_, _, _| {});
}

#[test]
fn an_error_in_mid_stream_of_every_upstream_is_every_clients_own() {
    each(
        |api| vec![chunk(error(api).as_bytes()), end()],
        |client, speaks, told| {
            let times = if client == "openai-responses" { 2 } else { 1 };
            assert_eq!(told.matches("boom").count(), times, "{client} {speaks}: {told}");
        },
    );
}
