//! What `sluice check` reads, says in plain words, and warns of.

use std::path::Path;
use std::process::Output;

use serde_json::Value;
use sluice_tests::gateway::{Folder, Gateway, key, program, workspace};

const ACCOUNT: &str =
    "[[accounts]]\nname = \"a\"\nprovider = \"claude-console\"\nbase_url = \"http://h\"\napi_key = \"k\"\n";

/// Runs `sluice check` in a folder; gives its exit code and what it printed.
fn check(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> (Option<i32>, String) {
    let mut command = program(folder);
    let Output { status, stdout, .. } =
        command.arg("check").args(arguments).envs(variables.iter().copied()).output().unwrap();
    (status.code(), String::from_utf8(stdout).unwrap())
}

/// A folder with this configuration.
fn configured(text: &str) -> Folder {
    let folder = Folder::new();
    std::fs::write(folder.0.join("sluice.toml"), text).unwrap();
    folder
}

fn json(folder: &Folder, variables: &[(&str, &str)]) -> (Option<i32>, Value) {
    let (code, text) = check(&folder.0, &["--json"], variables);
    (code, serde_json::from_str(&text).unwrap())
}

#[test]
fn what_was_read_is_summed_up() {
    let folder = configured(&format!("{ACCOUNT}[[keys]]\nname = \"k\"\nkey = \"a-secret-of-a-client\"\n"));
    let (code, text) = check(&folder.0, &[], &[("SLUICE_SERVER__REVEAL_ROUTE", "true")]);
    assert_eq!(
        (code, text.as_str()),
        (
            Some(0),
            "read sluice.toml, SLUICE_SERVER__REVEAL_ROUTE: 1 account, 0 groups, 1 key, 0 routes\nthe configuration is fine\n"
        )
    );
    let read = &json(&folder, &[]).1["read"];
    assert_eq!(
        (&read["files"][0], &read["accounts"], &read["keys"]),
        (&"sluice.toml".into(), &1.into(), &1.into())
    );
    // With a problem, too.
    let (code, text) = check(&configured(&format!("{ACCOUNT}wieght = 1\n")).0, &[], &[]);
    assert_eq!(code, Some(2));
    assert!(text.starts_with("read sluice.toml: 1 account") && text.ends_with("1 problem\n"), "{text}");
}

#[test]
fn an_empty_folder_is_a_warning_that_strict_takes_for_a_problem() {
    let folder = Folder::new();
    let (code, text) = check(&folder.0, &[], &[]);
    assert_eq!(code, Some(0));
    assert!(
        text.contains("read no file") && text.contains("warning: configuration: accounts: nothing"),
        "{text}"
    );
    assert!(!text.contains("is fine"), "{text}");
    let (code, printed) = json(&folder, &[]);
    assert_eq!(
        (code, &printed["ok"], &printed["problems"]),
        (Some(0), &true.into(), &Value::Array(Vec::new()))
    );
    assert_eq!(printed["warnings"][0]["path"], "accounts");
    let (code, text) = check(&folder.0, &["--strict", "--json"], &[]);
    let strict: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        (code, &strict["ok"], strict["problems"].as_array().unwrap().len()),
        (Some(2), &false.into(), 1)
    );
    assert_eq!(
        check(&folder.0, &["--strict"], &[("OPENAI_API_KEY", "k")]).0,
        Some(0),
        "an account is made of it"
    );
}

#[test]
fn what_is_surely_not_meant_is_a_warning_with_its_place() {
    let openai = "[[accounts]]\nname = \"o\"\nprovider = \"openai-compatible\"\nbase_url = \"http://h\"\n";
    let of_key =
        |more: &str| format!("{ACCOUNT}[[keys]]\nname = \"k\"\nkey = \"a-secret-of-a-client\"\n{more}\n");
    for (text, path, line) in [
        (of_key("").replace("a-secret-of-a-client", "fifteen-letters"), "keys.k.key", 8),
        (ACCOUNT.replace("\"k\"", "\"${ANTHROPIC_API_KEY}\""), "accounts.a.api_key", 5),
        (ACCOUNT.replace("\"k\"", "\"os.environ/ANTHROPIC_API_KEY\""), "accounts.a.api_key", 5),
        (ACCOUNT.replace("http://h", "http://h/v1/messages"), "accounts.a.base_url", 4),
        (openai.replace("http://h", "http://h/v1/chat/completions"), "accounts.o.base_url", 4),
        (format!("{ACCOUNT}models = [\"^claude-.*$\"]\n"), "accounts.a.models[0]", 6),
        (of_key("models = [\"claude-.*\"]"), "keys.k.models[0]", 9),
        (of_key("expires = 2020-01-01T00:00:00Z"), "keys.k.expires", 9),
        (of_key("allow = [\"openai\"]"), "keys.k.allow[0]", 9),
        (
            format!("{ACCOUNT}[[routes]]\nmodel = \"*\"\napi = [\"openai-images\"]\npools = [\"claude\"]\n"),
            "routes[0].api[0]",
            8,
        ),
        (
            format!("{ACCOUNT}{}", "[[routes]]\nmodel = \"claude-*\"\npools = [\"claude\"]\n".repeat(2)),
            "routes[1].model",
            10,
        ),
    ] {
        let folder = configured(&text);
        let (code, printed) = json(&folder, &[]);
        let warnings = printed["warnings"].as_array().unwrap();
        assert_eq!((code, warnings.len()), (Some(0), 1), "{text}\n{printed:#}");
        assert_eq!((&warnings[0]["path"], &warnings[0]["line"]), (&path.into(), &line.into()), "{printed:#}");
        assert_eq!(check(&folder.0, &["--strict"], &[]).0, Some(2));
        let (_, text) = check(&folder.0, &[], &[]);
        assert!(text.contains(&format!("warning: sluice.toml:{line}: {path}: ")), "{text}");
    }
    assert_eq!(check(&configured(ACCOUNT).0, &["--strict"], &[]).0, Some(0));
}

#[test]
fn a_start_logs_what_is_surely_not_meant() {
    let gateway = Gateway::start(&key("expires = 2020-01-01T00:00:00Z"));
    let log = gateway.log();
    assert!(log.contains("WARN") && log.contains("keys.test.expires: the key has expired"), "{log}");
    assert!(log.contains("no account is configured"), "{log}");
}

#[test]
fn a_variable_that_is_no_setting_is_told_with_the_one_that_is_meant() {
    let folder = configured(ACCOUNT);
    for (variable, meant) in
        [("SLUICE_SERVER_LISTEN", "SLUICE_SERVER__LISTEN"), ("SLUICE_LISTEN", "SLUICE_SERVER__LISTEN")]
    {
        let (code, text) = check(&folder.0, &[], &[(variable, "planted")]);
        assert_eq!(code, Some(0));
        assert!(text.contains(&format!("environment variable {variable}: ")), "{text}");
        assert!(text.contains(&format!("did you mean `{meant}`?")) && !text.contains("planted"), "{text}");
    }
    let (code, text) = check(&folder.0, &[], &[("SLUICE_SERVER__LISTN", "planted")]);
    assert_eq!(code, Some(2));
    assert!(text.contains("environment variable SLUICE_SERVER__LISTN: server.listn: unknown key"), "{text}");
    let known = [("SLUICE_CONFIG", "sluice.toml"), ("SLUICE_URL", "x"), ("SLUICE_ADMIN_TOKEN", "x")];
    assert_eq!(check(&folder.0, &["--strict"], &known).0, Some(0));
}

#[test]
fn a_problem_says_what_was_found_in_plain_words() {
    for (setting, says) in [
        ("base_url = \"api.anthropic.com\"", "found \"api.anthropic.com\""),
        ("base_url = \"https://u:planted@h\"", "found \"https://***@h\""),
        ("weight = \"heavy\"", "found \"heavy\", a string; allowed: a whole number from 0 to"),
        ("concurrency = -5", "found -5; allowed: a whole number from 0 to"),
        ("models = \"planted\"", "found a string; allowed: a list"),
        ("enabled = \"yes\"", "found \"yes\", a string; allowed: true or false"),
        ("api_key = [\"planted\"]", "found a list; allowed: a secret"),
        ("[telemetry]\nformat = 5", "found 5, a whole number; allowed: text, json"),
        ("connect_timeout = 5", "found 5; allowed: a duration with its unit"),
        ("limits = [{ per = \"31d\", requests = 1 }]", "found \"31d\""),
    ] {
        let key = setting.split(' ').next().unwrap();
        let others = ACCOUNT.lines().filter(|line| !line.starts_with(key)).collect::<Vec<_>>().join("\n");
        let (code, text) = check(&configured(&format!("{others}\n{setting}\n")).0, &[], &[]);
        assert_eq!(code, Some(2), "{text}");
        assert!(text.contains(says) && !text.contains("planted"), "{setting}\n{text}");
        assert!(!text.contains("u32") && !text.contains("sequence"), "{text}");
    }
}

#[test]
fn a_misspelt_kind_hides_no_unknown_key() {
    for (text, path, nearest) in [
        (ACCOUNT.replace("console", "consol") + "bse_url = \"x\"", "accounts.a.bse_url", "base_url"),
        (ACCOUNT.replace("provider", "provder") + "regoin = \"x\"", "accounts.a.regoin", "region"),
        (format!("{ACCOUNT}[store]\nkind = \"embeded\"\npth = \"x\"\n"), "store.pth", "path"),
    ] {
        let (code, printed) = json(&configured(&text), &[]);
        let problems = printed["problems"].as_array().unwrap();
        let found = problems.iter().find(|problem| problem["path"] == path);
        assert_eq!(code, Some(2));
        assert_eq!(found.unwrap_or_else(|| panic!("{path}: {printed:#}"))["nearest"], nearest, "{printed:#}");
    }
}

/// The table of README, row by row, beside the warnings about routes that name an API which nobody can answer.
#[test]
fn what_readme_says_that_providers_speak_is_what_they_speak() {
    let readme = std::fs::read_to_string(workspace().join("README.md")).unwrap();
    let rows = readme.lines().skip_while(|line| !line.starts_with("| `provider` | Claude Messages")).skip(2);
    let columns =
        ["anthropic", "openai-chat", "openai-responses", "gemini", "openai-embeddings", "openai-images"];
    let mut seen = Vec::new();
    for row in rows.take_while(|line| line.starts_with('|')) {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        for provider in cells[0].split('`').skip(1).step_by(2) {
            let credential = match provider {
                "simulated" => "",
                "bedrock" => "region = \"us-east-1\"\napi_key = \"k\"",
                _ => "api_key = \"k\"\nbase_url = \"http://h\"",
            };
            seen.push(provider.to_owned());
            for (api, cell) in columns.iter().zip(&cells[1..]) {
                let text = format!(
                    "[[accounts]]\nname = \"a\"\nprovider = \"{provider}\"\n{credential}\npools = [\"p\"]\n\
                     [[routes]]\nmodel = \"*\"\napi = [\"{api}\"]\npools = [\"p\"]\n"
                );
                let (code, printed) = json(&configured(&text), &[]);
                let answered = printed["warnings"].as_array().unwrap().is_empty();
                assert!(["yes", "translated", ""].contains(cell), "{cell}");
                assert_eq!((code, answered), (Some(0), !cell.is_empty()), "{provider} {api}: {printed:#}");
            }
        }
    }
    seen.sort();
    let linked = program(&workspace()).args(["plugins", "--json"]).output().unwrap();
    let linked: Value = serde_json::from_slice(&linked.stdout).unwrap();
    let providers = linked.as_array().unwrap().iter().filter(|plugin| plugin["role"] == "provider");
    assert_eq!(seen, providers.map(|plugin| plugin["kind"].as_str().unwrap()).collect::<Vec<_>>());
}
