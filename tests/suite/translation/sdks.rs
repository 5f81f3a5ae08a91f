//! The official SDKs of each API on accounts of each other one.

use serde_json::{Value, json};
use sluice_tests::conversation::ROUNDS;
use sluice_tests::gateway::{Gateway, KEY};
use sluice_tests::kits;
use sluice_tests::turn::USED;
use sluice_tests::upstream::Upstream;

use super::{SPEAKS, conversing};

/// How often each client of the scripts has the whole conversation with a model: streamed or not, and Google's also in chats.
fn conversations(api: &str, has_chats: bool) -> usize {
    if api == "gemini" && has_chats { 4 } else { 2 }
}

/// How many requests it has sent then: those, and two for an object.
fn requests(api: &str, has_chats: bool) -> usize {
    conversations(api, has_chats) * (ROUNDS + 1) + 2
}

/// Where each API is told the schema of what is to be answered.
fn schema<'a>(api: &str, body: &'a Value) -> &'a Value {
    let place = match api {
        "anthropic" => "/output_config/format/schema/properties",
        "openai-chat" => "/response_format/json_schema/schema/properties",
        "openai-responses" => "/text/format/schema/properties",
        _ => "/generationConfig/responseJsonSchema/properties",
    };
    body.pointer(place).unwrap_or_else(|| panic!("no schema in {body:#}"))
}

/// That what came upstream is what each API's own clients would have sent.
fn was_well_asked(upstreams: &[(&str, Upstream)], has_chats: bool) {
    let mut lines = String::new();
    for (api, upstream) in upstreams {
        let seen = upstream.seen();
        let others = SPEAKS.iter().filter(|(other, _)| other != api);
        let expected: usize = others.map(|(other, _)| requests(other, has_chats)).sum();
        assert_eq!(seen.len(), expected, "{api}");
        for request in seen {
            let body: Value = serde_json::from_slice(&request.body).unwrap();
            let text = body.to_string();
            if text.contains("As JSON.") {
                assert!(schema(api, &body)["amount"].is_object(), "{api} {body:#}");
            } else {
                assert!(text.contains("look_up") && text.contains("iVBORw0KGgo"), "{api} {body:#}");
            }
            lines += &format!("{}\n", json!({ "api": api, "body": body }));
            let foreign = ["anthropic-version", "x-stainless-lang", "x-goog-api-client", "openai-beta"];
            let own = if *api == "anthropic" { 1 } else { 0 };
            let told: Vec<&str> = foreign.into_iter().filter(|name| request.header(name).is_some()).collect();
            assert_eq!(told.len(), own, "{api} {told:?}");
        }
    }
    kits::succeeds(kits::script("valid_requests.py"), &lines);
}

/// That each request is counted, with what it has used.
fn was_counted(gateway: &Gateway, has_chats: bool) {
    let usage = gateway.admin("GET", "/usage?group_by=api,account", "").json();
    let rows = usage["data"].as_array().unwrap();
    assert_eq!(rows.len(), SPEAKS.len() * (SPEAKS.len() - 1), "{usage:#}");
    for row in rows {
        assert_ne!(row["api"], row["account"]);
        let count = requests(row["api"].as_str().unwrap(), has_chats) as u64;
        assert_eq!((&row["requests"], &row["errors"]), (&json!(count), &json!(0)), "{row:#}");
        let told = [&row["input_tokens"], &row["cache_read_tokens"], &row["output_tokens"]];
        assert_eq!(told, [&json!(count * USED.0), &json!(count * USED.1), &json!(count * USED.2)], "{row:#}");
    }
    let records = gateway.admin("GET", "/requests?limit=1", "").json();
    let record = &records["data"][0];
    let (asked, sent) = (&record["model"].as_str().unwrap(), &record["upstream_model"].as_str().unwrap());
    assert!(asked.starts_with("to-") && ["up", "claude-sonnet-4-5"].contains(sent), "{record:#}");
}

fn converse(script: &str, has_chats: bool) {
    let (gateway, upstreams) = conversing();
    let mut command = kits::script(script);
    command.args([&format!("http://{}", gateway.address), KEY]);
    kits::succeeds(command, "");
    was_well_asked(&upstreams, has_chats);
    was_counted(&gateway, has_chats);
}

#[test]
fn each_python_sdk_has_a_whole_conversation_with_accounts_of_each_other_api() {
    converse("translated_sdk.py", true);
}

#[test]
fn each_typescript_sdk_has_a_whole_conversation_with_accounts_of_each_other_api() {
    converse("translated_sdk.mjs", true);
}

#[test]
fn the_ai_sdk_has_a_whole_conversation_with_accounts_of_each_other_api() {
    converse("translated_ai.mjs", false);
}
