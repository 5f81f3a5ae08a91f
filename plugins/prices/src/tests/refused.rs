//! Files that are refused, each with its place and a sentence.

use crate::list::List;

fn check(text: &str, line: usize, path: &str, says: &str) {
    let problem = List::default().overlaid("f", text).unwrap_err();
    assert_eq!(
        (problem.file.as_str(), problem.line, problem.path.as_str()),
        ("f", Some(line), path),
        "{text}"
    );
    assert!(problem.message.contains(says), "{problem:?}");
}

#[test]
fn a_file_of_our_own_with_a_mistake_is_refused_where_it_stands() {
    for (text, line, path, says) in [
        ("[models.m]\ninput = \"-1\"", 2, "models.m.input", "not below zero"),
        ("[models.m]\ninput = \"x\"", 2, "models.m.input", "no decimal number"),
        ("[models.m]\ninput = nan", 2, "models.m.input", "no decimal number"),
        ("[models.m]\ninput = true", 2, "models.m.input", "a decimal number"),
        ("[models.m]\ninput = { a = 1 }", 2, "models.m.input", "a decimal number"),
        ("[models.m]\ninput = \"1e12\"", 2, "models.m.input", "too large"),
        ("[models.m]\ninput = \"1\"\ninptu = \"1\"", 3, "models.m.inptu", "unknown key `inptu`"),
        ("[models.m]\nmax_output_tokens = 1", 1, "models.m", "names no price"),
        (
            "[models.m]\ninput = \"1\"\n[[models.m.tiers]]\ninput = \"2\"",
            3,
            "models.m.tiers[0]",
            "needs `above`",
        ),
        (
            "[models.m]\ninput = \"1\"\ntiers = [{ above = 1 },\n{ above = 1 }]",
            4,
            "models.m.tiers[1]",
            "two for prompts above 1",
        ),
        ("[models.m]\ninput = \"1\"\nservice_tiers.x = {}", 3, "models.m.service_tiers.x", "unknown key `x`"),
        ("[models.m]\ninput = \"1\"\ngeo.us = \"1.0001\"", 3, "models.m.geo.us", "more decimals"),
        ("[models.m]\ninput = \"1\"\neffective_from = \"soon\"", 3, "models.m.effective_from", "a day like"),
        (
            "[[models.m]]\ninput = \"1\"\n[[models.m]]\ninput = \"2\"",
            3,
            "models.m[1]",
            "after that of the one before",
        ),
        ("[models.a]\nalias_of = \"a\"", 1, "a", "an alias of itself"),
        ("[models.a]\nalias_of = \"b\"", 1, "a", "no model of this name"),
        ("[models.a]\nalias_of = \"b\"\ninput = \"1\"", 1, "models.a", "no other keys"),
        (
            "[models.m]\ninput = \"1\"\n[models.a]\nalias_of = \"b\"\n[models.b]\nalias_of = \"m\"",
            3,
            "a",
            "an alias of an alias",
        ),
        (
            "[models.m]\ninput = \"1\"\noff_peak = { hours_utc = \"1\" }",
            3,
            "models.m.off_peak.hours_utc",
            "hours of a day",
        ),
        (
            "[models.m]\ninput = \"1\"\noff_peak = { hours_utc = \"01:00-02:00\", outptu = \"1\" }",
            3,
            "models.m.off_peak.outptu",
            "unknown key `outptu`",
        ),
        (
            "[models.a]\nalias_of = \"b\"\n[models.b]\nalias_of = \"c\"\n[models.c]\nalias_of = \"a\"",
            1,
            "a",
            "an alias of an alias",
        ),
        ("[other]", 1, "other", "unknown key `other`"),
        ("[models]\nm = 1", 2, "models.m", "a table"),
    ] {
        check(text, line, path, says);
    }
}

#[test]
fn a_file_of_the_communitys_with_a_mistake_is_refused_where_it_stands() {
    let wrong = |value: &str| format!("{{\n\"m\": {{\n\"input_cost_per_token\": {value}\n}}}}");
    for (value, says) in [
        ("-1e-6", "not below zero"),
        ("\"x\"", "no decimal number"),
        ("true", "a decimal number"),
        ("null", "a decimal number"),
        ("{}", "a decimal number"),
        ("[1]", "a decimal number"),
        ("1e6", "too large"),
    ] {
        check(&wrong(value), 3, "m.input_cost_per_token", says);
    }
    check("{\n\"m\": {\"input_cost_per_token\": 1},\n\"m\": {}}", 3, "m", "twice");
    check("{\n\"a\": {\"alias_of\": \"a\"}}", 2, "a", "an alias of itself");
    check("{\n\"a\": {\"alias_of\": \"b\"}}", 2, "a", "no model of this name");
    check("{\n\"a\": {\"alias_of\": \"a\", \"mode\": \"chat\"}}", 2, "a", "no other keys");
}
