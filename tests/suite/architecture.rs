//! Dependencies run one way, by crates and by files, and nothing grows out of hand.

mod circles;
mod data;
mod linked;
mod read;
mod sizes;
mod source;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use sluice_tests::gateway::{Folder, workspace};

use source::Source;

/// What each package of the workspace may depend on within it.
const ARROWS: [(&str, &[&str]); 51] = [
    ("sluice-money", &[]),
    ("sluice-packing", &["sluice-money"]),
    ("sluice-pages", &[]),
    ("sluice-tariff", &["sluice-money"]),
    ("sluice-quota", &[]),
    ("sluice-api", &["sluice-money", "sluice-packing", "sluice-pages", "sluice-tariff", "sluice-quota"]),
    ("sluice-usage", &["sluice-api"]),
    ("sluice-json", &[]),
    ("sluice-wire", &["sluice-api", "sluice-usage", "sluice-json"]),
    ("sluice-neutral", &["sluice-api"]),
    ("sluice-dialect-anthropic", &["sluice-api", "sluice-usage", "sluice-wire", "sluice-neutral"]),
    ("sluice-dialect-chat", &["sluice-api", "sluice-usage", "sluice-wire", "sluice-neutral"]),
    ("sluice-dialect-responses", &["sluice-api", "sluice-usage", "sluice-wire", "sluice-neutral"]),
    ("sluice-dialect-gemini", &["sluice-api", "sluice-usage", "sluice-wire", "sluice-neutral"]),
    (
        "sluice-translate",
        &[
            "sluice-api",
            "sluice-json",
            "sluice-wire",
            "sluice-neutral",
            "sluice-dialect-anthropic",
            "sluice-dialect-chat",
            "sluice-dialect-responses",
            "sluice-dialect-gemini",
        ],
    ),
    ("sluice-oauth", &["sluice-api"]),
    ("sluice-reading", &["sluice-api"]),
    ("sluice-settings", &["sluice-api", "sluice-oauth"]),
    ("sluice-config", &["sluice-api", "sluice-wire", "sluice-reading", "sluice-settings"]),
    ("sluice-mapped", &[]),
    ("sluice-journal", &["sluice-mapped"]),
    ("sluice-buckets", &["sluice-api"]),
    ("sluice-ledger", &["sluice-api", "sluice-journal", "sluice-packing"]),
    ("sluice-reconcile", &["sluice-api"]),
    ("sluice-telemetry", &["sluice-api"]),
    ("sluice-limits", &["sluice-api"]),
    ("sluice-upstream", &["sluice-api", "sluice-config"]),
    ("sluice-signin", &["sluice-config"]),
    ("sluice-sockets", &["sluice-upstream"]),
    ("sluice-fleet", &["sluice-api", "sluice-wire", "sluice-config"]),
    ("sluice-bodies", &["sluice-api", "sluice-config", "sluice-upstream"]),
    (
        "sluice-line",
        &[
            "sluice-api",
            "sluice-wire",
            "sluice-config",
            "sluice-ledger",
            "sluice-limits",
            "sluice-upstream",
            "sluice-fleet",
            "sluice-translate",
            "sluice-bodies",
        ],
    ),
    (
        "sluice-control",
        &[
            "sluice-api",
            "sluice-wire",
            "sluice-config",
            "sluice-ledger",
            "sluice-limits",
            "sluice-upstream",
            "sluice-fleet",
            "sluice-line",
        ],
    ),
    (
        "sluice-server",
        &[
            "sluice-api",
            "sluice-wire",
            "sluice-config",
            "sluice-ledger",
            "sluice-limits",
            "sluice-reconcile",
            "sluice-upstream",
            "sluice-signin",
            "sluice-sockets",
            "sluice-fleet",
            "sluice-line",
            "sluice-control",
        ],
    ),
    ("sluice-openapi", &["sluice-api", "sluice-config", "sluice-server"]),
    ("sluice-compact", &["sluice-api", "sluice-packing"]),
    ("sluice-memory", &["sluice-api"]),
    ("sluice-fixtures", &["sluice-api", "sluice-memory", "sluice-buckets"]),
    ("sluice-conformance", &["sluice-api", "sluice-memory"]),
    ("sluice-bedrock", &["sluice-api", "sluice-json", "sluice-wire", "sluice-translate"]),
    ("sluice-claude", &["sluice-api", "sluice-wire", "sluice-oauth"]),
    ("sluice-gemini", &["sluice-api", "sluice-wire", "sluice-oauth"]),
    ("sluice-openai", &["sluice-api", "sluice-wire"]),
    ("sluice-simulated", &["sluice-api", "sluice-wire"]),
    ("sluice-console", &["sluice-api"]),
    ("sluice-schedulers", &["sluice-api"]),
    ("sluice-limiters", &["sluice-api"]),
    ("sluice-prices", &["sluice-api"]),
    ("sluice-store-embedded", &["sluice-api", "sluice-buckets", "sluice-packing"]),
    ("sluice-store-redis", &["sluice-api", "sluice-buckets", "sluice-compact"]),
    ("sluice-tests", &[]),
];

/// Crates that only some packages may know.
const KNOWN_TO: [(&str, &[&str]); 8] = [
    ("reqwest", &["sluice-bundle", "sluice-telemetry"]),
    ("axum", &["sluice-server", "sluice-openapi"]),
    ("rusqlite", &["sluice-store-embedded"]),
    ("redis", &["sluice-store-redis"]),
    ("aws-credential-types", &["sluice-bedrock"]),
    ("aws-sigv4", &["sluice-bedrock"]),
    ("aws-smithy-eventstream", &["sluice-bedrock"]),
    ("aws-smithy-runtime-api", &["sluice-bedrock"]),
];

/// A package, and which of the workspace's others it knows.
type Knows = (String, BTreeSet<String>);

/// What is wrong with the arrows between packages.
fn wrong_arrows(packages: &[Knows]) -> Vec<String> {
    let mut wrong = Vec::new();
    for (name, known) in packages {
        let Some((_, allowed)) = ARROWS.iter().find(|(package, _)| package == name) else {
            wrong.push(format!("{name} has no arrows"));
            continue;
        };
        let more = known.iter().filter(|one| !allowed.contains(&one.as_str()));
        wrong.extend(more.map(|one| format!("{name} may not know {one}")));
    }
    wrong
}

/// The packages of the workspace, as cargo tells of them.
fn packages() -> Vec<serde_json::Value> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--locked"])
        .current_dir(workspace())
        .output()
        .unwrap();
    let mut metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    serde_json::from_value(metadata["packages"].take()).unwrap()
}

/// The crates of `core/`, and the benchmark, each with the folder of its sources.
fn crates() -> Vec<(String, PathBuf)> {
    let core = std::fs::read_dir(workspace().join("core")).unwrap().map(|entry| entry.unwrap().path());
    let all = core.chain([workspace().join("benches")]).filter(|path| path.join("Cargo.toml").is_file());
    let name = |path: &Path| path.strip_prefix(workspace()).unwrap().display().to_string();
    let crates: Vec<_> =
        all.map(|path| (name(&path), path.join("src"))).filter(|(_, src)| src.is_dir()).collect();
    assert!(crates.len() > 10, "{crates:?}");
    crates
}

/// A folder with these files, for what must be found in it.
fn planted(files: &[(&str, &str)]) -> Folder {
    let folder = Folder::new();
    for (path, text) in files {
        let path = folder.0.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    folder
}

/// The one crate that may name code which is unsafe: its own lints are the house's but for that one.
const UNSAFE: &str = "sluice-mapped";

fn has_the_houses_lints(name: &str, manifest: &str) -> bool {
    if name != UNSAFE {
        return manifest.contains("[lints]\nworkspace = true");
    }
    let house = std::fs::read_to_string(workspace().join("Cargo.toml")).unwrap();
    let of = |text: &str, table: &str| -> BTreeSet<String> {
        let table = text.split_once(table).unwrap().1;
        let lines = table.lines().take_while(|line| !line.starts_with('['));
        lines.filter(|line| line.contains(" = ")).map(ToOwned::to_owned).collect()
    };
    let missing = |tool: &str| {
        let own = of(manifest, &format!("[lints.{tool}]\n"));
        let all = of(&house, &format!("[workspace.lints.{tool}]\n"));
        all.difference(&own).cloned().collect::<Vec<_>>()
    };
    missing("rust") == ["unsafe_code = \"forbid\""]
        && missing("clippy").is_empty()
        && manifest.contains("unsafe_code = \"deny\"")
}

#[test]
fn dependencies_run_one_way() {
    let mut all: Vec<Knows> = Vec::new();
    for package in packages() {
        let name = package["name"].as_str().unwrap();
        let normal = package["dependencies"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|dependency| dependency["kind"].is_null());
        let dependencies: Vec<&str> = normal.map(|dependency| dependency["name"].as_str().unwrap()).collect();
        for (one, known_to) in KNOWN_TO {
            assert!(!dependencies.contains(&one) || known_to.contains(&name), "{name} may not know {one}");
        }
        if matches!(name, "sluice-bundle" | "sluice-benches") {
            continue;
        }
        let manifest = Path::new(package["manifest_path"].as_str().unwrap());
        let imported = Source::read(&manifest.with_file_name("src")).abroad();
        let imported = imported.into_iter().map(|one| one.replace('_', "-"));
        let known = imported.chain(dependencies.into_iter().map(ToOwned::to_owned));
        all.push((name.to_owned(), known.filter(|one| one.starts_with("sluice-")).collect()));
        let manifest = std::fs::read_to_string(manifest).unwrap();
        assert!(has_the_houses_lints(name, &manifest), "{name} has not the house's lints");
    }
    assert_eq!(wrong_arrows(&all), Vec::<String>::new());
    for room in ["core", "providers", "plugins", "tests", "openapi"] {
        assert!(workspace().join(room).is_dir(), "{room}");
    }
}

#[test]
fn an_arrow_that_is_planted_back_up_is_found() {
    for (at, (name, known)) in ARROWS.iter().enumerate() {
        let below = ARROWS.split_at(at).0;
        for one in *known {
            assert!(below.iter().any(|(package, _)| package == one), "{name} stands below {one}");
        }
    }
    let planted = |name: &str, known: &str| {
        wrong_arrows(&[(name.to_owned(), BTreeSet::from(["sluice-api".to_owned(), known.to_owned()]))])
    };
    assert_eq!(planted("sluice-line", "sluice-wire"), Vec::<String>::new());
    assert_eq!(planted("sluice-wire", "sluice-line"), ["sluice-wire may not know sluice-line"]);
    assert_eq!(planted("sluice-fleet", "sluice-control"), ["sluice-fleet may not know sluice-control"]);
    assert_eq!(planted("sluice-claude", "sluice-openai"), ["sluice-claude may not know sluice-openai"]);
    assert_eq!(planted("sluice-attic", "sluice-api"), ["sluice-attic has no arrows"]);
}

#[test]
fn every_source_file_says_what_it_is_for() {
    let output = Command::new("git").args(["ls-files", "*.rs"]).current_dir(workspace()).output().unwrap();
    for file in String::from_utf8_lossy(&output.stdout).lines() {
        let text = std::fs::read_to_string(workspace().join(file)).unwrap();
        assert!(text.starts_with("//! "), "{file}");
    }
}
