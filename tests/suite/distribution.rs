//! Someone else's gateway: a provider crate of their own and a main.rs of two lines, outside this workspace.

use std::process::Command;
use std::sync::Arc;

use sluice_tests::client::send;
use sluice_tests::gateway::{Folder, Gateway, KEY, binary, workspace};

#[test]
fn a_provider_needs_its_own_crate_and_one_line() {
    // The workspace's own target folder: most of what both are built from is there already.
    let target = binary().parent().unwrap().parent().unwrap().to_owned();
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--locked", "--manifest-path"])
        .arg(workspace().join("tests/distribution/Cargo.toml"))
        .env("CARGO_TARGET_DIR", &target)
        .output()
        .unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let binary = target.join("debug/acme-gateway");
    let listed = Command::new(&binary).arg("plugins").output().unwrap();
    assert!(String::from_utf8_lossy(&listed.stdout).contains("acme-provider 0.1.0"));

    let folder = Arc::new(Folder::new());
    let config = folder.0.join("sluice.toml");
    let text = format!(
        "server.listen = \"127.0.0.1:0\"\nstore.path = {:?}\n[[accounts]]\nname = \"a\"\nprovider = \"acme\"\ngreeting = \"hello from acme\"\n[[keys]]\nname = \"k\"\nkey = \"{KEY}\"\n",
        folder.0.join("data")
    );
    std::fs::write(&config, text).unwrap();
    let gateway = Gateway::run(folder, Command::new(&binary).arg("--config").arg(&config));
    let answer = send(
        &gateway.address,
        "POST",
        "/v1/chat/completions",
        &[("x-api-key", KEY)],
        br#"{"model":"any","messages":[]}"#,
    );
    assert_eq!(
        (answer.status, answer.json()["choices"][0]["message"]["content"].as_str()),
        (200, Some("hello from acme"))
    );
}
