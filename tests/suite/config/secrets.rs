//! No secret of a configuration is shown: neither where it is in force nor where it is wrong.

use std::process::Command;

use sluice_tests::gateway::{Folder, Gateway, binary, key};

use super::check;

/// A secret in files that are wrong.
const PLANTED: &str = "planted-in-a-file";

/// Files that can't be parsed, or say something of a wrong type, each with the secret in the wrong line.
fn wrong() -> Vec<(&'static str, String, &'static str)> {
    vec![
        ("toml", format!("[admin]\ntoken = \"{PLANTED}\n"), "line 2, column"),
        ("toml", format!("[admin]\ntoken = {PLANTED}\n"), "line 2, column"),
        ("toml", format!("[admin]\ntoken = [\"{PLANTED}\"]\n"), "wrong type"),
        ("json", format!("{{\"admin\":{{\"token\":\"{PLANTED}\" \"{PLANTED}\"}}}}"), "line 1, column"),
        ("json", format!("\"{PLANTED}\""), "a table at its top"),
        ("yaml", format!("admin:\n  token: {PLANTED}: {PLANTED}\n"), "line 2, column"),
        ("yaml", format!("{PLANTED}\n"), "a table at its top"),
        ("yaml", format!("accounts: {PLANTED}\n"), "wrong type"),
    ]
}

#[test]
fn a_file_that_is_wrong_is_told_without_its_text() {
    for (extension, text, says) in wrong() {
        let (code, printed) = check(&text, extension, &[]);
        let problem = &printed["problems"][0];
        assert_eq!(code, Some(2), "{text}");
        assert!(problem["message"].as_str().unwrap().contains(says), "{text}: {printed:#}");
        assert!(problem["file"].as_str().unwrap().ends_with(&format!("sluice.{extension}")), "{printed:#}");
        assert!(!printed.to_string().contains(PLANTED), "{printed:#}");

        let folder = Folder::new();
        let path = folder.0.join(format!("sluice.{extension}"));
        std::fs::write(&path, &text).unwrap();
        for command in ["check", "serve"] {
            let output = Command::new(binary()).arg(command).arg("--config").arg(&path).output().unwrap();
            let told = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(2), "{told}");
            assert!(told.contains(says) && !told.contains(PLANTED), "{told}");
        }
    }
}

#[test]
fn a_reload_of_a_wrong_file_tells_it_without_its_text() {
    let gateway = Gateway::start(&key(""));
    for (number, (_, text, says)) in wrong().into_iter().filter(|(kind, _, _)| *kind == "toml").enumerate() {
        // As a file of its own: the suite's lines before it would shift its own.
        std::fs::write(gateway.folder.0.join("sluice.toml"), text).unwrap();
        let refused = gateway.admin("POST", "/reload", "");
        assert_eq!(refused.status, 422);
        assert!(refused.text().contains(says) && !refused.text().contains(PLANTED), "{}", refused.text());
        gateway.signal("HUP");
        let told = |gateway: &Gateway| gateway.log().matches("the configuration was not reloaded").count();
        gateway.until("the log tells it", |gateway| told(gateway) > number);
        assert!(gateway.log().contains(says) && !gateway.log().contains(PLANTED), "{}", gateway.log());
    }
}

#[test]
fn the_configuration_in_force_is_shown_without_its_secrets() {
    let accounts = r#"
        [[accounts]]
        name = "s"
        provider = "simulated"
        text = "shown"
        tokens = 7
        headers = { x-team = "planted-header" }
        proxy = "http://user:planted-proxy@127.0.0.1:1"
        [[accounts]]
        name = "c"
        provider = "openai-compatible"
        base_url = "http://127.0.0.1:1/shown"
        api_key = { file = "FILE" }
    "#;
    let folder = std::sync::Arc::new(Folder::new());
    let secret = folder.0.join("secret");
    std::fs::write(&secret, "planted-in-its-file").unwrap();
    let accounts = accounts.replace("FILE", &secret.display().to_string());
    let gateway = Gateway::start_in(folder, &(accounts + &key("")));
    let answer = gateway.admin("GET", "/config", "");
    let shown = answer.json();
    assert!(!answer.text().contains("planted"), "{shown:#}");
    for (value, plain) in [
        (&shown["accounts"][0]["text"], "shown".into()),
        (&shown["accounts"][0]["tokens"], 7.into()),
        (&shown["accounts"][0]["proxy"], "***".into()),
        (&shown["accounts"][0]["headers"]["x-team"], serde_json::Value::from("***")),
        (&shown["accounts"][1]["base_url"], "http://127.0.0.1:1/shown".into()),
        (&shown["accounts"][1]["api_key"]["file"], secret.display().to_string().into()),
        (&shown["admin"]["token"], "***".into()),
        (&shown["keys"][0]["key"], "***".into()),
    ] {
        assert_eq!(value["value"], plain, "{shown:#}");
        assert!(value["from"].as_str().unwrap().ends_with("sluice.toml"), "{value}");
    }
}
