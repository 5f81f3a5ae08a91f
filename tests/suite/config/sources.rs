//! Where a configuration comes from: files, one over the other, and the environment.

use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::Arc;

use serde_json::Value;
use sluice_tests::gateway::{Folder, Gateway, TOKEN, program};

use super::check;

fn write(folder: &Folder, name: &str, text: &str) -> PathBuf {
    let path = folder.0.join(name);
    std::fs::write(&path, text).unwrap();
    path
}

fn problems(output: &Output) -> Vec<Value> {
    let printed: Value = serde_json::from_slice(&output.stdout).unwrap();
    printed["problems"].as_array().unwrap().clone()
}

#[test]
fn files_in_three_formats_and_the_environment_are_read() {
    let yaml = "accounts:\n  - name: s\n    provider: simulated\nserver:\n  listen: 127.0.0.1:0\n";
    let json = "{\"accounts\":[{\"name\":\"s\",\"provider\":\"simulated\",\"delay\":\"1s\"}]}";
    assert_eq!(check(yaml, "yaml", &[]).0, Some(0));
    let variables = [("SLUICE_ADMIN__TOKEN", "0123456789012345"), ("SLUICE_CONFIG", "elsewhere")];
    assert_eq!(check(json, "json", &variables).0, Some(0));
    let (code, printed) = check(json, "json", &[("SLUICE_SERVER__LISEN", "x")]);
    let problem = &printed["problems"][0];
    assert_eq!(
        (code, problem["path"].as_str(), problem["file"].as_str(), problem["variable"].as_str()),
        (Some(2), Some("server.lisen"), Some("environment"), Some("SLUICE_SERVER__LISEN"))
    );
    assert_eq!(check("accounts: [", "yaml", &[]).0, Some(2));
}

#[test]
fn several_files_are_joined_in_order_and_the_later_one_wins() {
    let folder = Arc::new(Folder::new());
    let listed = |name: &str| format!("[[accounts]]\nname = \"{name}\"\nprovider = \"simulated\"\n");
    let key = |name: &str| format!("[[keys]]\nname = \"{name}\"\nkey = \"{name}\"\n");
    let store = format!("store.path = {:?}\nadmin.token = \"{TOKEN}\"\n", folder.0.join("data"));
    let first = write(
        &folder,
        "first.toml",
        &(store
            + "server.listen = \"127.0.0.1:1\"\nserver.reveal_route = true\n"
            + &listed("one")
            + &key("k1")),
    );
    let second = write(
        &folder,
        "second.yaml",
        "server:\n  listen: 127.0.0.1:0\naccounts:\n  - {name: two, provider: simulated}\nkeys:\n  - {name: k2, key: k2}\n",
    );
    let third = write(&folder, "third.toml", &(listed("three") + &key("k3")));
    let mut command = program(&folder.0);
    command.arg("--config").arg(&first).arg("--config").arg(&second).arg("--config").arg(&third);
    let gateway = Gateway::run(Arc::clone(&folder), &mut command);
    let shown = gateway.admin("GET", "/config", "").json();
    let accounts: Vec<(&str, &str)> = shown["accounts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|account| {
            (account["name"]["value"].as_str().unwrap(), account["name"]["from"].as_str().unwrap())
        })
        .map(|(name, from)| (name, from.rsplit('/').next().unwrap()))
        .collect();
    assert_eq!(accounts, [("one", "first.toml"), ("two", "second.yaml"), ("three", "third.toml")]);
    assert_eq!(shown["server"]["listen"]["value"], "127.0.0.1:0");
    assert_eq!(shown["server"]["reveal_route"]["value"], true);
    assert_eq!(shown["keys"].as_array().unwrap().len(), 3);
}

#[test]
fn one_name_in_two_files_is_an_error_that_names_both() {
    let folder = Folder::new();
    let entries = |plain: &str| {
        format!(
            "[[accounts]]\nname = \"{plain}\"\nprovider = \"simulated\"\n\
             [[accounts]]\nname = \"same\"\nprovider = \"simulated\"\n\
             [[groups]]\nname = \"same\"\n[[keys]]\nname = \"same\"\nkey = \"{plain}\"\n"
        )
    };
    let (first, second) = (write(&folder, "a.toml", &entries("a")), write(&folder, "b.toml", &entries("b")));
    let output = program(&folder.0)
        .args(["check", "--json", "--config"])
        .arg(&first)
        .arg("--config")
        .arg(&second)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let problems = problems(&output);
    assert_eq!(problems.len(), 3, "{problems:#?}");
    for (table, index) in [("accounts", 1), ("groups", 0), ("keys", 0)] {
        let path = format!("{table}.same.name");
        let found = problems.iter().find(|problem| problem["path"] == path.as_str()).unwrap();
        let message = found["message"].as_str().unwrap();
        for file in [&first, &second] {
            let place = format!("{table}[{index}] in {}", file.display());
            assert!(message.contains(&place), "{place} in {message}");
        }
    }
}

#[test]
fn with_nothing_configured_accounts_are_made_from_the_providers_own_variables() {
    let folder = Arc::new(Folder::new());
    let start = |variables: &[(&str, &str)]| {
        let mut command = program(&folder.0);
        command
            .env("SLUICE_SERVER__LISTEN", "127.0.0.1:0")
            .env("SLUICE_ADMIN__TOKEN", TOKEN)
            .envs(variables.iter().copied());
        let gateway = Gateway::run(Arc::clone(&folder), &mut command);
        let config = gateway.admin("GET", "/config", "").text();
        assert!(!config.contains("planted"), "{config}");
        let accounts = gateway.admin("GET", "/accounts", "").json();
        let names = accounts["data"].as_array().unwrap().iter();
        let mut names: Vec<String> = names
            .map(|account| {
                format!("{} {}", account["name"].as_str().unwrap(), account["provider"].as_str().unwrap())
            })
            .collect();
        names.sort();
        names
    };
    let anthropic = ("ANTHROPIC_API_KEY", "planted-a");
    let all = [anthropic, ("OPENAI_API_KEY", "planted-o"), ("GEMINI_API_KEY", "planted-g")];
    assert_eq!(start(&all), ["anthropic claude-official", "gemini gemini", "openai openai"]);
    assert_eq!(start(&[anthropic, ("OPENAI_API_KEY", "")]), ["anthropic claude-official"]);
    assert_eq!(start(&[]), Vec::<String>::new());
    // A file says what there is, also where it says that there is nothing.
    write(&folder, "sluice.toml", "server.reveal_route = true\n");
    assert_eq!(start(&all), Vec::<String>::new());
}

#[test]
fn the_file_of_the_environment_is_read_where_none_is_named() {
    let folder = Folder::new();
    let named = write(&folder, "named.toml", "server.listn = 1\n");
    let other = write(&folder, "other.toml", "");
    write(&folder, "sluice.toml", "server.lissten = 1\n");
    let told = |arguments: &[&str], variable: Option<&Path>| {
        let mut command = program(&folder.0);
        command.args(["check", "--json"]).args(arguments);
        let output = command.envs(variable.map(|path| ("SLUICE_CONFIG", path))).output().unwrap();
        problems(&output).first().map(|problem| problem["path"].as_str().unwrap().to_owned())
    };
    assert_eq!(told(&[], None).as_deref(), Some("server.lissten"), "the usual one");
    assert_eq!(told(&[], Some(&named)).as_deref(), Some("server.listn"), "the one of SLUICE_CONFIG");
    assert_eq!(told(&["--config", other.to_str().unwrap()], Some(&named)), None, "the one of the arguments");
    let missing = folder.0.join("missing.toml");
    assert_eq!(told(&[], Some(&missing)).as_deref(), Some(""), "one that is not there is a mistake");
}
