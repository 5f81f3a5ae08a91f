//! Worked examples: usage whose cost was worked out by hand, priced by the built-in list.

use sluice_api::cost::{PriceAsk, Usage};

use super::{DAY, cost, time};
use crate::list::List;

/// Input, cache writes for 5 minutes and an hour, cache reads, output, reasoning in it, web searches.
fn usage([input, short, long, read, output, reasoning, searches]: [u64; 7]) -> Usage {
    let mut usage = Usage::new(input, output);
    (usage.cache_write_5m, usage.cache_write_1h, usage.cache_read) = (short, long, read);
    (usage.reasoning, usage.web_searches) = (reasoning, searches);
    usage
}

#[test]
fn worked_examples_cost_what_they_were_worked_out_to() {
    let list = List::built_in().unwrap();
    for (provider, model, tier, used, total) in [
        ("claude-console", "claude-opus-5-5", None, [1_234, 10_000, 0, 50_000, 789, 0, 0], "0.080716"),
        (
            "claude-console",
            "claude-sonnet-4-5",
            None,
            [2_000, 1_500, 8_000, 12_345, 4_321, 0, 3],
            "0.1581435",
        ),
        ("claude-console", "claude-haiku-5-5", None, [20_000, 30_000, 0, 50_000, 1_000, 0, 0], "0.00675"),
        ("claude-console", "claude-haiku-5-5", None, [20_001, 30_000, 0, 50_000, 1_000, 0, 0], "0.0337505"),
        ("claude-console", "claude-opus-5-5", Some("fast"), [1_000, 0, 0, 20_000, 500, 0, 0], "0.036"),
        (
            "claude-console",
            "claude-sonnet-5-5",
            Some("batch"),
            [100_000, 0, 0, 4_000, 20_000, 0, 0],
            "0.2002",
        ),
        ("openai", "gpt-5.5", None, [3_808, 0, 0, 8_192, 2_500, 1_000, 0], "0.098136"),
        ("openai-responses", "gpt-5.6-sol", None, [5_000, 9_000, 6_000, 10_000, 3_000, 0, 0], "0.189"),
        ("openai", "gpt-6.1-sol", Some("priority"), [50_000, 50_000, 0, 200_000, 4_000, 0, 0], "1.1"),
        ("gemini", "gemini-2.5-pro", None, [150_000, 0, 0, 100_000, 4_000, 2_500, 1], "0.495"),
        (
            "bedrock",
            "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
            None,
            [5_000, 2_000, 1_000, 40_000, 1_200, 0, 0],
            "0.06435",
        ),
        ("gemini", "gemini-3.8-flash", Some("flex"), [5_504, 0, 0, 4_096, 2_000, 1_200, 2], "0.0339676"),
        // Since this was worked out without them, the model has flex rates of its own for long prompts: half.
        ("gemini", "gemini-2.5-pro", Some("flex"), [250_000, 0, 0, 0, 100, 0, 0], "0.31325"),
        ("openai", "gpt-5.5", Some("priority"), [300_000, 0, 0, 0, 1_000, 0, 0], "3.045"),
        ("openai", "gpt-5.5", Some("flex"), [100_000, 0, 0, 200_000, 1_000, 0, 0], "0.6225"),
        ("claude-console", "claude-fable-5-2", None, [1_000, 0, 0, 0, 100, 0, 0], "0.012"),
        ("openai", "gpt-5.5", None, [22_001, 0, 0, 250_000, 0, 0, 0], "0.47001"),
        ("openai", "gpt-4o-2024-05-13", None, [1_000, 0, 0, 0, 0, 0, 0], "0.005"),
    ] {
        let found = cost(&list, provider, model, tier, &usage(used));
        assert_eq!(found.as_deref(), Some(total), "{model} {tier:?} {used:?}");
    }
}

#[test]
fn where_and_how_fast_an_answer_was_made_multiplies_tokens_and_never_fees() {
    let list = List::built_in().unwrap();
    let cost = |model: &str, searches, speed, geo| {
        let used = usage([1_000, 0, 0, 20_000, 500, 0, searches]);
        let mut ask = PriceAsk::new("claude-console", model, &used, time(DAY));
        (ask.tier, ask.speed, ask.geo) = (Some("standard"), Some(speed), Some(geo));
        list.price(&ask).map(|priced| priced.cost.to_string())
    };
    for (model, searches, speed, geo, total) in [
        ("claude-opus-5-5", 0, "fast", "us", Some("0.0396")),
        ("claude-opus-5-5", 1, "fast", "us", Some("0.0496")),
        ("claude-opus-5-5", 0, "fast", "global", Some("0.036")),
        ("claude-opus-5-5", 0, "standard", "not_available", Some("0.018")),
        // Nobody sells it, so that nobody knows what it costs.
        ("claude-sonnet-5-5", 0, "fast", "us", None),
        ("claude-sonnet-4-5", 0, "standard", "us", Some("0.0165")),
    ] {
        assert_eq!(cost(model, searches, speed, geo).as_deref(), total, "{model} {searches} {speed} {geo}");
    }
}

#[test]
fn audio_and_images_have_rates_of_their_own() {
    let list = List::built_in().unwrap();
    let mut heard = Usage::new(2_620, 812);
    (heard.audio_input, heard.reasoning) = (1_920, 512);
    assert_eq!(cost(&list, "gemini", "gemini-2.5-flash", None, &heard).as_deref(), Some("0.00416"));
    // A model without one bills them as text, and says so.
    let mut seen = Usage::new(1_000, 0);
    seen.image_input = 1_000;
    let priced = list.price(&PriceAsk::new("claude-console", "claude-opus-5-5", &seen, time(DAY))).unwrap();
    assert_eq!(priced.cost.to_string(), "0.004");
    let lines: Vec<_> = priced.lines.iter().map(|line| (line.class, line.quantity, line.rule)).collect();
    assert_eq!(lines, [("image_input", 1_000, Some("input"))]);
}

#[test]
fn turns_that_add_up_have_the_rates_of_their_own_length() {
    let list = List::built_in().unwrap();
    let turn = |input| usage([input, 0, 0, 0, 1_000, 0, 0]);
    let whole = usage([140_000, 0, 0, 0, 2_000, 0, 1]);
    let mut ask = PriceAsk::new("claude-console", "claude-haiku-5-5", &whole, time(DAY));
    let total = |ask: &PriceAsk<'_>| list.price(ask).unwrap().cost.to_string();
    assert_eq!(total(&ask), "0.085", "one prompt of 140,000");
    let turns = [turn(70_000), turn(70_000)];
    ask.turns = &turns;
    assert_eq!(total(&ask), "0.025", "two of 70,000");
    let turns = [turn(20_000), turn(120_000)];
    ask.turns = &turns;
    assert_eq!(total(&ask), "0.075", "one below the threshold and one above it");
    let lines = list.price(&ask).unwrap().lines;
    let lines: Vec<_> =
        lines.iter().map(|line| (line.class, line.quantity, line.amount.to_string())).collect();
    assert_eq!(
        lines,
        [
            ("input", 20_000, "0.002".to_owned()),
            ("output", 1_000, "0.0005".to_owned()),
            ("input", 120_000, "0.06".to_owned()),
            ("output", 1_000, "0.0025".to_owned()),
            ("web_search", 1, "0.01".to_owned()),
        ]
    );
}

#[test]
fn what_was_used_beside_what_is_told_leaves_the_request_without_a_price() {
    let list = List::built_in().unwrap();
    let mut used = usage([1_000, 0, 0, 0, 1_000, 0, 0]);
    assert!(cost(&list, "claude-console", "claude-opus-5-5", None, &used).is_some());
    used.more = true;
    assert_eq!(cost(&list, "claude-console", "claude-opus-5-5", None, &used), None);
}

#[test]
fn scheduled_prices_hold_from_their_day_on() {
    let list = List::built_in().unwrap();
    let used = usage([1_000_000, 0, 0, 0, 0, 0, 0]);
    let read = usage([0, 0, 0, 1_000_000, 0, 0, 0]);
    for (provider, model, used, at, total) in [
        ("gemini", "gemini-4-argon", &used, "2026-11-30T23:59:59Z", "2"),
        ("gemini", "gemini-4-argon", &used, "2026-12-01T00:00:00Z", "4"),
        ("gemini", "gemini-3.8-flash", &used, "2026-12-31T23:59:59Z", "0.75"),
        ("gemini", "gemini-3.6-flash", &used, "2027-01-01T00:00:00Z", "1.5"),
        ("claude-console", "claude-sonnet-5-5", &read, "2026-10-06T23:59:59Z", "0.2"),
        ("claude-console", "claude-sonnet-5-5", &read, "2026-10-07T00:00:00Z", "0.1"),
    ] {
        let priced = list.price(&PriceAsk::new(provider, model, used, time(at))).unwrap();
        assert_eq!(priced.cost.to_string(), total, "{model} at {at}");
    }
}

#[test]
fn each_cloud_has_prices_and_uplifts_of_its_own() {
    let list = List::built_in().unwrap();
    let text = usage([1_000_000, 0, 0, 0, 1_000_000, 0, 0]);
    for (provider, model, geo, total) in [
        ("simulated", "vertex_ai/claude-opus-5-5", None, "24"),
        ("simulated", "vertex_ai/claude-opus-5-5", Some("regional"), "26.4"),
        ("simulated", "vertex_ai/claude-opus-5-5", Some("global"), "24"),
        ("simulated", "publishers/anthropic/models/claude-haiku-4-5@20251001", Some("regional"), "6.6"),
        ("openai-compatible", "google/gemini-3.8-flash", None, "4.5"),
        ("openai-compatible", "google/gemini-2.5-flash", Some("regional"), "2.8"),
        ("gemini", "gemini-2.5-flash", Some("regional"), "2.8"),
        // Bedrock's geographies are 10 % dearer for Claude, 20 % for the government, and for Nova as each says.
        ("bedrock", "anthropic.claude-opus-5-5", None, "24"),
        ("bedrock", "eu.anthropic.claude-opus-5-5", None, "26.4"),
        ("bedrock", "jp.anthropic.claude-sonnet-5-5", None, "13.2"),
        ("bedrock", "au.anthropic.claude-haiku-4-5-20251001-v1:0", None, "6.6"),
        ("bedrock", "us-gov.anthropic.claude-sonnet-4-5-20250929-v1:0", None, "34.2"),
        ("bedrock", "amazon.nova-pro-v1:0", None, "4"),
        ("bedrock", "us.amazon.nova-pro-v1:0", None, "4"),
        ("bedrock", "eu.amazon.nova-pro-v1:0", None, "5.25"),
        ("bedrock", "apac.amazon.nova-pro-v1:0", None, "4.2"),
        ("bedrock", "global.openai.gpt-6-luna", None, "0.95"),
        ("azure-openai", "gpt-5-codex", None, "11.25"),
        ("openai", "gpt-5.1-codex-mini", None, "2.25"),
        ("openai", "gpt-5.3-codex", None, "15.75"),
    ] {
        let mut ask = PriceAsk::new(provider, model, &text, time(DAY));
        ask.geo = geo;
        let priced = list.price(&ask).unwrap_or_else(|| panic!("{model} has no price"));
        assert_eq!(priced.cost.to_string(), total, "{model} at {geo:?}");
    }
}

#[test]
fn pictures_and_voices_have_rates_of_their_own() {
    let list = List::built_in().unwrap();
    let mut picture = Usage::new(60, 1_000);
    (picture.image_input, picture.image_output) = (40, 1_000);
    let mut heard = Usage::new(1_000, 100);
    heard.audio_input = 900;
    let mut spoken = Usage::new(100, 1_000);
    spoken.audio_output = 1_000;
    for (provider, model, used, at, total) in [
        ("openai", "gpt-image-1.5", &picture, DAY, "0.03242"),
        ("openai", "gpt-image-2.5-sunburst", &picture, DAY, "0.03042"),
        ("gemini", "gemini-3-pro-image", &picture, DAY, "0.12012"),
        ("openai", "gpt-4o-transcribe", &heard, DAY, "0.0035"),
        ("openai", "gpt-4o-mini-tts", &spoken, DAY, "0.01206"),
        ("gemini", "gemini-3.8-flash-tts", &spoken, "2026-12-31T23:59:59Z", "0.00905"),
        ("gemini", "gemini-3.8-flash-tts", &spoken, "2027-01-01T00:00:00Z", "0.0181"),
        ("gemini", "gemini-robotics-er-2-preview", &heard, DAY, "0.0015"),
        ("simulated", "vertex_ai/gemini-4-argon", &heard, "2026-11-30T23:59:59Z", "0.003"),
        ("simulated", "vertex_ai/gemini-4-argon", &heard, "2026-12-01T00:00:00Z", "0.006"),
    ] {
        let priced = list.price(&PriceAsk::new(provider, model, used, time(at)));
        assert_eq!(priced.map(|priced| priced.cost.to_string()).as_deref(), Some(total), "{model} at {at}");
    }
}

#[test]
fn a_price_names_entry_rule_list_and_lines() {
    let list = List::built_in().unwrap();
    let used = usage([10, 0, 0, 0, 20, 5, 0]);
    let ask = PriceAsk::new("claude-console", "claude-opus-5-5-20260901", &used, time(DAY));
    let priced = list.price(&ask).unwrap();
    let entry = &priced.source.entry;
    let told = (&*entry.name, priced.source.rule, &*entry.list);
    assert_eq!(told, ("claude-opus-5-5", "date", "built-in list of 2026-11-27"));
    assert!(entry.hash.starts_with("sha256:") && entry.hash.len() == 71, "{}", entry.hash);
    let lines: Vec<_> = priced.lines.iter().map(|line| (line.class, line.quantity, line.rule)).collect();
    assert_eq!(lines, [("input", 10, None), ("output", 15, None), ("reasoning", 5, Some("output"))]);
    let told: Vec<_> =
        priced.lines.iter().map(|line| (line.rate.to_string(), line.amount.to_string())).collect();
    let told: Vec<_> = told.iter().map(|(rate, amount)| (rate.as_str(), amount.as_str())).collect();
    assert_eq!(told, [("0.000004", "0.00004"), ("0.00002", "0.0003"), ("0.00002", "0.0001")]);
}

#[test]
fn a_model_that_is_not_in_the_list_has_no_price() {
    let list = List::built_in().unwrap();
    let used = usage([1, 0, 0, 0, 1, 0, 0]);
    for model in ["claude-opus", "claude-opus-5-5-fast", "gpt-5.5-turbo", "gpt", "m", "gemini-2.5-pro"] {
        assert_eq!(cost(&list, "openai", model, None, &used), None, "{model}");
    }
}

#[test]
fn calls_cost_a_fee_each_by_the_tool_that_was_called() {
    let list = List::built_in().unwrap();
    let of = |provider: &str, model: &str, set: fn(&mut Usage)| {
        let mut used = Usage::default();
        set(&mut used);
        cost(&list, provider, model, None, &used)
    };
    let searches: fn(&mut Usage) = |used| used.web_searches = 2;
    let previews: fn(&mut Usage) = |used| used.web_search_previews = 2;
    let others: fn(&mut Usage) = |used| (used.file_searches, used.code_containers) = (3, 1);
    let maps: fn(&mut Usage) = |used| used.maps_prompts = 1;
    for (provider, model, set, total) in [
        ("openai", "gpt-4.1", searches, Some("0.02")),
        ("openai", "gpt-4.1", previews, Some("0.05")),
        ("openai", "gpt-6-sol", previews, Some("0.02")),
        ("openai", "gpt-6-sol", others, Some("0.0375")),
        ("gemini", "gemini-2.5-pro", searches, Some("0.035")),
        ("gemini", "gemini-3.8-flash", searches, Some("0.028")),
        ("gemini", "gemini-2.5-pro", maps, Some("0.025")),
        // By the query, of which the answer does not tell how many.
        ("gemini", "gemini-3.8-flash", maps, None),
        ("claude-console", "claude-opus-5-5", others, None),
    ] {
        assert_eq!(of(provider, model, set).as_deref(), total, "{model}");
    }
}

#[test]
fn what_a_search_fed_back_is_in_its_fee() {
    let list = List::built_in().unwrap();
    let mut used = Usage::new(1_000_600, 0);
    used.tool_input = 600;
    assert_eq!(cost(&list, "gemini", "gemini-3.5-flash", None, &used).as_deref(), Some("1.5009"));
    used.web_searches = 1;
    assert_eq!(cost(&list, "gemini", "gemini-3.5-flash", None, &used).as_deref(), Some("1.514"));
}
