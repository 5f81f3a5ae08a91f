//! `sluice keys`: what it does at a running gateway, and what it says where it can't.

use std::net::TcpListener;
use std::process::Command;

use sluice_tests::client::send;
use sluice_tests::gateway::{Folder, Gateway, TOKEN, binary, key};
use sluice_tests::tls::Certificate;
use sluice_tests::upstream::{Upstream, whole};

/// Runs the program; gives its exit code and all that it printed.
fn run(arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(binary());
    let output =
        command.args(arguments).env_remove("SLUICE_URL").env_remove("SLUICE_ADMIN_TOKEN").output().unwrap();
    let printed = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    (output.status.code(), printed.into_owned())
}

fn keys(arguments: &[&str]) -> (Option<i32>, String) {
    run(&[&["keys"], arguments].concat())
}

#[test]
fn the_keys_command_works_against_a_running_gateway() {
    let gateway = Gateway::start(&key(""));
    let url = format!("http://{}", gateway.address);
    let run = |arguments: &[&str]| keys(&[arguments, &["--url", &url, "--token", TOKEN]].concat());
    let (code, text) = run(&["create", "--name", "cli", "--concurrency", "3", "--json"]);
    let made: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!((code, made["concurrency"].as_u64()), (Some(0), Some(3)));
    assert!(run(&["list"]).1.contains("cli"));
    assert!(run(&["show", "cli"]).1.contains(made["id"].as_str().unwrap()));
    assert_eq!(run(&["rotate", "cli"]).0, Some(0));
    assert_eq!(run(&["revoke", "cli"]).0, Some(0));
    let (code, text) = run(&["show", "cli"]);
    assert_eq!(code, Some(1));
    assert!(text.contains("no key `cli`"), "{text}");
    let hash = Command::new(binary()).args(["keys", "hash", "abc"]).output().unwrap();
    assert_eq!(
        String::from_utf8_lossy(&hash.stdout).trim(),
        "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    );
}

#[test]
fn a_secret_is_printed_first_and_alone_and_what_is_known_of_a_key_is_shown() {
    let gateway =
        Gateway::start("[[accounts]]\nname = \"a\"\nprovider = \"simulated\"\n[[groups]]\nname = \"g\"\n");
    let url = format!("http://{}", gateway.address);
    let run = |arguments: &[&str]| keys(&[arguments, &["--url", &url, "--token", TOKEN]].concat());
    assert!(run(&["list"]).1.contains("there are no keys"));
    let (code, text) = run(&["create", "--name", "cli", "--group", "g"]);
    let secret = text.lines().next().unwrap().to_owned();
    assert_eq!(code, Some(0));
    assert!(secret.starts_with("sk-sluice-") && text.matches(&secret).count() == 1, "{text}");
    assert!(text.contains("shown this once") && text.contains("cli") && !text.contains("rotated"), "{text}");

    let list = run(&["list"]).1;
    assert!(list.contains("created") && !list.contains("last used"), "{list}");
    let body = br#"{"model":"m","max_tokens":1,"messages":[]}"#;
    assert_eq!(send(&gateway.address, "POST", "/v1/messages", &[("x-api-key", &secret)], body).status, 200);
    let list = run(&["list"]).1;
    assert!(list.contains("last used") && !list.contains(&secret), "{list}");
    let used = gateway.record()["time"].as_str().unwrap().to_owned();
    assert_eq!(gateway.admin("GET", "/keys/cli", "").json()["last_used"], used.as_str());

    let (code, text) = run(&["update", "cli", "--concurrency", "3", "--clear", "group"]);
    assert_eq!(code, Some(0), "{text}");
    let changed = gateway.admin("GET", "/keys/cli", "").json();
    assert_eq!((&changed["concurrency"], changed["group"].is_null()), (&3.into(), true));
    assert_eq!(run(&["update", "cli"]).0, Some(2));
    let (code, text) = run(&["revoke", "cli"]);
    assert_eq!((code, text.as_str()), (Some(0), "deleted\n"));
}

#[test]
fn what_a_plugin_needs_is_told() {
    let (code, text) = run(&["plugins"]);
    assert_eq!(code, Some(0));
    for line in [
        "api_key (required, secret): ",
        "region (required): ",
        "session_token (optional, secret): ",
        "base_url (optional): ",
    ] {
        assert!(text.contains(line), "{line} in\n{text}");
    }
}

#[test]
fn the_configuration_is_named_before_a_command_that_reads_it_or_behind_and_help_shows_it_nowhere_else() {
    let folder = Folder::new();
    let file = folder.0.join("sluice.toml");
    std::fs::write(&file, "server.listn = 1\n").unwrap();
    let file = file.display().to_string();
    for arguments in [["--config", &file, "check"], ["check", "--config", &file]] {
        let (code, text) = run(&arguments);
        assert!(code == Some(2) && text.contains("server.listn"), "{text}");
    }
    for (command, reads) in [
        (&["serve"][..], true),
        (&["check"], true),
        (&["admin-token"], true),
        (&["demo"], false),
        (&["plugins"], false),
        (&["keys", "list"], false),
        (&["explain"], false),
    ] {
        let help = run(&[command, &["--help"]].concat()).1;
        assert_eq!(help.contains("--config"), reads, "{help}");
    }
}

#[test]
fn a_gateway_behind_tls_is_asked_where_the_systems_authorities_vouch_for_it() {
    let folder = Folder::new();
    let certificate = Certificate::make(&folder.0);
    let gateway = Gateway::start(&certificate.settings());
    let url = format!("https://{}", gateway.address);
    let list = |authorities: &std::path::Path| {
        let mut command = Command::new(binary());
        command.args(["keys", "list", "--url", &url, "--token", TOKEN]).env("SSL_CERT_FILE", authorities);
        let output = command.output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    assert_eq!(list(&certificate.authority), (Some(0), String::new()));
    let other = Folder::new();
    let (code, says) = list(&Certificate::make(&other.0).authority);
    assert!(code == Some(1) && says.contains("certificate"), "{code:?} {says}");
}

#[test]
fn a_name_may_have_anything_in_it() {
    let gateway = Gateway::start("");
    let url = format!("http://{}", gateway.address);
    let run = |arguments: &[&str]| keys(&[arguments, &["--url", &url, "--token", TOKEN]].concat());
    for name in ["with space", "a/b", "per%cent", "q?x=1#y", "..", ".", "schlüssel"] {
        let (code, text) = run(&["create", "--name", name]);
        assert_eq!(code, Some(0), "{name}: {text}");
        let (code, text) = run(&["show", name]);
        assert!(code == Some(0) && text.contains(name), "{name}: {text}");
        assert_eq!(run(&["rotate", name]).0, Some(0), "{name}");
        assert_eq!(run(&["revoke", name]).0, Some(0), "{name}");
        assert_eq!(run(&["show", name]).0, Some(1), "{name}");
    }
}

#[test]
fn what_can_t_be_reached_is_said_and_what_can_t_be_meant_is_refused() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = format!("http://{}", free.local_addr().unwrap());
    drop(free);
    let other = Upstream::start(|_| whole(200, "", "<html>hello</html>"));
    let other = format!("http://{}", other.address);
    let says_nothing = Upstream::start(|_| whole(200, "", ""));
    let silent = format!("http://{}", says_nothing.address);
    let redirects = Upstream::start(|_| whole(302, "location: /admin/v1/system\r\n", ""));
    let elsewhere = format!("http://{}", redirects.address);
    let part = format!("{other}/#part");
    for (url, says) in [
        (nobody.as_str(), "can't be reached"),
        ("nonsense", "is no URL of a gateway"),
        ("ftp://127.0.0.1", "is no URL of a gateway"),
        ("http://", "is no URL of a gateway"),
        ("http://user:planted@127.0.0.1:1", "has no user or password"),
        (&other, "is no Sluice gateway"),
        (&part, "is no URL of a gateway"),
        (&silent, "is no Sluice gateway"),
        (&elsewhere, "sends its callers elsewhere"),
    ] {
        let (code, text) = keys(&["list", "--url", url, "--token", TOKEN]);
        assert_eq!((code, text.lines().count()), (Some(1), 1), "{url}: {text}");
        assert!(text.contains(says) && !text.contains("planted"), "{url}: {text}");
    }
    let (code, text) = keys(&["list", "--url", &other, "--token", "no\nheader"]);
    assert!(code == Some(1) && text.contains("the token or the URL is wrong"), "{code:?} {text}");
    for arguments in [
        &["keys", "list", "--url", &nobody][..],
        &["keys", "list", "--token", TOKEN, "extra"],
        &["keys", "show", "", "--token", TOKEN],
        &["keys", "create", "--token", TOKEN],
        &["keys"],
        &["keys", "list", "--token", TOKEN, "--config", "sluice.toml"],
        &["demo", "--config", "sluice.toml"],
        &["--config", "sluice.toml", "demo"],
        &["plugins", "--config", "sluice.toml"],
    ] {
        let (code, text) = run(arguments);
        assert_eq!(code, Some(2), "{arguments:?}: {text}");
        assert!(!text.contains("base URL"), "{arguments:?} served");
    }
}
