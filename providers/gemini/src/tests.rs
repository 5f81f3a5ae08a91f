//! Requests as they would be sent, and refusals as they are read.

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use sluice_api::dialect::{Api, Form, Operation};
use sluice_api::error::{Condition, Fault, Scope};
use sluice_api::plugin::Timestamp;
use sluice_api::plugin::testing::{call, context, with_section};
use sluice_api::provider::Failure;

use super::build;

#[tokio::test]
async fn a_request_names_the_model_in_its_path_and_nowhere_else() {
    let base = "https://generativelanguage.googleapis.com/v1beta/models";
    for (operation, form, model, uri) in [
        (
            Operation::Generate,
            Form::Whole,
            "gemini-3.8-flash",
            format!("{base}/gemini-3.8-flash:generateContent"),
        ),
        (Operation::Generate, Form::Sse, "models/g", format!("{base}/g:streamGenerateContent?alt=sse")),
        (Operation::Generate, Form::JsonArray, "g", format!("{base}/g:streamGenerateContent")),
        (Operation::BatchEmbed, Form::Whole, "a/b?c", format!("{base}/a%2Fb%3Fc:batchEmbedContents")),
    ] {
        let provider = with_section("api_key = \"k\"", build).unwrap();
        let request =
            provider.prepare(&context(), call(Api::Gemini, operation, form, model)).await.unwrap().request;
        assert_eq!(request.uri().to_string(), uri);
        assert_eq!(request.headers()["x-goog-api-key"], "k");
    }
}

#[tokio::test]
async fn the_whole_answer_is_asked_for_whatever_mask_a_client_sends() {
    for (form, query, asked) in [
        (Form::Whole, "fields=candidates&prettyPrint=false", "prettyPrint=false"),
        (Form::Whole, "%24fields=candidates&$fields=x&f%69elds=y", ""),
        (Form::Whole, "alt=proto", ""),
        (Form::Whole, "$alt=proto&%24callback=f&callback=f&x", "x"),
        (Form::Sse, "alt=sse&fields=candidates", "alt=sse"),
        (Form::Sse, "$alt=sse&x=1", "alt=sse&x=1"),
        (Form::JsonArray, "alt=proto&x=1", "x=1"),
    ] {
        let provider = with_section("api_key = \"k\"", build).unwrap();
        let mut call = call(Api::Gemini, Operation::Generate, form, "m");
        call.query = Some(query.to_owned());
        call.headers.insert("x-goog-fieldmask", HeaderValue::from_static("candidates"));
        call.headers.insert("x-goog-api-client", HeaderValue::from_static("kept"));
        let request = provider.prepare(&context(), call).await.unwrap().request;
        assert_eq!(request.uri().query().unwrap_or_default(), asked, "{query}");
        assert_eq!(request.headers().get("x-goog-fieldmask"), None, "{query}");
        assert_eq!(request.headers()["x-goog-api-client"], "kept", "{query}");
    }
}

#[tokio::test]
async fn a_request_carries_the_key_or_the_bearer() {
    let refresh = "refresh_token = \"r\", token_url = \"http://h\"";
    for (toml, name, value, renewed) in [
        ("api_key = \"planted\"", "x-goog-api-key", "planted", Some(false)),
        ("oauth = { access_token = \"planted\" }", "authorization", "Bearer planted", Some(false)),
        // The context's transport sends nothing, and says so.
        (
            &format!("oauth = {{ access_token = \"planted\", {refresh} }}"),
            "authorization",
            "Bearer planted",
            None,
        ),
    ] {
        let provider = with_section(toml, build).unwrap();
        let call = call(Api::Gemini, Operation::Generate, Form::Whole, "m");
        let request = provider.prepare(&context(), call).await.unwrap().request;
        let credentials = ["x-goog-api-key", "authorization"];
        let carried: Vec<&str> =
            credentials.into_iter().filter(|name| request.headers().contains_key(*name)).collect();
        assert_eq!(carried, [name]);
        assert_eq!(request.headers()[name], value);
        assert!(!format!("{request:?} {provider:?}").contains("planted"));
        assert_eq!(provider.renew(&context()).await.ok(), renewed);
    }
}

#[test]
fn a_mistake_in_the_settings_says_where() {
    let oauth = "oauth = { access_token = \"a\" }";
    for (toml, path) in [
        ("", "api_key"),
        (&format!("api_key = \"k\"\n{oauth}"), "oauth"),
        ("oauth = { refresh_token = \"r\" }", "oauth.token_url"),
        (&format!("base_url = \"h\"\n{oauth}"), "base_url"),
    ] {
        let problems = with_section(toml, build).unwrap_err();
        assert_eq!(problems[0].path, format!("accounts.account.{path}"), "{toml}");
    }
}

/// Whose fault a refusal is, how far it reaches, and the state that it puts its scope into.
type Meaning = (Fault, Scope, Option<Condition>);

const CLIENTS: Meaning = (Fault::Client, Scope::Request, None);
const REFUSED: Meaning = (Fault::Account, Scope::Account, Some(Condition::Unauthorized));
const NO_MONEY: Meaning = (Fault::Account, Scope::Account, Some(Condition::QuotaExceeded));
const LIMITED: Meaning = (Fault::Account, Scope::Model, Some(Condition::RateLimited));
const DAY_IS_UP: Meaning = (Fault::Account, Scope::Model, Some(Condition::QuotaExceeded));
const OVERLOADED: Meaning = (Fault::Provider, Scope::Model, Some(Condition::Overloaded));
const FAILING: Meaning = (Fault::Provider, Scope::Account, Some(Condition::Failing));

/// Reads a refusal; gives what it means, and for how many milliseconds.
fn read(status: u16, headers: &[(&str, &str)], body: &str) -> (Meaning, Option<u128>) {
    let headers: HeaderMap = headers
        .iter()
        .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap()))
        .collect();
    let status = StatusCode::from_u16(status).unwrap();
    let now = Timestamp::UNIX_EPOCH;
    let (headers, body) = (&headers, body.as_bytes());
    let error = crate::classify::classify(&Failure::answer(status, headers, body, now));
    let facts = error.facts();
    assert_eq!(facts.elsewhere, facts.fault != Fault::Client, "{status} {}", body.escape_ascii());
    ((facts.fault, facts.scope, facts.condition), facts.recovers.map(|wait| wait.as_millis()))
}

#[test]
fn whose_fault_it_is_how_far_it_reaches_and_what_state_it_means() {
    let error = |status: &str, details: &str| {
        format!(
            r#"{{"error":{{"code":0,"message":"API_KEY_INVALID PerDay","status":"{status}","details":[{details}]}}}}"#
        )
    };
    let reason = |reason: &str| format!(r#"{{"reason":"{reason}","domain":"googleapis.com"}}"#);
    for (status, body, meaning) in [
        (400, error("INVALID_ARGUMENT", ""), CLIENTS),
        (400, error("INVALID_ARGUMENT", &reason("API_KEY_INVALID")), REFUSED),
        (400, format!("[{}]", error("INVALID_ARGUMENT", &reason("API_KEY_EXPIRED"))), REFUSED),
        (400, error("FAILED_PRECONDITION", ""), REFUSED),
        (401, error("UNAUTHENTICATED", ""), REFUSED),
        (402, error("", ""), NO_MONEY),
        (403, error("PERMISSION_DENIED", ""), REFUSED),
        (404, error("NOT_FOUND", ""), CLIENTS),
        (413, String::new(), CLIENTS),
        (429, error("RESOURCE_EXHAUSTED", ""), LIMITED),
        (500, error("INTERNAL", ""), FAILING),
        (503, error("UNAVAILABLE", ""), OVERLOADED),
        (504, error("DEADLINE_EXCEEDED", ""), FAILING),
    ] {
        assert_eq!(read(status, &[], &body), (meaning, None), "{status} {body}");
    }
}

#[test]
fn what_a_client_named_is_its_own_and_takes_no_account_out() {
    for (status, code, message, elsewhere) in [
        (
            403,
            "PERMISSION_DENIED",
            "You do not have permission to access the File abc or it may not exist.",
            true,
        ),
        (403, "PERMISSION_DENIED", "CachedContent not found (or permission denied)", true),
        (
            400,
            "FAILED_PRECONDITION",
            "The File abc is not in an ACTIVE state and usage is not allowed.",
            false,
        ),
    ] {
        let body = format!(r#"{{"error":{{"code":{status},"message":"{message}","status":"{code}"}}}}"#);
        let (status, headers) = (StatusCode::from_u16(status).unwrap(), HeaderMap::new());
        let now = Timestamp::UNIX_EPOCH;
        let (headers, body) = (&headers, body.as_bytes());
        let error = crate::classify::classify(&Failure::answer(status, headers, body, now));
        let facts = error.facts();
        assert_eq!((facts.fault, facts.scope, facts.condition), CLIENTS, "{message}");
        assert_eq!(facts.elsewhere, elsewhere, "{message}");
    }
}

#[test]
fn until_when_is_read_from_the_body_unless_a_header_says_it() {
    let quota =
        |id: &str| format!(r#"{{"@type":"t/google.rpc.QuotaFailure","violations":[{{"quotaId":"{id}"}}]}}"#);
    let (minute, day) =
        (quota("GenerateRequestsPerMinutePerProject"), quota("GenerateRequestsPerDayPerProject"));
    let delay = r#"{"@type":"t/google.rpc.RetryInfo","retryDelay":"17.5s"}"#;
    for (status, headers, details, meaning, wait) in [
        (429, &[][..], delay.to_owned(), LIMITED, Some(17_500)),
        (429, &[], format!("{minute},{delay}"), LIMITED, Some(17_500)),
        (429, &[("retry-after", "3")], delay.to_owned(), LIMITED, Some(3_000)),
        (429, &[], format!("{day},{delay}"), DAY_IS_UP, None),
        (429, &[], format!("{minute},{day}"), DAY_IS_UP, None),
        (429, &[("retry-after", "60")], day.clone(), DAY_IS_UP, Some(60_000)),
        (503, &[], delay.to_owned(), OVERLOADED, Some(17_500)),
        (500, &[], delay.to_owned(), FAILING, None),
        (400, &[], delay.to_owned(), CLIENTS, None),
    ] {
        let body = format!(r#"{{"error":{{"details":[{details}]}}}}"#);
        assert_eq!(read(status, headers, &body), (meaning, wait), "{status} {body}");
    }
}
