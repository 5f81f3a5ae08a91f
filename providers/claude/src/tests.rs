//! Requests as they would be sent, and refusals as they are read.

use http::{HeaderMap, HeaderValue, StatusCode};
use sluice_api::provider::Failure;
use sluice_api::testing::{call, context, with_section};
use sluice_api::{Api, Fault, Form, Operation};

use super::Claude;

#[tokio::test]
async fn a_request_goes_to_the_base_url_with_the_accounts_own_key() {
    for (kind, base, uri) in [
        ("claude-official", "", "https://api.anthropic.com/v1/messages?beta=true"),
        ("claude-console", "base_url = \"http://h:1/x/v1/\"\n", "http://h:1/x/v1/messages?beta=true"),
        ("ccr", "base_url = \"http://h:1\"\n", "http://h:1/v1/messages?beta=true"),
    ] {
        let toml = format!("{base}api_key = \"k\"");
        let provider = with_section(&toml, |section| Claude::build(kind, section)).unwrap();
        let mut call = call(Api::Anthropic, Operation::Generate, Form::Sse, "m");
        call.query = Some("beta=true".to_owned());
        call.headers.insert("anthropic-beta", HeaderValue::from_static("b"));
        let request = provider.prepare(&context(), call).await.unwrap();
        assert_eq!(request.uri().to_string(), uri);
        assert_eq!(request.headers()["x-api-key"], "k");
        assert_eq!(request.headers()["anthropic-beta"], "b");
        assert_eq!(request.headers()["anthropic-version"], "2023-06-01");
        assert_eq!(request.headers().contains_key("authorization"), kind == "ccr");
        assert!(!format!("{request:?} {provider:?}").contains("\"k\""));
    }
}

#[test]
fn a_mistake_in_the_settings_says_where() {
    for (toml, path) in [
        ("api_key = \"k\"\nbase_url = \"api.anthropic.com\"", "accounts.account.base_url"),
        ("base_url = \"http://h\"", "accounts.account.api_key"),
        ("api_key = \"k\"\nbase_ur = \"http://h\"", "accounts.account.base_ur"),
    ] {
        let problems = with_section(toml, |section| Claude::build("claude-console", section)).unwrap_err();
        assert_eq!(problems[0].path, path);
    }
}

#[test]
fn whose_fault_a_refusal_is() {
    let check = |status: u16, body: &str, fault: Fault, elsewhere: bool| {
        let failure = Failure {
            status: StatusCode::from_u16(status).unwrap(),
            headers: &HeaderMap::new(),
            body: body.as_bytes(),
        };
        let error = super::classify::classify(&failure);
        assert_eq!((error.facts().fault, error.facts().elsewhere), (fault, elsewhere), "{status} {body}");
    };
    check(400, "prompt is too long", Fault::Client, false);
    let error = |message: &str| {
        format!(r#"{{"type":"error","error":{{"type":"invalid_request_error","message":"{message}"}}}}"#)
    };
    check(400, &error("Your credit balance is too low to access the API"), Fault::Account, true);
    check(400, &error("messages.0: billing_error, Your credit balance is too low"), Fault::Client, false);
    check(
        429,
        r#"{"error":{"type":"rate_limit_error","details":{"error_code":"enforced_spend_limit_reached"}}}"#,
        Fault::Account,
        true,
    );
    check(401, "", Fault::Account, true);
    check(404, "model: x", Fault::Client, false);
    check(413, "", Fault::Client, false);
    check(429, "", Fault::Account, true);
    check(500, "", Fault::Provider, true);
    check(529, "", Fault::Provider, true);
}
