//! Requests as they would be sent, and answers as they would be read; nothing is sent.

use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderValue, Request, Response};
use serde_json::{Value, json};
use sluice_api::dialect::{Api, Form, Operation};
use sluice_api::error::Error;
use sluice_api::plugin::async_trait;
use sluice_api::plugin::testing::{call, context, with_section};
use sluice_api::provider::{Body, Call, CallCx, Provider, Transport};

use super::Bedrock;
use crate::bodies::tests::{pieces, read};
use crate::frames::tests::{event, exception};

const KEYS: &str =
    "access_key_id = \"AKIDEXAMPLE\"\nsecret_access_key = \"hush-secret\"\nsession_token = \"hush-token\"";

fn account(more: &str) -> Arc<dyn Provider> {
    with_section(&format!("region = \"us-east-1\"\n{more}"), Bedrock::build).unwrap()
}

fn asking(operation: Operation, form: Form, model: &str, body: &str) -> Call {
    let mut call = call(Api::Anthropic, operation, form, model);
    call.body = Bytes::copy_from_slice(body.as_bytes());
    call.query = Some("beta=true".to_owned());
    for (name, value) in [
        ("anthropic-beta", "b"),
        ("anthropic-version", "2023-06-01"),
        ("accept", "application/json"),
        ("x-app", "cli"),
        ("x-amz-date", "20200101T000000Z"),
        ("x-amzn-bedrock-guardrailidentifier", "theirs"),
        ("x-amzn-bedrock-service-tier", "flex"),
        ("amz-sdk-request", "attempt=1"),
    ] {
        call.headers.append(name, HeaderValue::from_static(value));
    }
    call
}

#[tokio::test]
async fn each_operation_has_its_path_and_its_body() {
    let body =
        r#"{"model":"m","stream":true,"max_tokens":1.0e+2,"messages":[{"role":"user","content":"hi"}]}"#;
    let own = r#"{"anthropic_version":"bedrock-2023-05-31","anthropic_beta":["b"],"max_tokens":1.0e+2,"messages":[{"role":"user","content":"hi"}]}"#;
    let wrapped = json!({ "input": { "invokeModel": { "body": STANDARD.encode(own) } } });
    let converse = json!({ "messages": [{ "role": "user", "content": [{ "text": "hi" }] }], "inferenceConfig": { "maxTokens": 100.0 } });
    let counted = json!({ "input": { "converse": { "messages": [{ "role": "user", "content": [{ "text": "hi" }] }] } } });
    let own: Value = serde_json::from_str(own).unwrap();
    let base = "https://bedrock-runtime.us-east-1.amazonaws.com/model";
    let claude = "anthropic.claude-sonnet-4-5-20250929-v1%3A0";
    let profile = "arn:aws:bedrock:us-east-1:1:inference-profile/us.anthropic.claude-opus-5-5";
    let encoded = "arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ainference-profile%2Fus.anthropic.claude-opus-5-5";
    for (operation, form, model, path, sent) in [
        (Operation::Generate, Form::Whole, "claude-sonnet-4-5", format!("us.{claude}/invoke"), &own),
        (
            Operation::Generate,
            Form::Sse,
            "claude-sonnet-4-5",
            format!("us.{claude}/invoke-with-response-stream"),
            &own,
        ),
        (
            Operation::Generate,
            Form::Whole,
            "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
            format!("us.{claude}/invoke"),
            &own,
        ),
        (Operation::Generate, Form::Whole, profile, format!("{encoded}/invoke"), &own),
        (
            Operation::CountTokens,
            Form::Whole,
            "claude-sonnet-4-5",
            format!("{claude}/count-tokens"),
            &wrapped,
        ),
        (
            Operation::CountTokens,
            Form::Whole,
            profile,
            "anthropic.claude-opus-5-5/count-tokens".to_owned(),
            &wrapped,
        ),
        (
            Operation::Generate,
            Form::Whole,
            "amazon.nova-pro-v1:0",
            "amazon.nova-pro-v1%3A0/converse".to_owned(),
            &converse,
        ),
        (
            Operation::Generate,
            Form::Sse,
            "us.amazon.nova-pro-v1:0",
            "us.amazon.nova-pro-v1%3A0/converse-stream".to_owned(),
            &converse,
        ),
        (
            Operation::CountTokens,
            Form::Whole,
            "us.amazon.nova-pro-v1:0",
            "amazon.nova-pro-v1%3A0/count-tokens".to_owned(),
            &counted,
        ),
    ] {
        let request = account("api_key = \"k\"")
            .prepare(&context(), asking(operation, form, model, body))
            .await
            .unwrap()
            .request;
        assert_eq!(request.uri().to_string(), format!("{base}/{path}"));
        assert_eq!(&serde_json::from_slice::<Value>(request.body()).unwrap(), sent, "{path}");
        let names: Vec<&str> = request.headers().keys().map(http::HeaderName::as_str).collect();
        let mut expected =
            ["x-app", "accept", "x-amzn-bedrock-service-tier", "accept-encoding", "content-type"];
        expected.sort_unstable();
        let mut names = names;
        names.sort_unstable();
        assert_eq!(names, expected);
        let accept =
            if form == Form::Sse { "application/vnd.amazon.eventstream" } else { "application/json" };
        assert_eq!(request.headers()["accept"], accept);
    }
}

#[test]
fn what_is_offered_is_what_bedrock_may_have() {
    let account = account("api_key = \"k\"");
    let opaque = "arn:aws:bedrock:us-east-1:1:application-inference-profile/a";
    for (operation, model, offered) in [
        (Operation::Generate, "us.anthropic.claude-opus-5-5", true),
        (Operation::CountTokens, "us.anthropic.claude-opus-5-5", true),
        (Operation::Generate, opaque, true),
        (Operation::CountTokens, opaque, false),
        (Operation::Embed, "amazon.titan-embed-text-v2:0", false),
        (Operation::Generate, "gpt-5", false),
    ] {
        let offer = account.offer(operation, model);
        assert_eq!(offer.is_some(), offered, "{operation:?} {model}");
        assert!(offer.is_none_or(|offer| offer.apis == [Api::Anthropic]));
    }
    assert_eq!(account.upstream_model("claude-opus-5-5"), Some("us.anthropic.claude-opus-5-5"));
    assert_eq!(account.upstream_model("amazon.nova-pro-v1:0"), None);
    assert!(account.models().contains(&"claude-opus-5-5".to_owned()));
}

#[test]
fn a_mistake_in_the_settings_says_where() {
    let check = |toml: &str, paths: &[&str]| {
        let problems = with_section(toml, Bedrock::build).unwrap_err();
        let found: Vec<&str> = problems.iter().map(|problem| problem.path.as_str()).collect();
        let expected: Vec<String> = paths.iter().map(|path| format!("accounts.account.{path}")).collect();
        assert_eq!(found, expected, "{toml}: {problems:?}");
        assert!(!format!("{problems:?}").contains("hush"));
    };
    let region = "region = \"us-east-1\"\n";
    check(KEYS, &["region"]);
    check(region, &["access_key_id"]);
    check(&format!("{region}{KEYS}\napi_key = \"hush\""), &["api_key"]);
    check(&format!("{region}access_key_id = \"a\""), &["secret_access_key"]);
    check(&format!("{region}secret_access_key = \"hush\""), &["access_key_id"]);
    check(&format!("{region}session_token = \"hush\""), &["access_key_id"]);
    check(&format!("{region}api_key = \"k\"\nbase_url = \"bedrock\""), &["base_url"]);
    check(&format!("{region}api_key = \"k\"\ninference_profile = \"euu\""), &["inference_profile"]);
    check(&format!("{region}api_key = \"k\"\nclaude_arns = [\"claude-opus-5-5\"]"), &["claude_arns"]);
    check(&format!("{region}api_key = \"k\"\nconverse_arns = [\"nova\"]"), &["converse_arns"]);
    check(
        &format!("{region}api_key = \"k\"\nclaude_arns = [\"arn:a\"]\nconverse_arns = [\"arn:a\"]"),
        &["converse_arns"],
    );
    for wrong in ["us-east-1/x", "US-EAST-1", "", "us_east_1", "evil.com#a-1"] {
        check(&format!("region = \"{wrong}\"\n{KEYS}"), &["region"]);
    }
    check(
        &format!("region = \"x\"\nbase_url = \"y\"\n{KEYS}\napi_key = \"hush\""),
        &["region", "base_url", "api_key"],
    );
    assert!(!format!("{:?}", account(KEYS)).contains("hush"));
}

#[tokio::test]
async fn the_endpoint_is_the_regions() {
    for (region, host) in [
        ("eu-central-1", "bedrock-runtime.eu-central-1.amazonaws.com"),
        ("us-gov-west-1", "bedrock-runtime.us-gov-west-1.amazonaws.com"),
        ("cn-north-1", "bedrock-runtime.cn-north-1.amazonaws.com.cn"),
    ] {
        let account = with_section(&format!("region = \"{region}\"\n{KEYS}"), Bedrock::build).unwrap();
        let call = asking(Operation::Generate, Form::Whole, "claude-opus-5-5", "{}");
        let request = account.prepare(&context(), call).await.unwrap().request;
        assert_eq!(request.uri().host(), Some(host));
    }
}

/// A transport that remembers what it was given, and answers.
struct Upstream {
    seen: Mutex<Option<Request<Bytes>>>,
    answer: Mutex<Option<Response<Body>>>,
}

#[async_trait]
impl Transport for Upstream {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Body>, Error> {
        *self.seen.lock().unwrap() = Some(request);
        Ok(self.answer.lock().unwrap().take().unwrap())
    }
}

/// Asks, and gives what was sent, the answer's head and its text.
async fn sent(
    account: &str,
    call: Call,
    status: u16,
    kind: &str,
    answer: Vec<u8>,
) -> (Request<Bytes>, http::response::Parts, String) {
    let account = self::account(account);
    let response = Response::builder()
        .status(status)
        .header("content-type", kind)
        .header("content-length", answer.len())
        .header("x-amzn-requestid", "a1-b2");
    let upstream = Upstream {
        seen: Mutex::default(),
        answer: Mutex::new(Some(response.body(pieces(vec![Ok(answer)])).unwrap())),
    };
    let now = "2026-11-23T12:00:00Z".parse().unwrap();
    let cx = CallCx::new(&upstream, context().vault, now);
    let mut prepared = account.prepare(&cx, call).await.unwrap();
    // As the engine does with the account's own.
    prepared
        .request
        .headers_mut()
        .insert("x-amzn-bedrock-service-tier", HeaderValue::from_static("priority"));
    let (head, body) = account.send(&cx, prepared).await.unwrap().into_parts();
    let (text, end) = read(body);
    end.unwrap();
    (upstream.seen.into_inner().unwrap().unwrap(), head, text.concat())
}

#[tokio::test]
async fn a_request_is_signed_with_the_accounts_own_headers_or_has_its_bearer() {
    let call = || asking(Operation::Generate, Form::Whole, "claude-opus-5-5", "{}");
    let (request, ..) = sent(KEYS, call(), 200, "application/json", b"{}".to_vec()).await;
    let signature = request.headers()["authorization"].to_str().unwrap();
    let names =
        "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amzn-bedrock-service-tier,";
    assert!(signature.starts_with("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261123/us-east-1/bedrock/"));
    assert!(signature.contains(names), "{signature}");
    assert_eq!(request.headers()["x-amzn-bedrock-service-tier"], "priority");
    assert!(!format!("{request:?}").contains("hush"));
    let (request, ..) = sent("api_key = \"k\"", call(), 200, "application/json", b"{}".to_vec()).await;
    assert_eq!(request.headers()["authorization"], "Bearer k");
    assert!(!request.headers().contains_key("x-amz-date"));
}

#[tokio::test]
async fn claudes_answers_are_claudes() {
    let key = "api_key = \"k\"";
    let call = |form| asking(Operation::Generate, form, "claude-opus-5-5", "{}");
    let whole = "{ \"id\":\"msg_1\", \"x\":1.0e+2 }\n";
    let (_, head, text) =
        sent(key, call(Form::Whole), 200, "application/json", whole.as_bytes().to_vec()).await;
    assert_eq!(text, whole);
    assert_eq!(head.headers["content-length"], whole.len().to_string());
    assert_eq!(head.headers["request-id"], "a1-b2");
    let chunk = event("chunk", &format!(r#"{{"bytes":"{}"}}"#, STANDARD.encode(r#"{"type":"ping"}"#)));
    let kind = "application/vnd.amazon.eventstream";
    let (_, head, text) = sent(key, call(Form::Sse), 200, kind, chunk).await;
    assert_eq!(text, "event: ping\ndata: {\"type\":\"ping\"}\n\n");
    assert_eq!(head.headers["content-type"], "text/event-stream");
    assert!(!head.headers.contains_key("content-length"));
    let (_, head, text) =
        sent(key, call(Form::Sse), 400, "application/json", br#"{"message":"Input is too long."}"#.to_vec())
            .await;
    let told = json!({ "type": "error", "error": { "type": "invalid_request_error", "message": "Input is too long." }, "request_id": "a1-b2" });
    assert_eq!((head.status.as_u16(), serde_json::from_str::<Value>(&text).unwrap()), (400, told));
    assert!(!head.headers.contains_key("content-length"));
}

#[tokio::test]
async fn converses_answers_and_counts_are_anthropics() {
    let key = "api_key = \"k\"";
    let body = r#"{"messages":[],"billing_policy":{},"tools":[{"name":"t"}],"tool_choice":{"type":"auto","disable_parallel_tool_use":true}}"#;
    let call = |operation, form| asking(operation, form, "amazon.nova-pro-v1:0", body);
    let answer = r#"{"output":{"message":{"role":"assistant","content":[{"text":"Hi"}]}},"stopReason":"end_turn","usage":{"inputTokens":1,"outputTokens":2,"totalTokens":3}}"#;
    let (_, head, text) = sent(
        key,
        call(Operation::Generate, Form::Whole),
        200,
        "application/json",
        answer.as_bytes().to_vec(),
    )
    .await;
    let message: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        (&message["id"], &message["model"]),
        (&json!("msg_bdrk_a1b2"), &json!("amazon.nova-pro-v1:0"))
    );
    assert_eq!(
        head.headers["x-sluice-dropped"],
        "billing_policy, tool_choice.disable_parallel_tool_use, anthropic-beta"
    );
    let stream =
        [event("messageStart", r#"{"role":"assistant"}"#), exception("serviceUnavailableException", "{}")];
    let kind = "application/vnd.amazon.eventstream";
    let (_, _, text) = sent(key, call(Operation::Generate, Form::Sse), 200, kind, stream.concat()).await;
    assert!(text.starts_with("event: message_start\n") && text.contains("overloaded_error"), "{text}");
    let (_, _, text) = sent(
        key,
        call(Operation::CountTokens, Form::Whole),
        200,
        "application/json",
        br#"{"inputTokens":17}"#.to_vec(),
    )
    .await;
    assert_eq!(text, r#"{"input_tokens":17}"#);
}

#[tokio::test]
async fn a_profile_hides_no_family_of_models() {
    let body = r#"{"messages":[],"top_k":5}"#;
    let profile = "arn:aws:bedrock:us-east-1:1:inference-profile/us.amazon.nova-pro-v1:0";
    let opaque = "arn:aws:bedrock:us-east-1:1:application-inference-profile/a";
    let novas = json!({ "inferenceConfig": { "topK": 5 } });
    for (model, fields) in [
        ("amazon.nova-pro-v1:0", &novas),
        ("us.amazon.nova-pro-v1:0", &novas),
        (profile, &novas),
        (opaque, &json!({ "top_k": 5 })),
    ] {
        let call = asking(Operation::Generate, Form::Whole, model, body);
        let request = account("api_key = \"k\"").prepare(&context(), call).await.unwrap().request;
        let sent: Value = serde_json::from_slice(request.body()).unwrap();
        assert_eq!(&sent["additionalModelRequestFields"], fields, "{model}");
    }
}
