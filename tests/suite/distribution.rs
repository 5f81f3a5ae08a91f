//! Someone else's gateway: crates of their own and a main.rs with a line for each, outside this workspace.

use std::path::PathBuf;
use std::process::Command;
use std::sync::mpsc::channel;
use std::sync::{Arc, LazyLock, Mutex};

use sluice_tests::gateway::{Gateway, account, binary, key, workspace};
use sluice_tests::upstream::{Step, Upstream, whole};

const CHAT: &str = "/v1/chat/completions";
const BODY: &str = r#"{"model":"any","messages":[]}"#;

/// Their program, built once.
static ACME: LazyLock<PathBuf> = LazyLock::new(|| {
    // The workspace's own target folder: most of what both are built from is there already.
    let target = binary().parent().unwrap().parent().unwrap().to_owned();
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--locked", "--manifest-path"])
        .arg(workspace().join("tests/distribution/Cargo.toml"))
        .args(unoptimized())
        .env("CARGO_TARGET_DIR", &target)
        .output()
        .unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    target.join("debug/acme-gateway")
});

/// The crates of this workspace are others' there, which are optimized: that is not what is tested.
fn unoptimized() -> Vec<String> {
    let manifest = std::fs::read_to_string(workspace().join("Cargo.toml")).unwrap();
    let names = manifest.lines().filter_map(|line| line.split_once(" = { path = ")).map(|(name, _)| name);
    names.map(|name| format!("--config=profile.dev.package.{name}.opt-level=0")).collect()
}

/// An account of theirs that greets so.
fn greeting(name: &str, more: &str) -> String {
    format!(
        "[[accounts]]\nname = \"{name}\"\nprovider = \"acme\"\ngreeting = \"hello from {name}\"\n{more}\n"
    )
}

#[test]
fn a_provider_needs_its_own_crate_and_one_line() {
    let listed = Command::new(&*ACME).arg("plugins").output().unwrap();
    assert!(String::from_utf8_lossy(&listed.stdout).contains("acme-provider 0.1.0"));
    let gateway = Gateway::of(&ACME, &(greeting("acme", "") + &key("")));
    let answer = gateway.post(CHAT, BODY);
    assert_eq!(
        (answer.status, answer.json()["choices"][0]["message"]["content"].as_str()),
        (200, Some("hello from acme"))
    );
}

#[test]
fn a_limiter_has_counts_and_words_of_its_own() {
    let (go, gate) = channel();
    let gate = Mutex::new(Some(gate));
    let upstream = Upstream::start(move |_| {
        let mut steps: Vec<Step> = gate.lock().unwrap().take().map(Step::Wait).into_iter().collect();
        steps.extend(whole(200, "", "{}"));
        steps
    });
    let accounts = ["openai", "claude-console"].map(|kind| account(kind, kind, &upstream.address, ""));
    let limits = "[limits.acme-families]\nopenai = 1\n";
    let gateway = Arc::new(Gateway::of(&ACME, &(accounts.concat() + limits + &key("concurrency = 9"))));
    let first = std::thread::spawn({
        let gateway = Arc::clone(&gateway);
        move || gateway.post(CHAT, BODY).status
    });
    // In flight it is from when an account is picked: another request might come upstream before it, and wait in its place.
    gateway.until("the first is upstream", |_| upstream.seen().len() == 1);

    let refused = gateway.post(CHAT, BODY);
    let told = refused.json()["error"].clone();
    assert_eq!((refused.status, told["type"].as_str()), (429, Some("rate_limit_error")));
    assert_eq!(refused.header("retry-after"), Some("7"));
    let says = "Acme lets a key have 1 requests of the family openai at once: ask through another family";
    assert!(told["message"].as_str().is_some_and(|message| message.contains(says)), "{told}");
    let other = gateway.post("/v1/messages", r#"{"model":"any","max_tokens":9,"messages":[]}"#);
    assert_eq!(other.status, 200, "each family is counted for itself: {}", other.text());

    go.send(()).unwrap();
    assert_eq!(first.join().unwrap(), 200);
    gateway.until("the slot is free", |gateway| gateway.in_flight() == 0);
    assert_eq!(gateway.post(CHAT, BODY).status, 200);
}

#[test]
fn a_scheduler_asks_the_cost_model_of_the_configuration_for_prices() {
    let config = |one: u32, other: u32| {
        let accounts = ["unpriced", "one", "other"]
            .map(|name| greeting(name, &format!("model_map = {{ any = \"{name}\" }}")));
        let kinds =
            "scheduler.kind = \"acme-cheapest\"\nscheduler.sticky_ttl = \"0\"\ncost.kind = \"acme-prices\"\n";
        let models = format!("cost.models = {{ one = {one}, other = {other} }}\n");
        [kinds, &models, &accounts.concat(), &key("")].concat()
    };
    let gateway = Gateway::of(&ACME, &config(30, 10));
    let served = |by: &str| {
        // By turns, or by what is in flight, another one would be asked for the second.
        for _ in 0..3 {
            let answer = gateway.post(CHAT, BODY);
            let content = &answer.json()["choices"][0]["message"]["content"];
            assert_eq!(content.as_str(), Some(format!("hello from {by}").as_str()));
        }
    };
    served("other");
    gateway.rewrite(&config(10, 30));
    assert_eq!(gateway.admin("POST", "/reload", "").status, 200);
    served("one");
}

#[test]
fn nothing_of_the_gateway_knows_what_others_plug_in() {
    let plugged = ["acme-cheapest", "acme-families", "acme-prices", "acme-provider"];
    let sources = ["*.rs", "*.toml", ":!tests/"];
    let found = Command::new("git")
        .arg("grep")
        .args(plugged.iter().flat_map(|name| ["-e", name]))
        .arg("--")
        .args(sources)
        .current_dir(workspace())
        .output()
        .unwrap();
    // 1: it has looked, and found nothing.
    assert_eq!(found.status.code(), Some(1), "{}", String::from_utf8_lossy(&found.stdout));
}
