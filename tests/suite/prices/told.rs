//! What operators are told of prices: by commands, from files alone, and by a running gateway.

use std::process::{Command, Output};

use serde_json::{Value, json};
use sluice_tests::client::send;
use sluice_tests::gateway::{Folder, binary};

use super::priced;

/// A folder with a configuration that lays `prices.toml` over the built-in list.
fn folder(prices: &str) -> Folder {
    let folder = Folder::new();
    let file = folder.0.join("prices.toml");
    std::fs::write(&file, prices).unwrap();
    // A secret that is not there: prices are nobody's business but the price list's.
    let account = "[[accounts]]\nname = \"a\"\nprovider = \"openai\"\napi_key = { env = \"NOT_THERE\" }\n";
    let config = format!("{account}[cost]\nfiles = [\"{}\"]\n", file.display());
    std::fs::write(folder.0.join("sluice.toml"), config).unwrap();
    folder
}

fn run(folder: &Folder, arguments: &[&str]) -> Output {
    Command::new(binary()).arg("prices").args(arguments).current_dir(&folder.0).output().unwrap()
}

/// What a command prints for programs, and its exit code.
fn told(folder: &Folder, arguments: &[&str]) -> (Value, i32) {
    let output = run(folder, &[arguments, &["--json"]].concat());
    let printed = serde_json::from_slice(&output.stdout);
    (printed.unwrap_or_else(|_| panic!("{output:?}")), output.status.code().unwrap())
}

const OURS: &str = "[models.m]\ninput = \"3\"\noutput = \"15\"\n[models.name]\nalias_of = \"m\"\n";

#[test]
fn a_price_file_of_each_format_is_checked_without_a_gateway() {
    let folder = folder(OURS);
    for (name, text, format, doubts) in [
        ("ours.toml", "[models.m]\ninput = \"4\"\noutput = \"20\"\n", "sluice", 0),
        ("doubt.toml", "[models.m]\ninput = \"4\"\noutput = \"2\"\n", "sluice", 1),
        (
            "litellm.json",
            "{\"m\": {\"input_cost_per_token\": 4e-06, \"output_cost_per_token\": 2e-05}, \"p\": {}}",
            "litellm",
            0,
        ),
        (
            "genai.json",
            "[{\"id\": \"openai\", \"models\": [{\"id\": \"m\", \"prices\": {\"input_mtok\": 4, \"output_mtok\": 20}}]}]",
            "genai-prices",
            0,
        ),
    ] {
        std::fs::write(folder.0.join(name), text).unwrap();
        let (checked, code) = told(&folder, &["check", name]);
        assert_eq!((code, &checked["ok"]), (0, &json!(true)), "{checked:#}");
        let review = &checked["review"];
        assert_eq!((&review["format"], &review["models"]), (&json!(format), &json!(1)), "{checked:#}");
        assert_eq!(review["changes"][0]["model"], "m", "{checked:#}");
        assert_eq!(checked["warnings"].as_array().unwrap().len(), doubts, "{checked:#}");
        let strict = run(&folder, &["check", name, "--strict"]).status.code();
        assert_eq!(strict, Some(if doubts == 0 { 0 } else { 2 }), "{name}");
        let (changed, code) = told(&folder, &["diff", name]);
        assert_eq!(code, 0);
        let rate = &changed["changes"][0]["rates"][0];
        assert_eq!((&rate["class"], &rate["was"], &rate["now"]), (&json!("input"), &json!("3"), &json!("4")));
    }
    let text = String::from_utf8(run(&folder, &["check", "doubt.toml"]).stdout).unwrap();
    for line in ["1 model with prices", "changed (1): m", "warning: doubt.toml:1: m: standard: `input` at 4"]
    {
        assert!(text.contains(line), "{line} in {text}");
    }
    let text = String::from_utf8(run(&folder, &["check", "litellm.json"]).stdout).unwrap();
    assert!(text.contains("skipped, as no price of theirs is understood (1): p"), "{text}");
    let text = String::from_utf8(run(&folder, &["diff", "ours.toml"]).stdout).unwrap();
    assert!(
        text.lines().any(|line| line.split_whitespace().eq(["m", "input", "standard", "3", "4"])),
        "{text}"
    );
}

#[test]
fn a_price_file_that_is_refused_is_told_with_its_place() {
    let folder = folder(OURS);
    for (text, line, says) in [
        ("[models.m]\ninput = \"-1\"\n", 2, "not below zero"),
        ("[models.m]\ninput = \"1\"\ninptu = \"1\"\n", 3, "unknown key `inptu`"),
        ("[models.m]\ninput = \"x\"\n", 2, "no decimal number"),
        ("[models.m]\ninput = \"1\"\n[models.m]\ninput = \"1\"\n", 3, "uplicate"),
        ("[models.a]\nalias_of = \"a\"\n", 1, "an alias of itself"),
        ("[models.a]\nalias_of = \"b\"\n[models.b]\nalias_of = \"a\"\n", 1, "an alias of an alias"),
    ] {
        std::fs::write(folder.0.join("wrong.toml"), text).unwrap();
        let (checked, code) = told(&folder, &["check", "wrong.toml"]);
        assert_eq!((code, &checked["ok"]), (2, &json!(false)), "{checked:#}");
        let problem = &checked["problems"][0];
        assert_eq!((&problem["file"], &problem["line"]), (&json!("wrong.toml"), &json!(line)), "{checked:#}");
        assert!(problem["message"].as_str().unwrap().contains(says), "{checked:#}");
        let refused = run(&folder, &["diff", "wrong.toml"]);
        assert_eq!(refused.status.code(), Some(2));
        assert!(String::from_utf8(refused.stderr).unwrap().contains(says));
    }
    let (checked, code) = told(&folder, &["check", "nowhere.toml"]);
    assert_eq!(code, 2);
    assert!(checked["problems"][0]["message"].as_str().unwrap().contains("can't be read"), "{checked:#}");
    // What is laid over already is refused by whatever reads it.
    std::fs::write(folder.0.join("prices.toml"), "[models.m]\ninput = \"-1\"\n").unwrap();
    let refused = run(&folder, &["show", "m"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8(refused.stderr).unwrap().contains("prices.toml:2: models.m.input"));
}

#[test]
fn what_a_model_costs_is_shown_from_files_alone() {
    let folder = folder(OURS);
    let (shown, code) = told(&folder, &["show", "name"]);
    assert_eq!(code, 0);
    assert_eq!((&shown["entry"], &shown["rule"]), (&json!("m"), &json!("exact, alias")));
    assert!(shown["list"].as_str().unwrap().ends_with("prices.toml"), "{shown:#}");
    assert!(shown["hash"].as_str().unwrap().starts_with("sha256:"));
    let text = String::from_utf8(run(&folder, &["show", "m"]).stdout).unwrap();
    for words in [
        &["input", "standard", "3", "million", "tokens", "listed"],
        &["cache_read", "standard", "3", "million", "tokens", "as"],
    ] {
        assert!(
            text.lines().any(|line| line.split_whitespace().take(6).eq(words.iter().copied())),
            "{words:?} in {text}"
        );
    }
    // Elsewhere than in the folder's configuration, the built-in list is in force.
    let (shown, _) = told(
        &Folder::new(),
        &["show", "gemini-4-argon", "--provider", "gemini", "--at", "2026-12-01T00:00:00Z"],
    );
    assert_eq!(
        (&shown["entry"], &shown["rates"][0]["price"]),
        (&json!("gemini/gemini-4-argon"), &json!("4"))
    );
    let unknown = run(&folder, &["show", "nobodys"]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(String::from_utf8(unknown.stderr).unwrap().contains("no price for `nobodys`"));
    let (all, _) = told(&folder, &["show"]);
    assert!(all["data"].as_array().unwrap().iter().any(|one| one["entry"] == "claude-opus-5-5"));
}

#[test]
fn a_running_gateway_tells_what_its_list_has_for_a_model_and_page_by_page() {
    let gateway = priced("", "prices.toml", OURS);
    let told = gateway.admin("GET", "/prices?model=name&provider=openai", "").json();
    let model = &told["data"][0];
    assert_eq!((&model["entry"], &model["rule"]), (&json!("m"), &json!("exact, alias")));
    assert_eq!(
        model["rates"][0],
        json!({ "class": "input", "tier": "standard", "above": null, "hours": null, "price": "3",
            "unit": "million_tokens", "source": "listed" })
    );
    let reasoning = model["rates"].as_array().unwrap().iter().find(|rate| rate["class"] == "reasoning");
    assert_eq!(reasoning.unwrap()["source"], json!({ "rule": "output" }));
    let mut names = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = gateway.admin("GET", &format!("/prices?limit=40{cursor}"), "").json();
        names.extend(page["data"].as_array().unwrap().iter().map(|one| one["entry"].to_string()));
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert!(names.len() > 80 && names.contains(&"\"claude-opus-5-5\"".to_owned()), "{names:?}");
    for (query, status, field) in [
        ("model=nobodys", 404, "model"),
        ("model=", 400, "model"),
        ("modle=m", 400, "modle"),
        ("at=soon", 400, "at"),
        ("limit=0", 400, "limit"),
    ] {
        let refused = gateway.admin("GET", &format!("/prices?{query}"), "");
        assert_eq!(refused.status, status, "{query}: {}", refused.text());
        assert_eq!(refused.json()["error"]["field"], field, "{query}");
    }
    assert_eq!(send(&gateway.address, "GET", "/admin/v1/prices?model=m", &[], b"").status, 401);
}
