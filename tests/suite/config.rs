//! Configuration: every mistake at once, and reloads that are all or nothing.

mod reload;
mod secrets;
mod sources;

use std::process::Command;

use serde_json::{Value, json};
use sluice_tests::gateway::{Folder, Gateway, binary, key, workspace};
use sluice_tests::tls::Certificate;

/// Runs `sluice check`; gives its exit code and what it printed.
fn check(text: &str, extension: &str, environment: &[(&str, &str)]) -> (Option<i32>, Value) {
    let folder = Folder::new();
    let path = folder.0.join(format!("sluice.{extension}"));
    std::fs::write(&path, text).unwrap();
    let output = Command::new(binary())
        .args(["check", "--json", "--config"])
        .arg(&path)
        // The suite's own, which are no settings.
        .env_remove("SLUICE_TEST_PYTHON")
        .env_remove("SLUICE_TEST_NODE")
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
        let key = path.rsplit('.').next().unwrap();
        let line = text.lines().nth(found["line"].as_u64().unwrap() as usize - 1).unwrap();
        assert!(line.contains(key), "{found}: {line}");
        assert!(found["message"].as_str().unwrap().contains(says), "{found}");
        assert_eq!(found["nearest"].as_str(), nearest, "{found}");
        assert!(found["file"].as_str().unwrap().ends_with("sluice.toml"), "{found}");
    }
}

#[test]
fn what_no_store_knows_or_belongs_to_another_one_is_refused() {
    let simulated = "[[accounts]]\nname = \"s\"\nprovider = \"simulated\"\n";
    let shared = "kind = \"redis\"";
    for (text, path, says) in [
        (
            "[store]\nkind = \"redis\"\nurl = \"redis://h\"\non_outage = \"wait\"",
            "store.on_outage",
            "unknown value",
        ),
        ("[store]\nurl = [\"redis://h:1\", \"rediss://h:2\"]", "store.url", shared),
        ("[store]\nprefix = \"sluice\"", "store.prefix", shared),
        ("[store]\ntimeout = \"2s\"", "store.timeout", shared),
        ("[store]\non_outage = \"admit\"", "store.on_outage", shared),
    ] {
        let (code, printed) = check(&format!("{simulated}{text}\n"), "toml", &[]);
        let problems = printed["problems"].as_array().unwrap();
        let found = problems.iter().find(|problem| problem["path"] == path);
        let found = found.unwrap_or_else(|| panic!("{path} in {printed:#}"));
        assert_eq!((code, problems.len()), (Some(2), 1), "one problem, and one sentence: {printed:#}");
        assert!(found["message"].as_str().unwrap().contains(says), "{found}");
    }
}

#[test]
fn limits_of_every_kind_are_taken_and_one_that_binds_nobody_is_warned_of() {
    let limits = "limits = [{ per = \"1m\", requests = 60, tokens = 200000 }, { per = \"5h\", cost = \"5\" }, { per = \"day\", cost = \"20\" }, \
                  { per = \"week\", cost = \"40\", models = [\"claude-opus-*\"] }, { per = \"total\", cost = \"1000\" }]\n";
    let account = format!("[[accounts]]\nname = \"s\"\nprovider = \"simulated\"\n{limits}");
    let key = "[[keys]]\nname = \"k\"\nkey = \"a-secret-of-a-client\"\nconcurrency = 8\nqueue = { size = 16, wait = \"20s\" }\nmode = \"hard\"\n\
               max_output_tokens = 8000\n";
    let text = format!("{account}[[groups]]\nname = \"g\"\n{limits}{key}{limits}");
    let (code, printed) = check(&text, "toml", &[]);
    assert_eq!(
        (code, &printed["problems"], &printed["warnings"]),
        (Some(0), &json!([]), &json!([])),
        "{printed:#}"
    );
    let (code, printed) = check(&format!("limits.kinds = [\"rate\"]\n{text}"), "toml", &[]);
    let warned = printed["warnings"].as_array().unwrap();
    let of_key = |path: &str| warned.iter().any(|warning| warning["path"] == path);
    assert_eq!((code, warned.len()), (Some(0), 12), "four of cost each: {printed:#}");
    assert!(of_key("keys.k.limits[1].cost") && of_key("accounts.s.limits[4].cost"), "{printed:#}");
}

#[test]
fn the_example_serves_nothing_until_its_placeholders_are_replaced() {
    let example = std::fs::read_to_string(workspace().join("sluice.example.toml")).unwrap();
    let (code, printed) = check(&example, "toml", &[]);
    assert_eq!(code, Some(2));
    let problems = printed["problems"].as_array().unwrap();
    assert_eq!(problems.len(), example.matches("\"REPLACE-ME\"").count(), "{printed:#}");
    for problem in problems {
        let (path, message) = (problem["path"].as_str().unwrap(), problem["message"].as_str().unwrap());
        assert!(path.ends_with("key") && message.contains("placeholder"), "{problem}");
        let line = example.lines().nth(problem["line"].as_u64().unwrap() as usize - 1).unwrap();
        assert!(line.contains("REPLACE-ME"), "{problem}: {line}");
    }
    let folder = Folder::new();
    let path = folder.0.join("sluice.toml");
    std::fs::write(&path, &example).unwrap();
    let served = Command::new(binary()).arg("--config").arg(&path).output().unwrap();
    assert_eq!(served.status.code(), Some(2), "it does not serve");
    assert!(String::from_utf8_lossy(&served.stderr).contains("accounts.claude-a.api_key"));

    let mut number = 0;
    let replaced: String = example.split("REPLACE-ME").fold(String::new(), |text, part| {
        number += 1;
        if text.is_empty() { part.to_owned() } else { format!("{text}secret-of-this-place-{number}{part}") }
    });
    let (code, printed) = check(&replaced, "toml", &[]);
    assert_eq!(code, Some(0), "{printed:#}");
    let told = printed["warnings"].as_array().unwrap().iter();
    assert_eq!(told.filter(|warning| warning["file"] != "environment").count(), 0, "{printed:#}");
    assert!(!replaced.lines().any(|line| line.starts_with("provider = \"simulated\"")));
}

#[test]
fn what_an_example_has_is_no_secret_wherever_it_comes_from() {
    let folder = Folder::new();
    let file = folder.0.join("secret");
    std::fs::write(&file, "changeme\n").unwrap();
    let hash = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
    for (text, path, says) in [
        ("[[keys]]\nname = \"k\"\nkey = \"REPLACE-ME\"".to_owned(), "keys.k.key", "placeholder"),
        ("[[keys]]\nname = \"k\"\nkey = \"test\"".to_owned(), "keys.k.key", "from an example"),
        ("[[keys]]\nname = \"k\"\nkey = { env = \"SUITE_KEY\" }".to_owned(), "keys.k.key", "from an example"),
        (format!("[[keys]]\nname = \"k\"\nhash = \"{hash}\""), "keys.k.hash", "from an example"),
        ("server.metrics_token = \"m-token\"".to_owned(), "server.metrics_token", "can be guessed"),
        (format!("admin.token = {{ file = {file:?} }}"), "admin.token", "placeholder"),
        ("admin.token = { env = \"SUITE_TOKEN\" }".to_owned(), "admin.token", "SUITE_TOKEN is still"),
    ] {
        let (code, printed) = check(&text, "toml", &[("SUITE_TOKEN", "your-api-key"), ("SUITE_KEY", "test")]);
        let problem = &printed["problems"][0];
        assert_eq!((code, problem["path"].as_str()), (Some(2), Some(path)), "{printed:#}");
        assert!(problem["message"].as_str().unwrap().contains(says), "{printed:#}");
    }
}

#[test]
fn what_a_start_would_refuse_a_check_does_too() {
    let folder = Folder::new();
    let certificate = Certificate::make(&folder.0);
    let (cert, key, other) = (&certificate.cert, &certificate.key, folder.0.join("authority.key"));
    let empty = folder.0.join("empty.pem");
    std::fs::write(&empty, "planted-secret\n").unwrap();
    assert_eq!(check(&certificate.settings(), "toml", &[]).0, Some(0));
    let tls = |cert: &std::path::Path, key: &std::path::Path| {
        format!("server.tls = {{ cert = {cert:?}, key = {key:?} }}")
    };
    for (text, path, says) in [
        (tls(cert, &other), "server.tls.key", "does not belong to the certificate"),
        (tls(&empty, key), "server.tls.cert", "has no certificate"),
        (tls(cert, &empty), "server.tls.key", "has no private key"),
        (tls(key, cert), "server.tls.cert", "has no certificate"),
        (tls(cert, &folder.0.join("missing.pem")), "server.tls.key", "can't be read"),
        ("telemetry.log = \"info,=\"".to_owned(), "telemetry.log", "can't be read"),
        ("admin.listen = \"127.0.0.1:8080\"".to_owned(), "admin.listen", "the clients' own address"),
        ("server.max_buffered = \"1MiB\"".to_owned(), "server.max_buffered", "less than server.max_body"),
        (
            "[[accounts]]\nname = \"s\"\nprovider = \"simulated\"\nproxy = \"http://u:planted-secret@h:x\""
                .to_owned(),
            "accounts.s.proxy",
            "invalid port",
        ),
    ] {
        let (code, printed) = check(&text, "toml", &[]);
        let problems = printed["problems"].as_array().unwrap();
        assert_eq!((code, problems.len()), (Some(2), 1), "{text}: {printed:#}");
        assert_eq!(problems[0]["path"], path);
        assert!(problems[0]["message"].as_str().unwrap().contains(says), "{printed:#}");
        assert!(!printed.to_string().contains("planted"), "{printed:#}");
    }
}

#[test]
fn a_store_in_use_is_a_clear_failure() {
    let gateway = Gateway::start(&key(""));
    let output =
        Command::new(binary()).arg("--config").arg(gateway.folder.0.join("sluice.toml")).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("already in use"));
}
