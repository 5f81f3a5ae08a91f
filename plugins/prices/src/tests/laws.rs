//! What holds of any usage.

use std::sync::LazyLock;

use proptest::prelude::*;
use sluice_api::cost::{CeilingAsk, ListedAsk, PriceAsk, Usage};

use super::{DAY, time};
use crate::list::List;

static LIST: LazyLock<List> = LazyLock::new(|| List::built_in().unwrap());

fn usages() -> impl Strategy<Value = Usage> {
    let tokens = 0_u64..2_000_000;
    let parts = prop::array::uniform8(tokens.clone());
    (prop::array::uniform5(tokens), parts, 0_u64..5).prop_map(|(tokens, parts, searches)| {
        let mut usage = Usage::new(tokens[0], tokens[1]);
        (usage.cache_write_5m, usage.cache_write_1h, usage.cache_read) = (tokens[2], tokens[3], tokens[4]);
        // Also parts that are more than their class.
        (usage.reasoning, usage.audio_output, usage.image_output) = (parts[0], parts[1], parts[2]);
        (usage.audio_input, usage.image_input, usage.video_input) = (parts[3], parts[4], parts[5]);
        (usage.audio_cache_read, usage.image_cache_read) = (parts[6], parts[7]);
        usage.web_searches = searches;
        usage
    })
}

proptest! {
    #[test]
    fn a_price_is_the_exact_sum_of_its_lines_rounded_once(usage in usages(), tier in 0_usize..4) {
        for model in ["claude-haiku-5-5", "claude-opus-5-5", "gpt-6.1-sol", "gemini-2.5-pro"] {
            let mut ask = PriceAsk::new("gemini", model, &usage, time(DAY));
            ask.tier = [None, Some("batch"), Some("flex"), Some("priority")][tier];
            let priced = LIST.price(&ask).unwrap();
            let exact: u128 = priced.lines.iter().map(|line| line.amount.units()).sum();
            prop_assert_eq!(exact, priced.total.units());
            let units = u128::try_from(priced.cost.units()).unwrap();
            prop_assert!(exact.abs_diff(units * 10_u128.pow(11)) * 2 <= 10_u128.pow(11));
            let fees = ["web_search", "grounded_prompt"];
            let tokens = priced.lines.iter().filter(|line| !fees.contains(&line.class));
            let tokens: u64 = tokens.map(|line| line.quantity).sum();
            prop_assert_eq!(tokens, usage.total(), "each token is in exactly one line");
        }
    }

    #[test]
    fn no_usage_is_too_much_to_be_priced(count in any::<u64>()) {
        let mut usage = Usage::new(count, u64::MAX);
        (usage.cache_write_5m, usage.cache_read, usage.web_searches) = (u64::MAX, count, u64::MAX);
        let mut ask = PriceAsk::new("claude-console", "claude-opus-5-5", &usage, time(DAY));
        ask.geo = Some("us");
        prop_assert!(LIST.price(&ask).unwrap().cost.units() > 0);
    }
}

/// The most of everything that these may have used.
fn most(usage: &Usage) -> Usage {
    let mut most = Usage::new(usage.all_input(), usage.output);
    most.web_searches = usage.web_searches;
    most
}

proptest! {
    #[test]
    fn no_request_costs_more_than_its_ceiling(
        usage in usages(), asked in 0_usize..5, served in any::<bool>(), fast in any::<bool>(), us in any::<bool>(), hour in 0_i64..24,
    ) {
        let time = time(DAY) + jiff::SignedDuration::from_hours(hour);
        for (provider, model) in [
            ("claude-console", "claude-haiku-5-5"), ("claude-console", "claude-opus-5-5"), ("openai", "gpt-6.1-sol"),
            ("openai", "gpt-5.5"), ("gemini", "gemini-2.5-pro"), ("gemini", "gemini-2.5-flash"), ("openai", "gpt-audio"),
            ("openai", "h"),
        ] {
            let most = most(&usage);
            let mut ask = CeilingAsk::new(provider, model, &most, time);
            ask.tier = [None, Some("batch"), Some("flex"), Some("ultrafast"), Some("auto")][asked];
            ask.speed = fast.then_some("fast");
            let mut price = PriceAsk::new(provider, model, &usage, time);
            // As it was asked for, or as usual, or sooner where that was left to the upstream.
            let left = matches!(ask.tier, None | Some("auto"));
            price.tier = if served { if left { Some("priority") } else { ask.tier } } else { None };
            (price.speed, price.geo) = (ask.speed, us.then_some("us"));
            let (Some(priced), ceiling) = (HOURS.price(&price), HOURS.ceiling(&ask)) else { continue };
            prop_assert!(Some(priced.total) <= ceiling, "{} costs {}, at most {:?}", model, priced.total, ceiling);
        }
    }
}

static HOURS: LazyLock<List> = LazyLock::new(|| {
    let hours = "[models.h]\ninput = \"1\"\noutput = \"2\"\nper_web_search = \"0.01\"\n\
        off_peak = { hours_utc = \"16:30-00:30\", input = \"3\" }";
    LIST.clone().overlaid("f", hours).unwrap()
});

#[test]
fn a_ceiling_is_the_dearest_rate_that_a_request_can_reach_and_no_dearer() {
    let ceiling = |provider: &str, model: &str, most: &Usage, tier, geo| {
        let mut ask = CeilingAsk::new(provider, model, most, time(DAY));
        (ask.tier, ask.geo) = (tier, geo);
        HOURS.ceiling(&ask).map(|ceiling| ceiling.to_string())
    };
    let plain = Usage::new(1_000_000, 1_000);
    for (provider, model, input, tier, geo, expected) in [
        // Above the band's threshold, written to a cache for an hour, where that costs most: 1 and 2.5, times 1.1.
        ("claude-console", "claude-haiku-5-5", 1_000_000, Some("standard"), None, Some("1.10275")),
        ("claude-console", "claude-haiku-5-5", 100_000, Some("standard"), Some("global"), Some("0.0205")),
        ("claude-console", "claude-haiku-5-5", 100_001, Some("standard"), Some("global"), Some("0.102501")),
        // Priority is what a project of OpenAI's may have by itself.
        ("openai", "gpt-5.4-mini", 1_000, None, Some("x"), Some("0.0105")),
        ("openai", "gpt-5.4-mini", 1_000, Some("default"), Some("x"), Some("0.00525")),
        ("openai", "gpt-5.4-mini", 1_000, Some("flex"), Some("x"), Some("0.00525")),
        ("openai", "text-embedding-3-small", 1_000, None, None, Some("0.00002")),
        ("openai", "nobodys", 1, None, None, None),
    ] {
        let mut most = plain;
        most.input = input;
        if model.starts_with("text") {
            most.output = 0;
        }
        assert_eq!(
            ceiling(provider, model, &most, tier, geo).as_deref(),
            expected,
            "{model} of {input} in {tier:?}"
        );
    }
    let mut searches = Usage::default();
    searches.web_searches = 3;
    assert_eq!(
        ceiling("gemini", "gemini-2.5-pro", &searches, None, None).as_deref(),
        Some("0.035"),
        "by the prompt"
    );
    assert_eq!(ceiling("gemini", "gemini-3.5-flash", &searches, None, None).as_deref(), Some("0.042"));
    assert_eq!(
        ceiling("openai", "text-embedding-3-small", &searches, None, None),
        None,
        "a fee that nobody knows"
    );
    assert_eq!(
        ceiling("openai", "gpt-image-2", &Usage::new(0, 1_000), None, None).as_deref(),
        Some("0.03"),
        "pictures are the dearest of its answers"
    );
    let lengths = HOURS.lengths(&ListedAsk::new("claude-console", "claude-opus-5-5-20260901", time(DAY)));
    assert_eq!((lengths.input, lengths.output), (Some(1_000_000), Some(128_000)));
}
