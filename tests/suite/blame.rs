//! Whose fault an upstream's words are: refusals and first events that name the account, and those that only quote it.

use sluice_tests::dialects::{Dialect, dialect};
use sluice_tests::gateway::{Gateway, account, key};
use sluice_tests::upstream::{Upstream, stream, whole};

/// Asks two accounts of a provider, the first of which answers so; gives the client's status and body, and whether
/// the second was asked.
fn ask(
    provider: &str,
    dialect: &'static Dialect,
    streamed: bool,
    status: u16,
    text: &'static str,
) -> (u16, String, bool) {
    let first = Upstream::start(move |_| match (streamed, status) {
        (true, 200) => stream("text/event-stream", text, 11),
        _ => whole(status, "", text),
    });
    let second = Upstream::start(move |_| match streamed {
        true => stream("text/event-stream", dialect.stream, 11),
        false => whole(200, "", dialect.answer),
    });
    let config = account("first", provider, &first.address, "priority = 1")
        + &account("second", provider, &second.address, "priority = 2")
        + &key("");
    let gateway = Gateway::start(&config);
    let (path, body) = if streamed { dialect.stream_request } else { (dialect.paths[0], dialect.request) };
    let answer = gateway.post(path, body);
    assert_eq!(first.seen().len(), 1, "{text}");
    (answer.status, answer.text(), second.accepted() > 0)
}

#[test]
fn a_400_or_404_that_names_the_account_goes_to_the_next_one() {
    for (provider, api, status, text) in [
        (
            "claude-console",
            "anthropic",
            400,
            r#"{"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits."}}"#,
        ),
        (
            "claude-official",
            "anthropic",
            400,
            r#"{"type":"error","error":{"type":"invalid_request_error","message":"You have reached your specified API usage limits. You will regain access on 2030-01-01 at 00:00 UTC."}}"#,
        ),
        (
            "claude-console",
            "anthropic",
            400,
            r#"{"type":"error","error":{"type":"invalid_request_error","message":"x","details":{"error_code":"organization_on_hold"}}}"#,
        ),
        (
            "gemini",
            "gemini",
            400,
            r#"{"error":{"code":400,"message":"x","status":"INVALID_ARGUMENT","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"API_KEY_INVALID","domain":"googleapis.com"}]}}"#,
        ),
        (
            "gemini",
            "gemini",
            400,
            r#"{"error":{"code":400,"message":"User location is not supported for the API use.","status":"FAILED_PRECONDITION"}}"#,
        ),
        (
            "azure-openai",
            "openai-chat",
            404,
            r#"{"error":{"code":"DeploymentNotFound","message":"The API deployment for this resource does not exist."}}"#,
        ),
        (
            "azure-openai",
            "openai-responses",
            404,
            r#"{"error":{"code":"DeploymentNotFound","message":"The API deployment for this resource does not exist."}}"#,
        ),
    ] {
        let dialect = dialect(api);
        let expected = (200, dialect.answer.to_owned(), true);
        assert_eq!(ask(provider, dialect, false, status, text), expected, "{provider}: {text}");
    }
}

#[test]
fn words_that_a_client_could_have_put_there_blame_no_account() {
    for (provider, api, status, text) in [
        (
            "claude-console",
            "anthropic",
            400,
            r#"{"type":"error","error":{"type":"invalid_request_error","message":"messages.0.content.0: Input tag 'credit balance is too low' found using 'type' does not match any of the expected tags"}}"#,
        ),
        (
            "claude-console",
            "anthropic",
            400,
            r#"{"type":"error","error":{"type":"invalid_request_error","message":"billing_error: Extra inputs are not permitted"}}"#,
        ),
        (
            "gemini",
            "gemini",
            400,
            r#"{"error":{"code":400,"message":"Invalid value at 'contents[0].role': API_KEY_INVALID","status":"INVALID_ARGUMENT"}}"#,
        ),
        (
            "openai",
            "openai-chat",
            404,
            r#"{"error":{"message":"The model `DeploymentNotFound` does not exist","type":"invalid_request_error","param":null,"code":"model_not_found"}}"#,
        ),
        (
            "azure-openai",
            "openai-chat",
            400,
            r#"{"error":{"message":"Invalid value: 'OperationNotSupported'","type":"invalid_request_error","param":"messages[0].role","code":"invalid_value"}}"#,
        ),
    ] {
        let expected = (status, text.to_owned(), false);
        assert_eq!(ask(provider, dialect(api), false, status, text), expected, "{provider}: {text}");
    }
}

#[test]
fn a_first_event_that_is_an_error_is_a_failed_attempt() {
    for (api, text) in [
        (
            "anthropic",
            "event: ping\ndata: {\"type\":\"ping\"}\n\nevent: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}\n\n",
        ),
        (
            "anthropic",
            "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"rate_limit_error\",\"message\":\"x\"}}\n\n",
        ),
        (
            "anthropic",
            "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"authentication_error\",\"message\":\"x\"}}\n\n",
        ),
        (
            "openai-chat",
            "data: {\"error\":{\"message\":\"x\",\"type\":\"server_error\",\"param\":null,\"code\":null}}\n\n",
        ),
        (
            "openai-chat",
            "data: {\"error\":{\"message\":\"x\",\"type\":\"insufficient_quota\",\"param\":null,\"code\":\"insufficient_quota\"}}\n\n",
        ),
        (
            "openai-responses",
            "event: error\ndata: {\"type\":\"error\",\"code\":\"server_error\",\"message\":\"x\",\"param\":null,\"sequence_number\":0}\n\n",
        ),
        (
            "openai-responses",
            "event: response.failed\ndata: {\"type\":\"response.failed\",\"sequence_number\":0,\"response\":{\"id\":\"r\",\"status\":\"failed\",\"error\":{\"code\":\"rate_limit_exceeded\",\"message\":\"x\"}}}\n\n",
        ),
        ("gemini", "data: {\"error\":{\"code\":503,\"message\":\"x\",\"status\":\"UNAVAILABLE\"}}\r\n\r\n"),
        (
            "gemini",
            "data: {\"error\":{\"code\":429,\"message\":\"x\",\"status\":\"RESOURCE_EXHAUSTED\"}}\r\n\r\n",
        ),
    ] {
        let dialect = dialect(api);
        let expected = (200, dialect.stream.to_owned(), true);
        assert_eq!(ask(dialect.provider, dialect, true, 200, text), expected, "{api}: {text}");
    }
}

#[test]
fn a_first_event_that_blames_the_request_is_the_clients() {
    for (api, text) in [
        (
            "anthropic",
            "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"message\":\"too long\"}}\n\n",
        ),
        (
            "openai-chat",
            "data: {\"error\":{\"message\":\"too long\",\"type\":\"invalid_request_error\",\"param\":\"messages\",\"code\":\"context_length_exceeded\"}}\n\n",
        ),
        (
            "openai-responses",
            "event: error\ndata: {\"type\":\"error\",\"code\":\"invalid_prompt\",\"message\":\"too long\",\"param\":null,\"sequence_number\":0}\n\n",
        ),
        (
            "gemini",
            "data: {\"error\":{\"code\":400,\"message\":\"too long\",\"status\":\"INVALID_ARGUMENT\"}}\r\n\r\n",
        ),
    ] {
        let dialect = dialect(api);
        let (status, body, asked) = ask(dialect.provider, dialect, true, 200, text);
        assert_eq!((status, asked), (400, false), "{api}: {body}");
        let body: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!(body["error"]["message"], "too long", "{api}: {body}");
    }
}
