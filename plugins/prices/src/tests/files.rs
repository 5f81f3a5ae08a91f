//! What a file says, and files laid over each other.

use sluice_api::cost::{PriceAsk, Usage};

use super::{cost, file, time};
use crate::list::List;

/// The price of a million tokens each of input, output and cache reads, in dollars.
fn prices(list: &List, model: &str, tier: Option<&str>) -> Option<[String; 3]> {
    let mut read = Usage::default();
    read.cache_read = 1_000_000;
    let each = [Usage::new(1_000_000, 0), Usage::new(0, 1_000_000), read];
    let told = each.map(|usage| cost(list, "openai", model, tier, &usage));
    match told {
        [Some(input), Some(output), Some(read)] => Some([input, output, read]),
        _ => None,
    }
}

fn is(list: &List, model: &str, tier: Option<&str>, expected: [&str; 3]) {
    assert_eq!(prices(list, model, tier), Some(expected.map(str::to_owned)), "{model} {tier:?}");
}

#[test]
fn an_explicit_zero_is_a_price_and_a_missing_one_falls_back() {
    let list = file(
        "[models]\nzero = { input = \"1\", output = \"2\", cache_read = \"0\" }\nnone = { input = \"1\", output = \"2\" }",
    );
    is(&list, "zero", None, ["1", "2", "0"]);
    is(&list, "none", None, ["1", "2", "1"]);
    let embeds = file("[models]\nm = { input = \"0.02\" }");
    assert_eq!(cost(&embeds, "openai", "m", None, &Usage::new(8, 0)).as_deref(), Some("0.00000016"));
    assert_eq!(cost(&embeds, "openai", "m", None, &Usage::new(8, 1)), None, "output has no price");
}

#[test]
fn a_fee_that_nobody_knows_leaves_the_request_without_a_price() {
    let list = file(
        "[models]\nm = { input = \"1\" }\nf = { input = \"1\", per_web_search = \"0.01\", per_request = \"0.5\" }",
    );
    let mut usage = Usage::new(1, 0);
    usage.web_searches = 2;
    assert_eq!(cost(&list, "openai", "m", None, &usage), None);
    assert_eq!(cost(&list, "openai", "f", None, &usage).as_deref(), Some("0.520001"));
}

#[test]
fn tiers_cost_what_they_name_and_the_rest_as_usual() {
    let list = file(
        r#"
        [models.m]
        input = "2"
        output = "8"
        cache_read = "0.5"
        service_tiers.batch = { input = "1", output = "4" }
        service_tiers.priority = { input = "4" }
        [models.none]
        input = "2"
        output = "8"
        cache_read = "0.5"
        "#,
    );
    is(&list, "m", Some("batch"), ["1", "4", "0.5"]);
    is(&list, "m", Some("priority"), ["4", "8", "0.5"]);
    is(&list, "m", Some("fast"), ["4", "8", "0.5"]);
    is(&list, "m", Some("FLEX"), ["2", "8", "0.5"]);
    is(&list, "m", Some("default"), ["2", "8", "0.5"]);
    is(&list, "none", Some("batch"), ["1", "4", "0.25"]);
}

#[test]
fn a_batch_that_names_short_cache_writes_alone_halves_the_long_ones() {
    let list = file(
        "[models.m]\ninput = \"4\"\noutput = \"20\"\ncache_write_5m = \"5\"\ncache_write_1h = \"8\"\n\
         service_tiers.batch = { input = \"2\", output = \"10\", cache_write_5m = \"2.5\" }",
    );
    let mut usage = Usage::default();
    usage.cache_write_1h = 1_000_000;
    assert_eq!(cost(&list, "openai", "m", Some("batch"), &usage).as_deref(), Some("4"));
    usage = Usage::default();
    usage.cache_write_5m = 1_000_000;
    assert_eq!(cost(&list, "openai", "m", Some("batch"), &usage).as_deref(), Some("2.5"));
}

#[test]
fn the_communitys_file_is_read_by_its_own_names() {
    let list = file(
        r#"{
        "sample_spec": {"input_cost_per_token": "per token"},
        "fallback_generalizations": [],
        "m": {"litellm_provider": "openai", "input_cost_per_token": 2e-06, "output_cost_per_token": 0.000008,
            "cache_read_input_token_cost": 5E-7, "input_cost_per_token_above_200k_tokens": "4e-06", "max_tokens": 4096.0,
            "search_context_cost_per_query": {"search_context_size_medium": 0.01}, "weekly_new_key": {},
            "provider_specific_entry": {"fast": 2, "us": 1.1, "other": "x"}},
        "x": {"litellm_provider": "xai", "input_cost_per_token": 2e-06, "input_cost_per_token_above_200k_tokens": 4e-06},
        "q": {"tiered_pricing": [{"range": [0, 32000.0], "input_cost_per_token": 1e-06},
            {"range": [32000.0, 256000.0], "input_cost_per_token": 2e-06}]},
        "hours": {"input_cost_per_token": 2e-06, "input_cost_per_token_above_200k_tokens": 4e-06,
            "off_peak_pricing": {"hours_utc": "16:30-00:30", "input_cost_per_token": 1e-06}},
        "always": {"input_cost_per_token": 2e-06, "off_peak_pricing": {}},
        "free": {"input_cost_per_token": 0, "output_cost_per_token": 0.0},
        "subscription": {"mode": "chat"},
        "latest": {"alias_of": "m"},
        "hours-latest": {"alias_of": "hours"}
        }"#,
    );
    is(&list, "free", None, ["0", "0", "0"]);
    let at = |model: &str, tokens: u64| cost(&list, "openai", model, None, &Usage::new(tokens, 0));
    for (model, tokens, total) in [
        ("m", 200_000, Some("0.4")),
        ("m", 200_001, Some("0.800004")),
        ("latest", 200_000, Some("0.4")),
        ("x", 199_999, Some("0.399998")),
        ("x", 200_000, Some("0.8")),
        ("q", 32_000, Some("0.032")),
        ("q", 32_001, Some("0.064002")),
        ("q", 300_000, Some("0.6")),
        ("hours", 1, Some("0.000002")),
        ("hours-latest", 1, Some("0.000002")),
        ("always", 1, Some("0.000002")),
        ("subscription", 1, None),
        ("sample_spec", 1, None),
    ] {
        assert_eq!(at(model, tokens).as_deref(), total, "{model} of {tokens}");
    }
    let mut usage = Usage::new(0, 1_000_000);
    usage.web_searches = 1;
    assert_eq!(cost(&list, "openai", "m", Some("fast"), &usage).as_deref(), Some("16.01"));
}

#[test]
fn a_file_adds_and_replaces_and_deletes_nothing() {
    let list = file("[models]\na = { input = \"1\" }\nb = { input = \"1\" }\nl = { alias_of = \"a\" }");
    let list = list.overlaid(
        "g",
        "{\"a\": {\"input_cost_per_token\": 2e-06}, \"c\": {\"input_cost_per_token\": 3e-06}, \"b\": {}}",
    );
    let list = list.unwrap();
    for (model, input, source) in [("a", "2", "g"), ("b", "1", "f"), ("c", "3", "g"), ("l", "2", "g")] {
        let usage = Usage::new(1_000_000, 0);
        let priced = list.price(&PriceAsk::new("openai", model, &usage, time(super::DAY))).unwrap();
        let told = (priced.cost.to_string(), priced.source.entry.list.to_string());
        assert_eq!(told, (input.to_owned(), source.to_owned()), "{model}");
    }
}

#[test]
fn a_file_with_a_day_keeps_what_held_before_it() {
    let list = file("[models.m]\ninput = \"1\"");
    let list = list.overlaid("g", "[models.m]\ninput = \"2\"\neffective_from = 2027-01-01").unwrap();
    let usage = Usage::new(1_000_000, 0);
    for (at, input) in [("2026-12-31T23:59:59Z", "1"), ("2027-01-01T00:00:00Z", "2")] {
        let priced = list.price(&PriceAsk::new("openai", "m", &usage, time(at))).unwrap();
        assert_eq!(priced.cost.to_string(), input, "{at}");
    }
}

#[test]
fn prices_of_some_hours_are_those_of_the_requests_start_whatever_its_length() {
    let ours = r#"
        [models.m]
        input = "2"
        output = "8"
        tiers = [{ above = 200000, input = "4" }]
        off_peak = { hours_utc = "16:30-00:30", input = "1" }
    "#;
    let litellm = r#"{"m": {"input_cost_per_token": 2e-06, "output_cost_per_token": 8e-06,
        "input_cost_per_token_above_200k_tokens": 4e-06,
        "off_peak_pricing": {"hours_utc": "16:30-00:30", "input_cost_per_token": 1e-06}}}"#;
    let genai = r#"[{"id": "openai", "models": [{"id": "m", "prices": [
        {"prices": {"input_mtok": 1, "output_mtok": 8}},
        {"constraint": {"start_time": "00:30:00Z", "end_time": "16:30:00Z"}, "prices":
            {"input_mtok": {"base": 2, "tiers": [{"start": 200000, "price": 4}]}, "output_mtok": 8}}]}]}]"#;
    for text in [ours, litellm, genai] {
        let list = file(text);
        for (at, input, cost) in [
            ("2026-11-28T16:29:59.999Z", 1_000, "0.01"),
            ("2026-11-28T16:30:00Z", 1_000, "0.009"),
            ("2026-11-29T00:29:59Z", 1_000, "0.009"),
            ("2026-11-29T00:30:00Z", 1_000, "0.01"),
            ("2026-11-29T00:30:00Z", 200_001, "0.808004"),
            ("2026-11-28T20:00:00Z", 200_001, "0.208001"),
        ] {
            let usage = Usage::new(input, 1_000);
            let priced = list.price(&PriceAsk::new("openai", "m", &usage, time(at))).unwrap();
            assert_eq!(priced.cost.to_string(), cost, "{at}, {input} in {text}");
        }
    }
}

#[test]
fn the_file_that_the_readme_shows_is_one() {
    let page = include_str!("../../README.md");
    let shown = page.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let list = file(shown);
    for (model, day, tokens, told) in [
        ("claude-x", "2026-11-28T12:00:00Z", 1_000_000, "6"),
        ("claude-x", "2026-11-28T12:00:00Z", 200_000, "0.6"),
        ("claude-x-latest", "2026-11-28T17:00:00Z", 200_000, "0.3"),
        ("claude-y", "2026-12-31T12:00:00Z", 1_000_000, "1"),
        ("claude-y", "2027-01-01T00:00:00Z", 1_000_000, "2"),
    ] {
        let usage = Usage::new(tokens, 0);
        let priced = list.price(&PriceAsk::new("claude-console", model, &usage, time(day))).unwrap();
        assert_eq!(priced.cost.to_string(), told, "{model} on {day}");
    }
    let names = crate::item::Item::ALL.map(|item| (item.is_tokens(), item.name()));
    for (tokens, name) in names {
        let told = if tokens { format!("`{name}`") } else { format!("`per_{name}`") };
        assert!(page.contains(&told), "{told} is not in the page");
    }
}
