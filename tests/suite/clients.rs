//! The official SDKs and a browser, against the demonstration.

use std::process::{Command, Stdio};

use sluice_tests::gateway::{Gateway, workspace};

fn python(script: &str) {
    let Some(python) = std::env::var_os("SLUICE_TEST_PYTHON") else {
        panic!("SLUICE_TEST_PYTHON is not set: .ci/run makes the environment with the official SDKs");
    };
    let gateway = Gateway::demo();
    let key = gateway.told("API key");
    let output = Command::new(python)
        .arg(workspace().join("tests/clients").join(script))
        .arg(format!("http://{}", gateway.address))
        .arg(key)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
        gateway.log()
    );
}

#[test]
fn the_anthropic_sdk_is_served() {
    python("anthropic_sdk.py");
}

#[test]
fn the_openai_sdk_is_served() {
    python("openai_sdk.py");
}

#[test]
fn the_google_sdk_is_served() {
    python("google_sdk.py");
}

#[test]
fn swagger_ui_tries_out_each_client_api() {
    python("swagger_ui.py");
}
