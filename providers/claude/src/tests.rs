//! Requests as they would be sent.

mod refusals;

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Request};
use sluice_api::dialect::{Api, Form, Operation};
use sluice_api::plugin::testing::{call, context, with_section};
use sluice_api::provider::Provider;
use sluice_api::settings::{Problem, Section};

use super::{console, official, router};

type Build = fn(&Section<'_>) -> Result<Arc<dyn Provider>, Vec<Problem>>;

/// A request of an account with this configuration.
async fn request(build: Build, toml: &str) -> Request<Bytes> {
    let provider = with_section(toml, build).unwrap();
    let mut call = call(Api::Anthropic, Operation::Generate, Form::Sse, "m");
    call.query = Some("beta=true".to_owned());
    call.headers.insert("anthropic-beta", HeaderValue::from_static("b"));
    let request = provider.prepare(&context(), call).await.unwrap().request;
    assert_eq!(request.headers()["anthropic-beta"], "b");
    assert_eq!(request.headers()["anthropic-version"], "2023-06-01");
    assert!(!format!("{request:?} {provider:?}").contains("planted"));
    request
}

#[tokio::test]
async fn a_request_goes_to_the_base_url_with_the_accounts_own_credential() {
    let key = "api_key = \"planted\"";
    let oauth = "oauth = { access_token = \"planted\" }";
    let (official, console, router): (Build, Build, Build) = (official, console, router);
    for (build, base, credential, uri, carries) in [
        (official, "", key, "https://api.anthropic.com/v1/messages?beta=true", [true, false]),
        (official, "", oauth, "https://api.anthropic.com/v1/messages?beta=true", [false, true]),
        (
            console,
            "base_url = \"http://h:1/x/v1/\"",
            key,
            "http://h:1/x/v1/messages?beta=true",
            [true, false],
        ),
        (router, "base_url = \"http://h:1\"", key, "http://h:1/v1/messages?beta=true", [true, true]),
    ] {
        let request = request(build, &format!("{base}\n{credential}")).await;
        assert_eq!(request.uri().to_string(), uri);
        let headers = request.headers();
        assert_eq!(headers.get("x-api-key").is_some_and(|key| key == "planted"), carries[0], "{credential}");
        assert_eq!(
            headers.get("authorization").is_some_and(|bearer| bearer == "Bearer planted"),
            carries[1],
            "{credential}"
        );
        assert_eq!([headers.contains_key("x-api-key"), headers.contains_key("authorization")], carries);
    }
}

#[test]
fn a_mistake_in_the_settings_says_where() {
    let (official, console): (Build, Build) = (official, console);
    let oauth = "oauth = { access_token = \"planted\" }";
    for (build, toml, paths) in [
        (console, "api_key = \"k\"\nbase_url = \"api.anthropic.com\"", &["base_url"][..]),
        (console, "base_url = \"http://h\"", &["api_key"]),
        (console, "api_key = \"k\"\nbase_ur = \"http://h\"", &["base_ur"]),
        (console, &format!("api_key = \"k\"\n{oauth}"), &["oauth"]),
        (official, "base_url = \"http://h\"", &["api_key"]),
        (official, &format!("api_key = \"k\"\n{oauth}"), &["oauth"]),
        (official, "oauth = { access_token = \"a\", expire_at = \"x\" }", &["oauth.expire_at"]),
        (official, "oauth = { refresh_token = \"r\" }\nbase_url = \"x\"", &["base_url", "oauth.token_url"]),
    ] {
        let problems = with_section(toml, build).unwrap_err();
        let found: Vec<&str> =
            problems.iter().map(|problem| problem.path.trim_start_matches("accounts.account.")).collect();
        assert_eq!(found, paths, "{toml}");
    }
}

#[tokio::test]
async fn only_a_token_that_can_be_refreshed_is_renewed() {
    let refresh = "refresh_token = \"r\", token_url = \"http://h\"";
    for (toml, renewed) in [
        ("api_key = \"k\"", Some(false)),
        ("oauth = { access_token = \"a\" }", Some(false)),
        // The context's transport sends nothing, and says so.
        (&format!("oauth = {{ access_token = \"a\", {refresh} }}"), None),
    ] {
        let provider = with_section(toml, official).unwrap();
        let call = call(Api::Anthropic, Operation::Generate, Form::Sse, "m");
        provider.prepare(&context(), call).await.unwrap();
        assert_eq!(provider.renew(&context()).await.ok(), renewed, "{toml}");
    }
}
