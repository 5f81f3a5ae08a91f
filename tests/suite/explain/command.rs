//! `sluice explain`: what it prints of a running gateway's answer.

use std::process::Command;

use serde_json::Value;
use sluice_tests::gateway::{TOKEN, binary};

use super::world::World;

/// Runs the command; gives its exit code, and what it printed and complained.
fn run(arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(binary());
    command.arg("explain").args(arguments).env_remove("SLUICE_URL").env_remove("SLUICE_ADMIN_TOKEN");
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn the_explain_command_prints_it_all() {
    let world = World::start();
    let url = format!("http://{}", world.gateway.address);
    let at = ["--url", &url, "--token", TOKEN];
    let run = |arguments: &[&str]| run(&[&at, arguments].concat());
    let question = ["--key", "test", "--api", "anthropic", "--model", "m-1", "--session", "s"];
    let (code, text, _) = run(&question);
    assert_eq!(code, Some(0), "{text}");
    let told = world.explain("test", ("anthropic", "m-1"), Some("s"));
    let listed = ["steps", "accounts"].into_iter().flat_map(|list| told[list].as_array().unwrap());
    for (name, value) in listed.flat_map(|entry| entry.as_object().unwrap()) {
        let shown = value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
        assert!(text.contains(&shown), "{name}: {shown} in\n{text}");
    }
    assert!(text.trim_end().ends_with("The request would go to a."), "{text}");
    let (code, text, _) = run(&[&question[..], &["--json"]].concat());
    assert_eq!((code, serde_json::from_str::<Value>(&text).unwrap()), (Some(0), told));
    let (code, text, _) = run(&["--key", "nobody", "--api", "gemini", "--model", "m-1"]);
    assert!(code == Some(0) && text.contains("no key `nobody`"), "{text}");
    assert!(text.trim_end().ends_with("The request would be sent to no account."), "{text}");
    assert_eq!(world.fleet.asked_in_all(), 0);
}

#[test]
fn what_the_explain_command_can_not_do_it_says() {
    let world = World::start();
    let url = format!("http://{}", world.gateway.address);
    let question = ["--key", "test", "--api", "anthropic", "--model", "m-1"];
    for (arguments, code, says) in [
        (&[&question[..], &["--url", &url]].concat()[..], 2, "admin token"),
        (&[&question[..], &["--url", &url, "--token", "wrong"]].concat(), 1, "401"),
        (
            &[&question[..], &["--url", "http://127.0.0.1:1", "--token", TOKEN]].concat(),
            1,
            "can't be reached",
        ),
        (&["--key", "test", "--model", "m-1", "--token", TOKEN], 2, "--api"),
        (&["--key", "test", "--api", "claude", "--model", "m-1", "--token", TOKEN], 2, "openai-responses"),
    ] {
        let (ended, text, complaint) = run(arguments);
        assert_eq!((ended, text.as_str()), (Some(code), ""), "{arguments:?}: {complaint}");
        assert!(complaint.contains(says), "{arguments:?}: {complaint}");
    }
}
