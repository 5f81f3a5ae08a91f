//! `sluice groups`, and limits on the command line.

use std::process::Command;

use serde_json::{Value, json};
use sluice_tests::gateway::{Gateway, TOKEN, binary};

/// Runs the program against a gateway; gives its exit code and all that it printed.
fn run(gateway: &Gateway, arguments: &[&str]) -> (Option<i32>, String) {
    let url = format!("http://{}", gateway.address);
    let mut command = Command::new(binary());
    let output = command.args(arguments).args(["--url", &url, "--token", TOKEN]).output().unwrap();
    let printed = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    (output.status.code(), printed.into_owned())
}

#[test]
fn groups_are_made_shown_changed_and_deleted_by_a_command() {
    let gateway = Gateway::start("");
    let groups = |arguments: &[&str]| run(&gateway, &[&["groups"], arguments].concat());
    assert!(groups(&["list"]).1.contains("there are no groups"));
    let (code, text) =
        groups(&["create", "--name", "a team", "--concurrency", "5", "--limit", "per=month,cost=500"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("a team") && text.contains("500"), "{text}");
    let list = groups(&["list"]).1;
    assert!(list.contains("concurrency") && !list.contains("max output tokens"), "{list}");
    let (code, text) = groups(&["update", "a team", "--max-output-tokens", "9", "--clear", "concurrency"]);
    assert_eq!(code, Some(0), "{text}");
    let shown: Value = serde_json::from_str(&groups(&["show", "a team", "--json"]).1).unwrap();
    assert_eq!((&shown["concurrency"], &shown["max_output_tokens"]), (&0.into(), &9.into()));
    assert_eq!(shown["limits"], json!([{ "per": "month", "cost": "500" }]));
    assert_eq!(groups(&["update", "a team"]).0, Some(2));
    assert_eq!(groups(&["delete", "a team"]), (Some(0), "deleted\n".to_owned()));
    assert_eq!(groups(&["show", "a team"]).0, Some(1));
}

#[test]
fn a_key_has_its_limits_its_queue_and_its_mode_from_the_command_line() {
    let gateway = Gateway::start("");
    let made = run(
        &gateway,
        &[
            "keys",
            "create",
            "--name",
            "cli",
            "--concurrency",
            "3",
            "--queue",
            "size=16,wait=20s",
            "--mode",
            "hard",
            "--limit",
            "per=1m,requests=60,tokens=2",
            "--limit",
            "per=week,cost=40,model={a,b}-*",
            "--max-output-tokens",
            "8000",
        ],
    );
    assert_eq!(made.0, Some(0), "{}", made.1);
    let key = gateway.admin("GET", "/keys/cli", "").json();
    assert_eq!(
        (&key["queue"], &key["mode"], &key["max_output_tokens"]),
        (&json!({ "size": 16, "wait": "20s" }), &"hard".into(), &8000.into())
    );
    assert_eq!(
        key["limits"],
        json!([{ "per": "1m", "requests": 60, "tokens": 2 }, { "per": "week", "cost": "40", "models": ["{a,b}-*"] }])
    );
    let (code, text) = run(&gateway, &["keys", "update", "cli", "--clear", "limits", "--clear", "queue"]);
    assert_eq!(code, Some(0), "{text}");
    let key = gateway.admin("GET", "/keys/cli", "").json();
    assert_eq!((&key["limits"], &key["queue"]), (&json!([]), &Value::Null));
    for (limit, says) in [("per=day,costs=1", "no `costs`"), ("per=year,cost=1", "per"), ("cost=1", "per")] {
        let (code, text) = run(&gateway, &["keys", "update", "cli", "--limit", limit]);
        assert!(code == Some(2) && text.contains(says), "{limit}: {code:?} {text}");
    }
}
