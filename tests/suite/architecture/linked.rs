//! What the program is linked from: one version of each crate, one cryptography, licences that allow it, one registry.

use std::collections::BTreeMap;
use std::process::Command;

use sluice_tests::gateway::workspace;

/// Crates that are never linked, and what is instead.
const NEVER: [(&str, &str); 4] = [
    ("ring", "TLS is rustls with aws-lc-rs alone"),
    ("openssl", "TLS is rustls with aws-lc-rs alone"),
    ("native-tls", "TLS is rustls with aws-lc-rs alone"),
    ("webpki-roots", "who is trusted is the system's to say"),
];

/// Licences that may be linked: none of them asks anything of what it is linked with.
const LICENCES: [&str; 8] =
    ["Apache-2.0", "MIT", "BSD-2-Clause", "BSD-3-Clause", "ISC", "Zlib", "Unicode-3.0", "BSL-1.0"];

/// Where crates come from.
const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

struct Linked {
    name: String,
    version: String,
    licence: String,
}

/// All that the program is linked from, its own crates too.
fn linked() -> Vec<Linked> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--locked", "--package", "sluice-bundle", "--edges", "normal,no-proc-macro"])
        .args(["--prefix", "none", "--no-dedupe", "--format", "{p}|{l}"])
        .current_dir(workspace())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let mut lines: Vec<&str> = text.lines().filter(|line| !line.is_empty()).collect();
    lines.sort_unstable();
    lines.dedup();
    let each = lines.into_iter().map(|line| {
        let (package, licence) = line.split_once('|').unwrap();
        let mut words = package.split(' ');
        let mut word = || words.next().unwrap().to_owned();
        Linked { name: word(), version: word(), licence: licence.to_owned() }
    });
    each.collect()
}

/// Whether an expression of licences (SPDX, or the older `A/B`) can be met by those that may be linked.
fn is_allowed(expression: &str) -> bool {
    let parts = |separator: &str| -> Vec<String> {
        let (mut depth, mut parts, mut part) = (0, Vec::new(), String::new());
        for word in expression.split_inclusive(['(', ')', ' ', '/']) {
            let opened = word.matches('(').count();
            part.push_str(word);
            depth = depth + opened - word.matches(')').count();
            if depth == 0 && part.ends_with(separator) {
                parts.push(part.trim_end_matches(separator).to_owned());
                part.clear();
            }
        }
        parts.push(part);
        parts
    };
    for (separator, all) in [(" OR ", false), ("/", false), (" AND ", true)] {
        let parts = parts(separator);
        if parts.len() > 1 {
            let mut allowed = parts.iter().map(|part| is_allowed(part));
            return if all { allowed.all(|one| one) } else { allowed.any(|one| one) };
        }
    }
    let bare = expression.trim();
    match bare.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
        Some(inner) => is_allowed(inner),
        None => LICENCES.contains(&bare),
    }
}

#[test]
fn one_version_of_each_crate_is_linked_and_none_that_is_banned() {
    let mut versions: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for Linked { name, version, .. } in linked() {
        if let Some((_, instead)) = NEVER.iter().find(|(never, _)| *never == name) {
            panic!("{name} is linked: {instead}; `cargo tree -i {name}` tells who brings it");
        }
        versions.entry(name).or_default().push(version);
    }
    assert!(versions.contains_key("sluice-line") && versions.contains_key("aws-lc-rs"));
    for (name, versions) in versions {
        assert_eq!(
            versions.len(),
            1,
            "{name} is linked as {versions:?}: `cargo tree -d` tells who wants which"
        );
    }
}

#[test]
fn every_licence_that_is_linked_is_one_that_may_be() {
    for (expression, allowed) in [
        ("MIT", true),
        ("GPL-3.0", false),
        ("GPL-3.0 OR MIT", true),
        ("GPL-3.0/MIT", true),
        ("GPL-3.0 AND MIT", false),
        ("(GPL-3.0 OR MIT) AND ISC", true),
        ("(GPL-3.0 OR LGPL-3.0) AND ISC", false),
        ("ISC AND (Apache-2.0 OR ISC) AND (GPL-2.0 OR MIT)", true),
        ("Apache-2.0 WITH LLVM-exception OR MIT", true),
        ("", false),
    ] {
        assert_eq!(is_allowed(expression), allowed, "{expression}");
    }
    for Linked { name, version, licence } in linked() {
        assert!(is_allowed(&licence), "{name} {version} is under `{licence}`");
    }
}

#[test]
fn every_crate_comes_from_one_registry() {
    let lock = std::fs::read_to_string(workspace().join("Cargo.lock")).unwrap();
    let sources: Vec<&str> = lock.lines().filter_map(|line| line.strip_prefix("source = ")).collect();
    assert!(!sources.is_empty());
    for source in sources {
        assert_eq!(source.trim_matches('"'), REGISTRY);
    }
}
