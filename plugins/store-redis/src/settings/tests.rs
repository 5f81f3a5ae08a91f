//! Settings that are right, and every one that is wrong with its sentence.

use sluice_api::plugin::testing::with_section;

use super::{Reach, RedisSettings};

fn read(toml: &str) -> Result<Reach, Vec<String>> {
    let told = |problem: &sluice_api::settings::Problem| format!("{}: {}", problem.path, problem.message);
    with_section(toml, RedisSettings::read).map_err(|problems| problems.iter().map(told).collect())
}

#[test]
fn a_url_alone_is_enough() {
    let reach = read("url = \"redis://h\"").unwrap();
    assert_eq!((reach.path.to_str(), reach.prefix.as_str()), (Some("sluice-data"), "sluice"));
    assert_eq!((reach.timeout.as_secs(), reach.records), (1, 1_000_000));
    for toml in [
        "url = \"redis://u:p%40w@h:1/5?protocol=resp3\"",
        "url = \"rediss://[::1]:6379/0\"\nprefix = \"a-b:c/d\"\ntimeout = \"60s\"\non_outage = \"reject\"\npath = \"d\"",
        "url = [\"redis://h:1\", \"redis://h:2/0\"]",
        "url = [\"rediss://h:1\"]",
    ] {
        assert!(read(toml).is_ok(), "{toml}: {:?}", read(toml));
    }
    assert!(!reach.admits && read("url = \"redis://h\"\non_outage = \"admit\"").unwrap().admits);
}

#[test]
fn what_is_wrong_is_told_with_its_place_and_without_a_secret() {
    let long = format!("url = \"redis://h\"\nprefix = \"{}\"", "x".repeat(65));
    for (toml, path, says) in [
        ("", "url", "is missing"),
        ("url = 5", "url", "wrong type"),
        ("url = []", "url", "at least one"),
        ("url = [\"redis://h:1\", { file = \"/nowhere\" }]", "url[1]", "/nowhere"),
        ("url = \"http://:planted@h\"", "url", "begins with redis://"),
        ("url = [\"redis://h\", \"valkey://:planted@h\"]", "url[1]", "begins with redis://"),
        ("url = \"redis://:planted@h:70000\"", "url", "no URL"),
        ("url = \"redis://\"", "url", "needs a host"),
        ("url = \"redis://:planted@0.0.0.0\"", "url", "wildcard"),
        ("url = \"redis://:planted@h/x\"", "url", "database number"),
        ("url = \"redis://:planted@h?protocol=9\"", "url", "rotocol"),
        ("url = \"redis://:planted@h?proto=3\"", "url", "`proto` is not known"),
        ("url = \"rediss://:planted@h/#insecure\"", "url", "always checked"),
        ("url = [\"redis://:planted@h:1/2\", \"redis://h:2\"]", "url", "no database but 0"),
        ("url = [\"redis://:planted@h:1\", \"rediss://h:2\"]", "url", "for all"),
        ("url = \"redis://h\"\nprefix = \"\"", "prefix", "1 to 64"),
        ("url = \"redis://h\"\nprefix = \"a}b\"", "prefix", "1 to 64"),
        (&long, "prefix", "1 to 64"),
        ("url = \"redis://h\"\ntimeout = \"0\"", "timeout", "more than 0"),
        ("url = \"redis://h\"\ntimeout = \"61s\"", "timeout", "60 s at most"),
        ("url = \"redis://h\"\ntimeout = \"2\"", "timeout", "invalid value"),
        ("url = \"redis://h\"\nrecords = 0", "records", "at least one"),
        ("url = \"redis://h\"\non_outage = \"deny\"", "on_outage", "unknown value"),
        ("url = \"redis://h\"\npath = \"\"", "path", "needs a name"),
        ("url = \"redis://h\"\npth = \"d\"", "pth", "unknown key"),
        ("url = \"redis://h\"\nca = \"/dev/null\"", "ca", "no certificate"),
        ("url = \"rediss://h\"\nca = \"/nowhere.pem\"", "ca", "can't be read"),
    ] {
        let told = read(toml).unwrap_err();
        let place = format!("accounts.account.{path}: ");
        let found = told.iter().any(|problem| problem.starts_with(&place) && problem.contains(says));
        assert!(found && !told.join("").contains("planted"), "{toml}: {told:?}");
    }
}

#[test]
fn every_mistake_is_told_at_once() {
    let told =
        read("url = \"http://h\"\nprefix = \"\"\ntimeout = \"0\"\npath = \"\"\nrecords = 0").unwrap_err();
    assert_eq!(told.len(), 5, "{told:?}");
}

#[test]
fn nothing_that_is_kept_prints_a_password() {
    let reach = read("url = \"redis://planted:planted@h\"").unwrap();
    assert!(!format!("{reach:?} {:?}", reach.link()).contains("planted"));
}
