//! Requests as they would be sent.

mod refusals;

use std::sync::Arc;

use sluice_api::dialect::{Api, Form, Operation};
use sluice_api::plugin::testing::{call, context, with_section};
use sluice_api::provider::Provider;
use sluice_api::settings::{Problem, Section};

use crate::{azure, plain};

type Build = fn(&Section<'_>) -> Result<Arc<dyn Provider>, Vec<Problem>>;

#[tokio::test]
async fn a_request_goes_where_the_account_says() {
    let cases: [(Build, &str, Api, Operation, &str); 13] = [
        (
            plain::build_openai,
            "",
            Api::OpenaiChat,
            Operation::Generate,
            "https://api.openai.com/v1/chat/completions?x=1",
        ),
        (
            plain::build_openai,
            "",
            Api::OpenaiResponses,
            Operation::Compact,
            "https://api.openai.com/v1/responses/compact?x=1",
        ),
        (
            plain::build_openai,
            "base_url = \"http://h/p/v1\"",
            Api::OpenaiImages,
            Operation::Images,
            "http://h/p/v1/images/generations?x=1",
        ),
        (
            plain::build_responses,
            "base_url = \"http://h\"",
            Api::OpenaiResponses,
            Operation::Generate,
            "http://h/v1/responses?x=1",
        ),
        (
            plain::build_compatible,
            "base_url = \"http://h/v1/\"",
            Api::OpenaiEmbeddings,
            Operation::Embed,
            "http://h/v1/embeddings?x=1",
        ),
        (
            plain::build_compatible,
            "base_url = \"http://h/api/paas/v4/\"",
            Api::OpenaiChat,
            Operation::Generate,
            "http://h/api/paas/v4/chat/completions?x=1",
        ),
        (
            plain::build_compatible,
            "base_url = \"https://v2.h/v1beta/openai\"",
            Api::OpenaiChat,
            Operation::Generate,
            "https://v2.h/v1beta/openai/chat/completions?x=1",
        ),
        (
            plain::build_compatible,
            "base_url = \"https://v2.h\"",
            Api::OpenaiChat,
            Operation::Generate,
            "https://v2.h/v1/chat/completions?x=1",
        ),
        (
            azure::build,
            "resource = \"r\"",
            Api::OpenaiChat,
            Operation::Generate,
            "https://r.openai.azure.com/openai/v1/chat/completions?x=1",
        ),
        (
            azure::build,
            "resource = \"r\"\napi_version = \"preview\"",
            Api::OpenaiChat,
            Operation::Generate,
            "https://r.openai.azure.com/openai/v1/chat/completions?api-version=preview&x=1",
        ),
        (
            azure::build,
            "base_url = \"http://h/openai/v1\"\napi_version = \"2024-10-21\"",
            Api::OpenaiChat,
            Operation::Generate,
            "http://h/openai/deployments/a%2Fb/chat/completions?api-version=2024-10-21&x=1",
        ),
        (
            azure::build,
            "base_url = \"http://h\"\napi_version = \"2024-10-21\"",
            Api::OpenaiResponses,
            Operation::Generate,
            "http://h/openai/responses?api-version=2024-10-21&x=1",
        ),
        (
            azure::build,
            "base_url = \"http://h\"\napi_version = \"2024-10-21\"",
            Api::OpenaiEmbeddings,
            Operation::Embed,
            "http://h/openai/deployments/a%2Fb/embeddings?api-version=2024-10-21&x=1",
        ),
    ];
    for (build, toml, api, operation, uri) in cases {
        let provider = with_section(&format!("{toml}\napi_key = \"k\""), build).unwrap();
        let mut call = call(api, operation, Form::Whole, "a/b");
        call.query = Some("api-version=1999-01-01&x=1".to_owned());
        let request = provider.prepare(&context(), call).await.unwrap().request;
        assert_eq!(request.uri().to_string(), uri);
        let header =
            if uri.contains("/openai/") && !uri.contains("/v1beta/") { "api-key" } else { "authorization" };
        assert!(request.headers().contains_key(header), "{uri}");
    }
}

#[tokio::test]
async fn the_accounts_own_organization_and_project_are_sent() {
    let toml = "api_key = \"k\"\norganization = \"o\"\nproject = \"p\"";
    let provider = with_section(toml, plain::build_openai).unwrap();
    let request = provider
        .prepare(&context(), call(Api::OpenaiChat, Operation::Generate, Form::Whole, "m"))
        .await
        .unwrap()
        .request;
    assert_eq!(
        (&request.headers()["openai-organization"], &request.headers()["openai-project"]),
        (&"o".parse().unwrap(), &"p".parse().unwrap())
    );
}

#[test]
fn azure_serves_its_deployments_alone_where_it_has_some() {
    let provider = with_section(
        "resource = \"r\"\napi_key = \"k\"\ndeployments = { \"gpt-4o\" = \"prod\" }",
        azure::build,
    )
    .unwrap();
    assert_eq!(provider.upstream_model("gpt-4o"), Some("prod"));
    assert_eq!(provider.models(), ["gpt-4o"]);
    assert!(provider.offer(Operation::Generate, "prod").is_some());
    assert!(provider.offer(Operation::Generate, "gpt-5").is_none());
    assert!(with_section("api_key = \"k\"", azure::build).is_err());
    assert!(with_section("api_key = \"k\"\nresource = \"a/b\"", azure::build).is_err());
}

#[test]
fn each_kind_offers_what_it_speaks() {
    let offered = |build: Build, operation| {
        let provider = with_section("base_url = \"http://h\"\napi_key = \"k\"", build).unwrap();
        provider.offer(operation, "m").map(|offer| offer.apis.to_vec())
    };
    assert_eq!(
        offered(plain::build_openai, Operation::Generate),
        Some(vec![Api::OpenaiResponses, Api::OpenaiChat])
    );
    assert_eq!(offered(plain::build_responses, Operation::Generate), Some(vec![Api::OpenaiResponses]));
    assert_eq!(offered(plain::build_responses, Operation::Embed), None);
    assert_eq!(offered(plain::build_compatible, Operation::Generate), Some(vec![Api::OpenaiChat]));
    assert_eq!(offered(plain::build_compatible, Operation::Compact), None);
}
