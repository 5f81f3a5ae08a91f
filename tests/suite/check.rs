//! What `sluice check` says of pools, routes and accounts that could never be used.

use std::process::{Command, Stdio};

use serde_json::Value;
use sluice_tests::gateway::{Folder, binary};

/// The problems of a configuration.
fn problems(text: &str) -> Vec<Value> {
    let folder = Folder::new();
    let path = folder.0.join("sluice.toml");
    std::fs::write(&path, text).unwrap();
    let output = Command::new(binary()).args(["check", "--json", "--config"]).arg(&path).output().unwrap();
    let printed: Value = serde_json::from_slice(&output.stdout).unwrap();
    let problems = printed["problems"].as_array().unwrap().clone();
    assert_eq!(output.status.code(), Some(if problems.is_empty() { 0 } else { 2 }), "{printed:#}");
    problems
}

/// One problem, at this place, with these words.
fn check(text: &str, path: &str, says: &str) {
    let problems = problems(text);
    assert_eq!(problems.len(), 1, "{text}\n{problems:#?}");
    assert_eq!(problems[0]["path"], path, "{text}");
    assert!(problems[0]["message"].as_str().unwrap().contains(says), "{text}\n{problems:#?}");
}

const ACCOUNT: &str =
    "[[accounts]]\nname = \"a\"\nprovider = \"openai-compatible\"\nbase_url = \"http://h\"\n";
const AZURE: &str = "[[accounts]]\nname = \"z\"\nprovider = \"azure-openai\"\nresource = \"r\"\napi_key = \"k\"\n\
    deployments = { gpt-4o = \"prod\" }\n";
const KEY: &str = "[[keys]]\nname = \"k\"\nkey = \"a-secret-of-a-client\"\n";
const ROUTE: &str = "[[routes]]\npools = [\"openai\"]\n";

#[test]
fn a_pool_without_accounts_is_a_problem_wherever_it_is_named() {
    for (text, path, says) in [
        (format!("{ACCOUNT}pools = []\n"), "accounts.a.pools", "never used"),
        (format!("{ACCOUNT}[[routes]]\nmodel = \"*\"\npools = []\n"), "routes[0].pools", "at least one pool"),
        (
            format!("{ACCOUNT}[[routes]]\nmodel = \"*\"\npools = [\"openai\", \"opnai\"]\n"),
            "routes[0].pools",
            "`opnai`",
        ),
        (format!("{ACCOUNT}{KEY}pools = [\"gemini\"]\n"), "keys.k.pools", "`gemini`"),
        (format!("{ACCOUNT}{KEY}accounts = [\"b\"]\n"), "keys.k.accounts", "`b`"),
    ] {
        check(&text, path, says);
    }
}

#[test]
fn an_admin_token_that_can_be_guessed_is_a_problem() {
    check("admin.token = \"fifteen letters\"\n", "admin.token", "can be guessed");
    assert!(problems("admin.token = \"sixteen letters!\"\n").is_empty());
}

#[test]
fn two_of_one_name_are_a_problem() {
    check(&format!("{ACCOUNT}{ACCOUNT}"), "accounts.a.name", "two accounts are named `a`");
    let same = KEY.replace("of-a-client", "of-another");
    check(&format!("{ACCOUNT}{KEY}{same}"), "keys.k.name", "two keys are named `k`");
}

#[test]
fn an_address_without_a_scheme_is_a_problem_for_every_provider() {
    for (provider, more) in [
        ("claude-official", "api_key = \"k\""),
        ("claude-console", "api_key = \"k\""),
        ("ccr", "api_key = \"k\""),
        ("gemini", "api_key = \"k\""),
        ("openai", "api_key = \"k\""),
        ("openai-responses", "api_key = \"k\""),
        ("openai-compatible", ""),
        ("azure-openai", "api_key = \"k\""),
        ("bedrock", "api_key = \"k\"\nregion = \"us-east-1\""),
    ] {
        for address in
            ["upstream.example", "upstream.example:8080/v1", "localhost:11434", "//upstream.example"]
        {
            let text = format!(
                "[[accounts]]\nname = \"a\"\nprovider = \"{provider}\"\nbase_url = \"{address}\"\n{more}\n"
            );
            check(&text, "accounts.a.base_url", "http");
        }
    }
    check(&format!("{ACCOUNT}proxy = \"proxy.example:1080\"\n"), "accounts.a.proxy", "");
}

#[test]
fn a_glob_that_matches_nothing_is_a_problem_where_that_can_be_known() {
    // What a list of deployments leaves out is never served; nor is what no account of a route's pools has among its
    // exact names.
    for (text, path) in [
        (format!("{AZURE}models = [\"claude-*\"]\n"), "accounts.z.models"),
        (format!("{AZURE}models = [\"gpt-4o\", \"gpt-5*\"]\n"), "accounts.z.models"),
        (format!("{AZURE}{ROUTE}model = \"claude-*\"\n"), "routes[0].model"),
        (format!("{ACCOUNT}models = [\"m-1\", \"m-2\"]\n{ROUTE}model = \"n-*\"\n"), "routes[0].model"),
        (format!("{AZURE}{KEY}models = [\"claude-*\"]\n"), "keys.k.models"),
    ] {
        check(&text, path, "match");
    }
    for text in [
        format!("{AZURE}models = [\"gpt-*\"]\n{ROUTE}model = \"gpt-4*\"\n{KEY}models = [\"*\", \"!o1\"]\n"),
        format!("{AZURE}{ROUTE}model = \"mine\"\nrewrite = \"gpt-4o\"\n"),
        // It may serve anything.
        format!("{ACCOUNT}{AZURE}{ROUTE}model = \"claude-*\"\n{KEY}models = [\"claude-*\"]\n"),
        format!("{ACCOUNT}models = [\"m-*\"]\nmodel_map = {{ n-1 = \"m-1\" }}\n{ROUTE}model = \"n-*\"\n"),
    ] {
        assert_eq!(problems(&text), [] as [Value; 0], "{text}");
    }
}

#[test]
fn a_value_of_the_wrong_type_hides_no_other_mistake() {
    let text = "[server]\nbogus = 1\nbody_timeout = \"0s\"\n\
        [scheduler]\nkind = \"leastloaded\"\nattempts = 0\ncooldown = { foo = \"1s\" }\n\
        [[accounts]]\nname = \"a\"\nprovider = \"openai-compatible\"\nbase_url = \"ftp://x\"\nproxy = \"socks4://x\"\n\
        models = [\"[a\"]\nconcurrency = -5\n\
        [[accounts]]\nname = \"b\"\nprovider = \"openai\"\n\
        [[keys]]\nname = \"k\"\nkey = \"a-secret-of-a-client\"\nallow = [\"claud\"]\ngroup = \"nog\"\nmode = \"hrad\"\n\
        limits = [{ per = \"1x\" }, { per = \"day\", cost = 5 }]\n\
        [[routes]]\nmodel = \"x\"\napi = [\"claude\"]\npools = [\"nope\"]\n";
    let problems = problems(text);
    let mut told: Vec<&str> = problems.iter().map(|problem| problem["path"].as_str().unwrap()).collect();
    told.sort_unstable();
    assert_eq!(
        told,
        [
            "accounts.a.base_url",
            "accounts.a.concurrency",
            "accounts.a.models",
            "accounts.a.proxy",
            "accounts.b.api_key",
            "keys.k.allow[0]",
            "keys.k.group",
            "keys.k.limits[0].per",
            "keys.k.limits[1].cost",
            "keys.k.mode",
            "routes[0].api[0]",
            "routes[0].pools",
            "scheduler.attempts",
            "scheduler.cooldown.foo",
            "scheduler.kind",
            "server.body_timeout",
            "server.bogus",
        ]
    );
    assert!(problems.iter().all(|problem| problem["file"].as_str().unwrap().ends_with("sluice.toml")));
}

#[test]
fn a_name_that_could_forge_a_line_of_the_log_is_a_problem() {
    for (text, path) in [
        (ACCOUNT.replace("\"a\"", "\"a\\nb\""), "accounts[0].name"),
        (format!("{ACCOUNT}{}", KEY.replace("\"k\"", "\"k\\u001b[31m\"")), "keys[0].name"),
        (format!("{ACCOUNT}[[groups]]\nname = \"g\\r\"\n"), "groups[0].name"),
    ] {
        check(&text, path, "control characters");
    }
}

#[test]
fn what_is_printed_into_a_pipe_that_closes_is_no_failure() {
    for command in ["openapi", "reference", "plugins"] {
        let mut child = Command::new(binary())
            .arg(command)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]), "{command}");
    }
}
