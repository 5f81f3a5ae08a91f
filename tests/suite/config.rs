//! Configuration: every mistake at once, and reloads that are all or nothing.

use std::process::Command;
use std::sync::mpsc::channel;

use serde_json::Value;
use sluice_tests::client::{begin, send};
use sluice_tests::gateway::{Folder, Gateway, KEY, account, binary, key, workspace};
use sluice_tests::upstream::{Step, Upstream, chunk, end, stream_head, whole};

/// Runs `sluice check`; gives its exit code and what it printed.
fn check(text: &str, extension: &str, environment: &[(&str, &str)]) -> (Option<i32>, Value) {
    let folder = Folder::new();
    let path = folder.0.join(format!("sluice.{extension}"));
    std::fs::write(&path, text).unwrap();
    let output = Command::new(binary())
        .args(["check", "--json", "--config"])
        .arg(&path)
        .envs(environment.iter().copied())
        .output()
        .unwrap();
    let printed = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    (output.status.code(), printed)
}

#[test]
fn every_mistake_is_told_at_once_with_its_place() {
    let text = "[server]\nmax_bdy = \"1MiB\"\nheader_timeout = \"10\"\n[scheduler]\nkind = \"least-loded\"\n\
        [[accounts]]\nname = \"a\"\nprovider = \"claude-consol\"\napi_key = { env = \"SLUICE_SUITE_UNSET\" }\n\
        [[accounts]]\nname = \"b\"\nprovider = \"openai\"\napi_key = \"k\"\nbase_url = \"api.openai.com\"\n\
        [[accounts]]\nname = \"c\"\nprovider = \"openai\"\napi_key = { file = \"/nowhere/at/all\" }\n\
        [[accounts]]\nname = \"d\"\nprovider = \"simulated\"\nweigth = 1\n\
        [[accounts]]\nname = \"e\"\nprovider = \"simulated\"\n[[accounts]]\nname = \"e\"\nprovider = \"simulated\"\n\
        [[routes]]\nmodel = \"[x\"\npools = [\"clade\"]\n[[keys]]\nname = \"k\"\nkey = \"s\"\naccounts = [\"z\"]\n[tlemetry]\n";
    let (code, printed) = check(text, "toml", &[]);
    assert_eq!((code, printed["ok"].as_bool()), (Some(2), Some(false)));
    let problems = printed["problems"].as_array().unwrap();
    for (path, says, nearest) in [
        ("server.max_bdy", "unknown key", Some("max_body")),
        ("server.header_timeout", "invalid value", None),
        ("scheduler.kind", "no plugin", Some("least-loaded")),
        ("accounts.a.provider", "no plugin", Some("claude-console")),
        ("accounts.b.base_url", "scheme", None),
        ("accounts.c.api_key", "/nowhere/at/all", None),
        ("accounts.d.weigth", "unknown key", Some("weight")),
        ("accounts.e.name", "two accounts are named `e`", None),
        ("routes[0].pools", "no account is in the pool", Some("claude")),
        ("routes[0].model", "glob", None),
        ("keys.k.accounts", "there is no account `z`", None),
        ("tlemetry", "unknown key", Some("telemetry")),
    ] {
        let found = problems
            .iter()
            .find(|problem| problem["path"] == path)
            .unwrap_or_else(|| panic!("{path} in {printed:#}"));
        assert!(found["message"].as_str().unwrap().contains(says), "{found}");
        assert_eq!(found["nearest"].as_str(), nearest, "{found}");
        assert!(found["file"].as_str().unwrap().ends_with("sluice.toml"), "{found}");
    }
}

#[test]
fn what_is_not_at_work_yet_is_refused_and_defaults_are_accepted() {
    let simulated = "[[accounts]]\nname = \"s\"\nprovider = \"simulated\"\n";
    for (text, path) in [
        ("limits = [{ per = \"day\", cost = \"1\" }]", "accounts.s.limits"),
        ("cost_multiplier = \"2\"", "accounts.s.cost_multiplier"),
        ("[store]\nkind = \"redis\"", "store.kind"),
        ("[scheduler]\nkind = \"weighted\"", "scheduler.kind"),
        ("[scheduler]\nfailures = 5", "scheduler.failures"),
        ("[scheduler]\nsticky_ttl = \"5m\"", "scheduler.sticky_ttl"),
        ("[scheduler.cooldown]\nfailing = \"1s\"", "scheduler.cooldown"),
        ("[limits]\nkinds = [\"rate\"]", "limits.kinds"),
        ("[cost]\nunknown_model = \"reject\"", "cost.unknown_model"),
        ("[cost]\nfiles = [\"p.toml\"]", "cost.files"),
        ("[stats]\nretention_days = 7", "stats.retention_days"),
        ("[telemetry]\notlp_endpoint = \"http://h\"", "telemetry.otlp_endpoint"),
        ("[[keys]]\nname = \"k\"\nkey = \"s\"\nqueue = { size = 1, wait = \"1s\" }", "keys.k.queue"),
        ("[[keys]]\nname = \"k\"\nkey = \"s\"\nmode = \"hard\"", "keys.k.mode"),
        ("[[accounts]]\nname = \"b\"\nprovider = \"bedrock\"", "accounts.b.provider"),
    ] {
        let (code, printed) = check(&format!("{simulated}{text}\n"), "toml", &[]);
        let found =
            printed["problems"].as_array().unwrap().iter().find(|problem| problem["path"] == path).cloned();
        let found = found.unwrap_or_else(|| panic!("{path} in {printed:#}"));
        assert_eq!(code, Some(2));
        assert!(found["message"].as_str().unwrap().contains("not available yet"), "{found}");
    }
    let example = std::fs::read_to_string(workspace().join("sluice.example.toml")).unwrap();
    assert_eq!(check(&example, "toml", &[]).0, Some(0));
}

#[test]
fn files_in_three_formats_and_the_environment_are_read() {
    let yaml = "accounts:\n  - name: s\n    provider: simulated\nserver:\n  listen: 127.0.0.1:0\n";
    let json = "{\"accounts\":[{\"name\":\"s\",\"provider\":\"simulated\",\"delay\":\"1s\"}]}";
    assert_eq!(check(yaml, "yaml", &[]).0, Some(0));
    assert_eq!(
        check(json, "json", &[("SLUICE_ADMIN__TOKEN", "0123"), ("SLUICE_CONFIG", "elsewhere")]).0,
        Some(0)
    );
    let (code, printed) = check(json, "json", &[("SLUICE_SERVER__LISEN", "x")]);
    assert_eq!(
        (code, printed["problems"][0]["path"].as_str(), printed["problems"][0]["file"].as_str()),
        (Some(2), Some("server.lisen"), Some("environment"))
    );
    assert_eq!(check("accounts: [", "yaml", &[]).0, Some(2));
}

#[test]
fn a_reload_is_all_or_nothing_and_disturbs_no_request() {
    let (go, gate) = channel();
    let gate = std::sync::Mutex::new(Some(gate));
    let slow = Upstream::start(move |_| {
        let wait = gate.lock().unwrap().take().unwrap();
        vec![
            stream_head("text/event-stream"),
            chunk(b"event: content_block_start\ndata: {}\n\n"),
            Step::Wait(wait),
            chunk(b"event: message_stop\ndata: {}\n\n"),
            end(),
        ]
    });
    let fresh = Upstream::start(|_| whole(200, "", "{\"fresh\":1}"));
    let gateway = Gateway::start(&(account("a", "claude-console", &slow.address, "") + &key("")));
    let body = br#"{"model":"m","stream":true}"#;
    let mut running = begin(&gateway.address, "POST", "/v1/messages", &[("x-api-key", KEY)], body);
    assert!(running.piece().unwrap().is_some());

    gateway.rewrite("[[accounts]]\nname = \"a\"\n");
    let refused = gateway.admin("POST", "/reload", "");
    assert_eq!(
        (refused.status, refused.json()["error"]["code"].as_str()),
        (422, Some("invalid_configuration"))
    );
    assert_eq!(gateway.in_flight(), 1);

    gateway.rewrite(
        &(account("a", "claude-console", &fresh.address, "")
            + &key("")
            + "[[keys]]\nname = \"second\"\nkey = \"second\"\n"),
    );
    assert_eq!(gateway.admin("POST", "/reload", "").status, 200);
    assert_eq!(
        send(&gateway.address, "POST", "/v1/messages", &[("x-api-key", "second")], br#"{"model":"m"}"#)
            .text(),
        "{\"fresh\":1}"
    );
    assert_eq!(gateway.in_flight(), 1, "the account keeps its count");

    gateway.rewrite(&account("a", "claude-console", &fresh.address, ""));
    gateway.signal("HUP");
    gateway
        .until("the key is gone", |gateway| gateway.post("/v1/messages", r#"{"model":"m"}"#).status == 401);

    go.send(()).unwrap();
    assert!(running.whole().text().contains("message_stop"));
    gateway.rewrite("server.max_body = \"1MiB\"\ntelemetry.log = \"warn\"\n");
    assert!(gateway.admin("POST", "/reload", "").text().contains("restart"));
}

#[test]
fn the_configuration_in_force_is_shown_without_its_secrets() {
    let gateway = Gateway::start(&(account("a", "claude-console", "127.0.0.1:1", "") + &key("")));
    let shown = gateway.admin("GET", "/config", "");
    assert!(shown.text().contains("claude-console") && shown.text().contains("sluice.toml"));
    assert!(!shown.text().contains("planted"), "{}", shown.text());
}

#[test]
fn a_store_in_use_is_a_clear_failure() {
    let gateway = Gateway::start(&key(""));
    let output =
        Command::new(binary()).arg("--config").arg(gateway.folder.0.join("sluice.toml")).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("already in use"));
}
