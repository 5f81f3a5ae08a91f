//! Dependencies run one way.

mod linked;

use std::process::Command;

use sluice_tests::gateway::workspace;

/// What each package of the workspace may depend on within it.
const ARROWS: [(&str, &[&str]); 24] = [
    ("sluice-api", &[]),
    ("sluice-wire", &["sluice-api"]),
    ("sluice-translate", &["sluice-api", "sluice-wire"]),
    ("sluice-reading", &["sluice-api"]),
    ("sluice-settings", &["sluice-api"]),
    ("sluice-config", &["sluice-api", "sluice-wire", "sluice-reading", "sluice-settings"]),
    ("sluice-ledger", &["sluice-api"]),
    ("sluice-limits", &["sluice-api"]),
    ("sluice-upstream", &["sluice-api", "sluice-config"]),
    ("sluice-fleet", &["sluice-api", "sluice-wire", "sluice-config"]),
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
        ],
    ),
    (
        "sluice-control",
        &[
            "sluice-api",
            "sluice-wire",
            "sluice-config",
            "sluice-ledger",
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
            "sluice-upstream",
            "sluice-fleet",
            "sluice-line",
            "sluice-control",
        ],
    ),
    ("sluice-openapi", &["sluice-api", "sluice-config", "sluice-server"]),
    ("sluice-fixtures", &["sluice-api"]),
    ("sluice-bedrock", &["sluice-api", "sluice-wire", "sluice-translate"]),
    ("sluice-claude", &["sluice-api", "sluice-wire"]),
    ("sluice-gemini", &["sluice-api", "sluice-wire"]),
    ("sluice-openai", &["sluice-api", "sluice-wire"]),
    ("sluice-simulated", &["sluice-api", "sluice-wire"]),
    ("sluice-schedulers", &["sluice-api"]),
    ("sluice-limiters", &["sluice-api"]),
    ("sluice-prices", &["sluice-api"]),
    ("sluice-store-embedded", &["sluice-api"]),
    ("sluice-tests", &[]),
];

/// Crates that only some packages may know.
const KNOWN_TO: [(&str, &[&str]); 8] = [
    ("reqwest", &["sluice-bundle"]),
    ("axum", &["sluice-server", "sluice-openapi"]),
    ("rusqlite", &["sluice-store-embedded"]),
    ("redis", &["sluice-store-redis"]),
    ("aws-credential-types", &["sluice-bedrock"]),
    ("aws-sigv4", &["sluice-bedrock"]),
    ("aws-smithy-eventstream", &["sluice-bedrock"]),
    ("aws-smithy-runtime-api", &["sluice-bedrock"]),
];

#[test]
fn dependencies_run_one_way() {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--locked"])
        .current_dir(workspace())
        .output()
        .unwrap();
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    for package in metadata["packages"].as_array().unwrap() {
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
        let (_, allowed) =
            ARROWS.iter().find(|(known, _)| *known == name).unwrap_or_else(|| panic!("{name} has no arrows"));
        for dependency in dependencies.iter().filter(|dependency| dependency.starts_with("sluice-")) {
            assert!(allowed.contains(dependency), "{name} may not depend on {dependency}");
        }
        let manifest = std::fs::read_to_string(package["manifest_path"].as_str().unwrap()).unwrap();
        assert!(manifest.contains("[lints]\nworkspace = true"), "{name} has not the house's lints");
    }
    for room in ["core", "providers", "plugins", "tests", "openapi"] {
        assert!(workspace().join(room).is_dir(), "{room}");
    }
}

#[test]
fn every_source_file_says_what_it_is_for() {
    let output = Command::new("git").args(["ls-files", "*.rs"]).current_dir(workspace()).output().unwrap();
    for file in String::from_utf8_lossy(&output.stdout).lines() {
        let text = std::fs::read_to_string(workspace().join(file)).unwrap();
        assert!(text.starts_with("//! "), "{file}");
    }
}
