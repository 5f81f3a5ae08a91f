//! The official SDKs of each API on accounts of each other one.

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use sluice_tests::conversation::{ROUNDS, USED};
use sluice_tests::gateway::{KEY, workspace};

use super::{SPEAKS, conversing};

/// Runs one of the scripts beside this suite.
fn python(script: &str, arguments: &[&str], input: &str) {
    let Some(python) = std::env::var_os("SLUICE_TEST_PYTHON") else {
        panic!("SLUICE_TEST_PYTHON is not set: .ci/run makes the environment with the official SDKs");
    };
    let mut child = Command::new(python)
        .arg(workspace().join("tests/clients").join(script))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn each_sdk_has_a_whole_conversation_with_accounts_of_each_other_api() {
    let (gateway, upstreams) = conversing();
    python("translated_sdk.py", &[&format!("http://{}", gateway.address), KEY], "");

    // Whole and streamed, from three clients of other APIs, each round and the last word.
    let each = 2 * 3 * (ROUNDS + 1);
    let mut lines = String::new();
    for (api, upstream) in &upstreams {
        let seen = upstream.seen();
        assert_eq!(seen.len(), each, "{api}");
        for request in seen {
            let body: Value = serde_json::from_slice(&request.body).unwrap();
            lines += &format!("{}\n", json!({ "api": api, "body": body }));
            let foreign = ["anthropic-version", "x-stainless-lang", "x-goog-api-client", "openai-beta"];
            let own = if *api == "anthropic" { 1 } else { 0 };
            let told: Vec<&str> = foreign.into_iter().filter(|name| request.header(name).is_some()).collect();
            assert_eq!(told.len(), own, "{api} {told:?}");
        }
    }
    python("valid_requests.py", &[], &lines);

    let usage = gateway.admin("GET", "/usage?group_by=api,account", "").json();
    let rows = usage["data"].as_array().unwrap();
    assert_eq!(rows.len(), SPEAKS.len() * (SPEAKS.len() - 1), "{usage:#}");
    let count = 2 * (ROUNDS as u64 + 1);
    for row in rows {
        assert_ne!(row["api"], row["account"]);
        assert_eq!((&row["requests"], &row["errors"]), (&json!(count), &json!(0)), "{row:#}");
        let told = [&row["input_tokens"], &row["cache_read_tokens"], &row["output_tokens"]];
        assert_eq!(told, [&json!(count * USED.0), &json!(count * USED.1), &json!(count * USED.2)], "{row:#}");
    }
    let records = gateway.admin("GET", "/requests?limit=1", "").json();
    let record = &records["data"][0];
    assert_eq!(record["upstream_model"], "up");
    assert!(record["model"].as_str().unwrap().starts_with("to-"), "{record:#}");
}
