//! Worked examples: usage whose cost was worked out by hand, priced by the built-in list.

use sluice_api::Usage;
use sluice_api::cost::PriceAsk;

use super::{DAY, cost, time};
use crate::item::{Counts, Item, counts};
use crate::list::List;
use crate::lookup::Rule;
use crate::quote::{Bill, Served};
use crate::rates::{Origin, Rate};

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
fn what_is_said_of_prices_by_place_multiplies_tokens_and_never_fees() {
    let list = List::built_in().unwrap();
    let prices = list.exact("claude-opus-5-5").unwrap().prices(time(DAY)).unwrap();
    let served = Served { tier: Some("fast"), geo: Some("us") };
    let of = |searches| counts(&usage([1_000, 0, 0, 20_000, 500, 0, searches]));
    assert_eq!(Bill::of(prices, &of(0), served).unwrap().total.to_string(), "0.0396");
    assert_eq!(Bill::of(prices, &of(1), served).unwrap().total.to_string(), "0.0496");
    let elsewhere = Served { geo: Some("global"), ..served };
    assert_eq!(Bill::of(prices, &of(0), elsewhere).unwrap().total.to_string(), "0.036");
}

#[test]
fn audio_and_images_have_rates_of_their_own() {
    let list = List::built_in().unwrap();
    let bill = |model: &str, used: &[(Item, u64)]| {
        let mut counts = Counts::default();
        used.iter().for_each(|(item, count)| counts.set(*item, *count));
        let prices = list.exact(model).unwrap().prices(time(DAY)).unwrap();
        Bill::of(prices, &counts, Served::default()).unwrap().total.to_string()
    };
    let heard = [(Item::Input, 700), (Item::AudioInput, 1_920), (Item::Output, 300), (Item::Reasoning, 512)];
    assert_eq!(bill("gemini/gemini-2.5-flash", &heard), "0.00416");
    // A model without one bills them as text.
    assert_eq!(bill("claude-opus-5-5", &[(Item::ImageInput, 1_000)]), "0.004");
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
        let quote = list.quote(&PriceAsk::new(provider, model, used, time(at))).unwrap();
        assert_eq!(quote.bill.total.to_string(), total, "{model} at {at}");
    }
}

#[test]
fn a_quote_names_entry_rule_list_and_lines() {
    let list = List::built_in().unwrap();
    let used = usage([10, 0, 0, 0, 20, 5, 0]);
    let ask = PriceAsk::new("claude-console", "claude-opus-5-5-20260901", &used, time(DAY));
    let quote = list.quote(&ask).unwrap();
    let told = (quote.model.name.as_str(), quote.found.rule, quote.list);
    assert_eq!(told, ("claude-opus-5-5", Rule::Date, "built-in list"));
    let lines: Vec<_> =
        quote.bill.lines().map(|line| (line.item, line.count, line.rate, line.origin)).collect();
    let (input, output) = (Rate(4_000_000_000_000), Rate(20_000_000_000_000));
    assert_eq!(
        lines,
        [
            (Item::Input, 10, input, Origin::Own),
            (Item::Output, 15, output, Origin::Own),
            (Item::Reasoning, 5, output, Origin::Other(Item::Output)),
        ]
    );
}

#[test]
fn a_model_that_is_not_in_the_list_has_no_price() {
    let list = List::built_in().unwrap();
    let used = usage([1, 0, 0, 0, 1, 0, 0]);
    for model in ["claude-opus", "claude-opus-5-5-fast", "gpt-5.5-turbo", "gpt", "m", "gemini-2.5-pro"] {
        assert_eq!(cost(&list, "openai", model, None, &used), None, "{model}");
    }
}
